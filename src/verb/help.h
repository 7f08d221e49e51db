/* verb/help.h - what the table of verbs says of itself: help on a screen, the manual, completion. All end in a newline. */
#pragma once
#include "verb/verb.h"

struct arena;

/* `muster --help`: every command in a line or two, 80 columns. */
void help_all(const struct verb *const *table, struct arena *a, struct buf *out);
/* `muster help VERB`. */
void help_verb(const struct verb *v, struct arena *a, struct buf *out);
/* `muster help man`: muster(1) in mdoc. */
void help_manual(const struct verb *const *table, struct buf *out);
/* `muster help bash`: completion for bash. */
void help_bash(const struct verb *const *table, struct buf *out);
/* Any topic that request_parse() lets through; NULL and "help" are all of it. */
void help_topic(const struct verb *const *table, const char *topic, struct arena *a,
                struct buf *out);

/* The row of `help` itself, which is no verb: it answers about the table. */
extern const char help_operands[], help_words[];
