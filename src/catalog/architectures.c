/* catalog/architectures.c - how llama.cpp builds each architecture's graph and where its CPU backend puts matrices.
 *
 * Rows of data/architectures.json and data/buffers.json, bound to the structs of architecture.h; weight types by name, through the
 * table of types. An architecture may have aliases: the spellings model files and the catalogue use for it. */
#include "base/arena.h"
#include "catalog/architecture.h"
#include "catalog/table.h"
#include "catalog/types.h"

#include <math.h>

struct architecture_row {
    struct architecture a;
    const char *parallel, *recurrence;
    const char *const *aliases;
    size_t alias_count;
};
struct architectures {
    struct architecture *row;
    size_t count;
    struct names names;
};

static const struct field architecture_field[] = {
    ROW_TEXT(architecture_row, "name", a.name),
    ROW_TEXTS(architecture_row, "aliases", aliases, alias_count),
    ROW_TEXT(architecture_row, "unruled", a.unruled),
    ROW_FLAG(architecture_row, "checked", a.checked),
    ROW_TEXT(architecture_row, "source", a.source),
    ROW_FLAG(architecture_row, "encoder", a.encoder),
    ROW_FLAG(architecture_row, "layer_norm", a.layer_norm),
    ROW_FLAG(architecture_row, "norm_after", a.norm_after),
    ROW_FLAG(architecture_row, "post_norms", a.post_norms),
    ROW_FLAG(architecture_row, "embedding_scaled", a.embedding_scaled),
    ROW_FLAG(architecture_row, "learned_positions", a.learned_positions),
    ROW_FLAG(architecture_row, "rope", a.rope),
    ROW_FLAG(architecture_row, "fused_qkv", a.fused_qkv),
    ROW_FLAG(architecture_row, "fused_qkv_bias", a.fused_qkv_bias),
    ROW_FLAG(architecture_row, "fused_gate_up", a.fused_gate_up),
    ROW_FLAG(architecture_row, "gated_ffn", a.gated_ffn),
    ROW_FLAG(architecture_row, "projection_bias", a.projection_bias),
    ROW_FLAG(architecture_row, "key_before_value", a.key_before_value),
    ROW_FLAG(architecture_row, "query_scaled", a.query_scaled),
    ROW_FLAG(architecture_row, "attention_softcap", a.attention_softcap),
    ROW_FLAG(architecture_row, "final_softcap", a.final_softcap),
    ROW_FLAG(architecture_row, "residual_first", a.residual_first),
    ROW_FLAG(architecture_row, "expert_weights_normalised", a.expert_weights_normalised),
    ROW_NUMBER(architecture_row, "window_period", a.window_period),
    ROW_NUMBER(architecture_row, "window_tokens", a.window_tokens),
    ROW_FLAG(architecture_row, "window_rope", a.window_rope),
    ROW_NUMBER(architecture_row, "unrotated_every", a.unrotated_every),
    ROW_FLAG(architecture_row, "norms_behind", a.norms_behind),
    ROW_FLAG(architecture_row, "output_is_embedding", a.output_is_embedding),
    ROW_FLAG(architecture_row, "late_rows", a.late_rows),
    ROW_FLAG(architecture_row, "query_tempered", a.query_tempered),
    ROW_NUMBER(architecture_row, "positions_per_token", a.positions_per_token),
    ROW_NUMBER(architecture_row, "deepstack_layers", a.deepstack_layers),
    ROW_TEXT(architecture_row, "parallel", parallel),
    ROW_TEXT(architecture_row, "recurrence", recurrence),
    ROW_FLAG(architecture_row, "unplanned", a.unplanned),
    ROW_FLAG(architecture_row, "gated_query", a.gated_query),
    ROW_FLAG(architecture_row, "dense_beside", a.dense_beside),
    ROW_FLAG(architecture_row, "unlike_layers", a.unlike_layers),
    ROW_FLAG(architecture_row, "output_again", a.output_again),
    ROW_FLAG(architecture_row, "fused_decay", a.fused_decay),
    ROW_FLAG(architecture_row, "one_part", a.one_part),
    ROW_FLAG(architecture_row, "scan_norms", a.scan_norms),
    ROW_NUMBER(architecture_row, "context_tokens", a.context_tokens),
    ROW_FLAG(architecture_row, "dense_first", a.dense_first),
    ROW_FLAG(architecture_row, "first_bare", a.first_bare),
    ROW_FLAG(architecture_row, "output_unused", a.output_unused),
    ROW_NUMBER(architecture_row, "own_caches", a.own_caches),
    ROW_TEXT(architecture_row, "first_norm", a.first_norm),
    ROW_TEXT(architecture_row, "second_norm", a.second_norm),
    ROW_TEXT(architecture_row, "output_norm", a.output_norm),
    ROW_TEXT(architecture_row, "router_bias", a.router_bias),
    ROW_FLAG(architecture_row, "ffn_is_expert", a.ffn_is_expert),
    ROW_FLAG(architecture_row, "experts_one_by_one", a.experts_one_by_one),
    ROW_FLAG(architecture_row, "router_in_float", a.router_in_float),
    ROW_TEXTS(architecture_row, "keys", a.keys, a.key_count),
};
static const struct fields architecture_fields = ROW_FIELDS(architecture_row, architecture_field);

