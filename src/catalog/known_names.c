/* catalog/known_names.c - rows of the tables by what people call them: a name in any spelling, a PCI id, a word in a row, and what is near.
 *
 * Where no row spells a name so, the typed look-ups (part_*.c, quants.c) say which row they would take. */
#include "base/arena.h"
#include "base/units.h"
#include "catalog/known.h"
#include "catalog/parts.h"
#include "catalog/table.h"
#include "catalog/types.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { NEAR_MOST = 16 };

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
    return remark || units_is_size(last) ? str_trim(rest) : s;
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
