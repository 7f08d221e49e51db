/* A report from bytes somebody else wrote. What is taken must come out the same when it is written, read and written again. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "catalog/catalog.h"
#include "machine/accelerators.h"
#include "machine/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_twice(const struct report *r, struct arena *a)
{
    struct buf first;
    struct buf second;
    struct report back;
    struct mu_err err = {.code = MU_OK};
    buf_init(&first, 64 << 20);
    buf_init(&second, 64 << 20);
    report_write(r, &first);
    if (!report_read(buf_text(&first), "fuzz", a, &back, &err)) abort();
    report_write(&back, &second);
    if (first.n != second.n || memcmp(first.p, second.p, first.n) != 0) abort();
    buf_release(&first);
    buf_release(&second);
}

/* Its accelerators made anew from its facts: places in pools of memory, rates and links at what is there. */
static void place_anew(const struct machine *m, const struct catalog *c, struct arena *a)
{
    m = machine_with_accelerators(m, c, a);
    for (size_t i = 0; i < m->places; i++)
        if (m->place[i].pool >= m->pools || m->pool[m->place[i].pool].kind == POOL_DISK) abort();
    for (size_t i = 0; i < m->rates; i++)
        if (m->rate[i].place >= m->places) abort();
    for (size_t i = 0; i < m->links; i++)
        if (m->link[i].from >= m->pools || m->link[i].to >= m->pools) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *lasting; /* the catalogue is read once */
    static const struct catalog *catalog;
    if (!lasting) lasting = arena_new(ARENA_USUAL_BYTES);
    if (!catalog) catalog = catalog_open(NULL, lasting);
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const struct str text = {(const char *)data, size};
    struct report r;
    struct mu_err err = {.code = MU_OK};
    const bool is = report_is(text);
    if (report_read(text, "fuzz", a, &r, &err)) {
        if (!is) abort();
        write_twice(&r, a);
        (void)guide_system_of(r.machine, catalog, a);
        place_anew(r.machine, catalog, a);
        (void)guide_benchmark_of(r.machine);
    }
    arena_free(a);
    return 0;
}
