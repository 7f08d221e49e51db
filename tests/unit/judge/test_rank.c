/* The best quantisation of a model on a machine: within the bound, with room to spare, fast enough; more machine is never worse; and
 * what serves a use. */
#include "../stage.h"

#include <string.h>

#include "catalog/uses.h"
#include "judge/ranker.h"

static const struct machine *machine_of(struct stage *s, const char *line)
{
    const struct looking in = {.root = &s->root, .catalog = s->catalog, .arena = s->arena};
    const struct machine *m = NULL;
    struct mu_err err = {.code = MU_OK};
    if (!machine_from_line(str_of(line), &in, &m, &err)) fail_msg("%s: %s", line, err.text);
    return judge_typical(m, &s->world, s->arena);
}

static enum rank_end best(struct stage *s, const struct ranking *r, const char *line,
                          const char *model, struct ranked *out)
{
    const struct model_part *part;
    assert_int_not_equal(catalog_model(s->catalog, str_of(model), &part, NULL), MATCH_NONE);
    const struct ranker *ranker =
        ranker_new(r, machine_of(s, line), s->catalog, &s->world, s->arena);
    assert_non_null(ranker);
    return ranker_best(ranker, part, out);
}

static double loss_of(const struct ranked *r)
{
    return known_or(r->mix->perplexity_increase, 1);
}

static void test_more_memory_is_never_worse(void **state)
{
    static const char *const line[] = {
        "cpu:8 ram:4GiB bandwidth:60GB/s", "cpu:8 ram:6GiB bandwidth:60GB/s",
        "cpu:8 ram:8GiB bandwidth:60GB/s", "cpu:8 ram:16GiB bandwidth:60GB/s"};
    struct stage *s = *state;
    struct ranking any_speed = ranking_usual;
    any_speed.decode_least_per_s = 0;
    struct ranked *now = NEW(s->arena, struct ranked);
    double before = 1;
    for (size_t i = 0; i < COUNT_OF(line); i++) {
        const enum rank_end end = best(s, &any_speed, line[i], "Qwen2.5-7B-Instruct", now);
        if (i == 0) assert_int_equal(end, RANK_TOO_LARGE);
        if (end != RANK_WELL) continue;
        if (loss_of(now) > before)
            fail_msg("%s: loses %g, with less memory %g", line[i], loss_of(now), before);
        before = loss_of(now);
    }
    assert_string_equal(now->mix->name, "Q8_0");
    assert_null(now->better);
}

/* Of a model that was trained in a mix nothing larger is tried, and nothing is better. */
static void test_native_mix_comes_first(void **state)
{
    struct stage *s = *state;
    struct ranked *r = NEW(s->arena, struct ranked);
    assert_int_equal(
        best(s, &ranking_usual, "cpu:16 ram:512GiB bandwidth:400GB/s", "gpt-oss-20b", r),
        RANK_WELL);
    assert_string_equal(r->mix->name, "MXFP4_MOE");
    assert_exactly(loss_of(r), 0);
    assert_null(r->better);
    assert_int_equal(best(s, &ranking_usual, "cpu:16 ram:8GiB bandwidth:400GB/s", "gpt-oss-20b", r),
                     RANK_TOO_LARGE);
}

static void test_better_one_is_told(void **state)
{
    struct stage *s = *state;
    struct ranked *r = NEW(s->arena, struct ranked);
    const char *line = "cpu:8 ram:64GiB bandwidth:60GB/s";
    struct ranking wanted = ranking_usual;
    wanted.decode_least_per_s = 0;
    assert_int_equal(best(s, &wanted, line, "Qwen2.5-7B-Instruct", r), RANK_WELL);
    const double slowest = r->verdict.decode_per_s.likely;
    assert_true(slowest > 0);
    wanted.decode_least_per_s = slowest * 1.05;
    assert_int_equal(best(s, &wanted, line, "Qwen2.5-7B-Instruct", r), RANK_WELL);
    assert_non_null(r->better);
    assert_int_equal(r->better_fits, FITS);
    assert_true(r->verdict.decode_per_s.likely >= wanted.decode_least_per_s);
    assert_true(loss_of(r) <= wanted.perplexity_most);
    wanted.decode_least_per_s = slowest * 20;
    assert_int_equal(best(s, &wanted, line, "Qwen2.5-7B-Instruct", r), RANK_SLOW);
    assert_null(r->better);
}

static void test_what_has_no_shape(void **state)
{
    struct stage *s = *state;
    struct ranked *r = NEW(s->arena, struct ranked);
    assert_int_equal(best(s, &ranking_usual, "cpu:8 ram:64GiB", "gpt-4", r), RANK_NOT_COMPUTED);
    assert_non_null(r->verdict.why);
    assert_false(estimate_known(r->verdict.decode_per_s));
}

static const struct use *use_named(struct stage *s, const char *name)
{
    const struct use *u = catalog_use(s->catalog, str_of(name));
    if (!u) fail_msg("no use is called %s", name);
    return u;
}

static void test_uses(void **state)
{
    static const struct {
        const char *use, *model;
        bool serves;
    } rows[] = {
        {"chat", "Qwen2.5-7B-Instruct", true},
        {"chat", "pythia-1b", false},
        {"chat", "starcoder2-7b", false},
        {"code", "starcoder2-7b", true},
        {"code", "Qwen3-Coder-30B-A3B-Instruct", true},
        {"code", "Qwen2.5-7B-Instruct", false},
        {"reason", "QwQ-32B", true},
        {"reason", "Olmo-3-32B-Think", true},
        {"reason", "Olmo-3-7B-Instruct", false},
        {"reason", "Qwen3-4B-Instruct-2507", false},
        {"embed", "bge-m3", true},
        {"embed", "Qwen3-8B", false},
        {"analysis", "pythia-1b", true},
        {"analysis", "bert-base-uncased", true},
        {"analysis", "gemma-3-4b-it", false},
    };
    struct stage *s = *state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct model_part *part;
        assert_int_not_equal(catalog_model(s->catalog, str_of(rows[i].model), &part, NULL),
                             MATCH_NONE);
        if (use_serves(use_named(s, rows[i].use), part, s->arena) != rows[i].serves)
            fail_msg("%s for %s: not %d", rows[i].model, rows[i].use, rows[i].serves);
    }
    assert_null(catalog_use(s->catalog, S("cooking")));
}

/* A family or word that no model has is a mistake in the table. */
static void test_words_of_uses_are_used(void **state)
{
    struct stage *s = *state;
    const struct use *use;
    const struct model_part *part;
    size_t uses, parts;
    assert_true(catalog_uses(s->catalog, &use, &uses, NULL));
    assert_true(catalog_models(s->catalog, &part, &parts, NULL));
    for (size_t u = 0; u < uses; u++)
        for (int without = 0; without < 2; without++) {
            const char *const *family = without ? use[u].without_families : use[u].families;
            const size_t n = without ? use[u].without_family_count : use[u].family_count;
            for (size_t k = 0; k < n; k++) {
                size_t found = 0;
                for (size_t i = 0; i < parts; i++) found += !strcmp(part[i].family, family[k]);
                if (!found) fail_msg("%s: no model is of family %s", use[u].name, family[k]);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED_WORLD(test_more_memory_is_never_worse),
        STAGED_WORLD(test_better_one_is_told),
        STAGED_WORLD(test_native_mix_comes_first),
        STAGED_WORLD(test_what_has_no_shape),
        STAGED(test_uses),
        STAGED(test_words_of_uses_are_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
