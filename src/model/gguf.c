/* model/gguf.c - one GGUF file (versions 2 and 3) as bytes: metadata and tensor table, read through the bounded reader. Every count,
 * length and offset is checked before it is used; arrays are stepped over without copying; values no cost depends on are skipped.
 *
 * Layout: "GGUF", version, counts, key-value pairs, tensor table, padding to general.alignment, tensor data. From the format's
 * description (ggml, docs/gguf.md) and the checks of llama.cpp v0.5.0 ggml/src/gguf.cpp. */
#include "model/gguf.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "base/reader.h"
#include "model/naming.h"

#include <endian.h>
#include <string.h>

enum value {
    VALUE_U8,
    VALUE_I8,
    VALUE_U16,
    VALUE_I16,
    VALUE_U32,
    VALUE_I32,
    VALUE_F32,
    VALUE_BOOL,
    VALUE_TEXT,
    VALUE_LIST,
    VALUE_U64,
    VALUE_I64,
    VALUE_F64,
    VALUE_COUNT
};
enum {
    VERSION_OLDEST = 2,
    VERSION_NEWEST = 3,
    USUAL_ALIGNMENT = 32,
    LISTS_DEEP = 4,        /* lists of lists that are stepped through */
    PAIR_LEAST_BYTES = 13, /* an empty key, its type, one byte */
    TENSOR_LEAST_BYTES = 24
};
static const uint8_t value_bytes[VALUE_COUNT] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
static const char *const key_names[GGUF_KEY_COUNT] = {
#define GGUF_NAME(key, name) name,
    GGUF_KEYS(GGUF_NAME)
#undef GGUF_NAME
};

struct scan {
    struct reader r;
    const struct gguf_source *from;
    struct arena *a;
    struct gguf *out;
    struct mu_err *err;
};

static bool refuse(const struct scan *s, const char *what)
{
    return err_set(s->err, MU_DATA, "cannot read %s as a model: %s", s->from->name, what);
}

static bool ended(const struct scan *s)
{
    s->out->cut = true;
    if (s->from->bytes.n < s->from->file_bytes)
        return refuse(s, "its header is longer than any known one; it is damaged");
    return refuse(s, "the file ends inside its header; an unfinished download, perhaps");
}

static struct str text(struct reader *r)
{
    return reader_view(r, reader_u64(r));
}

/* Steps over texts; the one loop that vocabularies make long. */
static void skip_texts(struct reader *r, uint64_t count)
{
    const uint8_t *p = r->p;
    size_t at = r->at;
    while (count > 0 && !r->bad) {
        uint64_t n = 0;
        if (r->n - at < sizeof n) break;
        memcpy(&n, p + at, sizeof n);
        n = le64toh(n);
        at += sizeof n;
        if (n > r->n - at) break;
        at += (size_t)n;
        count--;
    }
    r->at = at;
    if (count > 0) r->bad = true;
}

/* Steps over the rest of a list whose kind and count were read, lists in it included. */
static bool skip_list(struct scan *s, uint32_t kind, uint64_t count)
{
    struct level {
        uint32_t kind;
        uint64_t left;
    } level[LISTS_DEEP] = {{kind, count}};
    size_t depth = 1;
    while (depth > 0 && !s->r.bad) {
        struct level *top = &level[depth - 1];
        uint64_t bytes = 0;
        if (top->kind >= VALUE_COUNT) return refuse(s, "its metadata holds a list of unknown kind");
        if (top->kind == VALUE_TEXT) {
            skip_texts(&s->r, top->left);
        } else if (top->kind != VALUE_LIST) {
            if (!num_mul(top->left, value_bytes[top->kind], &bytes)) s->r.bad = true;
            reader_skip(&s->r, bytes);
        } else if (top->left > 0) {
            if (depth == LISTS_DEEP) return refuse(s, "its metadata nests lists too deeply");
            top->left--;
            level[depth].kind = reader_u32(&s->r);
            level[depth++].left = reader_u64(&s->r);
            continue;
        }
        depth--;
    }
    return s->r.bad ? ended(s) : true;
}

