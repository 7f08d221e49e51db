/* base/curl.h - the few functions of libcurl that are called, for library_open(). Written from its manual pages and the numbers that its
 * public curl/curl.h has kept since 7.x (libcurl, "libcurl ABI": an option's number never changes), so that no header of it is needed. */
#pragma once
#include "base/library.h"

struct curl_list;
typedef void curl_handle;

/* How an option's value is passed is part of its number. */
enum curl_option {
    CURL_STALL_BYTES_PER_S = 19,
    CURL_STALL_S = 20,
    CURL_FOLLOW = 52,
    CURL_WHOLE_MS = 155,
    CURL_CONNECT_MS = 156,
    CURL_SCHEMES = 181,
    CURL_BODY_TO = 10001,
    CURL_URL = 10002,
    CURL_RANGE = 10007,
    CURL_REASON = 10010,
    CURL_AGENT = 10018,
    CURL_HEADERS = 10023,
    CURL_HEADER_TO = 10029,
    CURL_BODY_CALL = 20011,
    CURL_HEADER_CALL = 20079,
};
enum { CURL_STATUS = 0x200002, CURL_REDIRECT = 0x10001f };
enum { CURL_HTTP_AND_HTTPS = 3, CURL_START_ALL = 3, CURL_REASON_BYTES = 256 };
/* What a transfer ended with, as far as it matters here. */
enum {
    CURL_GOOD = 0,
    CURL_NO_PROXY = 5,
    CURL_NO_HOST = 6,
    CURL_NO_CONNECTION = 7,
    CURL_CUT_SHORT = 18,
    CURL_BODY_REFUSED = 23,
    CURL_TOO_SLOW = 28,
    CURL_NO_ANSWER = 52,
    CURL_SEND_LOST = 55,
    CURL_RECEIVE_LOST = 56,
    CURL_STREAM_LOST = 92,
};

/* X(symbol, pointer, result, parameters) */
#define CURL_FUNCTIONS(X)                                                                \
    X(curl_global_init, start, int, (long))                                              \
    X(curl_global_cleanup, stop, void, (void))                                           \
    X(curl_easy_init, open, curl_handle *, (void))                                       \
    X(curl_easy_reset, reset, void, (curl_handle *))                                     \
    X(curl_easy_setopt, set, int, (curl_handle *, int, ...))                             \
    X(curl_easy_perform, perform, int, (curl_handle *))                                  \
    X(curl_easy_getinfo, ask, int, (curl_handle *, int, ...))                            \
    X(curl_easy_cleanup, close, void, (curl_handle *))                                   \
    X(curl_easy_strerror, words, const char *, (int))                                    \
    X(curl_slist_append, append, struct curl_list *, (struct curl_list *, const char *)) \
    X(curl_slist_free_all, release, void, (struct curl_list *))

struct curl {
/* NOLINTBEGIN(bugprone-macro-parentheses): a declaration's parts can't stand in parentheses */
#define CURL_POINTER(symbol, pointer, result, parameters) result(*pointer) parameters;
    CURL_FUNCTIONS(CURL_POINTER)
#undef CURL_POINTER
    /* NOLINTEND(bugprone-macro-parentheses) */
};
