/* Platforms and software of a requirements document, from data/software.json: which systems are still supported on the day that table was
 * collected, which Python and PyTorch go together, and from which transformers on each model of the set is known. Left out: what is
 * installed here (muster doctor will say), and versions of anything the table does not know. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/units.h"
#include "catalog/catalog.h"
#include "catalog/known.h"
#include "cost/runtime.h"
#include "model/digest.h"
#include "model/model.h"
#include "verb/paper.h"

#define TABLE "software.json"
enum { PYTORCH_SHOWN = 5 };

struct software {
    const struct known_row *row;
    size_t rows;
    const struct json *table;
    const char *collected; /* "2026-11-21" */
    const struct catalog *catalog;
};

static const char *text_of(const struct known_row *r, const char *key)
{
    const struct known_fact *f = known_fact_of(r, key);
    return f ? f->text : NULL;
}

static bool is_what(const struct known_row *r, const char *what)
{
    return strcmp(r->what, what) == 0;
}

/* "2025-05" lies before "2026-11-21". */
static bool ended(const struct software *s, const char *end)
{
    return end && s->collected && strncmp(end, s->collected, strlen(end)) < 0;
}

/* ---- platforms */

static const char *or_unknown(const char *text)
{
    return text ? text : "?";
}

static void show_systems(struct doc *d, const struct software *s)
{
    static const char *const head[] = {"system", "supported until", "its Python", "glibc"};
    struct arena *a = d->arena;
    struct block *b = doc_table(d, NULL, head, NULL, COUNT_OF(head));
    const char *gone = "";
    for (size_t i = 0; i < s->rows; i++) {
        const struct known_row *r = &s->row[i];
        const char *version, *end, *python, *glibc;
        if (!is_what(r, "operating system")) continue;
        version = text_of(r, "version");
        end = text_of(r, "end_of_support");
        python = text_of(r, "python");
        glibc = text_of(r, "glibc");
        const bool whole = !version || strstr(r->name, version);
        const char *name = whole ? r->name : str_format(a, "%s %s", r->name, version);
        if (ended(s, end)) {
            gone = str_format(a, "%s%s%s (%s)", gone, *gone ? ", " : "", name, end);
            continue;
        }
        const struct cell row[] = {{.text = name},
                                   {.text = end ? end : "-"},
                                   {.text = python ? python : "-"},
                                   {.text = glibc ? glibc : "-"}};
        table_row(d, b, row);
    }
    if (*gone)
        doc_note(d, TONE_DIM, "No longer supported by their makers on %s: %s.", s->collected, gone);
}

/* ---- a version before another: numbers between dots */

static double number_at(struct str *rest)
{
    const struct str part = str_cut(rest, '.');
    double n = 0;
    for (size_t i = 0; i < part.n && part.p[i] >= '0' && part.p[i] <= '9'; i++)
        n = n * 10 + (part.p[i] - '0');
    return n;
}

static int version_compare(const char *x, const char *y)
{
    struct str left = str_of(x), right = str_of(y);
    while (left.n || right.n) {
        const double l = number_at(&left), r = number_at(&right);
        if (l != r) return l < r ? -1 : 1;
    }
    return 0;
}

/* ---- what runs the models */

/* Letters and digits alone decide: llama.cpp writes gptneox where transformers writes gpt_neox. */
static bool is_spelled(const char *x, const char *y)
{
    for (;;) {
        while (*x == '_' || *x == '-') x++;
        while (*y == '_' || *y == '-') y++;
        if (*x != *y) return false;
        if (!*x) return true;
        x++;
        y++;
    }
}

static const char *transformers_from(const struct software *s, const char *arch, struct arena *a)
{
    const struct json *by = json_get(s->table, "transformers_min_by_arch"), *at;
    const char *key = NULL;
    struct str version;
    while (arch && (at = json_next(by, &key)))
        if (is_spelled(key, arch) && json_text(at, &version)) return str_copy(a, version);
    return NULL;
}

/* As the catalogue calls it, which tells apart what llama.cpp runs alike. */
static const char *arch_of(const struct catalog *c, const struct asked *asked)
{
    const struct model_part *part;
    const char *others;
    if (catalog_model(c, str_of(asked->digest->name), &part, &others) != MATCH_NONE && part->arch)
        return part->arch;
    return asked->digest->shape->arch_name;
}

/* The newest row of transformers that is no newer; NULL: none is known. */
static const struct known_row *transformers_row(const struct software *s, const char *version)
{
    const struct known_row *best = NULL;
    for (size_t i = 0; i < s->rows; i++) {
        const char *of = text_of(&s->row[i], "transformers");
        if (!of || !is_what(&s->row[i], "transformers")) continue;
        if (version_compare(of, version) > 0) continue;
        if (!best || version_compare(of, text_of(best, "transformers")) > 0) best = &s->row[i];
    }
    return best;
}

static bool under_llama(const struct asked *a)
{
    return !a->own_knobs && !runtime_of(&a->knobs)->published;
}

