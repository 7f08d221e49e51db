/* How much memory there is: total, available, free, swap, huge pages, and what the kernel would still promise.
 *
 * Reads /proc/meminfo (proc_meminfo(5)) and /proc/sys/vm/overcommit_memory. Kernels before 3.14 do not say MemAvailable; it is then
 * put together from free memory and what can be given back, and said so. Under lxcfs the file is the container's own. What one process
 * may use of all this: probe_limits.c. */
#include "base/notes.h"
#include "base/num.h"
#include "base/root.h"
#include "machine/probe.h"
#include "machine/proc_text.h"

static const char meminfo[] = "/proc/meminfo";

static struct quantity kib(struct str text, const char *key)
{
    double bytes;
    return proc_kib(text, key, &bytes) ? quantity_of(bytes, REPORTED, meminfo)
                                       : unknown("/proc/meminfo does not say");
}

static double kib_or_none(struct str text, const char *key)
{
    double bytes;
    return proc_kib(text, key, &bytes) ? bytes : 0;
}

/* Free memory and page cache, less what of it is shared memory and cannot be dropped. */
static struct quantity pieced_together(const struct looking *in, struct str text)
{
    double free_bytes;
    if (!proc_kib(text, "MemFree", &free_bytes)) return unknown("/proc/meminfo does not say");
    const double cache = kib_or_none(text, "Buffers") + kib_or_none(text, "Cached") +
                         kib_or_none(text, "SReclaimable") - kib_or_none(text, "Shmem");
    fell_back(in->notes, "MemFree + Buffers + Cached + SReclaimable - Shmem as available memory",
              "this kernel does not say MemAvailable");
    return quantity_of(free_bytes + most(cache, 0), ESTIMATED,
                       "MemFree + Buffers + Cached + SReclaimable - Shmem");
}

static void available_found(const struct looking *in, struct str text, struct memory_facts *m)
{
    double total, available;
    m->available_bytes = kib(text, "MemAvailable");
    if (!known(m->available_bytes, NULL)) m->available_bytes = pieced_together(in, text);
    if (known(m->available_bytes, &available) && known(m->total_bytes, &total) && available > total)
        m->available_bytes = m->total_bytes;
}

/* Where the kernel refuses to promise more than it has (mode 2), the promises left are a limit as well. */
static struct quantity commit_left(const struct looking *in, struct str text)
{
    uint64_t mode;
    double most_bytes, promised;
    if (!root_u64(in->root, "/proc/sys/vm/overcommit_memory", &mode) || mode != 2 ||
        !proc_kib(text, "CommitLimit", &most_bytes) || !proc_kib(text, "Committed_AS", &promised))
        return unknown("the kernel overcommits");
    return quantity_of(most(most_bytes - promised, 0), REPORTED, "CommitLimit - Committed_AS");
}

static struct quantity huge_pages(struct str text, const struct memory_facts *m)
{
    uint64_t pages;
    double size, bytes;
    if (!proc_number(text, "HugePages_Total", &pages) || !known(m->huge_page_size_bytes, &size))
        return unknown("/proc/meminfo does not say");
    bytes = (double)pages * size;
    if (bytes > known_or(m->total_bytes, 0)) return unknown("more huge pages than memory");
    return quantity_of(bytes, REPORTED, meminfo);
}

static void finds(const struct looking *in, struct draft *out)
{
    struct memory_facts *m = &out->facts.memory;
    struct str text;
    if (!root_text(in->root, meminfo, in->arena, &text)) {
        const struct quantity missing = unknown("no /proc/meminfo");
        *m = (struct memory_facts){missing, missing, missing, missing, missing, missing, missing};
        return;
    }
    m->total_bytes = kib(text, "MemTotal");
    m->free_bytes = kib(text, "MemFree");
    available_found(in, text, m);
    m->swap_total_bytes = kib(text, "SwapTotal");
    m->swap_free_bytes = kib(text, "SwapFree");
    m->huge_page_size_bytes = kib(text, "Hugepagesize");
    m->huge_pages_bytes = huge_pages(text, m);
    out->commit_left_bytes = commit_left(in, text);
}

const struct probe probe_memory = {"memory", "total, available, free, swap, huge pages", finds};
