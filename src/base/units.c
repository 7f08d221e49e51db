/* base/units.c - figures for people, and figures from people.
 *
 * Three significant digits, a space, a unit; digits before the point are never rounded away (1010 MiB stays that). Memory counts in
 * 1024s, rates in 1000s. Reading accepts both kinds by their standard names (IEC 80000-13) and K M G T alone as binary. */
#include "base/units.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const double whole_most = 9007199254740992.0; /* 2^53: integers are exact up to here */

/* Decimals that leave `digits` significant ones, after rounding (9.996 is 10.0, not 10.00). */
static int decimals(double value, int digits)
{
    if (value == 0) return 0;
    char text[64];
    snprintf(text, sizeof text, "%.*e", digits - 1, value);
    const char *e = strchr(text, 'e');
    int power = 0;
    for (const char *p = e + 2; *p; p++) power = power * 10 + (*p - '0');
    if (e[1] == '-') power = -power;
    return power >= digits ? 0 : digits - 1 - power;
}

const char *units_number(struct arena *a, double value, int digits)
{
    if (!isfinite(value)) return "?";
    return str_format(a, "%.*f", decimals(value, digits), value);
}

struct scale {
    double base;
    const char *const *units; /* from 1 upwards, NULL-terminated */
};

static const char *scaled(struct arena *a, double value, const struct scale *s)
{
    if (!isfinite(value)) return "?";
    const char *sign = value < 0 ? "-" : "";
    double x = fabs(value);
    size_t i = 0;
    for (; s->units[i + 1]; i++) {
        const double ten = pow(10, decimals(x, 3));
        if (round(x * ten) / ten < s->base) break;
        x /= s->base;
    }
    const bool whole = i == 0 && x == floor(x);
    return str_format(a, "%s%.*f %s", sign, whole ? 0 : decimals(x, 3), x, s->units[i]);
}

const char *units_bytes(struct arena *a, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", NULL};
    return scaled(a, bytes, &(struct scale){1024, units});
}

const char *units_byte_rate(struct arena *a, double per_s)
{
    static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s", NULL};
    return scaled(a, per_s, &(struct scale){1000, units});
}

const char *units_flop_rate(struct arena *a, double per_s)
{
    static const char *const units[] = {"FLOP/s",  "kFLOP/s", "MFLOP/s", "GFLOP/s",
                                        "TFLOP/s", "PFLOP/s", "EFLOP/s", NULL};
    return scaled(a, per_s, &(struct scale){1000, units});
}

const char *units_token_rate(struct arena *a, double low, double high)
{
    if (!isfinite(low) || !isfinite(high)) return "?";
    const char *from = units_number(a, low, 2);
    const char *to = units_number(a, high, 2);
    if (!strcmp(from, to)) return str_format(a, "%s tok/s", from);
    return str_format(a, "%s-%s tok/s", from, to);
}

const char *units_seconds(struct arena *a, double seconds)
{
    static const char *const units[] = {"ns", "us", "ms", "s", NULL};
    if (!isfinite(seconds)) return "?";
    const char *sign = seconds < 0 ? "-" : "";
    const double x = fabs(seconds);
    if (x == 0) return "0 s";
    if (x < 59.95) {
        const size_t skip = x < 999.5e-9 ? 0 : x < 999.5e-6 ? 1 : x < 0.9995 ? 2 : 3;
        static const double unit_s[] = {1e-9, 1e-6, 1e-3, 1};
        return str_format(a, "%s%s %s", sign, units_number(a, x / unit_s[skip], 3), units[skip]);
    }
    const double whole = round(x);
    if (whole < 3600)
        return str_format(a, "%s%.0f min %.0f s", sign, floor(whole / 60), fmod(whole, 60));
    const double minutes = round(x / 60);
    if (minutes < 24 * 60)
        return str_format(a, "%s%.0f h %.0f min", sign, floor(minutes / 60), fmod(minutes, 60));
    const double hours = round(x / 3600);
    return str_format(a, "%s%.0f d %.0f h", sign, floor(hours / 24), fmod(hours, 24));
}

const char *units_count(struct arena *a, double count)
{
    static const char *const units[] = {"M", "B", "T", NULL};
    if (!isfinite(count)) return "?";
    if (fabs(count) < 999999.5) return units_number(a, count, count == floor(count) ? 1 : 3);
    return scaled(a, count / 1e6, &(struct scale){1000, units});
}

const char *units_bytes_q(struct arena *a, struct quantity q)
{
    double bytes;
    return known(q, &bytes) ? units_bytes(a, bytes) : "?";
}

/* Splits "1.5 GiB" into its number and its unit; only digits and a point count as the number. */
static bool split(struct str text, double *number, struct str *unit)
{
    text = str_trim(text);
    size_t n = 0;
    while (n < text.n && (text.p[n] == '.' || (text.p[n] >= '0' && text.p[n] <= '9'))) n++;
    if (n == 0 || !str_f64((struct str){text.p, n}, number)) return false;
    *unit = str_trim((struct str){text.p + n, text.n - n});
    return true;
}

static bool byte_unit(struct str unit, double bare, double *factor)
{
    if (unit.n == 0) {
        *factor = bare;
        return true;
    }
    if (str_eq_nocase(unit, S("b"))) {
        *factor = 1;
        return true;
    }
    static const char letters[] = "kmgtp";
    for (int i = 0; letters[i]; i++) {
        const char binary[] = {letters[i], 'i', 'b'};
        const char decimal[] = {letters[i], 'b'};
        if (str_eq_nocase(unit, (struct str){binary, 1}) ||
            str_eq_nocase(unit, (struct str){binary, 2}) ||
            str_eq_nocase(unit, (struct str){binary, 3})) {
            *factor = pow(1024, i + 1);
            return true;
        }
        if (str_eq_nocase(unit, (struct str){decimal, 2})) {
            *factor = pow(1000, i + 1);
            return true;
        }
    }
    return false;
}

bool units_parse_bytes(struct str text, double bare, double *out)
{
    double number;
    double factor;
    struct str unit;
    if (!split(text, &number, &unit) || !byte_unit(unit, bare, &factor)) return false;
    if (number * factor > whole_most) return false;
    *out = number * factor;
    return true;
}

bool units_is_size(struct str word)
{
    size_t digits = 0;
    while (digits < word.n && byte_is_digit(word.p[digits])) digits++;
    const struct str unit = {word.p + digits, word.n - digits};
    return digits && (str_eq_nocase(unit, S("GB")) || str_eq_nocase(unit, S("GiB")));
}

bool units_parse_tokens(struct str text, double *out)
{
    double number;
    struct str unit;
    if (!split(text, &number, &unit)) return false;
    double factor = 1;
    if (str_eq_nocase(unit, S("k")))
        factor = 1024;
    else if (str_eq_nocase(unit, S("m")))
        factor = 1024 * 1024;
    else if (unit.n)
        return false;
    const double tokens = number * factor;
    if (tokens > whole_most || tokens != floor(tokens)) return false;
    *out = tokens;
    return true;
}
