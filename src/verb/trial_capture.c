/* muster trial MODEL --kind hidden-states|attention: the figures of chosen layers as .npy files, their bytes held against the formula,
 * and what taking them costs in time.
 *
 * Layer N is what llama.cpp hands from layer N to the next, before the final norm (transformers' hidden_states[N + 1], but for the
 * last). Attention maps need flash attention off. Refused before anything runs when a name is taken, the disk is too full, or memory
 * does not suffice. */
#include "verb/trial.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "base/save.h"
#include "base/units.h"
#include "catalog/architecture.h"
#include "measure/capture.h"
#include "measure/lock.h"
#include "model/digest.h"
#include "verb/trial_whole.h"

enum { TOKENS_USUAL = 256, BATCH_TOKENS = 512, CONTEXT_STEP = 256, HEADER_BYTES = 128 };
static const double usual_timeout_s = 600;

struct capture {
    enum capture_kind kind;
    struct trial_whole whole;
    const double *layer;
    size_t layers;
    double tokens, layer_bytes, predicted_bytes; /* files with their headers */
    const char *folder;
    bool made_folder;
    struct captured result;
};

static const char *kind_words(enum capture_kind kind)
{
    return kind == CAPTURE_ATTENTION ? "attention maps" : "hidden states";
}

static bool tokens_of(const struct request *q, struct capture *c, struct mu_err *err)
{
    const struct shape *s = c->whole.asked.digest->shape;
    const bool knob = request_text(q, "prompt_tokens") != NULL;
    c->tokens = knob ? c->whole.asked.knobs.prompt_tokens : TOKENS_USUAL;
    const bool given = request_number(q, "tokens", &c->tokens) || knob;
    if (!(c->tokens >= 1) || c->tokens != floor(c->tokens))
        return err_set(err, MU_USAGE, "a prompt of %g tokens is no whole number from 1 on",
                       c->tokens);
    if (!given && s->context_tokens > 0) c->tokens = least(c->tokens, s->context_tokens);
    if (s->context_tokens > 0 && c->tokens > s->context_tokens)
        return err_set(err, MU_USAGE,
                       "a prompt of %.0f tokens is more than the %.0f that the model takes",
                       c->tokens, s->context_tokens);
    return true;
}

/* A prompt longer than a micro-batch comes in pieces; an encoder takes it whole. */
static void set_knobs(struct capture *c)
{
    struct generate *g = &c->whole.asked.knobs;
    const struct shape *s = c->whole.asked.digest->shape;
    const bool last = c->layer[c->layers - 1] == s->layers - 1;
    const bool encoder = s->arch && s->arch->encoder;
    g->context_tokens = pad_to(c->tokens, CONTEXT_STEP);
    if (s->context_tokens > 0) g->context_tokens = least(g->context_tokens, s->context_tokens);
    g->prompt_tokens = c->tokens;
    g->batch_tokens = g->ubatch_tokens = encoder ? c->tokens : least(c->tokens, BATCH_TOKENS);
    g->sequences = 1;
    g->swa_full = true;
    if (c->kind == CAPTURE_ATTENTION) g->flash_attention = FLASH_OFF;
    if (c->kind == CAPTURE_HIDDEN_STATES && last) g->outputs_max = g->batch_tokens;
}

/* What the engine holds beside llama.cpp: the values of one layer, or of one head, of a micro-batch. */
static double own_bytes(const struct capture *c)
{
    const struct generate *g = &c->whole.asked.knobs;
    if (c->kind == CAPTURE_HIDDEN_STATES)
        return g->ubatch_tokens * c->whole.asked.digest->shape->width * sizeof(float);
    return g->ubatch_tokens * (g->context_tokens + c->tokens) * sizeof(float);
}

static bool plan(const struct request *q, const struct context *in, struct capture *c,
                 struct mu_err *err)
{
    const char *layers = request_text(q, "layers"), *why;
    const struct shape *s = c->whole.asked.digest->shape;
    c->layer_bytes = (double)NAN;
    if (!tokens_of(q, c, err) ||
        !capture_layers(layers ? layers : "last", s->layers, in->arena, &c->layer, &c->layers, err))
        return false;
    c->layer_bytes = capture_layer_bytes(c->kind, s, c->tokens);
    if (!(c->layer_bytes > 0))
        return err_set(err, MU_NO, "how large the %s of %s are is not known", kind_words(c->kind),
                       c->whole.asked.digest->name);
    c->predicted_bytes = (double)c->layers * (c->layer_bytes + HEADER_BYTES);
    set_knobs(c);
    if (!trial_whole_fits(&c->whole, in, own_bytes(c), &why, err)) return false;
    return !why || err_set(err, MU_NO, "%s are not taken: %s", kind_words(c->kind), why);
}

