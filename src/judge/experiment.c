/* Reads a set of experiments from YAML: text in, structs out. Every map has one table of the keys it may hold; a key that is not in it
 * is refused by line and column with the nearest one that is. The keys of a workload are its knobs (cost/cost.h), kept as text here and
 * set by whoever judges. Format: docs/design/DESIGN.md 4. Left out: judging. */
#include "judge/experiment.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/yaml.h"
#include "cost/cost.h"
#include "judge/reading.h"

enum { EXPERIMENTS_MOST = 256, FIGURES_MOST = 1024 };

static const struct slot need_slots[] = {
    {"ram_gb", SLOT_NUMBER, offsetof(struct guide_need, ram_gb)},
    {"ram_available_gb", SLOT_NUMBER, offsetof(struct guide_need, ram_available_gb)},
    {"disk_free_gb", SLOT_NUMBER, offsetof(struct guide_need, disk_free_gb)},
    {"cpu_cores", SLOT_NUMBER, offsetof(struct guide_need, cpu_cores)},
    {"cpu", SLOT_TEXT, offsetof(struct guide_need, cpu)},
    {"gpu", SLOT_TEXT, offsetof(struct guide_need, gpu)},
    {"disk", SLOT_TEXT, offsetof(struct guide_need, disk)},
    {"source", SLOT_TEXT, offsetof(struct guide_need, source)},
};

static bool read_need(const struct reading *in, const struct yaml *map, const char *key,
                      struct guide_need *out)
{
    *out = (struct guide_need){.ram_gb = (double)NAN,
                               .ram_available_gb = (double)NAN,
                               .disk_free_gb = (double)NAN,
                               .cpu_cores = (double)NAN};
    const struct yaml *y = yaml_get(map, key);
    const struct slots t = SLOTS("a requirement", need_slots);
    return !y || read_slots(in, &t, y, out);
}

static bool read_knobs(const struct reading *in, const struct workload *w, const struct yaml *map,
                       struct experiment *e)
{
    struct setting *setting = NEW_ARRAY(in->arena, struct setting, map->count);
    for (const struct yaml *y = map->first; y; y = y->next) {
        if (y->kind != YAML_SCALAR)
            return yaml_error(y, in->name, in->err, "%s must be one value",
                              str_visible(in->arena, y->key));
        const char *text = str_copy(in->arena, y->text);
        if (str_is(y->key, "kind"))
            e->kind = w->name;
        else if (str_is(y->key, "model"))
            e->model = text;
        else if (str_is(y->key, "quant"))
            e->quant = text;
        else if (read_knob_name(in, w, false, y))
            setting[e->settings++] = (struct setting){str_copy(in->arena, y->key), text};
        else
            return false;
    }
    e->setting = setting;
    e->workload = w;
    if (w->modelless && e->model)
        return yaml_error(map, in->name, in->err, "%s runs no model: leave it out", w->name);
    return e->model || w->modelless ||
           yaml_error(map, in->name, in->err, "a workload needs a model");
}

static bool refuse_kind(const struct reading *in, const struct yaml *kind)
{
    enum { NEAR_ENOUGH = 3 };
    const char *near = NULL;
    size_t edits = NEAR_ENOUGH + 1;
    for (size_t i = 0; workloads[i]; i++) {
        const size_t d = str_distance(kind->text, str_of(workloads[i]->name));
        if (d >= edits) continue;
        edits = d;
        near = workloads[i]->name;
    }
    return yaml_error(kind, in->name, in->err, "a workload needs a known kind, not %s%s%s%s",
                      str_visible(in->arena, kind->text), near ? "; did you mean '" : "",
                      near ? near : "", near ? "'?" : "");
}

static bool read_workload(const struct reading *in, const struct yaml *map, struct experiment *e)
{
    if (map->kind != YAML_MAP)
        return yaml_error(map, in->name, in->err, "a workload must be a map of keys");
    const struct yaml *kind = yaml_get(map, "kind");
    if (!kind || kind->kind != YAML_SCALAR)
        return yaml_error(kind ? kind : map, in->name, in->err, "a workload needs a known kind");
    const struct workload *w = cost_workload(kind->text);
    return w ? read_knobs(in, w, map, e) : refuse_kind(in, kind);
}

