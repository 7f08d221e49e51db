/* catalog/quants.c - weight types and the mixes llama-quantize makes of them, from data/quants.json.
 *
 * Conditions and tensor categories of a mix are named predicates, known by their exact text; one that is not known is refused when the
 * table is read, so that a rule can never be passed over. The loss of a mix is what the scoreboard of that file says: without importance
 * matrix where listed, else the first row with one. What the rules mean for a tensor is decided in model/. */
#include "base/arena.h"
#include "catalog/table.h"
#include "catalog/types.h"

#include <math.h>

enum { LARGEST_BLOCK = 1 << 20, LARGEST_FILE_TYPE = 65535 };

struct type_row {
    const char *name, *fallback;
    double id, block, block_bytes;
    bool storable;
};
struct rule_row {
    const char *condition, *type;
};
struct mix_row {
    const char *name, *base;
    double file_type, bits_per_weight;
    struct {
        const struct rule_row *row;
        size_t count;
    } rules[CLASS_COUNT];
};
struct score_row {
    const char *type, *imatrix;
    double delta;
};
struct board {
    const char *model, *text, *source;
    double base_perplexity;
    const struct score_row *row;
    size_t rows;
};
struct alias_row {
    const char *name, *mix;
};
struct quants {
    struct weight_type type[TYPES];
    struct names type_names, mix_names;
    struct mix *mix;
    size_t mixes;
};

static const struct field type_field[] = {
    ROW_TEXT(type_row, "name", name),
    ROW_TEXT(type_row, "fallback", fallback),
    ROW_NUMBER(type_row, "ggml_type_id", id),
    ROW_NUMBER(type_row, "block_size", block),
    ROW_NUMBER(type_row, "block_bytes", block_bytes),
    ROW_FLAG(type_row, "storable", storable),
};
static const struct fields type_fields = ROW_FIELDS(type_row, type_field);

static const struct field rule_field[] = {
    ROW_TEXT(rule_row, "if", condition),
    ROW_TEXT(rule_row, "type", type),
};
static const struct fields rule_fields = ROW_FIELDS(rule_row, rule_field);

#define CLASS_RULES(key, id) \
    [id] = ROW_LIST(mix_row, key, rules[id].row, rules[id].count, rule_fields)
static const struct field rules_field[CLASS_COUNT] = {
    CLASS_RULES("every_other_matrix", CLASS_OTHER),
    CLASS_RULES("token_embd", CLASS_TOKEN_EMBD),
    CLASS_RULES("output", CLASS_OUTPUT),
    CLASS_RULES("attn_q", CLASS_ATTN_Q),
    CLASS_RULES("attn_k", CLASS_ATTN_K),
    CLASS_RULES("attn_v", CLASS_ATTN_V),
    CLASS_RULES("attn_output", CLASS_ATTN_OUTPUT),
    CLASS_RULES("ffn_gate", CLASS_FFN_GATE),
    CLASS_RULES("ffn_up", CLASS_FFN_UP),
    CLASS_RULES("ffn_down", CLASS_FFN_DOWN),
    CLASS_RULES("expert_tensors", CLASS_EXPERTS),
};
static const struct fields rules_fields = ROW_FIELDS(mix_row, rules_field);

static const struct field mix_field[] = {
    ROW_TEXT(mix_row, "name", name),
    ROW_TEXT(mix_row, "base_type", base),
    ROW_NUMBER(mix_row, "llama_ftype_id", file_type),
    ROW_NUMBER(mix_row, "effective_bpw_llama31_8b_without_imatrix", bits_per_weight),
    ROW_MAP("rules", rules_fields),
};
static const struct fields mix_fields = ROW_FIELDS(mix_row, mix_field);

static const struct field score_field[] = {
    ROW_TEXT(score_row, "type", type),
    ROW_TEXT(score_row, "imatrix", imatrix),
    ROW_NUMBER(score_row, "delta_ppl", delta),
};
static const struct fields score_fields = ROW_FIELDS(score_row, score_field);

