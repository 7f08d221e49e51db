/* measure/capture.c - asks the engine to take layers out of a model's graph, and holds the files it made against what it says of them.
 *
 * The engine gives a file its name when it is whole; whatever it leaves when it dies ends in ".part" and is removed here. A file whose
 * size is not what was said, or a layer that was not asked for, is our own fault. Formulas: notes of the design; numpy arrays of
 * float32 in C order. */
#include "measure/capture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "measure/ask.h"
#include "measure/rows.h"
#include "measure/session_request.h"
#include "model/digest.h"

enum { REQUEST_BYTES = 64 << 10, LAYERS_MOST = 512, VALUE_BYTES = 4 };
static const double seconds_most = 1e7, bytes_most = 1e18;

static const struct field file_fields[] = {
    FIELD(FIELD_TEXT, struct captured_file, file, "name in the folder"),
    FIELD(FIELD_NUMBER, struct captured_file, layer, "from 0 on"),
    FIELD(FIELD_NUMBER, struct captured_file, heads, "of attention maps; null for hidden states"),
    FIELD(FIELD_NUMBER, struct captured_file, rows, "tokens"),
    FIELD(FIELD_NUMBER, struct captured_file, columns, "width, or tokens attended to"),
    FIELD(FIELD_NUMBER, struct captured_file, data_bytes, "float32 values"),
    FIELD(FIELD_NUMBER, struct captured_file, file_bytes, "with the file's header"),
    FIELD(FIELD_BOOL, struct captured_file, finite, "no value is infinite or not a number"),
    FIELD(FIELD_NUMBER, struct captured_file, row_sum_low, "least sum of an attention row"),
    FIELD(FIELD_NUMBER, struct captured_file, row_sum_high, "largest"),
    FIELD_OPTIONAL(FIELD_NUMBER, struct captured_file, predicted_bytes, "of the formula"),
};
static const struct fields file_table =
    FIELD_TABLE(struct captured_file, "captured file", file_fields);
static const struct field captured_fields[] = {
    FIELD(FIELD_TEXT, struct captured, llama, "llama.cpp's version"),
    FIELD(FIELD_TEXT, struct captured, prompt, "text or random tokens"),
    FIELD(FIELD_NUMBER, struct captured, load_s, "opening the model and its context, seconds"),
    FIELD(FIELD_NUMBER, struct captured, without_s, "the prompt, nothing taken; fastest run"),
    FIELD(FIELD_NUMBER, struct captured, with_s, "the prompt with the capture; fastest run"),
    FIELD(FIELD_NUMBER, struct captured, copy_s, "of that, copying and looking at values"),
    FIELD(FIELD_NUMBER, struct captured, write_s, "of that, writing files"),
    FIELD(FIELD_NUMBER, struct captured, runs, "of each kind"),
    FIELD(FIELD_NUMBER, struct captured, peak_bytes, "the most that was resident"),
    FIELD_ROWS("files", struct captured, file, files, "one a layer", file_table),
};
const struct fields captured_table = FIELD_TABLE(struct captured, "captured", captured_fields);

const char *capture_formula(enum capture_kind kind)
{
    return kind == CAPTURE_ATTENTION ? "heads x tokens x tokens x 4" : "tokens x width x 4";
}

double capture_layer_bytes(enum capture_kind kind, const struct shape *s, double tokens)
{
    const double bytes = kind == CAPTURE_ATTENTION ? s->heads * tokens * tokens * VALUE_BYTES
                                                   : tokens * s->width * VALUE_BYTES;
    return bytes > 0 ? bytes : (double)NAN;
}

const char *capture_file_name(enum capture_kind kind, double layer, struct arena *a)
{
    return str_format(a, "%s-%03.0f.npy", kind == CAPTURE_ATTENTION ? "attention" : "hidden-states",
                      layer);
}

