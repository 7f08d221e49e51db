/* What a step of training took by a row's tokens a second, and what we say of it: the card is looked up in the catalogue, a machine is made
 * of what is listed there, and everything lies on it. Several cards that each hold all of it work as one does. Left out: rows whose tokens
 * nobody counted (a longest sequence says little of a set of texts), and those of cards that share weights over a link that is not told. */
#include "proof/step_truth.h"

#include <math.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/notes.h"
#include "base/num.h"
#include "cost/finetune.h"
#include "judge/time.h"
#include "model/digest.h"
#include "proof/subjects.h"

static const double figure_most = 1e12;

static double figure(const struct json *row, const char *key)
{
    double x;
    return json_number(json_get(row, key), &x) && x > 0 && x <= figure_most ? x : (double)NAN;
}

double step_sequence_tokens(const struct json *row)
{
    const double average = figure(row, "avg_tokens_per_step") / figure(row, "batch");
    return isnan(average) ? figure(row, "seq") : average;
}

double step_measured_s(const struct json *row)
{
    const double devices = number_or(figure(row, "n_gpus"), 1), clock_s = figure(row, "step_s");
    bool usable;
    if (json_bool(json_get(row, "usable"), &usable) && !usable) return (double)NAN;
    if (!isnan(clock_s)) return clock_s;
    if (number_or(figure(row, "n_shard"), 1) > 1 || !json_get(row, "gpu")) return (double)NAN;
    return figure(row, "batch") * number_or(figure(row, "grad_accum"), 1) *
           step_sequence_tokens(row) * devices / figure(row, "tokens_per_s");
}

/* A CPU with the rates that a row tells of its sitting. */
static const struct machine *with_rates(const struct json *row, const struct machine *m,
                                        struct arena *a)
{
    static const struct {
        const char *key;
        enum machine_work work;
    } told[] = {{"sgemm_flop_per_s", WORK_SGEMM_FLOP}, {"read_bytes_per_s", WORK_READ_BYTES}};
    struct rate *rate = NEW_ARRAY(a, struct rate, COUNT_OF(told));
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        const double per_s = figure(row, told[i].key);
        if (isnan(per_s)) return NULL;
        rate[i] = (struct rate){.work = told[i].work,
                                .type = RATE_NO_TYPE,
                                .threads = 1,
                                .per_s = estimate_exactly(per_s, MEASURED, "the row")};
    }
    return machine_with_rates(m, rate, COUNT_OF(told), a);
}

static const struct machine *machine_of(const struct json *row, const struct catalog *c,
                                        struct arena *a)
{
    struct notes notes = {.arena = a};
    const struct looking in = {.catalog = c, .arena = a, .notes = &notes};
    const char *card = truth_text(row, "gpu", a);
    struct mu_err none = {.code = MU_OK};
    const struct machine *m;
    const char *line = card ? str_format(a, "ram:4096GiB gpu:%s", card) : "cpu:1 ram:4096GiB";
    if (!machine_from_line(str_of(line), &in, &m, &none)) return NULL;
    if (!card) return with_rates(row, m, a);
    return m->places == 2 ? m : NULL;
}

struct estimate step_predicted_s(const struct json *row, const struct shape *s,
                                 const struct finetune *knobs, const struct catalog *c,
                                 const struct world *w, struct arena *a)
{
    const struct machine *m = machine_of(row, c, a);
    struct finetune one = *knobs;
    const struct digest digest = {.shape = s};
    const struct task task = {&workload_finetune, &digest, &one};
    struct verdict *v = NEW(a, struct verdict);
    one.sequence_tokens = step_sequence_tokens(row);
    if (!m)
        return (struct estimate){(double)NAN, (double)NAN, (double)NAN, UNKNOWN,
                                 "its card is not in the catalogue"};
    const struct split split = {.sites = (int)m->places};
    const struct seats seats = {.place = {0, 1}};
    judge_split(&task, m, w, &split, &seats, v);
    judge_time(&task, m, w, v); /* also where we say that it does not fit: it ran */
    return v->unit_s;
}
