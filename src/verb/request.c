/* verb/request.c - the parser of command lines, and what a verb asks of the request it made.
 *
 * One pass, left to right. What an option is called and takes comes from spelled.c alone; a choice is checked here and stored as the
 * table spells it, a number is checked to be one, and a knob is stored under its own name however it was written (--ctx 8k, --set
 * context_tokens=8k). Left out: what a knob's value must be (cost knows), abbreviations, options from the environment. */
#include "verb/request.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "cost/cost.h"
#include "verb/near.h"

struct parser {
    const struct verb *const *table;
    const char *const *next, *const *end; /* what is left of argv */
    struct arena *arena;
    struct command *out;
    struct mu_err *err;
    const struct verb *verb;
    const struct workload *kind; /* that --kind names, wherever it stands; NULL: none */
    const char *implied_by; /* the option that stood before any command and made it the first one */
    bool help_word, topic_given, operands_only;
};

static const char *shown(const struct parser *p, const char *text)
{
    return str_visible(p->arena, str_of(text));
}

const struct verb *verb_in(const struct verb *const *table, struct str name)
{
    for (; *table; table++)
        if (str_is(name, (*table)->name)) return *table;
    return NULL;
}

static struct near near_verb(const struct verb *const *table, struct str name)
{
    struct near near = near_to(name);
    for (; *table; table++) near_try(&near, (*table)->name);
    return near;
}

const char *verb_near_in(const struct verb *const *table, struct str name, struct arena *a)
{
    const struct near near = near_verb(table, name);
    return near.best ? str_copy(a, str_of(near.best)) : NULL;
}

/* Options by what is written after the dashes */

struct match {
    struct spelled option;
    bool off; /* --no-NAME */
};

static bool matches(struct match *m, const struct spelled *s, struct str name)
{
    const bool off = s->negated && str_starts(name, S("no-")) &&
                     str_is((struct str){name.p + 3, name.n - 3}, s->name);
    if (!off && !str_is(name, s->name)) return false;
    *m = (struct match){*s, off};
    return true;
}

static bool match_in(const struct verb *v, struct str name, char letter, struct match *out)
{
    for (enum spelled_of of = SPELLED_OWN; of <= SPELLED_COMMON; of++)
        for (size_t i = 0; i < spelled_count(v, of); i++) {
            const struct spelled s = spelled_at(v, of, i);
            if (letter ? s.letter == letter : matches(out, &s, name)) {
                if (letter) *out = (struct match){.option = s};
                return true;
            }
        }
    return false;
}

/* The first workload that has such a setting. */
static const struct workload *kind_with(struct str option)
{
    for (size_t i = 0; workloads[i]; i++)
        if (knob_find(workloads[i], option)) return workloads[i];
    return NULL;
}

/* name: as written, for long options; letter for short ones. An option of the first verb makes it the one meant. */
static bool match_option(struct parser *p, struct str name, char letter, struct match *out)
{
    if (match_in(p->verb, name, letter, out)) return true;
    const struct verb *v = p->verb ? p->verb : p->table[0];
    const char *who = p->verb ? v->name : "muster";
    if (!p->verb && !p->help_word && match_in(v, name, letter, out)) {
        p->verb = v;
        p->implied_by = out->option.name;
        return true;
    }
    if (letter)
        return err_set(p->err, MU_USAGE, "%s knows no option -%s; muster help %s lists them", who,
                       str_visible(p->arena, (struct str){&letter, 1}), v->name);
    const struct workload *other = v->by_kind ? kind_with(name) : NULL;
    if (other)
        return err_set(p->err, MU_USAGE, "--%s is a setting of --kind %s, not of %s",
                       str_visible(p->arena, name), other->name, v->knobs->name);
    struct near near = near_to(name);
    for (enum spelled_of of = SPELLED_OWN; of <= SPELLED_COMMON; of++)
        for (size_t i = 0; i < spelled_count(v, of); i++)
            near_try(&near, spelled_at(v, of, i).name);
    return err_set(p->err, MU_USAGE, "%s knows no option --%s%s%s", who,
                   str_visible(p->arena, name), near_words(&near, "--", p->arena),
                   near.best ? "" : str_format(p->arena, "; muster help %s lists them", v->name));
}

/* Values */

static const char *choice_of(const struct parser *p, const struct spelled *s, const char *value)
{
    struct buf all;
    buf_init(&all, 1024);
    for (size_t i = 0; s->choices[i]; i++) {
        if (str_eq_nocase(str_of(s->choices[i]), str_of(value))) {
            buf_release(&all);
            return s->choices[i];
        }
        buf_format(&all, "%s%s", i ? ", " : "", s->choices[i]);
    }
    err_set(p->err, MU_USAGE, "--%s takes one of %s; not '%s'", s->name, buf_text(&all).p,
            shown(p, value));
    buf_release(&all);
    return NULL;
}

