/* machine/line_card.h - inside machine/: the words behind a card's name in a machine line, "RTX 4090 24GB free 20GB x2", "Own card
 * 24GB 900GB/s". Each cuts what it takes off the name's end, so how many comes first, then what is free and how fast, then memory. */
#pragma once
#include "base/str.h"

enum { LINE_GPUS_MOST = 64 };

/* Cuts off the first card of a list between commas, but for those in brackets; rest->p is NULL behind the last. */
struct str card_next(struct str *rest);
/* "x2" or "2x" is how many; 1 where it is not said. False: none, or more than LINE_GPUS_MOST. */
bool card_times(struct str *name, uint64_t *times);
/* "free 20GB": what others leave of its memory, counted as its memory is; false and NaN when that is not said. */
bool card_free(struct str *name, double *gib);
/* "12GB", "24 GiB", "24564 MiB" as the trade counts memory, in GiB; NaN when it is not said. */
void card_memory(struct str *name, double *gib);
/* "900GB/s", "1.8 TB/s": what it reads of its memory a second; false and NaN when that is not said. */
bool card_read(struct str *name, double *per_s);
