/* verb/options.c - the options that every command has. What they do is the face's part: a verb never asks for them. */
#include "verb/verb.h"

static const char *const formats[] = {"text", "json", "jsonl", "csv", "md", "html", NULL};
static const char *const colours[] = {"auto", "always", "never", NULL};

const struct option common_options[] = {
    {.name = "format",
     .letter = 'f',
     .kind = OPTION_CHOICE,
     .value = "FORMAT",
     .words = "text (usual), json, jsonl (one line), csv, md or html",
     .choices = formats},
    {.name = "json", .kind = OPTION_FLAG, .words = "short for --format json"},
    {.name = "output",
     .letter = 'o',
     .kind = OPTION_TEXT,
     .value = "FILE",
     .words = "write the answer there; - is standard output"},
    {.name = "colour",
     .kind = OPTION_CHOICE,
     .value = "WHEN",
     .words = "auto (usual: on a terminal, unless NO_COLOR is set), always, never",
     .choices = colours},
    {.name = "root",
     .kind = OPTION_TEXT,
     .value = "FOLDER",
     .words = "look at the machine captured there: a copy of its /proc, /sys and /etc"},
    {.name = "help", .letter = 'h', .kind = OPTION_FLAG, .words = "say how a command is used"},
    {.name = "version", .letter = 'V', .kind = OPTION_FLAG, .words = "say which version this is"},
    {.name = NULL},
};
