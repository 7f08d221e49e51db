/* verb/verb.h - a question and its answer. Faces are over this table and know nothing else. One file a command: verb/v_NAME.c, one row. */
#pragma once
#include "base/str.h"
#include "doc/doc.h"
#include <stdbool.h>

struct arena;
struct catalog;
struct mu_err;
struct notes;
struct progress;
struct root;
struct workload;

enum option_kind {
    OPTION_FLAG,
    OPTION_SWITCH, /* --name, --no-name; "on" or "off" in the request */
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_CHOICE,
    OPTION_TEXTS /* repeatable */
};
struct option {
    const char *name; /* without dashes */
    char letter;      /* 0 for none */
    enum option_kind kind;
    const char *value; /* what stands for the value in help: "FILE" */
    const char *words;
    const char *const *choices; /* OPTION_CHOICE, NULL-terminated */
};
enum { REQUEST_OPTIONS = 64, REQUEST_OPERANDS = 256 };
struct verb;
struct request {
    const struct verb *verb;
    const char *operand[REQUEST_OPERANDS];
    size_t operands;
    struct {
        const char *name, *value;
    } given[REQUEST_OPTIONS];
    size_t givens; /* in order; flags have value "yes"; knobs by knob name */
};
bool request_flag(const struct request *q, const char *name);
const char *request_text(const struct request *q, const char *name); /* last one given, or NULL */
size_t request_texts(const struct request *q, const char *name, const char *out[], size_t most);
/* The last one given, as OPTION_NUMBER was checked; false when it was not given. */
bool request_number(const struct request *q, const char *name, double *out) NODISCARD;

/* What main() read of the outside, once. */
struct context {
    const struct catalog *catalog;
    const struct root *root;
    struct arena *arena;
    struct notes *notes;
    struct progress *progress;
    const char *(*env)(const char *name);
    const char *program; /* path of this program, for finding the engine */
    const char *folder;  /* the current folder */
    const char *state_folder, *config_folder;
};
/* Both faces of an answer. `no`: exit status 1 although nothing failed. json holds one whole document. */
struct answer {
    struct doc doc;
    struct buf json;
    bool no;
};
struct verb {
    const char *name, *words, *operands; /* operands: "MODEL", "[REPORT...]", "" */
    const char *about;                   /* a paragraph for help and the manual */
    const char *const *examples;         /* NULL-terminated; each is run by a test */
    const struct option *option;
    size_t options;
    const struct workload *knobs; /* its knobs become options too; NULL for none */
    bool by_kind; /* --kind names another workload, whose knobs stand in their place */
    size_t least_operands, most_operands;
    bool changes_things;
    bool (*answer)(const struct request *q, const struct context *in, struct answer *out,
                   struct mu_err *err);
};
extern const struct verb *const verbs[]; /* NULL-terminated, in the order of help */
/* --format, --json, -o, --root, --help, --version ...; name NULL ends */
extern const struct option common_options[];
