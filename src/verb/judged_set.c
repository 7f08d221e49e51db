/* Judges a set of experiments: the guide's rules on the guide's figures, our bill on our budget. An experiment whose workload nothing
 * computes yet says so. What runs together with others is judged on what these leave; what does not fit is told with what would. */
#include "verb/judged_set.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/units.h"
#include "judge/placement.h"
#include "model/digest.h"
#include "model/model.h"
#include "verb/remedied.h"

#define GUIDE_GB 1073741824.0 /* the guide's script divides by 1024**3 */

enum fits judged_fits(const struct judged *j)
{
    return j->asked ? j->verdict.fits : FITS_NOT_COMPUTED;
}

/* Where the model's own file would not fit on the disk, as the end of a sentence. */
static const char *disk_words(const struct subject *s, const struct asked *asked, struct arena *a)
{
    if (asked->own_knobs) return "";
    const double free_bytes = s->system.disk_free_gb * GUIDE_GB;
    if (!(asked->digest->weight_bytes > free_bytes)) return "";
    return str_format(a, "; its file of %s does not fit on the disk",
                      units_bytes(a, asked->digest->weight_bytes));
}

/* What the guide's figure for available memory is worth, as the end of a sentence. */
static const char *worth_words(const struct experiment *e, const struct verdict *v, struct arena *a)
{
    const double asked_gb = e->guide.ram_available_gb;
    if (isnan(asked_gb)) return "";
    return str_format(a, "; the guide's %g GB: %s", asked_gb,
                      judge_figure(asked_gb * GUIDE_GB, v, ranking_usual.spare_share));
}

static const char *duration_words(struct arena *a, struct estimate s)
{
    const char *low = units_seconds(a, s.low), *high = units_seconds(a, s.high);
    const char *rough = s.source && str_starts(str_of(s.source), S("rough")) ? " (rough)" : "";
    return str_format(a, "%s%s%s%s", low, strcmp(low, high) == 0 ? "" : " to ",
                      strcmp(low, high) == 0 ? "" : high, rough);
}

/* What it needs, how fast it is, what the guide's figures are worth; or why nothing is computed. */
static const char *why_of(const struct context *in, const struct subject *s,
                          const struct experiment *e, const struct placed *p)
{
    const struct verdict *v = p->verdict;
    struct arena *a = in->arena;
    if (v->bill.unruled) return v->why;
    const char *speed = estimate_known(v->decode_per_s)
                            ? str_format(a, ", %s", speed_words(a, v->decode_per_s))
                        : estimate_known(v->duration_s)
                            ? str_format(a, ", takes %s", duration_words(a, v->duration_s))
                            : "";
    const char *words = asked_words(in, p->asked);
    const bool fell = placement_fell_to_host(&p->asked->task, p->machine, v);
    return str_format(a, "%s%s%s needs %s%s%s%s%s",
                      p->asked->task.kind->modelless ? p->asked->task.kind->name
                                                     : name_alone(p->asked->digest->name),
                      *words ? " " : "", words, units_bytes(a, verdict_needs(v)),
                      fell ? " on the host" : "", speed, disk_words(s, p->asked, a),
                      worth_words(e, v, a));
}

/* The machine beside those that run together with it, each of them as it would lie by itself; names what they are and hold, or which
 * one is not computed (and then answers NULL). */
static const struct machine *beside(const struct context *in, const struct judged_set *set,
                                    const struct experiment *e, const char **words)
{
    const struct machine *m = set->subject->machine;
    struct arena *a = in->arena;
    double *held_bytes = NEW_ARRAY(a, double, m->pools);
    *words = "";
    for (size_t i = 0; i < e->togethers; i++)
        for (size_t k = 0; k < set->rows; k++) {
            const struct judged *other = &set->row[k];
            if (strcmp(other->experiment->id, e->together[i]) != 0 || other->experiment == e)
                continue;
            if (!other->asked || other->verdict.bill.unruled) {
                *words = str_format(a, "%s, which it runs together with, is not computed",
                                    e->together[i]);
                return NULL;
            }
            hold_verdict(&other->verdict, held_bytes);
            *words = str_format(a, "%s; with %s (%s) together", *words, e->together[i],
                                units_bytes(a, verdict_needs(&other->verdict)));
        }
    return machine_left(m, held_bytes, a);
}

