/* Remedies are the shortest lists of changes that fit: held against every combination of the rungs of a small workload made for it, with
 * costs drawn anew each time. What is proposed fits, does not without any one of its changes, and is the mildest of its kind. And the
 * ladders of real workloads go where their rows say. */
#include "../stage.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "cost/finetune.h"
#include "cost/generate.h"
#include "judge/remedies.h"

#define GiB (1024.0 * 1024 * 1024)
#define FIELD(name) offsetof(struct toy, name)
enum { KNOBS = 5 };
extern const struct workload workload_toy;

/* bytes: of each knob its figure times the weight that is drawn for it */
struct toy {
    double tokens, batch, rounds, kind, depth;
    bool wide;
    double weight[KNOBS];
};
static const char *const kinds[] = {"large", "middle", "small", "tiny", NULL};
static const char *const kind_rungs[] = {"large", "middle|small", "tiny", NULL};
static const char *const wide_rungs[] = {"on", "off", NULL};
static const struct knob toy_knobs[] = {
    {.name = "tokens",
     .option = "tokens",
     .kind = KNOB_TOKENS,
     .least = 1,
     .most = 1 << 20,
     .offset = FIELD(tokens),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_LENGTH, .floor = 128, .above = "depth"}},
    {.name = "batch",
     .option = "batch",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = 64,
     .offset = FIELD(batch),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_TIME, .floor = 1, .with = "rounds"}},
    {.name = "rounds",
     .option = "rounds",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = 64,
     .offset = FIELD(rounds)},
    {.name = "kind",
     .option = "kind-of",
     .kind = KNOB_CHOICE,
     .choices = kinds,
     .offset = FIELD(kind),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_QUALITY, .rungs = kind_rungs}},
    {.name = "wide",
     .option = "wide",
     .kind = KNOB_SWITCH,
     .offset = FIELD(wide),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_NOTHING, .rungs = wide_rungs}},
    {.name = "depth",
     .option = "depth",
     .kind = KNOB_TOKENS,
     .least = 0,
     .most = 1 << 20,
     .offset = FIELD(depth)},
};

static double toy_bytes(const struct toy *k)
{
    return GiB * (k->weight[0] * k->tokens / 1024 + k->weight[1] * k->batch +
                  k->weight[2] * (4 - k->kind) + k->weight[3] * (k->wide ? 2 : 0) + k->weight[4]);
}

static void toy_bill(struct bill *b, const struct digest *m, const void *knobs,
                     const struct split *s)
{
    (void)m;
    (void)s;
    GIVEN(b, all_bytes, toy_bytes(knobs), "test");
    HOLD(b, ON_HOST, "all", "weights", all_bytes, "test");
}

const struct workload workload_toy = {.name = "toy",
                                      .words = "for this test",
                                      .knob = toy_knobs,
                                      .knobs = sizeof toy_knobs / sizeof *toy_knobs,
                                      .size = sizeof(struct toy),
                                      .bill = toy_bill};

/* ---- every combination */

struct all {
    const struct remedy_asked *asked;
    struct steps steps[LADDERS_MOST];
    size_t ladders;
    double usable_bytes;
};

/* at: of each ladder how many rungs down, 0 none */
static bool fits_at(const struct all *x, const size_t at[LADDERS_MOST])
{
    struct toy k = *(const struct toy *)x->asked->task->knobs;
    for (size_t i = 0; i < x->ladders; i++)
        if (at[i])
            assert_true(rung_set(&workload_toy, &k, &x->steps[i], &x->steps[i].rung[at[i] - 1],
                                 x->asked->catalog));
    return toy_bytes(&k) <= x->usable_bytes;
}

static size_t fewest_changes(const struct all *x)
{
    size_t at[LADDERS_MOST] = {0}, best = SIZE_MAX;
    for (;;) {
        size_t changed = 0, i = 0;
        for (size_t k = 0; k < x->ladders; k++) changed += at[k] > 0;
        if (changed < best && fits_at(x, at)) best = changed;
        while (i < x->ladders && at[i] == x->steps[i].rungs) at[i++] = 0;
        if (i == x->ladders) return best;
        at[i]++;
    }
}

static size_t ladder_at(const struct all *x, const struct steps *s)
{
    for (size_t i = 0; i < x->ladders; i++)
        if (x->steps[i].knob == s->knob) return i;
    fail_msg("no such ladder");
    return 0;
}

