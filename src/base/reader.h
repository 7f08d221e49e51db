/* base/reader.h - the one bounded reader over bytes somebody else wrote. Little-endian. The first read past the end sets `bad`,
 * which stays set; from then on every read returns zeros, so a parser checks once at the end of a step. */
#pragma once
#include "base/str.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    const uint8_t *p;
    size_t n, at;
    bool bad;
};

struct reader reader_of(const void *p, size_t n);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
float reader_f32(struct reader *r);
double reader_f64(struct reader *r);
struct str reader_view(struct reader *r, uint64_t n); /* a view into the input, empty when bad */
void reader_skip(struct reader *r, uint64_t n);
size_t reader_left(const struct reader *r); /* 0 when bad */
