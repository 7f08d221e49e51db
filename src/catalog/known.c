/* catalog/known.c - whole rows of the tables, laid flat for people to read.
 *
 * The typed readers (part_*.c, quants.c) run first, so that a mistake in a user's file is told once and in the same words. Which lists
 * of which files make a kind is one table. Left out: what the figures mean, and in which order they matter (verb/v_facts.c). */
#include "catalog/known.h"
#include "base/arena.h"
#include "catalog/parts.h"
#include "catalog/sources.h"
#include "catalog/table.h"
#include "catalog/types.h"

_Static_assert((int)KNOWN_KIND_COUNT == (int)KINDS_KNOWN, "one place in the cache for each kind");

#include <assert.h>
#include <math.h>
#include <string.h>

enum { DEPTH_MOST = 8, FIRST_ROOM = 32, TEXT_BYTES = 4096, NEAR_MOST = 16 };

struct list {
    enum known_kind kind;
    bool whole; /* the user's list takes the place of ours as a whole */
    const char *file;
    const char *inside; /* the map that holds the list, or NULL */
    const char *list, *key;
    const char *prefix; /* put in front of a name that is only a number: "cuda" 12.4 */
    const char *what;
};

static const struct list lists[] = {
    {KNOWN_GPU, false, "gpus.json", NULL, "entries", "name", NULL, "GPU"},
    {KNOWN_CPU, false, "cpus.json", NULL, "entries", "name", NULL, "CPU"},
    {KNOWN_CLOUD, false, "clouds.json", NULL, "entries", "name", NULL, "cloud instance"},
    {KNOWN_MODEL, false, "models.json", NULL, "entries", "hf_id", NULL, "model"},
    {KNOWN_QUANT, false, "quants.json", NULL, "mixes", "name", NULL, "mix of weight types"},
    {KNOWN_QUANT, false, "quants.json", NULL, "ggml_types", "name", NULL, "weight type"},
    {KNOWN_QUANT, false, "quants.json", NULL, "other_formats", "name", NULL, "format outside GGUF"},
    {KNOWN_QUANT, false, "quants.json", NULL, "kv_cache_types", "name", NULL, "KV cache type"},
    {KNOWN_QUANT, true, "quants.json", "llama3_8b_scoreboard", "rows", "type", NULL,
     "measured loss"},
    {KNOWN_QUANT, true, "quants.json", "llama2_vs_llama3", "rows", "type", NULL, "loss by model"},
    {KNOWN_SOFTWARE, false, "software.json", NULL, "cuda", "cuda", "CUDA", "CUDA toolkit"},
    {KNOWN_SOFTWARE, false, "software.json", NULL, "driver_branches", "branch", NULL,
     "driver branch"},
    {KNOWN_SOFTWARE, false, "software.json", NULL, "compute_capabilities", "cc",
     "compute capability", "compute capability"},
    {KNOWN_SOFTWARE, false, "software.json", NULL, "features", "feature", NULL,
     "feature of hardware"},
    {KNOWN_SOFTWARE, false, "software.json", NULL, "pytorch", "torch", "PyTorch", "PyTorch"},
    {KNOWN_SOFTWARE, false, "software.json", NULL, "transformers", "transformers", "transformers",
     "transformers"},
    {KNOWN_SOFTWARE, false, "software.json", NULL, "rocm", "rocm", "ROCm", "ROCm"},
    {KNOWN_SOFTWARE, false, "software.json", NULL, "python", "python", "Python", "Python"},
    {KNOWN_SOFTWARE, false, "software.json", NULL, "operating_systems", "name", NULL,
     "operating system"},
    {KNOWN_SOFTWARE, false, "software.json", NULL, "other", "name", NULL, "software"},
    {KNOWN_SOURCE, false, "sources.json", NULL, "entries", "repository", NULL, "GGUF files"},
    {KNOWN_SOURCE, false, "sources.json", NULL, "library", "tag", NULL, "Ollama's library"},
    {KNOWN_SOURCE, false, "sources.json", NULL, "programs", "name", NULL, "line that fetches"},
    {KNOWN_SOURCE, false, "sources.json", NULL, "disks", "name", NULL, "slow disk"},
    {KNOWN_GUIDE, false, "guide_lines.json", NULL, "entries", "name", NULL, "line of a guide"},
};

