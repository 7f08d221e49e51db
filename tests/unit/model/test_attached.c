/* Adapters and projectors: what each file of the fuzz corpus is, or why it is refused, and which weights an adapter changes. */
#include "model_rig.h"

#include <stdio.h>
#include <string.h>

#include "base/mapped.h"
#include "model/attached.h"

static struct model model;

static struct str corpus(const char *name)
{
    const char *path =
        str_format(arena, "%s/tests/fuzz/corpus/attached/%s.gguf", SOURCE_ROOT, name);
    struct mapped m;
    struct mu_err err = {.code = MU_OK};
    if (!mapped_open(path, 0, &m, NULL, &err)) fail_msg("%s", err.text);
    const struct str copy = {str_copy(arena, m.bytes), m.bytes.n};
    mapped_close(&m);
    return copy;
}

static int open_model(void **state)
{
    const struct model_part *part = NULL;
    struct mu_err err = {.code = MU_OK};
    open_catalog(state);
    if (catalog_model(catalog, S("TinyLlama/TinyLlama-1.1B-Chat-v1.0"), &part, NULL) == MATCH_NONE)
        return 1;
    model.name = part->hf_id;
    shape_from_part(part, catalog, arena, &model.shape);
    const struct tensors_asked asked = {&model.shape, catalog_mix(catalog, S("Q4_K_M")), catalog};
    return !model_tensors(&asked, arena, &model.tensor, &model.tensors, &err);
}

static bool pairs_of(struct str bytes, struct attached *x, const struct adapted **pair,
                     size_t *pairs, struct mu_err *err)
{
    *err = (struct mu_err){.code = MU_OK};
    return attached_from_bytes(bytes, (uint64_t)1 << 40, "test.gguf", ATTACHED_ADAPTER, catalog,
                               arena, x, err) &&
           attached_pairs(x, &model, catalog, arena, pair, pairs, err);
}

static void an_adapter_names_what_it_changes(void **state)
{
    (void)state;
    enum { RANK = 8, WIDTH = 2048, WORDS = 32000, FLOAT = 4 };
    struct attached x;
    const struct adapted *pair = NULL;
    size_t pairs = 0;
    struct mu_err err;
    if (!pairs_of(corpus("sound"), &x, &pair, &pairs, &err)) {
        fail_msg("%s", err.text);
        return;
    }
    assert_int_equal(pairs, 2);
    assert_string_equal(x.arch, "llama");
    assert_exactly(x.alpha, 16);
    assert_true(str_is(pair[0].weight->name, "blk.0.attn_q.weight"));
    assert_exactly(pair[0].bytes, 2.0 * RANK * WIDTH * FLOAT);
    assert_true(str_is(pair[1].weight->name, "token_embd.weight"));
    assert_exactly(pair[1].bytes, (double)RANK * (WIDTH + WORDS) * FLOAT);
    for (size_t i = 0; i < pairs; i++) assert_exactly(pair[i].rank, RANK);
    /* norms are passed over, as llama.cpp does */
    if (!pairs_of(corpus("norm"), &x, &pair, &pairs, &err)) fail_msg("%s", err.text);
    assert_int_equal(pairs, 1);
}

static void others_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *file, *why;
    } cases[] = {
        {"half", "has no other half in it"},
        {"half-b", "lack one half"},
        {"no-such-weight", "is no weight of that model"},
        {"other-dimensions", "has other dimensions there"},
        {"other-ranks", "has other dimensions there"},
        {"twice", "is there twice"},
        {"odd-name", "is no part of an adapter"},
        {"other-architecture", "it is an adapter for qwen2, not for llama"},
        {"no-architecture", "it is an adapter for , not for llama"},
        {"other-kind", "an adapter of the kind vera, not lora"},
        {"no-tensors", "holds no tensors"},
        {"suffix-alone", "is no weight of that model"},
        {"layer-huge", "is no weight of that model"},
        {"expert", "is no weight of that model"},
        {"projector", "as a LoRA adapter: it is a projector"},
        {"a-model", "it is a model or something else of llama"},
        {"cut", "the file ends inside its header"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct attached x;
        const struct adapted *pair = NULL;
        size_t pairs = 0;
        struct mu_err err;
        struct str bytes = corpus(cases[i].file);
        err = (struct mu_err){.code = MU_OK};
        const uint64_t whole = strcmp(cases[i].file, "cut") == 0 ? bytes.n : (uint64_t)1 << 40;
        const bool taken = attached_from_bytes(bytes, whole, "test.gguf", ATTACHED_ADAPTER, catalog,
                                               arena, &x, &err) &&
                           attached_pairs(&x, &model, catalog, arena, &pair, &pairs, &err);
        if (taken) fail_msg("%s is taken", cases[i].file);
        if (!strstr(err.text, cases[i].why)) fail_msg("%s: %s", cases[i].file, err.text);
        assert_int_equal(err.code, MU_DATA);
    }
}

static void projectors_are_told_apart(void **state)
{
    (void)state;
    struct attached x;
    struct mu_err err = {.code = MU_OK};
    if (!attached_from_bytes(corpus("projector"), (uint64_t)1 << 40, "test.gguf",
                             ATTACHED_PROJECTOR, catalog, arena, &x, &err))
        fail_msg("%s", err.text);
    assert_string_equal(x.projects, "mlp");
    assert_exactly(x.bytes, 14.0 * 14 * 3 * 1152 * 4 + 2048.0 * 1152 / 32 * 34);
    assert_false(attached_from_bytes(corpus("sound"), (uint64_t)1 << 40, "test.gguf",
                                     ATTACHED_PROJECTOR, catalog, arena, &x, &err));
    assert_non_null(strstr(err.text, "as a projector: it is a LoRA adapter"));
}

static void any_truncation_is_refused(void **state)
{
    (void)state;
    const struct str whole = corpus("sound");
    struct attached x;
    struct mu_err err = {.code = MU_OK};
    size_t header = whole.n; /* as far as it is no padding */
    while (header > 0 && !whole.p[header - 1]) header--;
    for (size_t n = 0; n < header; n++) {
        err = (struct mu_err){.code = MU_OK};
        if (attached_from_bytes((struct str){whole.p, n}, n, "test.gguf", ATTACHED_ADAPTER, catalog,
                                arena, &x, &err))
            fail_msg("%zu of %zu bytes are taken", n, whole.n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_adapter_names_what_it_changes),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(projectors_are_told_apart),
        cmocka_unit_test(any_truncation_is_refused),
    };
    return cmocka_run_group_tests(tests, open_model, close_catalog);
}