static int by_number(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool layer_of(struct str word, double layers, double *out, struct mu_err *err)
{
    uint64_t number;
    word = str_trim(word);
    if (str_is(word, "last")) {
        *out = layers - 1;
        return true;
    }
    if (!str_u64(word, &number))
        return err_set(err, MU_USAGE,
                       "--layers takes numbers from 0, last or all, as in 0,8,last; not '%.*s'",
                       (int)least((double)word.n, 40), word.p ? word.p : "");
    if ((double)number >= layers)
        return err_set(err, MU_USAGE, "--layers: the model has the layers 0 to %.0f, no %.0f",
                       layers - 1, (double)number);
    *out = (double)number;
    return true;
}

bool capture_layers(const char *text, double layers, struct arena *a, const double **out,
                    size_t *count, struct mu_err *err)
{
    struct str rest = str_of(text);
    double *layer = NEW_ARRAY(a, double, LAYERS_MOST);
    size_t n = 0, kept = 0;
    if (!(layers >= 1) || layers > LAYERS_MOST)
        return err_set(err, MU_NO, "a model of %.0f layers cannot be captured", layers);
    if (str_is(str_trim(rest), "all"))
        while ((double)n < layers) {
            layer[n] = (double)n;
            n++;
        }
    else
        do {
            if (n == LAYERS_MOST) return err_set(err, MU_USAGE, "--layers names too many");
            if (!layer_of(str_cut(&rest, ','), layers, &layer[n], err)) return false;
            n++;
        } while (rest.p);
    qsort(layer, n, sizeof *layer, by_number);
    for (size_t i = 0; i < n; i++)
        if (!kept || layer[kept - 1] < layer[i]) layer[kept++] = layer[i];
    *out = layer;
    *count = kept;
    return true;
}

/* ---- what can be believed */

struct hearing {
    const struct capture_asked *asked;
    struct arena *arena;
    struct captured captured;
    struct captured_file *file;
    bool whole;
};

static bool in_bounds(double x, double most)
{
    return x >= 0 && x <= most;
}

/* The next layer asked for, of the size it says, on the disk too. */
static bool heard_file(struct hearing *h, const struct json *row, struct mu_err *err)
{
    const struct capture_asked *asked = h->asked;
    const bool attention = asked->kind == CAPTURE_ATTENTION;
    struct captured_file f = {.predicted_bytes = (double)NAN};
    struct stat st;
    if (!fields_read(&file_table, row, &f, h->arena, err)) return false;
    if (h->captured.files == asked->layers || f.layer != asked->layer[h->captured.files])
        return err_set(err, MU_DATA, "layer %g was not asked for", f.layer);
    const char *name = capture_file_name(asked->kind, f.layer, h->arena);
    if (!f.file || strcmp(f.file, name) != 0)
        return err_set(err, MU_DATA, "its file has another name than %s", name);
    const double values = (attention ? f.heads : 1) * f.rows * f.columns;
    if (!in_bounds(f.data_bytes, bytes_most) || f.data_bytes != values * VALUE_BYTES)
        return err_set(err, MU_DATA, "the shape and the bytes of %s do not go together", name);
    const char *path = str_format(h->arena, "%s/%s", asked->folder, name);
    if (stat(path, &st) != 0 || (double)st.st_size != f.file_bytes || f.file_bytes < f.data_bytes)
        return err_set(err, MU_DATA, "%s is not of the size that was said", path);
    f.file = name;
    f.predicted_bytes = capture_layer_bytes(asked->kind, asked->model->shape, asked->tokens);
    h->file[h->captured.files++] = f;
    return true;
}

static bool times_good(const struct captured *c)
{
    const double some[] = {c->load_s, c->without_s, c->with_s, c->copy_s, c->write_s, c->runs};
    for (size_t i = 0; i < COUNT_OF(some); i++)
        if (!in_bounds(some[i], seconds_most)) return false;
    return c->without_s > 0 && c->with_s > 0;
}

static bool heard(void *to, const struct json *row, struct mu_err *err)
{
    struct hearing *h = to;
    if (json_get(row, "file")) return heard_file(h, row, err);
    struct captured c = {.llama = NULL};
    if (h->whole || h->captured.files != h->asked->layers)
        return err_set(err, MU_DATA, "it ended after %zu of %zu layers", h->captured.files,
                       h->asked->layers);
    if (!fields_read(&captured_table, row, &c, h->arena, err)) return false;
    if (!times_good(&c) || c.peak_bytes < 0)
        return err_set(err, MU_DATA, "its times or its memory cannot be");
    if (!measure_text_good(c.llama) || !measure_text_good(c.prompt))
        return err_set(err, MU_DATA, "it lacks llama.cpp's version or what was read");
    c.llama = str_visible(h->arena, str_of(c.llama));
    c.prompt = str_visible(h->arena, str_of(c.prompt));
    c.file = h->file;
    c.files = h->captured.files;
    h->captured = c;
    h->whole = true;
    return true;
}

/* ---- the question */

static void put_request(struct buf *to, const struct capture_asked *asked, struct arena *a)
{
    struct writer w = writer_of(to, true);
    writer_map(&w);
    put_run(&w, asked->file, asked->open_file, asked->threads, asked->model, asked->knobs, a);
    writer_put_cstr(&w, "kind", asked->kind == CAPTURE_ATTENTION ? "attention" : "hidden-states");
    writer_put_number(&w, "tokens", asked->tokens);
    writer_put_cstr(&w, "folder", asked->folder);
    writer_key(&w, "layers");
    writer_list(&w);
    for (size_t i = 0; i < asked->layers; i++) writer_number(&w, asked->layer[i]);
    writer_list_end(&w);
    writer_map_end(&w);
}

/* Nothing of ours is left where the run failed: what was begun, and what was whole before something else failed. A name that the engine
 * found taken is somebody else's. */
static void remove_files(const struct hearing *h, enum mu_code why)
{
    const struct capture_asked *asked = h->asked;
    for (size_t i = 0; i < asked->layers; i++) {
        const char *path = str_format(h->arena, "%s/%s", asked->folder,
                                      capture_file_name(asked->kind, asked->layer[i], h->arena));
        if (i < h->captured.files) unlink(path);
        if (why != MU_CANTCREATE) unlink(str_format(h->arena, "%s.part", path));
    }
}

bool capture_run(const struct measuring *in, const struct capture_asked *asked,
                 struct captured *out, struct mu_err *err)
{
    if (!in->engine)
        return err_set(err, MU_UNAVAILABLE,
                       "capturing: muster-engine was not found beside muster; install it, or name "
                       "it in MUSTER_ENGINE");
    struct hearing h = {.asked = asked,
                        .arena = in->arena,
                        .file = NEW_ARRAY(in->arena, struct captured_file, asked->layers)};
    struct buf request;
    buf_init(&request, REQUEST_BYTES);
    put_request(&request, asked, in->arena);
    const struct question question = {.test = "capture",
                                      .request = buf_text(&request),
                                      .row = heard,
                                      .to = &h,
                                      .timeout_s = asked->timeout_s,
                                      .memory_most_bytes = asked->memory_most_bytes,
                                      .file = asked->file ? 0 : asked->open_file};
    struct asked_end end;
    engine_ask(in, &question, &end);
    buf_release(&request);
    if (!end.why && h.whole) {
        *out = h.captured;
        return true;
    }
    remove_files(&h, end.code);
    if (end.code == MU_USAGE)
        return err_set(err, MU_UNAVAILABLE,
                       "capturing: this muster-engine was built without llama.cpp; build it again "
                       "with it (tools/get-llama)");
    if (!end.why)
        return err_set(err, MU_INTERNAL, "capturing: muster-engine stopped before the end");
    return err_set(err, end.code == MU_OK ? MU_INTERNAL : end.code, "capturing: %s", end.why);
}
