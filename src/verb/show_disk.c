/* What a workload leaves on the disk: of one unit, and of all of them where somebody said how many. */
#include <string.h>

#include "base/units.h"
#include "judge/fetch.h"
#include "machine/facts.h"
#include "verb/fit.h"

static const char *bytes_words(struct arena *a, struct estimate bytes)
{
    const char *low = units_bytes(a, bytes.low), *high = units_bytes(a, bytes.high);
    return strcmp(low, high) == 0 ? low : str_format(a, "%s to %s", low, high);
}

/* Of the disk it would lie on, as the end of a sentence. */
static const char *free_words(struct arena *a, const struct machine *m)
{
    const struct disk_facts *disk = fetch_disk(m, "this folder");
    double free_bytes;
    if (!disk || !known(disk->free_bytes, &free_bytes)) return "";
    return str_format(a, "; %s are free", units_bytes(a, free_bytes));
}

void show_disk(struct doc *d, struct block *b, const struct fit *f)
{
    const struct verdict *v = &f->verdict;
    if (!estimate_known(v->unit_disk_bytes) || !(v->unit_disk_bytes.high > 0)) return;
    facts_row(d, b, "on disk", "%s a %s, %s%s", bytes_words(d->arena, v->unit_disk_bytes),
              f->asked.task.kind->unit,
              estimate_known(v->disk_bytes)
                  ? str_format(d->arena, "%s in all", bytes_words(d->arena, v->disk_bytes))
                  : str_format(d->arena, "in all ? · %s", v->disk_bytes.source),
              free_words(d->arena, f->machine));
}

void write_disk(struct writer *w, const struct fit *f)
{
    write_estimate(w, "unit_disk_bytes", f->verdict.unit_disk_bytes);
    write_estimate(w, "disk_bytes", f->verdict.disk_bytes);
}
