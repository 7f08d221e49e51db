/* What `muster fit` answers: the answer first, what holds the memory, how fast, what it takes to go further, the commands that do it; and
 * the same as a document. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/fields.h"
#include "base/units.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/runtime.h"
#include "judge/placement.h"
#include "measure/exact.h"
#include "model/digest.h"
#include "model/model.h"
#include "verb/beside_model.h"
#include "verb/elsewhere.h"
#include "verb/fetching.h"
#include "verb/fit.h"
#include "verb/remedied.h"

static bool is_encoder(const struct fit *f)
{
    const struct architecture *arch = f->asked.digest->shape->arch;
    return arch && arch->encoder;
}

size_t fit_devices(const struct fit *f)
{
    uint16_t place[SITES - 1];
    return placement_devices(f->machine, place);
}

const char *fit_devices_words(const struct fit *f, struct arena *a)
{
    uint16_t place[SITES - 1];
    const size_t n = placement_devices(f->machine, place);
    return n == 1 ? place_called(f->machine, place[0], a) : str_format(a, "%zu devices", n);
}

static const char *task_words(const struct fit *f, struct arena *a)
{
    return str_format(a, "%s %s, %s", f->asked.digest->name,
                      f->asked.digest->quant ? f->asked.digest->quant : "",
                      extent_words(&f->asked, a));
}

/* " · 41-55 tok/s", or nothing. */
static const char *speed_end(const struct fit *f, struct arena *a)
{
    if (is_encoder(f) || !estimate_known(f->verdict.decode_per_s)) return "";
    return str_format(a, " · %s", speed_words(a, f->verdict.decode_per_s));
}

/* Where it lies on devices; where nothing fits, what comes nearest. */
static void say_placed(struct doc *d, const struct fit *f)
{
    struct arena *a = d->arena;
    const struct verdict *v = &f->verdict;
    const struct site *s = verdict_binding(v);
    const char *where = placement_words(&f->placed, a), *what = task_words(f, a);
    const char *needs = needs_words(&f->placed, a);
    const char *missing = missing_words(&f->placed, a);
    if (v->fits == FITS_NOT)
        doc_answer(d, TONE_BAD, "Does not fit: %s; with %s it needs %s%s%s%s%s", what, where, needs,
                   *missing ? "; missing are " : "", missing, s->bound_by ? ", bound by " : "",
                   s->bound_by ? s->bound_by : "");
    else
        doc_answer(d, TONE_GOOD, "%s, %s: %s needs %s%s",
                   v->fits == FITS ? "Fits" : "Fits, probably", where, what, needs,
                   speed_end(f, a));
}

static void say_answer(struct doc *d, const struct fit *f)
{
    struct arena *a = d->arena;
    const struct verdict *v = &f->verdict;
    const struct site *host = &v->site[ON_HOST];
    const char *what = task_words(f, a);
    if (v->bill.unruled) {
        doc_answer(d, TONE_WARN, "Not computed, because %s: %s", v->why, what);
    } else if (v->fits == FITS_UNKNOWN) {
        doc_answer(d, TONE_WARN, "Needs %s; %s: %s", units_bytes(a, verdict_needs(v)), v->why,
                   what);
    } else if (v->split.sites > 1) {
        say_placed(d, f);
    } else {
        static const char *const word[] = {"Fits", "Fits, probably", "Does not fit"};
        const bool no = v->fits == FITS_NOT;
        doc_answer(d, no ? TONE_BAD : TONE_GOOD, "%s: %s needs %s%s%s", word[v->fits], what,
                   needs_words(&f->placed, a), no && host->bound_by ? ", bound by " : "",
                   no && host->bound_by ? host->bound_by : "");
    }
}

/* Whose figures these are, and how far off our plan would have been. */
static void say_exact(struct doc *d, const struct fit *f)
{
    if (!f->exact) return;
    const double off_bytes = f->planned_bytes - f->verdict.site[ON_HOST].held_bytes.likely;
    const char *plan = "muster has no plan of its own for this model";
    if (off_bytes == 0)
        plan = "muster's own plan is the same to the byte";
    else if (!isnan(off_bytes))
        plan = str_format(d->arena, "muster's own plan is %s %s",
                          units_bytes(d->arena, fabs(off_bytes)), off_bytes > 0 ? "more" : "less");
    doc_note(d, TONE_DIM, "as llama.cpp %s itself lays it out on this machine; %s", f->exact->llama,
             plan);
}

