/* muster check: what this machine is, how fast it really is, which experiments and models it can run, and the report as a file. Ends as
 * the guide's script does: one sentence, and exit status 1 when the prerequisites do not pass. Left out so far: doctor. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mapped.h"
#include "base/notes.h"
#include "base/save.h"
#include "base/units.h"
#include "catalog/catalog.h"
#include "catalog/parts.h"
#include "catalog/types.h"
#include "verb/embedding_test.h"
#include "verb/judged_set.h"

enum { MODELS_MOST = 10, REQUIRE_MOST = 32, REPORT_BYTES_MOST = 16 << 20 };

struct check {
    const struct request *q;
    const struct context *in;
    struct subject subject,
        judged_on; /* judged_on: with typical kernels where none were measured */
    struct world world;
    struct judged_set judged[SETS_MOST];
    size_t sets;
    struct ranked model[MODELS_MOST];
    size_t models;
};

/* The guide's script loads an embedding model; here one that is on this disk already, if there is one. */
static void show_embedding_test(struct doc *d, const struct check *c)
{
    bool good = false;
    const char *test = embedding_check(c->q, c->in, &c->subject, &good);
    if (test) doc_note(d, good ? TONE_PLAIN : TONE_WARN, "The guide's embedding test: %s", test);
}

/* What the list of models means, below it. */
static void note_models(struct doc *d, const struct check *c, bool priced)
{
    if (!c->models) return;
    struct str source = str_of(c->model[0].mix->perplexity_increase.source);
    const struct str of_what =
        str_cut(&source, ','); /* the model and the text it was measured on */
    doc_note(
        d, TONE_DIM,
        "by parameters; the best quantisation within +%.0f %% perplexity (as published %s), at "
        "%.0f tokens or all the model was trained for, with %.0f %% of the budget to spare%s; "
        "context: what fits",
        ranking_usual.perplexity_most * 100, str_copy(d->arena, of_what),
        ranking_usual.context_tokens, ranking_usual.spare_share * 100,
        priced ? str_format(d->arena, ", likely %.0f tok/s or more where that is known",
                            ranking_usual.decode_least_per_s)
               : "; speed is not known, so it was not asked for");
}

static void show_models(struct doc *d, const struct check *c)
{
    bool priced = machine_rate(c->subject.machine, WORK_READ_BYTES, RATE_ALL_THREADS) != NULL;
    for (size_t i = 0; i < c->models; i++)
        priced = priced || estimate_known(c->model[i].verdict.decode_per_s);
    const char *const head[] = {
        priced ? "Runs well here" : "Fits here", "quant", "memory", "decode", "prefill", "context"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_LEFT,  ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_RIGHT};
    const char *const *heads =
        memcpy(NEW_ARRAY(d->arena, const char *, COUNT_OF(head)), head, sizeof head);
    struct block *b = doc_table(d, NULL, heads, align, COUNT_OF(head));
    for (size_t i = 0; i < c->models; i++) {
        const struct ranked *r = &c->model[i];
        const struct cell row[] = {
            {.text = name_alone(r->part->hf_id)},
            {.text = r->mix->name},
            {.text = units_bytes(d->arena, verdict_needs(&r->verdict))},
            {.text = speed_words(d->arena, r->verdict.decode_per_s)},
            {.text = speed_words(d->arena, r->verdict.prefill_per_s)},
            {.text = r->largest_context_tokens > 0
                         ? str_format(d->arena, "%.0f", r->largest_context_tokens)
                         : "any"}};
        table_row(d, b, row);
    }
    note_models(d, c, priced);
}

static void fill_report(const struct check *c, struct report *r)
{
    struct arena *a = c->in->arena;
    *r = (struct report){.timestamp = clock_stamp(a),
                         .hostname = c->subject.machine->name,
                         .system = c->subject.system,
                         .benchmark = c->subject.benchmark,
                         .machine = c->subject.machine,
                         .notes = c->in->notes->note,
                         .note_count = c->in->notes->count};
    judged_report(c->judged, c->sets, c->in->arena, r);
}

/* "capability_report_<hostname>.json", with what no file name should hold replaced. */
static const char *report_name(const struct check *c)
{
    struct buf name;
    buf_init(&name, 300);
    buf_add(&name, S("capability_report_"));
    for (const char *p = c->subject.machine->name ? c->subject.machine->name : "unnamed"; *p; p++) {
        const bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                           (*p >= '0' && *p <= '9') || *p == '-' || *p == '.' || *p == '_';
        buf_char(&name, plain ? *p : '_');
    }
    buf_add(&name, S(".json"));
    const char *text = str_copy(c->in->arena, buf_text(&name));
    buf_release(&name);
    return text;
}

