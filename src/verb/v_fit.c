/* muster fit MODEL: one workload, here or on another machine: does it fit, what holds the memory, how fast, and the command that does
 * it. Memory as llama.cpp itself lays it out where muster-engine holds it and the machine is this one, else by our plan of that; what else
 * follows from the shape (speed, the largest context) is always our own. On accelerators
 * memory is our plan. Other runtimes' memory is by their own rules, and what is --together with it is taken off the machine first.
 * What does not fit, or is slower than --min-tps, is told with what to change. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/units.h"
#include "catalog/types.h"
#include "cost/runtime.h"
#include "judge/placement.h"
#include "machine/accelerators.h"
#include "machine/facts.h"
#include "measure/exact.h"
#include "model/digest.h"
#include "model/model.h"
#include "verb/beside_model.h"
#include "verb/fetching.h"
#include "verb/fit.h"

enum { CONTEXT_STEP = 256 };

/* ---- llama.cpp asked for its buffers */

static enum exact_end ask_engine(const struct context *in, const struct fit *f,
                                 struct allocated *out, struct mu_err *err)
{
    struct model *model = NEW(in->arena, struct model);
    const struct measuring how = subject_measuring(in, &f->subject);
    const struct exact_asked asked = {.model = model,
                                      .file = f->asked.file,
                                      .digest = f->asked.digest,
                                      .catalog = in->catalog,
                                      .knobs = &f->asked.knobs,
                                      .memory_most_bytes =
                                          known_or(machine_memory(f->machine)->usable_bytes, 0)};
    return asked_tensors(in, &f->asked, model, err) ? measure_exact(&how, &asked, out, err)
                                                    : EXACT_FAILED;
}

/* Says why our plan stands instead; what has no rule either is told once. */
static void fall_back(const struct context *in, const struct fit *f, const char *because)
{
    if (!f->verdict.bill.unruled)
        fell_back(in->notes, "muster's own plan of the memory", because);
    else if (f->asked.model->tensors)
        note_add(in->notes, "llama.cpp does not size it either: %s", because);
}

/* llama.cpp is asked for what it would do on the CPU alone. */
static bool exact_on_devices(const struct context *in, const struct fit *f, bool wanted,
                             struct mu_err *err)
{
    if (wanted)
        return err_set(err, MU_USAGE,
                       "--exact asks llama.cpp for the CPU alone, and layers would go on devices: "
                       "leave it out, or add --gpu-layers 0");
    if (f->machine->here)
        note_add(in->notes,
                 "memory is muster's own plan: llama.cpp is asked for the CPU alone, not "
                 "for layers on devices");
    return true;
}

/* Asks llama.cpp, and takes its buffers for the plan's where it answers. */
static bool take_exact(const struct context *in, struct fit *f, bool wanted, struct mu_err *err)
{
    struct allocated *exact = NEW(in->arena, struct allocated);
    struct mu_err why = {.code = MU_OK};
    const enum exact_end end = ask_engine(in, f, exact, &why);
    if (end != EXACT_DONE && wanted)
        return err_set(err, why.code == MU_NO ? MU_UNAVAILABLE : why.code,
                       "memory as llama.cpp itself lays it out cannot be had: %s", why.text);
    if (end == EXACT_FAILED) fall_back(in, f, why.text);
    if (end != EXACT_DONE) return true;
    f->exact = exact;
    if (!f->verdict.bill.unruled) f->planned_bytes = bill_held(&f->verdict.bill, ON_HOST);
    judge_allocated(exact, &f->asked.task, f->machine, in->arena, &f->verdict);
    return true;
}

static bool find_exact(const struct request *q, const struct context *in, struct fit *f,
                       struct mu_err *err)
{
    const char *given = request_text(q, "exact");
    const bool wanted = given && str_is(str_of(given), "on");
    if (given && !wanted) return true;
    if (f->asked.knobs.runtime != (double)RUNTIME_LLAMA)
        return !wanted || err_set(err, MU_USAGE,
                                  "--exact asks llama.cpp: leave it out, or leave --runtime out");
    if (f->verdict.split.sites > 1) return exact_on_devices(in, f, wanted, err);
    if (!wanted && !f->machine->here) return true;
    if (!f->machine->here)
        return err_set(
            err, MU_USAGE,
            "--exact asks llama.cpp here, on this CPU, not on another machine's: leave it out");
    return take_exact(in, f, wanted, err);
}
/* ---- what is said beside the answer */

