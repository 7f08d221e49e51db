/* base/units.h - figures for people: three significant digits, a space, a unit. Memory in binary units, rates in decimal.
 * Each returns a NUL-terminated string in the arena; a value that is not finite prints as "?". */
#pragma once
#include "base/quantity.h"
#include "base/str.h"

struct arena;

const char *units_bytes(struct arena *a, double bytes);     /* 23.4 GiB, 512 KiB, 0 B */
const char *units_byte_rate(struct arena *a, double per_s); /* 26.8 GB/s */
const char *units_flop_rate(struct arena *a, double per_s); /* 398 GFLOP/s */
const char *units_token_rate(struct arena *a, double low,
                             double high); /* 38-44 tok/s; 41 tok/s when both print alike */
const char *units_seconds(struct arena *a,
                          double seconds);              /* 3.20 ms, 1.40 s, 2 min 5 s, 3 h 20 min */
const char *units_count(struct arena *a, double count); /* 3.82 B, 134 M, 4096 */
const char *units_number(struct arena *a, double value,
                         int digits); /* significant digits, no exponent, no trailing dot */
const char *units_bytes_q(struct arena *a, struct quantity q); /* "?" when unknown */

/* "32GiB", "32 GB", "1.5T", "32768k"; a bare number takes `bare` (1 for bytes, 1 << 30 for GiB, 1 << 20 for MiB). K, M, G, T alone and KiB.. are
 * binary, KB, MB, GB, TB decimal. Negative, empty, over 2^53 or with rubbish behind: false. */
bool units_parse_bytes(struct str text, double bare, double *out) NODISCARD;
/* "24GB", "12GiB": as names of parts tell their memory; whole digits and the unit, nothing between. */
bool units_is_size(struct str word);
/* "8192", "8k" (8192), "32K", "1M" (1048576): token counts, powers of two. */
bool units_parse_tokens(struct str text, double *out) NODISCARD;
