/* muster models --installed: every model that other programs keep on this disk, and how each would run here under llama.cpp: as it is, at
 * the settings of `muster fit`, by the closed form. What llama.cpp does not load as it lies there (safetensors) is tried on vLLM where a
 * card exists (bounds); what only goes with a model, and what is not whole is listed with the reason. Left out: folders that no program
 * calls its own, but for the one given. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/files.h"
#include "base/notes.h"
#include "base/units.h"
#include "model/digest.h"
#include "model/model.h"
#include "model/stores.h"
#include "verb/models.h"
#include "verb/served.h"

struct installed_row {
    const struct stored *stored;
    struct verdict verdict;
    const char *quant, *where; /* where: NULL when it does not run */
    const char *why;           /* why nothing is judged; NULL: it is */
    bool served;               /* as published, by another program: */
    struct served as;
};

/* A reason why such a thing is not run as it lies there; NULL: there is none. */
static const char *not_run(const struct stored *s, struct arena *a)
{
    if (s->missing) return s->missing;
    if (s->role) return str_format(a, "%s: goes with a model", s->role);
    if (!s->format) return "not known what it is";
    return strcmp(s->format, "GGUF") == 0 ? NULL : "safetensors: convert to GGUF first";
}

static void judge_row(const struct context *in, const struct machine *m, const struct world *w,
                      struct installed_row *r)
{
    struct notes notes = {.arena = in->arena};
    struct context quiet = *in;
    struct asked *asked = NEW(in->arena, struct asked);
    struct mu_err err = {.code = MU_OK};
    quiet.notes = &notes;
    r->quant = r->stored->quant;
    r->why = not_run(r->stored, in->arena);
    const bool whole = !r->stored->missing && !r->stored->role && r->stored->format;
    if (r->why && !whole) return;
    if (!asked_generate(&quiet, r->stored->path, NULL, m, asked, &err)) {
        if (!r->why) r->why = str_copy(in->arena, str_of(err.text));
        return;
    }
    if (r->why) {
        const struct placed placed = {asked, m, &r->verdict};
        if (!r->quant) r->quant = stored_words(asked);
        r->served = runtimes_stored(&placed, &r->as);
        return;
    }
    if (asked->model->quant) r->quant = asked->model->quant;
    asked->knobs.closed_form = true;
    judge_task(&asked->task, m, w, &r->verdict);
    r->why = r->verdict.why;
    if (r->verdict.fits <= FITS_PROBABLY)
        r->where = models_where(m, &r->verdict, asked->digest->shape->layers + 1, in->arena);
}

/* Of weights as published: what vLLM would do with them. */
static const char *served_words(const struct served *s, struct arena *a)
{
    const char *cards = s->cards > 1 ? str_format(a, "%.0f GPUs", s->cards) : "a GPU";
    if (!s->holds) return str_format(a, "vLLM would not hold it on %s", cards);
    if (s->own_tokens > 0 && s->cache_low_tokens >= s->own_tokens)
        return str_format(a, "vLLM on %s", cards);
    return str_format(a, "vLLM on %s, %.0f tokens", cards, s->cache_low_tokens);
}

static const char *end_words(const struct installed_row *r, struct arena *a)
{
    if (r->served) return served_words(&r->as, a);
    if (r->why) return r->why;
    if (!r->where) return "does not fit";
    return r->verdict.fits == FITS ? r->where : str_format(a, "%s, probably", r->where);
}

/* As people write it: below the home of whoever asks, "~/". */
static const char *shown_name(const char *name, const char *home, struct arena *a)
{
    const size_t n = home ? strlen(home) : 0;
    if (n < 2 || strncmp(name, home, n) != 0 || name[n] != '/') return name;
    return str_format(a, "~%s", name + n);
}

/* "awq, 4 bits" of "awq, 4 bits, groups of 128". */
static const char *short_quant(const char *quant, struct arena *a)
{
    if (!quant) return "?";
    const char *comma = strchr(quant, ',');
    const char *second = comma ? strchr(comma + 1, ',') : NULL;
    return second ? str_copy(a, (struct str){quant, (size_t)(second - quant)}) : quant;
}

static void add_row(struct doc *d, struct block *b, const struct installed_row *r, const char *home)
{
    const struct stored *s = r->stored;
    const bool judged = !r->why;
    const enum tone tone = r->where ? TONE_GOOD : judged ? TONE_BAD : TONE_DIM;
    const struct cell cell[] = {
        {.text = shown_name(s->name, home, d->arena)},
        {.text = short_quant(r->quant, d->arena)},
        {.text = units_bytes(d->arena, s->bytes)},
        {.text = judged ? units_bytes(d->arena, verdict_needs(&r->verdict)) : "-"},
        {.text = r->where ? models_rate_words(d->arena, r->verdict.decode_per_s) : "-"},
        {end_words(r, d->arena), tone},
    };
    table_row(d, b, cell);
}

