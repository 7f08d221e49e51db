/* engine/lost.h - a device that dies or falls silent ends this process with one sentence, never with a hang. */
#pragma once
#include <stddef.h>

/* From now on an abort inside llama.cpp is said of this device, exit status as MU_UNAVAILABLE; so is a pause in lost_not() of so many
 * seconds. */
void lost_watch(const char *device, unsigned patience_s);
/* It still answers. */
void lost_not(void);
