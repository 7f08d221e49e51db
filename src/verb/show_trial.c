/* What was measured beside what was predicted, row by row, on a screen and as JSON. Memory rows are of the model that ran: of a cut they
 * hold the same formulas to account on less of them. What a mapped file holds cannot be told apart from what was moved out of it, so
 * llama.cpp counts the stretch between its first and its last tensor, and the row says so. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/num.h"
#include "base/units.h"
#include "model/digest.h"
#include "verb/tried.h"

/* ---- the rows */

static double named_bytes(const struct bill *b, const char *name)
{
    double bytes = 0;
    for (size_t i = 0; i < b->lines; i++)
        if (b->line[i].phase == HELD && strcmp(b->line[i].term->name, name) == 0)
            bytes += b->line[i].amount;
    return bytes;
}

static double mapped_bytes(const struct bill *b)
{
    double bytes = 0;
    for (size_t i = 0; i < b->lines; i++)
        if (b->line[i].phase == HELD && b->line[i].held_as == HELD_MAPPED)
            bytes += b->line[i].amount;
    return bytes;
}

static void add(struct tried *t, struct trial_row row)
{
    if (t->rows < TRIAL_ROWS) t->row[t->rows++] = row;
}

static void add_bytes(struct tried *t, const char *what, double predicted, double measured)
{
    if (predicted > 0 || measured > 0)
        add(t, (struct trial_row){.what = what,
                                  .predicted = estimate_exactly(predicted, ESTIMATED, "bill"),
                                  .low = measured,
                                  .measured = measured,
                                  .high = measured});
}

static void add_memory(struct tried *t)
{
    const struct trial_run *r = &t->run[t->runs - 1];
    const struct bill *b = &t->verdict_of_last.bill;
    double mapped = 0, weights = 0, cache = 0, compute = 0;
    for (size_t i = 0; i < r->buffers; i++) {
        *(trial_buffer_mapped(&r->buffer[i]) ? &mapped : &weights) += r->buffer[i].model_bytes;
        cache += r->buffer[i].context_bytes;
        compute += r->buffer[i].compute_bytes;
    }
    const double all = bill_group(b, "weights");
    const double left = mapped > 0 ? named_bytes(b, "weights") : 0;
    add_bytes(t, "weights, mapped", left, mapped);
    if (mapped > 0) t->row[t->rows - 1].stretch = mapped > left;
    add_bytes(t, "weights", all - left, weights);
    add_bytes(t, "KV cache", bill_group(b, "kv"), cache);
    add_bytes(t, "compute buffer", bill_group(b, "compute"), compute);
    add_bytes(t, "resident at the peak", verdict_needs(&t->verdict_of_last) + mapped_bytes(b),
              r->resident.peak_bytes);
}

/* Bytes from the disk at the disk's rate, the rest at the page cache's. */
static struct estimate load_predicted(const struct tried *t, double read_bytes)
{
    const struct machine *m = t->subject.machine;
    const struct rate *disk = machine_rate(m, WORK_DISK_READ_BYTES, RATE_ONE_THREAD);
    const struct rate *cached = machine_rate(m, WORK_CACHED_READ_BYTES, RATE_ONE_THREAD);
    const double file_bytes = t->asked.model->file_bytes;
    const double from_disk = isnan(read_bytes) ? 0 : least(read_bytes, file_bytes);
    if (!cached || (from_disk > 0 && !disk))
        return (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN,
                                 "the disk was not measured"};
    const double seconds = (file_bytes - from_disk) / cached->per_s.likely +
                           (from_disk > 0 ? from_disk / disk->per_s.likely : 0);
    return estimate_exactly(seconds, ESTIMATED, "file read at the measured rates");
}

static void add_load(struct tried *t)
{
    const struct trial_run *r = &t->run[0];
    const double seconds = r->load_s + r->context_s + r->warm_up_s;
    add(t, (struct trial_row){.what = "load",
                              .unit = TRIAL_SECONDS,
                              .predicted = load_predicted(t, r->read_bytes),
                              .low = seconds,
                              .measured = seconds,
                              .high = seconds});
}