static struct estimate first_token_of(double prompt_tokens, struct estimate prefill_per_s)
{
    if (!estimate_known(prefill_per_s)) return prefill_per_s;
    return estimate_of(prompt_tokens / prefill_per_s.high, prompt_tokens / prefill_per_s.likely,
                       prompt_tokens / prefill_per_s.low, prefill_per_s.origin,
                       prefill_per_s.source);
}

static const char *first_token_words(struct arena *a, double prompt_tokens,
                                     struct estimate prefill_per_s)
{
    const struct estimate s = first_token_of(prompt_tokens, prefill_per_s);
    const char *low = units_seconds(a, s.low), *high = units_seconds(a, s.high);
    return strcmp(low, high) == 0 ? low : str_format(a, "%s to %s", low, high);
}

static void say_context(struct doc *d, struct block *b, const struct fit *f)
{
    const double on_devices = f->all_on.context_tokens;
    const double all = judge_trained_context(&f->asked.task);
    const bool each = f->asked.knobs.context_each && f->asked.knobs.sequences > 1;
    const char *tokens = each ? "tokens each" : "tokens";
    if (!(f->largest_context_tokens > 0)) return;
    if (on_devices > 0 && on_devices < f->largest_context_tokens)
        facts_row(d, b, "context that fits", "%.0f %s with everything on %s, %.0f at all%s",
                  on_devices, tokens, fit_devices_words(f, d->arena), f->largest_context_tokens,
                  f->largest_context_tokens >= all ? ", all the model was trained for" : "");
    else
        facts_row(d, b, "context that fits", "%.0f %s%s", f->largest_context_tokens, tokens,
                  f->largest_context_tokens >= all ? ", all the model was trained for" : "");
}

/* The settings that would bring everything there, each alone: "--ctx 4096, or --kv-type q8_0"; NULL: none does. */
static const char *all_on_with(const struct fit *f, struct arena *a)
{
    const struct on_devices *o = &f->all_on;
    const char *with[3];
    size_t n = 0;
    if (o->context_tokens > 0 && o->context_tokens < f->asked.knobs.context_tokens)
        with[n++] = str_format(a, "--ctx %.0f", o->context_tokens);
    if (o->kv_type) with[n++] = str_format(a, "--kv-type %s", lower_case(a, o->kv_type->name));
    if (o->mix) with[n++] = str_format(a, "as %s", o->mix->name);
    if (!n) return NULL;
    const char *text = with[0];
    for (size_t i = 1; i < n; i++) text = str_format(a, "%s, or %s", text, with[i]);
    return text;
}

/* What holds it all, and what would. */
static void say_on_devices(struct doc *d, struct block *b, const struct fit *f)
{
    const struct on_devices *o = &f->all_on;
    if (!f->devices) return;
    if (!verdict_all_on_devices(&f->verdict)) {
        const char *with = all_on_with(f, d->arena);
        facts_row(d, b, "all on devices", "%s",
                  with ? with
                       : "not with a shorter context, a narrower cache or a quantisation within "
                         "the quality bound alone");
    } else if (o->mix) {
        facts_row(d, b, "best quantisation", "%s, with everything on %s at this context",
                  o->mix->name, fit_devices_words(f, d->arena));
    }
}

/* Joules of one token, from the fewest to the most. */
static const char *energy_words(struct arena *a, struct estimate per_joule)
{
    const char *low = units_number(a, 1 / per_joule.high, 2);
    const char *high = units_number(a, 1 / per_joule.low, 2);
    return strcmp(low, high) == 0 ? low : str_format(a, "%s-%s", low, high);
}

/* What there is to say where speed is not: nothing of it, or why. */
static void say_no_speed(struct doc *d, const struct fit *f)
{
    struct block *b = doc_facts(d, NULL);
    if (f->verdict.fits != FITS_NOT) {
        facts_row(d, b, "speed", "? · %s", f->verdict.decode_per_s.source);
        say_context(d, b, f);
    }
    show_serve(d, b, f);
}