/* How much of the workload is done: some of its knobs, which say so. */
static bool read_amount(const struct reading *in, const struct yaml *y, struct experiment *e)
{
    const struct yaml *amount = yaml_get(y, "amount");
    if (!read_settings(in, y, "amount", &e->amount, &e->amounts) || !amount) return !amount;
    if (!e->workload) return true;
    for (const struct yaml *item = amount->first; item; item = item->next) {
        if (!read_knob_name(in, e->workload, true, item)) return false;
        for (size_t i = 0; i < e->settings; i++)
            if (str_is(item->key, e->setting[i].name))
                return yaml_error(item, in->name, in->err, "%s stands in workload and in amount",
                                  e->setting[i].name);
    }
    return true;
}

/* Each {name} of a command stands for the value of one of the workload's knobs, or its model or mix. */
static bool check_command(const struct reading *in, const struct yaml *y,
                          const struct experiment *e)
{
    const struct yaml *command = yaml_get(y, "command");
    struct str name, rest = str_of(e->command);
    while (command_next(&rest, &name, NULL)) {
        const struct yaml at = {
            .key = name, .key_line = command->line, .key_column = command->column};
        if (str_is(name, "model") || str_is(name, "quant")) continue;
        if (!e->workload)
            return yaml_error(command, in->name, in->err,
                              "a command has {%s}, but there is no workload with such a knob",
                              str_visible(in->arena, name));
        if (!read_knob_name(in, e->workload, false, &at)) return false;
    }
    return true;
}

bool command_next(struct str *rest, struct str *name, struct str *before)
{
    for (size_t i = 0; i < rest->n; i++) {
        size_t end = i + 1;
        if (rest->p[i] != '{') continue;
        while (end < rest->n && (byte_is_word(rest->p[end]) || rest->p[end] == '_')) end++;
        if (end == i + 1 || end == rest->n || rest->p[end] != '}') continue;
        *name = (struct str){rest->p + i + 1, end - i - 1};
        if (before) *before = (struct str){rest->p, i};
        *rest = (struct str){rest->p + end + 1, rest->n - end - 1};
        return true;
    }
    return false;
}

static const struct slot experiment_slots[] = {
    {"id", SLOT_TEXT, offsetof(struct experiment, id)},
    {"title", SLOT_TEXT, offsetof(struct experiment, title)},
    {"command", SLOT_TEXT, offsetof(struct experiment, command)},
    {"software", SLOT_OTHER, 0},
    {"amount", SLOT_OTHER, 0},
    {"unless", SLOT_TEXT, offsetof(struct experiment, unless)},
    {"recommends", SLOT_TEXT, offsetof(struct experiment, recommends)},
    {"why_not", SLOT_TEXT, offsetof(struct experiment, why_not)},
    {"guide", SLOT_OTHER, 0},
    {"minimum", SLOT_OTHER, 0},
    {"recommended", SLOT_OTHER, 0},
    {"workload", SLOT_OTHER, 0},
    {"after", SLOT_OTHER, 0},
    {"together", SLOT_OTHER, 0},
    {"says", SLOT_OTHER, 0},
};

/* All that stands beside its workload. */
static bool read_rules(const struct reading *in, const struct yaml *y, struct experiment *e)
{
    return read_need(in, y, "guide", &e->guide) && read_need(in, y, "minimum", &e->minimum) &&
           read_need(in, y, "recommended", &e->recommended) &&
           read_texts(in, y, "after", &e->after, &e->afters) &&
           read_texts(in, y, "together", &e->together, &e->togethers) &&
           read_settings(in, y, "software", &e->software, &e->softwares);
}

static bool read_experiment(const struct reading *in, const struct yaml *y, struct experiment *e)
{
    const struct slots t = SLOTS("an experiment", experiment_slots);
    if (!read_slots(in, &t, y, e)) return false;
    if (!e->id) return yaml_error(y, in->name, in->err, "an experiment needs an id");
    if (!e->title) e->title = e->id;
    const struct yaml *workload = yaml_get(y, "workload");
    if (!workload && !e->why_not)
        return yaml_error(y, in->name, in->err, "experiment %s needs a workload, or a why_not",
                          e->id);
    return read_rules(in, y, e) && (!workload || read_workload(in, workload, e)) &&
           read_amount(in, y, e) && figures_read(in, y, e->workload, &e->figure, &e->figures) &&
           check_command(in, y, e);
}