static const struct field board_field[] = {
    ROW_TEXT(board, "model", model),
    ROW_TEXT(board, "text", text),
    ROW_TEXT(board, "source", source),
    ROW_NUMBER(board, "base_ppl", base_perplexity),
    ROW_LIST(board, "rows", row, rows, score_fields),
};
static const struct fields board_fields = ROW_FIELDS(board, board_field);

static const struct field alias_field[] = {
    ROW_TEXT(alias_row, "name", name),
    ROW_TEXT(alias_row, "mix", mix),
};
static const struct fields alias_fields = ROW_FIELDS(alias_row, alias_field);

static const char *const condition_texts[] = {
#define MIX_TEXT(name, text) text,
    MIX_CONDITIONS(MIX_TEXT)
#undef MIX_TEXT
};

static bool whole(double x, double least_value, double most_value)
{
    return x >= least_value && x <= most_value && x == floor(x);
}

/* ---- types ---- */

static const struct weight_type *type_named(const struct quants *q, const char *name)
{
    const size_t i = name ? names_row(&q->type_names, str_of(name)) : SIZE_MAX;
    return i == SIZE_MAX ? NULL : &q->type[i];
}

/* The file that the i-th row stands in. */
static const char *file_of(const struct sheets *s, const struct rows *rows, size_t i)
{
    return s->path[i < rows->own ? 0 : s->count - 1];
}

static bool place_type(struct quants *q, const struct type_row *r, struct mu_err *err)
{
    if (!whole(r->id, 0, TYPES - 1) || !whole(r->block, 1, LARGEST_BLOCK) ||
        !whole(r->block_bytes, 1, LARGEST_BLOCK))
        return err_set(err, MU_DATA,
                       "type %s: ggml_type_id must be 0 to %d, block_size and block_bytes whole "
                       "numbers from 1",
                       r->name, TYPES - 1);
    struct weight_type *t = &q->type[(size_t)r->id];
    if (t->name)
        return err_set(err, MU_DATA, "types %s and %s have the same ggml_type_id", t->name,
                       r->name);
    *t = (struct weight_type){.name = r->name,
                              .id = (uint32_t)r->id,
                              .block = r->block,
                              .block_bytes = r->block_bytes,
                              .storable = r->storable};
    names_add(&q->type_names, r->name, (size_t)r->id, 0);
    return true;
}

static bool read_types(const struct catalog *c, const struct sheets *s, struct quants *q,
                       struct mu_err *err)
{
    static const struct row_kind kind = {"ggml_types", &type_fields,
                                         offsetof(struct type_row, name), NULL};
    struct rows rows;
    if (!sheets_rows(c, s, &kind, &rows, err)) return false;
    const struct type_row *row = rows.row;
    for (size_t i = 0; i < rows.count; i++)
        if (!place_type(q, &row[i], err)) return err_add(err, "%s", file_of(s, &rows, i));
    names_sort(&q->type_names);
    for (size_t i = 0; i < rows.count; i++) {
        struct weight_type *t = &q->type[(size_t)row[i].id];
        t->fallback = type_named(q, row[i].fallback);
        if (row[i].fallback && !t->fallback)
            return err_set(err, MU_DATA, "%s: type %s: its fallback %s is no type",
                           file_of(s, &rows, i), row[i].name, row[i].fallback);
    }
    return true;
}

/* ---- mixes ---- */

static bool classes_known(const struct json *row, struct mu_err *err)
{
    const char *key = NULL;
    while (json_next(json_get(row, "rules"), &key)) {
        bool is_known = false;
        for (size_t i = 0; i < CLASS_COUNT; i++)
            is_known = is_known || str_is(str_of(key), rules_field[i].name);
        if (!is_known)
            return err_set(err, MU_DATA, "the tensor category \"%s\" is not known to this version",
                           key);
    }
    return true;
}

