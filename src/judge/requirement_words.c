/* The words of data/requirements.json, checked, and the parts of the catalogue that a text may name: a CPU or GPU by any of its spellings,
 * or a family of CPUs by words that stand in their names in this order ("Ryzen 5" of "AMD Ryzen 5 3600"). Of a family each figure is the
 * least among its rows, since any of them will do. Left out: families of GPUs, whose rows differ too much to stand for one another. */
#include "judge/requirement_words.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "catalog/catalog.h"
#include "catalog/parts.h"

enum { WORDS_MOST = 16 };
static const double MEMORY_NEAR_GIB = 0.5;
static const char *const file_name = "requirements.json";

struct words_file {
    const struct word_row *word;
    size_t words;
    const struct disk_class *disk;
    size_t disks;
    double share;
    const char *share_source;
};

static const struct field word_fields[] = {
    {.name = "words", .kind = FIELD_TEXT, .offset = offsetof(struct word_row, words)},
    {.name = "means", .kind = FIELD_TEXT, .offset = offsetof(struct word_row, means_word)},
    {.name = "of", .kind = FIELD_TEXT, .offset = offsetof(struct word_row, of)},
    {.name = "least", .kind = FIELD_NUMBER, .offset = offsetof(struct word_row, least)},
    {.name = "names",
     .kind = FIELD_TEXTS,
     .offset = offsetof(struct word_row, names),
     .count_offset = offsetof(struct word_row, name_count)},
};
static const struct fields word_table = FIELD_TABLE(struct word_row, "word", word_fields);

static const struct field disk_fields[] = {
    FIELD(FIELD_TEXT, struct disk_class, name, "what it is called"),
    FIELD(FIELD_TEXT, struct disk_class, source, "of its rate"),
    FIELD(FIELD_TEXT, struct disk_class, confidence, "high, medium, low"),
    FIELD(FIELD_NUMBER, struct disk_class, read_mbs, "least it reads, 10^6 bytes a second"),
    FIELD_WORDS("words", struct disk_class, words, word_count, "how people call it"),
    FIELD_WORDS("kinds", struct disk_class, kinds, kind_count, "kinds of disks that are such"),
};
static const struct fields disk_table = FIELD_TABLE(struct disk_class, "disk", disk_fields);

static const struct field file_fields[] = {
    FIELD_ROWS("words", struct words_file, word, words, "words and what they mean", word_table),
    FIELD_ROWS("disks", struct words_file, disk, disks, "kinds of disks", disk_table),
    {.name = "sustained_share_least",
     .kind = FIELD_NUMBER,
     .offset = offsetof(struct words_file, share)},
    {.name = "sustained_share_source",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct words_file, share_source)},
};
static const struct fields file_table = FIELD_TABLE(struct words_file, "requirements", file_fields);

static const char *const meanings[] = {
#define MEANS_WORD(means, word) word,
    WORD_MEANINGS(MEANS_WORD)
#undef MEANS_WORD
};

const char *requirement_topic(enum requirement_of of)
{
    static const char *const topics[] = {"cpu", "gpu", "disk"};
    return topics[of];
}

const struct vector_set vector_sets[VECTOR_SETS] = {
    {"AVX2", "avx2"},       {"AVX-512", "avx512f"}, {"AMX", "amx_int8"}, {"NEON", "neon"},
    {"dotprod", "dotprod"}, {"i8mm", "i8mm"},       {"SVE", "sve"},
};

unsigned vector_set_of(const char *feature)
{
    for (size_t i = 0; i < VECTOR_SETS; i++)
        if (strcmp(vector_sets[i].feature, feature) == 0) return 1u << i;
    return 0;
}

static bool topic_known(const char *of)
{
    for (enum requirement_of i = REQUIRE_CPU; i <= REQUIRE_DISK; i++)
        if (!of || strcmp(of, requirement_topic(i)) == 0) return true;
    return false;
}

static bool sets_checked(const struct word_row *r, struct mu_err *err)
{
    for (size_t i = 0; i < r->name_count; i++)
        if (!vector_set_of(r->names[i]))
            return err_set(err, MU_DATA, "names: \"%s\" is no set that CPUs are asked for",
                           r->names[i]);
    return true;
}

