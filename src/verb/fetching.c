/* How a model that is no file gets onto this disk: which of the lines of data/sources.json are right for it and its mix, and what the
 * fetching takes (judge/fetch.c). A line is shown only where every {word} of it is known; a name nobody is known to publish is never made
 * up: then the weights as their owner published them are fetched and converted. Left out: asking the hub itself. */
#include "verb/fetching.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/root.h"
#include "catalog/architecture.h"
#include "catalog/parts.h"
#include "model/digest.h"
#include "model/model.h"
#include "model/stock_names.h"
#include "model/stores.h"

enum { LINE_BYTES = 1024, BYTES_OF_16_BITS = 2 };

/* ---- a line with its words filled in */

struct word {
    const char *name, *text; /* text NULL: not known */
};

static const char *word_text(const struct word *word, size_t words, struct str name)
{
    for (size_t i = 0; i < words; i++)
        if (str_is(name, word[i].name)) return word[i].text;
    return NULL;
}

/* The line, or NULL where a word in it is not known. */
static const char *filled(const char *line, const struct word *word, size_t words, struct arena *a)
{
    struct buf out;
    struct str rest = str_of(line);
    bool whole = true;
    buf_init(&out, LINE_BYTES);
    while (whole && rest.n) {
        buf_add(&out, str_cut(&rest, '{'));
        if (!rest.p) break;
        const char *text = word_text(word, words, str_cut(&rest, '}'));
        whole = text != NULL;
        if (whole) buf_add(&out, str_of(text));
    }
    const char *text = whole && !out.over ? str_copy(a, buf_text(&out)) : NULL;
    buf_release(&out);
    return text;
}

static bool one_of(const char *text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, list[i]) == 0) return true;
    return false;
}

static bool has_backend(const struct machine *m, const char *backend)
{
    for (size_t i = 0; i < m->places; i++)
        if (m->place[i].backend && strcmp(m->place[i].backend, backend) == 0) return true;
    return false;
}

/* Somebody publishes it in the mix asked for. */
static bool there_is(const struct fetching *f)
{
    return f->file || f->tag_of_mix;
}

/* Whether a group of lines is for a model like that. */
static bool group_is_right(const char *group, const struct fetching *f)
{
    if (strcmp(group, "mlx") == 0) return !f->encoder;
    if (strcmp(group, "unknown") == 0) return f->converted && !f->source;
    /* what is published in few bits is not made into another mix of few bits */
    return strcmp(group, "convert") != 0 || (f->converted && !f->native);
}

static bool is_right(const struct fetch_program *p, const struct fetching *f,
                     const struct machine *m)
{
    /* how llama.cpp v0.5.0 finds the file of ORG/NAME:MIX (common/download.cpp) */
    const bool found_by_mix = f->file && stock_has_tag(str_of(f->file), str_of(f->mix));
    if (p->backend && !has_backend(m, p->backend)) return false;
    if ((p->tagged && !found_by_mix) || (p->untagged && found_by_mix)) return false;
    if (p->only_count && !one_of(f->mix, p->only, p->only_count)) return false;
    return !one_of(f->mix, p->except, p->except_count) && group_is_right(p->group, f);
}

static void take_lines(const struct fetch_sources *s, const struct machine *m, struct arena *a,
                       struct fetching *f)
{
    const struct word word[] = {
        {"model", f->model},
        {"name", name_alone(f->model)},
        {"repository", f->source ? f->source->repository : NULL},
        {"file", f->file},
        {"tag", f->tag},
        {"mix", f->mix},
        {"small_mix", lower_case(a, f->mix)},
    };
    for (size_t i = 0; i < s->programs && f->lines < FETCH_LINES_MOST; i++) {
        const struct fetch_program *p = &s->program[i];
        const char *text = is_right(p, f, m) ? filled(p->line, word, COUNT_OF(word), a) : NULL;
        if (text) f->line[f->lines++] = (struct fetch_line){p, text};
    }
}

/* Of letters, digits and . _ - /: what may stand in a line of a shell as it is. */
static bool is_plain(const char *name)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
    return strspn(name, plain) == strlen(name);
}

/* ---- what is there already */

