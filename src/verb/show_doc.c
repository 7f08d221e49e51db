/* The sections of a requirements document that speak of the experiments themselves: what runs, the hardware it takes, what each holds,
 * what lies on the disk, what to change when it does not fit, and how every figure is computed again. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "model/digest.h"
#include "verb/paper.h"

static const char *joined(struct arena *a, const char *const *names, size_t n)
{
    const char *text = "";
    for (size_t i = 0; i < n; i++) text = str_format(a, "%s%s%s", text, i ? ", " : "", names[i]);
    return text;
}

static const char *what_words(struct arena *a, const struct paper_row *r)
{
    if (!r->why) return r->what;
    if (!r->what) return str_format(a, "not computed: %s", r->why);
    return str_format(a, "%s; not computed: %s", r->what, r->why);
}

static const char *order_words(struct arena *a, const struct experiment *e)
{
    const char *after = joined(a, e->after, e->afters);
    const char *with = joined(a, e->together, e->togethers);
    if (*after && *with) return str_format(a, "after %s; together with %s", after, with);
    if (*after) return str_format(a, "after %s", after);
    return *with ? str_format(a, "together with %s", with) : "-";
}

void show_doc_runs(struct doc *d, const struct paper *p)
{
    static const char *const head[] = {"experiment", "", "model", "workload", "order"};
    struct arena *a = d->arena;
    size_t commands = 0;
    doc_heading(d, "What it runs");
    struct block *b = doc_table(d, NULL, head, NULL, COUNT_OF(head));
    for (size_t i = 0; i < p->rows; i++) {
        const struct paper_row *r = &p->row[i];
        const struct experiment *e = r->experiment;
        const struct cell row[] = {{.text = e->id},
                                   {.text = e->title},
                                   {.text = paper_model(r)},
                                   {.text = what_words(a, r)},
                                   {.text = order_words(a, e)}};
        table_row(d, b, row);
        commands += r->command != NULL;
    }
    if (!commands) return;
    b = doc_commands(d, "Commands");
    for (size_t i = 0; i < p->rows; i++)
        if (p->row[i].command) commands_row(d, b, "%s", p->row[i].command);
}

/* ---- hardware */

static const char *by_words(struct arena *a, const struct paper_most *low,
                            const struct paper_most *high)
{
    if (!low->by) return "";
    if (low->by == high->by || !high->by) return low->by->title;
    return str_format(a, "%s; recommended: %s", low->by->title, high->by->title);
}

static void hardware_row(struct doc *d, struct block *b, const struct paper *p,
                         enum paper_memory of, const char *name)
{
    const struct paper_most *low = &p->memory[NEED_MINIMUM][of],
                            *high = &p->memory[NEED_RECOMMENDED][of];
    if (!(high->bytes > 0)) return;
    const struct cell row[] = {{.text = name},
                               {.text = units_bytes(d->arena, low->bytes)},
                               {.text = units_bytes(d->arena, high->bytes)},
                               {.text = by_words(d->arena, low, high)}};
    table_row(d, b, row);
}

static const char *place_words(const struct paper *p)
{
    bool host = true, device = true;
    for (size_t i = 0; i < p->rows; i++) {
        if (p->row[i].why) continue;
        host = host && p->row[i].may[PAPER_HOST];
        device = device && p->row[i].may[PAPER_DEVICE];
    }
    return host && device ? "either will do"
           : host         ? "an accelerator is used by some, needed by none"
                          : "some need an accelerator";
}

/* ---- how much of the set so much memory runs */

static const char *of_words(struct arena *a, size_t n, size_t most)
{
    return most ? str_format(a, "%zu of %zu", n, most) : "-";
}

static size_t runs_in(const struct paper *p, enum paper_memory of, double bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < p->rows; i++)
        n += paper_needs(&p->row[i], of, NEED_RECOMMENDED) <= bytes;
    return n;
}

enum { LADDER_DOUBLINGS = 16 }; /* from one GiB */

/* GiB that memory is sold in: powers of two and what lies halfway between two of them. */
static void show_ladder(struct doc *d, const struct paper *p)
{
    static const char *const head[] = {"free memory", "in RAM, on the CPU", "on a card"};
    static const enum align align[] = {ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT};
    const double gib = 0x1p30;
    size_t ram_before = 0, card_before = 0;
    struct arena *a = d->arena;
    const size_t ram_most = runs_in(p, PAPER_RAM, HUGE_VAL),
                 card_most = runs_in(p, PAPER_VRAM, HUGE_VAL);
    struct block *b = doc_table(d, "So much runs", head, align, COUNT_OF(head));
    for (int step = 0; step < 2 * LADDER_DOUBLINGS; step++) {
        const double size = ldexp(step % 2 ? 1.5 : 1, step / 2) * gib;
        const size_t ram = runs_in(p, PAPER_RAM, size), card = runs_in(p, PAPER_VRAM, size);
        if (ram == ram_before && card == card_before) continue;
        const struct cell row[] = {{.text = units_bytes(a, size)},
                                   {.text = of_words(a, ram, ram_most)},
                                   {.text = of_words(a, card, card_most)}};
        table_row(d, b, row);
        ram_before = ram;
        card_before = card;
    }
    doc_note(d, TONE_DIM,
             "Each experiment by itself, as recommended. What is listed on a box is a little more "
             "than what is free.");
}

