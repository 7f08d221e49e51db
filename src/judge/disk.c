/* What a workload leaves on the disk, of one unit and in all, against what is free where it is started. Left out: what programs write in
 * passing (caches, checkpoints), and quotas. */
#include "judge/disk.h"

#include <math.h>

#include "judge/fetch.h"
#include "machine/facts.h"

void judge_disk(const struct task *t, const struct machine *m, struct verdict *v)
{
    const struct on_disk w =
        t->kind->writes ? t->kind->writes(t->model, t->knobs) : (struct on_disk){.units = 1};
    const struct disk_facts *disk = fetch_disk(m, "this folder");
    double free_bytes;
    v->unit_disk_bytes =
        estimate_of(w.low_bytes, w.low_bytes, w.high_bytes, ESTIMATED, "what it writes");
    v->disk_bytes =
        (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN, "no amount was said"};
    if (!(w.high_bytes > 0))
        v->disk_bytes = v->unit_disk_bytes;
    else if (!isnan(w.units))
        v->disk_bytes = estimate_of(w.units * w.low_bytes, w.units * w.low_bytes,
                                    w.units * w.high_bytes, ESTIMATED, "what it writes");
    if (!estimate_known(v->disk_bytes) || !disk || !known(disk->free_bytes, &free_bytes)) return;
    if (v->disk_bytes.high > free_bytes && v->fits == FITS) v->fits = FITS_PROBABLY;
    if (!(v->disk_bytes.low > free_bytes) || v->fits == FITS_UNKNOWN) return;
    v->fits = FITS_NOT;
    v->why = "what it writes does not fit on the disk";
}
