/* What each experiment of a set needs, for `muster doc`: its bill on the host alone and on one accelerator, and the largest of all of
 * them. What runs together with others is counted with these. Left out: experiments spread over several accelerators. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/units.h"
#include "cost/runtime.h"
#include "model/digest.h"
#include "verb/need_asked.h"
#include "verb/paper.h"

/* What `need` takes for a machine that is nobody's. */
#define PLAIN_LINE "cpu:8 ram:64GiB"

double paper_needs(const struct paper_row *r, enum paper_memory of, enum need_level level)
{
    const struct needs *n = &r->needs;
    const struct estimate e[PAPER_MEMORIES] = {n->ram_bytes, n->vram_bytes, n->beside_bytes};
    if (!r->asked || r->why || !r->may[of == PAPER_RAM ? PAPER_HOST : PAPER_DEVICE])
        return (double)NAN;
    return level == NEED_MINIMUM ? need_least(e[of])
                                 : need_with_spare(e[of], ranking_usual.spare_share);
}

const char *paper_model(const struct paper_row *r)
{
    const bool none = !r->asked || r->asked->task.kind->modelless;
    return none ? "-" : name_alone(r->asked->digest->name);
}

static bool plain_machine(const struct context *in, const struct machine **out, struct mu_err *err)
{
    const struct looking looking = context_looking(in);
    return machine_from_line(S(PLAIN_LINE), &looking, out, err);
}

static const char *setting_of(const struct experiment *e, const char *name)
{
    for (size_t i = 0; i < e->settings; i++)
        if (strcmp(e->setting[i].name, name) == 0) return e->setting[i].value;
    return NULL;
}

/* --quant goes to what writes text under a runtime that takes mixes, as a figure of the guide's would. */
bool paper_ask(const struct context *in, const struct paper *p, const struct experiment *e,
               struct asked *out, struct mu_err *err)
{
    const struct machine *plain;
    const struct guide_figure other = {.kind = FIGURE_OTHER, .quant = p->quant};
    const bool mixed = p->quant && cost_writes_text(e->workload) && !setting_of(e, "runtime");
    return plain_machine(in, &plain, err) &&
           judged_ask(in, plain, e, mixed ? &other : NULL, out, err);
}

/* Where something is judged does not change what it leaves on the disk. */
static void find_written(struct paper *p)
{
    for (size_t i = 0; i < p->judged->rows; i++) {
        const struct judged *j = &p->judged->row[i];
        const struct verdict *v = &j->verdict;
        if (!j->asked || p->row[i].why || !estimate_known(v->unit_disk_bytes) ||
            !(v->unit_disk_bytes.high > 0))
            continue;
        if (!estimate_known(v->disk_bytes)) {
            p->unwritten++;
            continue;
        }
        p->written_low_bytes += v->disk_bytes.low;
        p->written_high_bytes += v->disk_bytes.high;
    }
}

bool paper_judged(const struct context *in, const struct world *w, struct paper *p,
                  struct mu_err *err)
{
    struct subject *s = NEW(in->arena, struct subject);
    struct judged_set *judged = NEW(in->arena, struct judged_set);
    struct notes aside = {.arena = in->arena};
    struct context quiet = *in;
    quiet.notes = &aside;
    if (!plain_machine(in, &s->machine, err)) return false;
    s->system = guide_system_of(s->machine, in->catalog, in->arena);
    s->benchmark = guide_benchmark_of(s->machine);
    p->judged = judged;
    if (!judged_set_make(&quiet, p->set, s, w, judged, err)) return false;
    find_written(p);
    return true;
}

static void find_places(struct paper_row *r)
{
    const struct task *t = &r->asked->task;
    const bool text = !r->asked->own_knobs;
    const double device = knob_number(t->kind, t->knobs, "device");
    const double shards = knob_number(t->kind, t->knobs, "shards");
    const bool on_either = text ? r->asked->knobs.gpu_layers != 0 : device == (double)DEVICE_AUTO;
    r->may[PAPER_HOST] = (text || on_either || device != (double)DEVICE_GPU) && !(shards > 1);
    r->may[PAPER_DEVICE] = on_either || device == (double)DEVICE_GPU;
}

/* What makes less of a line of a model that writes text; other bills say so themselves. */
static const char *smaller_of(const struct line *l, bool text)
{
    static const struct {
        const char *group, *words;
    } by[] = {{"weights", "--quant, or a smaller model"},
              {"kv", "--ctx, --kv-type"},
              {"compute", "--ubatch"},
              {"output", "--outputs-max"}};
    const char *said = line_smaller_by(l);
    for (size_t i = 0; !said && text && i < COUNT_OF(by); i++)
        if (strcmp(l->term->group, by[i].group) == 0) said = by[i].words;
    return said;
}

/* "--checkpointing on" where it is on: nothing to change. */
static bool is_so(const struct asked *asked, struct str part, struct arena *a)
{
    struct str value = part;
    const struct str option = str_cut(&value, ' ');
    if (option.n < 3 || !value.n) return false;
    const struct workload *kind = asked->task.kind;
    const struct knob *k = knob_find(kind, (struct str){option.p + 2, option.n - 2});
    const char *now = k ? knob_text(k, asked->task.knobs, a) : NULL;
    if (now && strcmp(now, "true") == 0) now = "on";
    if (now && strcmp(now, "false") == 0) now = "off";
    return now && str_is(value, now);
}

