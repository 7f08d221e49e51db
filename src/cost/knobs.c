/* The knobs of workloads: set from text, and read back. What a knob may be stands in its row; nothing here knows one of them. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/units.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "cost/layers.h"
#include "model/digest.h"

const char *const device_words[] = {"auto", "cpu", "gpu", NULL};
const char *const device_rungs[] = {"gpu|auto", "cpu", NULL};

const char *ladder_cost_word(enum ladder_cost cost)
{
    static const char *const word[] = {
#define LADDER_WORD(cost, word) word,
        LADDER_COSTS(LADDER_WORD)
#undef LADDER_WORD
    };
    return word[cost];
}

/* "context_tokens", "context-tokens" and the command line's "ctx" are one name. */
static bool is_named(struct str name, const char *text)
{
    const struct str other = str_of(text);
    if (name.n != other.n) return false;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] != other.p[i] && !(name.p[i] == '-' && other.p[i] == '_')) return false;
    return true;
}

const struct knob *knob_find(const struct workload *w, struct str name)
{
    for (size_t i = 0; i < w->knobs; i++)
        if (is_named(name, w->knob[i].name) || is_named(name, w->knob[i].option))
            return &w->knob[i];
    return NULL;
}

static const char *nearest(const struct workload *w, struct str name)
{
    const char *best = NULL;
    size_t best_distance = 4;
    for (size_t i = 0; i < w->knobs; i++) {
        const char *const spelling[] = {w->knob[i].name, w->knob[i].option};
        for (size_t k = 0; k < 2; k++) {
            const size_t distance = str_distance(name, str_of(spelling[k]));
            if (distance >= best_distance) continue;
            best_distance = distance;
            best = w->knob[i].name;
        }
    }
    return best;
}

static void set(const struct knob *k, void *knobs, const void *value, size_t size)
{
    memcpy((char *)knobs + k->offset, value, size);
    if (k->also) memcpy((char *)knobs + k->also, value, size);
}

enum { CHOICES_BYTES = 128, POINTER_BYTES = sizeof(void *) };

/* The choices behind `lead`, a blank between each, cut at the end of the room. */
static const char *list(const struct knob *k, const char *lead, char out[CHOICES_BYTES])
{
    size_t n = 0;
    while (lead[n] && n + 1 < CHOICES_BYTES) {
        out[n] = lead[n];
        n++;
    }
    for (size_t i = 0; k->choices[i]; i++) {
        if (i > 0 && n + 1 < CHOICES_BYTES) out[n++] = ' ';
        for (const char *p = k->choices[i]; *p && n + 1 < CHOICES_BYTES; p++) out[n++] = *p;
    }
    out[n] = 0;
    return out;
}

static bool choice_index(const struct knob *k, struct str value, double *index)
{
    for (size_t i = 0; k->choices[i]; i++) {
        if (!str_eq_nocase(value, str_of(k->choices[i]))) continue;
        *index = (double)i;
        return true;
    }
    return false;
}

static bool set_number(const struct knob *k, void *knobs, struct str value, struct mu_err *err)
{
    char all[CHOICES_BYTES];
    double x;
    if (k->choices && choice_index(k, value, &x)) {
        x = -1 - x;
        set(k, knobs, &x, sizeof x);
        return true;
    }
    const bool read = k->kind == KNOB_TOKENS ? units_parse_tokens(value, &x)
                                             : str_f64(value, &x) && x == floor(x);
    if (!read || x < k->least || x > k->most)
        return err_set(err, MU_USAGE,
                       "%s is \"%.*s\", but takes a whole number from %.0f to %.0f%s%s", k->name,
                       STR_ARG(value), k->least, k->most,
                       k->kind == KNOB_TOKENS ? ", as 8192 or 8k" : "",
                       k->choices ? list(k, ", or one of: ", all) : "");
    set(k, knobs, &x, sizeof x);
    return true;
}

