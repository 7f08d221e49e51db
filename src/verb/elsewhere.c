/* The task as it was asked for, judged on other machines: reports of a folder, and instances in the order of their price until one holds
 * it, and one that is fast enough too. Each machine has its own weight buffers and rates. Left out: instances whose memory or price is not
 * listed, those that are retired, and what runs beside it here (--together). */
#include "verb/elsewhere.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "catalog/parts.h"
#include "cost/runtime.h"
#include "model/digest.h"
#include "verb/for_rent.h"

enum { REPORTS_MOST = 64, RENTED_MOST = 2, NAMES_MOST = 65536 };

struct seeking {
    const struct context *in;
    const struct elsewhere_asked *asked;
    struct world world; /* without what was tried here */
    struct elsewhere *out;
};

/* The task with the weight buffers of another machine's CPU. */
static const struct asked *asked_on(const struct seeking *s, const struct machine *m)
{
    const struct asked *here = s->asked->placed->asked;
    struct asked *there = NEW(s->in->arena, struct asked);
    if (here->own_knobs) return here;
    *there = (struct asked){.model = here->model, .digest = here->digest, .knobs = here->knobs};
    there->task = (struct task){here->task.kind, here->task.model, &there->knobs};
    memset(there->knobs.buffer, 0, sizeof there->knobs.buffer);
    if (!s->asked->repack_given) there->knobs.repack = REPACK_ON;
    judge_buffers(m, s->in->catalog, s->in->arena, &there->knobs);
    if (!runtime_of(&there->knobs)->published) (void)judge_repacking(here->digest, &there->knobs);
    return there;
}

static struct placed placed_on(const struct seeking *s, const struct machine *m)
{
    struct verdict *v = NEW(s->in->arena, struct verdict);
    const struct asked *asked = asked_on(s, m);
    judge_task(&asked->task, m, &s->world, v);
    return (struct placed){asked, m, v};
}

/* ---- reports */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the folder that end in .json, sorted; false: it cannot be read. */
static bool reports_in(const struct context *in, const char *folder, const char **name,
                       size_t *names)
{
    DIR *d = opendir(folder);
    size_t seen = 0;
    *names = 0;
    if (!d) return false;
    for (struct dirent *e; seen < NAMES_MOST && (e = readdir(d)) != NULL; seen++) {
        const struct str file = str_of(e->d_name);
        if (e->d_name[0] == '.' || !str_ends(file, S(".json"))) continue;
        if (*names == REPORTS_MOST) {
            note_add(in->notes, "more than %d reports lie in %s: the others are left out",
                     REPORTS_MOST, str_visible(in->arena, str_of(folder)));
            break;
        }
        name[(*names)++] = str_copy(in->arena, file);
    }
    closedir(d);
    qsort(name, *names, sizeof *name, by_text);
    return true;
}

static void add_report(struct seeking *s, const char *path, const char *file)
{
    struct arena *a = s->in->arena;
    struct subject subject = {.machine = NULL};
    struct mu_err why = {.code = MU_OK};
    if (!subject_of_report(s->in, path, &subject, &why)) {
        note_add(s->in->notes, "%s is skipped: %s", str_visible(a, str_of(file)), why.text);
        return;
    }
    const struct machine *m = judge_typical(subject.machine, &s->world, a);
    s->out->row[s->out->rows++] = (struct elsewhere_row){.name = m->name ? m->name : file,
                                                         .file = path,
                                                         .usd_per_hour = (double)NAN,
                                                         .placed = placed_on(s, m)};
}

static bool look_at_reports(struct seeking *s, struct mu_err *err)
{
    const char *folder = s->asked->folder;
    const char **name = NEW_ARRAY(s->in->arena, const char *, REPORTS_MOST);
    size_t names;
    if (!folder) return true;
    if (!reports_in(s->in, folder, name, &names))
        return err_set(err, MU_NOINPUT, "cannot look for reports in %s: %s",
                       str_visible(s->in->arena, str_of(folder)), strerror(errno));
    for (size_t i = 0; i < names; i++)
        add_report(s, str_format(s->in->arena, "%s/%s", folder, name[i]), name[i]);
    if (!s->out->rows)
        note_add(s->in->notes, "no report lies in %s", str_visible(s->in->arena, str_of(folder)));
    return true;
}