static bool word_checked(struct word_row *r, struct mu_err *err)
{
    if (!r->words || !*r->words || !r->means_word)
        return err_set(err, MU_DATA, "needs words and means");
    size_t means = 0;
    while (means < WORD_MEANINGS_COUNT && strcmp(meanings[means], r->means_word) != 0) means++;
    if (means == WORD_MEANINGS_COUNT || means == MEANS_DISK)
        return err_set(err, MU_DATA, "means: \"%s\" is not known to this version", r->means_word);
    if (!topic_known(r->of)) return err_set(err, MU_DATA, "of: takes cpu, gpu or disk");
    const bool named = means == MEANS_ARCHITECTURE || means == MEANS_CHIP || means == MEANS_VECTORS;
    if (named && !r->name_count) return err_set(err, MU_DATA, "names: must name at least one");
    r->means = (enum word_means)means;
    return means != MEANS_VECTORS || sets_checked(r, err);
}

static bool disk_checked(const struct disk_class *d, struct mu_err *err)
{
    return (d->name && d->source && d->word_count && d->kind_count && d->read_mbs > 0 &&
            d->read_mbs < 1e9) ||
           err_set(err, MU_DATA, "needs name, source, words, kinds and read_mbs");
}

static size_t words_of_disks(const struct words_file *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->disks; i++) n += f->disk[i].word_count;
    return n;
}

static bool file_checked(const struct words_file *f, struct arena *a, struct requirement_words *out,
                         struct mu_err *err)
{
    struct word_row *row = NEW_ARRAY(a, struct word_row, f->words + words_of_disks(f));
    size_t n = 0;
    for (size_t i = 0; i < f->words; i++) {
        row[n] = f->word[i];
        if (!word_checked(&row[n++], err)) return err_add(err, "words[%zu]", i);
    }
    for (size_t i = 0; i < f->disks; i++) {
        if (!disk_checked(&f->disk[i], err)) return err_add(err, "disks[%zu]", i);
        for (size_t k = 0; k < f->disk[i].word_count; k++)
            row[n++] = (struct word_row){.words = f->disk[i].words[k],
                                         .least = (double)NAN,
                                         .means = MEANS_DISK,
                                         .disk = &f->disk[i]};
    }
    if (!(f->share > 0 && f->share <= 1) || !f->share_source)
        return err_set(err, MU_DATA,
                       "sustained_share_least must be a share, with sustained_share_source");
    *out = (struct requirement_words){row, n, f->share, f->share_source};
    return true;
}

bool requirement_words_read(const struct catalog *c, struct arena *a,
                            const struct requirement_words **out, struct mu_err *err)
{
    struct requirement_words *w = NEW(a, struct requirement_words);
    struct words_file file = {.words = 0};
    if (!catalog_fields(c, file_name, &file_table, a, &file, err)) return false;
    *out = w;
    return file_checked(&file, a, w, err) || err_add(err, "%s", file_name);
}

/* ---- parts ---- */

static unsigned vectors_of(const struct cpu_part *p)
{
    const bool has[VECTOR_SETS] = {p->avx2,    p->avx512, p->amx, p->neon,
                                   p->dotprod, p->i8mm,   p->sve};
    unsigned bits = 0;
    for (size_t i = 0; i < VECTOR_SETS; i++) bits |= has[i] ? 1u << i : 0;
    return bits;
}

static size_t split(struct str text, struct str word[WORDS_MOST])
{
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < WORDS_MOST;) {
        size_t end = i;
        while (end < text.n && byte_is_word(text.p[end])) end++;
        if (end > i) word[n++] = (struct str){text.p + i, end - i};
        i = end > i ? end : i + 1;
    }
    return n;
}

/* A word that is not only a number. */
static bool has_letter(const struct str *word, size_t words)
{
    for (size_t i = 0; i < words; i++)
        for (size_t k = 0; k < word[i].n; k++)
            if (word[i].p[k] > '9') return true;
    return false;
}

static size_t makers_name(const struct cpu_part *p, const struct str *word, size_t words)
{
    return words && p->vendor && str_eq_nocase(word[0], str_of(p->vendor)) ? 1 : 0;
}

