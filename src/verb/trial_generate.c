/* muster trial MODEL: the model run for real in a child, beside what fit says of it.
 *
 * A file that is here runs as it is. A model that is not (a name, or a header alone) runs as two cuts with random weights in memory,
 * whose times are drawn out to all layers (measure/trial_cut.h): an answer before a download. Nothing runs that would need more memory than
 * the budget, nor beside another measurement. What came out is kept as a sample of this machine. Left out: devices, several sequences at
 * once. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/num.h"
#include "base/progress.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "machine/facts.h"
#include "measure/lock.h"
#include "model/digest.h"
#include "proof/sample.h"
#include "verb/trial.h"
#include "verb/tried.h"

enum { TOKENS_USUAL = 32, TOKENS_MOST = 1024, REPS_USUAL = 3, REPS_MOST = 64 };
static const double lock_wait_s = 300, phase_s = 10, threads_most = 512;
static const double touch_most_bytes = 2147483648.0, spare_bytes = 67108864;
/* A hang is told from slowness by what no machine needs: a minute, a slow disk, and a prompt at 2 GB of weights a second. */
static const double timeout_least_s = 60, disk_least_per_s = 2e7, weights_least_per_s = 2e9;

static bool encodes(const struct tried *t)
{
    const struct architecture *arch = t->asked.digest->shape->arch;
    return arch && arch->encoder;
}

/* ---- what is asked */

static bool whole_option(const struct request *q, const char *name, double least_value,
                         double most_value, double *value, struct mu_err *err)
{
    if (!request_number(q, name, value)) return true;
    return (*value >= least_value && *value <= most_value && floor(*value) == *value) ||
           err_set(err, MU_USAGE, "--%s takes a whole number from %.0f to %.0f", name, least_value,
                   most_value);
}

/* The prompt and what is written behind it go into one sequence's part of the cache; an encoder takes its prompt in one micro-batch. */
static bool prompt_fits(const struct request *q, struct tried *t, struct mu_err *err)
{
    struct generate *g = &t->asked.knobs;
    const struct derived d = generate_derived(t->asked.digest, g);
    if (encodes(t)) t->tokens = g->depth_tokens = 0;
    const double room = encodes(t) ? d.ubatch_tokens : d.cells - t->tokens - g->depth_tokens;
    if (g->prompt_tokens <= room) return true;
    if (request_text(q, "prompt_tokens") || room < 1)
        return err_set(err, MU_USAGE,
                       "a prompt of %.0f tokens, %.0f before and %.0f behind it do not go into a "
                       "context of %.0f; give --ctx",
                       g->prompt_tokens, g->depth_tokens, t->tokens, g->context_tokens);
    g->prompt_tokens = room;
    return true;
}

static bool understood(const struct request *q, const struct context *in, struct tried *t,
                       struct mu_err *err)
{
    double timeout_s = 0;
    t->tokens = TOKENS_USUAL;
    t->reps = REPS_USUAL;
    if (!subject_machine(q, in, &t->subject, err)) return false;
    if (!t->subject.machine->here)
        return err_set(err, MU_USAGE, "trying a model on %s: it can only be run on this machine",
                       t->subject.machine->name);
    if (!whole_option(q, "tokens", 1, TOKENS_MOST, &t->tokens, err) ||
        !whole_option(q, "reps", 1, REPS_MOST, &t->reps, err) ||
        !whole_option(q, "timeout", 1, 1e6, &timeout_s, err) ||
        !judge_world(in->catalog, in->arena, &t->world, err) ||
        !asked_generate(in, q->operand[0], request_text(q, "quant"), t->subject.machine, &t->asked,
                        err) ||
        !asked_knobs(q, in, &t->asked, err) || !asked_on_host(&t->asked, err) ||
        !prompt_fits(q, t, err))
        return false;
    if (t->asked.model->missing_bytes > 0) t->asked.file = NULL; /* a header is as good as a name */
    const struct digest *m = t->asked.digest;
    const double work =
        m->weight_bytes * (t->asked.knobs.prompt_tokens + t->asked.knobs.depth_tokens + 1);
    t->timeout_s = timeout_s > 0 ? timeout_s
                                 : timeout_least_s + m->weight_bytes / disk_least_per_s +
                                       work / weights_least_per_s;
    const double all = most(floor(known_or(machine_cpu(t->subject.machine)->threads, 1)), 1);
    t->threads = t->asked.knobs.threads > 0 ? t->asked.knobs.threads : all;
    if (t->threads > least(all, threads_most))
        return err_set(err, MU_USAGE, "--threads: this process may use %.0f here",
                       least(all, threads_most));
    return true;
}

/* ---- whether it may run */

static double needs(const struct verdict *v)
{
    return verdict_needs(v);
}