static bool word_number(const char *text, const char *const *words, size_t count, size_t *out)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(str_of(text), words[i])) {
            *out = i;
            return true;
        }
    return false;
}

/* Both words of a row. */
static bool read_words(const struct architecture_row *row, struct architecture *out)
{
#define WORD(name, text) text,
    static const char *const parallels[] = {PARALLELS(WORD)};
    static const char *const recurrences[] = {RECURRENCES(WORD)};
#undef WORD
    size_t parallel, recurrence;
    if (!word_number(row->parallel, parallels, COUNT_OF(parallels), &parallel) ||
        !word_number(row->recurrence, recurrences, COUNT_OF(recurrences), &recurrence))
        return false;
    out->parallel = (enum parallel)parallel;
    out->recurrence = (enum recurrence)recurrence;
    return true;
}

/* Absent figures become what is usual. */
static bool finish_row(const struct architecture_row *row, struct architecture *out,
                       struct mu_err *err)
{
    *out = row->a;
    if (isnan(out->window_period)) out->window_period = 0;
    if (isnan(out->window_tokens)) out->window_tokens = 0;
    if (isnan(out->positions_per_token)) out->positions_per_token = 1;
    if (isnan(out->deepstack_layers)) out->deepstack_layers = 0;
    if (isnan(out->unrotated_every)) out->unrotated_every = 0;
    if (isnan(out->context_tokens)) out->context_tokens = 0;
    if (isnan(out->own_caches)) out->own_caches = 0;
    if (read_words(row, out)) return true;
    return err_set(err, MU_DATA,
                   "architectures.json: %s: \"parallel\" or \"recurrence\" is not one of the words "
                   "known",
                   row->a.name);
}

static const void *load_architectures(const struct catalog *c, struct mu_err *err)
{
    struct rows rows;
    if (!entries_read(c, "architectures.json", &architecture_fields,
                      offsetof(struct architecture_row, a.name), &rows, err))
        return NULL;
    const struct architecture_row *row = rows.row;
    struct architectures *all = NEW(c->arena, struct architectures);
    all->row = NEW_ARRAY(c->arena, struct architecture, rows.count);
    all->count = rows.count;
    all->names = names_new(c->arena);
    for (size_t i = 0; i < rows.count; i++) {
        if (!finish_row(&row[i], &all->row[i], err)) return NULL;
        names_add(&all->names, row[i].a.name, i, 0);
        names_add_all(&all->names, row[i].aliases, row[i].alias_count, i, 1);
    }
    names_sort(&all->names);
    return all;
}

bool catalog_architectures(const struct catalog *c, const struct architecture **out, size_t *count,
                           struct mu_err *err)
{
    const struct architectures *all = part_once(c, PART_ARCHITECTURES, load_architectures, err);
    if (!all) return false;
    *out = all->row;
    *count = all->count;
    return true;
}

