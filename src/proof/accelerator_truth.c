/* Reads published speeds and asks the very code that answers users: the hardware's name is looked up in the catalogue, a machine is made
 * of what is listed there, the model is the catalogue's under the row's quantisation, and everything lies on the one device. Rows whose
 * source is older than today's engines (data/accelerators.json, "benchmarks") are held against the constants of their time. Left out:
 * prompts on several devices, which work at them at the same time, rows of runtimes other than llama.cpp, and of what the catalogue does not have. */
#include "proof/accelerator_truth.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/json.h"
#include "base/notes.h"
#include "base/num.h"
#include "catalog/parts.h"
#include "catalog/types.h"
#include "judge/accelerator.h"
#include "judge/speed.h"
#include "machine/facts.h"
#include "model/digest.h"
#include "model/shape.h"
#include "proof/subjects.h"

enum { NAME_MOST = 200, WORLDS_MOST = 4, WORDS_MOST = 12, CPU_PLACE = 0, DEVICE_PLACE = 1 };
static const char *const own_class = "gpu_speed";

/* What of a row counts; the rest says where it comes from. */
struct given {
    const char *source, *hardware, *model, *quant, *provider, *backend, *test, *quality;
    double vram_gb, gpu_count, file_size_gib, n_depth, n_tokens, tps, prompt_tps;
};
static const struct field given_fields[] = {
    FIELD(FIELD_TEXT, struct given, source, "who published it"),
    FIELD(FIELD_TEXT, struct given, hardware, "what it ran on"),
    FIELD(FIELD_TEXT, struct given, model, "what ran"),
    FIELD(FIELD_TEXT, struct given, quant, "its quantisation"),
    FIELD(FIELD_TEXT, struct given, provider, "the runtime"),
    FIELD(FIELD_TEXT, struct given, backend, "of llama.cpp"),
    FIELD(FIELD_TEXT, struct given, test, "pp512/tg128"),
    FIELD(FIELD_TEXT, struct given, quality, "how it was measured"),
    FIELD(FIELD_NUMBER, struct given, vram_gb, "GiB"),
    FIELD(FIELD_NUMBER, struct given, gpu_count, "devices"),
    FIELD(FIELD_NUMBER, struct given, file_size_gib, "of the model's file"),
    FIELD(FIELD_NUMBER, struct given, n_depth, "tokens in the cache before"),
    FIELD(FIELD_NUMBER, struct given, n_tokens, "decoded"),
    FIELD(FIELD_NUMBER, struct given, tps, "tokens a second, decoding"),
    FIELD(FIELD_NUMBER, struct given, prompt_tps, "tokens a second, of the prompt"),
};
static const struct fields given_table = FIELD_TABLE(struct given, "published speed", given_fields);

/* What may be used of engines of one time. */
struct era {
    const char *made; /* NULL: today */
    struct world world;
};
struct reading {
    const struct catalog *catalog;
    struct arena *arena;
    const struct published_listener *listener;
    const struct json *benchmarks;
    struct notes notes;
    struct truth_subjects subjects;
    struct era era[WORLDS_MOST];
    size_t eras;
    struct published_row *row;
    size_t rows, left_out;
};

const char *published_class(enum published p)
{
    static const char *const name[] = {
#define PUBLISHED_CLASS(name, class_) class_,
        PUBLISHED(PUBLISHED_CLASS)
#undef PUBLISHED_CLASS
    };
    return name[p];
}

bool accelerator_truth_is(struct str text)
{
    return truth_is_of(text, &own_class, 1);
}

/* ---- the words of a row ---- */

static bool holds_word(const char *text, const char *word)
{
    return text && strstr(text, word);
}

/* What the file of constants knows of a source: the engine's time, the micro-batch it ran with; NULL: nothing. */
static const struct json *benchmark_of(const struct reading *r, const struct given *g)
{
    for (size_t i = 0; g->source && i < json_count(r->benchmarks); i++) {
        const struct json *b = json_at(r->benchmarks, i);
        struct str source;
        if (json_text(json_get(b, "source"), &source) && str_is(source, g->source)) return b;
    }
    return NULL;
}