/* Why nothing lies on devices although there are some. */
static void note_unused(const struct context *in, const struct fit *f, const struct world *w)
{
    struct generate g = f->asked.knobs;
    const struct task one = {f->asked.task.kind, f->asked.task.model, &g};
    struct verdict *v = NEW(in->arena, struct verdict);
    if (!f->devices || f->verdict.split.sites > 1 || g.gpu_layers == 0) return;
    if (runtime_of(&g)->published) {
        note_add(in->notes, "nothing goes on %s under %s", fit_devices_words(f, in->arena),
                 runtime_of(&g)->words);
        return;
    }
    g.gpu_layers = 1;
    judge_task(&one, f->machine, w, v);
    if (v->fits == FITS_NOT)
        note_add(in->notes, "nothing goes on %s: not even one layer fits into the %s that are free",
                 fit_devices_words(f, in->arena),
                 units_bytes(in->arena, v->site[v->split.sites - 1].usable_bytes));
    else
        note_add(in->notes, "nothing goes on %s: the CPU alone is judged no slower",
                 fit_devices_words(f, in->arena));
}

/* What devices' drivers take beside all buffers, where nobody knows it. */
static void note_drivers(const struct context *in, const struct fit *f)
{
    const struct verdict *v = &f->verdict;
    for (int i = 1; i < v->split.sites; i++) {
        const struct site_rules *r = v->split.rules[i];
        if (r && r->context_bytes > 0) continue;
        note_add(in->notes,
                 "what the driver of %s takes beside the buffers is not known and not "
                 "counted: leave some hundred MiB",
                 place_called(f->machine, v->site[i].place, in->arena));
        return;
    }
}

/* Accelerators that no backend of llama.cpp is known for, each said. */
static size_t note_no_backend(const struct context *in, const struct machine *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->places; i++) {
        const struct place *p = &m->place[i];
        if (p->kind != PLACE_GPU || p->backend || !p->part) continue;
        note_add(in->notes, "%s is left out: llama.cpp is not known to compute on it",
                 place_called(m, i, in->arena));
        n++;
    }
    return n;
}

/* What was seen and is not reckoned with. */
static void note_devices(const struct context *in, const struct fit *f)
{
    const size_t used = fit_devices(f);
    size_t seen = 0;
    const bool published = runtime_of(&f->asked.knobs)->published;
    if (used && !f->devices && !published)
        note_add(in->notes, "judged on the CPU alone: muster has no plan of it on accelerators");
    for (size_t i = 0; i < f->machine->facts->gpus; i++)
        if (accelerator_usable(f->machine, &f->machine->facts->gpu[i])) seen++;
    const size_t silent = note_no_backend(in, f->machine);
    seen = seen > silent ? seen - silent : 0;
    if (seen > used)
        note_add(in->notes, "%zu of %zu accelerators %s left out: %s", seen - used, seen,
                 seen - used == 1 ? "is" : "are",
                 used ? "llama.cpp takes those on the CPU's own chip only where no other is, and "
                        "others need a free memory that is known"
                      : "how much of their memory is free is not known");
}
/* ---- what else is in memory */

