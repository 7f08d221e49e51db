/* Names ARM cores from data/arm_cores.json, by implementer and part number.
 *
 * /proc/cpuinfo on 64-bit ARM prints no model name, only fields of a register. A part that the table lacks still names its vendor. */
#include "machine/arm_core.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "catalog/catalog.h"

static bool says(const struct json *row, const char *key, struct str wanted)
{
    struct str text;
    return json_text(json_get(row, key), &text) && str_eq_nocase(text, wanted);
}

static const char *copied(const struct json *row, const char *key, struct arena *a)
{
    struct str text;
    return json_text(json_get(row, key), &text) ? str_copy(a, text) : NULL;
}

struct arm_core arm_core_named(const struct catalog *c, struct str implementer, struct str part,
                               struct arena *a)
{
    struct arm_core core = {0};
    struct mu_err err = {0};
    struct json *table = NULL;
    const struct str text = c ? catalog_file(c, "arm_cores.json") : (struct str){0};
    if (!text.p || !json_parse(text, "arm_cores.json", &table, &err)) return core;
    const struct json *rows = json_get(table, "entries");
    for (size_t i = 0; i < json_count(rows) && !core.name; i++) {
        const struct json *row = json_at(rows, i);
        if (!says(row, "implementer", implementer)) continue;
        if (!core.vendor) core.vendor = copied(row, "vendor", a);
        if (says(row, "part", part)) core.name = copied(row, "name", a);
    }
    json_free(table);
    return core;
}
