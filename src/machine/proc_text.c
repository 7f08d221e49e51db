/* Reads single values out of the text files of /proc and /sys: "key: value" lines, "key value" pairs, the table of limits, sizes with
 * a letter. Formats as proc(5), cgroups(7) and the kernel's Documentation/ABI describe them. Nothing here opens a file.
 *
 * Bytes leave as doubles and are therefore refused past 2^53, which no machine has: a larger figure is not a figure. */
#include "machine/proc_text.h"
#include "base/num.h"

static const uint64_t bytes_most = (uint64_t)1 << 53;

bool proc_bytes(struct str text, double *out)
{
    uint64_t n;
    if (!str_u64(str_trim(text), &n) || n > bytes_most) return false;
    *out = (double)n;
    return true;
}

bool proc_value(struct str text, const char *key, struct str *out)
{
    struct str rest = text;
    while (rest.n) {
        struct str value = str_line(&rest);
        const struct str name = str_trim(str_cut(&value, ':'));
        if (!value.p || !str_is(name, key)) continue;
        *out = str_trim(value);
        return true;
    }
    return false;
}

static bool kib_of(struct str value, double *bytes)
{
    struct str unit = value;
    uint64_t n, product;
    if (!str_u64(str_cut(&unit, ' '), &n) || !str_is(str_trim(unit), "kB")) return false;
    if (!num_mul(n, 1024, &product) || product > bytes_most) return false;
    *bytes = (double)product;
    return true;
}

bool proc_kib(struct str text, const char *key, double *bytes)
{
    struct str value;
    return proc_value(text, key, &value) && kib_of(value, bytes);
}

bool proc_number(struct str text, const char *key, uint64_t *out)
{
    struct str value;
    return proc_value(text, key, &value) && str_u64(value, out);
}

bool proc_node_kib(struct str text, const char *key, double *bytes)
{
    struct str rest = text;
    while (rest.n) {
        struct str value = str_line(&rest);
        struct str name = str_cut(&value, ':');
        if (!value.p || !str_is(str_cut(&name, ' '), "Node")) continue;
        str_cut(&name, ' '); /* the node's number, which the folder's name gave already */
        if (str_is(str_trim(name), key)) return kib_of(str_trim(value), bytes);
    }
    return false;
}

bool proc_pair(struct str text, const char *key, uint64_t *out)
{
    struct str rest = text;
    while (rest.n) {
        struct str value = str_line(&rest);
        if (str_is(str_cut(&value, ' '), key)) return str_u64(str_trim(value), out);
    }
    return false;
}

bool proc_limit(struct str text, const char *row, double *out)
{
    struct str rest = text;
    while (rest.n) {
        const struct str line = str_line(&rest), name = str_of(row);
        if (!str_starts(line, name)) continue;
        struct str columns = str_trim((struct str){line.p + name.n, line.n - name.n});
        return proc_bytes(str_cut(&columns, ' '), out);
    }
    return false;
}

bool proc_cache_size(struct str text, double *bytes)
{
    struct str number = str_trim(text);
    uint64_t unit = 1, n, product;
    if (str_ends(number, S("K"))) unit = 1024;
    if (str_ends(number, S("M"))) unit = (uint64_t)1024 * 1024;
    if (str_ends(number, S("G"))) unit = (uint64_t)1024 * 1024 * 1024;
    if (unit > 1) number.n--;
    if (!str_u64(number, &n) || !num_mul(n, unit, &product) || product > bytes_most) return false;
    *bytes = (double)product;
    return true;
}
