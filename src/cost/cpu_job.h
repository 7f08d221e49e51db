/* cost/cpu_job.h - work that runs no model: what it takes is what somebody says it takes. */
#pragma once
#include "cost/cost.h"

struct cpu_job {
    double ram_bytes, disk_bytes, cores;
    double repeats; /* amount */
};
extern const struct workload workload_cpu_job;
