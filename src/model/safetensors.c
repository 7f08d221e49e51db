/* model/safetensors.c - headers of safetensors files: every tensor's type, shape and place, held against each other and against the file,
 * and summed by type. Tensors must fill the file from the header's end without holes or overlaps, as the format demands.
 *
 * Parameters are counted as the model has them: numbers packed into larger integers one by one, and scales, zero points and tables of a
 * quantisation not at all (names as AutoAWQ, GPTQModel, bitsandbytes, compressed-tensors, FP8 and MXFP4 checkpoints use them). Left out:
 * the numbers themselves, and __metadata__, which decides nothing. */
#include "model/safetensors.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mapped.h"
#include "base/num.h"
#include "base/reader.h"
#include "model/safetensors_header.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    HEADER_MOST_BYTES = 32 << 20, /* 100,000 tensors take 13 MiB */
    INDEX_MOST_BYTES = 32 << 20,
    COMMAS_MOST = 1 << 20, /* of an index: bounds the tree made of it */
    LENGTH_BYTES = 8,
    NAME_MOST = 255
};

static const struct {
    const char *name;
    unsigned bits;
} types[] = {
#define STORED_ROW(name, bits) {#name, bits},
    STORED_TYPES(STORED_ROW)
#undef STORED_ROW
};

struct listing {
    const char *file; /* for messages */
    const struct hf_quantization *q;
    struct arena *a;
    struct stored *out;
    struct mu_err *err;
    struct header_tensor *tensor; /* views into the header */
    size_t tensors, room;
};

/* What belongs to a quantisation and is no parameter of the model. */
static const char *const helpers[] = {
    ".scales",
    ".qzeros",
    ".g_idx",
    ".weight_scale",
    ".weight_shape",
    ".weight_scale_inv",
    ".weight_zero_point",
    ".weight_g_idx",
    ".input_scale",
    ".output_scale",
    ".absmax",
    ".quant_map",
    ".nested_absmax",
    ".nested_quant_map",
    ".SCB",
    ".weight_format",
    "_scales",
    ".weight_global_scale",
    ".input_global_scale",
    ".k_scale",
    ".v_scale",
};
/* What holds several numbers in one element. */
static const char *const packed[] = {".qweight", ".weight_packed", "_blocks"};

static bool ends_in(struct str name, const char *const *ending, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_ends(name, str_of(ending[i]))) return true;
    return false;
}

/* How many parameters an element of this tensor stands for. */
static double parameters_each(const struct listing *l, struct str name, unsigned bits)
{
    if (!l->q || !l->q->method) return 1;
    const struct str method = str_of(l->q->method);
    const double each = l->q->bits > 0 ? floor(bits / l->q->bits) : 1;
    if (str_has(name, S(".quant_state.")) || ends_in(name, helpers, COUNT_OF(helpers))) return 0;
    if (ends_in(name, packed, COUNT_OF(packed))) return each;
    const bool bytes_of_4_bits = str_is(method, "bitsandbytes") && l->q->bits == 4 && bits == 8;
    return bytes_of_4_bits ? each : 1;
}

static bool bad(const struct listing *l, struct str tensor, const char *what)
{
    return err_set(l->err, MU_DATA, "cannot use %s: tensor %s: %s", l->file,
                   str_visible(l->a, tensor), what);
}

static bool whole_number(const struct json *j, uint64_t *out)
{
    double x;
    if (!json_number(j, &x) || !(x >= 0 && x <= 0x1p53) || x != floor(x)) return false;
    *out = (uint64_t)x;
    return true;
}

static size_t type_named(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_is(name, types[i].name)) return i;
    return COUNT_OF(types);
}

/* Room for one more, doubled when it is full. */
static void grow(struct listing *l)
{
    enum { FIRST_ROOM = 256 };
    if (l->tensors < l->room) return;
    const size_t room = l->room ? 2 * l->room : FIRST_ROOM;
    struct header_tensor *more = NEW_ARRAY(l->a, struct header_tensor, room);
    if (l->tensors) memcpy(more, l->tensor, l->tensors * sizeof *more);
    l->tensor = more;
    l->room = room;
}