static bool read_rule(const struct quants *q, const struct rule_row *row, struct mix_rule *out,
                      struct mu_err *err)
{
    const struct str text = str_of(row->condition);
    size_t i = 0;
    while (i < MIX_CONDITION_COUNT && !str_is(text, condition_texts[i])) i++;
    if (i == MIX_CONDITION_COUNT)
        return err_set(err, MU_DATA, "the condition \"%s\" is not known to this version",
                       row->condition);
    *out = (struct mix_rule){(enum mix_condition)i, type_named(q, row->type)};
    return out->type || err_set(err, MU_DATA, "\"%s\" is no type", row->type ? row->type : "");
}

static bool read_rules(const struct catalog *c, const struct quants *q, const struct mix_row *row,
                       struct mix *out, struct mu_err *err)
{
    for (size_t k = 0; k < CLASS_COUNT; k++) {
        const size_t n = row->rules[k].count;
        struct mix_rule *rule = n ? NEW_ARRAY(c->arena, struct mix_rule, n) : NULL;
        for (size_t i = 0; i < n; i++)
            if (!read_rule(q, &row->rules[k].row[i], &rule[i], err))
                return err_add(err, "%s", rules_field[k].name);
        out->rules[k].rule = rule;
        out->rules[k].count = n;
    }
    /* every_other_matrix speaks for each class without rules of its own, except the experts. */
    for (size_t k = 0; k < CLASS_COUNT; k++)
        if (k != CLASS_EXPERTS && !out->rules[k].count) out->rules[k] = out->rules[CLASS_OTHER];
    return true;
}

static bool read_mix(const struct catalog *c, const struct quants *q, const struct mix_row *row,
                     struct mix *out, struct mu_err *err)
{
    *out = (struct mix){.name = row->name,
                        .base = type_named(q, row->base),
                        .perplexity_increase = unknown("no published figure"),
                        .bits_per_weight = isnan(row->bits_per_weight) ? 0 : row->bits_per_weight};
    if (!out->base || !whole(row->file_type, 0, LARGEST_FILE_TYPE))
        return err_set(err, MU_DATA,
                       "base_type must be a type of the table and llama_ftype_id a whole number");
    out->file_type = (uint32_t)row->file_type;
    return read_rules(c, q, row, out, err);
}

static bool read_mixes(const struct catalog *c, const struct sheets *s, struct quants *q,
                       struct mu_err *err)
{
    static const struct row_kind kind = {"mixes", &mix_fields, offsetof(struct mix_row, name),
                                         classes_known};
    struct rows rows;
    if (!sheets_rows(c, s, &kind, &rows, err)) return false;
    const struct mix_row *row = rows.row;
    q->mix = NEW_ARRAY(c->arena, struct mix, rows.count);
    q->mixes = rows.count;
    for (size_t i = 0; i < rows.count; i++) {
        if (!read_mix(c, q, &row[i], &q->mix[i], err))
            return err_add(err, "%s: mix %s", file_of(s, &rows, i), row[i].name);
        names_add(&q->mix_names, row[i].name, i, 0);
    }
    names_sort(&q->mix_names);
    return true;
}

static bool read_aliases(const struct catalog *c, const struct sheets *s, struct quants *q,
                         struct mu_err *err)
{
    static const struct row_kind kind = {"name_aliases", &alias_fields,
                                         offsetof(struct alias_row, name), NULL};
    struct rows rows;
    if (!sheets_rows(c, s, &kind, &rows, err)) return false;
    const struct alias_row *row = rows.row;
    for (size_t i = 0; i < rows.count; i++) {
        const size_t mix = names_row(&q->mix_names, str_of(row[i].mix));
        if (mix == SIZE_MAX)
            return err_set(err, MU_DATA, "%s: alias %s: %s is no mix", file_of(s, &rows, i),
                           row[i].name, row[i].mix ? row[i].mix : "null");
        names_add(&q->mix_names, row[i].name, mix, 1);
        names_sort(&q->mix_names);
    }
    return true;
}

