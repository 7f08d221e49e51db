/* judge/placement.h - what should lie where: the fastest split of a task over the accelerators of a machine that fits everywhere, found
 * by trying machine-free splits. Pure; nothing is allocated.
 *
 * Looked at, in the order that is taken where speed is not known: everything on as few and as fast devices as hold it, the experts of
 * some layers on the host, whole layers on the host, the cache on the host, nothing on devices. The search weighs the bill's closed
 * form; what it finds is judged as the task asks to be, and gives way a step at a time where that does not fit. */
#pragma once
#include "judge/judge.h"

/* Devices that llama.cpp would use here: accelerators whose free memory is known, those on the CPU's own chip only where no
 * other is, as llama.cpp takes them. Places of the machine, in their order; at most SITES - 1. */
size_t placement_devices(const struct machine *m, uint16_t place[SITES - 1]);
/* False, and nothing written, when there is no such device or the task asks for none (gpu_layers 0), or has no bill. Where nothing
 * fits, the verdict is of what comes nearest. */
bool placement_find(const struct task *t, const struct machine *m, const struct world *w,
                    struct verdict *out);
/* Those of them that PyTorch's programs take: cards with memory of their own, under CUDA or ROCm. */
size_t placement_cards(const struct machine *m, uint16_t place[SITES - 1]);
/* Of workloads that write no text: all of it on one device that PyTorch computes on, or on the host. */
void placement_whole(const struct task *t, const struct machine *m, const struct world *w,
                     struct verdict *out);
/* Whether it lies on the host alone because no device here holds it, though one could compute it and nobody asked for the CPU. */
bool placement_fell_to_host(const struct task *t, const struct machine *m, const struct verdict *v);
/* As placement_find() for runtimes that take weights as published; false, and nothing written, for the others. */
bool placement_torch(const struct task *t, const struct machine *m, const struct world *w,
                     struct verdict *out);
