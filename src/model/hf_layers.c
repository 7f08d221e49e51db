/* model/hf_layers.c - which layers of a configuration recur, attend or feed forward: a word a layer (layer_types, layers_block_type), a
 * letter a layer (hybrid_override_pattern), the numbers of those that attend, or a period and where it begins.
 *
 * Spellings of the configuration classes of transformers 4.57. Left out: sliding windows, which hf_config.c compares with llama.cpp's
 * own. */
#include "model/hf_layers.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/num.h"
#include "base/str.h"

#include <string.h>

const char hf_other_layers[] = "it has layers of a kind for which there is no rule";

struct reading {
    const struct json *config;
    char *letter;
    size_t layers;
    const char *why; /* nothing can be computed */
};

static void refuse(struct reading *r, const char *why)
{
    if (!r->why) r->why = why;
}

/* The letter of a kind of layers, as struct model_part has it; 0: of none known. */
static char letter_of(struct str word)
{
    static const struct {
        const char *word;
        char letter;
    } words[] = {{"full_attention", '*'},
                 {"attention", '*'},
                 {"linear_attention", 'M'},
                 {"mamba", 'M'},
                 {"conv", 'M'},
                 {"moe", 'E'},
                 {"mlp", '-'}};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_is(word, words[i].word)) return words[i].letter;
    return 0;
}

static void by_words(struct reading *r, const struct json *list)
{
    for (size_t i = 0; i < r->layers; i++) {
        struct str word;
        const char letter = json_text(json_at(list, i), &word) ? letter_of(word) : 0;
        if (!letter) refuse(r, hf_other_layers);
        r->letter[i] = letter ? letter : '*';
    }
}

static void by_letters(struct reading *r, struct str letters)
{
    if (letters.n != r->layers) refuse(r, "its pattern of layers is not as long as it has layers");
    for (size_t i = 0; i < r->layers && i < letters.n; i++) {
        r->letter[i] = letters.p[i];
        if (!strchr("M*E-", r->letter[i]) || !r->letter[i]) refuse(r, hf_other_layers);
    }
}

/* The numbers of the layers that attend; the others recur. */
static void by_numbers(struct reading *r, const struct json *list)
{
    double at;
    for (size_t i = 0; i < json_count(list); i++)
        if (json_number(json_at(list, i), &at) && at >= 0 && at < (double)r->layers)
            r->letter[(size_t)at] = '*';
}

/* One of the ways in which it may be said which layers recur, attend or feed forward; false when none of them is used. */
static bool letters(struct reading *r)
{
    static const char *const word_lists[] = {"layer_types", "layers_block_type"};
    static const char *const number_lists[] = {"full_attn_idxs", "attn_layer_indices"};
    struct str pattern;
    double period, offset;
    for (size_t i = 0; i < COUNT_OF(word_lists); i++) {
        const struct json *list = json_get(r->config, word_lists[i]);
        if (json_count(list) != r->layers) continue;
        by_words(r, list);
        return true;
    }
    if (json_text(json_get(r->config, "hybrid_override_pattern"), &pattern)) {
        by_letters(r, pattern);
        return true;
    }
    memset(r->letter, 'M', r->layers);
    for (size_t i = 0; i < COUNT_OF(number_lists); i++) {
        const struct json *list = json_get(r->config, number_lists[i]);
        by_numbers(r, list);
        if (json_count(list)) return true;
    }
    if (!json_number(json_get(r->config, "attn_layer_period"), &period) || !(period >= 1) ||
        !json_number(json_get(r->config, "attn_layer_offset"), &offset))
        return false;
    for (size_t i = 0; i < r->layers; i++)
        if (fmod((double)i, period) == offset) r->letter[i] = '*';
    return true;
}

const char *hf_layers(const struct json *config, size_t layers, struct arena *a, const char **why)
{
    struct reading r = {
        .config = config, .letter = NEW_ARRAY(a, char, layers + 1), .layers = layers};
    memset(r.letter, 'M', layers);
    r.letter[layers] = '\0';
    const bool said = letters(&r);
    *why = r.why;
    return said ? r.letter : NULL;
}
