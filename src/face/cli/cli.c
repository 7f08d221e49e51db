/* face/cli/cli.c - one invocation: parse the words, set up what a verb works with, ask the verb, render its answer, write it.
 *
 * Standard output carries the answer and nothing else; every failure is one sentence on standard error and an exit status of
 * base/err.h, whatever the format. Nothing is computed here. */
#include "face/cli/cli.h"

#include <assert.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/progress.h"
#include "base/root.h"
#include "catalog/catalog.h"
#include "face/cli/output.h"
#include "face/cli/render.h"
#include "verb/help.h"
#include "verb/request.h"

enum { USUAL_COLUMNS = 100, OUTPUT_BYTES_MOST = 256 << 20 };

/* $XDG_..._HOME/muster, else ~/<usual>/muster, else NULL. Relative folders are ignored, as the XDG specification asks. */
static const char *own_folder(const struct outside *o, const char *name, const char *usual,
                              struct arena *a)
{
    const char *given = o->env(name);
    const char *home = o->env("HOME");
    if (given && given[0] == '/') return str_format(a, "%s/muster", given);
    if (home && home[0] == '/') return str_format(a, "%s/%s/muster", home, usual);
    return NULL;
}

static struct text_style style_of(const struct outside *o, const struct request *q)
{
    const char *when = request_text(q, "colour");
    const char *path = request_text(q, "output");
    const char *no_color = o->env("NO_COLOR");
    const bool terminal = o->terminal && (!path || str_is(str_of(path), "-"));
    const bool wanted =
        terminal && !(no_color && *no_color) && !str_is(str_of(o->env("TERM")), "dumb");
    return (struct text_style){.colour = str_is(str_of(when), "always") ||
                                         (wanted && !str_is(str_of(when), "never")),
                               .width = terminal && o->columns > 0 ? o->columns : USUAL_COLUMNS};
}

/* "muster fit NAME": the title of a page. */
static const char *title_of(const struct request *q, struct arena *a)
{
    const char *title = str_format(a, "muster %s", q->verb->name);
    for (size_t i = 0; i < q->operands; i++) title = str_format(a, "%s %s", title, q->operand[i]);
    return title;
}

static bool render(const struct outside *o, const struct request *q, const struct answer *answer,
                   struct arena *a, struct mu_err *err)
{
    enum format format;
    struct buf text;
    if (!render_format(q, &format, err)) return false;
    buf_init(&text, OUTPUT_BYTES_MOST);
    render_answer(answer, format, style_of(o, q), title_of(q, a), &text);
    const bool whole = !answer->json.over && !text.over;
    const bool done =
        whole ? output_write(request_text(q, "output"), buf_text(&text), err)
              : err_set(err, MU_INTERNAL, "the answer is larger than %d MiB; ask for less",
                        OUTPUT_BYTES_MOST >> 20);
    buf_release(&text);
    return done;
}

/* *no: the answer is no, though nothing failed. */
static bool answer_request(const struct outside *o, const struct request *q, struct arena *a,
                           bool *no, struct mu_err *err)
{
    struct root root;
    enum format format; /* looked at before the work is done, so that a mistake costs nothing */
    if (!render_format(q, &format, err) || !root_open(request_text(q, "root"), &root, err))
        return false;
    struct notes notes = {.arena = a};
    struct progress progress = progress_start(true);
    const char *config = own_folder(o, "XDG_CONFIG_HOME", ".config", a);
    const struct context in = {.catalog = catalog_open(config, a),
                               .root = &root,
                               .arena = a,
                               .notes = &notes,
                               .progress = &progress,
                               .env = o->env,
                               .program = o->program,
                               .folder = o->folder,
                               .state_folder = own_folder(o, "XDG_STATE_HOME", ".local/state", a),
                               .config_folder = config};
    struct answer answer = {.doc = doc_new(a)};
    buf_init(&answer.json, OUTPUT_BYTES_MOST);
    bool done = q->verb->answer(q, &in, &answer, err);
    progress_end(&progress);
    done = done && render(o, q, &answer, a, err);
    *no = answer.no;
    buf_release(&answer.json);
    root_close(&root);
    return done;
}

static bool say(const struct verb *const *table, const struct command *c, struct arena *a,
                struct mu_err *err)
{
    struct buf text;
    buf_init(&text, OUTPUT_BYTES_MOST);
    if (c->kind == COMMAND_VERSION)
        buf_add(&text, S("muster " MUSTER_VERSION "\n"));
    else if (c->shown)
        help_verb(c->shown, a, &text);
    else
        help_topic(table, c->topic, a, &text);
    const bool done = output_write(request_text(&c->request, "output"), buf_text(&text), err);
    buf_release(&text);
    return done;
}

int cli_run(const struct verb *const *table, const struct outside *outside)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct mu_err err = {.code = MU_OK};
    struct command *command = NEW(a, struct command);
    bool no = false;
    bool done = request_parse(table, outside->argc, outside->argv, a, command, &err);
    if (done)
        done = command->kind == COMMAND_ANSWER
                   ? answer_request(outside, &command->request, a, &no, &err)
                   : say(table, command, a, &err);
    assert(done || err.code != MU_OK);
    arena_free(a);
    return done ? err_exit_status(no ? MU_NO : MU_OK) : output_failure(&err);
}