const char *known_word(enum known_kind kind)
{
    static const char *const words[] = {
#define KNOWN_WORD(kind, word) word,
        KNOWN_KINDS(KNOWN_WORD)
#undef KNOWN_WORD
    };
    return words[kind];
}

/* ---- one row, laid flat ---- */

struct growing {
    struct arena *arena;
    struct known_fact *fact;
    size_t facts, room;
};

static void add(struct growing *g, struct known_fact f)
{
    if (g->facts == g->room) {
        const size_t room = g->room ? g->room * 2 : FIRST_ROOM;
        struct known_fact *larger = NEW_ARRAY(g->arena, struct known_fact, room);
        if (g->facts) memcpy(larger, g->fact, g->facts * sizeof *larger);
        g->fact = larger;
        g->room = room;
    }
    g->fact[g->facts++] = f;
}

static const char *number_words(struct arena *a, double x)
{
    return str_format(a, "%.15g", x == 0 ? 0 : x); /* no minus in front of nothing */
}

/* A value that holds nothing else. */
static bool scalar(const struct json *j)
{
    return json_kind(j) != JSON_MAP_KIND && json_kind(j) != JSON_LIST_KIND;
}

static bool scalars(const struct json *list)
{
    for (size_t i = 0; i < json_count(list); i++)
        if (!scalar(json_at(list, i))) return false;
    return true;
}

static struct known_fact fact_of(struct arena *a, const char *key, const struct json *j)
{
    struct known_fact f = {.key = key, .kind = json_kind(j), .text = "", .number = (double)NAN};
    struct str text;
    if (json_text(j, &text)) f.text = str_copy(a, text);
    if (json_number(j, &f.number)) f.text = number_words(a, f.number);
    if (json_bool(j, &f.flag)) f.text = f.flag ? "yes" : "no";
    return f;
}

static struct known_fact list_fact(struct arena *a, const char *key, const struct json *list)
{
    struct known_fact f = {.key = key, .kind = JSON_LIST_KIND, .number = (double)NAN};
    const char **item = NEW_ARRAY(a, const char *, json_count(list));
    struct buf all;
    buf_init(&all, TEXT_BYTES);
    for (size_t i = 0; i < json_count(list); i++) {
        item[i] = fact_of(a, key, json_at(list, i)).text;
        buf_format(&all, "%s%s", i ? ", " : "", item[i]);
    }
    f.item = item;
    f.items = json_count(list);
    f.text = str_copy(a, buf_text(&all));
    buf_release(&all);
    return f;
}

struct frame {
    const struct json *j;
    const char *path, *key;
    size_t next;
};

/* The next value inside a frame and its path, or NULL when there is none left. */
static const struct json *step(struct frame *f, struct arena *a, const char **path)
{
    if (json_kind(f->j) == JSON_MAP_KIND) {
        const struct json *child = json_next(f->j, &f->key);
        if (child)
            *path =
                *f->path ? str_format(a, "%s.%s", f->path, f->key) : str_copy(a, str_of(f->key));
        return child;
    }
    const struct json *child = json_at(f->j, f->next);
    if (child) *path = str_format(a, "%s[%zu]", f->path, f->next++);
    return child;
}

/* Deeper than DEPTH_MOST nothing is read: no table of ours goes there. */
static void lay_flat(struct growing *g, const struct json *row)
{
    struct frame frame[DEPTH_MOST] = {{.j = row, .path = ""}};
    size_t depth = 1;
    while (depth) {
        const char *path;
        const struct json *child = step(&frame[depth - 1], g->arena, &path);
        if (!child)
            depth--;
        else if (scalar(child))
            add(g, fact_of(g->arena, path, child));
        else if (json_kind(child) == JSON_LIST_KIND && scalars(child))
            add(g, list_fact(g->arena, path, child));
        else if (depth < DEPTH_MOST)
            frame[depth++] = (struct frame){.j = child, .path = path};
    }
}

/* ---- rows ---- */

struct known {
    struct known_row *row;
    size_t rows, room;
};

static const char *text_in(const struct json *map, const char *key, struct arena *a)
{
    struct str text;
    return json_text(json_get(map, key), &text) ? str_copy(a, text) : NULL;
}

