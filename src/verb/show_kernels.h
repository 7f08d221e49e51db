/* verb/show_kernels.h - how fast llama.cpp multiplies here, by type of weights, as people read it. */
#pragma once
#include "doc/doc.h"
#include "machine/machine.h"

struct catalog;

/* Rates that only the tables below show well. */
bool kernel_work(enum machine_work work);
/* "Q4_K 17.4 GB/s, Q8_0 29.4 GB/s" of weights, and "Q4_K 640 GFLOP/s, ...": two rows, for the first types that were measured. */
void show_kernel_rows(struct doc *d, struct block *b, const struct machine *m,
                      const struct catalog *c);
/* All of them. */
void show_kernel_tables(struct doc *d, const struct machine *m, const struct catalog *c);
