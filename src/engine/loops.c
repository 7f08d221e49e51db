/* engine/loops.c - read, copy and triad, once for each vector width, chosen when the program runs.
 *
 * One body in the compiler's generic vectors makes them all: 64 bytes (AVX-512), 32 (AVX2), 16 (SSE2, NEON, or plain C where there
 * are no vectors). The binary is compiled for the oldest CPU of its architecture; only these functions use more, after asking.
 * Stores are plain ones, as programs use them: a store to a line not in cache first reads it, and that traffic is not counted, as
 * STREAM doesn't. Reading sums into eight vectors, so that the adds never wait for each other. */
#include "engine/loops.h"

#define VECTOR(bytes) __attribute__((vector_size(bytes), may_alias))

/* clang-format off */
/* NOLINTBEGIN(bugprone-macro-parentheses): an attribute can't stand in parentheses */
#define LOOPS(NAME, BYTES, TARGET)                                                               \
    typedef double NAME##_vector VECTOR(BYTES);                                                    \
    TARGET static double NAME##_read(const double *a, size_t n)                                    \
    {                                                                                              \
        const NAME##_vector *v = (const NAME##_vector *)a;                                         \
        NAME##_vector s0 = {0}, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;     \
        for (size_t i = 0; i < n / (BYTES / sizeof(double)); i += 8) {                             \
            s0 += v[i], s1 += v[i + 1], s2 += v[i + 2], s3 += v[i + 3];                            \
            s4 += v[i + 4], s5 += v[i + 5], s6 += v[i + 6], s7 += v[i + 7];                        \
        }                                                                                          \
        s0 = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));                                    \
        double sum = 0;                                                                            \
        for (size_t i = 0; i < BYTES / sizeof(double); i++) sum += s0[i];                          \
        return sum;                                                                                \
    }                                                                                              \
    TARGET static void NAME##_copy(double *to, const double *from, size_t n)                       \
    {                                                                                              \
        NAME##_vector *d = (NAME##_vector *)to;                                                    \
        const NAME##_vector *v = (const NAME##_vector *)from;                                      \
        for (size_t i = 0; i < n / (BYTES / sizeof(double)); i += 4) {                             \
            const NAME##_vector v0 = v[i], v1 = v[i + 1], v2 = v[i + 2], v3 = v[i + 3];            \
            d[i] = v0, d[i + 1] = v1, d[i + 2] = v2, d[i + 3] = v3;                                \
        }                                                                                          \
    }                                                                                              \
    TARGET static void NAME##_triad(double *to, const double *a, const double *b, size_t n)        \
    {                                                                                              \
        NAME##_vector *d = (NAME##_vector *)to;                                                    \
        const NAME##_vector *v = (const NAME##_vector *)a, *u = (const NAME##_vector *)b;          \
        for (size_t i = 0; i < n / (BYTES / sizeof(double)); i += 2) {                             \
            const NAME##_vector v0 = v[i] + 3.0 * u[i], v1 = v[i + 1] + 3.0 * u[i + 1];            \
            d[i] = v0, d[i + 1] = v1;                                                              \
        }                                                                                          \
    }                                                                                              \
    static const struct loops NAME##_loops = {#NAME, NAME##_here, NAME##_read, NAME##_copy, NAME##_triad}
/* NOLINTEND(bugprone-macro-parentheses) */
/* clang-format on */

static bool plain_here(void)
{
    return true;
}

#if defined(__x86_64__) || defined(__i386__)
static bool avx512_here(void)
{
    return __builtin_cpu_supports("avx512f");
}
static bool avx2_here(void)
{
    return __builtin_cpu_supports("avx2");
}
LOOPS(avx512, 64, __attribute__((target("avx512f"))));
LOOPS(avx2, 32, __attribute__((target("avx2"))));
#endif
LOOPS(plain, 16, );

const struct loops *const all_loops[] = {
#if defined(__x86_64__) || defined(__i386__)
    &avx512_loops, &avx2_loops,
#endif
    &plain_loops, NULL};

const struct loops *loops_best(void)
{
    for (size_t i = 0; all_loops[i]; i++)
        if (all_loops[i]->here()) return all_loops[i];
    return &plain_loops;
}