static void show(struct doc *d, const struct installed_row *row, size_t rows, const char *home)
{
    static const char *const head[] = {"on this disk", "quant", "size",
                                       "memory",       "tok/s", "runs on, why"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_LEFT,  ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT};
    double bytes = 0;
    size_t run = 0;
    for (size_t i = 0; i < rows; i++) {
        bytes += row[i].stored->bytes - row[i].stored->shared_bytes;
        run += row[i].where != NULL;
    }
    if (!rows) {
        doc_answer(d, TONE_WARN, "No model is kept on this disk where programs keep theirs");
        return;
    }
    doc_answer(d, run ? TONE_GOOD : TONE_WARN, "%zu %s on this disk, %s; %zu would run here", rows,
               rows == 1 ? "model" : "models", units_bytes(d->arena, bytes), run);
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    bool served = false;
    for (size_t i = 0; i < rows; i++) {
        add_row(d, b, &row[i], home);
        served = served || row[i].served;
    }
    if (served)
        doc_note(d, TONE_DIM,
                 "vLLM: weights as published, by bounds that nothing was held against; llama.cpp "
                 "takes them once converted to GGUF");
}

static void write_served(struct writer *w, const struct installed_row *r)
{
    writer_key(w, "vllm");
    if (!r->served) {
        writer_null(w);
        return;
    }
    writer_map(w);
    writer_put_bool(w, "holds", r->as.holds);
    writer_put_number(w, "cards", r->as.cards);
    writer_put_number(w, "weight_bytes_per_card", r->as.weights_bytes);
    writer_put_number(w, "taken_bytes_per_card", r->as.taken_bytes);
    writer_put_number(w, "cache_low_tokens", r->as.cache_low_tokens);
    writer_put_number(w, "cache_high_tokens", r->as.cache_high_tokens);
    writer_map_end(w);
}

static void write_row(struct writer *w, const struct installed_row *r)
{
    const struct stored *s = r->stored;
    writer_map(w);
    writer_put_cstr(w, "name", s->name);
    writer_put_cstr(w, "store", s->store);
    writer_put_cstr(w, "path", s->path);
    writer_put_cstr(w, "format", s->format);
    writer_put_cstr(w, "quant", r->quant);
    writer_put_cstr(w, "architecture", s->architecture);
    writer_put_cstr(w, "role", s->role);
    writer_put_number(w, "bytes", s->bytes);
    writer_put_number(w, "shared_bytes", s->shared_bytes);
    writer_put_number(w, "files", (double)s->files);
    writer_put_cstr(w, "missing", s->missing);
    writer_put_cstr(w, "fits", r->why ? NULL : fits_word(r->verdict.fits));
    writer_put_number(w, "memory_bytes", r->why ? (double)NAN : verdict_needs(&r->verdict));
    writer_key(w, "decode_tokens_per_s");
    if (r->where && estimate_known(r->verdict.decode_per_s))
        writer_number(w, r->verdict.decode_per_s.likely);
    else
        writer_null(w);
    writer_put_cstr(w, "where", r->where);
    writer_put_cstr(w, "why", r->why);
    write_served(w, r);
    writer_map_end(w);
}

static void write(const struct installed_row *row, size_t rows, const struct notes *notes,
                  struct buf *out)
{
    struct writer w = document_begin(out, "installed/1");
    writer_key(&w, "rows");
    writer_list(&w);
    for (size_t i = 0; i < rows; i++) write_row(&w, &row[i]);
    writer_list_end(&w);
    write_notes(&w, notes);
    writer_map_end(&w);
}

bool models_installed(const struct context *in, const struct installed_asked *asked,
                      struct answer *out, struct mu_err *err)
{
    const struct looking looking = context_looking(in);
    const struct stored *stored;
    char path[PATH_MAX];
    const char *const folders[] = {asked->folder ? realpath(asked->folder, path) : NULL, NULL};
    if (asked->folder && (!*folders || !folder_is_there(*folders)))
        return err_set(err, MU_NOINPUT, "--folder: %s is no folder that can be read",
                       str_visible(in->arena, str_of(asked->folder)));
    const size_t rows = stores_list(&looking, folders, &stored);
    struct installed_row *row = NEW_ARRAY(in->arena, struct installed_row, rows + 1);
    for (size_t i = 0; i < rows; i++) {
        row[i].stored = &stored[i];
        judge_row(in, asked->machine, asked->world, &row[i]);
    }
    show(&out->doc, row, rows, looking.env ? looking.env("HOME") : NULL);
    show_notes(&out->doc, in->notes);
    write(row, rows, in->notes, &out->json);
    out->no = !rows;
    return true;
}
