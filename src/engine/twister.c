/* engine/twister.c - random doubles at the price numpy pays for them.
 *
 * The guide's benchmark fills its matrices anew in each round, and that is a fifth to a quarter of its time, so the fill must cost
 * what numpy's costs: MT19937 with 53-bit doubles, each drawn through a pointer to the generator. From M. Matsumoto, T. Nishimura,
 * "Mersenne Twister", ACM TOMACS 8 (1998), the recurrence and tempering of table II; seeding by Knuth's linear rule as in their
 * revision of 2002; the 53-bit double is (a 2^26 + b) / 2^53 of 27 and 26 bits. Not for secrets, only for this clock. */
#include "engine/twister.h"

enum { MIDDLE = 397 };

void twister_seed(struct twister *t, uint32_t seed)
{
    t->word[0] = seed;
    for (uint32_t i = 1; i < TWISTER_WORDS; i++) {
        const uint32_t before = t->word[i - 1];
        t->word[i] = UINT32_C(1812433253) * (before ^ before >> 30) + i;
    }
    t->at = TWISTER_WORDS;
}

static uint32_t twisted(uint32_t high, uint32_t low)
{
    const uint32_t y = (high & UINT32_C(0x80000000)) | (low & UINT32_C(0x7fffffff));
    return y >> 1 ^ (UINT32_C(0x9908b0df) & -(y & 1));
}

static void renew(struct twister *t)
{
    uint32_t *const w = t->word;
    int i = 0;
    for (; i < TWISTER_WORDS - MIDDLE; i++) w[i] = w[i + MIDDLE] ^ twisted(w[i], w[i + 1]);
    for (; i < TWISTER_WORDS - 1; i++)
        w[i] = w[i + MIDDLE - TWISTER_WORDS] ^ twisted(w[i], w[i + 1]);
    w[i] = w[MIDDLE - 1] ^ twisted(w[i], w[0]);
    t->at = 0;
}

static inline uint32_t next(struct twister *t)
{
    if (t->at == TWISTER_WORDS) renew(t);
    uint32_t y = t->word[t->at++];
    y ^= y >> 11;
    y ^= y << 7 & UINT32_C(0x9d2c5680);
    y ^= y << 15 & UINT32_C(0xefc60000);
    return y ^ y >> 18;
}

uint32_t twister_next(struct twister *t)
{
    return next(t);
}

double twister_double(struct twister *t)
{
    const uint32_t a = next(t) >> 5, b = next(t) >> 6;
    return (a * 67108864.0 + b) / 9007199254740992.0;
}

void twister_fill(struct twister *t, double (*draw)(struct twister *t), double *to, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = draw(t);
}
