/* tests/unit/proof/test_sample.c - samples come back as they were kept, the newest of too many, and nothing that cannot be. */
#include "../noted.h"
#include "../scratch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "machine/machine.h"
#include "proof/sample.h"

struct rig {
    struct arena *arena;
    struct notes notes;
    char *folder;
    struct machine machine;
    struct sample_place place;
};

static void rig_open(struct rig *r)
{
    memset(r, 0, sizeof *r);
    r->arena = arena_new(ARENA_USUAL_BYTES);
    r->notes.arena = r->arena;
    r->folder = scratch_make();
    assert_non_null(r->folder);
    r->machine.fingerprint = "0123456789abcdef";
    r->place = (struct sample_place){r->folder, &r->machine, r->arena, &r->notes};
}

static void rig_close(struct rig *r)
{
    const char *path = str_format(r->arena, "%s/samples-0123456789abcdef.json", r->folder);
    unlink(path);
    assert_int_equal(rmdir(r->folder), 0);
    free(r->folder);
    arena_free(r->arena);
}

static const struct sample good = {.when = "2026-11-21 08:15:00",
                                   .model = "a \"model\"",
                                   .quant = NULL,
                                   .kind = "generate",
                                   .weight_bytes = 143025408,
                                   .context_tokens = 1024,
                                   .prompt_tokens = 512,
                                   .ubatch_tokens = 512,
                                   .threads = 2,
                                   .kv_type_k = "F16",
                                   .kv_type_v = "Q8_0",
                                   .repack = true,
                                   .predicted = {1e9, 100.5, 10.25, 0.1},
                                   .measured = {1.1e9, 99, 10, 0.3},
                                   .llama = "llama.cpp 0.5.0 (ggml 0.25.1)",
                                   .how = "cuts of 4 and 8 of 30 layers",
                                   .conditions = "idle"};

static void keep(struct rig *r, const struct sample *s)
{
    struct mu_err err = {0};
    const bool kept = sample_keep(&r->place, s, &err);
    assert_string_equal(err.text, "");
    assert_true(kept);
}

static void what_is_kept_comes_back(void **state)
{
    (void)state;
    struct rig r;
    const struct sample *back;
    size_t count;
    rig_open(&r);
    assert_false(samples_read(&r.place, &back, &count));
    struct sample unknown = good;
    unknown.predicted.decode_per_s = unknown.measured.resident_bytes = (double)NAN;
    keep(&r, &good);
    keep(&r, &unknown);
    assert_true(samples_read(&r.place, &back, &count));
    assert_int_equal(count, 2);
    assert_string_equal(back[0].model, good.model);
    assert_null(back[0].quant);
    assert_string_equal(back[0].kv_type_v, "Q8_0");
    assert_true(back[0].repack && !back[0].mmap && !back[0].flash_off);
    assert_exactly(back[0].weight_bytes, good.weight_bytes);
    assert_memory_equal(&back[0].predicted, &good.predicted, sizeof good.predicted);
    assert_memory_equal(&back[0].measured, &good.measured, sizeof good.measured);
    assert_true(isnan(back[1].predicted.decode_per_s));
    assert_true(isnan(back[1].measured.resident_bytes));
    assert_exactly(back[1].measured.decode_per_s, 10);
    assert_int_equal(r.notes.count, 0);
    rig_close(&r);
}

/* The file's one sample as often as may be kept; the contexts count from 1. */
static void fill_up(struct rig *r)
{
    static char text[1 << 13];
    FILE *f = fopen(samples_path(&r->place), "rb");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    static const char key[] = "\"context_tokens\": 1024", list[] = "\"samples\": [";
    const char *first = strstr(text, list), *at = strstr(text, key), *last = strrchr(text, ']');
    assert_true(first && at && last);
    first += strlen(list);
    struct buf all;
    buf_init(&all, 1 << 22);
    buf_add(&all, (struct str){text, (size_t)(first - text)});
    for (int i = 1; i <= SAMPLES_MOST; i++)
        buf_format(&all, "%s%.*s\"context_tokens\": %d%.*s", i > 1 ? "," : "", (int)(at - first),
                   first, i, (int)(last - at - (ptrdiff_t)strlen(key)), at + strlen(key));
    buf_add(&all, S("]}"));
    scratch_write(samples_path(&r->place), all.p, all.n);
    buf_release(&all);
}

