/* What a request is about: the machine, its rates, the set of experiments. From --machine, --root, -e and the kept measurements. */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mapped.h"
#include "base/notes.h"
#include "base/progress.h"
#include "base/root.h"
#include "catalog/catalog.h"
#include "judge/experiment.h"
#include "machine/accelerators.h"
#include "machine/report.h"
#include "measure/ask_devices.h"
#include "measure/measure.h"
#include "verb/common.h"

enum { REPORT_BYTES_MOST = 16 << 20, SET_BYTES_MOST = 1 << 20 };

struct looking context_looking(const struct context *in)
{
    return (struct looking){.root = in->root,
                            .catalog = in->catalog,
                            .arena = in->arena,
                            .notes = in->notes,
                            .env = in->root->captured ? NULL : in->env,
                            .folder = in->root->captured ? NULL : in->folder};
}

/* The text of a whole small file, in the arena. */
static bool file_text(const struct context *in, const char *path, uint64_t most, struct str *out,
                      struct mu_err *err)
{
    struct mapped m;
    uint64_t bytes;
    if (!mapped_open(path, most, &m, &bytes, err)) return false;
    const bool whole = bytes <= most;
    if (whole) *out = (struct str){str_copy(in->arena, m.bytes), m.bytes.n};
    mapped_close(&m);
    return whole || err_set(err, MU_DATA, "%s is larger than %llu MiB", path,
                            (unsigned long long)(most >> 20));
}

bool subject_of_report(const struct context *in, const char *path, struct subject *out,
                       struct mu_err *err)
{
    struct str text = {NULL, 0};
    struct report *report = NEW(in->arena, struct report);
    if (!file_text(in, path, REPORT_BYTES_MOST, &text, err)) return false;
    if (!report_read(text, path, in->arena, report, err)) return false;
    /* The guide's, and those written before accelerators were places, only name them. */
    if (report->machine->places == 1)
        report->machine = machine_with_accelerators(report->machine, in->catalog, in->arena);
    out->machine = report->machine;
    out->report = report;
    return true;
}

/* A line begins with a key and its colon, blanks in front of it or not; everything else is a report's path. */
static bool is_line(const char *text)
{
    text += strspn(text, " ");
    const size_t letters = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return letters && text[letters] == ':' && text[letters + 1] != '/';
}

bool subject_machine(const struct request *q, const struct context *in, struct subject *out,
                     struct mu_err *err)
{
    const char *given = request_text(q, "machine");
    const struct looking looking = context_looking(in);
    *out = (struct subject){.machine = NULL};
    if (!given) return machine_detect(&looking, &out->machine, err);
    if (is_line(given)) return machine_from_line(str_of(given), &looking, &out->machine, err);
    return subject_of_report(in, given, out, err);
}

static const char *why_not_measured(const struct request *q, const struct machine *m)
{
    if (!m->here) return m->unmeasured ? m->unmeasured : "its report holds no rates";
    return request_flag(q, "quick") ? "--quick measures nothing" : NULL;
}

/* Rates measured beside other work serve so long, then the machine may be idle again. */
static const double busy_kept_s = 600;

struct measuring subject_measuring(const struct context *in, const struct subject *s)
{
    return (struct measuring){
        .engine = measure_engine_path(in->program, in->env("MUSTER_ENGINE"), in->arena),
        .state_folder = in->state_folder,
        .disk_folder = in->folder,
        .catalog = in->catalog,
        .arena = in->arena,
        .notes = in->notes,
        .progress = in->progress,
        .no_amx = s->no_amx != NULL};
}

void subject_devices(const struct request *q, const struct context *in, struct subject *s)
{
    const struct measuring how = subject_measuring(in, s);
    if (s->machine->here && !request_flag(q, "quick"))
        s->machine = measure_devices(&how, s->machine);
}

/* What a crash left of a measurement does not take the place of a whole one. */
static void keep(const struct context *in, const struct measuring *how, const struct machine *m,
                 const struct measured *found)
{
    struct mu_err err = {.code = MU_OK};
    struct measured old;
    if (found->in_part && measure_kept(how, m, &old) && old.rates > found->rates)
        note_add(in->notes,
                 "the measurements are not kept, since some are missing: those of %s stay",
                 old.when);
    else if (!measure_keep(how, m, found, &err))
        note_add(in->notes, "the measurements are not kept: %s", err.text);
}

