/* base/http_words.h - the text of HTTP, apart from the network: an address taken apart, and what an answer's headers say (RFC 9110). */
#pragma once
#include "base/str.h"

/* http://HOST[:PORT]/PATH[?QUERY]; views into the address. */
struct http_url {
    bool secure;
    struct str origin; /* "https://host:port", as it was written */
    struct str host;   /* without the port; an IPv6 address in its brackets */
    struct str port;   /* empty: the scheme's own */
    struct str path;   /* "/..." without the query; empty when there is none */
};
/* False when it is no address of http or https, names a user, or holds what no address does (blanks, controls, other alphabets). */
bool http_url_read(struct str text, struct http_url *out) NODISCARD;
bool http_url_local(const struct http_url *u); /* this very machine, by its loopback address */
bool http_url_same_host(const struct http_url *a, const struct http_url *b); /* port too */

enum { HTTP_ETAG_MOST = 256, HTTP_NEXT_MOST = 2048 };
struct http_headers {
    int status;
    char etag[HTTP_ETAG_MOST]; /* "" none, or one too long to keep */
    char next[HTTP_NEXT_MOST]; /* of a Link with rel="next" */
    bool length_known, range_known, range_bad, total_known, encoded, wait_known;
    uint64_t length, first, last, total; /* of Content-Length and Content-Range */
    double wait_s;                       /* of Retry-After in seconds */
};
/* One line of the headers; a status line begins anew (a redirect's, a proxy's or "100 Continue" came before). */
void http_header_read(struct str line, struct http_headers *h);
