/* machine/budget.h - the limits that a process meets besides what the machine has. Each adds rows to the draft's list of limits; a row
 * says what binds and what is left under it. probe_limits.c sorts them. */
#pragma once

struct draft;
struct looking;

void budget_cgroups(const struct looking *in, struct draft *out);
void budget_slurm(const struct looking *in, struct draft *out);
