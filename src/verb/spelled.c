/* verb/spelled.c - every option of a verb in one form, whether the verb's own, its workload's knob or common to all. The parser, help,
 * the manual and completion walk this list and nothing else, so they cannot disagree. */
#include <assert.h>

#include "base/arena.h"
#include "cost/cost.h"
#include "verb/request.h"

static size_t commons(void)
{
    size_t n = 0;
    while (common_options[n].name) n++;
    return n;
}

/* --set only where there are knobs to set. */
static bool has_knobs(const struct verb *v)
{
    return v && v->knobs;
}

size_t spelled_count(const struct verb *v, enum spelled_of of)
{
    switch (of) {
    case SPELLED_OWN: return v ? v->options : 0;
    case SPELLED_KNOB: return has_knobs(v) ? v->knobs->knobs + 1 : 0;
    case SPELLED_COMMON: break;
    }
    return commons();
}

const struct verb *verb_of_kind(const struct verb *v, const struct workload *kind, struct arena *a)
{
    if (!v || !v->by_kind || !kind || kind == v->knobs) return v;
    struct verb *other = NEW(a, struct verb);
    *other = *v;
    other->knobs = kind;
    if (kind->modelless) other->least_operands = 0;
    return other;
}

static struct spelled of_option(const struct option *o)
{
    return (struct spelled){.name = o->name,
                            .stored = o->name,
                            .letter = o->letter,
                            .kind = o->kind == OPTION_SWITCH ? OPTION_FLAG : o->kind,
                            .negated = o->kind == OPTION_SWITCH,
                            .value = o->value,
                            .words = o->words,
                            .choices = o->choices};
}

static struct spelled of_knob(const struct knob *k)
{
    static const char *const value[] = {[KNOB_TOKENS] = "TOKENS", [KNOB_COUNT] = "N",
                                        [KNOB_CHOICE] = "WORD",   [KNOB_SWITCH] = NULL,
                                        [KNOB_TYPE] = "TYPE",     [KNOB_SHARES] = "N,N,...",
                                        [KNOB_BYTES] = "SIZE",    [KNOB_LAYERS] = "N|N,N-N,...",
                                        [KNOB_MODEL] = "MODEL"};
    const bool closed = k->kind == KNOB_CHOICE || k->kind == KNOB_TYPE; /* nothing but its words */
    return (struct spelled){.name = k->option,
                            .stored = k->name,
                            .kind = closed                   ? OPTION_CHOICE
                                    : k->kind == KNOB_SWITCH ? OPTION_FLAG
                                                             : OPTION_TEXT,
                            .negated = k->kind == KNOB_SWITCH,
                            .value = value[k->kind],
                            .words = k->words,
                            .choices = closed ? k->choices : NULL};
}

struct spelled spelled_at(const struct verb *v, enum spelled_of of, size_t i)
{
    static const struct option set = {.name = "set",
                                      .kind = OPTION_TEXTS,
                                      .value = "NAME=VALUE",
                                      .words = "a setting by its name in files: "
                                               "context_tokens=8k (repeatable)"};
    assert(i < spelled_count(v, of));
    if (of == SPELLED_OWN) return of_option(&v->option[i]);
    if (of == SPELLED_COMMON) return of_option(&common_options[i]);
    return i < v->knobs->knobs ? of_knob(&v->knobs->knob[i]) : of_option(&set);
}

const char *spelled_words(const struct spelled *s, struct arena *a)
{
    const char *value = s->value ? str_format(a, " %s", s->value) : "";
    if (s->letter) return str_format(a, "-%c, --%s%s", s->letter, s->name, value);
    return str_format(a, "--%s%s%s", s->negated ? "[no-]" : "", s->name, value);
}
