/* muster doc: the requirements document of a project, from its set of experiments. For no particular machine, and without a date of its
 * own: the same version and the same set make the same bytes, so a project can keep it beside its code and have it compared. Left out:
 * what a given machine makes of it (muster check). */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/units.h"
#include "catalog/catalog.h"
#include "verb/paper.h"

static void say_answer(struct doc *d, const struct paper *p)
{
    struct arena *a = d->arena;
    const struct paper_most *ram = p->memory[NEED_MINIMUM], *more = p->memory[NEED_RECOMMENDED];
    const char *on_host = ram[PAPER_RAM].by ? str_format(a, "%s of free RAM (%s recommended)",
                                                         units_bytes(a, ram[PAPER_RAM].bytes),
                                                         units_bytes(a, more[PAPER_RAM].bytes))
                                            : "";
    const char *on_card = ram[PAPER_VRAM].by ? str_format(a, "a card with %s free (%s)",
                                                          units_bytes(a, ram[PAPER_VRAM].bytes),
                                                          units_bytes(a, more[PAPER_VRAM].bytes))
                                             : "";
    if (!p->computed)
        doc_answer(d, TONE_WARN, "Nothing of this set is computed.");
    else
        doc_answer(d, TONE_PLAIN,
                   "For all %zu that are computed: %s%s%s; %s of disk for the models.", p->computed,
                   on_host, *on_host && *on_card ? ", or " : "", on_card,
                   units_bytes(a, p->files_bytes));
}

static void say_made_by(struct doc *d, const struct paper *p)
{
    doc_note(
        d, TONE_DIM,
        "Written by muster %s from the set %s (%s). Every figure is computed, for no machine in "
        "particular; the lines that compute them stand at the end. GiB are 2^30 bytes. The "
        "same version makes the same document again:",
        MUSTER_VERSION, p->set->name, p->set->source ? p->set->source : "its author");
    commands_row(d, doc_commands(d, NULL), "muster doc %s%s%s --format md", p->operand,
                 p->quant ? " --quant " : "", p->quant ? shell_word(p->quant, d->arena) : "");
}

/* The words of a set or a file: what -e takes elsewhere. */
static bool set_of(const struct request *q, const struct context *in, struct paper *p,
                   struct mu_err *err)
{
    struct request asked = *q;
    if (asked.givens == REQUEST_OPTIONS)
        return err_set(err, MU_USAGE, "more options than one can give; leave some out");
    asked.given[asked.givens].name = "experiments";
    asked.given[asked.givens++].value = q->operand[0];
    p->operand = shell_word(q->operand[0], in->arena);
    p->quant = request_text(q, "quant");
    return subject_set(&asked, in, &p->set, err);
}

static bool answer(const struct request *q, const struct context *in, struct answer *out,
                   struct mu_err *err)
{
    struct paper *p = NEW(in->arena, struct paper);
    struct world world;
    struct doc *d = &out->doc;
    if (!set_of(q, in, p, err) || !judge_world(in->catalog, in->arena, &world, err) ||
        !paper_rows(in, &world, p, err) || !paper_judged(in, &world, p, err) ||
        !paper_less(in, &world, p, err) || !paper_sizes(in, &world, p, err) ||
        !paper_rents(in, &world, p, err) || !catalog_sound(in->catalog, err))
        return false;
    d->title =
        str_format(in->arena, "Requirements: %s", p->set->title ? p->set->title : p->set->name);
    say_answer(d, p);
    say_made_by(d, p);
    show_doc_runs(d, p);
    show_doc_hardware(d, p);
    show_doc_sizes(d, p);
    show_doc_memory(d, p);
    if (!show_doc_software(d, in, p, err)) return false;
    show_doc_storage(d, p);
    show_doc_rents(d, p);
    show_doc_figures(d, p);
    show_doc_trouble(d, p);
    write_doc(p, in, &out->json);
    out->no = !p->computed;
    return true;
}

static const struct option options[] = {
    {.name = "quant",
     .letter = 'q',
     .kind = OPTION_TEXT,
     .value = "MIX",
     .words = "quantisation of what writes text, in place of the set's: Q4_K_M, Q8_0, ..."},
};
static const char *const examples[] = {
    "muster doc llm-memory --format md",
    "muster doc stac --format html",
    NULL,
};
const struct verb verb_doc = {
    .name = "doc",
    .words = "the requirements document of a project, from its experiments",
    .operands = "SET|FILE",
    .about = "Writes what a project that ships a set of experiments tells its users: the least and "
             "the recommended hardware, accelerators by model size, memory by experiment, "
             "platforms and software, storage and download, machines for rent with dated prices, "
             "what to change when it does not fit, and the lines that compute every figure again. "
             "SET is a set that is built in, FILE one in YAML. For no particular machine, and the "
             "same bytes each time, so that a project can keep it and have it compared. Exit "
             "status 1 when nothing of the set is computed.",
    .examples = examples,
    .option = options,
    .options = COUNT_OF(options),
    .least_operands = 1,
    .most_operands = 1,
    .answer = answer,
};
