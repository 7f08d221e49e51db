/* cpu-job: work that runs no model, as statistics over results or drawing them. Memory, disk and cores are as somebody says; nothing is
 * computed beyond holding them against the machine. Left out: how long it takes, of which nothing is known. */
#include "cost/cpu_job.h"
#include "model/digest.h"

#define FIELD(name) offsetof(struct cpu_job, name)
enum { CORES_MOST = 1 << 16 };

static const struct knob knobs[] = {
    {.name = "ram",
     .option = "ram",
     .words = "memory that it takes, as 4GiB; 0 is not said",
     .kind = KNOB_BYTES,
     .least = 0,
     .most = 0x1p53,
     .offset = FIELD(ram_bytes)},
    {.name = "disk",
     .option = "disk",
     .words = "what it leaves on the disk, as 20GiB; 0 is nothing",
     .kind = KNOB_BYTES,
     .least = 0,
     .most = 0x1p53,
     .offset = FIELD(disk_bytes)},
    {.name = "cores",
     .option = "cores",
     .words = "cores that it needs; 0 is any",
     .kind = KNOB_COUNT,
     .least = 0,
     .most = CORES_MOST,
     .offset = FIELD(cores)},
    {.name = "repeats",
     .option = "repeats",
     .words = "how often it runs, one behind the other; 1",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = 1e12,
     .offset = FIELD(repeats),
     .amount = true},
};

static void bill(struct bill *b, const struct digest *m, const void *chosen, const struct split *s)
{
    const struct cpu_job *k = chosen;
    (void)m;
    (void)s;
    b->unruled = k->ram_bytes > 0 ? NULL : "how much memory it takes was not said (--ram)";
    if (b->unruled) return;
    GIVEN(b, said_bytes, k->ram_bytes, "--ram");
    HOLD(b, ON_HOST, "as said", "said", said_bytes, "what was asked for, nothing computed");
}

static struct on_disk writes(const struct digest *m, const void *chosen)
{
    const struct cpu_job *k = chosen;
    (void)m;
    return (struct on_disk){k->disk_bytes, k->disk_bytes, k->repeats};
}

static void usual(void *chosen, const struct digest *m, const struct catalog *c)
{
    (void)m;
    (void)c;
    *(struct cpu_job *)chosen = (struct cpu_job){.repeats = 1};
}

static double units(const void *chosen)
{
    const struct cpu_job *k = chosen;
    return k->repeats;
}

const struct workload workload_cpu_job = {
    .name = "cpu-job",
    .words = "work that runs no model; what it takes is as said",
    .knob = knobs,
    .knobs = sizeof knobs / sizeof *knobs,
    .size = sizeof(struct cpu_job),
    .bill = bill,
    .usual = usual,
    .unit = "job",
    .units = units,
    .writes = writes,
    .modelless = true,
};