/* "3,1": a number for each device; those not named have 0. "auto": none is given. */
static bool set_shares(const struct knob *k, void *knobs, struct str value, struct mu_err *err)
{
    double share[SITES - 1] = {0}, sum = 0;
    struct str rest = value;
    if (str_is(value, "auto")) {
        set(k, knobs, share, sizeof share);
        return true;
    }
    if (str_is(value, "auto")) {
        set(k, knobs, share, sizeof share);
        return true;
    }
    for (size_t i = 0; rest.p; i++) {
        const struct str one = str_cut(&rest, ',');
        if (i == SITES - 1 || !str_f64(one, &share[i]) ||
            !(share[i] >= k->least && share[i] <= k->most))
            return err_set(err, MU_USAGE,
                           "%s is \"%.*s\", but takes at most %d numbers from %.0f to %.0f, with "
                           "commas between, as 3,1",
                           k->name, STR_ARG(value), SITES - 1, k->least, k->most);
        sum += share[i];
    }
    if (!(sum > 0))
        return err_set(err, MU_USAGE, "%s is \"%.*s\", but one of them must be more than 0",
                       k->name, STR_ARG(value));
    set(k, knobs, share, sizeof share);
    return true;
}

static bool set_choice(const struct knob *k, void *knobs, struct str value, struct mu_err *err)
{
    char all[CHOICES_BYTES];
    double index;
    if (!choice_index(k, value, &index))
        return err_set(err, MU_USAGE, "%s is \"%.*s\", but takes one of: %s", k->name,
                       STR_ARG(value), list(k, "", all));
    set(k, knobs, &index, sizeof index);
    return true;
}

static bool set_switch(const struct knob *k, void *knobs, struct str value, struct mu_err *err)
{
    const bool yes = str_is(value, "on") || str_is(value, "true") || str_is(value, "yes");
    const bool no = str_is(value, "off") || str_is(value, "false") || str_is(value, "no");
    if (!yes && !no)
        return err_set(err, MU_USAGE, "%s is \"%.*s\", but takes on or off", k->name,
                       STR_ARG(value));
    set(k, knobs, &yes, sizeof yes);
    return true;
}

static bool set_type(const struct knob *k, void *knobs, struct str value, const struct catalog *c,
                     struct mu_err *err)
{
    char all[CHOICES_BYTES];
    double index;
    const struct weight_type *type = NULL;
    if (choice_index(k, value, &index)) type = catalog_type(c, value);
    if (!type)
        return err_set(err, MU_USAGE, "%s is \"%.*s\", but takes one of: %s", k->name,
                       STR_ARG(value), list(k, "", all));
    set(k, knobs, &type, POINTER_BYTES);
    return true;
}

static bool set_bytes(const struct knob *k, void *knobs, struct str value, struct mu_err *err)
{
    double bytes;
    if (!units_parse_bytes(value, 1, &bytes) || bytes < k->least || bytes > k->most)
        return err_set(err, MU_USAGE, "%s is \"%.*s\", but takes a size with its unit, as 4GiB",
                       k->name, STR_ARG(value));
    set(k, knobs, &bytes, sizeof bytes);
    return true;
}

static bool set_layers(const struct knob *k, void *knobs, struct str value, struct mu_err *err)
{
    struct layer_list l;
    if (!layers_parse(value, &l))
        return err_set(err, MU_USAGE,
                       "%s is \"%.*s\", but takes how many, or which, as 0,8,16-24,-1", k->name,
                       STR_ARG(value));
    set(k, knobs, &l, sizeof l);
    return true;
}

/* A model is opened by a command; nothing here takes only the want of one. */
static bool set_no_model(const struct knob *k, void *knobs, struct str value, struct mu_err *err)
{
    const struct digest *none = NULL;
    if (value.n)
        return err_set(err, MU_INTERNAL, "%s takes a model, which a command opens", k->name);
    set(k, knobs, &none, POINTER_BYTES);
    return true;
}