static void say_rate(struct doc *d, struct block *b, const char *name, struct estimate per_s)
{
    facts_row(d, b, name, "%s%s%s", speed_words(d->arena, per_s), per_s.source ? " · " : "",
              per_s.source ? per_s.source : "");
}

static void say_speed(struct doc *d, const struct fit *f)
{
    const struct verdict *v = &f->verdict;
    const bool runs = v->fits != FITS_NOT; /* it would run from disk, if at all */
    if (v->bill.unruled) return;
    if (!runs || runtime_of(&f->asked.knobs)->unpriced) {
        say_no_speed(d, f);
        return;
    }
    struct block *b = doc_facts(d, NULL);
    const double tokens = f->asked.knobs.prompt_tokens;
    const bool writes = !is_encoder(f);
    if (writes) say_rate(d, b, "decode", v->decode_per_s);
    show_together(d, b, f);
    if (writes && estimate_known(v->decode_per_joule))
        facts_row(d, b, "energy", "%s J a token at most · %s",
                  energy_words(d->arena, v->decode_per_joule), v->decode_per_joule.source);
    say_rate(d, b, "prefill", v->prefill_per_s);
    if (writes && estimate_known(v->prefill_per_s))
        facts_row(d, b, "first token", "after %s, for a prompt of %.0f tokens",
                  first_token_words(d->arena, tokens, v->prefill_per_s), tokens);
    if (writes && f->asked.knobs.new_tokens > 0) show_time(d, b, &f->asked.task, v);
    say_context(d, b, f);
    say_on_devices(d, b, f);
    show_serve(d, b, f);
    const char *busy = rates_busy(f->machine->rate, f->machine->rates);
    if (busy && estimate_known(v->decode_per_s) && v->decode_per_s.origin != MEASURED)
        doc_note(d, TONE_WARN,
                 "the rates were measured beside other work (%s): speeds may be too low; without "
                 "--quick they are measured again",
                 busy);
}

/* How both fall as the cache fills; nothing to say where speed is not known. */
static void say_depths(struct doc *d, const struct fit *f)
{
    static const char *const head[] = {"", "decode", "prefill", "first token"};
    static const enum align align[] = {ALIGN_LEFT, ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT};
    const double tokens = f->asked.knobs.prompt_tokens;
    const bool priced = f->depths > 1 && estimate_known(f->depth[0].decode_per_s) &&
                        estimate_known(f->depth[0].prefill_per_s);
    if (f->verdict.bill.unruled || f->verdict.fits == FITS_NOT || !priced) return;
    struct block *b =
        doc_table(d, str_format(d->arena, "A prompt of %.0f tokens, behind others", tokens), head,
                  align, COUNT_OF(head));
    for (size_t i = 0; i < f->depths; i++) {
        const struct depth *at = &f->depth[i];
        const char *behind = at->tokens > 0 ? str_format(d->arena, "%.0f", at->tokens) : "none";
        const struct cell row[] = {
            {.text = str_format(d->arena, "%s%s", behind,
                                at->decode_per_s.origin == MEASURED ? ", tried here" : "")},
            {.text = speed_words(d->arena, at->decode_per_s)},
            {.text = speed_words(d->arena, at->prefill_per_s)},
            {.text = first_token_words(d->arena, tokens, at->prefill_per_s)}};
        table_row(d, b, row);
    }
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
    show_runtime_command(d, &f->placed);
    if (!runtime_of(&f->asked.knobs)->published) show_fetch(d, f->fetch);
}

static void write_exact(struct writer *w, const struct fit *f)
{
    writer_key(w, "exact");
    if (!f->exact) {
        writer_null(w);
        return;
    }
    writer_map(w);
    fields_write_members(&measure_exact_table, f->exact, w);
    writer_put_number(w, "planned_bytes", f->planned_bytes);
    writer_map_end(w);
}

