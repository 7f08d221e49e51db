/* Model files in the caches of other programs: found through links, smallest first, named by their headers, and nothing else. */
#include "../scratch.h"
#include "looked.h"

#include <string.h>
#include <unistd.h>

#include "machine/model_files.h"

static char *home;
static const char *env(const char *name)
{
    return strcmp(name, "HOME") == 0 ? home : NULL;
}

static void put(struct arena *a, const char *path, const char *architecture, size_t padding)
{
    char bytes[512] = "GGUF\x03\0\0\0";
    size_t n = 24;
    const char key[] = "general.architecture";
    const uint64_t key_n = sizeof key - 1, word_n = strlen(architecture);
    const uint32_t kind = 8;
    memcpy(bytes + n, &key_n, 8);
    memcpy(bytes + n + 8, key, key_n);
    n += 8 + key_n;
    memcpy(bytes + n, &kind, 4);
    memcpy(bytes + n + 4, &word_n, 8);
    memcpy(bytes + n + 12, architecture, word_n);
    n += 12 + word_n + padding;
    scratch_write(str_format(a, "%s/%s", home, path), bytes, n);
}

static void folders(struct arena *a, const char *path)
{
    for (const char *p = path; *p; p++)
        if (*p == '/') mkdir(str_format(a, "%s/%.*s", home, (int)(p - path), path), 0700);
    assert_int_equal(mkdir(str_format(a, "%s/%s", home, path), 0700), 0);
}

static void test_found(void **state)
{
    (void)state;
    struct looked *s = looked_open(NULL);
    struct arena *a = s->arena;
    const struct model_file *file = NULL;
    home = scratch_make();
    assert_non_null(home);
    s->looking.env = env;
    assert_int_equal(machine_model_files(&s->looking, &file), 0);

    folders(a, ".cache/huggingface/hub/models--org--small-v1.5/blobs");
    folders(a, ".cache/huggingface/hub/models--org--small-v1.5/snapshots/0123");
    put(a, ".cache/huggingface/hub/models--org--small-v1.5/blobs/abc", "bert", 40);
    assert_int_equal(
        symlink(
            "../../blobs/abc",
            str_format(a, "%s/.cache/huggingface/hub/models--org--small-v1.5/snapshots/0123/m.gguf",
                       home)),
        0);
    assert_int_equal(
        symlink(
            "../../blobs/gone",
            str_format(a, "%s/.cache/huggingface/hub/models--org--small-v1.5/snapshots/0123/n.gguf",
                       home)),
        0);
    folders(a, ".cache/llama.cpp");
    put(a, ".cache/llama.cpp/large.gguf", "llama", 200);
    folders(a, ".lmstudio/.internal/bundled-models/someone/model");
    put(a, ".lmstudio/.internal/bundled-models/someone/model/e\x1b.gguf", "nomic-bert\x1b", 10);
    scratch_write(str_format(a, "%s/.cache/llama.cpp/text.gguf", home), "no model", 8);
    scratch_write(str_format(a, "%s/.cache/llama.cpp/empty.gguf", home), "", 0);
    scratch_write(str_format(a, "%s/.cache/llama.cpp/cut.gguf", home),
                  "GGUF general.architecture\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 37);
    folders(a, ".cache/llama.cpp/folder.gguf");

    assert_int_equal(machine_model_files(&s->looking, &file), 4);
    assert_null(file[0].architecture); /* the cut one */
    assert_null(strchr(file[1].architecture, '\033'));
    assert_string_equal(file[2].architecture, "bert");
    assert_string_equal(file[3].architecture, "llama");
    assert_true(file[2].bytes < file[3].bytes && file[3].modified_s > 0);

    struct root captured = {.captured = true};
    s->looking.root = &captured;
    assert_int_equal(machine_model_files(&s->looking, &file), 0);
    s->looking.root = &s->root;
    assert_int_equal(scratch_remove(home), 0);
    looked_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