bool knob_set(const struct workload *w, void *knobs, struct str name, struct str value,
              const struct catalog *c, struct mu_err *err)
{
    const struct knob *k = knob_find(w, name);
    if (!k) {
        const char *near = nearest(w, name);
        return err_set(err, MU_USAGE, "%s has no knob \"%.*s\"%s%s%s", w->name, STR_ARG(name),
                       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    switch (k->kind) {
    case KNOB_TOKENS:
    case KNOB_COUNT: return set_number(k, knobs, value, err);
    case KNOB_CHOICE: return set_choice(k, knobs, value, err);
    case KNOB_SWITCH: return set_switch(k, knobs, value, err);
    case KNOB_SHARES: return set_shares(k, knobs, value, err);
    case KNOB_TYPE: return set_type(k, knobs, value, c, err);
    case KNOB_BYTES: return set_bytes(k, knobs, value, err);
    case KNOB_LAYERS: return set_layers(k, knobs, value, err);
    case KNOB_MODEL: return set_no_model(k, knobs, value, err);
    }
    return err_set(err, MU_INTERNAL, "%s has a knob of no kind", w->name);
}

/* ---- read back */

static double number_at(const struct knob *k, const void *knobs)
{
    const char *at = (const char *)knobs + k->offset;
    double x;
    bool on;
    if (k->kind == KNOB_SWITCH) {
        memcpy(&on, at, sizeof on);
        return on;
    }
    memcpy(&x, at, sizeof x);
    return x;
}

/* How many are chosen, whichever; NaN where they are named. */
static double layers_at(const struct knob *k, const void *knobs)
{
    struct layer_list l;
    bool named;
    memcpy(&l, (const char *)knobs + k->offset, sizeof l);
    named = l.behind > 0;
    for (size_t i = 0; i < LAYERS_NAMED / 64; i++) named = named || l.named[i] > 0;
    return named ? (double)NAN : l.number;
}

double knob_number(const struct workload *w, const void *knobs, const char *name)
{
    const struct knob *k = knob_find(w, str_of(name));
    if (!k) return (double)NAN;
    switch (k->kind) {
    case KNOB_TOKENS:
    case KNOB_COUNT:
    case KNOB_CHOICE:
    case KNOB_SWITCH:
    case KNOB_BYTES: return number_at(k, knobs);
    case KNOB_LAYERS: return layers_at(k, knobs);
    case KNOB_TYPE:
    case KNOB_SHARES:
    case KNOB_MODEL: break;
    }
    return (double)NAN;
}

static const char *shares_text(const double *share, struct arena *a)
{
    const char *text = NULL;
    for (size_t i = 0; i < SITES - 1; i++)
        if (share[i] > 0)
            text = text ? str_format(a, "%s,%g", text, share[i]) : str_format(a, "%g", share[i]);
    return text ? text : "auto";
}

static const char *bytes_text(double bytes, struct arena *a)
{
    static const struct {
        double bytes;
        const char *unit;
    } unit[] = {{0x1p30, "GiB"}, {0x1p20, "MiB"}};
    for (size_t i = 0; i < 2; i++)
        if (bytes > 0 && fmod(bytes, unit[i].bytes) == 0)
            return str_format(a, "%.0f%s", bytes / unit[i].bytes, unit[i].unit);
    return str_format(a, "%.0f", bytes);
}

const char *knob_word(const struct knob *k, const void *knobs)
{
    const char *at = (const char *)knobs + k->offset;
    if (k->kind == KNOB_SHARES || k->kind == KNOB_LAYERS) return NULL;
    if (k->kind == KNOB_MODEL) {
        const struct digest *m;
        memcpy(&m, at, POINTER_BYTES);
        return m ? m->name : "";
    }
    if (k->kind == KNOB_TYPE) {
        const struct weight_type *type;
        memcpy(&type, at, POINTER_BYTES);
        return type ? type->name : "";
    }
    const double x = number_at(k, knobs);
    if (k->kind == KNOB_SWITCH) return x > 0 ? "on" : "off";
    if (k->kind == KNOB_CHOICE) return k->choices[(size_t)x];
    return x < 0 && k->choices ? k->choices[(size_t)(-1 - x)] : NULL;
}

void knob_put(const struct knob *k, void *knobs, double number)
{
    const struct layer_list so_many = {.number = number};
    assert(k->kind == KNOB_TOKENS || k->kind == KNOB_COUNT || k->kind == KNOB_LAYERS);
    if (k->kind == KNOB_LAYERS)
        set(k, knobs, &so_many, sizeof so_many);
    else
        set(k, knobs, &number, sizeof number);
}

const char *knob_text(const struct knob *k, const void *knobs, struct arena *a)
{
    const char *at = (const char *)knobs + k->offset, *word = knob_word(k, knobs);
    if (word) return word;
    if (k->kind == KNOB_LAYERS) {
        struct layer_list l;
        memcpy(&l, at, sizeof l);
        return layers_text(&l, a);
    }
    if (k->kind == KNOB_SHARES) {
        double share[SITES - 1];
        memcpy(share, at, sizeof share);
        return shares_text(share, a);
    }
    const double x = number_at(k, knobs);
    return k->kind == KNOB_BYTES ? bytes_text(x, a) : str_format(a, "%.0f", x);
}