static void the_oldest_go(void **state)
{
    (void)state;
    struct rig r;
    const struct sample *back;
    size_t count;
    rig_open(&r);
    keep(&r, &good);
    fill_up(&r);
    struct sample newest = good;
    newest.prompt_tokens = 7;
    keep(&r, &newest);
    assert_true(samples_read(&r.place, &back, &count));
    assert_int_equal(count, SAMPLES_MOST);
    assert_exactly(back[0].context_tokens, 2);
    assert_exactly(back[SAMPLES_MOST - 1].prompt_tokens, 7);
    rig_close(&r);
}

static void what_would_not_be_read_back_is_not_kept(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r);
    struct sample s = good;
    char long_name[600];
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    s.model = long_name;
    struct mu_err err = {0};
    assert_false(sample_keep(&r.place, &s, &err));
    assert_int_equal(err.code, MU_DATA);
    s = good;
    s.threads = (double)NAN;
    err = (struct mu_err){0};
    assert_false(sample_keep(&r.place, &s, &err));
    r.place.state_folder = NULL;
    err = (struct mu_err){0};
    assert_false(sample_keep(&r.place, &good, &err));
    assert_int_equal(err.code, MU_CANTCREATE);
    r.place.state_folder = r.folder;
    r.machine.fingerprint = "../../etc/passwd";
    assert_null(samples_path(&r.place));
    rig_close(&r);
}

static void refused(struct rig *r, const char *text, const char *words)
{
    const struct sample *back;
    size_t count;
    r->notes.count = 0;
    scratch_write(samples_path(&r->place), text, strlen(text));
    assert_false(samples_read(&r->place, &back, &count));
    assert_int_equal(r->notes.count, 1);
    assert_noted(&r->notes, "cannot be used");
    assert_noted(&r->notes, words);
}

#define HEAD "{\"schema\": \"samples/1\", \"fingerprint\": \"0123456789abcdef\", \"samples\": "

static void files_that_are_none(void **state)
{
    (void)state;
    struct rig r;
    const struct sample *back;
    size_t count;
    rig_open(&r);
    refused(&r, "", "");
    refused(&r, "[]", "");
    refused(&r, "{\"schema\": \"rates/1\"}", "its schema is not samples/1");
    refused(&r, "{\"schema\": \"samples/1\", \"fingerprint\": \"ffff\"}", "of another machine");
    refused(&r, HEAD "[{}]}", "sample 1 is none");
    refused(&r, HEAD "{}}", "samples");
    refused(&r, HEAD "[7]}", "samples");
    /* It is replaced by the next one that is kept. */
    keep(&r, &good);
    assert_true(samples_read(&r.place, &back, &count));
    assert_int_equal(count, 1);
    rig_close(&r);
}

/* Every cut of a good file, and every figure of it replaced by one that cannot be. */
static void no_damage_is_believed(void **state)
{
    (void)state;
    struct rig r;
    const struct sample *back;
    size_t count;
    rig_open(&r);
    keep(&r, &good);
    FILE *f = fopen(samples_path(&r.place), "rb");
    assert_non_null(f);
    static char text[1 << 16];
    const size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    assert_in_range(n, 100, sizeof text - 2);
    for (size_t i = 0; i + 2 < n; i += 7) {
        scratch_write(samples_path(&r.place), text, i);
        assert_false(samples_read(&r.place, &back, &count));
    }
    text[n] = '\0';
    static const char *const figure[] = {"143025408", "1024", "100.5", "0.3"};
    for (size_t i = 0; i < COUNT_OF(figure); i++) {
        const char *at = strstr(text, figure[i]);
        assert_non_null(at);
        const char *broken =
            str_format(r.arena, "%.*s-1%s", (int)(at - text), text, at + strlen(figure[i]));
        scratch_write(samples_path(&r.place), broken, strlen(broken));
        assert_false(samples_read(&r.place, &back, &count));
    }
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_comes_back),
        cmocka_unit_test(the_oldest_go),
        cmocka_unit_test(what_would_not_be_read_back_is_not_kept),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(no_damage_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