static void refuse_memory(struct tried *t, const char *what, double bytes, struct arena *a)
{
    t->needs_bytes = bytes;
    t->refused = str_format(a, "%s needs more memory than there is", what);
}

/* A cut has its weights twice: in the file, which is memory too, and where llama.cpp puts them. */
static double cut_needs(const struct trial_cut *cut, const struct verdict *v)
{
    return cut->digest.weight_bytes + needs(v);
}

static void judge_cut(const struct tried *t, const struct trial_cut *cut, struct verdict *out)
{
    struct task task = t->asked.task;
    task.model = &cut->digest;
    judge_task(&task, t->subject.machine, &t->world, out);
}

static bool lay_out_cuts(const struct context *in, struct tried *t, struct mu_err *err)
{
    struct model *whole = NEW(in->arena, struct model);
    const double layers = t->asked.digest->shape->layers;
    double k;
    if (!asked_tensors(in, &t->asked, whole, err) ||
        !trial_cut_size(whole, in->catalog, in->arena, &k, err))
        return false;
    t->runs = k < layers ? 2 : 1;
    for (size_t i = 0; i < t->runs; i++)
        if (!trial_cut_make(whole, k * (double)(i + 1), in->catalog, in->arena, &t->cut[i], err))
            return false;
    t->how = t->runs == 2
                 ? str_format(in->arena, "cuts of %.0f and %.0f of %.0f layers", k, 2 * k, layers)
                 : "all layers, random weights";
    return true;
}

static bool may_run(const struct context *in, struct tried *t, struct mu_err *err)
{
    judge_task(&t->asked.task, t->subject.machine, &t->world, &t->verdict);
    const double usable_bytes = t->verdict.site[ON_HOST].usable_bytes;
    if (t->verdict.fits == FITS_NOT_COMPUTED) {
        t->refused = t->verdict.why;
        return true;
    }
    if (t->asked.file) {
        t->runs = 1;
        t->how = "whole file";
        t->verdict_of_last = t->verdict;
        if (t->verdict.fits == FITS_NOT) refuse_memory(t, "it", needs(&t->verdict), in->arena);
        return true;
    }
    if (!lay_out_cuts(in, t, err)) return false;
    const struct trial_cut *last = &t->cut[t->runs - 1];
    judge_cut(t, last, &t->verdict_of_last);
    const double bytes = cut_needs(last, &t->verdict_of_last);
    if (t->verdict_of_last.fits == FITS_NOT || bytes + spare_bytes > usable_bytes)
        refuse_memory(t, str_format(in->arena, "even a cut of %.0f layers", last->layers), bytes,
                      in->arena);
    return true;
}

/* ---- running it */

/* Rates for what is predicted; measuring also finds out whether the CPU's matrix tiles work here, and takes them off the machine if not. */
static void rate(const struct request *q, const struct context *in, struct tried *t)
{
    subject_rates(q, in, &t->subject);
    judge_buffers(t->subject.machine, in->catalog, in->arena, &t->asked.knobs);
}

/* What the rest of the model would read between two tokens, as far as memory goes. */
static double touch_bytes(const struct tried *t, const struct trial_cut *cut)
{
    struct verdict v;
    judge_cut(t, cut, &v);
    const double lacks = t->asked.digest->weight_bytes - cut->digest.weight_bytes;
    const double room =
        known_or(machine_memory(t->subject.machine)->usable_bytes, (double)INFINITY) -
        cut_needs(cut, &v) - spare_bytes;
    return floor(most(least(lacks, least(touch_most_bytes, room)), 0));
}

static bool run_one(const struct measuring *how, const struct context *in, struct tried *t,
                    size_t i, struct mu_err *err)
{
    struct trial_cut *cut = t->asked.file ? NULL : &t->cut[i];
    const double usable_bytes = known_or(machine_memory(t->subject.machine)->usable_bytes, 0);
    struct trial_asked asked = {.file = t->asked.file,
                                .model = cut ? &cut->digest : t->asked.digest,
                                .knobs = &t->asked.knobs,
                                .threads = t->threads,
                                .tokens = t->tokens,
                                .reps = t->reps,
                                .seconds = phase_s,
                                .timeout_s = t->timeout_s,
                                .memory_most_bytes = usable_bytes};
    /* Pages of a mapped file are resident, and still free for whoever needs them. */
    if (!cut && t->asked.knobs.mmap && usable_bytes > 0)
        asked.memory_most_bytes += t->asked.model->file_bytes;
    if (cut) {
        if (!trial_cut_open(cut, in->catalog, in->arena, err)) return false;
        asked.open_file = cut->file;
        asked.touch_bytes = touch_bytes(t, cut);
        if (i == 0) t->touch_bytes = asked.touch_bytes;
    }
    if (in->progress) progress_show(in->progress, "running the model", (double)i / (double)t->runs);
    const bool good = trial_run(how, &asked, &t->run[i], err);
    if (good) t->run[i].layers = cut ? cut->layers : t->asked.digest->shape->layers;
    if (cut) trial_cut_close(cut);
    return good;
}

