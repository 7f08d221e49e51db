/* engine/kernels.h - loops that move memory as fast as the CPU's widest loads go. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Arrays are aligned to 64 bytes and n is a multiple of KERNEL_STEP. Values should be ordinary numbers (no denormals). */
enum { KERNEL_STEP = 64 };
struct kernels {
    const char *name; /* "512-bit" */
    bool (*here)(void);
    double (*read)(const double *a, size_t n); /* the sum */
    void (*copy)(double *to, const double *from, size_t n);
    void (*triad)(double *to, const double *a, const double *b, size_t n); /* to = a + 3 b */
};
extern const struct kernels
    *const all_kernels[]; /* widest first, NULL ends; the last runs everywhere */
const struct kernels *kernels_best(void);
