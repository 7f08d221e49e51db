/* The table of frameworks that fine-tune: each row is whole and joined to its norm and loss. */
#include "../stage.h"

#include "catalog/frameworks.h"

static void every_row_is_sound(void **state)
{
    struct stage *s = *state;
    struct mu_err err = {0};
    const struct training_table *t = catalog_training(s->catalog, &err);
    if (!t) {
        fail_msg("%s", err.text);
        return;
    }
    assert_true(t->frameworks >= 7 && t->optimizers >= 8 && t->stores >= 3);
    for (size_t i = 0; i < t->frameworks; i++) {
        const struct framework *f = &t->framework[i];
        assert_non_null(f->source);
        assert_non_null(f->confidence);
        assert_non_null(f->norm);
        assert_non_null(f->loss);
        assert_true(f->gated_kept >= 1 && f->adapter_bytes >= 2);
        assert_true(f->head_most_bytes >= f->head_bytes);
        assert_ptr_equal(training_framework_named(t, str_of(f->name)), f);
    }
    for (size_t i = 0; i < t->optimizers; i++)
        assert_true(t->optimizer[i].states >= 0 || t->optimizer[i].bytes > 0);
    for (size_t i = 0; i < t->stores; i++)
        assert_true(t->store[i].bits > 4 && t->store[i].bits < 16);
    assert_true(t->families >= 2);
    for (size_t i = 0; i < t->families; i++) {
        assert_true(t->family[i].activation_kept >= 1);
        assert_non_null(t->family[i].source);
        assert_ptr_equal(training_family_named(t, str_of(t->family[i].name)), &t->family[i]);
    }
    assert_null(training_framework_named(t, S("abacus")));
}

static void losses_grow_with_what_they_hold(void **state)
{
    struct stage *s = *state;
    struct mu_err err = {0};
    const struct training_table *t = catalog_training(s->catalog, &err);
    assert_non_null(t);
    assert_true(training_framework_named(t, S("hf-old"))->loss->bytes >
                training_framework_named(t, S("hf"))->loss->bytes);
    assert_true(training_framework_named(t, S("hf"))->loss->bytes >
                training_framework_named(t, S("unsloth"))->loss->bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(every_row_is_sound),
        STAGED(losses_grow_with_what_they_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