/* Judges again those that run together with others, once all are judged alone. */
static void judge_together(const struct context *in, const struct world *w, struct judged_set *s)
{
    struct verdict *v = NEW_ARRAY(in->arena, struct verdict, s->rows);
    const char **why = NEW_ARRAY(in->arena, const char *, s->rows);
    for (size_t i = 0; i < s->rows; i++) {
        const struct judged *j = &s->row[i];
        const char *words;
        if (!j->asked || !j->experiment->togethers || j->verdict.bill.unruled) continue;
        const struct machine *m = beside(in, s, j->experiment, &words);
        why[i] = words;
        v[i] = j->verdict;
        v[i].fits = FITS_NOT_COMPUTED;
        if (!m) continue;
        judge_task(&j->asked->task, m, w, &v[i]);
        why[i] = str_format(
            in->arena, "%s%s",
            why_of(in, s->subject, j->experiment, &(struct placed){j->asked, m, &v[i]}), words);
        why[i] = v[i].fits == FITS_NOT && j->verdict.fits <= FITS_PROBABLY
                     ? str_format(in->arena, "%s; would fit one at a time", why[i])
                     : why_and_remedy(in, &(struct placed){j->asked, m, &v[i]}, w, why[i]);
    }
    for (size_t i = 0; i < s->rows; i++) {
        if (!why[i]) continue;
        s->row[i].verdict = v[i];
        s->row[i].why = why[i];
    }
}

static bool judge_one(const struct context *in, const struct subject *s, const struct world *w,
                      struct judged *j, struct mu_err *err)
{
    const struct experiment *e = j->experiment;
    j->why = e->why_not;
    if (!e->kind) return true;
    struct asked *asked = NEW(in->arena, struct asked);
    if (!judged_ask(in, s->machine, e, NULL, asked, err)) return false;
    if (asked->unchecked) note_add(in->notes, "%s", asked->unchecked);
    judge_task(&asked->task, s->machine, w, &j->verdict);
    j->asked = asked;
    const struct placed placed = {asked, s->machine, &j->verdict};
    j->why = why_and_remedy(in, &placed, w, why_of(in, s, e, &placed));
    return true;
}

bool judged_set_make(const struct context *in, const struct experiment_set *set,
                     const struct subject *s, const struct world *w, struct judged_set *out,
                     struct mu_err *err)
{
    out->set = set;
    out->subject = s;
    guide_judge(set, &s->system, &s->benchmark, in->arena, &out->capabilities);
    out->closing = guide_closing(set, &out->capabilities, &out->failed);
    out->row = NEW_ARRAY(in->arena, struct judged, set->experiments);
    out->rows = set->experiments;
    for (size_t i = 0; i < out->rows; i++) {
        out->row[i].experiment = &set->experiment[i];
        out->row[i].guide = guide_verdict(set, &set->experiment[i], &s->system);
        if (out->row[i].guide == GUIDE_UNKNOWN && !out->lacks)
            out->lacks = guide_lacks(&set->experiment[i], &s->system);
        if (!judge_one(in, s, w, &out->row[i], err)) return false;
    }
    judge_together(in, w, out);
    return judged_figures(in, out, w, err) && judged_hardware(in, out, err);
}

const char *judged_guide_closing(const struct judged_set *s, struct arena *a)
{
    if (s->lacks) return str_format(a, "cannot tell, because %s is not known.", s->lacks);
    return s->closing ? s->closing : "no closing sentence.";
}

const char *judged_closing(const struct judged_set *s, struct arena *a)
{
    struct buf no;
    size_t yes = 0, computed = 0;
    buf_init(&no, 4096);
    for (size_t i = 0; i < s->rows; i++) {
        const enum fits fits = judged_fits(&s->row[i]);
        computed += fits != FITS_NOT_COMPUTED;
        yes += fits == FITS || fits == FITS_PROBABLY;
        if (fits == FITS_NOT)
            buf_format(&no, "%s%s", no.n ? "; " : "", s->row[i].experiment->title);
    }
    const char *text =
        no.n ? str_format(a, "%zu of %zu computed experiments fit; not: %s.", yes, computed, no.p)
        : computed == s->rows
            ? str_format(a, "%zu of %zu computed experiments fit.", yes, computed)
            : str_format(a, "%zu of %zu computed experiments fit; %zu %s not computed.", yes,
                         computed, s->rows - computed, s->rows - computed == 1 ? "is" : "are");
    buf_release(&no);
    return text;
}

static struct cell word_cell(enum fits fits)
{
    static const enum tone tone[] = {TONE_GOOD, TONE_GOOD, TONE_BAD, TONE_DIM, TONE_DIM};
    return (struct cell){fits_word(fits), tone[fits]};
}

static struct cell guide_cell(enum guide_says says)
{
    static const struct cell cell[] = {[GUIDE_NO_RULE] = {"-", TONE_DIM},
                                       [GUIDE_YES] = {"yes", TONE_GOOD},
                                       [GUIDE_UNKNOWN] = {"?", TONE_DIM},
                                       [GUIDE_NO] = {"no", TONE_BAD}};
    return cell[says];
}