static bool add_tensor(struct listing *l, const struct header_tensor *t)
{
    const size_t type = type_named(t->type);
    uint64_t bits;
    if (type == COUNT_OF(types)) return bad(l, t->name, "its dtype is not known");
    if (!num_mul(t->elements, types[type].bits, &bits) || bits % 8 || t->to - t->from != bits / 8)
        return bad(l, t->name, "its bytes are not those of its type and shape");
    struct stored_sum *sum = &l->out->sum[type];
    sum->tensors++;
    sum->elements += (double)t->elements;
    sum->bytes += (double)(t->to - t->from);
    l->out->tensors++;
    l->out->parameters += (double)t->elements * parameters_each(l, t->name, types[type].bits);
    grow(l);
    l->tensor[l->tensors++] = *t;
    return arena_within(l->a, l->err);
}

static int by_place(const void *left, const void *right)
{
    const struct header_tensor *x = left, *y = right;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

static int by_tensor(const void *left, const void *right)
{
    const struct header_tensor *x = left, *y = right;
    return str_order(x->name, y->name);
}

static bool each_once(struct listing *l)
{
    qsort(l->tensor, l->tensors, sizeof *l->tensor, by_tensor);
    for (size_t i = 1; i < l->tensors; i++)
        if (str_eq(l->tensor[i - 1].name, l->tensor[i].name))
            return bad(l, l->tensor[i].name, "it is there twice");
    return true;
}

/* From nothing to the last, each where the one before ends. */
static bool fill_the_file(struct listing *l, uint64_t *bytes)
{
    uint64_t at = 0;
    qsort(l->tensor, l->tensors, sizeof *l->tensor, by_place);
    for (size_t i = 0; i < l->tensors; i++) {
        if (l->tensor[i].from != at)
            return bad(l, l->tensor[i].name, "it leaves a hole in the file or lies over another");
        at = l->tensor[i].to;
    }
    *bytes = at;
    return true;
}

static bool add_tensors(struct listing *l, struct str header, uint64_t *bytes)
{
    struct header_scan scan = {.file = l->file, .text = header, .a = l->a};
    struct header_tensor t;
    struct mu_err damage = {.code = MU_OK};
    while (header_next(&scan, &t, &damage))
        if (!add_tensor(l, &t)) return false;
    if (damage.code != MU_OK) return err_set(l->err, damage.code, "%s", damage.text);
    if (!l->tensors) return err_set(l->err, MU_DATA, "cannot use %s: it holds no tensors", l->file);
    return each_once(l) && fill_the_file(l, bytes);
}

static bool few_commas(struct str text)
{
    size_t commas = 0;
    for (size_t i = 0; i < text.n; i++) commas += text.p[i] == ',' || text.p[i] == '[';
    return commas <= COMMAS_MOST;
}

/* Where the header stands in the file's front. */
static bool header_of(struct str bytes, const char *file, struct str *out, struct mu_err *err)
{
    struct reader r = reader_of(bytes.p, bytes.n);
    const uint64_t length = reader_u64(&r);
    if (r.bad || length < 2)
        return err_set(err, MU_DATA, "cannot use %s: it is not a safetensors file", file);
    if (length > HEADER_MOST_BYTES)
        return err_set(err, MU_DATA,
                       "cannot use %s: its header would be longer than %d MiB, or it is not a "
                       "safetensors file",
                       file, HEADER_MOST_BYTES >> 20);
    *out = reader_view(&r, length);
    if (r.bad) return err_set(err, MU_DATA, "cannot use %s: its header is cut off", file);
    return true;
}

static void begin(struct stored *s)
{
    *s = (struct stored){.files = 1};
    for (size_t i = 0; i < COUNT_OF(types); i++) s->sum[i].type = types[i].name;
}

static void finish(struct stored *s, const struct hf_quantization *q, struct arena *a)
{
    s->bytes = 0;
    for (size_t i = 0; i < COUNT_OF(types); i++) s->bytes += s->sum[i].bytes;
    s->bits_per_parameter = s->parameters > 0 ? s->bytes * 8 / s->parameters : 0;
    s->quantisation = q ? stored_quantisation(q, a) : NULL;
}

const char *stored_quantisation(const struct hf_quantization *q, struct arena *a)
{
    if (!q->method) return NULL;
    const char *bits = q->bits > 0 ? str_format(a, ", %.0f bits", q->bits) : "";
    const char *type = q->type ? str_format(a, ", %s", q->type) : "";
    const char *group = q->group_size > 0 ? str_format(a, ", groups of %.0f", q->group_size) : "";
    return str_format(a, "%s%s%s%s%s", q->method, bits, type, group,
                      q->double_quant ? ", scales quantised again" : "");
}

bool stored_from_bytes(struct str bytes, uint64_t file_bytes, const char *name,
                       const struct hf_quantization *q, struct arena *a, struct stored *out,
                       struct mu_err *err)
{
    struct stored made;
    struct str header = {NULL, 0};
    uint64_t data = 0, whole = 0;
    const char *file = str_visible(a, str_of(name));
    begin(&made);
    struct listing l = {.file = file, .q = q, .a = a, .out = &made, .err = err};
    if (!header_of(bytes, file, &header, err) || !add_tensors(&l, header, &data)) return false;
    if (!num_add(data, LENGTH_BYTES + header.n, &whole) || file_bytes > whole)
        return err_set(err, MU_DATA,
                       "cannot use %s: it is %.0f bytes long, and its header speaks of %.0f", file,
                       (double)file_bytes, (double)whole);
    made.file_bytes = (double)whole;
    made.missing_bytes = (double)(whole - file_bytes);
    finish(&made, q, a);
    *out = made;
    return true;
}

bool stored_from_file(const char *path, const struct hf_quantization *q, struct arena *a,
                      struct stored *out, struct mu_err *err)
{
    struct mapped file;
    uint64_t bytes = 0;
    if (!mapped_open(path, HEADER_MOST_BYTES + LENGTH_BYTES, &file, &bytes, err)) return false;
    const bool read = stored_from_bytes(file.bytes, bytes, path, q, a, out, err);
    mapped_close(&file);
    return read;
}

/* ---- several files ---- */

static int by_name(const void *left, const void *right)
{
    const char *const *x = left, *const *y = right;
    return strcmp(*x, *y);
}

/* A name in the same folder and nothing else. */
static bool plain_name(struct str s)
{
    return s.n && s.n <= NAME_MOST && s.p[0] != '.' && !memchr(s.p, '/', s.n) &&
           !memchr(s.p, 0, s.n) && str_ends(s, S(".safetensors"));
}

static bool index_files(const struct json *map, const char *name, struct arena *a,
                        const char *const **file, size_t *files, struct mu_err *err)
{
    const size_t tensors = json_count(map);
    const char **all = NEW_ARRAY(a, const char *, tensors + 1), *key = NULL;
    struct str last = {NULL, 0};
    size_t n = 0, kept = 0;
    for (const struct json *j; (j = json_next(map, &key)) != NULL;) {
        struct str value;
        if (!json_text(j, &value) || !plain_name(value))
            return err_set(err, MU_DATA,
                           "cannot use %s: tensor %s is in no safetensors file beside it", name,
                           str_visible(a, str_of(key)));
        if (!last.p || !str_eq(last, value)) all[n++] = str_copy(a, value);
        last = value;
        if (!arena_within(a, err)) return false;
    }
    if (!n) return err_set(err, MU_DATA, "cannot use %s: its weight_map names no file", name);
    qsort(all, n, sizeof *all, by_name);
    for (size_t i = 0; i < n; i++)
        if (!kept || strcmp(all[kept - 1], all[i]) != 0) all[kept++] = all[i];
    *file = all;
    *files = kept;
    return true;
}

bool stored_index_read(struct str bytes, const char *name, struct arena *a,
                       const char *const **file, size_t *files, double *tensors,
                       double *total_bytes, struct mu_err *err)
{
    struct json *root = NULL;
    uint64_t total = 0;
    const char *shown = str_visible(a, str_of(name));
    if (!few_commas(bytes))
        return err_set(err, MU_DATA, "cannot use %s: it lists more than any model has", shown);
    if (!json_parse(bytes, shown, &root, err)) return false;
    const struct json *map = json_get(root, "weight_map");
    const bool read = index_files(map, shown, a, file, files, err);
    if (read) {
        *tensors = (double)json_count(map);
        if (!whole_number(json_get(json_get(root, "metadata"), "total_size"), &total)) total = 0;
        *total_bytes = (double)total;
    }
    json_free(root);
    return read;
}

static void add_up(struct stored *all, const struct stored *one)
{
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        all->sum[i].tensors += one->sum[i].tensors;
        all->sum[i].elements += one->sum[i].elements;
        all->sum[i].bytes += one->sum[i].bytes;
    }
    all->tensors += one->tensors;
    all->parameters += one->parameters;
    all->file_bytes += one->file_bytes;
    all->missing_bytes += one->missing_bytes;
}

