/* verb/show_facts.h - rows of the catalogue for people: one part with all that is said of it, or many in a table. */
#pragma once
#include "catalog/known.h"
#include "doc/doc.h"

/* Its leading figures in a line: "12 GiB, 360 GB/s, 170 W"; "" when it has none. */
const char *facts_headline(enum known_kind kind, const struct known_row *row, struct arena *a);
/* Everything that is said of it, with where that stands. */
void show_facts(struct doc *d, const struct known_row *row);
void show_facts_table(struct doc *d, enum known_kind kind, const struct known_row *const *row,
                      size_t rows);
/* Cannot be had any more. */
bool facts_retired(const struct known_row *row);
/* A line of a guide that does not work. */
bool facts_wrong(const struct known_row *row);