/* The words stand in the spelling, in this order; the first is one of its first two behind the maker's name ("i5" of "Core i5"). */
static bool in_order(const struct cpu_part *p, const struct str *word, size_t words,
                     const char *spelling)
{
    struct str in[WORDS_MOST];
    const size_t n = split(str_of(spelling), in);
    const size_t from = makers_name(p, in, n);
    size_t at = 0;
    for (size_t i = from; i < n && at < words && (at || i < from + 2); i++)
        at += str_eq_nocase(word[at], in[i]);
    return at == words;
}

/* A maker's name alone is no family. */
static bool spelled(const struct cpu_part *p, const struct str *word, size_t words)
{
    const size_t made = makers_name(p, word, words);
    if (!has_letter(word + made, words - made)) return false;
    if (in_order(p, word + made, words - made, p->name)) return true;
    for (size_t i = 0; i < p->alias_count; i++)
        if (in_order(p, word + made, words - made, p->aliases[i])) return true;
    return false;
}

static char next_byte(struct str *s)
{
    char c = 0;
    while (s->n && !c) {
        c = byte_is_word(*s->p) ? *s->p : 0;
        s->p++;
        s->n--;
    }
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Letters and digits are the same, as names compare everywhere; without a copy, since a text is tried word by word. */
static bool same_name(struct str x, struct str y)
{
    char c;
    do {
        c = next_byte(&x);
        if (c != next_byte(&y)) return false;
    } while (c);
    return true;
}

static bool called(const struct cpu_part *p, struct str name)
{
    if (same_name(name, str_of(p->name))) return true;
    for (size_t i = 0; i < p->alias_count; i++)
        if (same_name(name, str_of(p->aliases[i]))) return true;
    return false;
}

static void one_cpu(const struct cpu_part *p, struct ask_part *out)
{
    out->row = p->name;
    out->cores = p->cores;
    out->bandwidth_gbs = p->theoretical_bandwidth_gbs;
    out->vectors = vectors_of(p);
}

/* The row is as well one of the family: each figure becomes the lesser. */
static void one_more(const struct cpu_part *p, struct ask_part *out)
{
    if (!(p->cores >= out->cores)) {
        out->cores = p->cores;
        out->row = p->name;
    }
    out->bandwidth_gbs = fmin(out->bandwidth_gbs, p->theoretical_bandwidth_gbs);
    out->vectors &= vectors_of(p);
}

static bool cpu_part_named(const struct catalog *c, struct str name, struct ask_part *out)
{
    const struct cpu_part *row;
    size_t rows;
    size_t found = 0;
    struct str word[WORDS_MOST];
    const size_t words = split(name, word);
    if (!words || words == WORDS_MOST || !catalog_cpus(c, &row, &rows, NULL)) return false;
    for (size_t i = 0; i < rows; i++)
        if (called(&row[i], name)) {
            one_cpu(&row[i], out);
            return true;
        }
    for (size_t i = 0; i < rows; i++) {
        if (!spelled(&row[i], word, words)) continue;
        if (found++)
            one_more(&row[i], out);
        else
            one_cpu(&row[i], out);
    }
    out->family = found > 1;
    return found > 0;
}

static bool gpu_part_named(const struct catalog *c, struct str name, double memory_gib,
                           struct ask_part *out)
{
    const struct gpu_part *g;
    if (catalog_gpu(c, name, memory_gib, &g) == MATCH_NONE) return false;
    if (!isnan(memory_gib) && fabs(g->memory_gib - memory_gib) > MEMORY_NEAR_GIB) return false;
    out->row = g->name;
    out->memory_gib = g->memory_gib;
    out->bandwidth_gbs = g->memory_bandwidth_gbs;
    return true;
}

bool part_named(const struct catalog *c, enum requirement_of of, struct str name, double memory_gib,
                struct arena *a, struct ask_part *out)
{
    struct ask_part part = {.cores = (double)NAN, .memory_gib = (double)NAN};
    const bool found = of == REQUIRE_CPU   ? cpu_part_named(c, name, &part)
                       : of == REQUIRE_GPU ? gpu_part_named(c, name, memory_gib, &part)
                                           : false;
    if (!found) return false;
    part.name = str_copy(a, name);
    *out = part;
    return true;
}
