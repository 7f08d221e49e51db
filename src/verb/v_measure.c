/* muster measure: the measurements alone, made anew and kept. */
#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/units.h"
#include "catalog/types.h"
#include "verb/common.h"
#include "verb/show_kernels.h"

/* What a part is listed with is no measurement. */
static bool measured(const struct rate *r)
{
    return r->per_s.origin >= REPORTED;
}

static void write_rates(struct writer *w, const struct machine *m, const struct catalog *c)
{
    writer_key(w, "rates");
    writer_list(w);
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        if (!measured(r)) continue;
        writer_map(w);
        writer_put_cstr(w, "work", machine_work_word(r->work));
        writer_put_cstr(w, "unit", machine_work_unit(r->work));
        const struct weight_type *t = r->type < TYPES ? catalog_types(c, NULL) : NULL;
        if (t && t[r->type].name) writer_put_cstr(w, "type", t[r->type].name);
        if (r->tokens > 0) writer_put_number(w, "tokens", r->tokens);
        if (r->row > 0) writer_put_number(w, "row", r->row);
        if (r->group > 0) writer_put_number(w, "group", r->group);
        if (r->cell > 0) writer_put_number(w, "cell", r->cell);
        if (r->buffer) writer_put_cstr(w, "buffer", r->buffer);
        writer_put_number(w, "threads", r->threads);
        write_estimate(w, "per_s", r->per_s);
        writer_put_number(w, "runs", r->runs);
        writer_put_cstr(w, "conditions", r->conditions);
        writer_map_end(w);
    }
    writer_list_end(w);
}

struct scale {
    double by;
    const char *letter;
};

static struct scale scale_of(enum machine_work work)
{
    if (work == WORK_GUIDE_ROUNDS) return (struct scale){1, ""};
    if (work == WORK_OPERATIONS) return (struct scale){1e3, "1000 "};
    return (struct scale){1e9, "G"};
}

static void show_rates(struct doc *d, const struct machine *m)
{
    static const char *const head[] = {"work", "threads", "median", "low",
                                       "high", "unit",    "runs",   "conditions"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_LEFT,  ALIGN_RIGHT, ALIGN_LEFT};
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        if (kernel_work(r->work) || !measured(r)) continue;
        const struct scale scale = scale_of(r->work);
        const struct cell row[] = {
            {.text = machine_work_word(r->work)},
            {.text = str_format(d->arena, "%g", r->threads)},
            {.text = units_number(d->arena, r->per_s.likely / scale.by, 3)},
            {.text = units_number(d->arena, r->per_s.low / scale.by, 3)},
            {.text = units_number(d->arena, r->per_s.high / scale.by, 3)},
            {.text = str_format(d->arena, "%s%s", scale.letter, machine_work_unit(r->work))},
            {.text = str_format(d->arena, "%g", r->runs)},
            {.text = r->conditions ? r->conditions : ""}};
        table_row(d, b, row);
    }
}

/* For --machine elsewhere; rates that cannot be had are left out of it. */
static bool print_machine(const struct context *in, const struct machine *m, struct answer *out,
                          struct mu_err *err)
{
    const char *line = machine_line(m, in->arena);
    if (!line)
        return err_set(err, MU_UNAVAILABLE, "how much memory this machine has cannot be read");
    commands_row(&out->doc, doc_commands(&out->doc, NULL), "%s", line);
    struct writer w = document_begin(&out->json, "machine-line/1");
    writer_put_cstr(&w, "machine", m->name);
    writer_put_cstr(&w, "line", line);
    write_notes(&w, in->notes);
    writer_map_end(&w);
    return true;
}

static bool answer(const struct request *q, const struct context *in, struct answer *out,
                   struct mu_err *err)
{
    struct subject s;
    if (!subject_machine(q, in, &s, err)) return false;
    subject_rates(q, in, &s);
    const struct machine *m = s.machine;
    if (request_flag(q, "print-machine")) return print_machine(in, m, out, err);
    if (!machine_rated(m))
        return err_set(err, MU_UNAVAILABLE, "nothing was measured: %s",
                       in->notes->count ? in->notes->note[0] : m->unmeasured);
    doc_answer(&out->doc, TONE_PLAIN, "%s, measured %s", m->name, s.when);
    show_rates(&out->doc, m);
    show_kernel_tables(&out->doc, m, in->catalog);
    show_notes(&out->doc, in->notes);
    struct writer w = document_begin(&out->json, "measure/1");
    writer_put_cstr(&w, "machine", m->name);
    writer_put_cstr(&w, "fingerprint", m->fingerprint);
    write_rates(&w, m, in->catalog);
    write_notes(&w, in->notes);
    writer_map_end(&w);
    return true;
}

static const struct option options[] = {
    {.name = "full",
     .kind = OPTION_FLAG,
     .words = "measure anew, and longer; without it kept measurements are shown"},
    {.name = "print-machine",
     .kind = OPTION_FLAG,
     .words = "this machine as a line that --machine takes elsewhere"},
};
static const char *const examples[] = {"muster measure", "muster measure --json",
                                       "muster measure --print-machine", NULL};
const struct verb verb_measure = {
    .name = "measure",
    .words = "memory, matrix, kernel and disk speed of this machine; kept afterwards",
    .operands = "",
    .about =
        "Measures memory bandwidth, matrix products through BLAS, llama.cpp's products for each "
        "type of weights, attention and disk reads, each in a child process, under ten "
        "seconds in all, and keeps the figures for this machine.",
    .examples = examples,
    .option = options,
    .options = COUNT_OF(options),
    .changes_things = true,
    .answer = answer,
};
