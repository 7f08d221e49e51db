/* Headers of an answer, and an address, from bytes somebody else wrote: what is kept of them ends within its room and holds nothing that
 * would break a line; a range that is taken runs forward and ends within the total; an address's parts lie within it. */
#include <stdlib.h>
#include <string.h>

#include "base/http_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void plain(const char *text, size_t room)
{
    const size_t n = strnlen(text, room);
    if (n == room) abort();
    for (size_t i = 0; i < n; i++)
        if (text[i] < ' ' || text[i] > '~') abort();
}

static void inside(struct str part, struct str whole)
{
    if (part.n && (part.p < whole.p || part.p + part.n > whole.p + whole.n)) abort();
    if (memchr(part.n ? part.p : "", '@', part.n) && part.p == whole.p) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_headers h = {.status = 0};
    struct http_url u;
    const struct str text = {(const char *)data, size};
    struct str rest = text;
    while (rest.n) {
        const struct str line = str_line(&rest);
        http_header_read(line, &h);
        plain(h.etag, sizeof h.etag);
        plain(h.next, sizeof h.next);
        if (h.range_known && (h.first > h.last || (h.total_known && h.last >= h.total))) abort();
        if (h.range_known && h.range_bad) abort();
        if (h.status < 0 || h.status > 999) abort();
        if (!http_url_read(line, &u)) continue;
        inside(u.origin, line);
        inside(u.host, line);
        inside(u.port, line);
        inside(u.path, line);
        if (!u.host.n || !http_url_same_host(&u, &u)) abort();
    }
    return 0;
}