static bool same_time(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static const struct era *era_of(struct reading *r, const char *made, struct mu_err *err)
{
    for (size_t i = 0; i < r->eras; i++)
        if (same_time(r->era[i].made, made)) return &r->era[i];
    if (r->eras == WORLDS_MOST) {
        (void)err_set(err, MU_DATA, "benchmarks of more than %d times", WORLDS_MOST);
        return NULL;
    }
    struct era *e = &r->era[r->eras];
    if (!judge_world(r->catalog, r->arena, &e->world, err)) return NULL;
    if (made && !accelerator_read(r->catalog, made, r->arena, &e->world, err)) return NULL;
    e->made = made;
    r->eras++;
    return e;
}

/* Everything in brackets set apart: "Mac Studio (M3 Ultra 512GB)" is "Mac Studio" and "M3 Ultra 512GB". */
static void cut_brackets(struct str whole, struct arena *a, struct str *outside, struct str *inside)
{
    size_t open = 0, close = 0;
    while (open < whole.n && whole.p[open] != '(') open++;
    close = open;
    while (close < whole.n && whole.p[close] != ')') close++;
    *outside = str_trim((struct str){whole.p, open});
    *inside = close > open ? str_trim((struct str){whole.p + open + 1, close - open - 1})
                           : (struct str){whole.p, 0};
    if (close + 1 < whole.n)
        *outside = str_of(str_format(a, "%.*s %.*s", STR_ARG(*outside), (int)(whole.n - close - 1),
                                     whole.p + close + 1));
}

/* Words fall off the end until the name is known; at least one stays. */
static const struct gpu_part *card_of_words(const struct reading *r, struct str name, double gib)
{
    const struct gpu_part *part;
    for (size_t words = 0; name.n && words < WORDS_MOST; words++) {
        if (catalog_gpu(r->catalog, name, gib, &part) != MATCH_NONE) return part;
        while (name.n && name.p[name.n - 1] != ' ') name.n--;
        name = str_trim(name);
    }
    return NULL;
}

static const struct gpu_part *card_of(const struct reading *r, const struct given *g)
{
    const struct str whole = str_of(g->hardware);
    const double gib = g->vram_gb / most(g->gpu_count, 1); /* published of all together */
    struct str outside, inside;
    const struct gpu_part *part;
    if (catalog_gpu(r->catalog, whole, gib, &part) != MATCH_NONE) return part;
    cut_brackets(whole, r->arena, &outside, &inside);
    part = card_of_words(r, outside, gib);
    return part ? part : card_of_words(r, inside, gib);
}

/* A file's name loses its ending and its quantisation, which must be that of the row. */
static const char *model_of(const struct reading *r, const struct given *g)
{
    static const char *const ending[] = {".gguf"};
    struct str name = str_of(g->model);
    const struct model_part *part;
    const char *others;
    for (size_t i = 0; i < COUNT_OF(ending); i++)
        if (str_ends(name, str_of(ending[i]))) name.n -= strlen(ending[i]);
    const size_t quant = g->quant ? strlen(g->quant) : 0;
    if (quant && quant + 1 < name.n && str_ends(name, str_of(g->quant))) name.n -= quant + 1;
    for (size_t i = name.n; i > 0; i--)
        if (name.p[i - 1] == '/' || (name.p[i - 1] == '_' && i < name.n)) {
            name = (struct str){name.p + i, name.n - i};
            break;
        }
    if (catalog_model(r->catalog, name, &part, &others) == MATCH_NONE) return NULL;
    return part->hf_id;
}

/* Digits behind "tg" or "pp" in "pp512/tg128"; 0: it has no such part. */
static double tokens_in(const char *test, const char *of)
{
    double n = 0;
    const char *at = test ? strstr(test, of) : NULL;
    for (at = at ? at + strlen(of) : NULL; at && *at >= '0' && *at <= '9' && n < 1e7; at++)
        n = 10 * n + (*at - '0');
    return n;
}

static double or_else(double x, double otherwise)
{
    return isnan(x) ? otherwise : x;
}

/* ---- a machine of what is listed ---- */

/* The machine of a line that names so many of the part, run by that backend (NULL: the usual one); NULL: the line makes no such
 * places. */
static const struct machine *machine_with(struct reading *r, const struct gpu_part *part,
                                          int devices, const char *backend)
{
    const struct looking in = {.catalog = r->catalog, .arena = r->arena, .notes = &r->notes};
    const char *line = str_format(r->arena, "ram:4096GiB gpu:%s x%d", part->name, devices);
    struct mu_err none = {.code = MU_OK};
    const struct machine *m;
    if (!machine_from_line(str_of(line), &in, &m, &none) || m->places != 1U + (unsigned)devices)
        return NULL;
    struct place *place = NEW_ARRAY(r->arena, struct place, m->places);
    struct machine *copy = NEW(r->arena, struct machine);
    memcpy(place, m->place, m->places * sizeof *place);
    *copy = *m;
    copy->place = place;
    for (int i = 0; backend && i < devices; i++) place[DEVICE_PLACE + i].backend = backend;
    return copy;
}

/* ---- what we say ---- */

/* A row under judgement. */
struct question {
    struct reading *reading;
    const struct given *given;
    const struct truth_subject *subject;
    const struct era *era;
    const struct json *benchmark;
    struct generate knobs;
};

static void set_knobs(struct question *q, bool decode)
{
    const struct given *g = q->given;
    const double tested = tokens_in(g->test, decode ? "tg" : "pp");
    const double tokens = tested > 0 ? tested : or_else(g->n_tokens, 256);
    struct generate *k = &q->knobs;
    generate_usual(k, &q->subject->digest, q->subject->digest.types);
    (void)!json_number(json_get(q->benchmark, "ubatch_tokens"), &k->ubatch_tokens);
    k->depth_tokens = or_else(g->n_depth, 0);
    /* decoded tokens stand behind half of themselves on average */
    k->prompt_tokens = decode ? tokens / 2 : tokens;
    k->closed_form = true;
}

static void add_row(struct question *q, bool decode, enum published as, struct estimate said)
{
    const struct given *g = q->given;
    struct reading *r = q->reading;
    r->row[r->rows++] = (struct published_row){
        .as = as,
        .devices = g->gpu_count,
        .id = str_format(r->arena, "%s%s, %s%s%s%s%s%s",
                         g->gpu_count > 1 ? str_format(r->arena, "%.0f x ", g->gpu_count) : "",
                         g->hardware, g->model, g->quant ? " " : "", g->quant ? g->quant : "",
                         g->test ? " " : "", g->test ? g->test : "", decode ? "" : " prompt"),
        .measured = decode ? g->tps : g->prompt_tps,
        .predicted = said.likely,
        .low = said.low,
        .high = said.high};
}

static enum published published_as(const struct question *q, bool decode)
{
    const bool experts = q->subject->shape.experts > 0;
    if (!holds_word(q->given->quality, "llama-bench")) return PUBLISHED_CROWD;
    if (isnan(q->given->file_size_gib)) return PUBLISHED_UNSIZED;
    if (q->given->gpu_count > 1) return PUBLISHED_SEVERAL;
    if (experts) return decode ? PUBLISHED_MOE_DECODE : PUBLISHED_MOE_PREFILL;
    return decode ? PUBLISHED_DECODE : PUBLISHED_PREFILL;
}

/* Everything that is worked lies on devices. */
static void put_on_device(struct bill *b)
{
    for (size_t i = 0; i < b->lines; i++)
        if (b->line[i].phase != HELD && b->line[i].site == ON_HOST) b->line[i].site = DEVICE_PLACE;
}

/* Layers, the output among them, dealt evenly. */
static void deal(const struct question *q, const struct machine *m, struct split *out)
{
    const int devices = (int)q->given->gpu_count;
    const double layers = q->subject->shape.layers + 1;
    *out = (struct split){.sites = 1 + devices};
    for (int i = 0; i < devices; i++) {
        const int site = DEVICE_PLACE + i;
        out->first_layer[site] = floor(layers * i / devices);
        out->layers[site] = floor(layers * (i + 1) / devices) - out->first_layer[site];
        out->rules[site] = judge_site_rules(&q->era->world, m->place[site].backend);
    }
}

static bool ask_device(struct question *q, const struct json *row, const struct gpu_part *part,
                       bool decode)
{
    struct reading *r = q->reading;
    const struct machine *m = machine_with(r, part, (int)q->given->gpu_count, q->given->backend);
    struct site site[SITES] = {{.place = CPU_PLACE}};
    struct split split;
    struct bill *bill = NEW(r->arena, struct bill);
    bool flash;
    if (!m) return false;
    deal(q, m, &split);
    for (int i = 1; i < split.sites; i++) site[i].place = (uint16_t)i;
    if (!json_bool(json_get(row, "flash_attn"), &flash)) flash = q->era->made == NULL;
    set_knobs(q, decode);
    q->knobs.flash_attention = flash ? FLASH_ON : FLASH_OFF;
    const struct task task = {cost_workload(S("generate")), &q->subject->digest, &q->knobs};
    bill->note = NULL;
    cost_bill(&task, split.sites > 2 ? &split : &split_host, bill);
    put_on_device(bill);
    const struct speed_asked asked = {
        .bill = bill,
        .machine = m,
        .world = &q->era->world,
        .split = split.sites > 2 ? &split : NULL,
        .site = site,
        .flash = flash,
        .experts = q->subject->shape.experts > 0,
        .at_once = most(least(q->knobs.prompt_tokens, q->knobs.ubatch_tokens), 1)};
    add_row(q, decode, published_as(q, decode), speed_of(&asked, decode ? DECODE : PREFILL));
    if (r->listener)
        r->listener->hears(r->listener->to, &r->row[r->rows - 1], bill, &m->place[DEVICE_PLACE],
                           part, q->era->made);
    return true;
}

/* A CPU of the catalogue with memory enough; false when it has none of that name. */
static bool ask_cpu(struct question *q)
{
    struct reading *r = q->reading;
    struct str outside, inside;
    cut_brackets(str_of(q->given->hardware), r->arena, &outside, &inside);
    const struct cpu_part *part = catalog_cpu(r->catalog, outside);
    if (!part) part = catalog_cpu(r->catalog, inside);
    if (!part) return false;
    const struct looking in = {.catalog = r->catalog, .arena = r->arena, .notes = &r->notes};
    const struct machine *m;
    struct mu_err none = {.code = MU_OK};
    const char *line = str_format(r->arena, "cpu:%s ram:4096GiB", part->name);
    if (!machine_from_line(str_of(line), &in, &m, &none)) return false;
    set_knobs(q, true);
    judge_buffers(m, r->catalog, r->arena, &q->knobs);
    (void)judge_repacking(&q->subject->digest, &q->knobs);
    const struct task task = {cost_workload(S("generate")), &q->subject->digest, &q->knobs};
    struct verdict *v = NEW(r->arena, struct verdict);
    judge_task(&task, judge_typical(m, &q->era->world, r->arena), &q->era->world, v);
    add_row(q, true, PUBLISHED_CPU, v->decode_per_s);
    return true;
}

static bool known_runtime(const struct given *g)
{
    return holds_word(g->provider, "llama.cpp") || holds_word(g->provider, "llamacpp") ||
           holds_word(g->provider, "ollama");
}

/* The model under the row's quantisation; where none is named, the one that is usual to fetch. NULL with no message: not known to us. */
static const struct truth_subject *subject_of(struct reading *r, const struct given *g)
{
    struct mu_err none = {.code = MU_OK};
    const char *model = g->model ? model_of(r, g) : NULL;
    const char *quant = g->quant ? g->quant : "Q4_K_M";
    if (!model || !catalog_mix(r->catalog, str_of(quant))) return NULL;
    const struct truth_subject *s = truth_subject(&r->subjects, model, quant, &none);
    return s && !s->shape.unruled && !s->digest.unruled && s->shape.arch ? s : NULL;
}

static bool given_checked(const struct given *g, struct mu_err *err)
{
    if (!g->hardware || strlen(g->hardware) > NAME_MOST || !g->model ||
        strlen(g->model) > NAME_MOST || !(g->tps > 0) || !(g->gpu_count >= 0))
        return err_set(err, MU_DATA, "hardware, model, gpu_count and tps are needed");
    return true;
}

/* False: nothing is said of this row. */
static bool asked(struct question *q, const struct json *row)
{
    const struct given *g = q->given;
    if (!(g->gpu_count > 0)) return ask_cpu(q);
    const struct gpu_part *part = card_of(q->reading, g);
    if (!part || !ask_device(q, row, part, true)) return false;
    if (g->gpu_count > 1 || !(g->prompt_tps > 0)) return true;
    return ask_device(q, row, part, false);
}

static bool read_row(struct reading *r, const struct json *row, struct mu_err *err)
{
    struct given g = {.source = NULL};
    if (!fields_read(&given_table, row, &g, r->arena, err) || !given_checked(&g, err)) return false;
    struct question q = {.reading = r, .given = &g, .subject = subject_of(r, &g)};
    if (g.gpu_count >= SITES || g.gpu_count != floor(g.gpu_count) || !known_runtime(&g) ||
        !q.subject) {
        r->left_out++;
        return true;
    }
    q.benchmark = benchmark_of(r, &g);
    q.era = era_of(r, truth_text(q.benchmark, "made", r->arena), err);
    if (!q.era) return false;
    r->left_out += !asked(&q, row);
    return arena_within(r->arena, err);
}

bool accelerator_truth_read(struct str text, const char *name, const struct catalog *c,
                            struct arena *a, const struct published_listener *listener,
                            struct accelerator_truth *out, struct mu_err *err)
{
    struct json *root = NULL, *constants = NULL;
    if (!json_parse(text, name, &root, err)) return false;
    const struct json *rows = json_get(root, "rows");
    const size_t count = json_count(rows);
    struct reading r = {.catalog = c,
                        .arena = a,
                        .listener = listener,
                        .notes = {.arena = a},
                        .subjects = {.catalog = c, .arena = a},
                        .row = NEW_ARRAY(a, struct published_row, 2 * count + 1)};
    bool good =
        json_parse(catalog_file(c, "accelerators.json"), "accelerators.json", &constants, err);
    r.benchmarks = json_get(constants, "benchmarks");
    for (size_t i = 0; good && i < count; i++)
        good = read_row(&r, json_at(rows, i), err) || err_add(err, "row %zu", i + 1);
    if (good && !r.rows) good = err_set(err, MU_DATA, "no row is of what the catalogue has");
    *out = (struct accelerator_truth){r.row, r.rows, r.left_out};
    json_free(constants);
    json_free(root);
    return good || err_add(err, "%s", name);
}
