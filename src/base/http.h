/* base/http.h - one GET at a time over libcurl, opened while running: a range of bytes, a token for one host, limits on everything. What
 * proxy is used is libcurl's own business (http_proxy, https_proxy, all_proxy, no_proxy). */
#pragma once
#include "base/curl.h"
#include "base/http_words.h"

struct arena;

struct http {
    struct library library;
    struct curl curl;
    curl_handle *handle;
};
/* A secret: goes into one header of a request, and nowhere else. NULL: none. */
struct http_token {
    const char *secret;
};
struct http_asked {
    const char *url;
    struct http_token token; /* sent to the host of url alone, over https or to this machine */
    bool plain_token;        /* and over http to a host that the user named so */
    const char *accept;      /* a media type, or NULL */
    const char *known_etag;  /* "304" is a good answer then; NULL: none is known */
    const char *same_etag;   /* what is there must still be this; NULL: no matter */
    uint64_t from, bytes;    /* a range; bytes 0: all of it */
    size_t most_bytes;       /* of all of it */
    double whole_s;          /* each try; 0: usual */
    double stall_s;          /* without a byte; 0: usual */
};
struct http_answer {
    int status;       /* 200, 206, 304, or one from 400 to 499 */
    const char *etag; /* NULL: none given */
    const char *next; /* where a list goes on, or NULL */
    uint64_t total_bytes;
    bool total_known;
};
enum { HTTP_REDIRECTS_MOST = 8, HTTP_TRIES = 3 };

/* False with one sentence (MU_UNAVAILABLE) when libcurl is not there. */
bool http_open(struct http *h, struct mu_err *err) NODISCARD;
void http_close(struct http *h); /* harmless on a zeroed one */
/* True when there was an answer of the kinds named above; of 200 and 206 the bytes asked for stand in body, no more, and fewer only when
 * there are no more. A connection that is lost, 429 and 5xx are tried again, going on where the bytes ended. False: nobody answered, or
 * what came cannot be what was asked for. body: empty, with room for what is asked. */
bool http_get(struct http *h, const struct http_asked *asked, struct arena *a, struct buf *body,
              struct http_answer *out, struct mu_err *err) NODISCARD;
