/* model/attached.c - LoRA adapters and projectors in GGUF files, and which weights of a model an adapter changes: pairs of tensors
 * "NAME.lora_a" and "NAME.lora_b" for a weight NAME, A of the weight's row by the rank, B of the rank by the weight's rows; of the token
 * embedding the other way round. Norms that an adapter brings are passed over, as llama.cpp v0.5.0 does (src/llama-adapter.cpp,
 * tools/mtmd/clip.cpp). Left out: what their figures would do to an answer. */
#include "model/attached.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/mapped.h"
#include "base/num.h"
#include "model/gguf.h"

#include <math.h>
#include <stdlib.h>

enum { HEADER_MOST_BYTES = 64 << 20, TENSOR_STEP = 32, POINTER_BYTES = sizeof(void *) };

static const char *const kind_words[ATTACHED_KINDS] = {"a LoRA adapter", "a projector"};

static enum attached_kind kind_of(const struct gguf *g, bool *found)
{
    const bool adapter = g->adapter || str_is(g->kind, "adapter");
    const bool projector = str_is(g->kind, "mmproj") || str_is(g->architecture, "clip") ||
                           str_is(g->architecture, "mmproj");
    *found = adapter || projector;
    return adapter ? ATTACHED_ADAPTER : ATTACHED_PROJECTOR;
}

static bool is_sound(const struct gguf *g, enum attached_kind kind, struct arena *a,
                     struct mu_err *err)
{
    bool found;
    const enum attached_kind is = kind_of(g, &found);
    if (!found)
        return err_set(err, MU_DATA, "cannot use %s as %s: it is a model or something else of %s",
                       g->file, kind_words[kind],
                       g->architecture.n ? str_visible(a, g->architecture) : "no architecture");
    if (is != kind)
        return err_set(err, MU_DATA, "cannot use %s as %s: it is %s", g->file, kind_words[kind],
                       kind_words[is]);
    if (kind == ATTACHED_ADAPTER && g->adapter_type.n && !str_is(g->adapter_type, "lora"))
        return err_set(err, MU_DATA, "cannot use %s: it is an adapter of the kind %s, not lora",
                       g->file, str_visible(a, g->adapter_type));
    return g->tensors || err_set(err, MU_DATA, "cannot use %s: it holds no tensors", g->file);
}

static double laid_out(const struct tensor *t, const struct weight_type *types)
{
    return pad_to(tensor_bytes(t, types), TENSOR_STEP);
}

static bool read(const struct gguf_source *from, enum attached_kind kind, struct arena *a,
                 struct attached *out, struct mu_err *err)
{
    struct gguf g;
    if (!from->types || !gguf_read(from, a, &g, err) || !is_sound(&g, kind, a, err)) return false;
    const struct gguf_figure *alpha = &g.adapter_alpha;
    struct attached x = {.kind = kind,
                         .path = str_copy(a, str_of(from->name)),
                         .arch = str_visible(a, g.architecture),
                         .projects = g.projector.n ? str_visible(a, g.projector) : NULL,
                         .tensor = g.tensor,
                         .tensors = g.tensors,
                         .file_bytes = (double)(g.file_bytes + g.missing_bytes),
                         .missing_bytes = (double)g.missing_bytes,
                         .alpha = alpha->present && !alpha->list ? alpha->value : (double)NAN};
    for (size_t i = 0; i < x.tensors; i++) x.bytes += laid_out(&x.tensor[i], from->types);
    *out = x;
    return arena_within(a, err);
}

bool attached_from_bytes(struct str bytes, uint64_t file_bytes, const char *name,
                         enum attached_kind kind, const struct catalog *c, struct arena *a,
                         struct attached *out, struct mu_err *err)
{
    const struct gguf_source from = {
        .bytes = bytes, .file_bytes = file_bytes, .name = name, .types = catalog_types(c, err)};
    return read(&from, kind, a, out, err);
}

bool attached_open(const char *path, enum attached_kind kind, const struct catalog *c,
                   struct arena *a, struct attached *out, struct mu_err *err)
{
    struct mapped file;
    uint64_t bytes = 0;
    if (!mapped_open(path, HEADER_MOST_BYTES, &file, &bytes, err)) return false;
    const bool done = attached_from_bytes(file.bytes, bytes, path, kind, c, a, out, err);
    mapped_close(&file);
    return done;
}

/* ---- pairs */

static int by_name(const void *left, const void *right)
{
    const struct tensor *const *a = left, *const *b = right;
    return str_order((*a)->name, (*b)->name);
}