/* What this model needs of its libraries; NULL where nothing is known. */
struct libraries {
    const char *transformers, *python, *torch;
};

static struct libraries libraries_of(const struct software *s, const struct asked *asked,
                                     struct arena *a)
{
    struct libraries l = {.transformers = transformers_from(s, arch_of(s->catalog, asked), a)};
    const struct known_row *r = l.transformers ? transformers_row(s, l.transformers) : NULL;
    if (!r) return l;
    l.python = text_of(r, "python_min");
    l.torch = text_of(r, "torch_min");
    return l;
}

static bool is_alike(const struct asked *x, const struct asked *y)
{
    return x && y && strcmp(x->digest->name, y->digest->name) == 0 &&
           under_llama(x) == under_llama(y);
}

/* The kinds of work that one model does with the same libraries, each once; NULL: an earlier row said them. */
static const char *kinds_of(const struct paper *p, size_t i, struct arena *a)
{
    const struct asked *x = p->row[i].asked;
    const char *text = x->task.kind->name;
    for (size_t k = 0; k < i; k++)
        if (is_alike(x, p->row[k].asked)) return NULL;
    for (size_t k = i + 1; k < p->rows; k++) {
        const struct asked *y = p->row[k].asked;
        if (is_alike(x, y) && !strstr(text, y->task.kind->name))
            text = str_format(a, "%s, %s", text, y->task.kind->name);
    }
    return text;
}

static bool needs_python(const struct paper *p)
{
    for (size_t i = 0; i < p->rows; i++)
        if (p->row[i].asked && !p->row[i].asked->task.kind->modelless &&
            !under_llama(p->row[i].asked))
            return true;
    return false;
}

static void show_models(struct doc *d, const struct software *s, const struct paper *p)
{
    static const char *const head[] = {"model", "for", "transformers from", "so Python from",
                                       "and PyTorch from"};
    struct block *b = doc_table(d, NULL, head, NULL, COUNT_OF(head));
    for (size_t i = 0; i < p->rows; i++) {
        const struct asked *asked = p->row[i].asked;
        const bool runs = asked && !asked->task.kind->modelless;
        const char *kinds = runs ? kinds_of(p, i, d->arena) : NULL;
        if (!kinds) continue;
        const bool llama = under_llama(asked);
        const struct libraries l = libraries_of(s, asked, d->arena);
        const struct cell row[] = {
            {.text = name_alone(asked->digest->name)},
            {.text = llama ? str_format(d->arena, "%s, under llama.cpp", kinds) : kinds},
            {.text = llama ? "-" : or_unknown(l.transformers)},
            {.text = llama ? "-" : or_unknown(l.python)},
            {.text = llama ? "-" : or_unknown(l.torch)}};
        table_row(d, b, row);
    }
    doc_note(d, TONE_DIM,
             "Transformers: the first version that knows the model's architecture; Python and "
             "PyTorch: the least that this version takes. Under llama.cpp neither is needed.");
}

/* ---- what the guide asks for */

/* The first version in a text: "3.8" of ">=3.8 (3.10 and later recommended)"; NULL: none. */
static const char *version_in(const char *text, struct arena *a)
{
    const char *p = text, *end;
    while (*p && !(*p >= '0' && *p <= '9')) p++;
    end = p;
    while ((*end >= '0' && *end <= '9') || *end == '.') end++;
    return end > p ? str_copy(a, (struct str){p, (size_t)(end - p)}) : NULL;
}

static const char *newer(const char *x, const char *y)
{
    return !x || (y && version_compare(y, x) > 0) ? y : x;
}

/* The least that all models of the set need of it; NULL: nothing is known to. */
static const char *needed(const struct software *s, const struct paper *p, const char *name,
                          struct arena *a)
{
    const char *least = NULL;
    for (size_t i = 0; i < p->rows; i++) {
        const struct asked *asked = p->row[i].asked;
        if (!asked || under_llama(asked)) continue;
        const struct libraries l = libraries_of(s, asked, a);
        least = newer(least, strcmp(name, "python") == 0         ? l.python
                             : strcmp(name, "torch") == 0        ? l.torch
                             : strcmp(name, "transformers") == 0 ? l.transformers
                                                                 : NULL);
    }
    return least;
}

/* When support of that Python ended, or NULL. */
static const char *python_ended(const struct software *s, const char *version)
{
    for (size_t i = 0; i < s->rows; i++) {
        const char *of = text_of(&s->row[i], "python"), *end = text_of(&s->row[i], "eol");
        if (is_what(&s->row[i], "Python") && of && strcmp(of, version) == 0)
            return ended(s, end) ? end : NULL;
    }
    return NULL;
}