static bool skip_value(struct scan *s, uint32_t kind)
{
    if (kind >= VALUE_COUNT) return refuse(s, "its metadata holds a value of unknown kind");
    if (kind == VALUE_LIST) {
        const uint32_t of = reader_u32(&s->r);
        return skip_list(s, of, reader_u64(&s->r));
    }
    if (kind == VALUE_TEXT)
        text(&s->r);
    else
        reader_skip(&s->r, value_bytes[kind]);
    return s->r.bad ? ended(s) : true;
}

static bool is_number(uint32_t kind)
{
    return kind < VALUE_COUNT && kind != VALUE_TEXT && kind != VALUE_LIST;
}

static double number(struct reader *r, uint32_t kind)
{
    switch (kind) {
    case VALUE_U8: return reader_u8(r);
    case VALUE_I8: return (int8_t)reader_u8(r);
    case VALUE_U16: return reader_u16(r);
    case VALUE_I16: return (int16_t)reader_u16(r);
    case VALUE_U32: return reader_u32(r);
    case VALUE_I32: return (int32_t)reader_u32(r);
    case VALUE_F32: return (double)reader_f32(r);
    case VALUE_BOOL: return reader_u8(r) != 0;
    case VALUE_U64: return (double)reader_u64(r);
    case VALUE_I64: return (double)(int64_t)reader_u64(r);
    default: return reader_f64(r);
    }
}

/* A number or a list of numbers; anything else is stepped over and leaves the figure absent. */
/* One more of a list of them. */
static void add_figure(struct gguf_figure *f, double x, double at)
{
    if (x == 0) {
        if (!f->zeros) f->first_zero = at;
        f->zeros = true;
    } else if (f->value == 0) {
        f->value = x;
    } else if (x != f->value) {
        f->many |= f->differs && x != f->other;
        if (!f->differs) f->other = x;
        f->differs = true;
    }
}

static bool figure(struct scan *s, uint32_t kind, struct gguf_figure *out)
{
    if (is_number(kind)) {
        *out = (struct gguf_figure){.present = true, .value = number(&s->r, kind)};
        return s->r.bad ? ended(s) : true;
    }
    if (kind != VALUE_LIST) return skip_value(s, kind);
    const uint32_t of = reader_u32(&s->r);
    const uint64_t count = reader_u64(&s->r);
    if (!is_number(of) || count == 0 || s->r.bad) return skip_list(s, of, count);
    struct gguf_figure f = {.present = true, .list = true};
    for (uint64_t i = 0; i < count && !s->r.bad; i++) {
        const double x = number(&s->r, of);
        add_figure(&f, x, (double)i);
    }
    if (s->r.bad) return ended(s);
    *out = f;
    return true;
}

static bool words(struct scan *s, uint32_t kind, struct str *out)
{
    if (kind != VALUE_TEXT) return skip_value(s, kind);
    *out = text(&s->r);
    return s->r.bad ? ended(s) : true;
}

/* Only how many there are. */
static bool tokens(struct scan *s, uint32_t kind)
{
    if (kind != VALUE_LIST) return skip_value(s, kind);
    const uint32_t of = reader_u32(&s->r);
    const uint64_t count = reader_u64(&s->r);
    s->out->tokens = (double)count;
    return skip_list(s, of, count);
}

/* "<architecture>.block_count" and the like. */
static bool figure_by_key(struct scan *s, struct str key, uint32_t kind)
{
    const struct str architecture = s->out->architecture;
    if (architecture.n > 0 && str_starts(key, architecture) && key.n > architecture.n + 1 &&
        key.p[architecture.n] == '.') {
        const struct str rest = {key.p + architecture.n + 1, key.n - architecture.n - 1};
        for (size_t i = 0; i < GGUF_KEY_COUNT; i++)
            if (str_is(rest, key_names[i])) return figure(s, kind, &s->out->key[i]);
    }
    return skip_value(s, kind);
}

