/* muster fit MODEL: one workload, here or on another machine: does it fit, what holds the memory, how fast, and the command that does
 * it. Memory by the exact plan. Left out so far: accelerators, remedies, runtimes other than llama.cpp. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/units.h"
#include "catalog/architecture.h"
#include "machine/facts.h"
#include "model/digest.h"
#include "model/model.h"
#include "verb/common.h"

enum { CONTEXT_STEP = 256 };

struct fit {
    struct asked asked;
    const struct machine *machine;
    struct verdict verdict;
    double largest_context_tokens; /* 0: none fits, or nothing computed */
};

static void say_answer(struct doc *d, const struct fit *f)
{
    struct arena *a = d->arena;
    const struct verdict *v = &f->verdict;
    const char *what = str_format(a, "%s %s, context %.0f", f->asked.digest->name,
                                  f->asked.digest->quant ? f->asked.digest->quant : "",
                                  f->asked.knobs.context_tokens);
    const double need = v->held_bytes.likely + v->process_bytes;
    if (v->bill.unruled) {
        doc_answer(d, TONE_WARN, "Not computed, because %s: %s", v->why, what);
    } else if (v->fits == FITS_UNKNOWN) {
        doc_answer(d, TONE_WARN, "Needs %s; %s: %s", units_bytes(a, need), v->why, what);
    } else {
        static const char *const word[] = {"Fits", "Fits, probably", "Does not fit"};
        const bool no = v->fits == FITS_NOT;
        doc_answer(d, no ? TONE_BAD : TONE_GOOD, "%s: %s needs %s of %s%s%s", word[v->fits], what,
                   units_bytes(a, need), units_bytes(a, v->usable_bytes),
                   no && v->bound_by ? ", bound by " : "", no && v->bound_by ? v->bound_by : "");
    }
}

static void say_speed(struct doc *d, const struct fit *f)
{
    const struct verdict *v = &f->verdict;
    if (v->bill.unruled || v->fits == FITS_NOT) return; /* it would run from disk, if at all */
    struct block *b = doc_facts(d, NULL);
    const double tokens = f->asked.knobs.prompt_tokens;
    const bool writes = !f->asked.digest->shape->arch->encoder;
    if (writes)
        facts_row(d, b, "decode", "%s%s%s", speed_words(d->arena, v->decode_per_s),
                  v->decode_per_s.source ? " · " : "",
                  v->decode_per_s.source ? v->decode_per_s.source : "");
    facts_row(d, b, "prefill", "%s%s%s", speed_words(d->arena, v->prefill_per_s),
              v->prefill_per_s.source ? " · " : "",
              v->prefill_per_s.source ? v->prefill_per_s.source : "");
    if (writes && estimate_known(v->prefill_per_s))
        facts_row(d, b, "first token", "after %s to %s, for a prompt of %.0f tokens",
                  units_seconds(d->arena, tokens / v->prefill_per_s.high),
                  units_seconds(d->arena, tokens / v->prefill_per_s.low), tokens);
    if (f->largest_context_tokens > 0)
        facts_row(d, b, "context that fits", "%.0f tokens%s", f->largest_context_tokens,
                  f->largest_context_tokens >= f->asked.digest->shape->context_tokens
                      ? ", all the model was trained for"
                      : "");
}

static void say_guide_rules(struct doc *d, const struct fit *f, bool explain)
{
    const struct workload *w = f->asked.task.kind;
    const size_t shown = explain ? w->rules : 1; /* the first is that for text */
    for (size_t i = 0; i < shown && i < w->rules; i++) {
        const double bytes = w->rule[i].bytes(f->asked.digest, &f->asked.knobs);
        if (bytes > 0)
            doc_note(d, TONE_DIM, "rule of thumb, %s: %s; %s", w->rule[i].name,
                     units_bytes(d->arena, bytes), w->rule[i].words);
    }
}