static bool run_all(const struct context *in, struct tried *t, struct mu_err *err)
{
    struct measuring how = subject_measuring(in, &t->subject);
    how.lock_wait_s = lock_wait_s;
    int lock;
    if (!measure_lock_alone(&how, &lock, err)) return false;
    bool good = true;
    for (size_t i = 0; good && i < t->runs; i++) good = run_one(&how, in, t, i, err);
    if (in->progress) progress_end(in->progress);
    measure_unlock(lock);
    return good;
}

static void draw_out(const struct context *in, struct tried *t)
{
    const struct trial_run *last = &t->run[t->runs - 1];
    t->prefill_s = last->prefill_s;
    t->decode_s = last->decode_s;
    if (t->runs == 1) return;
    const double layers = t->asked.digest->shape->layers;
    t->prefill_s = trial_drawn_out(t->run[0].prefill_s, last->prefill_s, t->run[0].layers, layers);
    t->decode_s = trial_drawn_out(t->run[0].decode_s, last->decode_s, t->run[0].layers, layers);
    if (isnan(t->prefill_s.likely) || (!encodes(t) && isnan(t->decode_s.likely)))
        note_add(in->notes,
                 "%.0f layers were not slower than %.0f, so nothing follows for all of "
                 "them: the machine was busy, or the model is too small",
                 last->layers, t->run[0].layers);
}

/* ---- keeping it */

static double row_of(const struct tried *t, const char *what, bool predicted)
{
    for (size_t i = 0; i < t->rows; i++)
        if (strcmp(t->row[i].what, what) == 0)
            return predicted ? t->row[i].predicted.likely : t->row[i].measured;
    return (double)NAN;
}

static struct sample_figures figures_of(const struct tried *t, bool predicted)
{
    return (struct sample_figures){.resident_bytes =
                                       t->asked.file ? row_of(t, "resident at the peak", predicted)
                                                     : (double)NAN,
                                   .prefill_per_s = row_of(t, "prefill", predicted),
                                   .decode_per_s = row_of(t, "decode", predicted),
                                   .load_s = row_of(t, "load", predicted)};
}

/* Rates measured beside other work predict too little, and what is off by that is no error of ours. */
static struct sample_figures predicted_of(const struct tried *t)
{
    struct sample_figures f = figures_of(t, true);
    const struct machine *m = t->subject.machine;
    if (rates_busy(m->rate, m->rates)) f.prefill_per_s = f.decode_per_s = f.load_s = (double)NAN;
    return f;
}

static void keep(const struct context *in, struct tried *t)
{
    if (isnan(t->prefill_s.likely) && isnan(t->decode_s.likely)) return;
    const struct generate *g = &t->asked.knobs;
    const struct sample sample = {.when = clock_stamp(in->arena),
                                  .model = t->asked.digest->name,
                                  .quant = t->asked.digest->quant,
                                  .kind = t->asked.task.kind->name,
                                  .weight_bytes = t->asked.digest->weight_bytes,
                                  .context_tokens = g->context_tokens,
                                  .depth_tokens = g->depth_tokens,
                                  .prompt_tokens = g->prompt_tokens,
                                  .ubatch_tokens = g->ubatch_tokens,
                                  .threads = t->threads,
                                  .kv_type_k = g->kv_type_k->name,
                                  .kv_type_v = g->kv_type_v->name,
                                  .flash_off = g->flash_attention == (double)FLASH_OFF,
                                  .repack = g->repack == (double)REPACK_ON,
                                  .mmap = g->mmap,
                                  .predicted = predicted_of(t),
                                  .measured = figures_of(t, false),
                                  .llama = t->run[0].llama,
                                  .how = t->how,
                                  .conditions = tried_conditions(t)};
    const struct sample_place place = {in->state_folder, t->subject.machine, in->arena, in->notes};
    struct mu_err err = {.code = MU_OK};
    if (sample_keep(&place, &sample, &err))
        t->kept = samples_path(&place);
    else
        note_add(in->notes, "the sample is not kept: %s", err.text);
}

bool trial_generate(const struct request *q, const struct context *in, struct answer *out,
                    struct mu_err *err)
{
    struct tried *t = NEW(in->arena, struct tried);
    if (!understood(q, in, t, err) || !may_run(in, t, err)) return false;
    if (!t->refused) {
        rate(q, in, t);
        if (!may_run(in, t, err) || !run_all(in, t, err)) return false;
        draw_out(in, t);
        tried_compare(t);
        keep(in, t);
    }
    show_tried(&out->doc, t);
    show_notes(&out->doc, in->notes);
    write_tried(&out->json, t, in->notes);
    out->no = t->refused;
    return true;
}
