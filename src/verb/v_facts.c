/* muster facts KIND [NAME]: what is known of a part, with its source, its date and how sure it is; without a name, every part of that
 * kind. The user's own tables stand before ours. A name that may mean several parts shows them all; one that is unknown names the nearest.
 * Left out: what follows from the facts (fit, check). */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/notes.h"
#include "verb/common.h"
#include "verb/near.h"
#include "verb/show_facts.h"

enum { ROWS_MOST = 64, BASES_MOST = 4, NEAR_SHOWN = 4, NAME_BYTES = 512 };

struct facts_asked {
    enum known_kind kind;
    const char *name, *filter; /* NULL: not given */
    const struct known_row **row;
    size_t rows;
    bool several; /* the name may mean more than one part */
};

static bool kind_of(const char *word, struct arena *a, enum known_kind *out, struct mu_err *err)
{
    struct near near = near_to(str_of(word));
    for (enum known_kind k = 0; k < KNOWN_KIND_COUNT; k++) {
        near_try(&near, known_word(k));
        if (!str_eq_nocase(str_of(word), str_of(known_word(k)))) continue;
        *out = k;
        return true;
    }
    return err_set(err, MU_USAGE, "facts knows no kind '%s'%s%s", str_visible(a, str_of(word)),
                   near_words(&near, "", a),
                   near.best ? ""
                             : "; kinds are gpu cpu cloud model quant software source "
                               "guide");
}

/* The words behind the kind are one name: `facts gpu RTX 3060`. */
static const char *name_of(const struct request *q, struct arena *a)
{
    struct buf name;
    buf_init(&name, NAME_BYTES);
    for (size_t i = 1; i < q->operands; i++)
        buf_format(&name, "%s%s", i > 1 ? " " : "", q->operand[i]);
    const char *text = q->operands > 1 ? str_copy(a, str_trim(buf_text(&name))) : NULL;
    buf_release(&name);
    return text;
}

static bool unknown_name(const struct context *in, const struct facts_asked *f, struct mu_err *err)
{
    struct arena *a = in->arena;
    const char *near[NEAR_SHOWN];
    const size_t n = known_near(in->catalog, f->kind, str_of(f->name), near, NEAR_SHOWN);
    const char *shown = str_visible(a, str_of(f->name));
    const char *list = "";
    for (size_t i = 0; i < n; i++)
        list = str_format(a, "%s%s%s", list, !i ? "" : i + 1 < n ? ", " : " or ", near[i]);
    if (!n)
        return err_set(err, MU_NOINPUT, "no %s is called %s; muster facts %s lists them",
                       known_word(f->kind), shown, known_word(f->kind));
    return err_set(err, MU_NOINPUT, "no %s is called %s: did you mean %s?", known_word(f->kind),
                   shown, list);
}

static bool same_name(const struct known_row *x, const struct known_row *y, struct arena *a)
{
    return strcmp(str_plain(a, str_of(x->name)), str_plain(a, str_of(y->name))) == 0;
}

static bool shown_already(const struct facts_asked *f, const struct known_row *row)
{
    for (size_t i = 0; i < f->rows; i++)
        if (f->row[i] == row) return true;
    return false;
}

/* Behind a mix stands the type that most of it is made of, with its block: whoever asks for the one wants the other. */
static void add_bases(struct facts_asked *f, const struct known_row *row, size_t rows)
{
    const size_t found = f->rows;
    for (size_t i = 0; i < found; i++) {
        const struct known_fact *base = known_fact_of(f->row[i], "base_type");
        if (!base || !known_fact_of(f->row[i], "llama_ftype_id")) continue;
        for (size_t k = 0; k < rows && f->rows < found + BASES_MOST; k++)
            if (known_fact_of(&row[k], "block_size") && strcmp(row[k].name, base->text) == 0 &&
                !shown_already(f, &row[k]))
                f->row[f->rows++] = &row[k];
    }
}

static bool find_named(const struct context *in, struct facts_asked *f, const struct known_row *row,
                       size_t rows, struct mu_err *err)
{
    f->row = NEW_ARRAY(in->arena, const struct known_row *, ROWS_MOST + BASES_MOST);
    f->rows = known_named(in->catalog, f->kind, str_of(f->name), f->row, ROWS_MOST);
    for (size_t i = 1; i < f->rows; i++)
        f->several = f->several || !same_name(f->row[0], f->row[i], in->arena);
    add_bases(f, row, rows);
    return f->rows || unknown_name(in, f, err);
}

/* Every row, or those that hold the filter's words; what is retired stands last. */
static void find_all(const struct context *in, struct facts_asked *f, const struct known_row *row,
                     size_t rows)
{
    f->row = NEW_ARRAY(in->arena, const struct known_row *, rows);
    for (int retired = 0; retired <= 1; retired++)
        for (size_t i = 0; i < rows; i++)
            if (facts_retired(&row[i]) == (retired == 1) &&
                (!f->filter || known_holds(&row[i], str_of(f->filter), in->arena)))
                f->row[f->rows++] = &row[i];
}

/* ---- the answer */

static void say_list(struct doc *d, const struct facts_asked *f, size_t all)
{
    const char *word = known_word(f->kind);
    if (f->filter)
        doc_answer(d, TONE_PLAIN, "%zu of %zu rows of %s hold '%s'", f->rows, all, word,
                   str_visible(d->arena, str_of(f->filter)));
    else
        doc_answer(d, TONE_PLAIN, "%zu rows of %s", f->rows, word);
    show_facts_table(d, f->kind, f->row, f->rows);
    for (size_t i = 0; i < f->rows; i++)
        if (facts_wrong(f->row[i])) show_facts(d, f->row[i]);
    if (f->rows) doc_note(d, TONE_DIM, "muster facts %s NAME says all that is known of one", word);
}