/* Things named by --together, each placed beside those before it: what they leave is what f->machine has from here on. */
static bool leave_room(const struct request *q, const struct context *in, const struct world *w,
                       struct fit *f, struct mu_err *err)
{
    const char *named[REQUEST_OPTIONS];
    const size_t n = request_texts(q, "together", named, REQUEST_OPTIONS);
    double *held_bytes = NEW_ARRAY(in->arena, double, f->machine->pools);
    struct verdict *v = NEW(in->arena, struct verdict);
    const struct machine *whole = f->machine;
    f->other = NEW_ARRAY(in->arena, const struct asked *, n + 1);
    if (n) f->whole = whole;
    for (size_t i = 0; i < n; i++) {
        struct asked *other = NEW(in->arena, struct asked);
        if (!asked_generate(in, named[i], NULL, whole, other, err)) return false;
        asked_settle(in, other);
        f->other[f->others++] = other;
        judge_task(&other->task, f->machine, w, v);
        if (v->bill.unruled)
            return err_set(err, MU_NO, "%s beside it is not computed: %s", other->digest->name,
                           v->why);
        hold_verdict(v, held_bytes);
        note_add(in->notes, "beside it in memory: %s %s, context %.0f, %s%s", other->digest->name,
                 other->digest->quant, other->knobs.context_tokens,
                 units_bytes(in->arena, verdict_needs(v)),
                 v->fits == FITS_NOT ? ", which does not fit itself" : "");
        f->machine = machine_left(whole, held_bytes, in->arena);
    }
    return true;
}

/* The same file in two processes: what both map of it is there once. */
static void note_again(const struct context *in, const struct fit *f)
{
    for (size_t i = 0; i < f->others; i++) {
        const struct digest *a = f->other[i]->digest, *b = f->asked.digest;
        const bool same_file = f->asked.file && f->other[i]->file
                                   ? strcmp(f->asked.file, f->other[i]->file) == 0
                                   : !f->asked.file && !f->other[i]->file;
        const bool same = same_file && strcmp(a->name, b->name) == 0 && a->quant && b->quant &&
                          strcmp(a->quant, b->quant) == 0;
        if (!same || !f->other[i]->knobs.mmap || !f->asked.knobs.mmap) continue;
        note_add(in->notes,
                 "%s is the model itself: pages of the file that both map on the host are there "
                 "once, and counted twice here; repacked copies, caches and what lies on cards "
                 "are each process's own",
                 a->name);
        return;
    }
}

/* No mix is better than the one that a model was trained in. */
static void prefer_native(const struct context *in, struct fit *f)
{
    const char *native = f->asked.model->native_quant, *quant = f->asked.digest->quant;
    if (!native || !quant || strcmp(native, quant) != 0 || !f->all_on.mix) return;
    if (verdict_all_on_devices(&f->verdict))
        f->all_on.mix = catalog_mix(in->catalog, str_of(native));
}
/* ---- the verb */

static bool ask(const struct request *q, const struct context *in, const char *operand,
                struct fit *f, struct mu_err *err)
{
    const struct asking how = {.operand = operand,
                               .quant = request_text(q, "quant"),
                               .kind = request_text(q, "kind"),
                               .runtime = request_text(q, "runtime")};
    return asked_task(in, &how, f->machine, &f->asked, err) && asked_knobs(q, in, &f->asked, err);
}

/* What else would fit, and how speed falls with depth. */
static void find_largest(const struct context *in, struct fit *f, const struct world *w)
{
    const struct task *t = &f->asked.task;
    f->largest_context_tokens = judge_largest_context(t, f->machine, w, CONTEXT_STEP);
    if (fit_serves(f)) {
        f->largest_sequences = judge_largest_sequences(t, f->machine, w);
        f->largest_model = fit_largest_of_family(in, f, w);
    }
    if (f->devices && !runtime_of(&f->asked.knobs)->published)
        judge_on_devices(t, f->machine, in->catalog, w, CONTEXT_STEP, &f->all_on);
    prefer_native(in, f);
    f->depths = judge_depths(t, f->machine, w, f->depth);
    f->together_per_s = judge_decoding_together(t, &f->verdict, f->machine, w);
}

/* How it gets here: of GGUF files alone. */
static bool find_way_here(const struct request *q, const struct context *in, struct fit *f,
                          struct mu_err *err)
{
    if (!runtime_of(&f->asked.knobs)->published)
        return find_fetch(q, in, &f->asked, f->machine, &f->fetch, err);
    if (request_text(q, "line"))
        note_add(in->notes, "how long fetching takes is told of GGUF files alone");
    return true;
}

