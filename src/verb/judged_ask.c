/* An experiment as a task: its workload's model and knobs, what a figure of the guide changes of them, and its command with the values that
 * came of it. */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/digest.h"
#include "verb/judged_set.h"

enum { COMMAND_BYTES_MOST = 4096 };

static const char *setting_of(const struct experiment *e, const char *name)
{
    for (size_t i = 0; i < e->settings; i++)
        if (strcmp(e->setting[i].name, name) == 0) return e->setting[i].value;
    return NULL;
}

static bool set_all(const struct context *in, const struct setting *s, size_t count,
                    struct asked *a, struct mu_err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!asked_set(in, a, s[i].name, s[i].value, err)) return false;
    return true;
}

/* All of it at one place, where a figure is of memory there. */
static bool set_place(const struct context *in, enum figure_kind kind, struct asked *a,
                      struct mu_err *err)
{
    const bool device = kind == FIGURE_DEVICE_MEMORY || kind == FIGURE_FITS_DEVICE;
    if (!device && kind != FIGURE_HOST_MEMORY) return true;
    if (!a->own_knobs) return asked_set(in, a, "gpu_layers", device ? "all" : "0", err);
    return !knob_find(a->task.kind, S("device")) ||
           asked_set(in, a, "device", device ? "gpu" : "cpu", err);
}

bool judged_ask(const struct context *in, const struct machine *m, const struct experiment *e,
                const struct guide_figure *f, struct asked *out, struct mu_err *err)
{
    const struct asking how = {.operand = f && f->model ? f->model : e->model,
                               .quant = f && f->quant ? f->quant : e->quant,
                               .kind = e->kind,
                               .runtime = setting_of(e, "runtime")};
    if (!asked_task(in, &how, m, out, err) || !set_all(in, e->setting, e->settings, out, err) ||
        !set_all(in, e->amount, e->amounts, out, err) ||
        (f && (!set_all(in, f->with, f->withs, out, err) || !set_place(in, f->kind, out, err))))
        return err_add(err, "experiment %s", e->id);
    asked_settle(in, out);
    return true;
}

static const char *value_of(const struct asked *a, struct str name, struct arena *arena)
{
    const struct knob *k = knob_find(a->task.kind, name);
    if (str_is(name, "model")) return a->digest->name;
    if (str_is(name, "quant")) return a->digest->quant ? a->digest->quant : "";
    return k ? knob_text(k, a->task.knobs, arena) : "";
}

const char *judged_command(const struct judged *j, struct arena *a)
{
    struct str name, before, rest = str_of(j->experiment->command);
    struct buf text;
    if (!j->experiment->command) return NULL;
    buf_init(&text, COMMAND_BYTES_MOST);
    while (command_next(&rest, &name, &before)) {
        buf_add(&text, before);
        buf_add(&text, str_of(shell_word(value_of(j->asked, name, a), a)));
    }
    buf_add(&text, rest);
    const char *made = str_copy(a, buf_text(&text));
    buf_release(&text);
    return made;
}