static bool pair(struct scan *s)
{
    struct gguf *g = s->out;
    const struct str key = text(&s->r);
    const uint32_t kind = reader_u32(&s->r);
    if (s->r.bad) return ended(s);
    const struct {
        const char *key;
        struct str *out;
    } texts[] = {{"general.architecture", &g->architecture},
                 {"general.name", &g->name},
                 {"general.type", &g->kind},
                 {"tokenizer.ggml.model", &g->tokenizer},
                 {"adapter.type", &g->adapter_type},
                 {"clip.projector_type", &g->projector}};
    const struct {
        const char *key;
        struct gguf_figure *out;
    } figures[] = {{"general.file_type", &g->file_type},
                   {"general.alignment", &g->alignment},
                   {"split.no", &g->split_part},
                   {"split.count", &g->split_parts},
                   {"split.tensors.count", &g->split_tensors},
                   {"adapter.lora.alpha", &g->adapter_alpha}};
    if (str_starts(key, S("adapter."))) g->adapter = true;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (str_is(key, texts[i].key)) return words(s, kind, texts[i].out);
    for (size_t i = 0; i < COUNT_OF(figures); i++)
        if (str_is(key, figures[i].key)) return figure(s, kind, figures[i].out);
    if (str_is(key, "tokenizer.ggml.tokens")) return tokens(s, kind);
    return figure_by_key(s, key, kind);
}

static bool told(struct scan *s)
{
    struct reader start = s->r;
    if (!pair(s)) return false;
    const struct str key = text(&start);
    const size_t from = start.at - key.n - sizeof(uint64_t);
    if (s->from->pair)
        s->from->pair(s->from->to, key, (struct str){s->from->bytes.p + from, s->r.at - from});
    return true;
}

/* The architecture names the other keys; it nearly always comes first. */
static bool find_architecture(struct scan *s, uint64_t pairs)
{
    const struct reader start = s->r;
    for (uint64_t i = 0; i < pairs && !s->out->architecture.n; i++) {
        const struct str key = text(&s->r);
        const uint32_t kind = reader_u32(&s->r);
        if (s->r.bad) return ended(s);
        const bool found = str_is(key, "general.architecture");
        if (!(found ? words(s, kind, &s->out->architecture) : skip_value(s, kind))) return false;
    }
    s->r = start;
    return true;
}

static bool wrong(const struct scan *s, const struct tensor *t, const char *what)
{
    return err_set(s->err, MU_DATA, "cannot read %s as a model: tensor %s %s", s->from->name,
                   str_visible(s->a, t->name), what);
}

static bool sized(const struct scan *s, const struct tensor *t, uint64_t *bytes)
{
    const struct weight_type *type = t->type < TYPES ? &s->from->types[t->type] : NULL;
    if (!type || !type->name)
        return wrong(s, t,
                     str_format(s->a,
                                "is of type %u, which is not known here; a newer muster may "
                                "know it",
                                t->type));
    uint64_t elements = 1;
    for (size_t i = 0; i < COUNT_OF(t->dims); i++)
        if (t->dims[i] == 0 || !num_mul(elements, t->dims[i], &elements))
            return wrong(s, t, "has impossible dimensions");
    if (t->dims[0] % (uint64_t)type->block)
        return wrong(s, t,
                     str_format(s->a, "has rows of %ju, no whole number of %s blocks",
                                (uintmax_t)t->dims[0], type->name));
    if (!num_mul(elements / (uint64_t)type->block, (uint64_t)type->block_bytes, bytes))
        return wrong(s, t, "is larger than can be addressed");
    return true;
}

