/* doc/wrap.h - text made safe for one line, and cut into lines of so many terminal columns. */
#pragma once
#include "base/str.h"

struct arena;

/* Newlines and tabs become blanks, other control characters and broken UTF-8 visible. NULL gives the empty view. */
struct str wrap_safe(struct arena *a, const char *text);
/* Takes the next line of at most `columns` off *rest: cut at a blank, else in a word that is
 * longer: behind a hyphen of its second half, or where the line ends. Empty *rest: no more lines. */
struct str wrap_line(struct str *rest, size_t columns);
/* Columns of the longest word. */
size_t wrap_word(struct str text);
/* Adds text wrapped at `width`, each line after the first indented; the first continues at column `at`. Ends with a newline. */
void wrap_add(struct buf *out, struct str text, size_t at, size_t indent, size_t width);
