/* Maps, lists and texts of a set's YAML into structs, by tables of keys. Left out: what the keys mean (experiment.c, figure_read.c). */
#include "judge/reading.h"

#include <string.h>

#include "base/arena.h"
#include "base/yaml.h"
#include "cost/cost.h"
#include "judge/experiment.h"

enum { NEAR_ENOUGH = 3 }; /* edits between a misspelt key and the one proposed */

struct nearest {
    struct str key;
    const char *best;
    size_t edits;
};

static void nearer(struct nearest *n, const char *name)
{
    const size_t d = str_distance(n->key, str_of(name));
    if (d >= n->edits) return;
    n->edits = d;
    n->best = name;
}

static bool refuse_key(const struct reading *in, const struct slots *t, const struct yaml *at)
{
    struct nearest near = {.key = at->key, .edits = NEAR_ENOUGH + 1};
    const char *key = str_visible(in->arena, at->key);
    const struct yaml there = {.line = at->key_line, .column = at->key_column};
    for (size_t i = 0; i < t->count; i++) nearer(&near, t->slot[i].key);
    if (near.best)
        return yaml_error(&there, in->name, in->err, "%s has no key '%s'; did you mean '%s'?",
                          t->what, key, near.best);
    return yaml_error(&there, in->name, in->err, "%s has no key '%s'", t->what, key);
}

static bool read_slot(const struct reading *in, const struct slot *s, const struct yaml *y,
                      void *out)
{
    char *to = (char *)out + s->offset;
    if (s->kind == SLOT_OTHER) return true;
    if (y->kind != YAML_SCALAR)
        return yaml_error(y, in->name, in->err, "%s must be one value", s->key);
    if (s->kind == SLOT_TEXT) {
        const char *text = str_copy(in->arena, y->text);
        memcpy(to, &text, sizeof text);
        return true;
    }
    double number;
    if (!yaml_number(y, &number) || !(number >= 0 && number < 1e15))
        return yaml_error(y, in->name, in->err, "%s must be a number, 0 or more", s->key);
    memcpy(to, &number, sizeof number);
    return true;
}

bool read_slots(const struct reading *in, const struct slots *t, const struct yaml *map, void *out)
{
    if (map->kind != YAML_MAP)
        return yaml_error(map, in->name, in->err, "%s must be a map of keys", t->what);
    for (const struct yaml *y = map->first; y; y = y->next) {
        size_t i = 0;
        while (i < t->count && !str_is(y->key, t->slot[i].key)) i++;
        if (i == t->count) return refuse_key(in, t, y);
        if (!read_slot(in, &t->slot[i], y, out)) return false;
    }
    return true;
}

bool read_list(const struct reading *in, const struct yaml *map, const char *key,
               const struct yaml **out)
{
    *out = yaml_get(map, key);
    if (*out && (*out)->kind != YAML_LIST)
        return yaml_error(*out, in->name, in->err, "%s must be a list", key);
    return true;
}

bool read_texts(const struct reading *in, const struct yaml *map, const char *key,
                const char *const **out, size_t *count)
{
    const struct yaml *list;
    if (!read_list(in, map, key, &list)) return false;
    if (!list) return true;
    const char **text = NEW_ARRAY(in->arena, const char *, list->count);
    size_t n = 0;
    for (const struct yaml *y = list->first; y; y = y->next) {
        if (y->kind != YAML_SCALAR)
            return yaml_error(y, in->name, in->err, "%s holds texts only", key);
        text[n++] = str_copy(in->arena, y->text);
    }
    *out = text;
    *count = n;
    return true;
}

bool read_settings(const struct reading *in, const struct yaml *map, const char *key,
                   const struct setting **out, size_t *count)
{
    const struct yaml *of = yaml_get(map, key);
    if (!of) return true;
    if (of->kind != YAML_MAP)
        return yaml_error(of, in->name, in->err, "%s must be a map of keys", key);
    struct setting *s = NEW_ARRAY(in->arena, struct setting, of->count);
    size_t n = 0;
    for (const struct yaml *y = of->first; y; y = y->next) {
        if (y->kind != YAML_SCALAR)
            return yaml_error(y, in->name, in->err, "%s must be one value",
                              str_visible(in->arena, y->key));
        s[n++] = (struct setting){str_copy(in->arena, y->key), str_copy(in->arena, y->text)};
    }
    *out = s;
    *count = n;
    return true;
}

bool read_knob_name(const struct reading *in, const struct workload *w, bool amounts,
                    const struct yaml *at)
{
    struct nearest near = {.key = at->key, .edits = NEAR_ENOUGH + 1};
    for (size_t i = 0; i < w->knobs; i++) {
        if (amounts && !w->knob[i].amount) continue;
        if (str_is(at->key, w->knob[i].name)) return true;
        nearer(&near, w->knob[i].name);
    }
    const struct yaml there = {.line = at->key_line, .column = at->key_column};
    return yaml_error(&there, in->name, in->err, "%s has no %s '%s'%s%s", w->name,
                      amounts ? "amount" : "knob", str_visible(in->arena, at->key),
                      near.best ? "; did you mean " : "", near.best ? near.best : "");
}
