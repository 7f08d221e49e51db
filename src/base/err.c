/* base/err.c - keeps the first failure of a call chain as a code and one message for people.
 *
 * The message buffer is fixed: a message too long is cut, never refused. Codes taken from errno say whose turn it is to act: the
 * one who named the input, the one who owns the permissions, or the disk. Which codes exist, their exit statuses (sysexits(3)) and
 * their words are the one list in err.h. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum mu_code code_of_errno(int number)
{
    switch (number) {
    case EACCES:
    case EPERM: return MU_PERMISSION;
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG: return MU_NOINPUT;
    case EEXIST:
    case EROFS: return MU_CANTCREATE;
    case ENOMEM: return MU_INTERNAL;
    default: return MU_IO;
    }
}

PRINTF(3, 0)
static void record(struct mu_err *err, enum mu_code code, const char *format, va_list list)
{
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, list);
}

bool err_set(struct mu_err *err, enum mu_code code, const char *format, ...)
{
    if (!err || err->code != MU_OK) return false;
    va_list list;
    va_start(list, format);
    record(err, code, format, list);
    va_end(list);
    return false;
}

bool err_errno(struct mu_err *err, const char *format, ...)
{
    const int number = errno;
    if (!err || err->code != MU_OK) return false;
    va_list list;
    va_start(list, format);
    record(err, code_of_errno(number), format, list);
    va_end(list);
    char reason[128];
    const size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s",
             strerror_r(number, reason, sizeof reason));
    return false;
}

bool err_add(struct mu_err *err, const char *format, ...)
{
    if (!err) return false;
    char kept[sizeof err->text];
    memcpy(kept, err->text, sizeof kept);
    va_list list;
    va_start(list, format);
    vsnprintf(err->text, sizeof err->text, format, list);
    va_end(list);
    const size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", kept);
    return false;
}

int err_exit_status(enum mu_code code)
{
    static const int status_of[] = {
#define ERR_STATUS(code, status, words) [code] = (status),
        MU_ERR_CODES(ERR_STATUS)
#undef ERR_STATUS
    };
    return status_of[code];
}

const char *err_words(enum mu_code code)
{
    static const char *const words_of[] = {
#define ERR_WORDS(code, status, words) [code] = (words),
        MU_ERR_CODES(ERR_WORDS)
#undef ERR_WORDS
    };
    return words_of[code];
}