static bool is_number(const char *value)
{
    double x;
    return str_f64(str_of(value), &x);
}

static bool store(struct parser *p, const char *name, const char *value)
{
    struct request *q = &p->out->request;
    if (q->givens == REQUEST_OPTIONS)
        return err_set(p->err, MU_USAGE, "more than %d options; leave some out", REQUEST_OPTIONS);
    q->given[q->givens].name = name;
    q->given[q->givens++].value = value;
    return true;
}

static bool give(struct parser *p, const struct spelled *s, const char *value)
{
    if (s->kind == OPTION_NUMBER && !is_number(value))
        return err_set(p->err, MU_USAGE, "--%s takes a number; not '%s'", s->name, shown(p, value));
    if (s->kind == OPTION_CHOICE) value = choice_of(p, s, value);
    return value && store(p, s->stored, value);
}

static bool give_switch(struct parser *p, const struct spelled *s, bool off, const char *value)
{
    if (!value) return store(p, s->stored, off ? "off" : "on");
    const bool on = str_is(str_of(value), "on");
    if (off || (!on && !str_is(str_of(value), "off")))
        return err_set(p->err, MU_USAGE, "--%s takes on or off; not '%s'", s->name,
                       shown(p, value));
    return store(p, s->stored, on ? "on" : "off");
}

/* --set NAME=VALUE: the knob of that name, as if it had been given by its option. */
static bool give_set(struct parser *p, const char *pair)
{
    struct str value = str_of(pair);
    const struct str name = str_cut(&value, '=');
    if (!value.p)
        return err_set(p->err, MU_USAGE, "--set takes NAME=VALUE; not '%s'", shown(p, pair));
    assert(p->verb); /* the option was found among its own */
    struct near near = near_to(name);
    for (size_t i = 0; i + 1 < spelled_count(p->verb, SPELLED_KNOB); i++) { /* --set is the last */
        const struct spelled s = spelled_at(p->verb, SPELLED_KNOB, i);
        if (str_is(name, s.stored) || str_is(name, s.name))
            return s.negated ? give_switch(p, &s, false, value.p) : give(p, &s, value.p);
        near_try(&near, s.stored);
    }
    return err_set(p->err, MU_USAGE, "%s has no setting '%s'%s%s", p->verb->name,
                   str_visible(p->arena, name), near_words(&near, "", p->arena),
                   near.best ? ""
                             : str_format(p->arena, "; muster help %s lists them", p->verb->name));
}

static bool take_flag(struct parser *p, const struct match *m, const char *value)
{
    const struct spelled *s = &m->option;
    if (s->negated) return give_switch(p, s, m->off, value);
    if (value)
        return err_set(p->err, MU_USAGE, "--%s takes no value; not '%s'", s->name, shown(p, value));
    if (str_is(str_of(s->stored), "help") && p->out->kind == COMMAND_ANSWER)
        p->out->kind = COMMAND_HELP;
    if (str_is(str_of(s->stored), "version") && p->out->kind == COMMAND_ANSWER)
        p->out->kind = COMMAND_VERSION;
    return store(p, s->stored, "yes");
}

/* attached: what stood behind = or the letter, NULL when nothing did. */
static bool take_value(struct parser *p, const struct match *m, const char *attached)
{
    const struct spelled *s = &m->option;
    const char *value = attached;
    if (!value && p->next < p->end) value = *p->next++;
    if (!value || (!attached && value[0] == '-' && value[1] && !is_number(value)))
        return err_set(p->err, MU_USAGE, "--%s needs a value: %s%s", s->name,
                       s->value ? s->value : "VALUE",
                       value ? str_format(p->arena, "; one that begins with a dash goes as --%s=%s",
                                          s->name, shown(p, value))
                             : "");
    return str_is(str_of(s->stored), "set") ? give_set(p, value) : give(p, s, value);
}

static bool take_long(struct parser *p, const char *text)
{
    struct match m = {.off = false};
    struct str value = str_of(text);
    const struct str name = str_cut(&value, '=');
    if (!match_option(p, name, 0, &m)) return false;
    return m.option.kind == OPTION_FLAG ? take_flag(p, &m, value.p) : take_value(p, &m, value.p);
}

/* -qo FILE, -oFILE */
static bool take_letters(struct parser *p, const char *letters)
{
    for (; *letters; letters++) {
        struct match m = {.off = false};
        if (!match_option(p, S(""), *letters, &m)) return false;
        if (m.option.kind != OPTION_FLAG) return take_value(p, &m, letters[1] ? letters + 1 : NULL);
        if (!take_flag(p, &m, NULL)) return false;
    }
    return true;
}

