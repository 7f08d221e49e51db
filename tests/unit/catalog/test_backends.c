/* The table of backends: each row is whole, and names match in any spelling. */
#include "../stage.h"

#include "catalog/backend.h"

static void every_row_is_sound(void **state)
{
    struct stage *s = *state;
    const struct backend *row;
    size_t n;
    struct mu_err err = {0};
    if (!catalog_backends(s->catalog, &row, &n, &err)) fail_msg("%s", err.text);
    assert_true(n >= 7);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(row[i].name);
        assert_non_null(row[i].source);
        assert_non_null(row[i].confidence);
        assert_true(row[i].alignment_bytes >= 4);
        assert_true(row[i].context_most_bytes >= row[i].context_bytes);
        assert_ptr_equal(catalog_backend(s->catalog, str_of(row[i].name)), &row[i]);
    }
}

static void names_match_in_any_spelling(void **state)
{
    struct stage *s = *state;
    assert_non_null(catalog_backend(s->catalog, S("cuda")));
    assert_ptr_equal(catalog_backend(s->catalog, S("rocm")),
                     catalog_backend(s->catalog, S("ROCm")));
    assert_null(catalog_backend(s->catalog, S("abacus")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(every_row_is_sound),
        STAGED(names_match_in_any_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
