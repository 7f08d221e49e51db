/* verb/help.c - help for a screen, from the table of verbs: what there is, and how one command is used. 80 columns, so that it can be
 * read anywhere; plain text, so that it can be piped. */
#include "verb/help.h"

#include <assert.h>

#include "base/arena.h"
#include "base/err.h"
#include "cost/cost.h"
#include "doc/wrap.h"
#include "verb/request.h"

enum { WIDTH = 80, OPTION_AT = 30 };

const char help_operands[] = "[COMMAND]";
const char help_words[] = "how a command is used; help man and help bash print the manual "
                          "and completion";

static void column(struct buf *out, const char *left, size_t at)
{
    const size_t used = text_columns(str_of(left)) + 2;
    buf_format(out, "  %s", left);
    if (used + 2 > at) buf_char(out, '\n');
    buf_fill(out, ' ', used + 2 > at ? at : at - used);
}

static void row(struct buf *out, const char *left, const char *right, size_t at)
{
    column(out, left, at);
    wrap_add(out, str_of(right), at, at, WIDTH);
}

static void options(struct buf *out, const struct verb *v, enum spelled_of of, struct arena *a)
{
    static const char *const title[] = {"Options", "Settings of the workload", "Common options"};
    const size_t n = spelled_count(v, of);
    if (n) buf_format(out, "\n%s\n", title[of]);
    for (size_t i = 0; i < n; i++) {
        const struct spelled s = spelled_at(v, of, i);
        struct buf words;
        buf_init(&words, 4096);
        buf_add(&words, str_of(s.words));
        for (size_t c = 0; of != SPELLED_COMMON && s.choices && s.choices[c]; c++)
            buf_format(&words, "%s%s", c ? " " : " (", s.choices[c]);
        if (of != SPELLED_COMMON && s.choices) buf_char(&words, ')');
        row(out, spelled_words(&s, a), buf_text(&words).p, OPTION_AT);
        buf_release(&words);
    }
}

static void exit_statuses(struct buf *out, struct arena *a)
{
    buf_add(out, S("\nExit status\n"));
    for (enum mu_code code = MU_OK; code < MU_CODE_COUNT; code++)
        row(out, str_format(a, "%2d", err_exit_status(code)), err_words(code), 6);
}

void help_all(const struct verb *const *table, struct arena *a, struct buf *out)
{
    assert(*table);
    size_t at = text_columns(S("help"));
    for (const struct verb *const *v = table; *v; v++)
        if (text_columns(str_of((*v)->name)) > at) at = text_columns(str_of((*v)->name));
    at += 4;
    buf_add(out, S("muster: does your machine pass muster? What it can do with language models,\n"
                   "measured, and what to change when it cannot.\n"
                   "\nmuster [COMMAND] [OPTION...] [OPERAND...]\n\nCommands\n"));
    for (const struct verb *const *v = table; *v; v++) row(out, (*v)->name, (*v)->words, at);
    row(out, "help", help_words, at);
    buf_format(out, "\nWithout a command: %s. muster help COMMAND says more of one.\n",
               (*table)->name);
    options(out, NULL, SPELLED_COMMON, a);
    exit_statuses(out, a);
}

void help_verb(const struct verb *v, struct arena *a, struct buf *out)
{
    buf_format(out, "muster %s [OPTION...]%s%s\n\n", v->name, *v->operands ? " " : "", v->operands);
    wrap_add(out, str_of(v->about), 0, 0, WIDTH);
    options(out, v, SPELLED_OWN, a);
    options(out, v, SPELLED_KNOB, a);
    if (v->by_kind)
        wrap_add(out,
                 str_of(str_format(a,
                                   "These are settings of %s. muster %s --kind WORD --help lists "
                                   "those of another workload.",
                                   v->knobs->name, v->name)),
                 0, 0, WIDTH);
    options(out, v, SPELLED_COMMON, a);
    if (v->examples && *v->examples) buf_add(out, S("\nExamples\n"));
    for (const char *const *e = v->examples; e && *e; e++) buf_format(out, "  %s\n", *e);
}

void help_topic(const struct verb *const *table, const char *topic, struct arena *a,
                struct buf *out)
{
    const struct verb *v = topic ? verb_in(table, str_of(topic)) : NULL;
    if (v)
        help_verb(v, a, out);
    else if (str_is(str_of(topic), "man"))
        help_manual(table, out);
    else if (str_is(str_of(topic), "bash"))
        help_bash(table, out);
    else
        help_all(table, a, out);
}