/* A file that is there and holds no report is never overwritten. */
static bool may_overwrite(const char *path, struct mu_err *err)
{
    struct mapped old;
    struct mu_err absent = {.code = MU_OK};
    if (!mapped_open(path, REPORT_BYTES_MOST, &old, NULL, &absent)) {
        if (absent.code == MU_NOINPUT) return true;
        return err_set(err, MU_CANTCREATE, "%s", absent.text);
    }
    const bool ours = old.bytes.n == 0 || report_is(old.bytes);
    mapped_close(&old);
    return ours || err_set(err, MU_CANTCREATE,
                           "%s is there and is no report; it is left alone, try --save FILE", path);
}

static bool save(const struct check *c, const char *path, struct mu_err *err)
{
    struct report report;
    struct buf text;
    if (!may_overwrite(path, err)) return false;
    fill_report(c, &report);
    buf_init(&text, REPORT_BYTES_MOST);
    report_write(&report, &text);
    const bool saved = save_file(path, buf_text(&text), err);
    buf_release(&text);
    return saved;
}

/* Saves where asked, else beside where we stand; only an asked-for place that fails is a failure. */
static bool save_report(const struct check *c, struct doc *d, struct mu_err *err)
{
    const char *asked = request_text(c->q, "save");
    struct mu_err why = {.code = MU_OK};
    if (request_flag(c->q, "no-save")) return true;
    if (!asked && !c->subject.machine->here) return true;
    const char *path = asked ? asked : report_name(c);
    if (save(c, path, asked ? err : &why)) {
        doc_note(d, TONE_PLAIN, "Report saved to %s", str_visible(d->arena, str_of(path)));
        return true;
    }
    if (asked) return false;
    doc_note(d, TONE_WARN, "The report was not saved: %s", why.text);
    return true;
}

/* SET_NAME/ID, or an id alone: of the first set that has it. */
static const struct judged *judged_named(const struct check *c, const char *name)
{
    for (size_t i = 0; i < c->sets; i++) {
        const struct judged_set *s = &c->judged[i];
        const size_t n = strlen(s->set->name);
        const bool of_set = strncmp(name, s->set->name, n) == 0 && name[n] == '/';
        for (size_t k = 0; k < s->rows; k++)
            if (strcmp(s->row[k].experiment->id, of_set ? name + n + 1 : name) == 0)
                return &s->row[k];
    }
    return NULL;
}

/* --require ID: no when that experiment's computed verdict is no; where nothing is computed, when the guide's thresholds say no. */
static bool check_required(const struct check *c, struct doc *d, bool *no, struct mu_err *err)
{
    const char *id[REQUIRE_MOST];
    const size_t n = request_texts(c->q, "require", id, REQUIRE_MOST);
    for (size_t i = 0; i < n; i++) {
        const struct judged *j = judged_named(c, id[i]);
        if (!j && c->sets > 1)
            return err_set(err, MU_USAGE, "no set has an experiment '%s' to require",
                           str_visible(c->in->arena, str_of(id[i])));
        if (!j)
            return err_set(err, MU_USAGE, "the set %s has no experiment '%s' to require",
                           c->judged->set->name, str_visible(c->in->arena, str_of(id[i])));
        const enum fits fits = judged_fits(j);
        const bool computed = fits != FITS_NOT_COMPUTED;
        const bool met = computed ? fits != FITS_NOT
                                  : guide_thresholds(j->experiment, &c->subject.system) != GUIDE_NO;
        doc_note(d, met ? TONE_GOOD : TONE_BAD, "required: %s: %s%s", j->experiment->title,
                 met ? "yes" : "no",
                 computed ? "" : ", by the guide's thresholds; muster does not compute it");
        if (!met) *no = true;
    }
    return true;
}

static bool judge_sets(struct check *c, const struct subject_sets *asked, struct mu_err *err)
{
    for (; c->sets < asked->sets; c->sets++)
        if (!judged_set_make(c->in, asked->set[c->sets], &c->judged_on, &c->world,
                             &c->judged[c->sets], err))
            return false;
    return true;
}

static bool show_sets(struct doc *d, const struct check *c, struct mu_err *err)
{
    const bool explain = request_flag(c->q, "explain");
    const bool named =
        request_text(c->q, "experiments") != NULL; /* else the first screen stays short */
    for (size_t i = 0; i < c->sets; i++) {
        const struct judged_set *s = &c->judged[i];
        show_judged(d, s);
        if (named || explain) show_figures(d, s, explain);
        show_hardware(d, s);
        if (explain && !show_guide_tables(d, c->in, s, &c->world, err)) return false;
    }
    return true;
}

