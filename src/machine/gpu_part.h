/* machine/gpu_part.h - which row of the catalogue a card is, and what tells rows apart. Pure but for the catalogue. */
#pragma once
#include "catalog/parts.h"
#include "machine/facts.h"

/* The row by PCI id, of those that share one told apart by name and by the memory its driver reports; else by name and that memory,
 * where the names are the same but for case and punctuation. NULL when none is, or when several are left: a row of another memory
 * size, maker or form (a laptop's chip under a desktop card's name) is never taken. c may be NULL. */
const struct gpu_part *gpu_part_of(const struct catalog *c, const struct gpu_seen *g);

/* Whether a driver may report so many bytes of such a card; NaN, not known, may be any. */
bool gpu_part_sized(const struct gpu_part *part, double memory_bytes);
