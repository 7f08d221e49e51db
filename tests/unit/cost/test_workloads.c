/* Workloads beside training and captures: sweeps, evaluation, comparison, and work that runs no model. */
#include "../stage.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "cost/analysis.h"
#include "cost/cpu_job.h"
#include "cost/evaluate.h"
#include "cost/finetune.h"
#include "cost/training.h"

static const struct split card = {.sites = 2};
static struct bill bill; /* the one last made */

struct run {
    const struct workload *kind;
    void *knobs;
    struct digest model;
    struct shape shape;
};

static void begin(struct stage *s, struct run *r, const char *kind, const char *model)
{
    *r = (struct run){.kind = cost_workload(str_of(kind))};
    if (!r->kind) fail_msg("no workload is called %s", kind);
    stage_model(s, model, "F16");
    r->shape = s->shape;
    r->model = s->digest;
    r->model.shape = &r->shape;
    r->knobs = arena_alloc(s->arena, r->kind->size);
    r->kind->usual(r->knobs, &r->model, s->catalog);
}

static void say(struct stage *s, struct run *r, const char *knob, const char *value)
{
    struct mu_err err = {.code = MU_OK};
    if (!knob_set(r->kind, r->knobs, str_of(knob), str_of(value), s->catalog, &err))
        fail_msg("%s", err.text);
}

static double held(const struct run *r)
{
    const struct task t = {r->kind, &r->model, r->knobs};
    cost_bill(&t, &card, &bill);
    if (bill.unruled) fail_msg("%s: %s", r->kind->name, bill.unruled);
    return bill_held(&bill, 0) + bill_held(&bill, 1);
}

static const char *unruled(const struct run *r)
{
    const struct task t = {r->kind, &r->model, r->knobs};
    cost_bill(&t, &card, &bill);
    return bill.unruled;
}

static double line(const char *name)
{
    double sum = 0;
    for (size_t i = 0; i < bill.lines; i++)
        if (strcmp(bill.line[i].term->name, name) == 0) sum += bill.line[i].amount;
    return sum;
}

static double once(void)
{
    double sum = 0;
    for (size_t i = 0; i < bill.lines; i++)
        if (bill.line[i].phase == ONCE) sum += bill.line[i].amount;
    return sum;
}

static void a_sweep_is_its_largest_run(void **state)
{
    struct stage *s = *state;
    struct run one, all;
    begin(s, &one, "finetune", "Qwen/Qwen2.5-7B-Instruct");
    begin(s, &all, "sweep", "Qwen/Qwen2.5-7B-Instruct");
    say(s, &all, "ranks", "8,64,16");
    say(s, &one, "rank", "64");
    assert_true(held(&all) == held(&one));
    const double loads = once();
    say(s, &one, "samples", "1000");
    say(s, &all, "samples", "1000");
    assert_true(all.kind->units(all.knobs) == 3 * one.kind->units(one.knobs));
    say(s, &all, "runs", "2");
    assert_true(all.kind->units(all.knobs) == 6 * one.kind->units(one.knobs));
    (void)held(&all);
    assert_true(loads > 0 && once() == 6 * loads);
    begin(s, &all, "sweep", "Qwen/Qwen2.5-7B-Instruct");
    say(s, &all, "samples", "1000");
    assert_true(isnan(all.kind->units(all.knobs))); /* nobody said how many runs */
    say(s, &all, "ranks", "8");
    say(s, &all, "method", "full");
    assert_non_null(unruled(&all));
}

/* 003 names ranks 8 to 64: what they move is adapters, their gradients and their states alone. */
static void ranks_move_little(void **state)
{
    struct stage *s = *state;
    struct run r;
    begin(s, &r, "sweep", "Qwen/Qwen2.5-7B-Instruct");
    say(s, &r, "method", "qlora");
    say(s, &r, "framework", "unsloth");
    say(s, &r, "ranks", "8");
    const double low = held(&r), adapters = line("adapters");
    say(s, &r, "ranks", "8,64");
    const double high = held(&r);
    assert_true(line("adapters") == 8 * adapters);
    assert_true(high > low && high < 1.3 * low);
}

static void a_reference_doubles_weights_and_an_adapter_does_not(void **state)
{
    struct stage *s = *state;
    struct run r;
    begin(s, &r, "evaluate", "Qwen/Qwen2.5-7B-Instruct");
    const double alone = held(&r), weights = line("weights");
    say(s, &r, "reference", "model");
    assert_true(held(&r) == alone + weights);
    say(s, &r, "reference", "adapter");
    say(s, &r, "rank", "16");
    const double adapter =
        4 * training_adapter_parameters(&r.shape, (1U << TO_HEAD) - 1, 16); /* F32 */
    assert_true(held(&r) == alone + adapter);
    say(s, &r, "prompts", "10");
    say(s, &r, "sequences", "4");
    assert_true(r.kind->units(r.knobs) == 3);
}

