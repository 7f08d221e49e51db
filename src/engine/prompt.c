/* engine/prompt.c - a hundred plain sentences, put together from ten beginnings and ten ends, and how a model's vocabulary cuts them.
 *
 * What is read matters little for time and not at all for memory, but an embedding of real text can be looked at, and the number of
 * tokens of a sentence is the vocabulary's. A synthetic model's vocabulary holds no words: its tokens are then taken in no order, the
 * same every time, as many as such a sentence usually has. */
#include "engine/prompt.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <llama.h>

#include "engine/blocks.h"

/* SENTENCE_MOST tokens: none is shorter than a byte, and marks stand before and behind. */
enum { SENTENCE_TOKENS = 14, SENTENCE_BYTES = 256, SENTENCE_MOST = 512 };
enum { PARTS = 10, SEED = 20260705 };

static const char *const beginning[PARTS] = {
    "The old lighthouse keeper",    "A student of botany",       "My neighbour's grey cat",
    "The last train of the day",    "Every spring the river",    "A letter from the museum",
    "The baker on the corner",      "Somebody with an umbrella", "The smallest of the planets",
    "An engineer from the harbour",
};
static const char *const end[PARTS] = {
    "counted the ships before the fog came in.", "was seen near the bridge on a Tuesday morning.",
    "kept a careful record of the weather.",     "could not decide between the two roads.",
    "reminded us of a story about winter.",      "took longer than anybody had expected.",
    "carried a box of apples up the hill.",      "will be remembered for its patience.",
    "moved slowly through the empty market.",    "left a note under the kitchen door.",
};

bool prompt_fill(const struct asked *in, const char *file, struct mu_err *err)
{
    const struct json *j = json_get(in->json, "fill");
    bool fill = false;
    if (j && !json_bool(j, &fill))
        return err_set(err, MU_DATA, "the request's \"fill\" is neither true nor false");
    return !fill || blocks_fill_file(file, in->arena, err);
}

/* Written by us without words: llama.cpp then knows the tokens' number and nothing else. */
static bool has_words(const struct session *s)
{
    return llama_vocab_type(llama_model_get_vocab(s->model)) != LLAMA_VOCAB_TYPE_NONE;
}

static int32_t tokenised(const struct session *s, size_t number, bool whole, int32_t *out,
                         size_t room)
{
    char text[SENTENCE_BYTES];
    const int n = snprintf(text, sizeof text, "%s %s", beginning[number / PARTS % PARTS],
                           end[number % PARTS]);
    assert(n > 0 && (size_t)n < sizeof text);
    return llama_tokenize(llama_model_get_vocab(s->model), text, n, out, (int32_t)room, whole,
                          false);
}

static bool sentence(const struct session *s, size_t number, bool whole, int32_t *out,
                     size_t *tokens, struct mu_err *err)
{
    const int32_t n = tokenised(s, number, whole, out, SENTENCE_MOST);
    if (n <= 0)
        return err_set(err, MU_DATA, "the model's vocabulary makes no tokens of a plain sentence");
    *tokens = (size_t)n;
    return true;
}

bool prompt_sentence(const struct session *s, size_t number, size_t most, struct arena *a,
                     struct prompt *out, struct mu_err *err)
{
    struct prompt p = {.token = NEW_ARRAY(a, int32_t, SENTENCE_MOST), .text = has_words(s)};
    if (p.text && !sentence(s, number, true, p.token, &p.tokens, err)) return false;
    if (!p.text) {
        p.tokens = SENTENCE_TOKENS;
        session_tokens(s, SEED + number, p.token, p.tokens);
    }
    if (p.tokens > most) p.tokens = most;
    *out = p;
    return true;
}

bool prompt_of(const struct session *s, size_t tokens, struct arena *a, struct prompt *out,
               struct mu_err *err)
{
    struct prompt p = {.token = NEW_ARRAY(a, int32_t, tokens), .text = has_words(s)};
    int32_t part[SENTENCE_MOST];
    if (!p.text) session_tokens(s, SEED, p.token, p.tokens = tokens);
    for (size_t number = 0; p.tokens < tokens; number++) {
        size_t n = 0;
        if (!sentence(s, number, number == 0, part, &n, err)) return false;
        if (n > tokens - p.tokens) n = tokens - p.tokens;
        memcpy(p.token + p.tokens, part, n * sizeof(part[0]));
        p.tokens += n;
    }
    *out = p;
    return true;
}
