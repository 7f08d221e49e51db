/* verb/embedding_test.h - the guide's embedding test as `check` shows it: with a model that is on this disk already, or not at all. */
#pragma once
#include "measure/embedding.h"
#include "verb/common.h"

struct shape;

/* The knobs of a server of embeddings for this model: short texts, several at once. */
void embedding_knobs(struct generate *g, const struct shape *s);
/* "SUCCESS: loaded in 80 ms, 100 sentences in 1.2 s, ..." or "TIMEOUT: ..." */
const char *embedding_sentence(const struct embedded *e, struct arena *a);
/* One line of `check`: the kept test when its model is still there, else made now and kept; never with --quick, made anew with --full. NULL
 * where no embedding model is in a cache: nothing is downloaded. In the arena. */
const char *embedding_check(const struct request *q, const struct context *in,
                            const struct subject *s, bool *good);
