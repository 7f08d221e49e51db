/* Finds, for each figure of a guide, ours of the same kind: the workload as the figure has it, judged on the machine that it is about.
 * The guide's thresholds for memory, disk and cores stand beside them as figures of their own. Left out: prices. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/units.h"
#include "catalog/parts.h"
#include "model/digest.h"
#include "model/model.h"
#include "verb/judged_set.h"

#define GUIDE_GB 1073741824.0 /* memory is sold in GiB, and the guide's script divides by 1024**3 */
#define BYTES_OF_16_BITS 2

/* A machine that figures are about, with what it is judged by. */
struct stage {
    const char *line; /* NULL: the one that the set is judged on */
    const struct machine *machine;
    const struct world *world;
};
enum { STAGES_MOST = 64, THRESHOLDS = 5, LEVELS = 3 };
struct finding {
    struct context in; /* with notes of its own: what is said of a figure's machine is its alone */
    const struct judged_set *set;
    struct stage stage[STAGES_MOST];
    size_t stages;
    struct judged_figure *row;
    size_t rows;
    struct verdict verdict, again; /* of one figure; again: of one of growth */
};

/* NULL with *err: the line says no machine. */
static const struct stage *stage_of(struct finding *x, const char *line, struct mu_err *err)
{
    const struct looking looking = context_looking(&x->in);
    for (size_t i = 0; i < x->stages; i++)
        if (str_same(x->stage[i].line, line)) return &x->stage[i];
    if (x->stages == STAGES_MOST) {
        err_set(err, MU_DATA, "a set speaks of more than %d machines", STAGES_MOST - 1);
        return NULL;
    }
    struct world *world = NEW(x->in.arena, struct world);
    struct stage *s = &x->stage[x->stages];
    *s = (struct stage){line, NULL, world};
    if (!machine_from_line(str_of(line), &looking, &s->machine, err) ||
        !world_here(&x->in, &s->machine, world, err)) {
        err_add(err, "the set's machine \"%s\"", str_visible(x->in.arena, str_of(line)));
        return NULL;
    }
    x->stages++;
    return s;
}

static struct estimate nothing(const char *why)
{
    const struct quantity q = unknown(why);
    return (struct estimate){q.value, q.value, q.value, UNKNOWN, why};
}

static struct estimate of_sites(const struct verdict *v, int first)
{
    double low = 0, likely = 0, high = 0;
    for (int i = first; i < v->split.sites; i++) {
        const struct site *s = &v->site[i];
        if (!estimate_known(s->held_bytes)) return nothing("what it holds is not known");
        low += s->held_bytes.low + s->beside_bytes;
        likely += site_needs(s);
        high += site_needs_most(s);
    }
    return estimate_of(low, likely, high, ESTIMATED, "bill");
}

static struct estimate memory(const struct verdict *v, enum figure_kind kind)
{
    if (kind != FIGURE_DEVICE_MEMORY) return of_sites(v, ON_HOST);
    if (v->split.sites == 1) return nothing("there is no accelerator that computes it");
    return of_sites(v, ON_HOST + 1);
}

static struct estimate file(const struct asked *a)
{
    if (!(a->digest->weight_bytes > 0)) return nothing("it runs no model");
    return estimate_exactly(a->digest->weight_bytes, ESTIMATED, "its weights");
}

static struct estimate download(const struct asked *a)
{
    if (a->model->tensors) return nothing("the model is a file, and nobody's on a hub");
    if (!(a->digest->parameters > 0)) return nothing("it runs no model");
    if (a->model->native_quant) return nothing("what is published in few bits has no size here");
    return estimate_exactly(a->digest->parameters * BYTES_OF_16_BITS, ESTIMATED, "16 bits each");
}

