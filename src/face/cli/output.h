/* face/cli/output.h - where an answer goes, and what is said beside it. */
#pragma once
#include "base/str.h"

struct mu_err;

/* To a file (replaced whole or not at all), or to standard output when path is NULL or "-". A reader that went away is MU_IO with an
 * empty message: there is nobody to tell. */
bool output_write(const char *path, struct str text, struct mu_err *err) NODISCARD;
/* "muster: message" on standard error, made visible; returns the exit status. An empty message is not printed. */
int output_failure(const struct mu_err *err);