static void add_speed(struct tried *t, const char *what, struct estimate predicted, double tokens,
                      struct trial_seconds s)
{
    add(t, (struct trial_row){.what = what,
                              .unit = TRIAL_TOKENS_PER_S,
                              .predicted = predicted,
                              .low = tokens / s.high,
                              .measured = tokens / s.likely,
                              .high = tokens / s.low});
}

void tried_compare(struct tried *t)
{
    t->rows = 0;
    add_memory(t);
    if (t->asked.file) add_load(t);
    add_speed(t, "prefill", t->verdict.prefill_per_s, t->asked.knobs.prompt_tokens, t->prefill_s);
    if (t->tokens > 0) add_speed(t, "decode", t->verdict.decode_per_s, 1, t->decode_s);
}

const char *tried_conditions(const struct tried *t)
{
    for (size_t i = 0; i < t->runs; i++)
        if (strncmp(t->run[i].conditions, "busy", 4) == 0) return t->run[i].conditions;
    return t->run[0].conditions;
}

/* ---- a screen */

static const char *amount(struct arena *a, enum trial_unit unit, double low, double high)
{
    if (isnan(low) || isnan(high)) return "?";
    if (unit == TRIAL_BYTES) return units_bytes(a, high);
    if (unit == TRIAL_SECONDS) return units_seconds(a, high);
    return units_token_rate(a, low, high);
}

static const char *difference(const struct trial_row *r, struct arena *a)
{
    const double share = r->measured / r->predicted.likely - 1;
    if (r->stretch) return "a stretch";
    if (r->unit == TRIAL_BYTES && r->measured == r->predicted.likely) return "none";
    if (!isfinite(share)) return "";
    return str_format(a,
                      fabs(share) < 0.001 ? "%+.2f %%"
                      : fabs(share) < 0.1 ? "%+.1f %%"
                                          : "%+.0f %%",
                      100 * share);
}

static void show_rows(struct doc *d, const struct tried *t)
{
    static const char *const head[] = {"", "predicted", "measured", "difference"};
    static const enum align align[] = {ALIGN_LEFT, ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT};
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    for (size_t i = 0; i < t->rows; i++) {
        const struct trial_row *r = &t->row[i];
        const bool said = estimate_known(r->predicted);
        const struct cell cells[] = {
            {.text = r->what},
            {.text = said ? amount(d->arena, r->unit, r->predicted.low, r->predicted.high) : "?"},
            {.text = amount(d->arena, r->unit, r->measured, r->measured)},
            {.text = said ? difference(r, d->arena) : ""}};
        table_row(d, b, cells);
    }
}

static void show_refusal(struct doc *d, const struct tried *t)
{
    const struct site *host = &t->verdict.site[ON_HOST];
    if (!(t->needs_bytes > 0)) {
        doc_answer(d, TONE_WARN, "Not run, because %s: %s", t->refused, t->asked.digest->name);
        return;
    }
    doc_answer(d, TONE_BAD, "Not run: %s, %s of %s%s%s: %s %s", t->refused,
               units_bytes(d->arena, t->needs_bytes), units_bytes(d->arena, host->usable_bytes),
               host->bound_by ? ", bound by " : "", host->bound_by ? host->bound_by : "",
               t->asked.digest->name, t->asked.digest->quant ? t->asked.digest->quant : "");
}

static void say_how(struct doc *d, const struct tried *t)
{
    struct arena *a = d->arena;
    if (t->runs == 2)
        doc_note(d, TONE_DIM,
                 "extrapolated from %.0f and %.0f of %.0f layers with random weights; memory is "
                 "that of the %.0f; %s of other memory read between tokens",
                 t->run[0].layers, t->run[1].layers, t->asked.digest->shape->layers,
                 t->run[1].layers, units_bytes(a, t->touch_bytes));
    else if (!t->asked.file)
        doc_note(d, TONE_DIM, "all %.0f layers with random weights in memory", t->run[0].layers);
}

static void say_file(struct doc *d, const struct tried *t)
{
    const double share = t->run[0].read_bytes / t->asked.model->file_bytes;
    if (!t->asked.file) return;
    if (isnan(share))
        doc_note(d, TONE_DIM, "the system does not say whether the file was in the page cache");
    else if (share < 0.01)
        doc_note(d, TONE_DIM, "load: the file was in the page cache");
    else
        doc_note(d, TONE_DIM, "load: %.0f %% of the file came from the disk",
                 100 * least(share, 1));
}