const struct architecture *catalog_architecture(const struct catalog *c, struct str name)
{
    const struct architectures *all = part_once(c, PART_ARCHITECTURES, load_architectures, NULL);
    const size_t i = all ? names_row(&all->names, name) : SIZE_MAX;
    return i == SIZE_MAX ? NULL : &all->row[i];
}

/* ---- buffers ---- */

struct growth_row {
    const char *type, *feature;
    double numerator, denominator;
};
struct buffer_row {
    const char *name, *heads_fail;
    double rows_multiple;
    bool experts, twice_when_tied;
    const struct growth_row *row;
    size_t rows;
};
struct buffers {
    struct buffer_rule *rule;
    size_t count;
};

static const struct field growth_field[] = {
    ROW_TEXT(growth_row, "type", type),
    ROW_TEXT(growth_row, "feature", feature),
    ROW_NUMBER(growth_row, "growth_numerator", numerator),
    ROW_NUMBER(growth_row, "growth_denominator", denominator),
};
static const struct fields growth_fields = ROW_FIELDS(growth_row, growth_field);

static const struct field buffer_field[] = {
    ROW_TEXT(buffer_row, "name", name),
    ROW_NUMBER(buffer_row, "rows_multiple", rows_multiple),
    ROW_FLAG(buffer_row, "experts", experts),
    ROW_FLAG(buffer_row, "twice_when_tied", twice_when_tied),
    ROW_TEXT(buffer_row, "heads_fail", heads_fail),
    ROW_LIST(buffer_row, "types", row, rows, growth_fields),
};
static const struct fields buffer_fields = ROW_FIELDS(buffer_row, buffer_field);

static bool read_buffer(const struct catalog *c, const struct buffer_row *in,
                        struct buffer_rule *out, struct mu_err *err)
{
    *out = (struct buffer_rule){.name = in->name,
                                .rows_multiple = in->rows_multiple,
                                .experts = in->experts,
                                .twice_when_tied = in->twice_when_tied,
                                .heads_fail = in->heads_fail};
    if (!(in->rows_multiple >= 1))
        return err_set(err, MU_DATA, "rows_multiple must be a number from 1");
    if (in->rows > COUNT_OF(out->row))
        return err_set(err, MU_DATA, "at most %zu types", COUNT_OF(out->row));
    for (size_t i = 0; i < in->rows; i++) {
        const struct growth_row *g = &in->row[i];
        const struct weight_type *type = g->type ? catalog_type(c, str_of(g->type)) : NULL;
        if (!type || !(g->numerator > 0) || !(g->denominator > 0))
            return err_set(err, MU_DATA,
                           "types[%zu] needs a type of quants.json and two growth figures over 0",
                           i);
        out->row[i].type = type->id;
        out->row[i].growth = g->numerator / g->denominator;
        out->row[i].feature = g->feature;
    }
    out->rows = in->rows;
    return true;
}

static const void *load_buffers(const struct catalog *c, struct mu_err *err)
{
    struct rows rows;
    if (!catalog_types(c, err) || !entries_read(c, "buffers.json", &buffer_fields,
                                                offsetof(struct buffer_row, name), &rows, err))
        return NULL;
    const struct buffer_row *row = rows.row;
    struct buffers *all = NEW(c->arena, struct buffers);
    all->rule = NEW_ARRAY(c->arena, struct buffer_rule, rows.count);
    all->count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        if (!read_buffer(c, &row[i], &all->rule[i], err)) {
            err_add(err, "buffers.json: %s", row[i].name);
            return NULL;
        }
    return all;
}

const struct buffer_rule *catalog_buffers(const struct catalog *c, size_t *count)
{
    const struct buffers *all = part_once(c, PART_BUFFERS, load_buffers, NULL);
    *count = all ? all->count : 0;
    return all ? all->rule : NULL;
}

const struct buffer_rule *catalog_buffer(const struct catalog *c, const char *name)
{
    size_t count;
    const struct buffer_rule *rule = catalog_buffers(c, &count);
    for (size_t i = 0; i < count; i++)
        if (str_is(str_of(name), rule[i].name)) return &rule[i];
    return NULL;
}
