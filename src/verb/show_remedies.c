/* What to change, in words: the options that do it, what it then needs and how fast it is, what that costs. Every row was judged as its
 * options say, so that a fit with them answers the same. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "catalog/types.h"
#include "cost/runtime.h"
#include "model/digest.h"
#include "verb/remedied.h"

/* ---- one change */

/* What a rung is called: "q8_0", "4096", "Q3_K_M", a model's name. */
static const char *rung_words(const struct remedied *r, const struct remedy_change *c,
                              struct arena *a)
{
    const struct rung *rung = &c->steps->rung[c->rung];
    if (c->steps->of == LADDER_OF_MIX) return r->mix[(size_t)rung->number]->name;
    if (c->steps->of == LADDER_OF_SIZE) return r->size[(size_t)rung->number];
    if (rung->word.p) return str_copy(a, rung->word);
    return str_format(a, "%.0f", c->number);
}

static const char *name_of(const struct remedy_change *c)
{
    static const char *const word[] = {
        [LADDER_OF_KNOB] = "", [LADDER_OF_MIX] = "quant", [LADDER_OF_SIZE] = "model"};
    return c->steps->knob ? c->steps->knob->name : word[c->steps->of];
}

static const char *was_words(const struct remedied *r, const struct knob *k,
                             const struct remedy_change *c, struct arena *a)
{
    if (k) return knob_text(k, r->asked.task->knobs, a);
    return c->steps->of == LADDER_OF_MIX ? r->task->digest->quant : r->task->digest->name;
}

/* "--kv-type q8_0", "--cpu-offload", "--no-swa-full" */
static const char *option_words(const struct knob *k, const char *value, struct arena *a)
{
    if (k->kind != KNOB_SWITCH) return str_format(a, "--%s %s", k->option, value);
    return str_format(a, "--%s%s", strcmp(value, "off") == 0 ? "no-" : "", k->option);
}

static bool changes(const struct remedy *m, enum ladder_of of)
{
    for (size_t i = 0; i < m->changes; i++)
        if (m->change[i].steps->of == of) return true;
    return false;
}

/* A file is of one quantisation: another is another file. */
static bool as_another_file(const struct remedied *r, const struct remedy *m)
{
    return r->task->file && changes(m, LADDER_OF_MIX);
}

static const char *change_words(const struct remedied *r, const struct remedy_change *c,
                                struct arena *a)
{
    const char *value = rung_words(r, c, a);
    const struct steps *s = c->steps;
    if (s->of == LADDER_OF_SIZE) return name_alone(value);
    if (s->of == LADDER_OF_MIX)
        return r->task->file ? str_format(a, "a file in %s", value)
                             : str_format(a, "--quant %s", value);
    const char *text = option_words(s->knob, value, a);
    if (!s->with) return text;
    return str_format(a, "%s --%s %.0f", text, s->with->option, s->rung[c->rung].with_number);
}

/* Another model's name stands first. */
static const char *all_changes(const struct remedied *r, const struct remedy *m, struct arena *a)
{
    const char *text = "";
    for (int others = 0; others < 2; others++)
        for (size_t i = 0; i < m->changes; i++) {
            const bool model = m->change[i].steps->of == LADDER_OF_SIZE;
            if (model == (others > 0)) continue;
            text =
                str_format(a, "%s%s%s", text, *text ? " " : "", change_words(r, &m->change[i], a));
        }
    return text;
}

/* ---- what it costs */

static struct quantity loss_of(const struct remedied *r, const struct remedy *m)
{
    for (size_t i = 0; i < m->changes; i++) {
        const struct steps *s = m->change[i].steps;
        if (s->of == LADDER_OF_MIX)
            return r->mix[(size_t)s->rung[m->change[i].rung].number]->perplexity_increase;
    }
    return unknown("no quantisation changes");
}

/* "precision and length", each once, the dearest last; of a quantisation what its file loses. */
static const char *cost_words(const struct remedied *r, const struct remedy *m, struct arena *a)
{
    const char *text = "";
    double loss;
    for (enum ladder_cost cost = COSTS_NOTHING; cost < LADDER_COST_COUNT; cost++)
        for (size_t i = 0; i < m->changes; i++) {
            if (m->change[i].steps->cost != cost) continue;
            if (cost == COSTS_NOTHING && m->cost != COSTS_NOTHING) continue;
            text = str_format(a, "%s%s%s", text, *text ? " and " : "", ladder_cost_word(cost));
            break;
        }
    if (!known(loss_of(r, m), &loss)) return text;
    return str_format(a, "%s, +%s %% perplexity", text, units_number(a, loss * 100, 2));
}

/* ---- what it then needs */

/* The task as changed, for words about where it lies. */
static struct placed placed_of(const struct remedied *r, const struct remedy *m, struct arena *a)
{
    unsigned char *knobs = arena_alloc(a, REMEDY_KNOBS_BYTES);
    struct asked *changed = NEW(a, struct asked);
    const struct task t = remedy_task(&r->asked, m, knobs);
    *changed = (struct asked){.model = r->task->model, .task = t};
    if (r->task->own_knobs)
        changed->own_knobs = knobs;
    else
        changed->knobs = *(const struct generate *)t.knobs;
    struct digest *digest = NEW(a, struct digest);
    *digest = *t.model;
    changed->digest = digest;
    return (struct placed){changed, r->asked.machine, &m->verdict};
}

