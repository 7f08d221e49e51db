/* Sets of logical CPU numbers from the kernel's two spellings: lists ("0-3,8") and masks ("00000003,ffffffff").
 *
 * Kept as 8192 bits, the most that Linux can be built for (CONFIG_NR_CPUS); a list that names a higher number is refused as a whole,
 * because a file that says so was not written by a kernel. Strides ("0-63:2/4"), which only people write, are refused too. */
#include "machine/cpu_set.h"

enum { WORD_BITS = 64, MASK_WORD_BITS = 32, MASK_WORD_DIGITS = 8 };

static bool range_parse(struct str part, size_t *first, size_t *last)
{
    struct str end = part;
    const struct str start = str_cut(&end, '-');
    uint64_t a, b;
    if (!str_u64(start, &a)) return false;
    b = a;
    if (end.p && !str_u64(end, &b)) return false;
    if (b < a || b >= CPU_SET_MOST) return false;
    *first = (size_t)a;
    *last = (size_t)b;
    return true;
}

bool cpu_set_parse(struct str list, struct cpu_set *out)
{
    struct cpu_set set = {0};
    struct str rest = str_trim(list);
    while (rest.n) {
        size_t first, last;
        if (!range_parse(str_cut(&rest, ','), &first, &last)) return false;
        for (size_t cpu = first; cpu <= last; cpu++) cpu_set_add(&set, cpu);
    }
    *out = set;
    return true;
}

static bool hexadecimal_digit(char c, unsigned *out)
{
    if (c >= '0' && c <= '9')
        *out = (unsigned)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *out = (unsigned)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
        *out = (unsigned)(c - 'A') + 10;
    else
        return false;
    return true;
}

/* The 32 bits that stand in mask[start, end). */
static bool mask_word(struct str mask, size_t start, size_t end, uint32_t *out)
{
    uint32_t bits = 0;
    if (end == start || end - start > MASK_WORD_DIGITS) return false;
    for (size_t i = start; i < end; i++) {
        unsigned digit;
        if (!hexadecimal_digit(mask.p[i], &digit)) return false;
        bits = bits << 4 | digit;
    }
    *out = bits;
    return true;
}

bool cpu_set_parse_mask(struct str mask, struct cpu_set *out)
{
    struct cpu_set set = {0};
    const struct str s = str_trim(mask);
    size_t end = s.n, base = 0;
    if (!s.n) return false;
    for (;;) {
        size_t start = end;
        while (start > 0 && s.p[start - 1] != ',') start--;
        uint32_t bits;
        if (!mask_word(s, start, end, &bits)) return false;
        if (bits && base >= CPU_SET_MOST) return false;
        if (bits) set.word[base / WORD_BITS] |= (uint64_t)bits << (base % WORD_BITS);
        base += MASK_WORD_BITS;
        if (start == 0) break;
        end = start - 1;
    }
    *out = set;
    return true;
}

void cpu_set_add(struct cpu_set *s, size_t cpu)
{
    if (cpu < CPU_SET_MOST) s->word[cpu / WORD_BITS] |= (uint64_t)1 << (cpu % WORD_BITS);
}

bool cpu_set_has(const struct cpu_set *s, size_t cpu)
{
    return cpu < CPU_SET_MOST && (s->word[cpu / WORD_BITS] >> (cpu % WORD_BITS) & 1);
}

size_t cpu_set_count(const struct cpu_set *s)
{
    size_t n = 0;
    for (size_t i = 0; i < CPU_SET_WORDS; i++) n += (size_t)__builtin_popcountll(s->word[i]);
    return n;
}

size_t cpu_set_next(const struct cpu_set *s, size_t from)
{
    for (size_t i = from / WORD_BITS; i < CPU_SET_WORDS; i++) {
        uint64_t bits = s->word[i];
        if (i == from / WORD_BITS) bits &= ~(uint64_t)0 << (from % WORD_BITS);
        if (bits) return i * WORD_BITS + (size_t)__builtin_ctzll(bits);
    }
    return CPU_SET_MOST;
}

struct cpu_set cpu_set_and(const struct cpu_set *a, const struct cpu_set *b)
{
    struct cpu_set both;
    for (size_t i = 0; i < CPU_SET_WORDS; i++) both.word[i] = a->word[i] & b->word[i];
    return both;
}