/* ---- for rent */

static int by_price(const void *a, const void *b)
{
    const struct cloud_part *x = *(const struct cloud_part *const *)a;
    const struct cloud_part *y = *(const struct cloud_part *const *)b;
    if (x->usd_per_hour != y->usd_per_hour) return x->usd_per_hour < y->usd_per_hour ? -1 : 1;
    return x < y ? -1 : x > y;
}

static size_t offered(const struct context *in, const struct cloud_part ***out)
{
    const struct cloud_part *part;
    size_t parts, n = 0;
    struct mu_err unsaid = {.code = MU_OK};
    if (!catalog_clouds(in->catalog, &part, &parts, &unsaid)) return 0;
    *out = NEW_ARRAY(in->arena, const struct cloud_part *, parts);
    for (size_t i = 0; i < parts; i++)
        if (!part[i].retired && part[i].usd_per_hour > 0 && part[i].ram_gib > 0)
            (*out)[n++] = &part[i];
    qsort(*out, n, sizeof **out, by_price);
    return n;
}

/* What was to compute on a device here does so there. */
static bool does(const struct seeking *s, const struct verdict *v)
{
    const struct verdict *here = s->asked->placed->verdict;
    const bool own = s->asked->placed->asked->own_knobs != NULL;
    return v->fits <= FITS_PROBABLY && (!own || here->split.sites == 1 || v->split.sites > 1);
}

static bool fast_enough(const struct seeking *s, const struct verdict *v, double least_per_s)
{
    if (s->asked->placed->asked->own_knobs) return true;
    return estimate_known(v->decode_per_s) && v->decode_per_s.likely >= least_per_s;
}

/* The cheapest that holds it, and the cheapest that is as fast as is asked, else as what runs well is. */
static void look_for_rent(struct seeking *s)
{
    const struct cloud_part **part = NULL;
    const struct renting from = {s->in, &s->world, 0};
    const bool asked = !isnan(s->asked->decode_least_per_s);
    const double least_per_s =
        asked ? s->asked->decode_least_per_s : ranking_usual.decode_least_per_s;
    bool found = asked; /* one that is too slow is of no use then */
    const size_t n = s->asked->rent ? offered(s->in, &part) : 0;
    for (size_t i = 0; i < n; i++) {
        struct offer o = {.count = 1};
        const struct machine *m = machine_for_rent(&from, part[i], &o);
        if (!m || !has_backends(m)) continue;
        const struct placed p = placed_on(s, m);
        const bool fast = fast_enough(s, p.verdict, least_per_s);
        if (!does(s, p.verdict) || (found && !fast)) continue;
        s->out->row[s->out->rows++] = (struct elsewhere_row){
            .name = part[i]->provider
                        ? str_format(s->in->arena, "%s %s", part[i]->provider, part[i]->name)
                        : part[i]->name,
            .usd_per_hour = part[i]->usd_per_hour,
            .usd_date = part[i]->price_date,
            .placed = p};
        found = true;
        if (fast) return;
    }
}

bool find_elsewhere(const struct context *in, const struct elsewhere_asked *asked,
                    const struct elsewhere **out, struct mu_err *err)
{
    struct seeking *s = NEW(in->arena, struct seeking);
    *out = NULL;
    if ((!asked->folder && !asked->rent) || asked->placed->verdict->bill.unruled) return true;
    *s = (struct seeking){.in = in, .asked = asked, .out = NEW(in->arena, struct elsewhere)};
    s->out->row = NEW_ARRAY(in->arena, struct elsewhere_row, REPORTS_MOST + RENTED_MOST);
    if (!judge_world(in->catalog, in->arena, &s->world, err) || !look_at_reports(s, err))
        return false;
    look_for_rent(s);
    *out = s->out;
    return true;
}