static struct estimate loading(const struct asked *a, const struct machine *m)
{
    struct fetch f;
    const struct fetch_asked how = {.file_bytes = a->digest->weight_bytes,
                                    .published_bytes = (double)NAN,
                                    .line_bytes_per_s = (double)NAN,
                                    .slow_disk_bytes_per_s = (double)NAN,
                                    .machine = m};
    judge_fetch(&how, &f);
    return f.load_s;
}

static struct estimate overhead(const struct verdict *v)
{
    const double weights = bill_group(&v->bill, "weights");
    const struct estimate all = of_sites(v, ON_HOST);
    if (!(weights > 0) || !estimate_known(all)) return nothing("it holds no weights");
    return estimate_of(all.low / weights, all.likely / weights, all.high / weights, ESTIMATED,
                       "bill");
}

static double held_or_timed(struct finding *x, const struct stated_figure *f, const struct asked *a,
                            const struct stage *s)
{
    double sum = 0;
    judge_task(&a->task, s->machine, s->world, &x->again);
    if (f->kind == FIGURE_TIME_GROWTH)
        return estimate_known(x->again.unit_s) ? x->again.unit_s.likely : (double)NAN;
    for (int i = 0; i < x->again.split.sites; i++) sum += x->again.site[i].held_bytes.likely;
    return sum;
}

/* Twice and four times the knob: what is constant falls out of the differences. */
static bool growth(struct finding *x, const struct stage *s, struct judged_figure *row,
                   struct asked *a, struct mu_err *err)
{
    double is[3];
    const struct stated_figure *f = row->figure;
    const double from = knob_number(a->task.kind, a->task.knobs, f->knob);
    row->ours = nothing("its knob is zero");
    if (!(from > 0)) return true;
    for (size_t i = 0; i < COUNT_OF(is); i++) {
        const char *text = str_format(x->in.arena, "%.0f", from * (double)(1 << i));
        if (!asked_set(&x->in, a, f->knob, text, err)) return false;
        is[i] = held_or_timed(x, f, a, s);
    }
    if (isnan(is[0] + is[1] + is[2]))
        row->ours = nothing(x->again.unit_s.source);
    else if (is[1] > is[0] && is[2] > is[1])
        row->ours = estimate_exactly(fmax(log2((is[2] - is[1]) / (is[1] - is[0])), 0), ESTIMATED,
                                     "three bills");
    else
        row->ours = estimate_exactly(0, ESTIMATED, "three bills");
    return true;
}

/* What feeds tokens through a network over timesteps writes as fast as one token goes through all of them; what it reads of the cache
 * is left out. */
static bool written_rate(struct finding *x, const struct stage *s, struct judged_figure *row,
                         struct asked *a, struct mu_err *err)
{
    row->ours = nothing("how fast it writes text has no rule yet");
    if (!knob_find(a->task.kind, S("timesteps")) || row->figure->kind != FIGURE_DECODE) return true;
    if (!asked_set(&x->in, a, "seq", "1", err)) return false;
    judge_task(&a->task, s->machine, s->world, &x->again);
    const struct estimate one = x->again.unit_s;
    const double tokens = knob_number(a->task.kind, a->task.knobs, "sequences");
    row->ours = estimate_known(one) ? estimate_of(tokens / one.high, tokens / one.likely,
                                                  tokens / one.low, one.origin, one.source)
                                    : nothing(one.source);
    return true;
}

static struct estimate offered(const struct context *in, const struct stated_figure *f)
{
    const struct cloud_part *part = catalog_cloud(in->catalog, str_of(f->instance));
    if (!part) return nothing("no instance of that name is in the catalogue");
    return estimate_exactly(part->retired ? 0 : 1, LISTED, part->source);
}

static struct estimate fitting(const struct verdict *v)
{
    if (v->fits >= FITS_UNKNOWN) return nothing(v->why ? v->why : fits_word(v->fits));
    return estimate_exactly(v->fits == FITS_NOT ? 0 : 1, ESTIMATED, "verdict");
}

