/* muster models: which models of the catalogue serve a use, and how each would run on this machine or another: its best quantisation
 * there, by the closed form (judge/rank.c). What serves a use is data (data/uses.json). Quality is what owners published; a model
 * without a figure stands in a group of its own, for none is guessed. What is on this disk: models_installed.c. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "verb/models.h"
#include "verb/near.h"
#include "verb/nominal.h"

enum { LIMIT_USUAL = 12 };
#define USE_USUAL "chat"

static const char *const sorts[] = {"quality", "params", "speed", "memory", NULL};

/* What of the catalogue is looked at; NULL and NaN: all. */
struct filter {
    const char *family, *license;
    double params_most, per_s_least;
    bool fits;
};

/* ---- what is asked */

static bool use_of(const struct request *q, const struct context *in, const struct use **out,
                   struct mu_err *err)
{
    const char *asked = request_text(q, "use");
    const struct use *row;
    size_t rows;
    if (!catalog_uses(in->catalog, &row, &rows, err)) return false;
    *out = catalog_use(in->catalog, str_of(asked ? asked : USE_USUAL));
    if (*out) return true;
    struct near near = near_to(str_of(asked));
    const char *names = "";
    for (size_t i = 0; i < rows; i++) {
        near_try(&near, row[i].name);
        names = str_format(in->arena, "%s%s%s", names, i ? " " : "", row[i].name);
    }
    return err_set(err, MU_USAGE, "no use is called '%s'%s; uses: %s",
                   str_visible(in->arena, str_of(asked)), near_words(&near, "", in->arena), names);
}

static bool filter_of(const struct request *q, const struct context *in, struct filter *out,
                      struct mu_err *err)
{
    const char *params = request_text(q, "max-params");
    *out = (struct filter){.family = request_text(q, "family"),
                           .license = request_text(q, "license"),
                           .params_most = (double)NAN,
                           .per_s_least = (double)NAN,
                           .fits = request_flag(q, "fits")};
    if (params && !params_parse(params, 1e9, &out->params_most))
        return err_set(err, MU_USAGE, "--max-params takes a size such as 8B or 350M; not '%s'",
                       str_visible(in->arena, str_of(params)));
    if (request_number(q, "min-tps", &out->per_s_least) && !(out->per_s_least > 0))
        return err_set(err, MU_USAGE, "--min-tps takes a speed above 0");
    return true;
}

static enum models_sort sort_of(const struct request *q)
{
    const char *asked = request_text(q, "sort");
    enum models_sort sort = SORT_QUALITY;
    for (size_t i = 0; asked && sorts[i]; i++)
        if (strcmp(asked, sorts[i]) == 0) sort = (enum models_sort)i;
    return sort;
}

static bool holds(const char *text, const char *part, struct arena *a)
{
    return text && str_has(str_of(str_plain(a, str_of(text))), str_of(str_plain(a, str_of(part))));
}

static bool passes(const struct filter *f, const struct model_part *p, struct arena *a)
{
    if (f->family && !holds(p->family, f->family, a) && !holds(p->hf_id, f->family, a))
        return false;
    if (f->license && !holds(p->license, f->license, a)) return false;
    return isnan(f->params_most) || p->params_text <= f->params_most;
}

/* ---- one row */

static bool several_gpus(const struct machine *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->places; i++) n += m->place[i].kind == PLACE_GPU;
    return n > 1;
}

const char *models_where(const struct machine *m, const struct verdict *v, double layers,
                         struct arena *a)
{
    const struct split *s = &v->split;
    double on = 0;
    if (s->sites <= 1) return "host";
    for (int i = 1; i < s->sites; i++) on += s->layers[i];
    const char *gpus = s->sites > 2      ? str_format(a, "%d GPUs", s->sites - 1)
                       : several_gpus(m) ? "1 GPU"
                                         : "GPU";
    if (on < layers) return str_format(a, "%.0f/%.0f layers on %s", on, layers, gpus);
    if (s->host_experts > 0)
        return str_format(a, "%s, experts of %.0f layer%s on host", gpus, s->host_experts,
                          s->host_experts > 1 ? "s" : "");
    return s->host_cache ? str_format(a, "%s, cache on host", gpus) : gpus;
}

static const char *why_words(const struct models *m, const struct models_row *r, struct arena *a)
{
    const struct ranked *k = &r->ranked;
    const double least_per_s = m->ranking.decode_least_per_s;
    const char *better = k->better ? k->better->name : NULL;
    if (r->end == RANK_WELL && !better) return "the best quantisation fits";
    if (r->end == RANK_WELL && k->better_fits == FITS)
        return str_format(a, "%s would be below %g tok/s", better, least_per_s);
    if (r->end == RANK_WELL) return str_format(a, "%s would not fit with room to spare", better);
    if (r->end == RANK_SLOW)
        return str_format(a, "every quantisation is below %g tok/s", least_per_s);
    if (r->end == RANK_TIGHT)
        return str_format(a, "fits with less than %.0f %% to spare", m->ranking.spare_share * 100);
    if (r->end == RANK_TOO_LARGE) return "does not fit within the quality bound";
    if (r->end == RANK_UNKNOWN) return "how much memory there is is not known";
    return k->verdict.why ? k->verdict.why : "not computed";
}