/* What lies in a pool, of all sites. */
static double held_in(const struct verdict *v, unsigned pool)
{
    double bytes = 0;
    for (int i = 0; i < v->split.sites; i++)
        if (v->site[i].pool == pool) bytes += site_needs(&v->site[i]);
    return bytes;
}

static void say_none(struct doc *d, const struct remedied *r)
{
    if (!r->found.ladders) return;
    doc_note(d, TONE_PLAIN, "no change of up to %d of its settings%s makes it %s here%s",
             CHANGES_MOST, r->asked.models->sizes > 1 ? ", or a smaller model of the family," : "",
             isnan(r->asked.decode_least_per_s) ? "fit" : "do that",
             r->found.cut_short ? ", as far as was tried" : "");
}

static const char *title_of(const struct remedied *r, struct arena *a)
{
    const double per_s = r->asked.decode_least_per_s;
    if (r->before->fits == FITS_NOT) return "To make it fit";
    return str_format(a, "To reach %s", units_token_rate(a, per_s, per_s));
}

/* Whose loss of quality stands in it. */
static void say_loss(struct doc *d, const struct remedied *r)
{
    for (size_t i = 0; i < r->found.remedies; i++) {
        const struct quantity loss = loss_of(r, &r->found.remedy[i]);
        if (!known(loss, NULL)) continue;
        doc_note(d, TONE_DIM, "perplexity as published: %s", loss.source);
        return;
    }
}

static const char *speed_of_verdict(const struct remedied *r, const struct verdict *v,
                                    struct arena *a)
{
    if (!r->task->own_knobs) return speed_words(a, v->decode_per_s);
    if (estimate_known(v->duration_s)) return units_seconds(a, v->duration_s.likely);
    if (estimate_known(v->unit_s))
        return str_format(a, "%s a %s", units_seconds(a, v->unit_s.likely),
                          r->task->task.kind->unit);
    return "?";
}

/* Speed stands where any is known. */
static bool priced(const struct remedied *r, struct arena *a)
{
    if (r->alone && strcmp(speed_of_verdict(r, r->alone->verdict, a), "?") != 0) return true;
    for (size_t i = 0; i < r->found.remedies; i++)
        if (strcmp(speed_of_verdict(r, &r->found.remedy[i].verdict, a), "?") != 0) return true;
    return false;
}

static void add_row(struct doc *d, struct block *b, const struct remedied *r,
                    const struct cell *words, const struct placed *p)
{
    const struct verdict *v = p->verdict;
    const struct cell row[] = {
        words[0],
        words[1],
        {.text = str_format(d->arena, "%s%s", v->fits == FITS ? "" : "probably ",
                            needs_words(p, d->arena))},
        {.text = speed_of_verdict(r, v, d->arena)}};
    table_row(d, b, row);
}

static void add_alone(struct doc *d, struct block *b, const struct remedied *r)
{
    if (!r->alone) return;
    const char *again = estimate_known(r->reload_s)
                            ? str_format(d->arena, "time, %s to load it again",
                                         units_seconds(d->arena, r->reload_s.likely))
                            : "time, to load it again";
    const struct cell words[] = {{.text = "one at a time: no --together"}, {.text = again}};
    add_row(d, b, r, words, r->alone);
}

void show_remedies(struct doc *d, const struct remedied *r)
{
    static const char *const text_head[] = {"", "costs", "needs", "speed"};
    static const char *const head[] = {"", "costs", "needs", "takes"};
    if (!r) return;
    if (!r->found.remedies && !r->alone) {
        say_none(d, r);
        return;
    }
    struct block *b = doc_table(d, title_of(r, d->arena), r->task->own_knobs ? head : text_head,
                                NULL, COUNT_OF(head) - (priced(r, d->arena) ? 0 : 1));
    add_alone(d, b, r);
    for (size_t i = 0; i < r->found.remedies; i++) {
        const struct remedy *m = &r->found.remedy[i];
        const struct placed p = placed_of(r, m, d->arena);
        const struct cell words[] = {{.text = all_changes(r, m, d->arena)},
                                     {.text = cost_words(r, m, d->arena)}};
        add_row(d, b, r, words, &p);
    }
    say_loss(d, r);
}

/* ---- as a document */

static void write_change(struct writer *w, const struct remedied *r, const struct remedy_change *c,
                         struct arena *a)
{
    const struct steps *s = c->steps;
    writer_map(w);
    writer_put_cstr(w, "setting", name_of(c));
    writer_put_cstr(w, "from", was_words(r, s->knob, c, a));
    writer_put_cstr(w, "to", rung_words(r, c, a));
    writer_put_cstr(w, "costs", ladder_cost_word(s->cost));
    writer_map_end(w);
    if (!s->with) return;
    writer_map(w);
    writer_put_cstr(w, "setting", s->with->name);
    writer_put_cstr(w, "from", was_words(r, s->with, c, a));
    writer_put_cstr(w, "to", str_format(a, "%.0f", s->rung[c->rung].with_number));
    writer_put_cstr(w, "costs", ladder_cost_word(s->cost));
    writer_map_end(w);
}