static const char *first_text(struct arena *a, const struct json *row, const struct json *tree,
                              const char *const *keys)
{
    for (const char *const *k = keys; *k; k++) {
        const char *text = text_in(row, *k, a);
        if (text) return text;
    }
    return text_in(tree, keys[0], a);
}

static const char *name_of(const struct list *l, const struct json *row, struct arena *a)
{
    const struct known_fact f = fact_of(a, l->key, json_get(row, l->key));
    const char *version = l->prefix ? NULL : text_in(row, "version", a);
    if (!*f.text) return NULL;
    if (version && l->kind == KNOWN_SOFTWARE) return str_format(a, "%s %s", f.text, version);
    return l->prefix ? str_format(a, "%s %s", l->prefix, f.text) : f.text;
}

static void spell(struct known_row *r, const struct json *row, struct arena *a)
{
    const struct json *aliases = json_get(row, "aliases");
    const char *driver_name = text_in(row, "driver_name", a);
    const char *provider = text_in(row, "provider", a);
    const char *slash = strrchr(r->name, '/');
    const char **s = NEW_ARRAY(a, const char *, json_count(aliases) + 4);
    s[r->spellings++] = r->name;
    if (slash && slash[1] && !provider) s[r->spellings++] = slash + 1;
    if (driver_name) s[r->spellings++] = driver_name;
    if (provider) s[r->spellings++] = str_format(a, "%s %s", provider, r->name);
    for (size_t i = 0; i < json_count(aliases); i++)
        s[r->spellings++] = fact_of(a, "aliases", json_at(aliases, i)).text;
    r->spelling = s;
}

/* A price of rent has a date of its own; other dates in a row are not that of what the row says. */
static const char *const dates[] = {"collected", "price_date", NULL};
static const char *const sources[] = {"source", "quality_source", NULL};
static const char *const provenances[] = {"provenance", NULL};
static const char *const confidences[] = {"confidence", NULL};

static void add_row(struct known *k, const struct list *l, const struct sheets *s, size_t sheet,
                    const struct json *row, struct arena *a)
{
    const struct json *tree = s->tree[sheet];
    const struct json *around = l->inside ? json_get(tree, l->inside) : NULL;
    const char *name = name_of(l, row, a);
    if (!name) return;
    struct growing g = {.arena = a};
    lay_flat(&g, row);
    const char *key = NULL;
    for (const struct json *j = json_next(around, &key); j; j = json_next(around, &key))
        if (scalar(j) && !json_get(row, key)) add(&g, fact_of(a, str_copy(a, str_of(key)), j));
    struct known_row *r = &k->row[k->rows++];
    *r = (struct known_row){.name = name,
                            .what = l->what,
                            .file = s->path[sheet],
                            .own = sheet + 1 < s->count,
                            .collected = first_text(a, row, tree, dates),
                            .source = first_text(a, row, around ? around : tree, sources),
                            .confidence = first_text(a, row, tree, confidences),
                            .fact = g.fact,
                            .facts = g.facts};
    if (!r->source) r->source = first_text(a, row, tree, provenances);
    spell(r, row, a);
}

static bool named_already(const struct known *k, size_t from, const char *name, struct arena *a)
{
    const struct str plain = str_of(str_plain(a, str_of(name)));
    for (size_t i = from; i < k->rows; i++)
        if (str_is(plain, str_plain(a, str_of(k->row[i].name)))) return true;
    return false;
}

static const struct json *list_in(const struct list *l, const struct json *tree)
{
    return json_get(l->inside ? json_get(tree, l->inside) : tree, l->list);
}

/* A list of both files; the rows of the user's file stand first. */
static void add_list(struct known *k, const struct list *l, const struct sheets *s, struct arena *a)
{
    const size_t from = k->rows;
    for (size_t i = 0; i < s->count; i++) {
        const struct json *list = list_in(l, s->tree[i]);
        const size_t before = k->rows;
        for (size_t n = 0; n < json_count(list); n++) {
            const struct json *row = json_at(list, n);
            const char *name = name_of(l, row, a);
            const bool again = i && before > from && name && named_already(k, from, name, a);
            if (!again) add_row(k, l, s, i, row, a);
        }
        if (l->whole && k->rows > from) return;
    }
}