/* Scored prompts keep the logits of all their tokens, written answers those of the last. */
static void scores_cost_logits(void **state)
{
    struct stage *s = *state;
    struct run r;
    begin(s, &r, "evaluate", "Qwen/Qwen2.5-7B-Instruct");
    (void)held(&r);
    assert_true(line("logits of each token") == 10.0 * 512 * 152064);
    say(s, &r, "new_tokens", "64");
    (void)held(&r);
    assert_true(line("logits of each token") == 0);
    say(s, &r, "dtype", "fp32");
    const double whole = held(&r), weights = line("weights");
    say(s, &r, "dtype", "nf4");
    assert_true(held(&r) < whole / 3 && line("weights") < weights / 4);
}

static void two_models_are_compared_at_once_or_in_turn(void **state)
{
    struct stage *s = *state;
    struct run large, small;
    begin(s, &small, "compare", "Qwen/Qwen2.5-0.5B-Instruct");
    begin(s, &large, "compare", "Qwen/Qwen2.5-7B-Instruct");
    struct evaluate *k = large.knobs, *other = small.knobs;
    say(s, &large, "at_once", "off");
    const double alone = held(&large);
    k->other = &small.model;
    assert_true(held(&large) == alone);
    other->other = &large.model;
    say(s, &small, "at_once", "off");
    assert_true(held(&small) == alone); /* whichever is named first */
    say(s, &small, "at_once", "on");
    say(s, &large, "at_once", "on");
    const double both = held(&large);
    assert_true(both == held(&small) && both > alone && both < 1.1 * alone);
    k->other = NULL; /* one as large */
    assert_true(held(&large) == alone + line("weights"));
    say(s, &large, "reference", "adapter");
    assert_true(held(&large) < 1.05 * alone);
    k->other = &small.model;
    assert_non_null(unruled(&large));
}

static void what_runs_no_model_is_as_said(void **state)
{
    struct stage *s = *state;
    struct run r;
    begin(s, &r, "cpu-job", "Qwen/Qwen2.5-7B-Instruct");
    assert_true(r.kind->modelless);
    assert_non_null(unruled(&r));
    say(s, &r, "ram", "4GiB");
    say(s, &r, "disk", "512MiB");
    say(s, &r, "repeats", "3");
    assert_true(held(&r) == 4.0 * 1024 * 1024 * 1024);
    const struct on_disk d = r.kind->writes(&r.model, r.knobs);
    assert_true(d.low_bytes == 512.0 * 1024 * 1024 && d.high_bytes == d.low_bytes && d.units == 3);
    assert_string_equal(knob_text(knob_find(r.kind, S("ram")), r.knobs, s->arena), "4GiB");
    assert_string_equal(knob_text(knob_find(r.kind, S("disk")), r.knobs, s->arena), "512MiB");
    say(s, &r, "disk", "1234567B");
    assert_string_equal(knob_text(knob_find(r.kind, S("disk")), r.knobs, s->arena), "1234567B");
    struct mu_err err = {.code = MU_OK}; /* 4 of what? */
    assert_false(knob_set(r.kind, r.knobs, S("ram"), S("4"), s->catalog, &err));
}

static void captures_say_what_they_write(void **state)
{
    struct stage *s = *state;
    struct run r;
    begin(s, &r, "hidden-states", "Qwen/Qwen2.5-7B-Instruct");
    assert_true(r.kind->writes(&r.model, r.knobs).high_bytes == 0); /* kept on the device */
    say(s, &r, "place", "disk");
    say(s, &r, "layers", "0,14,-1");
    struct on_disk d = r.kind->writes(&r.model, r.knobs);
    assert_true(d.low_bytes == 3.0 * 512 * 3584 * 2 && d.high_bytes == d.low_bytes);
    assert_true(isnan(d.units));
    say(s, &r, "file_format", "csv");
    say(s, &r, "samples", "100");
    say(s, &r, "sequences", "8");
    d = r.kind->writes(&r.model, r.knobs);
    assert_true(d.low_bytes == 8 * 3.0 * 512 * 3584 * 10 && d.high_bytes == 2 * d.low_bytes);
    assert_true(d.units == 12.5);
    say(s, &r, "layers", "29-29");
    assert_non_null(unruled(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(a_sweep_is_its_largest_run),
        STAGED(ranks_move_little),
        STAGED(a_reference_doubles_weights_and_an_adapter_does_not),
        STAGED(scores_cost_logits),
        STAGED(two_models_are_compared_at_once_or_in_turn),
        STAGED(what_runs_no_model_is_as_said),
        STAGED(captures_say_what_they_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
