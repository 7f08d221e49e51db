/* Reads a report, ours or the guide's own, from bytes that anybody may have written.
 *
 * Ours has "schema": "report/1"; another number is refused by name. The guide's has none: its machine is made of `system`. Field tables
 * check kinds; here words, indices, bounds and the texts that may not be missing are checked, so that what comes out is safe to use as
 * a machine. Text is kept as it is, control characters included: who shows it makes it visible. Keys that are not known are ignored. */
#include "base/arena.h"
#include "base/err.h"
#include "machine/guide_system.h"
#include "machine/report_rows.h"

#include <math.h>
#include <string.h>

enum { ROWS_MOST = 4096, CONTEXT_MOST = 96 };

/* No true figure of a machine is larger: network file systems do say 2^63 bytes. By the end of a field's name, the last row for all
 * others. */
static const struct {
    const char *ends;
    double most;
} bounds[] = {
    {"bytes", 0x1p64},    {"_gb", 0x1p34},     {"threads", 65536},   {"cores", 65536},
    {"cpus", 65536},      {"packages", 65536}, {"cpu_count", 65536}, {"cpu_count_physical", 65536},
    {"instances", 65536}, {"", 1e18},
};

/* Texts that whoever shows or compares a machine relies on. */
static const struct {
    const char *table, *field;
} musts[] = {{"pool", "name"},         {"place", "name"}, {"cache", "name"}, {"cluster", "kind"},
             {"disk", "purpose"},      {"gpu", "sized"},  {"limit", "what"}, {"verdict", "id"},
             {"figure", "experiment"}, {"figure", "what"}};

struct checking {
    const char *name; /* of the report */
    struct mu_err *err;
};

static bool refuse(const struct checking *c, const struct fields *t, const struct field *f,
                   const char *what)
{
    return err_set(c->err, MU_DATA, "cannot use the report %s: %s of %s %s", c->name, f->name,
                   t->name, what);
}

static bool bounded(const struct checking *c, const struct fields *t, const struct field *f,
                    double x)
{
    size_t i = 0;
    while (!str_ends(str_of(f->name), str_of(bounds[i].ends))) i++;
    if (isnan(x) || (x >= 0 && x <= bounds[i].most)) return true;
    return err_set(c->err, MU_DATA,
                   "cannot use the report %s: %s of %s is %g, not between 0 and %g", c->name,
                   f->name, t->name, x, bounds[i].most);
}

static bool text_there(const struct checking *c, const struct fields *t, const struct field *f,
                       const char *text)
{
    for (size_t i = 0; !text && i < COUNT_OF(musts); i++)
        if (strcmp(t->name, musts[i].table) == 0 && strcmp(f->name, musts[i].field) == 0)
            return refuse(c, t, f, "must be text");
    return true;
}

static bool map_checked(const struct checking *c, const struct fields *t, const char *in);

static bool list_checked(const struct checking *c, const struct fields *t, const struct field *f,
                         const char *in)
{
    const char *items;
    size_t n;
    memcpy(&items, in + f->offset, sizeof items);
    memcpy(&n, in + f->count_offset, sizeof n);
    if (n > ROWS_MOST) return refuse(c, t, f, "has more rows than any machine");
    for (size_t i = 0; i < n; i++)
        if (!map_checked(c, f->of, items + i * f->of->size)) return false;
    return true;
}

static bool field_checked(const struct checking *c, const struct fields *t, const struct field *f,
                          const char *in)
{
    struct quantity q;
    struct estimate e;
    double x;
    const char *text;
    switch (f->kind) {
    case FIELD_TEXT: memcpy(&text, in + f->offset, sizeof text); return text_there(c, t, f, text);
    case FIELD_NUMBER: memcpy(&x, in + f->offset, sizeof x); return bounded(c, t, f, x);
    case FIELD_QUANTITY:
        memcpy(&q, in + f->offset, sizeof q);
        return bounded(c, t, f, known_or(q, (double)NAN));
    case FIELD_ESTIMATE:
        memcpy(&e, in + f->offset, sizeof e);
        return !estimate_known(e) || (bounded(c, t, f, e.low) && bounded(c, t, f, e.high));
    case FIELD_STRUCT: return map_checked(c, f->of, in + f->offset);
    case FIELD_LIST: return list_checked(c, t, f, in);
    case FIELD_BOOL:
    case FIELD_TEXTS: break;
    }
    return true;
}

/* Walks a filled struct by its table; the tables are ours and bound the depth. */
static bool map_checked(const struct checking *c, const struct fields *t, const char *in)
{
    for (size_t i = 0; i < t->count; i++)
        if (!field_checked(c, t, &t->field[i], in)) return false;
    return true;
}

static bool word_index(const char *const *words, size_t n, const char *word, size_t *out)
{
    for (size_t i = 0; word && i < n; i++)
        if (strcmp(words[i], word) == 0) {
            *out = i;
            return true;
        }
    return false;
}

/* A whole number below `count`. */
static bool index_of(double x, size_t count, uint16_t *out)
{
    if (!(x >= 0 && x < (double)count) || x != floor(x)) return false;
    *out = (uint16_t)x;
    return true;
}