/* The guide's closing sentence where a set has its rules, and ours beside it. */
static void say_closing(struct doc *d, const struct check *c)
{
    struct arena *a = c->in->arena;
    for (size_t i = 0; i < c->sets; i++) {
        const struct judged_set *s = &c->judged[i];
        const char *ours = judged_closing(s, a);
        if (judged_has_capabilities(s))
            doc_answer(d, s->failed ? TONE_BAD : TONE_GOOD, "The guide: %s muster: %s",
                       judged_guide_closing(s, a), ours);
        else
            doc_answer(d, TONE_PLAIN, "%s: %s", s->set->title, ours);
    }
}

static bool answer(const struct request *q, const struct context *in, struct answer *out,
                   struct mu_err *err)
{
    struct check *c = NEW(in->arena, struct check);
    c->q = q;
    c->in = in;
    if (request_flag(q, "quick") && request_flag(q, "full"))
        return err_set(
            err, MU_USAGE,
            "--quick and --full exclude each other: one measures nothing, the other anew");
    struct subject_sets asked;
    if (!subject_sets(q, in, &asked, err) || !subject_machine(q, in, &c->subject, err))
        return false;
    subject_devices(q, in, &c->subject);
    subject_rates(q, in, &c->subject);
    c->judged_on = c->subject;
    if (!world_here(in, &c->judged_on.machine, &c->world, err) || !judge_sets(c, &asked, err))
        return false;
    c->models = judge_rank(&ranking_usual, c->judged_on.machine, in->catalog, &c->world, in->arena,
                           c->model, MODELS_MOST);
    if (!catalog_sound(in->catalog, err)) return false; /* a table of the user's that is no table */

    struct doc *d = &out->doc;
    for (size_t i = 0; i < c->sets; i++) out->no = out->no || c->judged[i].failed;
    show_machine(d, c->subject.machine);
    show_speed(d, c->subject.machine, c->in->catalog, c->subject.when);
    show_embedding_test(d, c);
    if (!show_sets(d, c, err)) return false;
    show_models(d, c);
    show_notes(d, in->notes);
    if (!check_required(c, d, &out->no, err) || !save_report(c, d, err)) return false;
    say_closing(d, c);

    struct report report;
    fill_report(c, &report);
    report_write(&report, &out->json);
    return true;
}

static const struct option options[] = {
    {.name = "experiments",
     .letter = 'e',
     .kind = OPTION_TEXT,
     .value = "SET|FILE",
     .words = "which experiments: llm-memory (usual), llm-analysis, stac, learning-lab, local-ai, "
              "all, or a YAML file"},
    {.name = "machine",
     .letter = 'm',
     .kind = OPTION_TEXT,
     .value = "REPORT|LINE",
     .words = "another machine: a saved report, or \"cpu:8 ram:32GiB ...\""},
    {.name = "quick", .kind = OPTION_FLAG, .words = "never measure; kept measurements are used"},
    {.name = "full", .kind = OPTION_FLAG, .words = "measure anew, and longer"},
    {.name = "require",
     .kind = OPTION_TEXTS,
     .value = "ID",
     .words =
         "exit status 1 unless that experiment's verdict is yes (repeatable; SET/ID with all)"},
    {.name = "save",
     .kind = OPTION_TEXT,
     .value = "FILE",
     .words = "save the report there; else capability_report_<hostname>.json here"},
    {.name = "no-save", .kind = OPTION_FLAG, .words = "do not save the report"},
    {.name = "explain",
     .kind = OPTION_FLAG,
     .words = "the guide's other tables as well, held against computed figures"},
};
static const char *const examples[] = {
    "muster",
    "muster check --quick --no-save",
    "muster check --quick --no-save --require e0_e1 --format md",
    "muster check --machine \"cpu:4 ram:8GiB available:6GiB disk:40GiB\"",
    NULL,
};
const struct verb verb_check = {
    .name = "check",
    .words = "what this machine is, how fast, what it can run; saves a report",
    .operands = "",
    .about = "Detects the machine, measures it (kept afterwards), judges the experiments by the "
             "guide's rules and by computed figures, "
             "lists models that run well, and saves the report. Exit status 1 when the guide's "
             "prerequisites do not pass or a required "
             "experiment does not.",
    .examples = examples,
    .option = options,
    .options = COUNT_OF(options),
    .changes_things = true,
    .answer = answer,
};