static const char *short_words(const struct models_row *r, struct arena *a)
{
    const char *better = r->ranked.better ? r->ranked.better->name : NULL;
    switch (r->end) {
    case RANK_WELL: break;
    case RANK_SLOW: return "too slow";
    case RANK_TIGHT: return "tight";
    case RANK_TOO_LARGE: return "too big";
    case RANK_UNKNOWN:
    case RANK_NOT_COMPUTED: return r->why;
    }
    if (!better) return "best quant";
    return str_format(a, "%s too %s", better, r->ranked.better_fits == FITS ? "slow" : "big");
}

static void fill_row(const struct models *m, struct models_row *r, struct arena *a)
{
    const struct verdict *v = &r->ranked.verdict;
    r->quality = use_quality(m->use, r->ranked.part);
    r->per_s = m->writes ? v->decode_per_s : v->prefill_per_s;
    const bool runs = r->end <= RANK_TIGHT;
    r->where = runs ? models_where(m->machine, v, r->ranked.part->n_layers + 1, a) : NULL;
    r->why = why_words(m, r, a);
    r->short_why = short_words(r, a);
}

/* Counts what a filter of how it runs leaves out; true when it stays. */
static bool stays(struct models *m, const struct filter *f, const struct models_row *r)
{
    const bool fits = r->end <= RANK_TIGHT;
    if (f->fits && !fits) {
        m->fits_not++;
        return false;
    }
    if (isnan(f->per_s_least)) return true;
    if (!fits) {
        m->fits_not++;
        return false;
    }
    if (!estimate_known(r->per_s)) {
        m->speed_unknown++;
        return false;
    }
    if (r->per_s.likely >= f->per_s_least) return true;
    m->slower++;
    return false;
}

/* ---- all rows */

static double key_of(enum models_sort sort, const struct models_row *r)
{
    switch (sort) {
    case SORT_SPEED: return estimate_known(r->per_s) ? -r->per_s.likely : 0;
    case SORT_MEMORY: return verdict_needs(&r->ranked.verdict);
    case SORT_QUALITY: return isnan(r->quality) ? -r->ranked.part->params_text : -r->quality;
    case SORT_PARAMS: break;
    }
    return -r->ranked.part->params_text;
}

/* What runs well stands before what is slow, tight, too large; those without published quality behind the others. */
static bool before(enum models_sort sort, const struct models_row *x, const struct models_row *y)
{
    if (isnan(x->quality) != isnan(y->quality)) return isnan(y->quality);
    if (x->end != y->end) return x->end < y->end;
    const double one = key_of(sort, x), other = key_of(sort, y);
    if (one < other || one > other) return one < other;
    return strcmp(x->ranked.part->hf_id, y->ranked.part->hf_id) < 0;
}

static void insert(struct models *m, struct models_row *r)
{
    size_t at = m->rows++;
    for (; at > 0 && before(m->sort, r, m->row[at - 1]); at--) m->row[at] = m->row[at - 1];
    m->row[at] = r;
    m->run += r->end == RANK_WELL;
}

size_t models_group(const struct models *m, bool published)
{
    size_t n = 0;
    for (size_t i = 0; i < m->rows; i++) n += isnan(m->row[i]->quality) != published;
    return n;
}

/* Only so many rows a group stand. */
static void cut_groups(struct models *m)
{
    size_t kept = 0, in_group[2] = {0, 0};
    for (size_t i = 0; i < m->rows; i++) {
        size_t *n = &in_group[isnan(m->row[i]->quality)];
        if (m->limit > 0 && (double)++*n > m->limit) {
            m->limited++;
            continue;
        }
        m->row[kept++] = m->row[i];
    }
    m->rows = kept;
}

static bool rank_all(const struct context *in, const struct world *w, const struct filter *f,
                     struct models *m, struct mu_err *err)
{
    const struct model_part *part;
    size_t parts;
    struct arena *a = in->arena;
    if (!catalog_models(in->catalog, &part, &parts, err)) return false;
    const struct ranker *ranker = ranker_new(&m->ranking, m->machine, in->catalog, w, a);
    if (!ranker)
        return catalog_sound(in->catalog, err) &&
               err_set(err, MU_DATA, "no quantisation is within the quality bound");
    m->row = NEW_ARRAY(a, struct models_row *, parts);
    for (size_t i = 0; i < parts; i++) {
        if (!use_serves(m->use, &part[i], a)) continue;
        m->served++;
        if (!passes(f, &part[i], a)) {
            m->filtered++;
            continue;
        }
        struct models_row *r = NEW(a, struct models_row);
        r->end = ranker_best(ranker, &part[i], &r->ranked);
        fill_row(m, r, a);
        if (stays(m, f, r)) insert(m, r);
    }
    cut_groups(m);
    for (size_t i = 0; i < m->rows; i++)
        if (m->row[i]->end <= RANK_TIGHT) ranker_context(ranker, &m->row[i]->ranked);
    return catalog_sound(in->catalog, err);
}

