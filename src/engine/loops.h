/* engine/loops.h - loops that move memory as fast as the CPU's widest loads go. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Arrays are aligned to 64 bytes and n is a multiple of LOOP_STEP. Values should be ordinary numbers (no denormals). */
enum { LOOP_STEP = 64 };
struct loops {
    const char *name; /* "512-bit" */
    bool (*here)(void);
    double (*read)(const double *a, size_t n); /* the sum */
    void (*copy)(double *to, const double *from, size_t n);
    void (*triad)(double *to, const double *a, const double *b, size_t n); /* to = a + 3 b */
};
extern const struct loops
    *const all_loops[]; /* widest first, NULL ends; the last runs everywhere */
const struct loops *loops_best(void);