static void say_command(struct doc *d, const struct fit *f)
{
    if (f->verdict.fits != FITS && f->verdict.fits != FITS_PROBABLY) return;
    commands_row(d, doc_commands(d, "llama.cpp"), "%s", llama_command(&f->asked, d->arena));
}

static void write_json(const struct fit *f, const struct context *in, struct buf *out)
{
    struct writer w = document_begin(out, "fit/1");
    const struct digest *m = f->asked.digest;
    writer_key(&w, "model");
    writer_map(&w);
    writer_put_cstr(&w, "name", m->name);
    writer_put_cstr(&w, "quant", m->quant);
    writer_put_number(&w, "parameters", m->parameters);
    writer_put_number(&w, "weight_bytes", m->weight_bytes);
    writer_put_cstr(&w, "source", f->asked.model->source);
    writer_map_end(&w);
    writer_put_cstr(&w, "machine", f->machine->name);
    writer_put_number(&w, "context_tokens", f->asked.knobs.context_tokens);
    write_verdict(&w, &f->verdict);
    writer_put_number(&w, "largest_context_tokens",
                      f->largest_context_tokens > 0 ? f->largest_context_tokens : (double)NAN);
    write_notes(&w, in->notes);
    writer_map_end(&w);
}

static bool answer(const struct request *q, const struct context *in, struct answer *out,
                   struct mu_err *err)
{
    struct fit *f = NEW(in->arena, struct fit);
    struct world world;
    struct subject s;
    if (!subject_machine(q, in, &s, err)) return false;
    subject_rates(q, in, &s);
    f->machine = s.machine;
    if (!judge_world(in->catalog, in->arena, &world, err) ||
        !asked_generate(in, q->operand[0], request_text(q, "quant"), f->machine, &f->asked, err) ||
        !asked_knobs(q, in, &f->asked, err))
        return false;
    judge_task(&f->asked.task, f->machine, &world, &f->verdict);
    if (f->machine->facts->gpus)
        note_add(in->notes, "%zu %s seen, not sized yet: judged on the CPU alone",
                 f->machine->facts->gpus, f->machine->facts->gpus == 1 ? "GPU is" : "GPUs are");
    f->largest_context_tokens =
        judge_largest_context(&f->asked.task, f->machine, &world, CONTEXT_STEP);

    struct doc *d = &out->doc;
    say_answer(d, f);
    show_bill(d, &f->verdict);
    say_speed(d, f);
    say_guide_rules(d, f, request_flag(q, "explain"));
    say_command(d, f);
    if (request_flag(q, "explain")) show_explanation(d, &f->asked.task, &f->verdict);
    show_notes(d, in->notes);
    write_json(f, in, &out->json);
    out->no = f->verdict.fits >= FITS_NOT;
    return true;
}

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
    {.name = "quick", .kind = OPTION_FLAG, .words = "measure nothing; kept measurements are used"},
    {.name = "explain",
     .kind = OPTION_FLAG,
     .words = "every formula that ran, its inputs and sources"},
};
static const char *const examples[] = {
    "muster fit phi-3-mini --quant Q4_K_M --ctx 4k --quick",
    "muster fit Qwen2.5-7B --machine \"cpu:8 ram:32GiB\" --ctx 32k --kv-type q8_0",
    NULL,
};
extern const struct workload workload_generate;
const struct verb verb_fit = {
    .name = "fit",
    .words = "does a model fit, what holds the memory, how fast",
    .operands = "MODEL",
    .about = "Computes what one model needs under llama.cpp and holds it against this machine, or "
             "the one of --machine. MODEL is a GGUF "
             "file (whole or the first of a split) or a name of the catalogue in any spelling. "
             "Memory is the exact plan of llama.cpp's "
             "buffers where the architecture is known to the byte. Exit status 1 when it does not "
             "fit or cannot be computed.",
    .examples = examples,
    .option = options,
    .options = COUNT_OF(options),
    .knobs = &workload_generate,
    .least_operands = 1,
    .most_operands = 1,
    .answer = answer,
};