/* ---- the folder */

static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static bool names_free(const struct capture *c, struct arena *a, struct mu_err *err)
{
    for (size_t i = 0; i < c->layers; i++) {
        const char *path =
            str_format(a, "%s/%s", c->folder, capture_file_name(c->kind, c->layer[i], a));
        const char *part = str_format(a, "%s.part", path);
        if (is_there(path) || is_there(part))
            return err_set(err, MU_CANTCREATE,
                           "%s is there already and is left alone; name another folder with --to",
                           str_visible(a, str_of(is_there(path) ? path : part)));
    }
    return true;
}

static bool disk_suffices(const struct capture *c, struct arena *a, struct mu_err *err)
{
    struct statvfs s;
    if (statvfs(c->folder, &s) != 0) return err_errno(err, "looking at the disk of %s", c->folder);
    const double free_bytes = (double)s.f_bavail * (double)s.f_frsize;
    if (c->predicted_bytes <= free_bytes) return true;
    return err_set(err, MU_CANTCREATE, "the %s need %s in %s, and %s is free there",
                   kind_words(c->kind), units_bytes(a, c->predicted_bytes),
                   str_visible(a, str_of(c->folder)), units_bytes(a, free_bytes));
}

static bool folder_ready(const struct request *q, struct capture *c, struct arena *a,
                         struct mu_err *err)
{
    c->folder = request_text(q, "to");
    if (!c->folder || !c->folder[0])
        return err_set(err, MU_USAGE, "where should the %s go? Name a folder with --to",
                       kind_words(c->kind));
    c->made_folder = !is_there(c->folder);
    if (c->made_folder && !save_folders(c->folder, err)) return false;
    return names_free(c, a, err) && disk_suffices(c, a, err);
}

/* ---- the run and its answer */

static bool run(const struct request *q, const struct context *in, struct capture *c,
                struct mu_err *err)
{
    struct trial_whole *t = &c->whole;
    int lock;
    if (!trial_whole_make(t, in, err) || !measure_lock_alone(&t->how, &lock, err)) return false;
    double timeout_s = usual_timeout_s;
    (void)!request_number(q, "timeout", &timeout_s);
    const struct capture_asked asked = {.kind = c->kind,
                                        .file = t->file,
                                        .open_file = t->open_file,
                                        .model = t->asked.digest,
                                        .knobs = &t->asked.knobs,
                                        .layer = c->layer,
                                        .layers = c->layers,
                                        .tokens = c->tokens,
                                        .threads = t->threads,
                                        .folder = c->folder,
                                        .timeout_s = timeout_s,
                                        .memory_most_bytes =
                                            t->usable_bytes > 0 ? t->usable_bytes : 0};
    const bool good = capture_run(&t->how, &asked, &c->result, err);
    measure_unlock(lock);
    return good;
}

static bool as_predicted(const struct captured *r)
{
    for (size_t i = 0; i < r->files; i++)
        if (r->file[i].data_bytes != r->file[i].predicted_bytes || !r->file[i].finite) return false;
    return true;
}

static double bytes_written(const struct captured *r)
{
    double bytes = 0;
    for (size_t i = 0; i < r->files; i++) bytes += r->file[i].file_bytes;
    return bytes;
}

static void show_files(struct doc *d, const struct capture *c)
{
    static const char *const head[] = {"file", "shape", "bytes", "formula", "row sums"};
    static const enum align align[] = {ALIGN_LEFT, ALIGN_LEFT, ALIGN_RIGHT, ALIGN_RIGHT,
                                       ALIGN_LEFT};
    const bool attention = c->kind == CAPTURE_ATTENTION;
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head) - !attention);
    struct arena *a = d->arena;
    for (size_t i = 0; i < c->result.files; i++) {
        const struct captured_file *f = &c->result.file[i];
        const bool same = f->data_bytes == f->predicted_bytes;
        const struct cell row[] = {
            {.text = f->file},
            {.text = attention ? str_format(a, "%.0f x %.0f x %.0f", f->heads, f->rows, f->columns)
                               : str_format(a, "%.0f x %.0f", f->rows, f->columns)},
            {.text = str_format(a, "%.0f", f->data_bytes), .tone = same ? TONE_PLAIN : TONE_BAD},
            {.text = str_format(a, "%.0f", f->predicted_bytes)},
            {.text = !f->finite  ? "some value is not a number"
                     : attention ? str_format(a, "%.6f to %.6f", f->row_sum_low, f->row_sum_high)
                                 : "",
             .tone = f->finite ? TONE_PLAIN : TONE_BAD}};
        table_row(d, b, row);
    }
    doc_note(d, TONE_DIM, "float32; %s, and a header of %d bytes%s", capture_formula(c->kind),
             HEADER_BYTES, attention ? "" : "; what a layer hands on, before the final norm");
}

