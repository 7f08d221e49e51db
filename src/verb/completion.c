/* verb/completion.c - completion for bash, from the table of verbs: commands, each command's options, the choices of an option that has
 * some, files for every other value and operand. Left out: names of the catalogue, other shells. */
#include "verb/help.h"

#include <assert.h>
#include <string.h>

#include "cost/cost.h"
#include "verb/request.h"

static const char opening[] =
    "# Completion of muster for bash, made by `muster help bash`.\n"
    "_muster()\n"
    "{\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb= words= i\n"
    "    if [[ $word == = ]]; then\n"
    "        word=\n"
    "    elif [[ $before == = ]]; then\n"
    "        before=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    fi\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n";

static const char closing[] =
    "    if [[ $word == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
    "    else\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
    "    fi\n"
    "}\n"
    "complete -o filenames -F _muster muster\n";

static void add_verbs(struct buf *out, const struct verb *const *table, char between)
{
    for (; *table; table++) buf_format(out, "%s%c", (*table)->name, between);
    buf_add(out, S("help"));
}

/* A workload before the n-th has an option of that name. */
static bool named_before(size_t n, const char *option)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < workloads[i]->knobs; k++)
            if (strcmp(workloads[i]->knob[k].option, option) == 0) return true;
    return false;
}

static bool has_word(const char *const *list, const char *word)
{
    for (; list && *list; list++)
        if (strcmp(*list, word) == 0) return true;
    return false;
}

/* Every workload's knobs, for a verb whose --kind may name any: each name once. */
static void add_kinds_words(struct buf *out, const struct verb *v)
{
    for (size_t i = 0; v && v->by_kind && workloads[i]; i++)
        for (size_t k = 0; k < workloads[i]->knobs; k++) {
            const struct knob *knob = &workloads[i]->knob[k];
            if (workloads[i] == v->knobs || named_before(i, knob->option)) continue;
            buf_format(out, " --%s", knob->option);
            if (knob->kind == KNOB_SWITCH) buf_format(out, " --no-%s", knob->option);
        }
}

/* The words that an option takes under one workload or another. */
static void add_kinds_choices(struct buf *out, const struct verb *v)
{
    for (size_t i = 0; v->by_kind && workloads[i]; i++)
        for (size_t k = 0; k < workloads[i]->knobs; k++) {
            const struct knob *knob = &workloads[i]->knob[k];
            if (workloads[i] == v->knobs || !knob->choices || named_before(i, knob->option))
                continue;
            buf_format(out, "    %s:--%s) words='", v->name, knob->option);
            for (size_t c = 0; knob->choices[c]; c++)
                buf_format(out, "%s%s", c ? " " : "", knob->choices[c]);
            for (size_t n = i + 1; workloads[n]; n++) {
                const struct knob *other = knob_find(workloads[n], str_of(knob->option));
                for (size_t c = 0; other && other->choices && other->choices[c]; c++)
                    if (!has_word(knob->choices, other->choices[c]))
                        buf_format(out, " %s", other->choices[c]);
            }
            buf_add(out, S("' ;;\n"));
        }
}

static void add_option_words(struct buf *out, const struct verb *v)
{
    add_kinds_words(out, v);
    for (enum spelled_of of = SPELLED_OWN; of <= SPELLED_COMMON; of++)
        for (size_t i = 0; i < spelled_count(v, of); i++) {
            const struct spelled s = spelled_at(v, of, i);
            buf_format(out, " --%s", s.name);
            if (s.negated) buf_format(out, " --no-%s", s.name);
            if (s.letter) buf_format(out, " -%c", s.letter);
        }
}

/* Cases for options whose values are known: "verb:--option". */
static void add_choices(struct buf *out, const struct verb *v, enum spelled_of of)
{
    for (size_t i = 0; i < spelled_count(v, of); i++) {
        const struct spelled s = spelled_at(v, of, i);
        if (!s.choices) continue;
        const char *name = v ? v->name : "*";
        buf_format(out, "    %s:--%s", name, s.name);
        if (s.letter) buf_format(out, " | %s:-%c", name, s.letter);
        buf_add(out, S(") words='"));
        for (size_t c = 0; s.choices[c]; c++) buf_format(out, "%s%s", c ? " " : "", s.choices[c]);
        buf_add(out, S("' ;;\n"));
    }
}

void help_bash(const struct verb *const *table, struct buf *out)
{
    assert(*table);
    buf_add(out, str_of(opening));
    buf_add(out, S("        "));
    add_verbs(out, table, '|');
    buf_add(out, S(") verb=${COMP_WORDS[i]}; break ;;\n        esac\n    done\n"
                   "    case ${verb:-"));
    buf_add(out, str_of((*table)->name));
    buf_add(out, S("}:$before in\n"));
    for (const struct verb *const *v = table; *v; v++) {
        add_choices(out, *v, SPELLED_OWN);
        add_choices(out, *v, SPELLED_KNOB);
        add_kinds_choices(out, *v);
    }
    add_choices(out, NULL, SPELLED_COMMON);
    buf_add(out, S("    help:help) words='"));
    add_verbs(out, table, ' ');
    buf_add(out, S(" man bash' ;;\n    esac\n    if [[ -z $verb && $word != -* && -z $words && "
                   "$COMP_CWORD -eq 1 ]]; then\n        words='"));
    add_verbs(out, table, ' ');
    buf_add(out, S("'\n    fi\n    if [[ -n $words ]]; then\n"
                   "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                   "        return\n    fi\n    case ${verb:-"));
    buf_add(out, str_of((*table)->name));
    buf_add(out, S("} in\n"));
    for (const struct verb *const *v = table; *v; v++) {
        buf_format(out, "    %s) words='", (*v)->name);
        add_option_words(out, *v);
        buf_add(out, S("' ;;\n"));
    }
    buf_add(out, S("    *) words='"));
    add_option_words(out, NULL);
    buf_add(out, S("' ;;\n    esac\n"));
    buf_add(out, str_of(closing));
}