static void asked_row(struct doc *d, struct block *b, const struct software *s,
                      const struct paper *p, const struct setting *asked)
{
    struct arena *a = d->arena;
    const char *least = needed(s, p, asked->name, a), *version = version_in(asked->value, a);
    const bool python = strcmp(asked->name, "python") == 0;
    const char *end = python && version ? python_ended(s, version) : NULL;
    const bool low = least && version && version_compare(version, least) < 0;
    const struct cell row[] = {
        {.text = asked->name},
        {.text = asked->value},
        {.text = !least ? "-"
                 : end  ? str_format(a, "%s or newer; %s ended in %s", least, version, end)
                        : str_format(a, "%s or newer", least)},
        {!least ? "-"
         : low  ? "too low"
                : "confirmed",
         low ? TONE_BAD : TONE_PLAIN}};
    table_row(d, b, row);
}

static void show_asked(struct doc *d, const struct software *s, const struct paper *p)
{
    static const char *const head[] = {"the guide asks for", "version", "its models need",
                                       "the figure is"};
    const struct experiment_set *set = p->set;
    struct block *b = NULL;
    for (size_t i = 0; i <= p->rows; i++) {
        const struct setting *asked = i ? p->row[i - 1].experiment->software : set->software;
        const size_t n = i ? p->row[i - 1].experiment->softwares : set->softwares;
        if (n && !b) b = doc_table(d, NULL, head, NULL, COUNT_OF(head));
        for (size_t k = 0; k < n; k++) asked_row(d, b, s, p, &asked[k]);
    }
}

static void show_pythons(struct doc *d, const struct software *s)
{
    struct block *b = doc_facts(d, "Python and PyTorch");
    size_t torches = 0, skip = 0;
    for (size_t i = 0; i < s->rows; i++) {
        const struct known_row *r = &s->row[i];
        const char *end = text_of(r, "eol"), *range = text_of(r, "torch_range");
        torches += is_what(r, "PyTorch");
        if (is_what(r, "Python") && !ended(s, end))
            facts_row(d, b, r->name, "supported until %s; PyTorch %s", or_unknown(end),
                      or_unknown(range));
    }
    for (size_t i = 0; i < s->rows; i++) {
        const struct known_row *r = &s->row[i];
        const char *cuda = text_of(r, "cuda_wheels"), *rocm = text_of(r, "rocm_wheels");
        if (!is_what(r, "PyTorch") || skip++ + PYTORCH_SHOWN < torches) continue;
        facts_row(d, b, r->name, "Python %s or newer; built for CUDA %s%s%s",
                  or_unknown(text_of(r, "python_min")), or_unknown(cuda),
                  rocm && *rocm ? ", ROCm " : "", rocm ? rocm : "");
    }
}

static const char *said(struct arena *a, const struct json *map, const char *key)
{
    struct str text;
    return json_text(json_get(map, key), &text) ? str_copy(a, text) : NULL;
}

static void show_remarks(struct doc *d, const struct software *s)
{
    struct arena *a = d->arena;
    const struct json *wsl = json_get(s->table, "wsl2"), *apple = json_get(s->table, "apple");
    const struct json *mps = json_get(apple, "mps"), *mlx = json_get(apple, "mlx"),
                      *intel = json_get(apple, "intel_mac");
    struct block *b = doc_facts(d, "Windows and macOS");
    facts_row(d, b, "WSL2", "%s; %s; memory %s", or_unknown(said(a, wsl, "min_windows")),
              or_unknown(said(a, wsl, "driver")), or_unknown(said(a, wsl, "memory_default")));
    facts_row(d, b, "its files", "%s", or_unknown(said(a, wsl, "filesystem")));
    facts_row(d, b, "Apple silicon",
              "PyTorch %s or newer on macOS %s or newer; MLX on macOS %s or newer",
              or_unknown(said(a, mps, "pytorch_min")), or_unknown(said(a, mps, "macos_min")),
              or_unknown(said(a, mlx, "macos_min")));
    facts_row(d, b, "Macs with Intel", "PyTorch up to %s, macOS %s or newer",
              or_unknown(said(a, intel, "pytorch_last")), or_unknown(said(a, intel, "macos_min")));
    facts_row(d, b, "memory for Apple's GPU", "%s",
              or_unknown(said(a, json_get(apple, "wired_limit"), "default")));
}

bool show_doc_software(struct doc *d, const struct context *in, const struct paper *p,
                       struct mu_err *err)
{
    struct software s = {.catalog = in->catalog};
    struct json *table;
    struct str text;
    if (!catalog_known(in->catalog, KNOWN_SOFTWARE, &s.row, &s.rows, err) ||
        !catalog_read(in->catalog, TABLE, &text, err) || !json_parse(text, TABLE, &table, err))
        return false;
    s.table = table;
    for (size_t i = 0; i < s.rows && !s.collected; i++) s.collected = s.row[i].collected;
    doc_heading(d, "Platforms");
    show_systems(d, &s);
    show_remarks(d, &s);
    doc_heading(d, "Software");
    show_asked(d, &s, p);
    if (needs_python(p)) {
        show_models(d, &s, p);
        show_pythons(d, &s);
    } else if (p->computed) {
        doc_note(d, TONE_PLAIN,
                 "Everything that is computed runs under llama.cpp; it needs no Python.");
    }
    json_free(table);
    return true;
}