/* The typed reader of a kind's file, which says what is wrong with it. */
static bool sound(const struct catalog *c, enum known_kind kind, struct mu_err *err)
{
    const struct gpu_part *gpu;
    const struct cpu_part *cpu;
    const struct cloud_part *cloud;
    const struct model_part *model;
    const struct mix *mix;
    const struct fetch_sources *fetched;
    size_t n;
    switch (kind) {
    case KNOWN_GPU: return catalog_gpus(c, &gpu, &n, err);
    case KNOWN_CPU: return catalog_cpus(c, &cpu, &n, err);
    case KNOWN_CLOUD: return catalog_clouds(c, &cloud, &n, err);
    case KNOWN_MODEL: return catalog_models(c, &model, &n, err);
    case KNOWN_QUANT: return catalog_mixes(c, &mix, &n, err);
    case KNOWN_SOURCE: return catalog_sources(c, &fetched, err);
    case KNOWN_SOFTWARE:
    case KNOWN_GUIDE:
    case KNOWN_KIND_COUNT: break;
    }
    return true;
}

static size_t rows_in(enum known_kind kind, const struct sheets *s)
{
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        for (size_t k = 0; lists[i].kind == kind && k < s->count; k++)
            n += json_count(list_in(&lists[i], s->tree[k]));
    return n;
}

bool catalog_known(const struct catalog *c, enum known_kind kind, const struct known_row **out,
                   size_t *count, struct mu_err *err)
{
    const struct known *kept = c->cache->known[kind];
    if (!kept) {
        struct sheets s;
        const char *file = NULL;
        for (size_t i = COUNT_OF(lists); i--;)
            if (lists[i].kind == kind) file = lists[i].file;
        if (!sound(c, kind, err) || !sheets_open(c, file, &s, err)) return false;
        struct known *k = NEW(c->arena, struct known);
        k->row = NEW_ARRAY(c->arena, struct known_row, rows_in(kind, &s));
        for (size_t i = 0; i < COUNT_OF(lists); i++)
            if (lists[i].kind == kind) add_list(k, &lists[i], &s, c->arena);
        sheets_close(&s);
        c->cache->known[kind] = kept = k;
    }
    *out = kept->row;
    *count = kept->rows;
    return arena_within(c->arena, err);
}

const struct known_fact *known_fact_of(const struct known_row *row, const char *key)
{
    for (size_t i = 0; i < row->facts; i++)
        if (strcmp(row->fact[i].key, key) == 0) return &row->fact[i];
    return NULL;
}

/* ---- by name ---- */

/* "24GB", "12 GiB": a word that is a size. */
static bool is_size(struct str word)
{
    size_t digits = 0;
    while (digits < word.n && word.p[digits] >= '0' && word.p[digits] <= '9') digits++;
    const struct str unit = {word.p + digits, word.n - digits};
    return digits && (str_eq_nocase(unit, S("GB")) || str_eq_nocase(unit, S("GiB")));
}

/* What stands in front of the last `at` of a name; the empty text when there is none. */
static struct str in_front_of(struct str s, char at, char or)
{
    while (s.n && s.p[s.n - 1] != at && s.p[s.n - 1] != or) s.n--;
    if (s.n) s.n--;
    return s;
}

/* What is left of a name without what tells cards of one name apart: a size of memory, a remark in brackets. */
static struct str without_variant(struct str s)
{
    s = str_trim(s);
    const bool remark = s.n && s.p[s.n - 1] == ')';
    const struct str rest = remark ? in_front_of(s, '(', '(') : in_front_of(s, ' ', '-');
    if (!rest.n) return s;
    const struct str last = {s.p + rest.n + 1, s.n - rest.n - 1};
    return remark || is_size(last) ? str_trim(rest) : s;
}

static bool same(struct arena *a, const char *plain, struct str spelling)
{
    return strcmp(plain, str_plain(a, spelling)) == 0;
}

static bool is_called(const struct known_row *r, enum known_kind kind, const char *plain,
                      struct arena *a)
{
    for (size_t i = 0; i < r->spellings; i++) {
        const struct str s = str_of(r->spelling[i]);
        if (same(a, plain, s)) return true;
        if (kind == KNOWN_GPU && same(a, plain, without_variant(s))) return true;
    }
    return false;
}

