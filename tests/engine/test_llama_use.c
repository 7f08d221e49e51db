/* llama_use() when the library that was loaded is not the one we were compiled with: nothing of it may be called, since structs go by
 * value. The library here is this file's own, and counts. */
#include "../unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include <ggml-backend.h>
#include <ggml.h>
#include <llama.h>

#include "base/err.h"
#include "engine/llama_use.h"

static const char *version;
static int begun;
static ggml_log_callback log_to;

const char *llama_version(void)
{
    return version;
}

const char *ggml_version(void)
{
    return "0.1.2";
}

void llama_backend_init(void)
{
    begun++;
}

void llama_log_set(ggml_log_callback log, void *to)
{
    (void)to;
    log_to = log;
}

static void test_another_version_is_refused(void **state)
{
    (void)state;
    static const char *const others[] = {"0.5.1", "0.7.0", "", "0.5", "0.5.0-dirty"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct mu_err err = {0};
        version = others[i];
        begun = 0;
        log_to = NULL;
        assert_false(llama_use(&err));
        assert_int_equal(err.code, MU_UNAVAILABLE);
        assert_non_null(strstr(err.text, LLAMA_VERSION_BUILT));
        assert_non_null(strstr(err.text, others[i]));
        assert_non_null(strstr(err.text, "build it again"));
        assert_int_equal(begun, 0);
        assert_null(log_to);
    }
}

static void test_the_same_version_is_used(void **state)
{
    (void)state;
    struct mu_err err = {0};
    version = LLAMA_VERSION_BUILT;
    assert_true(llama_use(&err));
    assert_int_equal(begun, 1);
    assert_non_null(log_to);
    assert_string_equal(getenv("GGML_NO_BACKTRACE"), "1"); /* or an abort starts a debugger */
    assert_string_equal(llama_said(), "");
    log_to(GGML_LOG_LEVEL_INFO, "much talk\n", NULL);
    assert_string_equal(llama_said(), "");
    static char endless[5000];
    memset(endless, 'x', sizeof endless - 1);
    log_to(GGML_LOG_LEVEL_WARN, endless, NULL);
    assert_true(strlen(llama_said()) > 100);
    assert_true(strlen(llama_said()) < 1000);
    log_to(GGML_LOG_LEVEL_ERROR, "what went wrong\nand more", NULL);
    assert_string_equal(llama_said(), "what went wrong");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_another_version_is_refused),
                                       cmocka_unit_test(test_the_same_version_is_used)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
