/* model/naming.c - layer, use and class of a tensor from its name, as llama.cpp v0.5.0 spells them: "blk.7.ffn_down_exps.weight". Names
 * it does not know are matrices or vectors by their dimensions. Classes are those llama-quantize looks at (src/llama-quant.cpp). */
#include "model/naming.h"

#include <string.h>

enum { LAYER_MOST = 1 << 20 };

/* The first that stands in the name wins. */
static const struct {
    const char *part;
    enum tensor_class class_;
} classes[] = {
    {"attn_qkv.weight", CLASS_ATTN_V}, {"attn_kv_b.weight", CLASS_ATTN_V},
    {"attn_v.weight", CLASS_ATTN_V},   {"attn_k.weight", CLASS_ATTN_K},
    {"attn_q.weight", CLASS_ATTN_Q},   {"attn_output.weight", CLASS_ATTN_OUTPUT},
    {"ffn_up", CLASS_FFN_UP},          {"ffn_gate", CLASS_FFN_GATE},
    {"ffn_down", CLASS_FFN_DOWN},
};

static const char *const looked_up[] = {"token_embd.weight", "per_layer_token_embd.weight",
                                        "position_embd.weight", "token_types.weight"};

/* Reads "blk.N." off the front; -1 when it is not there. */
static int32_t take_layer(struct str *name)
{
    const struct str prefix = S("blk.");
    if (!str_starts(*name, prefix)) return -1;
    size_t at = prefix.n;
    int32_t layer = 0;
    for (; at < name->n && name->p[at] >= '0' && name->p[at] <= '9'; at++) {
        layer = layer * 10 + (name->p[at] - '0');
        if (layer > LAYER_MOST) return -1;
    }
    if (at == prefix.n || at >= name->n || name->p[at] != '.') return -1;
    *name = (struct str){name->p + at + 1, name->n - at - 1};
    return layer;
}

static bool is_looked_up(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(looked_up); i++)
        if (str_is(name, looked_up[i])) return true;
    return false;
}

static bool has_any(struct str name, const char *const *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_has(name, str_of(parts[i]))) return true;
    return false;
}

static bool is_vector(const struct tensor *t, struct str name)
{
    static const char *const parts[] = {"_norm", "ffn_gate_inp", "conv1d", "_coef."};
    return (t->dims[1] <= 1 && t->dims[2] <= 1) || !str_ends(name, S(".weight")) ||
           str_ends(name, S("conv.weight")) || has_any(name, parts, COUNT_OF(parts));
}

static enum weight_use use_of(const struct tensor *t, struct str name)
{
    static const char *const tables[] = {"compressor_ape.", "tid2eid"};
    if (t->layer < 0 && str_is(name, "output.weight")) return USE_OUTPUT;
    if (t->layer < 0 && is_looked_up(name)) return USE_LOOKUP;
    if (has_any(name, tables, COUNT_OF(tables))) return USE_LOOKUP;
    if (is_vector(t, name)) return USE_VECTOR;
    if (str_has(name, S("attn_output_a."))) return USE_HEADS; /* llama.cpp makes a stack of it */
    if (t->dims[2] <= 1) return USE_MATRIX;
    return str_has(name, S("exps")) ? USE_EXPERTS : USE_HEADS;
}

static enum tensor_class class_of(const struct tensor *t, struct str name)
{
    if (t->use == USE_OUTPUT) return CLASS_OUTPUT;
    if (str_has(name, S("tid2eid"))) return CLASS_NUMBERS;
    if (t->use == USE_LOOKUP)
        return str_ends(name, S("token_embd.weight")) ? CLASS_TOKEN_EMBD : CLASS_OTHER;
    if (t->use == USE_VECTOR) return CLASS_OTHER;
    if (str_has(name, S("per_layer_model_proj")) || str_has(name, S("altup_")) ||
        str_has(name, S("laurel_")))
        return CLASS_KEPT;
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        if (str_has(name, str_of(classes[i].part))) return classes[i].class_;
    return CLASS_OTHER;
}

struct str naming_of(const struct tensor *t)
{
    struct str name = t->name;
    take_layer(&name);
    return name;
}

void naming_apply(struct tensor *t)
{
    struct str name = t->name;
    t->layer = take_layer(&name);
    t->use = use_of(t, name);
    t->class_ = class_of(t, name);
}
