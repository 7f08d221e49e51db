/* engine/twister.h - the Mersenne Twister MT19937, as numpy's legacy np.random.rand uses it. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { TWISTER_WORDS = 624 };
struct twister {
    uint32_t word[TWISTER_WORDS];
    int at;
};
void twister_seed(struct twister *t, uint32_t seed);
uint32_t twister_next(struct twister *t);
double twister_double(struct twister *t); /* [0, 1) with 53 random bits */
/* n of them by draw(), which is called for each as numpy calls its generators: that is part of the price. */
void twister_fill(struct twister *t, double (*draw)(struct twister *t), double *to, size_t n);