static void say_stretch(struct doc *d, const struct tried *t)
{
    for (size_t i = 0; i < t->rows; i++)
        if (t->row[i].stretch)
            doc_note(d, TONE_DIM,
                     "a stretch: llama.cpp counts the mapped file from its first to "
                     "its last tensor there, those moved out of it too");
}

/* One busy run is enough to spoil the comparison. */
static void say_conditions(struct doc *d, const struct tried *t)
{
    const char *words = tried_conditions(t);
    doc_note(d, strncmp(words, "busy", 4) == 0 ? TONE_WARN : TONE_DIM, "%s; the machine was %s",
             t->run[0].llama, words);
}

void show_tried(struct doc *d, const struct tried *t)
{
    const struct digest *m = t->asked.digest;
    if (t->refused) {
        show_refusal(d, t);
        return;
    }
    doc_answer(d, TONE_PLAIN, "%s %s, context %.0f, prompt %.0f: run with %.0f %s", m->name,
               m->quant ? m->quant : "", t->asked.knobs.context_tokens,
               t->asked.knobs.prompt_tokens, t->threads, t->threads > 1 ? "threads" : "thread");
    show_rows(d, t);
    say_how(d, t);
    say_stretch(d, t);
    say_file(d, t);
    say_conditions(d, t);
    if (t->kept) doc_note(d, TONE_DIM, "kept as a sample of this machine in %s", t->kept);
}

/* ---- JSON */

static void write_rows(struct writer *w, const struct tried *t)
{
    static const char *const unit[] = {"bytes", "s", "tokens/s"};
    writer_key(w, "rows");
    writer_list(w);
    for (size_t i = 0; i < t->rows; i++) {
        const struct trial_row *r = &t->row[i];
        writer_map(w);
        writer_put_cstr(w, "what", r->what);
        writer_put_cstr(w, "unit", unit[r->unit]);
        write_estimate(w, "predicted", r->predicted);
        writer_put_number(w, "low", r->low);
        writer_put_number(w, "measured", r->measured);
        writer_put_number(w, "high", r->high);
        writer_put_bool(w, "stretch", r->stretch);
        writer_map_end(w);
    }
    writer_list_end(w);
}

void write_tried(struct buf *out, const struct tried *t, const struct notes *notes)
{
    const struct digest *m = t->asked.digest;
    struct writer w = document_begin(out, "trial/1");
    writer_put_cstr(&w, "kind", "generate");
    writer_key(&w, "model");
    writer_map(&w);
    writer_put_cstr(&w, "name", m->name);
    writer_put_cstr(&w, "quant", m->quant);
    writer_put_number(&w, "parameters", m->parameters);
    writer_put_number(&w, "weight_bytes", m->weight_bytes);
    writer_put_cstr(&w, "source", t->asked.model->source);
    writer_map_end(&w);
    writer_put_cstr(&w, "machine", t->subject.machine->name);
    writer_put_number(&w, "context_tokens", t->asked.knobs.context_tokens);
    writer_put_number(&w, "depth_tokens", t->asked.knobs.depth_tokens);
    writer_put_number(&w, "prompt_tokens", t->asked.knobs.prompt_tokens);
    writer_put_number(&w, "threads", t->threads);
    writer_put_bool(&w, "ran", !t->refused);
    writer_put_cstr(&w, "why", t->refused);
    writer_put_number(&w, "needs_bytes", t->needs_bytes > 0 ? t->needs_bytes : (double)NAN);
    writer_put_number(&w, "usable_bytes", t->verdict.site[ON_HOST].usable_bytes);
    writer_put_cstr(&w, "how", t->how);
    writer_put_number(&w, "touch_bytes", t->touch_bytes);
    write_rows(&w, t);
    writer_key(&w, "runs");
    writer_list(&w);
    for (size_t i = 0; !t->refused && i < t->runs; i++)
        fields_write(&trial_run_table, &t->run[i], &w);
    writer_list_end(&w);
    writer_put_cstr(&w, "kept", t->kept);
    write_notes(&w, notes);
    writer_map_end(&w);
}