/* What is not as it should be already. */
static const char *still_open(const struct asked *asked, const char *parts, struct arena *a)
{
    struct str rest = str_of(parts);
    const char *text = NULL;
    while (rest.n) {
        const struct str part = str_trim(str_cut(&rest, ','));
        if (is_so(asked, part, a)) continue;
        text = str_format(a, "%s%s%.*s", text ? text : "", text ? ", " : "", (int)part.n, part.p);
    }
    return text;
}

static void find_most(const struct context *in, struct paper_row *r)
{
    struct bill *b = NEW(in->arena, struct bill);
    cost_bill(&r->asked->task, &split_host, b);
    const struct line *l = bill_largest(b);
    r->most_bytes = (double)NAN;
    if (!l) return;
    r->most = l->term->name;
    r->most_bytes = l->amount;
    const char *smaller = smaller_of(l, !r->asked->own_knobs);
    r->smaller = smaller ? still_open(r->asked, smaller, in->arena) : NULL;
    if (!r->smaller && strcmp(l->term->group, "weights") == 0) r->smaller = "a smaller model";
}

static const char *what_words(const struct context *in, const struct asked *asked)
{
    const struct workload *kind = asked->task.kind;
    const char *words = asked_words(in, asked);
    if (!asked->own_knobs)
        words = str_format(in->arena, "%s, %s", words, extent_words(asked, in->arena));
    return *words ? str_format(in->arena, "%s: %s", kind->name, words) : kind->name;
}

static bool fill_row(const struct context *in, const struct world *w, const struct paper *p,
                     struct paper_row *r, struct mu_err *err)
{
    const struct experiment *e = r->experiment;
    r->most_bytes = (double)NAN;
    r->command = e->command;
    r->why = e->why_not ? e->why_not : "no workload is written down";
    if (!e->workload) return true;
    struct asked *asked = NEW(in->arena, struct asked);
    if (!paper_ask(in, p, e, asked, err)) return false;
    r->asked = asked;
    r->command = judged_command(&(struct judged){.experiment = e, .asked = asked}, in->arena);
    r->what = what_words(in, asked);
    judge_need(&asked->task, w, p->backend, &r->needs);
    r->why = r->needs.why;
    if (r->why) return true;
    find_places(r);
    if (!(r->needs.vram_bytes.likely > 0)) r->may[PAPER_DEVICE] = false; /* nothing lies there */
    find_most(in, r);
    paper_lines(in, p, r);
    return true;
}

static const struct paper_row *row_of(const struct paper *p, const char *id)
{
    for (size_t i = 0; i < p->rows; i++)
        if (strcmp(p->row[i].experiment->id, id) == 0) return &p->row[i];
    return NULL;
}

/* With what runs at the same time, as far as that is computed. */
static double with_others(const struct paper *p, const struct paper_row *r, enum paper_memory of,
                          enum need_level level)
{
    const struct experiment *e = r->experiment;
    double bytes = paper_needs(r, of, level);
    for (size_t i = 0; i < e->togethers; i++) {
        const struct paper_row *other = row_of(p, e->together[i]);
        const bool beside = of == PAPER_BESIDE && other && !other->may[PAPER_DEVICE];
        const double more =
            other && other != r ? paper_needs(other, beside ? PAPER_RAM : of, level) : (double)NAN;
        if (!isnan(more)) bytes += more;
    }
    return bytes;
}

static void find_memory(struct paper *p)
{
    for (int level = 0; level < NEED_LEVELS; level++)
        for (int of = 0; of < PAPER_MEMORIES; of++) {
            struct paper_most *most = &p->memory[level][of];
            most->bytes = (double)NAN;
            for (size_t i = 0; i < p->rows; i++) {
                const double bytes =
                    with_others(p, &p->row[i], (enum paper_memory)of, (enum need_level)level);
                if (isnan(bytes) || bytes <= most->bytes) continue;
                *most = (struct paper_most){bytes, p->row[i].experiment};
            }
        }
}

#define PUBLISHED "16 bits"

/* The form in which a model lies on the disk; what is read as published is taken as 16 bits a weight. */
static const char *form_of(const struct asked *a)
{
    const bool published = a->own_knobs || runtime_of(&a->knobs)->published;
    if (published && !(a->digest->packed_bytes > 0)) return a->file ? "its own file" : PUBLISHED;
    return a->digest->quant ? a->digest->quant : "its own file";
}

static void find_files(const struct context *in, struct paper *p)
{
    p->file = NEW_ARRAY(in->arena, struct paper_file, p->rows);
    for (size_t i = 0; i < p->rows; i++) {
        const struct asked *a = p->row[i].asked;
        size_t k = 0;
        if (!a || p->row[i].why || !(a->digest->weight_bytes > 0)) continue;
        const struct paper_file f = {a->digest->name, form_of(a), a->digest->weight_bytes};
        while (k < p->files &&
               (strcmp(p->file[k].model, f.model) != 0 || strcmp(p->file[k].form, f.form) != 0))
            k++;
        if (k < p->files) continue;
        p->file[p->files++] = f;
        p->files_bytes += f.bytes;
    }
}

bool paper_rows(const struct context *in, const struct world *w, struct paper *p,
                struct mu_err *err)
{
    p->backend = need_backend(w);
    p->spare_share = ranking_usual.spare_share;
    p->rows = p->set->experiments;
    paper_cards(in, w, p);
    p->row = NEW_ARRAY(in->arena, struct paper_row, p->rows);
    for (size_t i = 0; i < p->rows; i++) {
        p->row[i].experiment = &p->set->experiment[i];
        if (!fill_row(in, w, p, &p->row[i], err)) return false;
        p->computed += !p->row[i].why;
    }
    find_memory(p);
    find_files(in, p);
    return true;
}
