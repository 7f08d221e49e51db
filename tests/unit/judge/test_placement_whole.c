/* Workloads that lie at one site as a whole: on an accelerator where one holds them, else on the host; what is asked for is obeyed. */
#include "../stage.h"

#include <string.h>

#include "cost/finetune.h"
#include "judge/placement.h"

struct whole {
    struct task task;
    void *knobs;
};

static struct whole whole(struct stage *s, const char *kind, const char *model)
{
    const struct task t = stage_model(s, model, "F16");
    const struct workload *w = cost_workload(str_of(kind));
    void *knobs = arena_alloc(s->arena, w->size);
    w->usual(knobs, t.model, s->catalog);
    return (struct whole){{w, t.model, knobs}, knobs};
}

static void set(struct stage *s, const struct whole *x, const char *knob, const char *value)
{
    struct mu_err err = {.code = MU_OK};
    if (!knob_set(x->task.kind, x->knobs, str_of(knob), str_of(value), s->catalog, &err))
        fail_msg("%s", err.text);
}

static struct verdict *judged(struct stage *s, const struct whole *x, const char *line)
{
    struct verdict *v = NEW(s->arena, struct verdict);
    judge_task(&x->task, stage_machine(s, line), &s->world, v);
    return v;
}

static void on_a_device_that_holds_it_else_on_the_host(void **state)
{
    struct stage *s = *state;
    const struct whole x = whole(s, "finetune", "Qwen/Qwen2.5-7B-Instruct");
    set(s, &x, "method", "qlora");
    set(s, &x, "framework", "unsloth");
    const struct verdict *card = judged(s, &x, "ram:32GiB gpu:RTX 3060 12GB");
    assert_int_equal(card->split.sites, 2);
    assert_int_equal(card->fits, FITS);
    set(s, &x, "device", "cpu");
    assert_int_equal(judged(s, &x, "ram:32GiB gpu:RTX 3060 12GB")->split.sites, 1);
    set(s, &x, "device", "auto");
    set(s, &x, "method", "lora");
    const struct verdict *host = judged(s, &x, "ram:64GiB gpu:RTX 3060 12GB");
    assert_int_equal(host->split.sites, 1);
    assert_int_equal(host->fits, FITS);
    set(s, &x, "device", "gpu");
    const struct verdict *neither = judged(s, &x, "ram:64GiB gpu:RTX 3060 12GB");
    assert_int_equal(neither->split.sites, 2);
    assert_int_equal(neither->fits, FITS_NOT);
}

static void where_there_is_none_it_says_so(void **state)
{
    struct stage *s = *state;
    const struct whole x = whole(s, "finetune", "Qwen/Qwen2.5-0.5B-Instruct");
    assert_int_equal(judged(s, &x, "ram:32GiB")->fits, FITS);
    set(s, &x, "device", "gpu");
    const struct verdict *v = judged(s, &x, "ram:32GiB");
    assert_int_equal(v->fits, FITS_NOT);
    assert_non_null(strstr(v->why, "no accelerator"));
    set(s, &x, "device", "auto");
    set(s, &x, "shards", "3");
    assert_non_null(strstr(judged(s, &x, "ram:64GiB gpu:RTX 4090 x2")->why, "more accelerators"));
    set(s, &x, "shards", "2");
    assert_null(judged(s, &x, "ram:64GiB gpu:RTX 4090 x2")->why);
}

/* The smaller of two unlike cards decides what is shared evenly. */
static void shards_are_even(void **state)
{
    struct stage *s = *state;
    const struct whole x = whole(s, "finetune", "Qwen/Qwen2.5-7B-Instruct");
    set(s, &x, "shards", "2");
    const struct verdict *v = judged(s, &x, "ram:64GiB gpu:RTX 4090, RTX 3060 12GB");
    assert_true(v->site[1].usable_bytes < 13e9);
}

static void what_works_on_the_host_stays_there(void **state)
{
    static const char *const kind[] = {"probe", "retrieve", "snn-convert"};
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(kind); i++) {
        const struct whole x = whole(s, kind[i], "openai-community/gpt2");
        assert_int_equal(judged(s, &x, "ram:64GiB gpu:RTX 4090")->split.sites, 1);
    }
}

static void what_is_written_must_have_room(void **state)
{
    struct stage *s = *state;
    const struct whole x = whole(s, "cpu-job", "openai-community/gpt2");
    set(s, &x, "ram", "4GiB");
    set(s, &x, "disk", "100GiB");
    assert_int_equal(judged(s, &x, "ram:64GiB disk:200GiB")->fits, FITS);
    const struct verdict *v = judged(s, &x, "ram:64GiB disk:50GiB");
    assert_int_equal(v->fits, FITS_NOT);
    assert_non_null(v->why);
    assert_int_equal(judged(s, &x, "ram:64GiB")->fits, FITS); /* no disk is known */
    set(s, &x, "repeats", "3");
    assert_int_equal(judged(s, &x, "ram:64GiB disk:200GiB")->fits, FITS_NOT);
    set(s, &x, "disk", "0");
    set(s, &x, "cores", "8");
    assert_int_equal(judged(s, &x, "cpu:8 ram:64GiB")->fits, FITS);
    assert_int_equal(judged(s, &x, "cpu:4 ram:64GiB")->fits, FITS_NOT);
}

static void every_kind_has_a_range_and_no_speed_of_text(void **state)
{
    struct stage *s = *state;
    for (size_t i = 0; workloads[i]; i++) {
        if (cost_writes_text(workloads[i]) || workloads[i]->modelless) continue;
        const struct whole x = whole(s, workloads[i]->name, "openai-community/gpt2");
        if (workloads[i]->modelless) set(s, &x, "ram", "4GiB");
        const struct verdict *v = judged(s, &x, "ram:64GiB gpu:RTX 4090");
        if (v->bill.unruled) fail_msg("%s: %s", workloads[i]->name, v->bill.unruled);
        assert_int_equal(v->fits, FITS);
        assert_false(estimate_known(v->decode_per_s));
        for (int k = 0; k < v->split.sites; k++) {
            assert_true(v->site[k].held_bytes.low <= v->site[k].held_bytes.likely);
            assert_true(v->site[k].held_bytes.likely <= v->site[k].held_bytes.high);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED_WORLD(on_a_device_that_holds_it_else_on_the_host),
        STAGED_WORLD(where_there_is_none_it_says_so),
        STAGED_WORLD(shards_are_even),
        STAGED_WORLD(what_works_on_the_host_stays_there),
        STAGED_WORLD(what_is_written_must_have_room),
        STAGED_WORLD(every_kind_has_a_range_and_no_speed_of_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