static bool take_command(struct parser *p, const char *name)
{
    p->verb = verb_of_kind(verb_in(p->table, str_of(name)), p->kind, p->arena);
    p->help_word = !p->verb && str_is(str_of(name), "help");
    if (p->help_word) p->out->kind = COMMAND_HELP;
    if (p->verb || p->help_word) return true;
    struct near near = near_verb(p->table, str_of(name));
    near_try(&near, "help");
    return err_set(p->err, MU_USAGE, "no command is called '%s'%s%s", shown(p, name),
                   near_words(&near, "", p->arena), near.best ? "" : "; muster --help lists them");
}

static bool take_topic(struct parser *p, const char *name)
{
    static const char *const more[] = {"help", "man", "bash"};
    struct near near = near_verb(p->table, str_of(name));
    bool known = verb_in(p->table, str_of(name)) != NULL;
    for (size_t i = 0; i < COUNT_OF(more); i++) {
        known = known || str_is(str_of(name), more[i]);
        near_try(&near, more[i]);
    }
    if (p->topic_given)
        return err_set(p->err, MU_USAGE, "help takes one command; '%s' is left over",
                       shown(p, name));
    if (!known)
        return err_set(p->err, MU_USAGE, "no command is called '%s'%s%s", shown(p, name),
                       near_words(&near, "", p->arena),
                       near.best ? "" : "; muster --help lists them");
    p->out->topic = name;
    p->topic_given = true;
    return true;
}

static bool take_operand(struct parser *p, const char *text)
{
    struct request *q = &p->out->request;
    if (p->help_word) return take_topic(p, text);
    if (!p->verb) return take_command(p, text);
    if (p->implied_by && verb_in(p->table, str_of(text)))
        return err_set(p->err, MU_USAGE, "--%s stands before the command; try muster %s --%s",
                       p->implied_by, text, p->implied_by);
    const size_t most = p->verb->most_operands;
    if (q->operands >= most || q->operands == REQUEST_OPERANDS)
        return err_set(p->err, MU_USAGE, "%s takes %s%s; '%s' is left over", p->verb->name,
                       most ? "only " : "no operand", most ? p->verb->operands : "",
                       shown(p, text));
    q->operand[q->operands++] = text;
    return true;
}

static bool take(struct parser *p, const char *text)
{
    if (p->operands_only || text[0] != '-' || !text[1]) return take_operand(p, text);
    if (text[1] != '-') return take_letters(p, text + 1);
    if (text[2]) return take_long(p, text + 2);
    p->operands_only = true;
    return true;
}

static bool finish(struct parser *p)
{
    struct command *out = p->out;
    const struct verb *v = p->verb ? p->verb : p->table[0];
    out->request.verb = v;
    if (out->kind == COMMAND_HELP && !p->help_word && p->verb) {
        out->topic = v->name;
        out->shown = v;
    }
    if (out->kind != COMMAND_ANSWER || out->request.operands >= v->least_operands) return true;
    return err_set(p->err, MU_USAGE, "%s needs %s; muster help %s says more", v->name, v->operands,
                   v->name);
}

/* The workload that decides which knobs there are, so it is looked for before they are read. */
static const struct workload *find_kind(int argc, const char *const *argv)
{
    const struct workload *kind = NULL;
    for (int i = 0; i < argc; i++) {
        const struct str word = str_of(argv[i]), lead = S("--kind=");
        if (str_is(word, "--")) break;
        if (str_is(word, "--kind") && i + 1 < argc) kind = cost_workload(str_of(argv[i + 1]));
        if (str_starts(word, lead))
            kind = cost_workload((struct str){word.p + lead.n, word.n - lead.n});
    }
    return kind;
}

bool request_parse(const struct verb *const *table, int argc, const char *const *argv,
                   struct arena *a, struct command *out, struct mu_err *err)
{
    struct parser p = {.table = table,
                       .next = argv,
                       .end = argv + (argc > 0 ? argc : 0),
                       .arena = a,
                       .out = out,
                       .err = err,
                       .kind = find_kind(argc, argv)};
    *out = (struct command){.kind = COMMAND_ANSWER};
    while (p.next < p.end)
        if (!take(&p, *p.next++)) return false;
    return finish(&p);
}

/* What a verb asks of its request */

const char *request_text(const struct request *q, const char *name)
{
    for (size_t i = q->givens; i-- > 0;)
        if (strcmp(q->given[i].name, name) == 0) return q->given[i].value;
    return NULL;
}

bool request_flag(const struct request *q, const char *name)
{
    return request_text(q, name) != NULL;
}

size_t request_texts(const struct request *q, const char *name, const char *out[], size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < q->givens && n < most; i++)
        if (strcmp(q->given[i].name, name) == 0) out[n++] = q->given[i].value;
    return n;
}

bool request_number(const struct request *q, const char *name, double *out)
{
    const char *text = request_text(q, name);
    return text && str_f64(str_of(text), out);
}
