/* base/err.h - what went wrong, once, in words a person can act on.
 *
 * What can fail returns bool and takes `struct mu_err *err` last. The first failure is kept; callers may put context in front of it.
 * A message says what was attempted, on what, what happened and what to try: lower case, no full stop, no blame. Only faces print. */
#pragma once
#include "base/attr.h"
#include <stdbool.h>

/* X(code, exit status of sysexits(3), words for the manual) */
#define MU_ERR_CODES(X)                                                      \
    X(MU_OK, 0, "done, or the answer is yes")                                \
    X(MU_NO, 1, "the answer is no")                                          \
    X(MU_USAGE, 64, "the command line cannot be understood")                 \
    X(MU_DATA, 65, "a file or a report holds bad data")                      \
    X(MU_NOINPUT, 66, "an input does not exist or cannot be read as a file") \
    X(MU_UNAVAILABLE, 69, "the engine or a service cannot be reached")       \
    X(MU_INTERNAL, 70, "muster's own fault, or out of memory")               \
    X(MU_CANTCREATE, 73, "an output cannot be created")                      \
    X(MU_IO, 74, "reading or writing failed half-way")                       \
    X(MU_PERMISSION, 77, "permission denied")

enum mu_code {
#define MU_ERR_ENUM(code, status, words) code,
    MU_ERR_CODES(MU_ERR_ENUM)
#undef MU_ERR_ENUM
        MU_CODE_COUNT
};

struct mu_err {
    enum mu_code code;
    char text[1024];
};

/* Records a failure unless one is there already. Always returns false, so that `return err_set(...)` reads well. err may be NULL. */
bool err_set(struct mu_err *err, enum mu_code code, const char *format, ...) PRINTF(3, 4);
/* Like err_set, with the code and the reason taken from errno; ": No such file or directory" is appended. */
bool err_errno(struct mu_err *err, const char *format, ...) PRINTF(2, 3);
/* Puts "context: " in front of the message kept. Returns false. */
bool err_add(struct mu_err *err, const char *format, ...) PRINTF(2, 3);
int err_exit_status(enum mu_code code);
const char *err_words(enum mu_code code);
