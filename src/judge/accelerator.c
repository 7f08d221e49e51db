/* data/accelerators.json as rows, and which of them holds for a place: the backend must agree, or be left open; a word in the part's
 * name narrows more than its memory, memory more than its architecture. Which parts have a kind of memory is asked of the catalogue
 * when the rows are read, since a place does not say. */
#include "judge/accelerator.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "catalog/catalog.h"
#include "catalog/parts.h"

static const char *const file_name = "accelerators.json", *const cpu_backend = "CPU";

struct row {
    struct accelerator constants;
    const char *made, *quant_rate;
};
struct file {
    const struct row *row;
    size_t rows;
};

#define CONSTANT(kind_, key, member, words_)                                              \
    {                                                                                     \
        .name = (key), .kind = (kind_), .offset = offsetof(struct row, constants.member), \
        .words = (words_), .omit_absent = true                                            \
    }
static const struct field row_fields[] = {
    CONSTANT(FIELD_TEXT, "backend", backend, "of llama.cpp; absent: any"),
    CONSTANT(FIELD_TEXT, "architecture", architecture, "as the catalogue says; absent: any"),
    CONSTANT(FIELD_TEXT, "part", part, "a word in the part's name; absent: any"),
    CONSTANT(FIELD_TEXT, "memory", memory, "what the type of memory begins with; absent: any"),
    FIELD_OPTIONAL(FIELD_TEXT, struct row, made, "engines of that time; absent: of today"),
    CONSTANT(FIELD_NUMBER, "read_share", read_share, "of memory bandwidth, weights"),
    CONSTANT(FIELD_NUMBER, "block_share", block_share, "of that, blocks of 256 values"),
    CONSTANT(FIELD_NUMBER, "attend_share", attend_share, "of memory bandwidth, flash attention"),
    CONSTANT(FIELD_NUMBER, "attend_plain_share", attend_plain_share,
             "of memory bandwidth, attention that writes its scores"),
    FIELD_OPTIONAL(FIELD_TEXT, struct row, quant_rate, "what quant_share is of: igemm or hgemm"),
    CONSTANT(FIELD_NUMBER, "quant_share", quant_share, "of that rate, quantised weights"),
    CONSTANT(FIELD_NUMBER, "unpack_share", unpack_share, "of sgemm, beside igemm"),
    CONSTANT(FIELD_NUMBER, "float_share", float_share, "of hgemm (a CPU's sgemm), other weights"),
    CONSTANT(FIELD_NUMBER, "half_columns", half_columns, "columns that reach half of it"),
    CONSTANT(FIELD_NUMBER, "expert_share", expert_share, "of that rate, chosen experts"),
    CONSTANT(FIELD_NUMBER, "launch_s", launch_s, "a node of the graph, beside its work"),
    CONSTANT(FIELD_NUMBER, "handoff_s", handoff_s, "from one device to the next, a token"),
    CONSTANT(FIELD_NUMBER, "flop_per_cycle", flop_per_cycle, "of a CPU's core, 32-bit"),
    CONSTANT(FIELD_NUMBER, "core_read_per_s", core_read_per_s, "bytes that one core reads"),
    CONSTANT(FIELD_NUMBER, "decode_low", decode[RANGE_DENSE].low, "measured / predicted"),
    CONSTANT(FIELD_NUMBER, "decode_high", decode[RANGE_DENSE].high, "measured / predicted"),
    CONSTANT(FIELD_NUMBER, "prefill_low", prefill[RANGE_DENSE].low, "measured / predicted"),
    CONSTANT(FIELD_NUMBER, "prefill_high", prefill[RANGE_DENSE].high, "measured / predicted"),
    CONSTANT(FIELD_NUMBER, "moe_decode_low", decode[RANGE_EXPERTS].low, "measured / predicted"),
    CONSTANT(FIELD_NUMBER, "moe_decode_high", decode[RANGE_EXPERTS].high, "measured / predicted"),
    CONSTANT(FIELD_NUMBER, "moe_prefill_low", prefill[RANGE_EXPERTS].low, "measured / predicted"),
    CONSTANT(FIELD_NUMBER, "moe_prefill_high", prefill[RANGE_EXPERTS].high, "measured / predicted"),
    CONSTANT(FIELD_NUMBER, "several_low", several.low, "measured / predicted"),
    CONSTANT(FIELD_NUMBER, "several_high", several.high, "measured / predicted"),
};
static const struct fields row_table = FIELD_TABLE(struct row, "accelerator", row_fields);
static const struct field file_fields[] = {
    FIELD_ROWS("entries", struct file, row, rows, "accelerators", row_table),
};
static const struct fields file_table = FIELD_TABLE(struct file, "accelerators", file_fields);

static bool is_share(double x)
{
    const double most_share = 100; /* matrix units that the listed rate leaves out */
    return x > 0 && x <= most_share;
}

static bool is_range(struct accelerator_range r)
{
    const double ratio_least = 1e-3, ratio_most = 1e3;
    return isnan(r.low) ? isnan(r.high)
                        : r.low >= ratio_least && r.low <= r.high && r.high <= ratio_most;
}

static bool ranges_checked(const struct accelerator *x)
{
    for (size_t i = 0; i < RANGE_KINDS; i++)
        if (!is_range(x->decode[i]) || !is_range(x->prefill[i])) return false;
    return is_range(x->several);
}

