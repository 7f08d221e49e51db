/* Reads the figures of a guide (`says`) from an experiment's YAML: what they are of, how much, on which machine, and the knobs in which
 * their workload differs. Units are those of the source: GB are 10^9 bytes, GiB 2^30. Left out: judging. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/num.h"
#include "base/yaml.h"
#include "cost/cost.h"
#include "judge/experiment.h"
#include "judge/figure.h"
#include "judge/reading.h"

enum { FIGURES_MOST = 64 };

/* As it stands in the file. */
struct as_written {
    struct stated_figure figure;
    const char *what, *unit;
    double value, low, high;
};
#define OF_FIGURE(member) \
    (offsetof(struct as_written, figure) + offsetof(struct stated_figure, member))
static const struct slot figure_slots[] = {
    {"what", SLOT_TEXT, offsetof(struct as_written, what)},
    {"unit", SLOT_TEXT, offsetof(struct as_written, unit)},
    {"value", SLOT_NUMBER, offsetof(struct as_written, value)},
    {"low", SLOT_NUMBER, offsetof(struct as_written, low)},
    {"high", SLOT_NUMBER, offsetof(struct as_written, high)},
    {"yes", SLOT_OTHER, 0},
    {"text", SLOT_TEXT, OF_FIGURE(text)},
    {"source", SLOT_TEXT, OF_FIGURE(source)},
    {"label", SLOT_TEXT, OF_FIGURE(label)},
    {"why", SLOT_TEXT, OF_FIGURE(why)},
    {"on", SLOT_TEXT, OF_FIGURE(on)},
    {"knob", SLOT_TEXT, OF_FIGURE(knob)},
    {"instance", SLOT_TEXT, OF_FIGURE(instance)},
    {"with", SLOT_OTHER, 0},
};

static const struct {
    const char *name;
    double of_one;
    enum figure_dimension dimension;
} units[] = {
    {"GB", 1e9, FIGURE_BYTES},   {"GiB", 1024.0 * 1024 * 1024, FIGURE_BYTES},
    {"MB", 1e6, FIGURE_BYTES},   {"MiB", 1024.0 * 1024, FIGURE_BYTES},
    {"TB", 1e12, FIGURE_BYTES},  {"TiB", 1024.0 * 1024 * 1024 * 1024, FIGURE_BYTES},
    {"s", 1, FIGURE_SECONDS},    {"min", 60, FIGURE_SECONDS},
    {"h", 3600, FIGURE_SECONDS}, {"tok/s", 1, FIGURE_RATE},
    {"x", 1, FIGURE_NUMBER},
};

static bool kind_of(const struct reading *in, const struct yaml *y, const char *what,
                    enum figure_kind *out)
{
    const char *known = "";
    for (int i = 0; what && i < FIGURES; i++)
        if (strcmp(what, figure_name((enum figure_kind)i)) == 0) {
            *out = (enum figure_kind)i;
            return true;
        }
    for (int i = 0; i < FIGURES; i++)
        known =
            str_format(in->arena, "%s%s%s", known, i ? ", " : "", figure_name((enum figure_kind)i));
    return yaml_error(y, in->name, in->err, "a figure needs what it is of%s%s; there are: %s",
                      what ? ", not " : "", what ? str_visible(in->arena, str_of(what)) : "",
                      known);
}

/* How many of the base unit one of its own is. */
static bool unit_of(const struct reading *in, const struct yaml *y, const struct as_written *w,
                    double *out)
{
    const enum figure_dimension d = figure_dimension(w->figure.kind);
    const char *known = "";
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (units[i].dimension != d) continue;
        *out = units[i].of_one;
        if (w->unit && strcmp(w->unit, units[i].name) == 0) return true;
        known = str_format(in->arena, "%s%s%s", known, *known ? ", " : "", units[i].name);
    }
    if (d == FIGURE_NUMBER && !w->unit) return true;
    return yaml_error(y, in->name, in->err, "a figure of %s needs a unit; there are: %s",
                      figure_name(w->figure.kind), known);
}

/* "8 GB", "10-12 GB", "32 GB and more", "up to 1 GB" */
static const char *text_of(const struct reading *in, const struct as_written *w)
{
    const char *unit = w->unit ? w->unit : "";
    const char *gap = *unit ? " " : "";
    if (!isnan(w->value)) return str_format(in->arena, "%g%s%s", w->value, gap, unit);
    if (isnan(w->high)) return str_format(in->arena, "%g%s%s and more", w->low, gap, unit);
    if (isnan(w->low)) return str_format(in->arena, "up to %g%s%s", w->high, gap, unit);
    return str_format(in->arena, "%g-%g%s%s", w->low, w->high, gap, unit);
}

static bool range_sound(const struct reading *in, const struct yaml *y, const struct as_written *w)
{
    if (isnan(w->value) && isnan(w->low) && isnan(w->high))
        return yaml_error(y, in->name, in->err, "a figure needs value, low or high");
    if (!isnan(w->value) && !(isnan(w->low) && isnan(w->high)))
        return yaml_error(y, in->name, in->err, "a figure has a value, or low and high");
    return !(w->low > w->high) ||
           yaml_error(y, in->name, in->err, "a figure's low is above its high");
}

/* Half a unit of the last digit that a figure is written with: "26.95" stands for all that rounds to it. */
static double rounding(const struct yaml *map, const char *key)
{
    const struct yaml *y = yaml_get(map, key);
    struct str rest = y ? y->text : (struct str){NULL, 0};
    double unit = 1;
    str_cut(&rest, '.');
    for (size_t i = 0; i < rest.n && byte_is_digit(rest.p[i]); i++) unit /= 10;
    return unit / 2;
}

