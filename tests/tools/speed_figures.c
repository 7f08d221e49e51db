/* tests/tools/speed_figures.c - what we say of each run of a truth file of speed beside what was measured, JSON lines; nothing is
 * predicted of a run that has no price:
 *
 *     speed_figures FILE */
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mapped.h"
#include "catalog/catalog.h"
#include "proof/speed_truth.h"

enum { FILE_MOST_BYTES = 64 << 20 };

static bool print(const char *path, struct arena *a, struct mu_err *err)
{
    struct mapped file;
    struct speed_truth t;
    if (!mapped_open(path, FILE_MOST_BYTES, &file, NULL, err)) return false;
    const bool good = speed_truth_read(file.bytes, path, catalog_open(NULL, a), a, &t, err);
    for (size_t i = 0; good && i < t.rows; i++) {
        const struct speed_row *r = &t.row[i];
        printf("{\"id\": \"%s\", \"decode\": %s, \"measured\": %g", r->id,
               r->decode ? "true" : "false", r->measured);
        if (r->predicted > 0)
            printf(", \"predicted\": %g, \"low\": %g, \"high\": %g", r->predicted, r->low, r->high);
        puts("}");
    }
    mapped_close(&file);
    return good;
}

int main(int argc, char **argv)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct mu_err err = {.code = MU_OK};
    const bool good =
        argc == 2 ? print(argv[1], a, &err) : err_set(&err, MU_USAGE, "usage: speed_figures FILE");
    if (!good) fprintf(stderr, "%s\n", err.text);
    arena_free(a);
    return err_exit_status(err.code);
}