/* It fits, and not with one of its changes taken back, by a rung or whole. */
static void check_remedy(const struct all *x, const struct remedy *r)
{
    size_t at[LADDERS_MOST] = {0};
    assert_int_equal(r->verdict.fits, FITS);
    for (size_t i = 0; i < r->changes; i++)
        at[ladder_at(x, r->change[i].steps)] = r->change[i].rung + 1;
    assert_true(fits_at(x, at));
    for (size_t i = 0; i < x->ladders; i++) {
        if (!at[i]) continue;
        const size_t now = at[i];
        at[i] = now - 1;
        assert_false(fits_at(x, at));
        at[i] = now;
    }
}

static void check_order(const struct remedies *r)
{
    for (size_t i = 1; i < r->remedies; i++) {
        const struct remedy *a = &r->remedy[i - 1], *b = &r->remedy[i];
        assert_true(a->changes <= b->changes);
        if (a->changes == b->changes) assert_true(a->cost <= b->cost);
    }
}

static double drawn(unsigned *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return (double)(*seed >> 16 & 0x3ff) / 1024;
}

static struct machine *with_memory(struct stage *s, double bytes)
{
    struct machine *m = NEW(s->arena, struct machine);
    *m = *stage_machine(s, "cpu:4 ram:64GiB available:60GiB");
    struct pool *pool = NEW_ARRAY(s->arena, struct pool, m->pools);
    memcpy(pool, m->pool, m->pools * sizeof *pool);
    for (size_t i = 0; i < m->pools; i++)
        pool[i].usable_bytes = quantity_of(bytes, REPORTED, "test");
    m->pool = pool;
    return m;
}

static void test_shortest(void **state)
{
    struct stage *s = *state;
    size_t seen[CHANGES_MOST + 2] = {0};
    unsigned seed = 7;
    const struct task model = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    struct remedies *r = NEW(s->arena, struct remedies);
    for (int round = 0; round < 400; round++) {
        struct toy k = {.tokens = 1024, .batch = 6, .rounds = 2, .wide = true, .depth = 200};
        for (size_t i = 0; i < KNOBS; i++) k.weight[i] = drawn(&seed);
        const struct task t = {&workload_toy, model.model, &k};
        const double usable = toy_bytes(&k) * (0.1 + 0.85 * drawn(&seed));
        const struct remedy_asked asked = {.task = &t,
                                           .machine = with_memory(s, usable),
                                           .world = &s->world,
                                           .catalog = s->catalog,
                                           .decode_least_per_s = (double)NAN};
        struct all x = {.asked = &asked, .usable_bytes = usable};
        x.ladders = ladders_of(&t, s->catalog, x.steps);
        assert_int_equal(x.ladders, 4);
        const size_t fewest = fewest_changes(&x);
        judge_remedies(&asked, r);
        assert_false(r->cut_short);
        if (fewest > CHANGES_MOST) {
            assert_int_equal(r->remedies, 0);
            seen[CHANGES_MOST + 1]++;
            continue;
        }
        assert_true(r->remedies > 0);
        assert_int_equal(r->remedy[0].changes, fewest);
        for (size_t i = 0; i < r->remedies; i++) check_remedy(&x, &r->remedy[i]);
        check_order(r);
        seen[fewest]++;
    }
    for (size_t i = 1; i <= CHANGES_MOST + 1; i++)
        if (!seen[i]) fail_msg("no case of %zu changes was drawn", i);
}

/* With few tries it says so, and what it found by then fits. */
static void test_bounded(void **state)
{
    struct stage *s = *state;
    struct toy k = {.tokens = 1024, .batch = 6, .rounds = 2, .wide = true};
    for (size_t i = 0; i < KNOBS; i++) k.weight[i] = i < KNOBS - 1 ? 1 : 0;
    const struct task model = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    const struct task t = {&workload_toy, model.model, &k};
    struct remedies *r = NEW(s->arena, struct remedies);
    struct remedy_asked asked = {.task = &t,
                                 .machine = with_memory(s, toy_bytes(&k) * 0.2),
                                 .world = &s->world,
                                 .catalog = s->catalog,
                                 .decode_least_per_s = (double)NAN};
    for (asked.tries_most = 1; asked.tries_most < 40; asked.tries_most++) {
        judge_remedies(&asked, r);
        assert_true(r->tries <= asked.tries_most);
        if (asked.tries_most < 5) assert_true(r->cut_short);
        for (size_t i = 0; i < r->remedies; i++) assert_int_equal(r->remedy[i].verdict.fits, FITS);
    }
}

/* ---- ladders */

static const struct steps *steps_of(const struct steps *all, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].knob->name, name) == 0) return &all[i];
    return NULL;
}

