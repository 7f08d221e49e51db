/* base/library.h - a shared library opened while running, so that a driver that is not installed is a sentence, not an error.
 *
 * Probes of machine/ use it for drivers (what one says is a fact found out, and no formula may depend on it), and base/http for libcurl. */
#pragma once
#include "base/attr.h"
#include <stdbool.h>
#include <stddef.h>

struct mu_err;

enum symbol_need { SYMBOL_MUST, SYMBOL_MAY };

/* A function looked up by name; its address goes to the pointer that stands `offset` bytes into the caller's struct. */
struct symbol {
    const char *name;
    enum symbol_need need;
    size_t offset;
};

struct library {
    void *handle;     /* NULL: not open */
    const char *name; /* which of the names it was */
};

/* Opens the first of `names` (ended by NULL; a bare name is searched for as ld.so(8) does, a path is that file) that has every symbol
 * that MUST be there, and fills the pointers of `into`; those of a MAY that is absent become NULL. False with one reason: MU_NOINPUT
 * when none of the files exists, else MU_UNAVAILABLE and why the first one that does is of no use. Then nothing is left open and
 * every pointer is NULL. */
bool library_open(struct library *lib, const char *const *names, const struct symbol *symbol,
                  size_t symbols, void *into, struct mu_err *err) NODISCARD;
/* Pointers taken from it are dangling afterwards. Harmless on one that is not open. */
void library_close(struct library *lib);
