/* catalog/part_cpus.c - processors by name, from data/cpus.json: bandwidth and instructions of a processor nobody has measured.
 *
 * A name is looked for as it stands; then the words of it that systems add ("(R)", "CPU", "12th Gen", "@ 3.60GHz", "8-Core Processor")
 * are passed over, and the longest run of words that is a known name counts. A run must not be followed by a word that would make it
 * another processor: a table that knows an "M2" must not answer for an "M2 Pro". */
#include "base/arena.h"
#include "catalog/parts.h"
#include "catalog/table.h"

enum { WORDS_MOST = 32, NAME_BYTES = 256 };

struct cpus {
    struct cpu_part *row;
    size_t count;
    struct names names;
};

static const struct field cpu_field[] = {
    ROW_TEXT(cpu_part, "name", name),
    ROW_TEXT(cpu_part, "vendor", vendor),
    ROW_TEXT(cpu_part, "class", class_),
    ROW_TEXT(cpu_part, "memory_type", memory_type),
    ROW_TEXT(cpu_part, "source", source),
    ROW_TEXT(cpu_part, "confidence", confidence),
    ROW_TEXTS(cpu_part, "aliases", aliases, alias_count),
    ROW_NUMBER(cpu_part, "cores", cores),
    ROW_NUMBER(cpu_part, "threads", threads),
    ROW_NUMBER(cpu_part, "memory_channels", memory_channels),
    ROW_NUMBER(cpu_part, "channel_bits", channel_bits),
    ROW_NUMBER(cpu_part, "memory_mts", memory_mts),
    ROW_NUMBER(cpu_part, "theoretical_bandwidth_gbs", theoretical_bandwidth_gbs),
    ROW_NUMBER(cpu_part, "max_boost_ghz", max_boost_ghz),
    ROW_NUMBER(cpu_part, "tdp_w", tdp_w),
    ROW_NUMBER(cpu_part, "max_memory_gib", max_memory_gib),
    ROW_NUMBER(cpu_part, "l3_mib", l3_mib),
    ROW_FLAG(cpu_part, "avx2", avx2),
    ROW_FLAG(cpu_part, "avx512", avx512),
    ROW_FLAG(cpu_part, "avx512_vnni", avx512_vnni),
    ROW_FLAG(cpu_part, "avx_vnni", avx_vnni),
    ROW_FLAG(cpu_part, "amx", amx),
    ROW_FLAG(cpu_part, "neon", neon),
    ROW_FLAG(cpu_part, "dotprod", dotprod),
    ROW_FLAG(cpu_part, "i8mm", i8mm),
    ROW_FLAG(cpu_part, "sve", sve),
};
static const struct fields cpu_fields = ROW_FIELDS(cpu_part, cpu_field);

static bool row_checked(const struct json *row, struct mu_err *err)
{
    return figures_in_range(&cpu_fields, row, FIGURES_ABOVE_ZERO, err);
}

static const void *load(const struct catalog *c, struct mu_err *err)
{
    static const struct row_kind kind = {"entries", &cpu_fields, offsetof(struct cpu_part, name),
                                         row_checked};
    struct rows rows;
    if (!kind_read(c, "cpus.json", &kind, &rows, err)) return NULL;
    struct cpus *all = NEW(c->arena, struct cpus);
    *all = (struct cpus){rows.row, rows.count, names_new(c->arena)};
    for (size_t i = 0; i < all->count; i++) {
        const unsigned ours = i < rows.own ? 0 : RANKS;
        names_add(&all->names, all->row[i].name, i, ours);
        names_add_all(&all->names, all->row[i].aliases, all->row[i].alias_count, i, ours + 1);
    }
    names_sort(&all->names);
    return all;
}

bool catalog_cpus(const struct catalog *c, const struct cpu_part **out, size_t *count,
                  struct mu_err *err)
{
    const struct cpus *all = part_once(c, PART_CPUS, load, err);
    if (!all) return false;
    *out = all->row;
    *count = all->count;
    return true;
}

/* ---- names as systems write them ---- */

static bool one_of(struct str word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(word, str_of(list[i]))) return true;
    return false;
}

/* The words of a name, without those that stand between others and mean nothing. */
static size_t words_of(struct str name, struct str word[WORDS_MOST])
{
    static const char *const empty[] = {"r", "tm", "cpu", "processor"};
    size_t n = 0;
    for (size_t i = 0; i < name.n && n < WORDS_MOST;) {
        size_t end = i;
        while (end < name.n && byte_is_word(name.p[end])) end++;
        const struct str w = {name.p + i, end - i};
        if (w.n && !one_of(w, empty, COUNT_OF(empty))) word[n++] = w;
        i = w.n ? end : i + 1;
    }
    return n;
}

/* What may follow a name without changing it: a number of cores, a clock, graphics, a revision. */
static bool may_follow(struct str word)
{
    static const char *const harmless[] = {"with", "w", "rev", "at"};
    return (word.p[0] >= '0' && word.p[0] <= '9') || one_of(word, harmless, COUNT_OF(harmless));
}

static size_t longest_run(const struct names *names, const struct str *word, size_t words)
{
    size_t row = SIZE_MAX;
    size_t longest = 0;
    for (size_t from = 0; from < words; from++) {
        char text[NAME_BYTES];
        size_t n = 0;
        for (size_t i = from; i < words && n + word[i].n <= sizeof text; i++) {
            for (size_t k = 0; k < word[i].n; k++) text[n++] = word[i].p[k];
            if (n <= longest || (i + 1 < words && !may_follow(word[i + 1]))) continue;
            const size_t found = names_row(names, (struct str){text, n});
            if (found == SIZE_MAX) continue;
            row = found;
            longest = n;
        }
    }
    return row;
}

const struct cpu_part *catalog_cpu(const struct catalog *c, struct str name)
{
    const struct cpus *all = part_once(c, PART_CPUS, load, NULL);
    if (!all) return NULL;
    struct str word[WORDS_MOST];
    size_t row = names_row(&all->names, name);
    if (row == SIZE_MAX) row = longest_run(&all->names, word, words_of(name, word));
    return row == SIZE_MAX ? NULL : &all->row[row];
}