static void show(struct doc *d, const struct capture *c)
{
    const struct captured *r = &c->result;
    struct arena *a = d->arena;
    const struct digest *m = c->whole.asked.digest;
    doc_answer(d, as_predicted(r) ? TONE_GOOD : TONE_BAD,
               "%s %s: %s of %zu %s, %.0f tokens, %s in %s, %s", m->name, m->quant ? m->quant : "",
               kind_words(c->kind), r->files, r->files == 1 ? "layer" : "layers", c->tokens,
               units_bytes(a, bytes_written(r)), c->folder,
               as_predicted(r) ? "as the formula says" : "NOT as the formula says");
    show_files(d, c);
    struct block *b = doc_facts(d, NULL);
    facts_row(d, b, "prompt", "%s without the capture, %s with it (x %s): %s copying, %s writing",
              units_seconds(a, r->without_s), units_seconds(a, r->with_s),
              units_number(a, r->with_s / r->without_s, 3), units_seconds(a, r->copy_s),
              units_seconds(a, r->write_s));
    facts_row(d, b, "memory", "%s at the peak, predicted %s", units_bytes(a, r->peak_bytes),
              units_bytes(a, c->whole.predicted_bytes));
    facts_row(d, b, "load", "%s", units_seconds(a, r->load_s));
    facts_row(d, b, "read", "%s%s", r->prompt, c->whole.file ? "" : ", by a made-up vocabulary");
    facts_row(d, b, "engine", "%s, %.0f threads", r->llama, c->whole.threads);
}

static void write_json(struct buf *out, const struct context *in, const struct capture *c)
{
    struct writer w = document_begin(out, "capture/1");
    const struct trial_whole *t = &c->whole;
    writer_put_cstr(&w, "kind", c->kind == CAPTURE_ATTENTION ? "attention" : "hidden-states");
    writer_put_cstr(&w, "model", t->asked.digest->name);
    writer_put_cstr(&w, "quant", t->asked.digest->quant);
    writer_put_bool(&w, "synthetic", !t->file);
    writer_put_cstr(&w, "folder", c->folder);
    writer_put_number(&w, "tokens", c->tokens);
    writer_put_number(&w, "threads", t->threads);
    writer_put_cstr(&w, "formula", capture_formula(c->kind));
    writer_put_bool(&w, "as_predicted", as_predicted(&c->result));
    writer_put_number(&w, "predicted_memory_bytes", t->predicted_bytes);
    writer_put_number(&w, "overhead", c->result.with_s / c->result.without_s);
    fields_write_members(&captured_table, &c->result, &w);
    write_notes(&w, in->notes);
    writer_map_end(&w);
}

static bool capture(const struct request *q, const struct context *in, enum capture_kind kind,
                    struct answer *out, struct mu_err *err)
{
    struct capture *c = NEW(in->arena, struct capture);
    c->kind = kind;
    if (!trial_whole_open(q, in, &c->whole, err)) return false;
    const bool good =
        plan(q, in, c, err) && folder_ready(q, c, in->arena, err) && run(q, in, c, err);
    trial_whole_close(&c->whole);
    if (!good && c->made_folder) (void)rmdir(c->folder); /* only when nothing is in it */
    if (!good) return false;
    show(&out->doc, c);
    show_notes(&out->doc, in->notes);
    write_json(&out->json, in, c);
    out->no = !as_predicted(&c->result);
    return true;
}

bool trial_hidden_states(const struct request *q, const struct context *in, struct answer *out,
                         struct mu_err *err)
{
    return capture(q, in, CAPTURE_HIDDEN_STATES, out, err);
}

bool trial_attention(const struct request *q, const struct context *in, struct answer *out,
                     struct mu_err *err)
{
    return capture(q, in, CAPTURE_ATTENTION, out, err);
}