static struct estimate captured(const struct verdict *v)
{
    const double bytes = bill_group(&v->bill, "captures");
    return bytes > 0 ? estimate_exactly(bytes, ESTIMATED, "bill") : nothing("nothing is kept");
}

static struct estimate figure_of(const struct stated_figure *f, const struct asked *a,
                                 const struct machine *m, const struct verdict *v)
{
    switch (f->kind) {
    case FIGURE_MEMORY:
    case FIGURE_DEVICE_MEMORY:
    case FIGURE_HOST_MEMORY: return memory(v, f->kind);
    case FIGURE_KEPT: return captured(v);
    case FIGURE_WRITTEN: return v->disk_bytes;
    case FIGURE_FILE:
    case FIGURE_DISK: return file(a);
    case FIGURE_DOWNLOAD: return download(a);
    case FIGURE_DECODE: return v->decode_per_s;
    case FIGURE_PREFILL: return v->prefill_per_s;
    case FIGURE_LOAD: return loading(a, m);
    case FIGURE_UNIT: return v->unit_s;
    case FIGURE_DURATION: return v->duration_s;
    case FIGURE_OVERHEAD: return overhead(v);
    case FIGURE_FITS:
    case FIGURE_FITS_DEVICE: return fitting(v);
    case FIGURE_GROWTH:
    case FIGURE_TIME_GROWTH:
    case FIGURE_OFFERED:
    case FIGURE_OTHER:
    case FIGURES: break;
    }
    return nothing(f->why);
}

static bool find(struct finding *x, const struct judged *j, struct judged_figure *row,
                 struct mu_err *err)
{
    const struct stated_figure *f = row->figure;
    struct asked *asked = NEW(x->in.arena, struct asked);
    struct verdict *v = &x->verdict;
    if (f->kind == FIGURE_OFFERED) {
        row->ours = offered(&x->in, f);
        return true;
    }
    if (f->kind == FIGURE_OTHER || !j->experiment->workload) {
        row->ours = nothing(f->why ? f->why : j->experiment->why_not);
        return true;
    }
    const struct stage *s = stage_of(x, row->on, err);
    if (!s || !judged_ask(&x->in, s->machine, j->experiment, f, asked, err)) return false;
    judge_task(&asked->task, s->machine, s->world, v);
    row->asked = asked;
    row->machine = s->machine;
    if (v->bill.unruled)
        row->ours = nothing(v->why ? v->why : v->bill.unruled);
    else if (f->kind == FIGURE_GROWTH || f->kind == FIGURE_TIME_GROWTH)
        return growth(x, s, row, asked, err);
    else if ((f->kind == FIGURE_DECODE || f->kind == FIGURE_PREFILL) &&
             !cost_writes_text(asked->task.kind))
        return written_rate(x, s, row, asked, err);
    else
        row->ours = figure_of(f, asked, s->machine, v);
    return true;
}

static const char *stage_asked(const struct judged_set *s, const struct stated_figure *f)
{
    const char *on = f->on ? f->on : s->set->on;
    return on && strcmp(on, "here") == 0 ? NULL : on;
}

static bool add(struct finding *x, const struct judged *j, struct judged_figure row,
                struct mu_err *err)
{
    if (!find(x, j, &row, err)) return false;
    row.experiment = j->experiment;
    row.worth = figure_judge(row.figure, row.ours, ranking_usual.spare_share);
    if (row.worth == FIGURE_UNSUPPORTED)
        row.why = estimate_known(row.ours) ? "of the room on a disk only the model's file is known"
                  : row.ours.source        ? row.ours.source
                                           : "nothing of that kind is computed";
    x->row[x->rows++] = row;
    return true;
}

/* One of the guide's thresholds as a figure; `bytes` false: a number of cores, which nothing computes. */
struct threshold {
    double value;
    enum figure_kind kind;
    const char *what;
};