static bool has_pci_id(const struct known_row *r, struct str id)
{
    const struct known_fact *ids = known_fact_of(r, "pci_ids");
    for (size_t i = 0; ids && i < ids->items; i++)
        if (str_eq_nocase(id, str_of(ids->item[i]))) return true;
    return false;
}

/* The row that the typed look-up takes for a name that no row spells so: with a size behind it, as systems write it, without endings. */
static const char *taken_for(const struct catalog *c, enum known_kind kind, struct str name)
{
    const struct gpu_part *gpu = NULL;
    const struct model_part *model = NULL;
    const struct cpu_part *cpu = kind == KNOWN_CPU ? catalog_cpu(c, name) : NULL;
    const struct mix *mix = kind == KNOWN_QUANT ? catalog_mix(c, name) : NULL;
    if (kind == KNOWN_GPU) (void)catalog_gpu(c, name, (double)NAN, &gpu);
    if (kind == KNOWN_MODEL) (void)catalog_model(c, name, &model, NULL);
    return gpu ? gpu->name : cpu ? cpu->name : model ? model->hf_id : mix ? mix->name : NULL;
}

static bool may_be_meant(const struct catalog *c, enum known_kind kind, const struct known_row *r,
                         struct str name)
{
    return is_called(r, kind, str_plain(c->arena, name), c->arena) ||
           (kind == KNOWN_GPU && has_pci_id(r, name));
}

size_t known_named(const struct catalog *c, enum known_kind kind, struct str name,
                   const struct known_row *out[], size_t most)
{
    const struct known_row *row;
    size_t rows;
    size_t n = 0;
    if (!*str_plain(c->arena, name) || !catalog_known(c, kind, &row, &rows, NULL)) return 0;
    const char *taken = taken_for(c, kind, name);
    for (size_t i = 0; i < rows && n < most; i++) {
        const bool alias = kind == KNOWN_QUANT && taken && strcmp(taken, row[i].name) == 0;
        if (alias || may_be_meant(c, kind, &row[i], name)) out[n++] = &row[i];
    }
    for (size_t i = 0; !n && taken && i < rows; i++)
        if (strcmp(taken, row[i].name) == 0) out[n++] = &row[i];
    return n;
}

struct distant {
    const char *name;
    size_t edits;
};

static void keep_near(struct distant *best, size_t *n, size_t most, struct distant d)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(best[i].name, d.name) == 0) return;
    size_t at = *n < most ? (*n)++ : most;
    while (at && best[at - 1].edits > d.edits) {
        if (at < most) best[at] = best[at - 1];
        at--;
    }
    if (at < most) best[at] = d;
}

size_t known_near(const struct catalog *c, enum known_kind kind, struct str name, const char *out[],
                  size_t most)
{
    struct distant best[NEAR_MOST];
    const struct known_row *row;
    size_t rows;
    size_t n = 0;
    const struct str plain = str_of(str_plain(c->arena, name));
    assert(most && most <= NEAR_MOST);
    if (!plain.n || !catalog_known(c, kind, &row, &rows, NULL)) return 0;
    for (size_t i = 0; i < rows; i++) {
        size_t edits = SIZE_MAX;
        for (size_t k = 0; k < row[i].spellings; k++) {
            const struct str s = str_of(str_plain(c->arena, str_of(row[i].spelling[k])));
            const size_t d = str_has(s, plain) ? 1 : str_distance(plain, s);
            if (d < edits) edits = d;
        }
        if (edits <= plain.n / 3) keep_near(best, &n, most, (struct distant){row[i].name, edits});
    }
    for (size_t i = 0; i < n; i++) out[i] = best[i].name;
    return n;
}

bool known_holds(const struct known_row *row, struct str words, struct arena *a)
{
    while (words.p) {
        const struct str word = str_of(str_plain(a, str_cut(&words, ' ')));
        bool found = false;
        for (size_t i = 0; !found && i < row->spellings; i++)
            found = str_has(str_of(str_plain(a, str_of(row->spelling[i]))), word);
        for (size_t i = 0; !found && i < row->facts; i++)
            found = row->fact[i].kind != JSON_NUMBER_KIND && row->fact[i].kind != JSON_BOOL_KIND &&
                    str_has(str_of(str_plain(a, str_of(row->fact[i].text))), word);
        if (!found) return false;
    }
    return true;
}