/* *end: the furthest that any tensor reaches in the data. */
static bool tensor(struct scan *s, struct tensor *t, uint64_t alignment, uint64_t *end)
{
    *t = (struct tensor){.name = text(&s->r), .dims = {1, 1, 1, 1}};
    const uint32_t dims = reader_u32(&s->r);
    if (!s->r.bad && dims > COUNT_OF(t->dims))
        return refuse(s, "a tensor has more than four dimensions; it is damaged");
    for (uint32_t i = 0; i < dims && !s->r.bad; i++) t->dims[i] = reader_u64(&s->r);
    t->type = reader_u32(&s->r);
    const uint64_t offset = reader_u64(&s->r);
    if (s->r.bad) return ended(s);
    uint64_t bytes = 0, reach = 0;
    if (!sized(s, t, &bytes)) return false;
    if (offset % alignment || !num_add(offset, bytes, &reach))
        return wrong(s, t, "lies at an impossible offset");
    if (reach > *end) *end = reach;
    t->name.p = str_copy(s->a, t->name);
    naming_apply(t);
    return arena_within(s->a, s->err);
}

static bool tensors(struct scan *s, uint64_t count)
{
    const struct gguf_figure *f = &s->out->alignment;
    if (f->present && (f->list || f->value < 1 || f->value > UINT32_MAX ||
                       ((uint64_t)f->value & ((uint64_t)f->value - 1))))
        return refuse(s, "its general.alignment is no power of two");
    const uint64_t alignment = f->present ? (uint64_t)f->value : USUAL_ALIGNMENT;
    if (count > reader_left(&s->r) / TENSOR_LEAST_BYTES) return ended(s);
    s->out->tensor = NEW_ARRAY(s->a, struct tensor, count);
    s->out->tensors = (size_t)count;
    uint64_t end = 0, data_at = 0;
    for (uint64_t i = 0; i < count; i++)
        if (!tensor(s, &s->out->tensor[i], alignment, &end)) return false;
    if (!num_pad(s->r.at, alignment, &data_at) || !num_add(data_at, end, &end))
        return refuse(s, "its tensors reach further than can be addressed");
    s->out->header_bytes = data_at;
    if (count > 0 && end > s->from->file_bytes) s->out->missing_bytes = end - s->from->file_bytes;
    return true;
}

static bool version(struct scan *s)
{
    if (s->from->bytes.n == 0) return refuse(s, "the file is empty");
    if (!str_starts(s->from->bytes, S("GGUF"))) {
        if (str_starts(s->from->bytes, S("version https://git-lfs")))
            return refuse(s, "it is a git-lfs pointer, not the file itself; 'git lfs pull' fetches "
                             "that");
        return refuse(s, "it is not a GGUF file");
    }
    reader_skip(&s->r, 4);
    const uint32_t v = reader_u32(&s->r);
    if (s->r.bad) return ended(s);
    if (v >= VERSION_OLDEST && v <= VERSION_NEWEST) return true;
    const uint32_t swapped = __builtin_bswap32(v);
    if (swapped >= 1 && swapped <= VERSION_NEWEST)
        return refuse(s, "it is a big-endian GGUF file, which only big-endian machines run; take "
                         "the usual little-endian one");
    return err_set(s->err, MU_DATA,
                   "cannot read %s as a model: GGUF version %u is not known here (2 and 3 are)",
                   s->from->name, v);
}

bool gguf_read(const struct gguf_source *from, struct arena *a, struct gguf *out,
               struct mu_err *err)
{
    *out = (struct gguf){.file = from->name, .file_bytes = from->file_bytes};
    struct scan s = {reader_of(from->bytes.p, from->bytes.n), from, a, out, err};
    if (!version(&s)) return false;
    const uint64_t tensor_count = reader_u64(&s.r), pairs = reader_u64(&s.r);
    if (s.r.bad || pairs > reader_left(&s.r) / PAIR_LEAST_BYTES) return ended(&s);
    if (!find_architecture(&s, pairs)) return false;
    for (uint64_t i = 0; i < pairs; i++)
        if (!told(&s)) return false;
    return tensors(&s, tensor_count);
}