static const struct stated_figure *threshold_figure(const struct threshold *t,
                                                    const struct guide_need *need, struct arena *a)
{
    struct stated_figure *f = NEW(a, struct stated_figure);
    const bool bytes = t->kind != FIGURE_OTHER;
    *f = (struct stated_figure){.kind = t->kind,
                                .low = t->value * GUIDE_GB,
                                .high = t->value * GUIDE_GB,
                                .low_rounded = t->value * GUIDE_GB,
                                .high_rounded = t->value * GUIDE_GB,
                                .text = str_format(a, bytes ? "%g GB" : "%g", t->value),
                                .label = t->what,
                                .source = need->source,
                                .why = bytes ? NULL : "how many cores it takes is not computed",
                                .on = "here"};
    return f;
}

static bool add_thresholds(struct finding *x, const struct judged *j, const char *level,
                           const struct guide_need *need, struct mu_err *err)
{
    const struct threshold row[THRESHOLDS - 1] = {
        {need->ram_gb, FIGURE_HOST_MEMORY, "memory"},
        {need->ram_available_gb, FIGURE_HOST_MEMORY, "memory, available"},
        {need->disk_free_gb, FIGURE_DISK, "disk"},
        {need->cpu_cores, FIGURE_OTHER, "cores"}};
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        if (isnan(row[i].value)) continue;
        const struct stated_figure *f = threshold_figure(&row[i], need, x->in.arena);
        if (!add(x, j, (struct judged_figure){.figure = f, .level = level}, err)) return false;
    }
    return true;
}

/* Both are of the same thing. */
static bool of_the_same(const struct judged_figure *x, const struct judged_figure *y)
{
    const struct stated_figure *f = x->figure, *g = y->figure;
    return x->experiment == y->experiment && f->kind == g->kind && !x->level && !y->level &&
           str_same(f->label, g->label) && str_same(x->on, y->on) && !f->withs && !g->withs &&
           str_same(f->model, g->model) && str_same(f->quant, g->quant);
}

/* The same said twice and otherwise: the guide contradicts itself. */
static void find_contradictions(struct finding *x)
{
    for (size_t i = 0; i < x->rows; i++)
        for (size_t k = 0; k < i; k++) {
            const struct stated_figure *f = x->row[i].figure, *g = x->row[k].figure;
            if (f->kind == FIGURE_OTHER || !of_the_same(&x->row[i], &x->row[k])) continue;
            if (f->low != g->low || f->high != g->high || f->yes != g->yes)
                x->row[i].contradicts = &x->row[k];
        }
}

bool judged_figures(const struct context *in, struct judged_set *s, const struct world *w,
                    struct mu_err *err)
{
    struct finding *x = NEW(in->arena, struct finding);
    struct notes *own = NEW(in->arena, struct notes);
    size_t most = 0;
    own->arena = in->arena;
    x->in = *in;
    x->in.notes = own;
    x->set = s;
    x->stage[x->stages++] = (struct stage){NULL, s->subject->machine, w};
    for (size_t i = 0; i < s->rows; i++)
        most += s->row[i].experiment->figures + (size_t)LEVELS * THRESHOLDS;
    x->row = NEW_ARRAY(in->arena, struct judged_figure, most);
    for (size_t i = 0; i < s->rows; i++) {
        const struct judged *j = &s->row[i];
        const struct experiment *e = j->experiment;
        for (size_t k = 0; k < e->figures; k++) {
            const struct judged_figure row = {.figure = &e->figure[k],
                                              .on = stage_asked(s, &e->figure[k])};
            if (!add(x, j, row, err)) return false;
        }
        if (!add_thresholds(x, j, "guide", &e->guide, err) ||
            !add_thresholds(x, j, "minimum", &e->minimum, err) ||
            !add_thresholds(x, j, "recommended", &e->recommended, err))
            return false;
    }
    find_contradictions(x);
    s->figure = x->row;
    s->figures = x->rows;
    return arena_within(in->arena, err);
}
