/* face/cli/render.h - an answer in the format asked for. */
#pragma once
#include "verb/verb.h"

struct mu_err;

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JSONL, FORMAT_CSV, FORMAT_MD, FORMAT_HTML };

/* --format and --json of a request; text when neither was given. MU_USAGE when they disagree. */
bool render_format(const struct request *q, enum format *out, struct mu_err *err) NODISCARD;
/* title: of an HTML page. */
void render_answer(const struct answer *answer, enum format format, struct text_style style,
                   const char *title, struct buf *out);
