/* judge/disk.h - what a workload writes, held against the disk it would lie on. */
#pragma once
#include "judge/judge.h"

/* Fills the disk's bytes of a verdict; what surely has no room there does not fit. */
void judge_disk(const struct task *t, const struct machine *m, struct verdict *v);