static bool least_speed(const struct request *q, double *out, struct mu_err *err)
{
    *out = (double)NAN;
    if (request_number(q, "min-tps", out) && !(*out > 0))
        return err_set(err, MU_USAGE, "--min-tps takes a speed above 0");
    return true;
}

/* NULL where the workload runs no model. */
static bool find_operand(const struct request *q, const struct context *in, const char **out,
                         struct mu_err *err)
{
    *out = NULL;
    return !q->operands || online_operand(q, in, q->operand[0], out, err);
}

/* The machine with its rates and the room that is left on it, and what is asked to run there. */
static bool find_task(const struct request *q, const struct context *in, struct fit *f,
                      struct world *world, struct mu_err *err)
{
    const char *operand;
    if (!subject_machine(q, in, &f->subject, err) || !find_operand(q, in, &operand, err))
        return false;
    subject_rates(q, in, &f->subject);
    f->machine = f->subject.machine;
    return world_here(in, &f->machine, world, err) && leave_room(q, in, world, f, err) &&
           ask(q, in, operand, f, err);
}

static void note_all(const struct context *in, const struct fit *f, const struct world *world)
{
    const bool nothing = f->verdict.bill.unruled && f->asked.knobs.runtime != (double)RUNTIME_LLAMA;
    if (f->asked.unchecked && !f->exact && !nothing) note_add(in->notes, "%s", f->asked.unchecked);
    note_devices(in, f);
    note_unused(in, f, world);
    note_drivers(in, f);
    note_beside(in, &f->placed);
    note_again(in, f);
}

static bool answer(const struct request *q, const struct context *in, struct answer *out,
                   struct mu_err *err)
{
    struct fit *f = NEW(in->arena, struct fit);
    struct world world;
    double least_per_s;
    if (!least_speed(q, &least_per_s, err) || !find_task(q, in, f, &world, err)) return false;
    if (f->asked.own_knobs) return fit_whole(q, in, &world, f, out, err);
    if (!asked_beside(q, in, f->machine, &f->asked, err)) return false;
    f->placed = (struct placed){&f->asked, f->machine, &f->verdict};
    judge_task(&f->asked.task, f->machine, &world, &f->verdict);
    f->devices = fit_devices(f) > 0 && !f->verdict.bill.unruled;
    f->planned_bytes = (double)NAN;
    if (!find_exact(q, in, f, err)) return false;
    note_all(in, f, &world);
    find_largest(in, f, &world);
    if (!find_way_here(q, in, f, err) || !fit_remedies(q, in, &world, least_per_s, f, err))
        return false;

    show_fit(&out->doc, f, request_flag(q, "explain"));
    show_notes(&out->doc, in->notes);
    write_fit(f, in, &out->json);
    out->no = f->verdict.fits >= FITS_NOT || f->remedied;
    return true;
}
static const char *const kinds[] = {"generate",      "serve",     "embed",    "retrieve",
                                    "hidden-states", "attention", "probe",    "statistics",
                                    "finetune",      "sweep",     "evaluate", "compare",
                                    "snn-convert",   "snn-run",   "cpu-job",  NULL};
