/* tests/unit/catalog/test_catalog_files.c - what is inside the program is what stands in data/, and the user's own files win. */
#include "home.h"

#include "base/mapped.h"

static const char *const shipped[] = {
    "architectures.json",
    "buffers.json",
    "clouds.json",
    "cpus.json",
    "gpus.json",
    "models.json",
    "quants.json",
    "residuals.json",
    "software.json",
    "kernels.json",
    "utilisation.json",
    "truth/memory_cpu.json",
    "experiments/llm-memory.yaml",
    "hf_architectures.json",
};

static void files_inside_are_those_of_data(void **state)
{
    const struct home *h = *state;
    for (size_t i = 0; i < COUNT_OF(shipped); i++) {
        const char *path = str_format(h->arena, "%s/data/%s", SOURCE_ROOT, shipped[i]);
        struct mapped m;
        struct mu_err err = {.code = MU_OK};
        if (!mapped_open(path, 0, &m, NULL, &err)) fail_msg("%s", err.text);
        const struct str text = catalog_file(h->catalog, shipped[i]);
        assert_non_null(text.p);
        assert_int_equal(text.n, m.bytes.n);
        assert_memory_equal(text.p, m.bytes.p, text.n);
        mapped_close(&m);
    }
}

static void a_name_nobody_has_gives_nothing(void **state)
{
    const struct home *h = *state;
    struct mu_err err = {.code = MU_OK};
    assert_null(catalog_file(h->catalog, "experiments/none.yaml").p);
    assert_null(catalog_file(h->catalog, "").p);
    assert_true(catalog_sound(h->catalog, &err));
}

static void the_users_file_wins_as_a_whole(void **state)
{
    const struct home *h = *state;
    assert_int_equal(mkdir(home_path(h, "experiments"), 0700), 0);
    home_write(h, "experiments/mine.yaml", "name: mine\n");
    home_write(h, "experiments/llm-memory.yaml", "name: changed\n");
    assert_string_equal(catalog_file(h->catalog, "experiments/mine.yaml").p, "name: mine\n");
    assert_string_equal(catalog_file(h->catalog, "experiments/llm-memory.yaml").p,
                        "name: changed\n");
}

static void names_cannot_leave_the_folder(void **state)
{
    const struct home *h = *state;
    home_write(h, "models.json", "{}");
    const char *around = str_format(h->arena, "../%s/models.json", strrchr(h->folder, '/') + 1);
    assert_null(catalog_file(h->catalog, around).p);
    assert_null(catalog_file(h->catalog, "/etc/passwd").p);
    assert_null(catalog_file(h->catalog, "./models.json").p);
}

static void a_file_that_cannot_be_read_is_said(void **state)
{
    const struct home *h = *state;
    struct mu_err err = {.code = MU_OK};
    struct str text;
    assert_int_equal(mkdir(home_path(h, "residuals.json"), 0700), 0);
    assert_null(catalog_file(h->catalog, "residuals.json").p);
    assert_false(catalog_sound(h->catalog, &err));
    assert_message(&err, "residuals.json", "it is a folder");
    err.code = MU_OK;
    assert_false(catalog_read(h->catalog, "residuals.json", &text, &err));
    assert_int_equal(err.code, MU_NOINPUT);
}

static void without_a_home_only_ours_count(void **state)
{
    const struct home *h = *state;
    const struct catalog *c = catalog_open(NULL, h->arena);
    assert_non_null(catalog_file(c, "models.json").p);
    assert_null(catalog_file(c, "experiments/mine.yaml").p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOMED(files_inside_are_those_of_data),     HOMED(a_name_nobody_has_gives_nothing),
        HOMED(the_users_file_wins_as_a_whole),     HOMED(names_cannot_leave_the_folder),
        HOMED(a_file_that_cannot_be_read_is_said), HOMED(without_a_home_only_ours_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
