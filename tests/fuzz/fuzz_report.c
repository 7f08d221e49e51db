/* A report from bytes somebody else wrote. What is taken must come out the same when it is written, read and written again. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const struct str text = {(const char *)data, size};
    struct report r;
    struct mu_err err = {.code = MU_OK};
    const bool is = report_is(text);
    if (report_read(text, "fuzz", a, &r, &err)) {
        if (!is) abort();
        write_twice(&r, a);
        (void)guide_system_of(r.machine, NULL, a);
        (void)guide_benchmark_of(r.machine);
    }
    arena_free(a);
    return 0;
}
