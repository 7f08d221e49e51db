/* Prints a report of the machine under a root (argument: the folder), of a line (holds a colon), or the schema ("schema"), for
 * tests/unit/machine/test_report_schema.py. Rates and verdicts are made up so that every key is written. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/root.h"
#include "catalog/catalog.h"
#include "machine/report.h"

static bool machine_of(const char *given, struct arena *a, const struct machine **out,
                       struct mu_err *err)
{
    struct root root;
    const bool line = strchr(given, ':') != NULL;
    if (!root_open(line ? NULL : given, &root, err)) return false;
    const struct looking looking = {.root = &root, .catalog = catalog_open(NULL, a), .arena = a};
    const bool made = line ? machine_from_line(str_of(given), &looking, out, err)
                           : machine_detect(&looking, out, err);
    root_close(&root);
    return made;
}

static void write_report(const struct machine *m, struct arena *a, struct buf *out)
{
    static const struct rate rates[] = {{.work = WORK_MATMUL_FLOP,
                                         .type = 12,
                                         .tokens = 1,
                                         .buffer = "AMX",
                                         .threads = 2,
                                         .per_s = {1.5, 2.5, 3.5, MEASURED, "muster-engine"},
                                         .runs = 5,
                                         .conditions = "idle"},
                                        {.work = WORK_READ_BYTES,
                                         .type = RATE_NO_TYPE,
                                         .threads = 2,
                                         .per_s = {1.5, 2.5, 3.5, MEASURED, "muster-engine"},
                                         .runs = 5,
                                         .conditions = "idle"}};
    static const struct verdict_row verdicts[] = {
        {"a", "A", "yes", "no", "why", 1e9, "set", "run a"},
        {"b", "B", NULL, "not computed", "why", (double)NAN, NULL, NULL}};
    static const struct figure_row figures[] = {{.experiment = "a",
                                                 .set = "set",
                                                 .what = "memory",
                                                 .label = "of it",
                                                 .level = "minimum",
                                                 .on = "ram:8GiB",
                                                 .source = "p. 1",
                                                 .said = "8 GB",
                                                 .low = 8e9,
                                                 .high = (double)NAN,
                                                 .ours = {1, 2, 3, ESTIMATED, "bill"},
                                                 .verdict = "too high"}};
    static const struct requirement_row requirements[] = {
        {"a", "minimum", "cpu", "i7-12700 or equivalent", "not met", false, "why"}};
    static const char *const notes[] = {"a note"};
    const struct report r = {.timestamp = "2026-11-21 08:00:00",
                             .hostname = m->name,
                             .system = guide_system_of(m, catalog_open(NULL, a), a),
                             .benchmark = guide_benchmark_of(m),
                             .capabilities = {.notes = "slow"},
                             .capable = 1,
                             .machine = machine_with_rates(m, rates, 2, a),
                             .verdict = verdicts,
                             .verdicts = 2,
                             .requirement = requirements,
                             .requirements = 1,
                             .figure = figures,
                             .figures = 1,
                             .notes = notes,
                             .note_count = 1};
    report_write(&r, out);
}

int main(int argc, char **argv)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct mu_err err = {.code = MU_OK};
    const struct machine *m;
    struct buf out;
    buf_init(&out, 16 << 20);
    if (argc == 2 && strcmp(argv[1], "schema") == 0)
        report_schema(&out);
    else if (argc == 2 && machine_of(argv[1], a, &m, &err))
        write_report(m, a, &out);
    else
        fprintf(stderr, "write_report: %s\n", err.text);
    fwrite(out.p, 1, out.n, stdout);
    const int status = out.n ? 0 : 1;
    buf_release(&out);
    arena_free(a);
    return status;
}