static bool pools_read(const struct checking *c, const struct report_document *d, struct machine *m,
                       struct arena *a)
{
    struct pool *pool = NEW_ARRAY(a, struct pool, d->pools);
    bool memory = false;
    for (size_t i = 0; i < d->pools; i++) {
        const struct pool_row *row = &d->pool[i];
        size_t kind;
        if (!word_index(report_pool_words, REPORT_POOL_KINDS, row->kind, &kind))
            return err_set(c->err, MU_DATA,
                           "cannot use the report %s: pools[%zu] is of no known kind", c->name, i);
        pool[i] = (struct pool){.kind = (enum pool_kind)kind,
                                .name = row->name,
                                .total_bytes = row->total_bytes,
                                .usable_bytes = row->usable_bytes,
                                .bound_by = row->bound_by};
        memory = memory || kind == POOL_MEMORY || kind == POOL_SHARED;
    }
    m->pool = pool;
    m->pools = d->pools;
    return memory ||
           err_set(c->err, MU_DATA, "cannot use the report %s: it has no pool of memory", c->name);
}

/* What only an accelerator has: one of those that were seen. */
static bool accelerator_read(const struct place_row *row, size_t gpus, struct place *out)
{
    out->part = row->part;
    out->architecture = row->architecture;
    out->backend = row->backend;
    out->limit_bytes = row->limit_bytes;
    out->power_w = row->power_w;
    return out->kind == PLACE_CPU ? isnan(row->gpu) : index_of(row->gpu, gpus, &out->gpu);
}

static bool places_read(const struct checking *c, const struct report_document *d,
                        struct machine *m, struct arena *a)
{
    struct place *place = NEW_ARRAY(a, struct place, d->places);
    for (size_t i = 0; i < d->places; i++) {
        const struct place_row *row = &d->place[i];
        size_t kind;
        place[i] =
            (struct place){.name = row->name, .threads = row->threads, .bound_by = row->bound_by};
        const bool placed = word_index(report_place_words, REPORT_PLACE_KINDS, row->kind, &kind) &&
                            index_of(row->pool, m->pools, &place[i].pool) &&
                            m->pool[place[i].pool].kind != POOL_DISK;
        if (placed) place[i].kind = (enum place_kind)kind;
        if (!placed || !accelerator_read(row, d->facts.gpus, &place[i]))
            return err_set(c->err, MU_DATA,
                           "cannot use the report %s: places[%zu] is of no known kind, in no pool "
                           "of memory, or no GPU that was seen",
                           c->name, i);
    }
    m->place = place;
    m->places = d->places;
    return machine_cpu(m) ||
           err_set(c->err, MU_DATA, "cannot use the report %s: no CPU is among its places",
                   c->name);
}

static bool links_read(const struct checking *c, const struct report_document *d, struct machine *m,
                       struct arena *a)
{
    struct link *link = NEW_ARRAY(a, struct link, d->links);
    for (size_t i = 0; i < d->links; i++) {
        const struct link_row *row = &d->link[i];
        link[i] = (struct link){.words = row->words, .bytes_per_s = row->bytes_per_s};
        if (!index_of(row->from, m->pools, &link[i].from) ||
            !index_of(row->to, m->pools, &link[i].to) || link[i].from == link[i].to ||
            !(known_or(row->bytes_per_s, 1) > 0))
            return err_set(c->err, MU_DATA,
                           "cannot use the report %s: links[%zu] joins no two pools, or moves "
                           "nothing",
                           c->name, i);
    }
    m->link = link;
    m->links = d->links;
    return true;
}

/* What only some rates have; absent is none. */
static bool kind_read(const struct rate_row *row, struct rate *out)
{
    uint16_t type = RATE_NO_TYPE;
    if (!isnan(row->type) && !index_of(row->type, RATE_NO_TYPE, &type)) return false;
    out->type = (uint8_t)type;
    out->tokens = isnan(row->tokens) ? 0 : row->tokens;
    out->group = isnan(row->group) ? 0 : row->group;
    out->cell = isnan(row->cell) ? 0 : row->cell;
    out->row = isnan(row->row) ? 0 : row->row;
    out->buffer = row->buffer;
    return true;
}

static bool rates_read(const struct checking *c, const struct report_document *d, struct machine *m,
                       struct arena *a)
{
    struct rate *rate = NEW_ARRAY(a, struct rate, d->rates);
    for (size_t i = 0; i < d->rates; i++) {
        const struct rate_row *row = &d->rate[i];
        rate[i] = (struct rate){.threads = row->threads,
                                .per_s = row->per_s,
                                .runs = row->runs,
                                .conditions = row->conditions};
        if (!row->work || !machine_work_parse(row->work, &rate[i].work) ||
            !index_of(row->place, m->places, &rate[i].place) || isnan(row->threads) ||
            !kind_read(row, &rate[i]) || !estimate_known(row->per_s))
            return err_set(c->err, MU_DATA,
                           "cannot use the report %s: rates[%zu] is of no known work, type, place, "
                           "threads or speed",
                           c->name, i);
    }
    m->rate = rate;
    m->rates = d->rates;
    return true;
}

