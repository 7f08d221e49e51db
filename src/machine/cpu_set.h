/* machine/cpu_set.h - a set of logical CPU numbers, as the kernel writes them: "0-3,8" or a mask "ff,00000000".
 *
 * Bounded, so that "0-4000000000" in a captured tree costs nothing: the kernel itself numbers at most 8192 CPUs. */
#pragma once
#include "base/str.h"

enum { CPU_SET_MOST = 8192, CPU_SET_WORDS = CPU_SET_MOST / 64 };

struct cpu_set {
    uint64_t word[CPU_SET_WORDS];
};

/* "0-3,8\n", "0-63:2/4" is refused. An empty text is the empty set. False (*out untouched) on rubbish or a number past the most. */
bool cpu_set_parse(struct str list, struct cpu_set *out) NODISCARD;
/* "00000003,ffffffff": hexadecimal words of 32 bits, the lowest last. */
bool cpu_set_parse_mask(struct str mask, struct cpu_set *out) NODISCARD;
void cpu_set_add(struct cpu_set *s, size_t cpu); /* numbers past the most are left out */
bool cpu_set_has(const struct cpu_set *s, size_t cpu);
size_t cpu_set_count(const struct cpu_set *s);
/* The first CPU in the set that is at least `from`; CPU_SET_MOST when there is none. */
size_t cpu_set_next(const struct cpu_set *s, size_t from);
struct cpu_set cpu_set_and(const struct cpu_set *a, const struct cpu_set *b);