/* Names are tried, no store is walked through. */
static void look_here(const struct context *in, const struct machine *m, struct fetching *f)
{
    struct arena *a = in->arena;
    struct mu_err none = {.code = MU_OK};
    const char *path = NULL;
    const char *operand[] = {f->file ? str_format(a, "hf:%s:%s", f->source->repository, f->file)
                                     : NULL,
                             f->tag && f->tag_of_mix ? str_format(a, "ollama:%s", f->tag) : NULL};
    if (!m->here || in->root->captured) return;
    for (size_t i = 0; i < COUNT_OF(operand) && !f->here; i++)
        if (operand[i] && stores_operand(operand[i], in->env, a, &path, &none))
            f->here = operand[i];
}

/* ---- asked and answered */

static double published_bytes(const struct model_part *part, const struct digest *d)
{
    if (part->native_quant) return (double)NAN;
    if (!part->published.type) return part->params_total * BYTES_OF_16_BITS;
    return d->packed_bytes > 0 ? digest_packed_bytes(d) : (double)NAN;
}

/* Whoever makes files of it keeps what came in few bits: their size is not that of another mix. */
static bool keeps_few_bits(const struct model_part *part, const char *mix)
{
    return part->native_quant && !(part->native_mix && strcmp(part->native_mix, mix) == 0);
}

/* A conversion that writes the mix at once, without a file of 16 bits in between. */
static bool at_once(const struct fetch_sources *s, const char *mix)
{
    for (size_t i = 0; i < s->programs; i++)
        if (strcmp(s->program[i].group, "convert") == 0 &&
            one_of(mix, s->program[i].only, s->program[i].only_count))
            return true;
    return false;
}

static double slow_disk(const struct fetch_sources *s)
{
    return s->disks ? s->disk[0].read_mbs * 1e6 : (double)NAN;
}

static bool line_of(const struct request *q, double *bytes_per_s, struct mu_err *err)
{
    const char *given = request_text(q, "line");
    *bytes_per_s = (double)NAN;
    return !given || fetch_line_parse(str_of(given), bytes_per_s) ||
           err_set(err, MU_USAGE, "--line takes a speed such as 100Mbit/s or 50MB/s");
}

bool find_fetch(const struct request *q, const struct context *in, const struct asked *asked,
                const struct machine *m, const struct fetching **out, struct mu_err *err)
{
    const struct digest *digest = asked->digest;
    const struct model_part *part = NULL;
    const struct fetch_sources *s;
    struct fetch_asked how = {.machine = m, .file_bytes = digest->weight_bytes};
    *out = NULL;
    if (!line_of(q, &how.line_bytes_per_s, err)) return false;
    if (asked->file || !digest->quant || !(how.file_bytes > 0)) return true;
    if (catalog_model(in->catalog, str_of(asked->model->name), &part, NULL) == MATCH_NONE ||
        strcmp(part->hf_id, asked->model->name) != 0 || !is_plain(part->hf_id))
        return true;
    if (!catalog_sources(in->catalog, &s, err)) return false;
    struct fetching *f = NEW(in->arena, struct fetching);
    f->model = part->hf_id;
    f->mix = digest->quant;
    f->source = gguf_source_of(s, part->hf_id, f->mix);
    f->file = gguf_source_file(f->source, f->mix);
    f->library = library_source_of(s, part->hf_id);
    f->tag = library_source_tag(f->library, f->mix);
    f->tag_of_mix = f->tag != NULL;
    if (!f->tag && f->library) f->tag = f->library->tag;
    f->gated = part->gated;
    f->native = part->native_quant;
    f->encoder = digest->shape->arch && digest->shape->arch->encoder;
    f->converted = !there_is(f);
    how.published_bytes = published_bytes(part, digest);
    how.between_bytes = at_once(s, f->mix) ? 0 : part->params_total * BYTES_OF_16_BITS;
    how.slow_disk_bytes_per_s = slow_disk(s);
    if (keeps_few_bits(part, f->mix)) how.file_bytes = (double)NAN;
    judge_fetch(&how, &f->fetch);
    how.convert = true;
    if (f->converted) judge_fetch(&how, &f->made);
    take_lines(s, m, in->arena, f);
    look_here(in, m, f);
    *out = f;
    return true;
}