static const struct option options[] = {
    {.name = "machine",
     .letter = 'm',
     .kind = OPTION_TEXT,
     .value = "REPORT|LINE",
     .words = "another machine: a saved report, or \"cpu:8 ram:32GiB ...\""},
    {.name = "quant",
     .letter = 'q',
     .kind = OPTION_TEXT,
     .value = "MIX",
     .words = "quantisation of a catalogue model: Q4_K_M (usual), Q8_0, F16, ..."},
    {.name = "kind",
     .kind = OPTION_CHOICE,
     .value = "WORD",
     .words = "generate (usual); serve: so many users (--parallel), each with that context; or "
              "another workload, which has settings of its own (--kind WORD --help)",
     .choices = kinds},
    {.name = "together",
     .kind = OPTION_TEXTS,
     .value = "MODEL",
     .words = "in memory at the same time under llama.cpp, with its defaults; repeatable"},
    {.name = "exact",
     .kind = OPTION_SWITCH,
     .words = "memory as llama.cpp itself lays it out here; usual where the engine has it"},
    {.name = "lora",
     .kind = OPTION_TEXTS,
     .value = "FILE",
     .words = "a LoRA adapter beside it, a GGUF file (repeatable)"},
    {.name = "mmproj",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .words = "the projector beside it that reads pictures or sound, a GGUF file"},
    {.name = "draft",
     .kind = OPTION_TEXT,
     .value = "MODEL",
     .words = "a small model beside it whose tokens it verifies"},
    {.name = "quick", .kind = OPTION_FLAG, .words = "measure nothing; kept measurements are used"},
    {.name = "line",
     .kind = OPTION_TEXT,
     .value = "SPEED",
     .words = "of the internet line, for how long fetching takes: 100Mbit/s, 50MB/s"},
    {.name = "min-tps",
     .kind = OPTION_NUMBER,
     .value = "N",
     .words = "decode so many tokens a second at least, else exit status 1 and what to change"},
    {.name = "reports",
     .kind = OPTION_TEXT,
     .value = "DIR",
     .words = "other machines: which of those whose reports lie there run it as asked"},
    {.name = "explain",
     .kind = OPTION_FLAG,
     .words = "every formula that ran, its inputs and sources"},
    {.name = "online",
     .kind = OPTION_FLAG,
     .words = "ask hubs for the header of a model that is not here: hf:, ollama:, https://"},
};
static const char *const examples[] = {
    "muster fit phi-3-mini --quant Q4_K_M --ctx 4k --quick",
    "muster fit Qwen2.5-7B --machine \"cpu:8 ram:32GiB\" --ctx 32k --kv-type q8_0",
    "muster fit Qwen2.5-7B --machine \"cpu:8 ram:64GiB gpu:RTX 4090\" --kind serve --parallel 8",
    "muster fit Llama-2-7B --machine \"cpu:8 ram:64GiB\" --runtime transformers --dtype fp32",
    "muster fit Qwen2.5-7B --kind finetune --method qlora --machine \"ram:32GiB gpu:RTX 5060 Ti "
    "16GB\"",
    "muster fit Qwen2.5-7B --kind compare --other Qwen2.5-0.5B --machine \"ram:32GiB gpu:RTX "
    "4090\"",
    "muster fit --kind cpu-job --ram 4GiB --disk 20GiB",
    "muster fit Qwen2.5-14B --draft Qwen2.5-0.5B --machine \"cpu:8 ram:32GiB\"",
    NULL,
};
extern const struct workload workload_generate;
const struct verb verb_fit = {
    .name = "fit",
    .words = "does a model fit, what holds the memory, how fast",
    .operands = "MODEL",
    .about =
        "Computes what one model needs under llama.cpp, or another --runtime, and holds it against "
        "this machine, or "
        "the one of --machine. MODEL is a GGUF "
        "file (whole or the first of a split), one that another program keeps on this disk "
        "(hf:org/name, hf:org/name@revision:Q8_0, ollama:name:tag), a name of the catalogue in any "
        "spelling, a quantisation behind it or not (NAME:Q8_0), or a size (7B), for which a model "
        "of the catalogue stands. A --kind that runs no model (cpu-job) takes none. With --online "
        "one "
        "that is not here, or an address (https://...), has its header fetched, and only that; "
        "nothing is asked over the network otherwise. "
        "Memory is what llama.cpp itself lays out for the model, asked without allocating "
        "any of it; the header of a file is enough, and of a catalogue model one is made. "
        "Where it cannot be asked (another machine, no llama.cpp in muster-engine, --no-exact) "
        "memory is our plan of its buffers, exact where the architecture is known to the "
        "byte. Where it does not fit, or is slower than --min-tps, the shortest lists of changes "
        "that do it follow, each as a fit with them would answer. "
        "Exit status 1 when it does not fit or cannot be computed.",
    .examples = examples,
    .option = options,
    .options = COUNT_OF(options),
    .knobs = &workload_generate,
    .by_kind = true,
    .least_operands = 1,
    .most_operands = 1,
    .answer = answer,
};