static void write_depths(struct writer *w, const struct fit *f)
{
    const double prompt_tokens = f->asked.knobs.prompt_tokens;
    writer_put_number(w, "prompt_tokens", prompt_tokens);
    writer_put_number(w, "depth_tokens", f->asked.knobs.depth_tokens);
    if (!is_encoder(f))
        write_estimate(w, "first_token_s", first_token_of(prompt_tokens, f->verdict.prefill_per_s));
    writer_key(w, "depths");
    writer_list(w);
    for (size_t i = 0; i < f->depths; i++) {
        const struct depth *at = &f->depth[i];
        writer_map(w);
        writer_put_number(w, "depth_tokens", at->tokens);
        write_estimate(w, "prefill_tokens_per_s", at->prefill_per_s);
        write_estimate(w, "decode_tokens_per_s", at->decode_per_s);
        write_estimate(w, "first_token_s", first_token_of(prompt_tokens, at->prefill_per_s));
        writer_map_end(w);
    }
    writer_list_end(w);
}

static void write_on_devices(struct writer *w, const struct fit *f)
{
    const struct on_devices *o = &f->all_on;
    writer_key(w, "on_devices");
    if (!f->devices) {
        writer_null(w);
        return;
    }
    writer_map(w);
    writer_put_number(w, "largest_context_tokens",
                      o->context_tokens > 0 ? o->context_tokens : (double)NAN);
    writer_put_number(w, "largest_sequences", o->sequences > 0 ? o->sequences : (double)NAN);
    writer_put_cstr(w, "kv_type", o->kv_type ? o->kv_type->name : NULL);
    writer_put_cstr(w, "quant", o->mix ? o->mix->name : NULL);
    writer_map_end(w);
}

/* What a file or a configuration makes though nothing can be computed from it; a figure of the catalogue's was not counted. */
static double counted(const struct model *m)
{
    return m->origin == REPORTED && m->shape.parameters > 0 ? m->shape.parameters : (double)NAN;
}

void write_fit(const struct fit *f, const struct context *in, struct buf *out)
{
    struct writer w = document_begin(out, "fit/1");
    const struct digest *m = f->asked.digest;
    writer_key(&w, "model");
    writer_map(&w);
    writer_put_cstr(&w, "name", m->name);
    writer_put_cstr(&w, "quant", m->quant);
    const double parameters = m->parameters > 0 ? m->parameters : counted(f->asked.model);
    writer_put_number(&w, "parameters", parameters);
    writer_put_number(&w, "weight_bytes", m->weight_bytes);
    writer_put_cstr(&w, "source", f->asked.model->source);
    writer_map_end(&w);
    writer_put_cstr(&w, "machine", f->machine->name);
    writer_put_number(&w, "context_tokens", f->asked.knobs.context_tokens);
    write_verdict(&w, &f->placed, in->arena);
    write_time(&w, &f->asked.task, &f->verdict);
    write_depths(&w, f);
    write_exact(&w, f);
    writer_put_number(&w, "largest_context_tokens",
                      f->largest_context_tokens > 0 ? f->largest_context_tokens : (double)NAN);
    write_on_devices(&w, f);
    write_serve(&w, f);
    write_cpu_placement(&w, f);
    write_fetch(&w, f->fetch);
    write_beside(&w, f->asked.beside);
    write_remedies(&w, f->remedied, in->arena);
    write_alone(&w, f->remedied);
    write_elsewhere(&w, f->elsewhere, in->arena);
    write_notes(&w, in->notes);
    writer_map_end(&w);
}

/* The bill is our plan's even where llama.cpp's own buffers stand above. */
static void say_explanation(struct doc *d, const struct fit *f)
{
    if (f->exact)
        doc_note(d, TONE_PLAIN, "muster's own plan, which speeds and the largest context follow:");
    show_explanation(d, &f->asked.task, &f->verdict);
}

void show_fit(struct doc *d, const struct fit *f, bool explain)
{
    say_answer(d, f);
    show_bill(d, &f->placed);
    say_exact(d, f);
    say_speed(d, f);
    show_remedies(d, f->remedied);
    show_elsewhere(d, f->elsewhere);
    say_guide_rules(d, f, explain);
    say_depths(d, f);
    show_cpu_placement(d, f);
    say_command(d, f);
    if (explain) say_explanation(d, f);
}
