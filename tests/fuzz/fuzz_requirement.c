/* Hardware asked for in words, from bytes somebody else wrote: whatever they are, there is a verdict and a sentence. The first byte chooses
 * what the text is about. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "catalog/catalog.h"
#include "judge/requirement.h"
#include "machine/machine.h"

static const char line[] = "cpu:Intel Core i7-12700 ram:32GiB gpu:RTX 4090, RX 6800 disk:300GiB";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Read once. */
struct asked_of {
    const struct catalog *catalog;
    const struct requirement_words *words;
    const struct machine *machine;
};

static struct asked_of read_once(void)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct notes notes = {.arena = a};
    struct asked_of all = {.catalog = catalog_open(NULL, a)};
    const struct looking in = {.catalog = all.catalog, .arena = a, .notes = &notes};
    struct mu_err err = {.code = MU_OK};
    if (!machine_from_line(str_of(line), &in, &all.machine, &err) ||
        !requirement_words_read(all.catalog, a, &all.words, &err))
        abort();
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct asked_of all;
    if (!all.catalog) all = read_once();
    if (!size) return 0;
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const enum requirement_of of = (enum requirement_of)(data[0] % 3);
    const struct requirement *r = requirement_read(
        all.words, all.catalog, of, (struct str){(const char *)data + 1, size - 1}, a);
    const struct requirement_verdict v =
        requirement_hold(r, all.words, all.catalog, all.machine, a);
    if (!v.why || !*v.why || (r->unread && v.says != REQUIREMENT_UNKNOWN)) abort();
    arena_free(a);
    return 0;
}