static const struct tensor **sorted(const struct tensor *t, size_t n, struct arena *a)
{
    const struct tensor **out = NEW_ARRAY(a, const struct tensor *, n);
    for (size_t i = 0; i < n; i++) out[i] = &t[i];
    qsort(out, n, POINTER_BYTES, by_name);
    return out;
}

static const struct tensor *named(struct str name, const struct tensor *const *sorted_by_name,
                                  size_t n)
{
    const struct tensor wanted = {.name = name}, *key = &wanted;
    const struct tensor *const *found =
        n ? bsearch(&key, sorted_by_name, n, POINTER_BYTES, by_name) : NULL;
    return found ? *found : NULL;
}

struct pairing {
    const struct attached *x;
    const struct model *model;
    const struct weight_type *types;
    const struct tensor *const *halves, *const *weights; /* by name */
    struct arena *a;
    struct mu_err *err;
};

static bool refuse(const struct pairing *p, struct str name, const char *why)
{
    return err_set(p->err, MU_DATA, "cannot use %s with %s: %s %s", p->x->path, p->model->name,
                   str_visible(p->a, name), why);
}

/* Whether A and B are what their weight asks for. */
static bool alike(const struct tensor *a, const struct tensor *b, const struct tensor *weight)
{
    if (weight->use == USE_LOOKUP && str_is(weight->name, "token_embd.weight"))
        return weight->dims[0] == b->dims[1] && weight->dims[1] == a->dims[1];
    return weight->dims[0] == a->dims[0] && weight->dims[1] == b->dims[1] &&
           a->dims[1] == b->dims[0];
}

/* The pair whose first half is A. */
static bool pair_of(const struct pairing *p, const struct tensor *a, struct str base,
                    struct adapted *out)
{
    const char *other = str_format(p->a, "%.*s.lora_b", STR_ARG(base));
    const struct tensor *b = named(str_of(other), p->halves, p->x->tensors);
    const struct tensor *weight = named(base, p->weights, p->model->tensors);
    if (!b) return refuse(p, a->name, "has no other half in it");
    if (!weight) return refuse(p, base, "is no weight of that model; the adapter is another's");
    if (!alike(a, b, weight))
        return refuse(p, base, "has other dimensions there; the adapter is another model's");
    const bool flipped = weight->use == USE_LOOKUP;
    *out = (struct adapted){.weight = weight,
                            .bytes = laid_out(a, p->types) + laid_out(b, p->types),
                            .rank = (double)(flipped ? a->dims[0] : a->dims[1]),
                            .rows = (double)(flipped ? weight->dims[0] : weight->dims[1])};
    return true;
}

static bool pair_all(const struct pairing *p, struct adapted *out, size_t *count)
{
    const struct str first = S(".lora_a"), second = S(".lora_b");
    size_t firsts = 0, seconds = 0;
    for (size_t i = 0; i < p->x->tensors; i++) {
        const struct tensor *t = p->halves[i];
        if (i > 0 && str_eq(t->name, p->halves[i - 1]->name))
            return refuse(p, t->name, "is there twice");
        if (str_ends(t->name, second)) {
            seconds++;
        } else if (str_ends(t->name, first)) {
            const struct str base = {t->name.p, t->name.n - first.n};
            if (!pair_of(p, t, base, &out[firsts])) return false;
            firsts++;
        } else if (!str_ends(t->name, S("_norm.weight"))) {
            return refuse(p, t->name, "is no part of an adapter");
        }
    }
    *count = firsts;
    return firsts == seconds ||
           err_set(p->err, MU_DATA, "cannot use %s: %zu of its pairs lack one half", p->x->path,
                   seconds > firsts ? seconds - firsts : firsts - seconds);
}

bool attached_pairs(const struct attached *x, const struct model *m, const struct catalog *c,
                    struct arena *a, const struct adapted **out, size_t *count, struct mu_err *err)
{
    const struct weight_type *types = catalog_types(c, err);
    struct adapted *pairs = NEW_ARRAY(a, struct adapted, x->tensors);
    if (!types) return false;
    if (!m->shape.arch_name || !str_is(str_of(x->arch), m->shape.arch_name))
        return err_set(err, MU_DATA, "cannot use %s with %s: it is an adapter for %s, not for %s",
                       x->path, m->name, x->arch, m->shape.arch_name ? m->shape.arch_name : "?");
    const struct pairing p = {.x = x,
                              .model = m,
                              .types = types,
                              .halves = sorted(x->tensor, x->tensors, a),
                              .weights = sorted(m->tensor, m->tensors, a),
                              .a = a,
                              .err = err};
    if (!pair_all(&p, pairs, count)) return false;
    *out = pairs;
    return arena_within(a, err);
}
