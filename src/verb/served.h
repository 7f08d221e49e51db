/* verb/served.h - weights as published that lie on this disk, under a program that takes them so. */
#pragma once
#include "verb/common.h"

struct published_as;

/* What vLLM would make of the machine's cards: bounds that nothing was held against. */
struct served {
    bool holds;
    double cards;
    double weights_bytes, taken_bytes; /* of each card */
    double cache_low_tokens, cache_high_tokens;
    double own_tokens; /* the context the model was trained for; 0 not known */
};
/* False where nothing is said of it: no card that it runs on, a format it is not sized for, files that are missing. */
bool runtimes_stored(const struct placed *p, struct served *out) NODISCARD;
/* What the files of a folder of safetensors hold: "awq, 4 bits, groups of 128", "F16"; NULL: not known. */
const char *stored_words(const struct asked *a);
/* Of a model that is published quantised: puts into the digest what its checkpoint keeps, or adds a note. In words. */
void packed_take(const struct context *in, const struct model *m, enum runtime_id runtime,
                 struct digest *d);
const char *packed_words(const struct context *in, const struct asked *a);
/* transformers' dtype='auto' takes what the configuration says, or else what the weights are: fp32 where that is so, with a note. */
void packed_settle_dtype(const struct context *in, struct asked *a);
/* The catalogue's knowledge of it put into the digest; false: there is none that gives bytes. */
bool packed_as_published(const struct published_as *p, struct digest *d);
