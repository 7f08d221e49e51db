/* catalog/catalog.h - what is known about parts by name: one loader for the embedded tables (data/) and the user's own files
 * ($XDG_CONFIG_HOME/muster/<table>.json, same format, rows with the same name win). Each table is read on first use.
 *
 * Names match in any spelling: everything but letters and digits is dropped, lower case ("rtx4090", "NVIDIA GeForce RTX 4090"). */
#pragma once
#include "base/quantity.h"
#include "base/str.h"

struct arena;
struct mu_err;
struct notes;
struct catalog;
struct fields;

/* `home` is the folder of the user's own tables, NULL for none. Everything handed out lives as long as the arena. */
struct catalog *catalog_open(const char *home, struct arena *a);
/* Bytes of an embedded file ("experiments/llm-memory.yaml", "residuals.json") or the user's own of that name, which wins as a whole.
 * p == NULL when there is none, or when the user's cannot be read: catalog_sound() tells which. */
struct str catalog_file(const struct catalog *c, const char *name);
/* The same with the reason: false only when the user's own file is there and cannot be read. */
bool catalog_read(const struct catalog *c, const char *name, struct str *out,
                  struct mu_err *err) NODISCARD;
/* A file that ships with the program, or the user's own of that name, by its field table (*out zeroed by the caller). */
bool catalog_fields(const struct catalog *c, const char *name, const struct fields *table,
                    struct arena *a, void *out, struct mu_err *err) NODISCARD;
/* True while all that was asked for so far could be read. Look-ups have no error of their own: when one finds nothing, this tells
 * whether a table could not be read (a user's table with a mistake in it). */
bool catalog_sound(const struct catalog *c, struct mu_err *err) NODISCARD;

enum catalog_match { MATCH_NONE, MATCH_ONE, MATCH_SEVERAL };
