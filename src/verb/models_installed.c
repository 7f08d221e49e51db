/* muster models --installed: every model that other programs keep on this disk, and how each would run here under llama.cpp: as it is, at
 * the settings of `muster fit`, by the closed form. What llama.cpp does not load as it lies there (safetensors), what only goes with a
 * model, and what is not whole is listed with the reason. Left out: folders that no program calls its own. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/units.h"
#include "model/digest.h"
#include "model/model.h"
#include "model/stores.h"
#include "verb/models.h"

struct installed_row {
    const struct stored *stored;
    struct verdict verdict;
    const char *quant, *where; /* where: NULL when it does not run */
    const char *why;           /* why nothing is judged; NULL: it is */
};

/* A reason why such a thing is not run as it lies there; NULL: there is none. */
static const char *not_run(const struct stored *s, struct arena *a)
{
    if (s->missing) return s->missing;
    if (s->role) return str_format(a, "%s: goes with a model", s->role);
    if (!s->format) return "not known what it is";
    return strcmp(s->format, "GGUF") == 0 ? NULL : "llama.cpp runs it as GGUF: convert it first";
}

static void judge_row(const struct context *in, const struct machine *m, const struct world *w,
                      struct installed_row *r)
{
    struct notes notes = {.arena = in->arena};
    struct context quiet = *in;
    struct asked *asked = NEW(in->arena, struct asked);
    struct mu_err err = {.code = MU_OK};
    quiet.notes = &notes;
    r->quant = r->stored->quant;
    r->why = not_run(r->stored, in->arena);
    if (r->why) return;
    if (!asked_generate(&quiet, r->stored->path, NULL, m, asked, &err)) {
        r->why = str_copy(in->arena, str_of(err.text));
        return;
    }
    if (asked->model->quant) r->quant = asked->model->quant;
    asked->knobs.closed_form = true;
    judge_task(&asked->task, m, w, &r->verdict);
    r->why = r->verdict.why;
    if (r->verdict.fits <= FITS_PROBABLY)
        r->where = models_where(m, &r->verdict, asked->digest->shape->layers + 1, in->arena);
}

static const char *end_words(const struct installed_row *r, struct arena *a)
{
    if (r->why) return r->why;
    if (!r->where) return "does not fit";
    return r->verdict.fits == FITS ? r->where : str_format(a, "%s, probably", r->where);
}

static void add_row(struct doc *d, struct block *b, const struct installed_row *r)
{
    const struct stored *s = r->stored;
    const bool judged = !r->why;
    const enum tone tone = r->where ? TONE_GOOD : judged ? TONE_BAD : TONE_DIM;
    const struct cell cell[] = {
        {.text = s->name},
        {.text = s->store},
        {.text = r->quant ? r->quant : "?"},
        {.text = units_bytes(d->arena, s->bytes)},
        {.text = judged ? units_bytes(d->arena, verdict_needs(&r->verdict)) : "-"},
        {.text = r->where ? speed_words(d->arena, r->verdict.decode_per_s) : "-"},
        {end_words(r, d->arena), tone},
    };
    table_row(d, b, cell);
}

static void show(struct doc *d, const struct installed_row *row, size_t rows)
{
    static const char *const head[] = {"on this disk", "kept by", "quant",       "size",
                                       "memory",       "decode",  "runs on, why"};
    static const enum align align[] = {ALIGN_LEFT,  ALIGN_LEFT,  ALIGN_LEFT, ALIGN_RIGHT,
                                       ALIGN_RIGHT, ALIGN_RIGHT, ALIGN_LEFT};
    double bytes = 0;
    size_t run = 0;
    for (size_t i = 0; i < rows; i++) {
        bytes += row[i].stored->bytes - row[i].stored->shared_bytes;
        run += row[i].where != NULL;
    }
    if (!rows) {
        doc_answer(d, TONE_WARN, "No model is kept on this disk where programs keep theirs");
        return;
    }
    doc_answer(d, run ? TONE_GOOD : TONE_WARN, "%zu %s on this disk, %s; %zu would run here", rows,
               rows == 1 ? "model" : "models", units_bytes(d->arena, bytes), run);
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    for (size_t i = 0; i < rows; i++) add_row(d, b, &row[i]);
}

static void write_row(struct writer *w, const struct installed_row *r)
{
    const struct stored *s = r->stored;
    writer_map(w);
    writer_put_cstr(w, "name", s->name);
    writer_put_cstr(w, "store", s->store);
    writer_put_cstr(w, "path", s->path);
    writer_put_cstr(w, "format", s->format);
    writer_put_cstr(w, "quant", r->quant);
    writer_put_cstr(w, "architecture", s->architecture);
    writer_put_cstr(w, "role", s->role);
    writer_put_number(w, "bytes", s->bytes);
    writer_put_number(w, "shared_bytes", s->shared_bytes);
    writer_put_number(w, "files", (double)s->files);
    writer_put_cstr(w, "missing", s->missing);
    writer_put_cstr(w, "fits", r->why ? NULL : fits_word(r->verdict.fits));
    writer_put_number(w, "memory_bytes", r->why ? (double)NAN : verdict_needs(&r->verdict));
    writer_key(w, "decode_tokens_per_s");
    if (r->where && estimate_known(r->verdict.decode_per_s))
        writer_number(w, r->verdict.decode_per_s.likely);
    else
        writer_null(w);
    writer_put_cstr(w, "where", r->where);
    writer_put_cstr(w, "why", r->why);
    writer_map_end(w);
}

static void write(const struct installed_row *row, size_t rows, const struct notes *notes,
                  struct buf *out)
{
    struct writer w = document_begin(out, "installed/1");
    writer_key(&w, "rows");
    writer_list(&w);
    for (size_t i = 0; i < rows; i++) write_row(&w, &row[i]);
    writer_list_end(&w);
    write_notes(&w, notes);
    writer_map_end(&w);
}

void models_installed(const struct context *in, const struct machine *m, const struct world *w,
                      struct answer *out)
{
    const struct looking looking = context_looking(in);
    const struct stored *stored;
    const size_t rows = stores_list(&looking, NULL, &stored);
    struct installed_row *row = NEW_ARRAY(in->arena, struct installed_row, rows + 1);
    for (size_t i = 0; i < rows; i++) {
        row[i].stored = &stored[i];
        judge_row(in, m, w, &row[i]);
    }
    show(&out->doc, row, rows);
    show_notes(&out->doc, in->notes);
    write(row, rows, in->notes, &out->json);
    out->no = !rows;
}
