/* verb/request.h - a command line becomes a request, held against a table of verbs. Every face that takes words goes through here, so
 * that a command means the same everywhere. Help, the manual and completion list the very spellings that are parsed here.
 *
 * What is understood: `COMMAND [OPTION...] [OPERAND...]` in any order, --name VALUE, --name=VALUE, -oVALUE, -o VALUE, letters together,
 * -- before operands that begin with a dash. Without a command, or when an option comes first that only the table's first verb knows,
 * the first verb is meant. A value that begins with a dash needs the = form, unless it is - itself or a number. */
#pragma once
#include "verb/verb.h"

struct knob;

/* One way to spell an option of a verb: its own, one of its workload's knobs, or a common one. */
struct spelled {
    const char *name;   /* after the dashes */
    const char *stored; /* the name it has in the request */
    char letter;        /* 0 for none */
    enum option_kind kind;
    bool negated; /* a switch: --name, --no-name, --name=on|off */
    const char *value, *words;
    const char *const *choices;
};
enum spelled_of { SPELLED_OWN, SPELLED_KNOB, SPELLED_COMMON };
size_t spelled_count(const struct verb *v, enum spelled_of of); /* v NULL: only common ones */
struct spelled spelled_at(const struct verb *v, enum spelled_of of, size_t i);
/* The verb with the knobs of another workload; itself where it has only its own. */
const struct verb *verb_of_kind(const struct verb *v, const struct workload *kind, struct arena *a);
/* An option as help, the manual and completion show it: "-o, --output FILE", "--[no-]mmap". */
const char *spelled_words(const struct spelled *s, struct arena *a);

enum command_kind { COMMAND_ANSWER, COMMAND_HELP, COMMAND_VERSION };
struct command {
    enum command_kind kind;
    struct request request;   /* of COMMAND_ANSWER: complete and checked */
    const struct verb *shown; /* of COMMAND_HELP: the topic with the knobs of its --kind, or NULL */
    const char *topic;        /* of COMMAND_HELP: a verb's name, "man", "bash", or NULL */
};
/* argv without the program's name. Text is not copied. False is MU_USAGE. */
bool request_parse(const struct verb *const *table, int argc, const char *const *argv,
                   struct arena *a, struct command *out, struct mu_err *err) NODISCARD;

const struct verb *verb_in(const struct verb *const *table, struct str name); /* NULL: none */
const char *verb_near_in(const struct verb *const *table, struct str name, struct arena *a);
