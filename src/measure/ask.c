/* measure/ask.c - runs muster-engine for one question and hears it out, line by line.
 *
 * A line that does not parse, or that the asker refuses, ends the child; an end in any way but a clean exit is a failure even when rows
 * came before, since half a measurement of a machine that is falling over is worth nothing. */
#include "measure/ask.h"

#include "base/arena.h"
#include "base/child.h"
#include "base/err.h"
#include "base/json.h"
#include "base/notes.h"
#include "measure/measure.h"
#include "measure/rows.h"

enum { NOTES_MOST = 8 };

struct hearing {
    const struct measuring *in;
    const struct question *question;
    const char *note[NOTES_MOST];
    size_t notes, lines, rows;
    struct mu_err err;
};

static bool heard_note(struct hearing *h, struct str text)
{
    if (h->notes == NOTES_MOST) return err_set(&h->err, MU_DATA, "too many notes");
    if (!text.n || text.n > ROWS_TEXT_BYTES)
        return err_set(&h->err, MU_DATA, "a note of %zu bytes", text.n);
    h->note[h->notes++] = str_visible(h->in->arena, text);
    return true;
}

static bool heard(void *to, struct str line)
{
    struct hearing *h = to;
    h->lines++;
    struct json *j = NULL;
    const char *name = str_format(h->in->arena, "line %zu", h->lines);
    if (!json_parse(line, name, &j, &h->err)) return false;
    struct str note = {0};
    bool good;
    if (json_kind(j) != JSON_MAP_KIND)
        good = err_set(&h->err, MU_DATA, "not a JSON map");
    else if (json_count(j) == 1 && json_text(json_get(j, "note"), &note))
        good = heard_note(h, note);
    else
        good = h->question->row(h->question->to, j, &h->err);
    h->rows += good && !note.p;
    json_free(j);
    return good || err_add(&h->err, "%s", name);
}

/* What the child said last on stderr, for the sentence. */
static const char *last_words(struct str talk, struct arena *a)
{
    struct str last = {0}, rest = str_trim(talk);
    while (rest.n) last = str_line(&rest);
    return last.n ? str_format(a, " (it said: %.*s)", STR_ARG(last)) : "";
}

static const char *failure(const struct hearing *h, const struct child_end *end, struct arena *a)
{
    if (h->err.code != MU_OK)
        return str_format(a, "muster-engine's answer can't be used: %s", h->err.text);
    if (end->fate != CHILD_EXITED || end->status != 0)
        return str_format(a, "muster-engine %s%s", end->sentence, last_words(end->talk, a));
    if (!h->rows && !h->notes) return "muster-engine said nothing";
    return NULL;
}

/* An answer that can't be used and a crash are our own fault; a hang or a kill for memory leaves the engine unavailable, and so does 1,
 * which any other program may end with: to us it would mean that the answer is no. */
static enum mu_code code_of(const struct hearing *h, const struct child_end *end)
{
    if (h->err.code != MU_OK) return MU_INTERNAL;
    if (end->fate == CHILD_SIGNALLED) return MU_INTERNAL;
    if (end->fate != CHILD_EXITED || end->status == err_exit_status(MU_NO)) return MU_UNAVAILABLE;
    for (int code = MU_OK; code < MU_CODE_COUNT; code++)
        if (err_exit_status((enum mu_code)code) == end->status) return (enum mu_code)code;
    return MU_INTERNAL;
}

void engine_ask(const struct measuring *in, const struct question *q, struct asked_end *out)
{
    struct hearing h = {.in = in, .question = q};
    const char *const argv[] = {"muster-engine", q->test, in->no_amx ? "--no-amx" : NULL, NULL};
    const struct child child = {.path = in->engine,
                                .argv = argv,
                                .input = q->request,
                                .timeout_s = in->timeout_s > 0 ? in->timeout_s : q->timeout_s,
                                .memory_most_bytes = q->memory_most_bytes,
                                .file = q->file,
                                .line = heard,
                                .to = &h};
    struct child_end end = {0};
    struct mu_err err = {0};
    *out = (struct asked_end){.code = MU_UNAVAILABLE};
    if (!child_run(&child, in->arena, &end, &err)) {
        out->why = str_visible(in->arena, str_of(err.text));
        return;
    }
    out->why = failure(&h, &end, in->arena);
    out->hung = end.fate == CHILD_TIMED_OUT;
    out->code = code_of(&h, &end);
    out->rows = h.rows;
    out->seconds = end.seconds;
    out->peak_bytes = end.peak_bytes;
    for (size_t i = 0; !out->why && i < h.notes; i++) note_add(in->notes, "%s", h.note[i]);
}