static bool answer(const struct request *q, const struct context *in, struct answer *out,
                   struct mu_err *err)
{
    struct models m = {.ranking = ranking_usual, .limit = LIMIT_USUAL, .sort = sort_of(q)};
    struct filter f;
    struct subject subject;
    struct world world;
    if (!use_of(q, in, &m.use, err) || !filter_of(q, in, &f, err)) return false;
    if (request_text(q, "folder") && !request_flag(q, "installed"))
        return err_set(err, MU_USAGE, "--folder goes with --installed");
    if (request_number(q, "limit", &m.limit) && !(m.limit >= 0 && m.limit == floor(m.limit)))
        return err_set(err, MU_USAGE, "--limit takes a whole number of rows, 0 for all");
    if (!subject_machine(q, in, &subject, err)) return false;
    subject_rates(q, in, &subject);
    m.machine = subject.machine;
    if (!world_here(in, &m.machine, &world, err)) return false;
    if (request_flag(q, "installed")) {
        const struct installed_asked asked = {m.machine, &world, request_text(q, "folder")};
        return models_installed(in, &asked, out, err);
    }
    m.writes = strcmp(m.use->tasks[0], "text-generation") == 0;
    if (!m.writes) m.ranking.decode_least_per_s = 0;
    if (m.writes && !isnan(f.per_s_least)) m.ranking.decode_least_per_s = f.per_s_least;
    if (!rank_all(in, &world, &f, &m, err)) return false;
    show_models_ranked(&out->doc, &m);
    show_notes(&out->doc, in->notes);
    write_models(&m, in->notes, &out->json);
    out->no = !m.run;
    return true;
}

static const struct option options[] = {
    {.name = "use",
     .letter = 'u',
     .kind = OPTION_TEXT,
     .value = "USE",
     .words = "chat (usual), code, reason, embed or analysis"},
    {.name = "machine",
     .letter = 'm',
     .kind = OPTION_TEXT,
     .value = "REPORT|LINE",
     .words = "another machine: a saved report, or \"cpu:8 ram:32GiB ...\""},
    {.name = "installed",
     .kind = OPTION_FLAG,
     .words = "list the models on this disk instead, and how each would run"},
    {.name = "folder",
     .kind = OPTION_TEXT,
     .value = "FOLDER",
     .words = "with --installed: what lies below it too"},
    {.name = "sort",
     .kind = OPTION_CHOICE,
     .value = "WORD",
     .words = "order: quality (usual), params, speed, memory",
     .choices = sorts},
    {.name = "family",
     .kind = OPTION_TEXT,
     .value = "WORDS",
     .words = "only families or names that hold these"},
    {.name = "license",
     .kind = OPTION_TEXT,
     .value = "WORDS",
     .words = "only licences that hold these"},
    {.name = "max-params",
     .kind = OPTION_TEXT,
     .value = "SIZE",
     .words = "only models up to so many parameters: 8B, 350M"},
    {.name = "min-tps",
     .kind = OPTION_NUMBER,
     .value = "N",
     .words = "only what likely does so many tokens a second (embed: reads)"},
    {.name = "fits", .kind = OPTION_FLAG, .words = "leave out what does not fit"},
    {.name = "limit",
     .kind = OPTION_NUMBER,
     .value = "N",
     .words = "rows a group, 12 (usual); 0 for all"},
    {.name = "quick", .kind = OPTION_FLAG, .words = "measure nothing; kept measurements are used"},
};
static const char *const examples[] = {
    "muster models --quick",
    "muster models --installed --quick",
    "muster models --use code --min-tps 20 --machine \"cpu:8 ram:32GiB gpu:RTX 3060 12GB\"",
    "muster models --use embed --sort memory --quick --json",
    NULL,
};
const struct verb verb_models = {
    .name = "models",
    .words = "the catalogue's models for a use, ranked for this machine",
    .operands = "",
    .about =
        "Ranks the models of the catalogue that serve a use by how they run on this machine, or "
        "the one of --machine: each in the best quantisation within the quality bound that fits "
        "with room to spare and is fast enough, what it needs, how fast it is, the context that "
        "fits and where it runs. What runs well comes first. Models whose owners "
        "published no quality stand in a group of their own. With --installed, what Ollama, "
        "Hugging Face's tools, LM Studio and llama.cpp keep on this disk. Exit status 1 when "
        "none runs well, or none is there.",
    .examples = examples,
    .option = options,
    .options = COUNT_OF(options),
    .answer = answer,
};