/* Sizes in binary units are those of parts, which hold so much and no more; all other figures are rounded ones. */
static bool is_rounded(const struct as_written *w)
{
    return !w->unit || !strstr(w->unit, "iB");
}

/* One end of a range in its unit, and the furthest that rounds to it; where nothing is said, `open` twice. */
struct end {
    double at, rounded;
};
static struct end end_of(double written, double off, double one, double open)
{
    if (isnan(written)) return (struct end){open, open};
    return (struct end){written * one, most(written + off, 0) * one};
}

static bool take_range(const struct reading *in, const struct yaml *y, struct as_written *w)
{
    double one = 1;
    struct stated_figure *f = &w->figure;
    const bool point = !isnan(w->value), rounded = is_rounded(w);
    if (!range_sound(in, y, w) || !unit_of(in, y, w, &one)) return false;
    f->decimal = w->unit && strlen(w->unit) == 2 && w->unit[1] == 'B';
    if (!f->text) f->text = text_of(in, w);
    const struct end low = end_of(point ? w->value : w->low,
                                  rounded ? -rounding(y, point ? "value" : "low") : 0, one, 0);
    const struct end high =
        end_of(point ? w->value : w->high, rounded ? rounding(y, point ? "value" : "high") : 0, one,
               (double)INFINITY);
    f->low = low.at;
    f->low_rounded = low.rounded;
    f->high = high.at;
    f->high_rounded = high.rounded;
    return true;
}

static bool take_yes(const struct reading *in, const struct yaml *y, struct stated_figure *f)
{
    const struct yaml *yes = yaml_get(y, "yes");
    if (!yes || !yaml_bool(yes, &f->yes))
        return yaml_error(yes ? yes : y, in->name, in->err,
                          "a figure of %s needs yes: true or false", figure_name(f->kind));
    if (!f->text) f->text = f->yes ? "yes" : "no";
    return true;
}

static bool take_with(const struct reading *in, const struct yaml *y, const struct workload *w,
                      struct stated_figure *f)
{
    const struct yaml *with = yaml_get(y, "with");
    const struct setting *all = NULL;
    size_t count = 0;
    if (!read_settings(in, y, "with", &all, &count) || !with) return !with;
    struct setting *knob = NEW_ARRAY(in->arena, struct setting, count);
    const struct yaml *at = with->first;
    for (size_t i = 0; i < count; i++, at = at->next) {
        if (strcmp(all[i].name, "model") == 0)
            f->model = all[i].value;
        else if (strcmp(all[i].name, "quant") == 0)
            f->quant = all[i].value;
        else if (read_knob_name(in, w, false, at))
            knob[f->withs++] = all[i];
        else
            return false;
    }
    f->with = knob;
    return true;
}

static bool take_knob(const struct reading *in, const struct yaml *y, const struct workload *w,
                      const struct stated_figure *f)
{
    const struct yaml *knob = yaml_get(y, "knob");
    if (f->kind != FIGURE_GROWTH && f->kind != FIGURE_TIME_GROWTH)
        return !knob || yaml_error(knob, in->name, in->err, "a knob is of a figure of growth");
    const struct knob *k = knob ? knob_find(w, knob->text) : NULL;
    return (k && (k->kind == KNOB_TOKENS || k->kind == KNOB_COUNT)) ||
           yaml_error(knob ? knob : y, in->name, in->err,
                      "a figure of growth needs a knob of %s that is a number", w->name);
}

static bool read_figure(const struct reading *in, const struct yaml *y, const struct workload *w,
                        struct stated_figure *out)
{
    const struct slots t = SLOTS("a figure", figure_slots);
    struct as_written written = {.value = (double)NAN, .low = (double)NAN, .high = (double)NAN};
    struct stated_figure *f = &written.figure;
    if (!read_slots(in, &t, y, &written) || !kind_of(in, y, written.what, &f->kind)) return false;
    if (f->kind == FIGURE_OTHER) {
        *out = *f;
        return (f->text && f->why) ||
               yaml_error(y, in->name, in->err, "a figure of nothing computed needs text and why");
    }
    if (f->kind == FIGURE_OFFERED) {
        *out = *f;
        return (f->instance && take_yes(in, y, out)) ||
               yaml_error(y, in->name, in->err, "a figure of offered needs instance and yes");
    }
    if (!w) return yaml_error(y, in->name, in->err, "only a workload has computed figures");
    if (!take_with(in, y, w, f) || !take_knob(in, y, w, f)) return false;
    if (figure_dimension(f->kind) == FIGURE_YES ? !take_yes(in, y, f)
                                                : !take_range(in, y, &written))
        return false;
    *out = *f;
    return true;
}

bool figures_read(const struct reading *in, const struct yaml *map, const struct workload *w,
                  const struct stated_figure **out, size_t *count)
{
    const struct yaml *list;
    if (!read_list(in, map, "says", &list)) return false;
    if (!list) return true;
    if (list->count > FIGURES_MOST)
        return yaml_error(list, in->name, in->err, "an experiment has at most %d figures",
                          FIGURES_MOST);
    struct stated_figure *f = NEW_ARRAY(in->arena, struct stated_figure, list->count);
    size_t n = 0;
    for (const struct yaml *y = list->first; y; y = y->next)
        if (!read_figure(in, y, w, &f[n++])) return false;
    *out = f;
    *count = n;
    return true;
}