static bool add_shard(const char *path, const char *name, const struct hf_quantization *q,
                      struct arena *a, struct stored *all, struct mu_err *err)
{
    struct stat st;
    struct stored one = {.files = 0};
    if (stat(path, &st) != 0) {
        if (!all->missing_file) all->missing_file = str_visible(a, str_of(name));
        all->missing_files++;
        return true;
    }
    if (!stored_from_file(path, q, a, &one, err)) return false;
    add_up(all, &one);
    return true;
}

/* With all shards there, the index and their headers must agree; with some missing, its total says how much. */
static bool agree(struct stored *s, const char *index, double tensors, double total,
                  struct mu_err *err)
{
    double have = 0;
    for (size_t i = 0; i < COUNT_OF(types); i++) have += s->sum[i].bytes;
    if (!(s->missing_files > 0) && s->tensors != tensors)
        return err_set(err, MU_DATA,
                       "cannot use %s: it names %.0f tensors, and its files hold %.0f", index,
                       tensors, s->tensors);
    if (s->missing_files > 0 && total > have) {
        s->file_bytes += total - have;
        s->missing_bytes += total - have;
    }
    return true;
}

bool stored_from_index(const char *path, const struct hf_quantization *q, struct arena *a,
                       struct stored *out, struct mu_err *err)
{
    struct mapped file;
    uint64_t bytes = 0;
    const char *const *shard = NULL;
    size_t shards = 0;
    double tensors = 0, total = 0;
    const char *slash = strrchr(path, '/');
    if (!mapped_open(path, INDEX_MOST_BYTES, &file, &bytes, err)) return false;
    bool read = bytes <= INDEX_MOST_BYTES ||
                err_set(err, MU_DATA, "cannot use %s: it is longer than %d MiB", path,
                        INDEX_MOST_BYTES >> 20);
    read = read && stored_index_read(file.bytes, path, a, &shard, &shards, &tensors, &total, err);
    mapped_close(&file);
    if (!read) return false;
    struct stored made;
    begin(&made);
    for (size_t i = 0; i < shards; i++) {
        const char *at =
            slash ? str_format(a, "%.*s%s", (int)(slash - path + 1), path, shard[i]) : shard[i];
        if (!add_shard(at, shard[i], q, a, &made, err)) return false;
    }
    made.files = (double)shards;
    if (!agree(&made, str_visible(a, str_of(path)), tensors, total, err)) return false;
    finish(&made, q, a);
    *out = made;
    return arena_within(a, err);
}
