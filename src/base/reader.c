/* base/reader.c - little-endian numbers and views out of bytes somebody else wrote, never past their end.
 *
 * The machine's own byte order does not matter: numbers are put together byte by byte. What the numbers mean, and whether a length
 * makes sense, is the parser's business. */
#include "base/reader.h"

#include <string.h>

struct reader reader_of(const void *p, size_t n)
{
    return (struct reader){.p = p, .n = n};
}

size_t reader_left(const struct reader *r)
{
    return r->bad ? 0 : r->n - r->at;
}

/* The next n bytes, or NULL with `bad` set. */
static const uint8_t *take(struct reader *r, uint64_t n)
{
    if (r->bad || n > r->n - r->at) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->p + r->at;
    r->at += (size_t)n;
    return p;
}

static uint64_t number(struct reader *r, unsigned bytes)
{
    const uint8_t *p = take(r, bytes);
    uint64_t x = 0;
    for (unsigned i = 0; p && i < bytes; i++) x |= (uint64_t)p[i] << (8 * i);
    return x;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)number(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
    return (uint16_t)number(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)number(r, 4);
}

uint64_t reader_u64(struct reader *r)
{
    return number(r, 8);
}

float reader_f32(struct reader *r)
{
    const uint32_t bits = reader_u32(r);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

double reader_f64(struct reader *r)
{
    const uint64_t bits = reader_u64(r);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

struct str reader_view(struct reader *r, uint64_t n)
{
    const uint8_t *p = take(r, n);
    return p ? (struct str){(const char *)p, (size_t)n} : (struct str){"", 0};
}

void reader_skip(struct reader *r, uint64_t n)
{
    (void)take(r, n);
}