static void say_named(struct doc *d, const struct facts_asked *f)
{
    struct arena *a = d->arena;
    const struct known_row *first = f->row[0];
    const char *headline = facts_headline(f->kind, first, a);
    if (f->several) {
        doc_answer(d, TONE_PLAIN, "'%s' may mean any of %zu:", str_visible(a, str_of(f->name)),
                   f->rows);
        show_facts_table(d, f->kind, f->row, f->rows);
    } else if (facts_retired(first)) {
        doc_answer(d, TONE_WARN, "%s is retired: it cannot be had any more, and is never proposed",
                   first->name);
    } else {
        doc_answer(d, TONE_PLAIN, "%s%s%s", first->name, *headline ? ": " : "", headline);
    }
    for (size_t i = 0; i < f->rows; i++) show_facts(d, f->row[i]);
}

static void write_fact(struct writer *w, const struct known_fact *f)
{
    writer_map(w);
    writer_put_cstr(w, "key", f->key);
    writer_key(w, "value");
    switch (f->kind) {
    case JSON_NUMBER_KIND: writer_number(w, f->number); break;
    case JSON_BOOL_KIND: writer_bool(w, f->flag); break;
    case JSON_TEXT_KIND: writer_cstr(w, f->text); break;
    case JSON_LIST_KIND:
        writer_list(w);
        for (size_t i = 0; i < f->items; i++) writer_cstr(w, f->item[i]);
        writer_list_end(w);
        break;
    case JSON_NULL_KIND:
    case JSON_MAP_KIND: writer_null(w); break;
    }
    writer_map_end(w);
}

static void write_row(struct writer *w, const struct known_row *r)
{
    writer_map(w);
    writer_put_cstr(w, "name", r->name);
    writer_put_cstr(w, "what", r->what);
    writer_put_cstr(w, "file", r->file);
    writer_put_bool(w, "own", r->own);
    writer_put_bool(w, "retired", facts_retired(r));
    writer_put_cstr(w, "as_of", r->collected);
    writer_put_cstr(w, "source", r->source);
    writer_put_cstr(w, "confidence", r->confidence);
    writer_key(w, "facts");
    writer_list(w);
    for (size_t i = 0; i < r->facts; i++) write_fact(w, &r->fact[i]);
    writer_list_end(w);
    writer_map_end(w);
}

static void write_facts(const struct context *in, const struct facts_asked *f, struct buf *out)
{
    struct writer w = document_begin(out, "facts/1");
    writer_put_cstr(&w, "kind", known_word(f->kind));
    writer_put_cstr(&w, "name", f->name);
    writer_put_cstr(&w, "filter", f->filter);
    writer_put_cstr(&w, "match", !f->name ? "list" : f->several ? "several" : "one");
    writer_key(&w, "rows");
    writer_list(&w);
    for (size_t i = 0; i < f->rows; i++) write_row(&w, f->row[i]);
    writer_list_end(&w);
    write_notes(&w, in->notes);
    writer_map_end(&w);
}

static bool answer(const struct request *q, const struct context *in, struct answer *out,
                   struct mu_err *err)
{
    struct facts_asked f = {.name = name_of(q, in->arena), .filter = request_text(q, "filter")};
    const struct known_row *row;
    size_t rows;
    if (!kind_of(q->operand[0], in->arena, &f.kind, err)) return false;
    if (f.name && f.filter)
        return err_set(err, MU_USAGE, "--filter chooses from a list; leave out the name, or it");
    if (!catalog_known(in->catalog, f.kind, &row, &rows, err)) return false;
    if (f.name && !find_named(in, &f, row, rows, err)) return false;
    if (!f.name) find_all(in, &f, row, rows);
    if (f.name)
        say_named(&out->doc, &f);
    else
        say_list(&out->doc, &f, rows);
    out->no = !f.rows;
    write_facts(in, &f, &out->json);
    return true;
}

static const struct option options[] = {
    {.name = "filter",
     .kind = OPTION_TEXT,
     .value = "WORDS",
     .words = "of a list, only rows that hold these words in any spelling"},
};
static const char *const examples[] = {
    "muster facts gpu RTX 3060",
    "muster facts quant Q4_K_M",
    "muster facts cloud --filter A100",
    "muster facts model phi3:mini --json",
    "muster facts guide",
    NULL,
};
const struct verb verb_facts = {
    .name = "facts",
    .words = "what is known of a GPU, CPU, cloud, model or quant, with source",
    .operands = "KIND [NAME...]",
    .about =
        "Shows everything the tables say of a part, with its source, its date and how sure it "
        "is; without a name, every part of that kind. Kinds are gpu, cpu, cloud, model, quant, "
        "software, source (who publishes files of a model, and the lines that fetch them) and "
        "guide (every line of the guides, checked). The user's own tables come first (see FILES). "
        "A name that may mean "
        "several parts shows all of them. Exit status 1 when a filter leaves nothing.",
    .examples = examples,
    .option = options,
    .options = COUNT_OF(options),
    .least_operands = 1,
    .most_operands = 16,
    .answer = answer,
};
