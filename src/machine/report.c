/* Writes a report: the guide's own document with ours around it, from one field table (report_rows.c). Reading is report_read.c.
 *
 * The budget is written beside the pools and places it is copied from, for readers that want nothing else. Facts of a machine made
 * from a line are written like any other's: what is not known is null, with the reason. */
#include "base/arena.h"
#include "machine/report_rows.h"

#include <math.h>

static struct budget_row budget_of(const struct machine *m)
{
    const struct pool *memory = machine_memory(m);
    const struct place *cpu = machine_cpu(m);
    struct budget_row b = {.memory_bytes = memory->usable_bytes,
                           .memory_bound_by = memory->bound_by};
    if (cpu) {
        b.threads = cpu->threads;
        b.threads_bound_by = cpu->bound_by;
    }
    return b;
}

static const struct pool_row *pool_rows(const struct machine *m, struct arena *a)
{
    struct pool_row *row = NEW_ARRAY(a, struct pool_row, m->pools);
    for (size_t i = 0; i < m->pools; i++) {
        const struct pool *p = &m->pool[i];
        row[i] = (struct pool_row){.kind = report_pool_words[p->kind],
                                   .name = p->name,
                                   .total_bytes = p->total_bytes,
                                   .usable_bytes = p->usable_bytes,
                                   .bound_by = p->bound_by};
    }
    return row;
}

static const struct place_row *place_rows(const struct machine *m, struct arena *a)
{
    struct place_row *row = NEW_ARRAY(a, struct place_row, m->places);
    for (size_t i = 0; i < m->places; i++) {
        const struct place *p = &m->place[i];
        row[i] = (struct place_row){.kind = report_place_words[p->kind],
                                    .name = p->name,
                                    .pool = p->pool,
                                    .threads = p->threads,
                                    .bound_by = p->bound_by,
                                    .part = p->part,
                                    .architecture = p->architecture,
                                    .backend = p->backend,
                                    .limit_bytes = p->limit_bytes,
                                    .power_w = p->power_w,
                                    .gpu = p->kind == PLACE_CPU ? (double)NAN : p->gpu};
    }
    return row;
}

static const struct link_row *link_rows(const struct machine *m, struct arena *a)
{
    struct link_row *row = NEW_ARRAY(a, struct link_row, m->links);
    for (size_t i = 0; i < m->links; i++) {
        const struct link *l = &m->link[i];
        row[i] = (struct link_row){l->from, l->to, l->words, l->bytes_per_s};
    }
    return row;
}

static const struct rate_row *rate_rows(const struct machine *m, struct arena *a)
{
    struct rate_row *row = NEW_ARRAY(a, struct rate_row, m->rates);
    for (size_t i = 0; i < m->rates; i++) {
        const struct rate *r = &m->rate[i];
        row[i] = (struct rate_row){.work = machine_work_word(r->work),
                                   .unit = machine_work_unit(r->work),
                                   .type = r->type == RATE_NO_TYPE ? (double)NAN : r->type,
                                   .tokens = r->tokens > 0 ? r->tokens : (double)NAN,
                                   .group = r->group > 0 ? r->group : (double)NAN,
                                   .cell = r->cell > 0 ? r->cell : (double)NAN,
                                   .row = r->row > 0 ? r->row : (double)NAN,
                                   .buffer = r->buffer,
                                   .place = r->place,
                                   .threads = r->threads,
                                   .per_s = r->per_s,
                                   .runs = r->runs,
                                   .conditions = r->conditions};
    }
    return row;
}

void report_write(const struct report *r, struct buf *out)
{
    enum { ROWS_BYTES = 64 << 20 };
    const struct machine *m = r->machine;
    struct arena *a = arena_new(ROWS_BYTES);
    struct report_document *d = NEW(a, struct report_document);
    *d = (struct report_document){
        .muster = MUSTER_VERSION,
        .schema = report_schema_name,
        .timestamp = r->timestamp,
        .hostname = r->hostname,
        .system = r->system,
        .benchmark = r->benchmark,
        .capabilities = r->capabilities,
        .capable = r->capable,
        .machine = {m->name, m->fingerprint, m->unmeasured},
        .budget = budget_of(m),
        .pool = pool_rows(m, a),
        .pools = m->pools,
        .place = place_rows(m, a),
        .places = m->places,
        .link = link_rows(m, a),
        .links = m->links,
        .rate = rate_rows(m, a),
        .rates = m->rates,
        .verdict = r->verdict,
        .verdicts = r->verdicts,
        .requirement = r->requirement,
        .requirements = r->requirements,
        .figure = r->figure,
        .figures = r->figures,
        .notes = r->notes,
        .note_count = r->note_count,
    };
    if (m->facts) d->facts = *m->facts;
    struct writer w = writer_of(out, false);
    fields_write(&report_document_table, d, &w);
    buf_char(out, '\n');
    arena_free(a);
}

void report_schema(struct buf *out)
{
    struct writer w = writer_of(out, false);
    writer_map(&w);
    writer_put_cstr(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    writer_put_cstr(&w, "title", report_schema_name);
    writer_put_cstr(
        &w, "description",
        "what a machine is, what one process may use of it, how fast it is, and what it can run");
    writer_key(&w, "properties");
    writer_map(&w);
    writer_key(&w, "schema");
    writer_map(&w);
    writer_put_cstr(&w, "const", report_schema_name);
    writer_map_end(&w);
    writer_map_end(&w);
    writer_key(&w, "allOf");
    writer_list(&w);
    fields_schema(&report_document_table, &w);
    writer_list_end(&w);
    writer_map_end(&w);
    buf_char(out, '\n');
}
