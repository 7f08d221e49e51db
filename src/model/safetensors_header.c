/* model/safetensors_header.c - scans {"name": {"dtype": "BF16", "shape": [4, 8], "data_offsets": [0, 64]}, ..., "__metadata__": {"k": "v"}}
 * without a copy. Stricter than JSON: names without escapes, whole numbers to 2^53, and no keys but these three, in any order; the
 * format knows no others (github.com/huggingface/safetensors, "Format"). */
#include "model/safetensors_header.h"
#include "base/err.h"
#include "base/num.h"

#include <string.h>

enum { DIMENSIONS_MOST = 16 };
#define NUMBER_MOST ((uint64_t)1 << 53)

static int peek(struct header_scan *s)
{
    while (s->at < s->text.n && strchr(" \t\r\n", s->text.p[s->at]) && s->text.p[s->at]) s->at++;
    return s->at < s->text.n ? (uint8_t)s->text.p[s->at] : -1;
}

static bool eat(struct header_scan *s, char c)
{
    if (peek(s) != (uint8_t)c) return false;
    s->at++;
    return true;
}

/* A text in quotes, its view without them. A backslash hides what follows it, or is refused. */
static bool quoted(struct header_scan *s, bool escapes, struct str *out)
{
    if (!eat(s, '"')) return false;
    const size_t from = s->at;
    for (; s->at < s->text.n; s->at++) {
        const uint8_t c = (uint8_t)s->text.p[s->at];
        if (c == '"') {
            *out = (struct str){s->text.p + from, s->at - from};
            s->at++;
            return true;
        }
        if (c < ' ' || (c == '\\' && !escapes)) return false;
        if (c == '\\') s->at++;
    }
    return false;
}

static bool number(struct header_scan *s, uint64_t *out)
{
    uint64_t value = 0;
    int c = peek(s);
    if (c < '0' || c > '9') return false;
    for (; c >= '0' && c <= '9'; c = s->at < s->text.n ? (uint8_t)s->text.p[s->at] : -1) {
        value = value * 10 + (uint64_t)(c - '0');
        if (value > NUMBER_MOST) return false;
        s->at++;
    }
    *out = value;
    return true;
}

/* [1, 2, 3]: how many; -1 when it is no such list. */
static int numbers(struct header_scan *s, uint64_t *out)
{
    int n = 0;
    if (!eat(s, '[')) return -1;
    if (eat(s, ']')) return 0;
    do {
        if (n == DIMENSIONS_MOST || !number(s, &out[n++])) return -1;
    } while (eat(s, ','));
    return eat(s, ']') ? n : -1;
}

static const char *shape_of(struct header_scan *s, struct header_tensor *out)
{
    uint64_t dimension[DIMENSIONS_MOST];
    const int n = numbers(s, dimension);
    bool fits = n >= 0;
    out->elements = 1;
    for (int i = 0; fits && i < n; i++) fits = num_mul(out->elements, dimension[i], &out->elements);
    return fits ? NULL : "its shape is not a list of whole numbers, or too large";
}

static const char *offsets_of(struct header_scan *s, struct header_tensor *out)
{
    uint64_t place[DIMENSIONS_MOST];
    if (numbers(s, place) != 2 || place[0] > place[1])
        return "its data_offsets are not two places in order";
    out->from = place[0];
    out->to = place[1];
    return NULL;
}

/* What is wrong with the tensor, or NULL. */
static const char *tensor_of(struct header_scan *s, struct header_tensor *out)
{
    enum { TYPE = 1, SHAPE = 2, OFFSETS = 4, ALL = 7 };
    unsigned seen = 0;
    const char *wrong = NULL;
    if (!eat(s, '{')) return "it has no dtype, shape and data_offsets";
    do {
        struct str key;
        unsigned which = 0;
        if (!quoted(s, false, &key) || !eat(s, ':')) return "it is damaged";
        if (str_is(key, "dtype")) {
            which = TYPE;
            if (!quoted(s, false, &out->type)) wrong = "its dtype is no text";
        } else if (str_is(key, "shape")) {
            which = SHAPE;
            wrong = shape_of(s, out);
        } else if (str_is(key, "data_offsets")) {
            which = OFFSETS;
            wrong = offsets_of(s, out);
        }
        if (wrong) return wrong;
        if (!which || seen & which) return "it has a key twice, or one that the format lacks";
        seen |= which;
    } while (eat(s, ','));
    if (!eat(s, '}')) return "it is damaged";
    return seen == ALL ? NULL : "it has no dtype, shape and data_offsets";
}

static bool skip_metadata(struct header_scan *s)
{
    struct str any;
    if (!eat(s, '{')) return false;
    if (eat(s, '}')) return true;
    do {
        if (!quoted(s, true, &any) || !eat(s, ':') || !quoted(s, true, &any)) return false;
    } while (eat(s, ','));
    return eat(s, '}');
}

static bool damaged(struct header_scan *s, struct mu_err *err)
{
    s->bad = true;
    return err_set(err, MU_DATA, "cannot use %s: its header is damaged at byte %zu", s->file,
                   s->at);
}

/* Behind the last tensor stand a brace and blanks. */
static bool ended(struct header_scan *s, struct mu_err *err)
{
    s->bad = true; /* nothing more is to be had */
    if (!eat(s, '}') || peek(s) != -1) return damaged(s, err);
    return false;
}

bool header_next(struct header_scan *s, struct header_tensor *out, struct mu_err *err)
{
    if (s->bad) return false;
    if (!s->begun && !eat(s, '{')) {
        s->bad = true;
        return err_set(err, MU_DATA, "cannot use %s: its header is not a map", s->file);
    }
    if (!s->begun && peek(s) == '}') return ended(s, err);
    for (;;) {
        if (s->begun && !eat(s, ',')) return ended(s, err);
        s->begun = true;
        if (!quoted(s, false, &out->name) || !eat(s, ':')) return damaged(s, err);
        if (!str_is(out->name, "__metadata__")) break;
        if (!skip_metadata(s)) return damaged(s, err);
    }
    const char *wrong = tensor_of(s, out);
    if (!wrong) return true;
    s->bad = true;
    return err_set(err, MU_DATA, "cannot use %s: tensor %s: %s", s->file,
                   str_visible(s->a, out->name), wrong);
}
