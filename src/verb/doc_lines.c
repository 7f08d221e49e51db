/* The `muster fit` lines of a requirements document, which compute its figures again, on machines made for the question: one without accelerator, and one with the smallest card that holds it. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "cost/runtime.h"
#include "model/digest.h"
#include "verb/for_rent.h"
#include "verb/paper.h"

#define GiB 1073741824.0
/* The least RAM that a line gives its machine. */
#define RAM_GIB 64.0
enum { COMMAND_BYTES = 4096 };

/* ---- the smallest card that holds so much */

static double card_bytes(const struct machine *m, const char *backend)
{
    for (size_t i = 0; m && i < m->places; i++)
        if (m->place[i].kind == PLACE_GPU && m->place[i].backend &&
            strcmp(m->place[i].backend, backend) == 0)
            return known_or(m->pool[m->place[i].pool].usable_bytes, (double)NAN);
    return (double)NAN;
}

void paper_cards(const struct context *in, const struct world *w, struct paper *p)
{
    const struct gpu_part *gpu;
    size_t gpus;
    struct mu_err ignored = {.code = MU_OK};
    if (!catalog_gpus(in->catalog, &gpu, &gpus, &ignored)) return;
    struct context aside = *in;
    aside.arena = arena_new(ARENA_USUAL_BYTES); /* the machines are looked at once */
    p->card = NEW_ARRAY(in->arena, struct paper_card, gpus + 1);
    for (size_t i = 0; i < gpus; i++) {
        if (gpu[i].unified_memory || gpu[i].laptop) continue;
        const char *name = line_name(&gpu[i]);
        const struct machine *m = machine_of_words(
            &aside, w, str_format(aside.arena, "cpu:8 ram:%.0fGiB gpu:%s", RAM_GIB, name));
        const double bytes = card_bytes(m, p->backend);
        if (isnan(bytes)) continue;
        size_t at = p->cards++;
        for (; at > 0 && bytes < p->card[at - 1].usable_bytes; at--) p->card[at] = p->card[at - 1];
        p->card[at] = (struct paper_card){name, bytes};
    }
    arena_free(aside.arena);
}

static const char *card_for(const struct paper *p, double bytes)
{
    for (size_t i = 0; i < p->cards; i++)
        if (bytes <= p->card[i].usable_bytes) return p->card[i].name;
    return NULL;
}

/* ---- lines */

static void add_settings(struct buf *to, const struct setting *s, size_t n, const struct task *t,
                         struct arena *a)
{
    for (; n; s++, n--) {
        const struct knob *k = knob_find(t->kind, str_of(s->name));
        if (!k) continue;
        if (k->kind == KNOB_SWITCH)
            buf_format(to, " --set %s=%s", k->name, knob_text(k, t->knobs, a));
        else
            buf_format(to, " --%s %s", k->option, shell_word(s->value, a));
    }
}

/* RAM in whole GiB, the next power of two. */
static double ram_gib(double bytes)
{
    double gib = RAM_GIB;
    while (gib * GiB < bytes && gib < 1 << 20) gib *= 2;
    return gib;
}

const char *paper_fit_line(const struct context *in, const struct paper_row *r, const char *machine,
                           bool on_device)
{
    const struct experiment *e = r->experiment;
    const struct asked *asked = r->asked;
    const struct workload *kind = asked->task.kind;
    const bool text = !asked->own_knobs;
    struct buf line;
    buf_init(&line, COMMAND_BYTES);
    buf_add(&line, S("muster fit"));
    if (e->model) buf_format(&line, " %s", shell_word(e->model, in->arena));
    if (strcmp(kind->name, "generate") != 0) buf_format(&line, " --kind %s", kind->name);
    if (text && !asked->file && !runtime_of(&asked->knobs)->published)
        buf_format(&line, " --quant %s", asked->digest->quant);
    add_settings(&line, e->setting, e->settings, &asked->task, in->arena);
    add_settings(&line, e->amount, e->amounts, &asked->task, in->arena);
    if (text && on_device) buf_add(&line, S(" --gpu-layers all"));
    buf_format(&line, " --machine \"%s\"", machine);
    const char *done = line.over ? NULL : str_copy(in->arena, buf_text(&line));
    buf_release(&line);
    return done;
}

void paper_lines(const struct context *in, const struct paper *p, struct paper_row *r)
{
    struct arena *a = in->arena;
    const double ram = paper_needs(r, PAPER_RAM, NEED_RECOMMENDED);
    const double vram = paper_needs(r, PAPER_VRAM, NEED_RECOMMENDED);
    const double beside = paper_needs(r, PAPER_BESIDE, NEED_RECOMMENDED);
    const char *card = isnan(vram) ? NULL : card_for(p, vram);
    if (!isnan(ram))
        r->fit[PAPER_HOST] =
            paper_fit_line(in, r, str_format(a, "cpu:8 ram:%.0fGiB", ram_gib(ram)), false);
    if (card)
        r->fit[PAPER_DEVICE] = paper_fit_line(
            in, r, str_format(a, "cpu:8 ram:%.0fGiB gpu:%s", ram_gib(beside), card), true);
    r->card = card;
}