static void test_halves(void **state)
{
    struct stage *s = *state;
    struct steps all[LADDERS_MOST];
    struct toy k = {
        .tokens = 1000, .batch = 6, .rounds = 3, .wide = false, .depth = 200, .kind = 2};
    const struct task model = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    const struct task t = {&workload_toy, model.model, &k};
    const size_t n = ladders_of(&t, s->catalog, all);
    const struct steps *tokens = steps_of(all, n, "tokens"), *batch = steps_of(all, n, "batch");
    const struct steps *kind = steps_of(all, n, "kind");
    assert_int_equal(tokens->rungs, 2); /* 500, 250: not below depth */
    assert_true(tokens->rung[1].number == 250);
    assert_int_equal(batch->rungs, 2); /* divisors of 6, the product stays */
    assert_true(batch->rung[0].number == 3 && batch->rung[0].with_number == 6);
    assert_true(batch->rung[1].number == 1 && batch->rung[1].with_number == 18);
    assert_int_equal(kind->rungs, 1); /* from "small", a word of the middle rung */
    assert_true(str_is(kind->rung[0].word, "tiny"));
    assert_null(steps_of(all, n, "wide")); /* off already */
    k.rounds = 30;                         /* the product would be over what rounds may be */
    const size_t again = ladders_of(&t, s->catalog, all);
    assert_int_equal(steps_of(all, again, "batch")->rungs, 1);
}

static void test_real_ladders(void **state)
{
    struct stage *s = *state;
    struct steps all[LADDERS_MOST];
    const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    size_t n = ladders_of(&t, s->catalog, all);
    const struct steps *cache = steps_of(all, n, "kv_type");
    assert_int_equal(cache->rungs, 3);
    assert_true(str_is(cache->rung[0].word, "q8_0"));
    assert_null(steps_of(all, n, "gpu_layers")); /* auto already */
    s->knobs.gpu_layers = 12;
    s->knobs.kv_type_k = s->knobs.kv_type_v = catalog_type(s->catalog, S("q8_0"));
    n = ladders_of(&t, s->catalog, all);
    assert_int_equal(steps_of(all, n, "kv_type")->rungs, 2); /* those that are narrower */
    assert_true(str_is(steps_of(all, n, "gpu_layers")->rung[0].word, "auto"));
    struct mu_err err = {.code = MU_OK};
    struct finetune f;
    finetune_usual(&f, catalog_training(s->catalog, &err));
    const struct task training = {&workload_finetune, t.model, &f};
    n = ladders_of(&training, s->catalog, all);
    assert_true(str_is(steps_of(all, n, "method")->rung[0].word, "qlora"));
    assert_true(str_is(steps_of(all, n, "checkpointing")->rung[0].word, "on"));
    assert_null(steps_of(all, n, "micro_batch"));
}

/* What every row says: rungs are values that the knob takes, knobs named beside it are there, and a rung set is read back. */
static void test_rows(void **state)
{
    struct stage *s = *state;
    size_t ladders = 0;
    const struct task t = stage_model(s, "Qwen/Qwen2.5-7B-Instruct", "Q4_K_M");
    for (size_t i = 0; workloads[i]; i++) {
        const struct workload *w = workloads[i];
        assert_true(w->size <= REMEDY_KNOBS_BYTES);
        unsigned char *knobs = arena_alloc(s->arena, REMEDY_KNOBS_BYTES);
        memcpy(knobs, &s->knobs, sizeof s->knobs);
        if (w->usual) w->usual(knobs, t.model, s->catalog);
        for (size_t k = 0; k < w->knobs; k++) {
            const struct knob *knob = &w->knob[k];
            const struct ladder *l = &knob->ladder;
            if (l->kind == LADDER_NONE) continue;
            ladders++;
            if (l->kind == LADDER_HALVE)
                assert_true(knob->kind == KNOB_TOKENS || knob->kind == KNOB_COUNT ||
                            knob->kind == KNOB_LAYERS);
            if (l->with) assert_non_null(knob_find(w, str_of(l->with)));
            if (l->above) assert_non_null(knob_find(w, str_of(l->above)));
            for (size_t r = 0; l->kind == LADDER_WORDS && l->rungs[r]; r++)
                for (struct str rest = str_of(l->rungs[r]); rest.p;) {
                    struct mu_err err = {.code = MU_OK};
                    const struct str word = str_cut(&rest, '|');
                    if (str_is(word, "*")) continue;
                    if (!knob_set(w, knobs, str_of(knob->name), word, s->catalog, &err))
                        fail_msg("%s: %s", w->name, err.text);
                    if (!str_eq_nocase(str_of(knob_text(knob, knobs, s->arena)), word))
                        fail_msg("%s: %s is read back as %s", w->name, knob->name,
                                 knob_text(knob, knobs, s->arena));
                }
        }
    }
    assert_true(ladders > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STAGED_WORLD(test_shortest), STAGED_WORLD(test_bounded),
                                       STAGED(test_halves), STAGED(test_real_ladders),
                                       STAGED(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