static void write_words(struct writer *w, const char *text)
{
    struct str rest = str_of(text);
    while (rest.p) {
        const struct str word = str_cut(&rest, ' ');
        if (word.n) writer_text(w, word);
    }
}

/* What is put behind the command that was asked: the model, and options. Another file of the same model has no such command. */
static void write_command(struct writer *w, const struct remedied *r, const struct remedy *m,
                          struct arena *a)
{
    const bool quants = !r->task->own_knobs && !runtime_of(&r->task->knobs)->published;
    const bool size = changes(m, LADDER_OF_SIZE), mix = changes(m, LADDER_OF_MIX);
    const bool none = as_another_file(r, m);
    writer_put_cstr(w, "model", none ? NULL : size ? m->model->name : r->operand);
    writer_key(w, "options");
    if (none) {
        writer_null(w);
        return;
    }
    writer_list(w);
    for (size_t i = 0; i < m->changes; i++)
        if (m->change[i].steps->of == LADDER_OF_KNOB)
            write_words(w, change_words(r, &m->change[i], a));
    if (quants && (mix || size || r->named_quant))
        write_words(w, str_format(a, "--quant %s", m->model->quant));
    writer_list_end(w);
}

static void write_remedy(struct writer *w, const struct remedied *r, const struct remedy *m,
                         struct arena *a)
{
    const struct site *s = verdict_binding(r->before);
    double loss;
    writer_map(w);
    writer_key(w, "changes");
    writer_list(w);
    for (size_t i = 0; i < m->changes; i++) write_change(w, r, &m->change[i], a);
    writer_list_end(w);
    write_command(w, r, m, a);
    writer_put_cstr(w, "costs", ladder_cost_word(m->cost));
    writer_put_number(w, "perplexity_increase", known(loss_of(r, m), &loss) ? loss : (double)NAN);
    writer_put_cstr(w, "fits", fits_word(m->verdict.fits));
    writer_put_cstr(w, "pool", r->asked.machine->pool[s->pool].name);
    writer_put_number(w, "before_bytes", held_in(r->before, s->pool));
    writer_put_number(w, "after_bytes", held_in(&m->verdict, s->pool));
    writer_put_number(w, "needs_bytes", verdict_needs(&m->verdict));
    write_estimate(w, "decode_tokens_per_s", m->verdict.decode_per_s);
    write_estimate(w, "unit_s", m->verdict.unit_s);
    write_estimate(w, "duration_s", m->verdict.duration_s);
    writer_map_end(w);
}

void write_remedies(struct writer *w, const struct remedied *r, struct arena *a)
{
    writer_key(w, "remedies");
    if (!r) {
        writer_null(w);
        return;
    }
    writer_list(w);
    for (size_t i = 0; i < r->found.remedies; i++) write_remedy(w, r, &r->found.remedy[i], a);
    writer_list_end(w);
}

void write_alone(struct writer *w, const struct remedied *r)
{
    writer_key(w, "one_at_a_time");
    if (!r || !r->alone) {
        writer_null(w);
        return;
    }
    const struct verdict *v = r->alone->verdict;
    writer_map(w);
    writer_put_cstr(w, "fits", fits_word(v->fits));
    writer_put_number(w, "needs_bytes", verdict_needs(v));
    write_estimate(w, "decode_tokens_per_s", v->decode_per_s);
    write_estimate(w, "reload_s", r->reload_s);
    writer_map_end(w);
}

const char *remedy_sentence(const struct remedied *r, struct arena *a)
{
    if (!r || !r->found.remedies) return NULL;
    const struct remedy *m = &r->found.remedy[0];
    const char *text = "";
    for (size_t i = 0; i < m->changes; i++) {
        const struct remedy_change *c = &m->change[i];
        const char *value = rung_words(r, c, a);
        if (c->steps->of == LADDER_OF_SIZE) value = name_alone(value);
        text = str_format(a, "%s%s%s %s", text, i ? ", " : "", name_of(c), value);
        if (c->steps->with)
            text = str_format(a, "%s, %s %.0f", text, c->steps->with->name,
                              c->steps->rung[c->rung].with_number);
    }
    return str_format(a, "would%s fit with %s: %s", m->verdict.fits == FITS ? "" : " probably",
                      text, units_bytes(a, verdict_needs(&m->verdict)));
}

const char *why_and_remedy(const struct context *in, const struct placed *p, const struct world *w,
                           const char *why)
{
    const char *words = remedy_sentence(find_remedies(in, p, w, NULL, (double)NAN), in->arena);
    return words ? str_format(in->arena, "%s; %s", why, words) : why;
}