/* Some experiment has thresholds of the guide's. */
static bool has_rules(const struct judged_set *s)
{
    for (size_t i = 0; i < s->rows; i++)
        if (s->row[i].guide != GUIDE_NO_RULE) return true;
    return false;
}

void show_judged(struct doc *d, const struct judged_set *s)
{
    static const char *const head[] = {"", "the guide", "muster", "why"};
    static const char *const alone[] = {"", "muster", "why"};
    const bool rules = has_rules(s);
    struct block *b = doc_table(d, s->set->title, rules ? head : alone, NULL,
                                rules ? COUNT_OF(head) : COUNT_OF(alone));
    for (size_t i = 0; i < s->rows; i++) {
        const struct judged *j = &s->row[i];
        const struct cell all[] = {{.text = j->experiment->title},
                                   guide_cell(j->guide),
                                   word_cell(judged_fits(j)),
                                   {.text = j->why}};
        const struct cell two[] = {all[0], all[2], all[3]};
        table_row(d, b, rules ? all : two);
    }
    for (size_t i = 0; i < s->capabilities.model_recommendation_count; i++)
        doc_note(d, TONE_PLAIN, "the guide recommends: %s",
                 s->capabilities.model_recommendations[i]);
    if (s->capabilities.notes) doc_note(d, TONE_WARN, "the guide notes: %s", s->capabilities.notes);
}

static void show_places(struct doc *d, const struct judged_set *s)
{
    struct block *b = doc_facts(d, "What the guide says of a machine with this much memory");
    for (size_t i = 0; i < s->set->tables; i++) {
        const struct guide_table *t = &s->set->table[i];
        const struct guide_system *system = &s->subject->system;
        const double gb = t->by_available ? system->ram_available_gb : system->ram_gb;
        const struct guide_row *row = guide_table_row(s->set, t->id, gb);
        if (row) facts_row(d, b, t->title, "%s: %s", row->label, row->text);
    }
}

/* What the guide's figure is worth beside ours; its range is in GB of 1024^3. */
static const char *range_word(const struct guide_row *row, double bytes)
{
    if (!(bytes > 0)) return "not computed";
    if (bytes < row->ram_low_gb * GUIDE_GB) return "too high";
    return bytes > row->ram_high_gb * GUIDE_GB ? "too low" : "confirmed";
}

struct quantising {
    struct doc *doc;
    struct block *table;
    const struct context *in;
    const struct judged_set *judged;
    const struct world *world;
};

static bool quantisation_row(const struct quantising *q, const struct guide_row *row,
                             struct mu_err *err)
{
    const struct guide_table *t = q->judged->set->quantisation;
    const struct machine *m = q->judged->subject->machine;
    struct arena *a = q->in->arena;
    struct asked asked;
    struct verdict v;
    if (!asked_generate(q->in, t->model, row->quant, m, &asked, err)) return false;
    if (asked.unchecked) note_add(q->in->notes, "%s", asked.unchecked);
    if (t->context_tokens > 0) asked.knobs.context_tokens = t->context_tokens;
    asked_settle(q->in, &asked);
    judge_task(&asked.task, m, q->world, &v);
    const double ours = verdict_needs(&v);
    const struct cell cells[] = {
        {.text = row->label},
        {.text = str_format(a, "%g-%g GB", row->ram_low_gb, row->ram_high_gb)},
        {.text = row->quant},
        {.text = units_bytes(a, ours)},
        {.text = range_word(row, ours)}};
    table_row(q->doc, q->table, cells);
    return true;
}

bool show_guide_tables(struct doc *d, const struct context *in, const struct judged_set *s,
                       const struct world *w, struct mu_err *err)
{
    static const char *const head[] = {"level", "the guide", "as", "muster", "the guide is"};
    static const enum align align[] = {ALIGN_LEFT, ALIGN_RIGHT, ALIGN_LEFT, ALIGN_RIGHT,
                                       ALIGN_LEFT};
    const struct guide_table *t = s->set->quantisation;
    if (s->set->tables) show_places(d, s);
    if (!t) return true;
    struct block *b =
        doc_table(d,
                  str_format(d->arena, "The guide's quantisation table, %s at %.0f tokens",
                             t->model, t->context_tokens),
                  head, align, COUNT_OF(head));
    for (size_t i = 0; i < t->rows; i++)
        if (!quantisation_row(&(struct quantising){d, b, in, s, w}, &t->row[i], err)) return false;
    return true;
}