static void take(struct subject *s, const struct measured *found, const char *when, struct arena *a)
{
    s->machine = measure_applied(s->machine, found, a);
    s->no_amx = found->no_amx;
    s->when = when;
}

static void take_kept(struct subject *s, const struct measured *kept, struct arena *a)
{
    take(s, kept, str_format(a, "kept from %s", kept->when), a);
}

/* The rates of this very machine, kept or measured; false with *why set when there are none. *why set before: only kept ones. */
static bool rate(const struct request *q, const struct context *in, struct subject *s,
                 const char **why)
{
    const struct measuring how = subject_measuring(in, s);
    const enum measure_length length = request_flag(q, "full") ? MEASURE_FULL : MEASURE_USUAL;
    struct measured kept;
    struct measured found;
    struct mu_err err = {.code = MU_OK};
    const bool usable = length != MEASURE_FULL && measure_kept(&how, s->machine, &kept);
    const bool trusted = usable && (!rates_busy(kept.rate, kept.rates) || kept.age_s < busy_kept_s);
    if (usable && (*why || (!kept.stale && trusted))) {
        take_kept(s, &kept, in->arena);
        return true;
    }
    if (*why) return false;
    const bool measured = measure_machine(&how, s->machine, length, &found, &err);
    progress_end(in->progress);
    if (measured) {
        keep(in, &how, s->machine, &found);
        take(s, &found, "just now", in->arena);
    } else if (usable) {
        note_add(in->notes, "%s", err.text);
        take_kept(s, &kept, in->arena);
    } else {
        *why = str_format(in->arena, "%s", err.text);
    }
    return measured || usable;
}

void subject_rates(const struct request *q, const struct context *in, struct subject *s)
{
    const char *why = why_not_measured(q, s->machine);
    const bool rated = s->machine->here && rate(q, in, s, &why);
    if (!rated && !machine_rated(s->machine))
        s->machine = machine_unmeasured(s->machine, why, in->arena);
    s->system = s->report ? s->report->system : guide_system_of(s->machine, in->catalog, in->arena);
    s->benchmark = s->report ? s->report->benchmark : guide_benchmark_of(s->machine);
}

void subject_checked(const struct context *in, struct subject *s)
{
    const struct measuring how = subject_measuring(in, s);
    struct measured found;
    if (!s->machine->here) return;
    if (!measure_kept(&how, s->machine, &found) || found.stale)
        found = (struct measured){.no_amx = measure_no_amx(&how, s->machine)};
    if (!found.rates) {
        found.rate = s->machine->rate;
        found.rates = s->machine->rates;
    }
    take(s, &found, s->when, in->arena);
}

static const char *const shipped_sets[] = {"llm-memory", "llm-analysis", "stac", "learning-lab",
                                           "local-ai"};

static bool set_named(const struct context *in, const char *name, const struct experiment_set **out,
                      struct mu_err *err)
{
    struct str text = catalog_file(in->catalog, str_format(in->arena, "experiments/%s.yaml", name));
    if (text.p || file_text(in, name, SET_BYTES_MOST, &text, err))
        return experiment_set_parse(text, name, in->arena, out, err);
    const char *known = "all";
    for (size_t i = 0; i < COUNT_OF(shipped_sets); i++)
        known = str_format(in->arena, "%s, %s", known, shipped_sets[i]);
    return err_add(err, "no set of experiments is called %s; there are: %s", name, known);
}

static const char *set_asked(const struct request *q)
{
    const char *given = request_text(q, "experiments");
    return given ? given : shipped_sets[0];
}

bool subject_set(const struct request *q, const struct context *in,
                 const struct experiment_set **out, struct mu_err *err)
{
    return set_named(in, set_asked(q), out, err);
}

bool subject_sets(const struct request *q, const struct context *in, struct subject_sets *out,
                  struct mu_err *err)
{
    const char *name = set_asked(q);
    const bool all = strcmp(name, "all") == 0;
    *out = (struct subject_sets){.sets = 0};
    for (size_t i = 0; i < COUNT_OF(shipped_sets); i++) {
        if (!set_named(in, all ? shipped_sets[i] : name, &out->set[out->sets++], err)) return false;
        if (!all) break;
    }
    return true;
}
