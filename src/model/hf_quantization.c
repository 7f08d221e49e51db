/* model/hf_quantization.c - quantization_config of a configuration: how its weights are kept, and how many bits one takes with its scales.
 *
 * The methods that the hub's libraries write are known by name; of any other only the bits and the group that it names are told. What is
 * no whole number of a sensible size counts as not said. Left out: which layers a method leaves as they are. */
#include "model/hf_quantization.h"
#include "base/arena.h"
#include "base/json.h"

#include <math.h>

#define FIGURE_MOST 0x1p24

static double number_of(const struct json *map, const char *key, const char *other)
{
    double x = 0;
    if (!json_number(json_get(map, key), &x) && !json_number(json_get(map, other), &x)) return 0;
    return x > 0 && x <= FIGURE_MOST && x == floor(x) ? x : 0;
}

static bool is_set(const struct json *map, const char *key)
{
    bool set = false;
    return json_bool(json_get(map, key), &set) && set;
}

static const char *word(const struct json *map, const char *key, struct arena *a)
{
    enum { WORD_MOST = 64 };
    struct str text;
    if (!json_text(json_get(map, key), &text) || text.n > WORD_MOST) return NULL;
    return str_visible(a, text);
}

/* compressed-tensors: a group of layers says how their weights are kept; the first one is taken. */
static void compressed(const struct json *map, struct arena *a, struct hf_quantization *q)
{
    const char *group = NULL;
    const struct json *groups = json_get(map, "config_groups");
    const struct json *weights = json_get(json_next(groups, &group), "weights");
    q->bits = number_of(weights, "num_bits", "bits");
    q->group_size = number_of(weights, "group_size", "block_size");
    q->type = word(weights, "type", a);
}

/* A scale, and where there is one a zero point of as many bits as the numbers, for each group. Formats as their makers describe them:
 * AWQ and GPTQ F16 scales and packed zero points; MXFP4 one byte for 32 (OCP MX 1.0); bitsandbytes 4 bit one F32 for 64, or one byte and
 * an F32 for 256 of those (its functional.py). */
static double with_scales(const struct hf_quantization *q)
{
    const struct str method = str_of(q->method);
    const double group = q->group_size;
    if (q->bits <= 0) return 0;
    if (str_is(method, "mxfp4")) return q->bits + 8.0 / group;
    if (str_is(method, "bitsandbytes") && q->bits == 4)
        return q->bits + (q->double_quant ? 8.0 / group + 32.0 / (group * 256) : 32.0 / group);
    if ((str_is(method, "awq") || str_is(method, "gptq")) && group > 0)
        return q->bits + (16 + q->bits) / group;
    return group > 0 ? q->bits + 16 / group : q->bits;
}

void hf_quantization_read(const struct json *config, const struct json *root, struct arena *a,
                          struct hf_quantization *q)
{
    enum { MX_GROUP = 32, NF4_GROUP = 64 };
    const struct json *map = json_get(root, "quantization_config");
    if (json_kind(map) != JSON_MAP_KIND) map = json_get(config, "quantization_config");
    if (json_kind(map) != JSON_MAP_KIND) map = json_get(root, "compression_config");
    q->method = word(map, "quant_method", a);
    if (!q->method) return;
    const struct str method = str_of(q->method);
    q->bits = number_of(map, "bits", "w_bit");
    q->group_size = number_of(map, "group_size", "q_group_size");
    q->type = word(map, "fmt", a);
    if (str_is(method, "fp8")) q->bits = 8;
    if (str_is(method, "mxfp4")) {
        q->bits = 4;
        q->group_size = MX_GROUP;
    }
    if (str_is(method, "compressed-tensors")) compressed(map, a, q);
    if (str_is(method, "bitsandbytes")) {
        q->bits = is_set(map, "load_in_4bit") ? 4 : is_set(map, "load_in_8bit") ? 8 : 0;
        q->double_quant = is_set(map, "bnb_4bit_use_double_quant");
        q->type = q->bits == 4 ? word(map, "bnb_4bit_quant_type", a) : NULL;
        if (q->bits == 4) q->group_size = NF4_GROUP;
    }
    q->bits_per_weight = with_scales(q);
}