/* ---- what a mix costs in quality ---- */

static bool score(const struct catalog *c, const struct quants *q, const struct board *board,
                  bool *without_imatrix, struct mu_err *err)
{
    for (size_t i = 0; i < board->rows; i++) {
        const struct score_row *row = &board->row[i];
        const size_t at = names_row(&q->mix_names, str_of(row->type));
        if (at == SIZE_MAX || isnan(row->delta))
            return err_set(err, MU_DATA, "rows[%zu] needs a mix as its type, and delta_ppl", i);
        struct mix *m = &q->mix[at];
        if (known(m->perplexity_increase, NULL) && (row->imatrix || without_imatrix[at])) continue;
        without_imatrix[at] = !row->imatrix;
        m->perplexity_increase =
            quantity_of(row->delta / board->base_perplexity, LISTED,
                        str_format(c->arena, "of %s on %s, %s importance matrix; %s", board->model,
                                   board->text, row->imatrix ? "with" : "without", board->source));
    }
    return true;
}

/* The user's scoreboard replaces ours as a whole: figures of two boards do not compare. */
static bool read_scores(const struct catalog *c, const struct sheets *s, const struct quants *q,
                        struct mu_err *err)
{
    static const char key[] = "llama3_8b_scoreboard";
    size_t k = 0;
    while (k < s->count && !json_get(s->tree[k], key)) k++;
    if (k == s->count) return true;
    struct board board = {.rows = 0};
    bool *without_imatrix = NEW_ARRAY(c->arena, bool, q->mixes);
    if (!fields_read(&board_fields, json_get(s->tree[k], key), &board, c->arena, err))
        return err_add(err, "%s: %s", s->path[k], key);
    if (!(board.base_perplexity > 0) || !board.model || !board.text || !board.source)
        return err_set(err, MU_DATA, "%s: %s needs model, text, source and base_ppl", s->path[k],
                       key);
    return score(c, q, &board, without_imatrix, err) || err_add(err, "%s: %s", s->path[k], key);
}

static const void *load(const struct catalog *c, struct mu_err *err)
{
    struct sheets s;
    struct quants *q = NEW(c->arena, struct quants);
    q->type_names = names_new(c->arena);
    q->mix_names = names_new(c->arena);
    if (!sheets_open(c, "quants.json", &s, err)) return NULL;
    const bool ok = read_types(c, &s, q, err) && read_mixes(c, &s, q, err) &&
                    read_aliases(c, &s, q, err) && read_scores(c, &s, q, err);
    sheets_close(&s);
    return ok ? q : NULL;
}

const struct weight_type *catalog_types(const struct catalog *c, struct mu_err *err)
{
    const struct quants *q = part_once(c, PART_QUANTS, load, err);
    return q ? q->type : NULL;
}

const struct weight_type *catalog_type(const struct catalog *c, struct str name)
{
    const struct quants *q = part_once(c, PART_QUANTS, load, NULL);
    const size_t i = q ? names_row(&q->type_names, name) : SIZE_MAX;
    return i == SIZE_MAX ? NULL : &q->type[i];
}

bool catalog_mixes(const struct catalog *c, const struct mix **out, size_t *count,
                   struct mu_err *err)
{
    const struct quants *q = part_once(c, PART_QUANTS, load, err);
    if (!q) return false;
    *out = q->mix;
    *count = q->mixes;
    return true;
}

const struct mix *catalog_mix(const struct catalog *c, struct str name)
{
    const struct quants *q = part_once(c, PART_QUANTS, load, NULL);
    const size_t i = q ? names_row(&q->mix_names, name) : SIZE_MAX;
    return i == SIZE_MAX ? NULL : &q->mix[i];
}