static bool shares_checked(const struct accelerator *x)
{
    const double share[] = {x->read_share,  x->block_share, x->attend_share, x->attend_plain_share,
                            x->quant_share, x->float_share, x->expert_share};
    for (size_t i = 0; i < COUNT_OF(share); i++)
        if (!is_share(share[i])) return false;
    return isnan(x->unpack_share) || is_share(x->unpack_share);
}

static bool row_checked(const struct row *r, struct mu_err *err)
{
    const struct accelerator *x = &r->constants;
    const double columns_most = 1e6, launch_most_s = 1;
    if (r->quant_rate && strcmp(r->quant_rate, "igemm") != 0 && strcmp(r->quant_rate, "hgemm") != 0)
        return err_set(err, MU_DATA, "\"quant_rate\" is igemm or hgemm");
    if (!shares_checked(x)) return err_set(err, MU_DATA, "a share is missing or is none");
    if (!(x->half_columns >= 0 && x->half_columns <= columns_most) ||
        !(x->launch_s >= 0 && x->launch_s <= launch_most_s))
        return err_set(err, MU_DATA, "\"half_columns\" or \"launch_s\" is missing or too much");
    if (!isnan(x->handoff_s) && !(x->handoff_s >= 0 && x->handoff_s <= launch_most_s))
        return err_set(err, MU_DATA, "\"handoff_s\" is too much");
    if (!ranges_checked(x))
        return err_set(err, MU_DATA, "a range needs both its ends, in their order");
    return true;
}

static bool starts(const char *text, const char *with)
{
    return text && strncmp(text, with, strlen(with)) == 0;
}

/* The names of the catalogue's parts with such memory. */
static bool find_having(const struct catalog *c, struct arena *a, struct accelerator *x,
                        struct mu_err *err)
{
    const struct gpu_part *part;
    size_t parts;
    if (!x->memory) return true;
    if (!catalog_gpus(c, &part, &parts, err)) return false;
    const char **having = NEW_ARRAY(a, const char *, parts + 1);
    for (size_t i = 0; i < parts; i++)
        if (starts(part[i].memory_type, x->memory)) having[x->havings++] = part[i].name;
    x->having = having;
    return true;
}

static bool same_time(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool accelerator_read(const struct catalog *c, const char *made, struct arena *a, struct world *out,
                      struct mu_err *err)
{
    struct file file = {NULL, 0};
    struct json *tree = NULL;
    struct str text;
    if (!catalog_read(c, file_name, &text, err)) return false;
    if (!text.p)
        return err_set(err, MU_INTERNAL, "%s is missing from the program's data", file_name);
    if (!json_parse(text, file_name, &tree, err)) return false;
    bool good = fields_read(&file_table, tree, &file, a, err);
    json_free(tree);
    struct accelerator *all = NEW_ARRAY(a, struct accelerator, file.rows + 1);
    size_t n = 0;
    for (size_t i = 0; good && i < file.rows; i++) {
        good = row_checked(&file.row[i], err) || err_add(err, "entries[%zu]", i);
        if (!good || !same_time(file.row[i].made, made)) continue;
        all[n] = file.row[i].constants;
        all[n].integers = file.row[i].quant_rate && strcmp(file.row[i].quant_rate, "igemm") == 0;
        good = find_having(c, a, &all[n++], err);
    }
    out->accelerator = all;
    out->accelerators = n;
    return good || err_add(err, "%s", file_name);
}

static bool has_memory(const struct accelerator *x, const char *part)
{
    for (size_t i = 0; part && i < x->havings; i++)
        if (strcmp(x->having[i], part) == 0) return true;
    return false;
}

/* How narrowly a row describes the place; 0: not at all. */
static unsigned narrowness(const struct accelerator *x, const struct place *p)
{
    enum { OPEN = 1, ARCHITECTURE = 2, MEMORY = 4, PART = 8, BACKEND = 16 };
    unsigned sum = OPEN;
    if (x->backend) {
        if (!p->backend || strcmp(x->backend, p->backend) != 0) return 0;
        sum += BACKEND;
    }
    if (x->architecture) {
        if (!p->architecture || strcmp(x->architecture, p->architecture) != 0) return 0;
        sum += ARCHITECTURE;
    }
    if (x->memory) {
        if (!has_memory(x, p->part)) return 0;
        sum += MEMORY;
    }
    if (x->part) {
        if (!p->part || !strstr(p->part, x->part)) return 0;
        sum += PART;
    }
    return sum;
}

const struct accelerator *accelerator_of(const struct world *w, const struct place *place)
{
    const struct accelerator *best = NULL;
    unsigned narrowest = 0;
    for (size_t i = 0; i < w->accelerators; i++) {
        const unsigned n = narrowness(&w->accelerator[i], place);
        if (n <= narrowest) continue;
        narrowest = n;
        best = &w->accelerator[i];
    }
    return best;
}

const struct accelerator *accelerator_cpu(const struct world *w, const char *simd)
{
    for (size_t i = 0; i < w->accelerators; i++) {
        const struct accelerator *x = &w->accelerator[i];
        if (!x->backend || strcmp(x->backend, cpu_backend) != 0) continue;
        if (!simd || (x->architecture && strcmp(x->architecture, simd) == 0)) return x;
    }
    return NULL;
}