static bool read_experiments(const struct reading *in, const struct yaml *top,
                             struct experiment_set *set)
{
    const struct yaml *list;
    if (!read_list(in, top, "experiments", &list)) return false;
    if (!list || !list->count)
        return yaml_error(top, in->name, in->err, "a set needs a list of experiments");
    if (list->count > EXPERIMENTS_MOST)
        return yaml_error(list, in->name, in->err, "a set has at most %d experiments",
                          EXPERIMENTS_MOST);
    struct experiment *e = NEW_ARRAY(in->arena, struct experiment, list->count);
    size_t figures = 0;
    for (const struct yaml *y = list->first; y; y = y->next) {
        if (!read_experiment(in, y, &e[set->experiments])) return false;
        figures += e[set->experiments].figures;
        if (figures > FIGURES_MOST)
            return yaml_error(y, in->name, in->err, "a set has at most %d figures", FIGURES_MOST);
        set->experiment = e;
        if (experiment_find(set, e[set->experiments].id))
            return yaml_error(y, in->name, in->err, "two experiments have the id %s",
                              e[set->experiments].id);
        set->experiments++;
    }
    return true;
}

/* "a, b, c" */
static const char *known_ids(const struct reading *in, const struct experiment_set *set)
{
    enum { IDS_SHOWN = 24 };
    const char *text = set->experiment[0].id;
    for (size_t i = 1; i < set->experiments && i < IDS_SHOWN; i++)
        text = str_format(in->arena, "%s, %s", text, set->experiment[i].id);
    return set->experiments > IDS_SHOWN ? str_format(in->arena, "%s, ...", text) : text;
}

/* `after`, `unless` and `together` must name experiments of the set. */
static bool check_names(const struct reading *in, const struct yaml *top,
                        const struct experiment_set *set)
{
    for (size_t i = 0; i < set->experiments; i++) {
        const struct experiment *e = &set->experiment[i];
        const char *missing = e->unless && !experiment_find(set, e->unless) ? e->unless : NULL;
        for (size_t k = 0; k < e->afters; k++)
            if (!experiment_find(set, e->after[k])) missing = e->after[k];
        for (size_t k = 0; k < e->togethers; k++)
            if (!experiment_find(set, e->together[k])) missing = e->together[k];
        if (missing)
            return yaml_error(top, in->name, in->err,
                              "experiment %s names %s, which is not in it; there are: %s", e->id,
                              str_visible(in->arena, str_of(missing)), known_ids(in, set));
    }
    return true;
}

static const struct slot row_slots[] = {
    {"label", SLOT_TEXT, offsetof(struct guide_row, label)},
    {"quant", SLOT_TEXT, offsetof(struct guide_row, quant)},
    {"text", SLOT_TEXT, offsetof(struct guide_row, text)},
    {"ram_low_gb", SLOT_NUMBER, offsetof(struct guide_row, ram_low_gb)},
    {"ram_high_gb", SLOT_NUMBER, offsetof(struct guide_row, ram_high_gb)},
};
static const struct slot table_slots[] = {
    {"id", SLOT_TEXT, offsetof(struct guide_table, id)},
    {"title", SLOT_TEXT, offsetof(struct guide_table, title)},
    {"model", SLOT_TEXT, offsetof(struct guide_table, model)},
    {"context_tokens", SLOT_NUMBER, offsetof(struct guide_table, context_tokens)},
    {"by", SLOT_OTHER, 0},
    {"rows", SLOT_OTHER, 0},
};

static bool read_table(const struct reading *in, const struct yaml *y, struct guide_table *out)
{
    const struct slots t = SLOTS("a table", table_slots), r = SLOTS("a table's row", row_slots);
    const struct yaml *list;
    if (!read_slots(in, &t, y, out) || !read_list(in, y, "rows", &list)) return false;
    if (!list) return yaml_error(y, in->name, in->err, "a table needs rows");
    const struct yaml *by = yaml_get(y, "by");
    out->by_available = by && str_is(by->text, "ram_available_gb");
    if (by && !out->by_available && !str_is(by->text, "ram_gb"))
        return yaml_error(by, in->name, in->err, "by must be ram_gb or ram_available_gb");
    struct guide_row *row = NEW_ARRAY(in->arena, struct guide_row, list->count);
    for (const struct yaml *item = list->first; item; item = item->next) {
        struct guide_row *to = &row[out->rows++];
        to->ram_high_gb = (double)INFINITY;
        if (!read_slots(in, &r, item, to)) return false;
        if (!to->label || !to->text)
            return yaml_error(item, in->name, in->err, "a table's row needs label and text");
    }
    out->row = row;
    return true;
}

static bool read_tables(const struct reading *in, const struct yaml *top,
                        struct experiment_set *set)
{
    const struct yaml *list, *quantisation = yaml_get(top, "quantisation");
    if (!read_list(in, top, "tables", &list)) return false;
    struct guide_table *table = NEW_ARRAY(in->arena, struct guide_table, list ? list->count : 0);
    for (const struct yaml *y = list ? list->first : NULL; y; y = y->next) {
        struct guide_table *t = &table[set->tables++];
        if (!read_table(in, y, t)) return false;
        if (!t->id || !t->title)
            return yaml_error(y, in->name, in->err, "a table needs id and title");
    }
    set->table = table;
    if (!quantisation) return true;
    struct guide_table *q = NEW(in->arena, struct guide_table);
    set->quantisation = q;
    return read_table(in, quantisation, q);
}

