/* Shares of rates: which row holds for a place, what the shipped ones say, and what a table may not say. */
#include "../unit.h"

#include <math.h>
#include <string.h>

#include "../catalog/home.h"
#include "judge/utilisation.h"

#define SHARE(name) "\"" name "_low\": 0.2, \"" name "\": 0.4, \"" name "_high\": 0.8, "
#define ROW(backend, product)                                                                   \
    "{\"entries\": [{" product SHARE("moved") SHARE("step") SHARE("link") SHARE("unpack_bytes") \
        SHARE("launch_s") "\"backend\": " backend "}]}"

static bool reads(const struct home *h, const char *text, struct world *w, struct mu_err *err)
{
    *w = (struct world){.residual = NULL};
    *err = (struct mu_err){.code = MU_OK};
    home_write(h, "utilisation.json", text);
    return utilisation_read(catalog_open(h->folder, h->arena), h->arena, w, err);
}

static void the_narrowest_row_holds(void **state)
{
    const struct home *h = *state;
    struct world w = {.residual = NULL};
    struct mu_err err = {.code = MU_OK};
    struct place place = {.kind = PLACE_GPU, .backend = "CUDA", .architecture = "Ampere"};
    assert_true(utilisation_read(h->catalog, h->arena, &w, &err));
    assert_string_equal(utilisation_of(&w, &place)->architecture, "Ampere");
    place.architecture = "Of the future";
    assert_null(utilisation_of(&w, &place)->architecture);
    place.architecture = NULL;
    assert_null(utilisation_of(&w, &place)->architecture);
    place.backend = "of nobody";
    assert_null(utilisation_of(&w, &place));
    place.backend = NULL;
    assert_null(utilisation_of(&w, &place));
    place.kind = PLACE_CPU;
    assert_string_equal(utilisation_of(&w, &place)->backend, "CPU");
}

static void every_row_has_a_source(void **state)
{
    const struct home *h = *state;
    struct world w = {.residual = NULL};
    struct mu_err err = {.code = MU_OK};
    assert_true(utilisation_read(h->catalog, h->arena, &w, &err));
    assert_true(w.utilisations > 0);
    for (size_t i = 0; i < w.utilisations; i++) {
        assert_non_null(w.utilisation[i].source);
        assert_non_null(w.utilisation[i].date);
        assert_non_null(w.utilisation[i].confidence);
    }
}

static void a_row_of_the_users_own(void **state)
{
    const struct home *h = *state;
    struct world w;
    struct mu_err err;
    const struct place place = {.kind = PLACE_GPU, .backend = "MINE"};
    assert_true(reads(h, ROW("\"MINE\"", SHARE("product")), &w, &err));
    assert_non_null(utilisation_of(&w, &place));
    assert_exactly(utilisation_of(&w, &place)->product.likely, 0.4);
    assert_true(isnan(utilisation_of(&w, &place)->text_s.likely));
}

static void what_no_row_may_say(void **state)
{
    const struct home *h = *state;
    struct world w;
    struct mu_err err;
    assert_false(reads(h, ROW("null", SHARE("product")), &w, &err));
    assert_message(&err, "utilisation.json", "entries[0]");
    assert_false(reads(h, ROW("\"MINE\"", ""), &w, &err));
    assert_message(&err, "share", "entries[0]");
    static const char *const wrong[] = {
        "\"product_low\": 0, \"product\": 0.4, \"product_high\": 0.8, ",
        "\"product_low\": 0.5, \"product\": 0.4, \"product_high\": 0.8, ",
        "\"product_low\": 0.2, \"product\": 0.4, \"product_high\": 1.2, ",
        "\"product_low\": -1, \"product\": 0.4, \"product_high\": 0.8, ",
        "\"product\": 0.4, ",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const char *text =
            str_format(h->arena, "%s%s%s", "{\"entries\": [{", wrong[i],
                       SHARE("moved") SHARE("step") SHARE("link") SHARE("unpack_bytes")
                           SHARE("launch_s") "\"backend\": \"M\"}]}");
        assert_false(reads(h, text, &w, &err));
        assert_message(&err, "share", "entries[0]");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOMED(the_narrowest_row_holds),
        HOMED(every_row_has_a_source),
        HOMED(a_row_of_the_users_own),
        HOMED(what_no_row_may_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
