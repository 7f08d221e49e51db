/* The expression that names the first layers' experts: of every count it takes just the layers below it, by the C library's own reader. */
#include "../unit.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "verb/common.h"

enum { LAYERS_MOST = 1000 };

static void just_the_layers_below(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 20);
    for (unsigned count = 1; count <= LAYERS_MOST; count += count < 130 ? 1 : 29) {
        char pattern[1024];
        const char *words = override_words(count, a);
        const char *end = words + strlen(words) - strlen("=CPU'");
        regex_t expression;
        assert_int_equal(strncmp(words, "-ot '", 5), 0);
        assert_string_equal(end, "=CPU'");
        /* ERE has no empty alternative: "(ch|)" is "(ch)?" */
        snprintf(pattern, sizeof pattern, "%.*s", (int)(end - words - 5), words + 5);
        char *empty = strstr(pattern, "(ch|)");
        assert_non_null(empty);
        memcpy(empty, "(ch)?", 5);
        assert_int_equal(regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB), 0);
        for (unsigned layer = 0; layer < LAYERS_MOST + 20; layer++) {
            char name[64];
            snprintf(name, sizeof name, "blk.%u.ffn_up_exps.weight", layer);
            if ((regexec(&expression, name, 0, NULL, 0) == 0) != (layer < count))
                fail_msg("%s of %u layers: %s", name, count, words);
        }
        assert_int_not_equal(regexec(&expression, "blk.0.ffn_up.weight", 0, NULL, 0), 0);
        assert_int_not_equal(regexec(&expression, "blk.0.ffn_gate_inp.weight", 0, NULL, 0), 0);
        assert_int_not_equal(regexec(&expression, "blk.0.ffn_up_shexp.weight", 0, NULL, 0), 0);
        regfree(&expression);
    }
    arena_free(a);
}

static void of_none_nothing(void **state)
{
    (void)state;
    struct arena *a = arena_new(4096);
    assert_null(override_words(0, a));
    assert_null(override_words(-1, a));
    assert_null(override_words(LAYERS_MOST + 1, a));
    assert_string_equal(override_words(7, a),
                        "-ot 'blk\\.([0-6])\\.ffn_(up|down|gate|gate_up)_(ch|)exps=CPU'");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(just_the_layers_below),
        cmocka_unit_test(of_none_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
