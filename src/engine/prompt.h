/* engine/prompt.h - what a model is given to read: sentences of our own where its vocabulary holds words, else tokens in no order. */
#pragma once
#include "engine/session.h"

struct prompt {
    int32_t *token; /* in the arena */
    size_t tokens;
    bool text; /* made of sentences; else the vocabulary holds no words */
};
/* With "fill" in the request the model's file is a header with a hole behind it, which gets random weights. */
bool prompt_fill(const struct asked *in, const char *file, struct mu_err *err) NODISCARD;
/* The sentence of this number, of which a hundred differ; at most `most` tokens. */
bool prompt_sentence(const struct session *s, size_t number, size_t most, struct arena *a,
                     struct prompt *out, struct mu_err *err) NODISCARD;
/* Sentences up to exactly that many tokens. */
bool prompt_of(const struct session *s, size_t tokens, struct arena *a, struct prompt *out,
               struct mu_err *err) NODISCARD;
