/* A machine line from bytes somebody else wrote. What is taken must be a machine: written as a report, it reads back. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "catalog/catalog.h"
#include "machine/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void written_and_read(const struct machine *m, struct arena *a)
{
    const struct report r = {.hostname = m->name,
                             .system = guide_system_of(m, NULL, a),
                             .benchmark = guide_benchmark_of(m),
                             .machine = m};
    struct report back;
    struct buf text;
    struct mu_err err = {.code = MU_OK};
    buf_init(&text, 16 << 20);
    report_write(&r, &text);
    if (!report_read(buf_text(&text), "fuzz", a, &back, &err)) abort();
    buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *lasting; /* the catalogue is read once */
    static struct catalog *catalog;
    if (!lasting) {
        lasting = arena_new(ARENA_USUAL_BYTES);
        catalog = catalog_open(NULL, lasting);
    }
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct notes notes = {.arena = a};
    const struct looking in = {.catalog = catalog, .arena = a, .notes = &notes};
    const struct machine *m;
    struct mu_err err = {.code = MU_OK};
    if (machine_from_line((struct str){(const char *)data, size}, &in, &m, &err))
        written_and_read(m, a);
    else if (err.code == MU_OK)
        abort();
    arena_free(a);
    return 0;
}
