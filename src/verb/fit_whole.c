/* muster fit --kind KIND of workloads that write no text: finetune, captures, embedding, retrieval, spiking. All of it lies at one site;
 * the answer names the largest term of its bill and the switch that makes it smaller. Left out: command lines of the programs that run it. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/units.h"
#include "judge/placement.h"
#include "model/digest.h"
#include "model/model.h"
#include "verb/elsewhere.h"
#include "verb/fit.h"
#include "verb/remedied.h"

const struct line *bill_largest(const struct bill *b)
{
    const struct line *best = NULL;
    for (size_t i = 0; i < b->lines; i++) {
        const struct line *l = &b->line[i];
        if (l->phase == HELD && l->held_as == HELD_OWN && (!best || l->amount > best->amount))
            best = l;
    }
    return best;
}

const char *line_smaller_by(const struct line *l)
{
    static const char mark[] = "smaller: ";
    const char *at = l && l->term->source ? strstr(l->term->source, mark) : NULL;
    return at ? at + sizeof mark - 1 : NULL;
}

static const char *task_words(const struct fit *f, const struct context *in)
{
    const char *words = asked_words(in, &f->asked);
    if (f->asked.task.kind->modelless)
        return str_format(in->arena, "%s%s%s%s", f->asked.task.kind->name, *words ? " (" : "",
                          words, *words ? ")" : "");
    return str_format(in->arena, "%s of %s%s%s%s", f->asked.task.kind->name, f->asked.digest->name,
                      *words ? " (" : "", words, *words ? ")" : "");
}

static void say_answer(struct doc *d, const struct fit *f, const struct context *in)
{
    static const char *const word[] = {"Fits", "Fits, probably", "Does not fit"};
    const struct verdict *v = &f->verdict;
    const char *what = task_words(f, in), *where = placement_words(&f->placed, d->arena);
    if (v->bill.unruled) {
        doc_answer(d, TONE_WARN, "Not computed, because %s: %s", v->why, what);
        return;
    }
    const char *needs = needs_words(&f->placed, d->arena);
    const char *missing = missing_words(&f->placed, d->arena);
    if (v->fits == FITS_UNKNOWN)
        doc_answer(d, TONE_WARN, "Needs %s; %s: %s", units_bytes(d->arena, verdict_needs(v)),
                   v->why, what);
    else if (v->fits == FITS_NOT)
        doc_answer(d, TONE_BAD, "%s: %s, on %s, needs %s%s%s%s%s", word[v->fits], what, where,
                   needs, *missing ? "; missing are " : "", missing, v->why ? "; " : "",
                   v->why ? v->why : "");
    else
        doc_answer(d, TONE_GOOD, "%s on %s: %s needs %s", word[v->fits], where, what, needs);
}

static void say_facts(struct doc *d, const struct fit *f, const struct world *w)
{
    const struct line *l = bill_largest(&f->verdict.bill);
    const char *smaller = line_smaller_by(l);
    if (!l) return;
    struct block *b = doc_facts(d, NULL);
    facts_row(d, b, "the most of it", "%s, %s%s%s", l->term->name, units_bytes(d->arena, l->amount),
              smaller ? "; less of it: " : "", smaller ? smaller : "");
    show_disk(d, b, f);
    show_time(d, b, &f->asked.task, &f->verdict);
    show_longest(d, b, f->machine, w, &f->verdict);
}

static void write_knobs(struct writer *w, const struct fit *f, struct arena *a)
{
    const struct workload *kind = f->asked.task.kind;
    writer_key(w, "knobs");
    writer_map(w);
    for (size_t i = 0; i < kind->knobs; i++)
        writer_put_cstr(w, kind->knob[i].name, knob_text(&kind->knob[i], f->asked.own_knobs, a));
    writer_map_end(w);
}

static void write_largest(struct writer *w, const struct fit *f)
{
    const struct line *l = bill_largest(&f->verdict.bill);
    writer_key(w, "largest");
    if (!l) {
        writer_null(w);
        return;
    }
    writer_map(w);
    writer_put_cstr(w, "name", l->term->name);
    writer_put_number(w, "bytes", l->amount);
    writer_put_cstr(w, "smaller", line_smaller_by(l));
    writer_map_end(w);
}

static void write_whole(const struct fit *f, const struct context *in, const struct world *world,
                        struct buf *out)
{
    const struct workload *kind = f->asked.task.kind;
    struct writer w = document_begin(out, "workload/1");
    writer_put_cstr(&w, "kind", kind->name);
    writer_put_cstr(&w, "model", kind->modelless ? NULL : f->asked.digest->name);
    writer_put_cstr(&w, "machine", f->machine->name);
    write_knobs(&w, f, in->arena);
    write_verdict(&w, &f->placed, in->arena);
    write_largest(&w, f);
    write_disk(&w, f);
    write_time(&w, &f->asked.task, &f->verdict);
    write_worked(&w, f->machine, world, &f->verdict);
    write_remedies(&w, f->remedied, in->arena);
    write_elsewhere(&w, f->elsewhere, in->arena);
    write_notes(&w, in->notes);
    writer_map_end(&w);
}

static bool refuse_options(const struct request *q, const struct fit *f, struct mu_err *err)
{
    static const char *const text_only[] = {"exact", "lora", "mmproj", "draft", "line", "min-tps"};
    for (size_t i = 0; i < COUNT_OF(text_only); i++)
        if (request_text(q, text_only[i]))
            return err_set(err, MU_USAGE, "--%s goes with --kind generate or serve, not with %s",
                           text_only[i], f->asked.task.kind->name);
    return true;
}

/* What a device would have to hold that does not. */
static void note_device(const struct context *in, const struct fit *f, const struct world *w)
{
    const struct workload *kind = f->asked.task.kind;
    struct mu_err none = {.code = MU_OK};
    if (!placement_fell_to_host(&f->asked.task, f->machine, &f->verdict)) return;
    void *knobs = arena_alloc(in->arena, kind->size);
    struct verdict *v = NEW(in->arena, struct verdict);
    memcpy(knobs, f->asked.own_knobs, kind->size);
    if (!knob_set(kind, knobs, S("device"), S("gpu"), in->catalog, &none)) return;
    judge_task(&(struct task){kind, f->asked.task.model, knobs}, f->machine, w, v);
    const struct placed there = {&f->asked, f->machine, v};
    note_add(in->notes, "not on %s, where it needs %s: --device gpu says what would make it fit",
             placement_words(&there, in->arena), needs_words(&there, in->arena));
}

bool fit_whole(const struct request *q, const struct context *in, const struct world *w,
               struct fit *f, struct answer *out, struct mu_err *err)
{
    if (!refuse_options(q, f, err)) return false;
    f->placed = (struct placed){&f->asked, f->machine, &f->verdict};
    judge_task(&f->asked.task, f->machine, w, &f->verdict);
    note_device(in, f, w);
    if (f->verdict.bill.wants)
        note_add(in->notes, "on the host this wants %s", f->verdict.bill.wants);
    if (!fit_remedies(q, in, w, (double)NAN, f, err)) return false;
    say_answer(&out->doc, f, in);
    show_bill(&out->doc, &f->placed);
    say_facts(&out->doc, f, w);
    show_remedies(&out->doc, f->remedied);
    show_elsewhere(&out->doc, f->elsewhere);
    if (request_flag(q, "explain")) {
        show_worked(&out->doc, f->machine, w, f->asked.task.kind, &f->verdict);
        show_explanation(&out->doc, &f->asked.task, &f->verdict);
    }
    show_notes(&out->doc, in->notes);
    write_whole(f, in, w, &out->json);
    out->no = f->verdict.fits >= FITS_NOT;
    return true;
}