/* What no field table says: a cache's name begins with its level. */
static bool facts_checked(const struct checking *c, const struct facts *f)
{
    for (size_t i = 0; i < f->cpu.caches; i++)
        if (strlen(f->cpu.cache[i].name) < 2)
            return err_set(c->err, MU_DATA, "cannot use the report %s: a cache is called '%s'",
                           c->name, f->cpu.cache[i].name);
    for (size_t i = 0; i < f->disks; i++)
        if (!(f->disk[i].same_as <= (double)i))
            return err_set(c->err, MU_DATA,
                           "cannot use the report %s: same_as of disks[%zu] points ahead", c->name,
                           i);
    return true;
}

static bool machine_read(const struct checking *c, const struct report_document *d, struct arena *a,
                         const struct machine **out)
{
    struct machine *m = NEW(a, struct machine);
    *m = (struct machine){.name = d->machine.name,
                          .fingerprint = d->machine.fingerprint,
                          .unmeasured = d->machine.unmeasured,
                          .facts = &d->facts};
    if (!pools_read(c, d, m, a) || !places_read(c, d, m, a) || !links_read(c, d, m, a) ||
        !rates_read(c, d, m, a) || !facts_checked(c, &d->facts))
        return false;
    *out = m;
    return true;
}

enum writer_of_it { NOBODY, OURS, GUIDES, ANOTHER_VERSION };

static enum writer_of_it who_wrote(const struct json *root, struct str *schema)
{
    if (json_text(json_get(root, "schema"), schema)) {
        if (str_is(*schema, report_schema_name)) return OURS;
        return str_starts(*schema, S("report/")) ? ANOTHER_VERSION : NOBODY;
    }
    const struct json *system = json_get(root, "system");
    double ram;
    const bool like = json_kind(json_get(root, "capabilities")) == JSON_MAP_KIND &&
                      json_kind(json_get(root, "benchmark")) == JSON_MAP_KIND &&
                      json_number(json_get(system, "ram_gb"), &ram) &&
                      json_number(json_get(system, "ram_available_gb"), &ram);
    return like ? GUIDES : NOBODY;
}

static bool kind_checked(const struct json *root, const char *name, struct arena *a, bool *ours,
                         struct mu_err *err)
{
    struct str schema = {NULL, 0};
    const enum writer_of_it who = who_wrote(root, &schema);
    *ours = who == OURS;
    if (who == OURS || who == GUIDES) return true;
    if (schema.n > CONTEXT_MOST) schema.n = CONTEXT_MOST;
    if (who == ANOTHER_VERSION)
        return err_set(err, MU_DATA,
                       "cannot read the report %s: its schema is %s, this muster (" MUSTER_VERSION
                       ") reads %s; try `muster check` anew on that machine",
                       name, str_visible(a, schema), report_schema_name);
    if (schema.n)
        return err_set(err, MU_DATA,
                       "cannot read the report %s: it is a document of another kind, %s", name,
                       str_visible(a, schema));
    return err_set(err, MU_DATA,
                   "cannot read the report %s: it has neither \"schema\": \"%s\" nor the guide's "
                   "system, benchmark and capabilities",
                   name, report_schema_name);
}

static bool document_read(const struct json *root, const struct checking *c, struct arena *a,
                          struct report *out)
{
    struct report_document *d = NEW(a, struct report_document);
    bool ours;
    const struct machine *m = NULL;
    if (!kind_checked(root, c->name, a, &ours, c->err)) return false;
    if (!fields_read(&report_document_table, root, d, a, c->err))
        return err_add(c->err, "cannot read the report %s", c->name);
    if (!map_checked(c, &report_document_table, (const char *)d)) return false;
    if (ours && !machine_read(c, d, a, &m)) return false;
    if (!ours) m = guide_system_machine(&d->system, d->hostname, a);
    *out = (struct report){.timestamp = d->timestamp,
                           .hostname = d->hostname,
                           .system = d->system,
                           .benchmark = d->benchmark,
                           .capabilities = d->capabilities,
                           .capable = d->capable,
                           .machine = m,
                           .verdict = d->verdict,
                           .verdicts = d->verdicts,
                           .requirement = d->requirement,
                           .requirements = d->requirements,
                           .figure = d->figure,
                           .figures = d->figures,
                           .notes = d->notes,
                           .note_count = d->note_count};
    return true;
}

bool report_read(struct str text, const char *name, struct arena *a, struct report *out,
                 struct mu_err *err)
{
    struct json *root;
    if (!json_parse(text, name, &root, err)) return err_add(err, "cannot read the report");
    const struct checking c = {name, err};
    const bool read = document_read(root, &c, a, out);
    json_free(root);
    return read;
}

bool report_is(struct str text)
{
    struct json *root;
    struct str schema;
    if (!json_parse(text, "", &root, NULL)) return false;
    const enum writer_of_it who = who_wrote(root, &schema);
    json_free(root);
    return who != NOBODY;
}