static const struct slot sentence_slots[] = {
    {"when", SLOT_TEXT, offsetof(struct guide_sentence, when)},
    {"text", SLOT_TEXT, offsetof(struct guide_sentence, text)},
};

static bool read_sentences(const struct reading *in, const struct yaml *top,
                           struct experiment_set *set)
{
    const struct slots t = SLOTS("a sentence", sentence_slots);
    const struct yaml *list;
    if (!read_list(in, top, "sentences", &list)) return false;
    if (!list) return true;
    struct guide_sentence *s = NEW_ARRAY(in->arena, struct guide_sentence, list->count);
    for (const struct yaml *y = list->first; y; y = y->next) {
        if (!read_slots(in, &t, y, &s[set->sentences])) return false;
        if (!s[set->sentences].when || !s[set->sentences].text)
            return yaml_error(y, in->name, in->err, "a sentence needs when and text");
        set->sentences++;
    }
    set->sentence = s;
    return true;
}

struct slow {
    double over_s;
    const char *note;
};
static const struct slot slow_slots[] = {
    {"over_s", SLOT_NUMBER, offsetof(struct slow, over_s)},
    {"note", SLOT_TEXT, offsetof(struct slow, note)},
};

static bool read_additions(const struct reading *in, const struct yaml *top,
                           struct experiment_set *set)
{
    const struct slots t = SLOTS("slow_benchmark", slow_slots);
    struct slow slow = {.over_s = (double)INFINITY};
    const struct yaml *y = yaml_get(top, "slow_benchmark"),
                      *gpu = yaml_get(top, "gpu_recommendations");
    if (y && !read_slots(in, &t, y, &slow)) return false;
    set->slow_benchmark_s = slow.over_s;
    set->slow_benchmark_note = slow.note;
    if (!gpu) return true;
    if (gpu->kind != YAML_MAP)
        return yaml_error(gpu, in->name, in->err, "gpu_recommendations must be a map");
    struct setting *s = NEW_ARRAY(in->arena, struct setting, gpu->count);
    for (const struct yaml *item = gpu->first; item; item = item->next)
        s[set->gpu_recommendations++] =
            (struct setting){str_copy(in->arena, item->key), str_copy(in->arena, item->text)};
    set->gpu_recommendation = s;
    return true;
}

static const struct slot set_slots[] = {
    {"name", SLOT_TEXT, offsetof(struct experiment_set, name)},
    {"title", SLOT_TEXT, offsetof(struct experiment_set, title)},
    {"source", SLOT_TEXT, offsetof(struct experiment_set, source)},
    {"on", SLOT_TEXT, offsetof(struct experiment_set, on)},
    {"software", SLOT_OTHER, 0},
    {"experiments", SLOT_OTHER, 0},
    {"tables", SLOT_OTHER, 0},
    {"quantisation", SLOT_OTHER, 0},
    {"sentences", SLOT_OTHER, 0},
    {"slow_benchmark", SLOT_OTHER, 0},
    {"gpu_recommendations", SLOT_OTHER, 0},
};

const struct experiment *experiment_find(const struct experiment_set *set, const char *id)
{
    for (size_t i = 0; i < set->experiments; i++)
        if (strcmp(set->experiment[i].id, id) == 0) return &set->experiment[i];
    return NULL;
}

bool experiment_set_parse(struct str yaml, const char *name, struct arena *a,
                          const struct experiment_set **out, struct mu_err *err)
{
    const struct reading in = {name, a, err};
    const struct slots t = SLOTS("a set of experiments", set_slots);
    const struct yaml *top;
    struct experiment_set *set = NEW(a, struct experiment_set);
    if (!yaml_parse(yaml, name, a, &top, err)) return false;
    if (!read_slots(&in, &t, top, set) || !read_experiments(&in, top, set) ||
        !check_names(&in, top, set) || !read_tables(&in, top, set) ||
        !read_sentences(&in, top, set) || !read_additions(&in, top, set) ||
        !read_settings(&in, top, "software", &set->software, &set->softwares))
        return false;
    if (!set->name) return yaml_error(top, name, err, "a set needs a name");
    if (!set->title) set->title = set->name;
    *out = set;
    return true;
}