void show_doc_hardware(struct doc *d, const struct paper *p)
{
    static const char *const head[] = {"free, for all of it", "minimum", "recommended",
                                       "decided by"};
    static const enum align align[] = {ALIGN_LEFT, ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT};
    struct arena *a = d->arena;
    doc_heading(d, "Hardware");
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    hardware_row(d, b, p, PAPER_RAM, "RAM, all on the CPU");
    hardware_row(d, b, p, PAPER_VRAM, "or memory of one card");
    hardware_row(d, b, p, PAPER_BESIDE, "and RAM beside the card");
    const char *files = p->files ? units_bytes(a, p->files_bytes) : "?";
    const struct cell disk[] = {{.text = "disk, for the models"},
                                {.text = files},
                                {.text = files},
                                {.text = str_format(a, "%zu files of weights", p->files)}};
    table_row(d, b, disk);
    doc_note(d, TONE_DIM,
             "The largest of %zu computed experiments of %zu, each as the set writes it; CPU or "
             "card: %s. Minimum: likely, nothing spare. Recommended: the high end of the range, "
             "%.0f %% of it spare. Free memory: what the system and other programs hold comes on "
             "top. On a card the driver is counted as %s takes it. "
             "How many cores are enough is not computed: it is a matter of time.",
             p->computed, p->rows, place_words(p), p->spare_share * 100, p->backend);
    if (p->computed > 1) show_ladder(d, p);
}

void show_doc_figures(struct doc *d, const struct paper *p)
{
    if (!p->judged->figures) return;
    doc_heading(d, "What the guide says, and what it is worth");
    show_figures(d, p->judged, true);
}

/* ---- memory */

static const char *one_memory(struct arena *a, const struct paper_row *r, enum paper_memory of)
{
    const double bytes = paper_needs(r, of, NEED_MINIMUM);
    const double most = of == PAPER_RAM    ? r->needs.ram_bytes.high
                        : of == PAPER_VRAM ? r->needs.vram_bytes.high
                                           : r->needs.beside_bytes.high;
    if (isnan(bytes)) return "-";
    const char *likely = units_bytes(a, bytes), *high = units_bytes(a, most);
    return strcmp(likely, high) == 0 ? likely : str_format(a, "%s, to %s", likely, high);
}

void show_doc_memory(struct doc *d, const struct paper *p)
{
    static const char *const head[] = {"experiment", "model",   "phase",     "RAM, on the CPU",
                                       "or card",    "and RAM", "most of it"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_LEFT,  ALIGN_LEFT, ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT};
    struct arena *a = d->arena;
    if (!p->computed) return;
    doc_heading(d, "Memory by model and phase");
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    for (size_t i = 0; i < p->rows; i++) {
        const struct paper_row *r = &p->row[i];
        if (r->why) continue;
        const struct cell row[] = {
            {.text = r->experiment->title},
            {.text = paper_model(r)},
            {.text = r->asked->task.kind->name},
            {.text = one_memory(a, r, PAPER_RAM)},
            {.text = one_memory(a, r, PAPER_VRAM)},
            {.text = one_memory(a, r, PAPER_BESIDE)},
            {.text =
                 r->most ? str_format(a, "%s, %s", r->most, units_bytes(a, r->most_bytes)) : "-"}};
        table_row(d, b, row);
    }
    doc_note(d, TONE_DIM,
             "Likely, to the high end of the range where there is one. Time: under machines for "
             "rent, since it is a machine's.");
}

/* ---- when it does not fit */

static void show_less(struct doc *d, const struct paper *p)
{
    static const char *const head[] = {"to run it on less", "on", "it fits with"};
    struct block *b = NULL;
    for (size_t i = 0; i < p->rows; i++) {
        const struct paper_row *r = &p->row[i];
        if (!r->less) continue;
        if (!b) b = doc_table(d, NULL, head, NULL, COUNT_OF(head));
        const struct cell row[] = {
            {.text = r->experiment->title}, {.text = r->less_on}, {.text = r->less}};
        table_row(d, b, row);
    }
    if (b)
        doc_note(d, TONE_DIM,
                 "On the largest card that is just too small for it, or in RAM that is: the "
                 "shortest and mildest lists of changes, and what it then needs in all. muster fit "
                 "with such a --machine says more, and what each change costs.");
}

void show_doc_trouble(struct doc *d, const struct paper *p)
{
    static const char *const head[] = {"when it does not fit", "it holds most of", "less of it by"};
    struct arena *a = d->arena;
    if (!p->computed) return;
    doc_heading(d, "Troubleshooting");
    struct block *b = doc_table(d, NULL, head, NULL, COUNT_OF(head));
    for (size_t i = 0; i < p->rows; i++) {
        const struct paper_row *r = &p->row[i];
        if (r->why || !r->most) continue;
        const struct cell row[] = {
            {.text = r->experiment->title},
            {.text = str_format(a, "%s, %s", r->most, units_bytes(a, r->most_bytes))},
            {.text = r->smaller ? r->smaller : "no setting that is known"}};
        table_row(d, b, row);
    }
    doc_note(d, TONE_DIM,
             "The switches are those of muster fit, which says what each change brings; muster "
             "check -e %s says which experiments this machine runs, and why not.",
             p->operand);
    show_less(d, p);
    b = doc_commands(d, "Every figure of memory again");
    for (int place = 0; place < PAPER_PLACES; place++)
        for (size_t i = 0; i < p->rows; i++)
            if (p->row[i].fit[place]) commands_row(d, b, "%s", p->row[i].fit[place]);
}
