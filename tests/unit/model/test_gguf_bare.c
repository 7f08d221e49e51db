/* A file's header without its vocabulary: what decides memory stays as it was, whole or split. */
#include "../scratch.h"
#include "model_rig.h"

#include "base/child.h"
#include "base/mapped.h"
#include "model/gguf.h"
#include "model/gguf_write.h"

static const char maker[] = SOURCE_ROOT "/tools/make-gguf";
static const char figures[] =
    "{\"arch\": \"qwen3moe\", \"n_layer\": 4, \"n_embd\": 256, \"n_head\": 4, \"n_head_kv\": 2, "
    "\"head_dim\": 128, \"n_ff\": 512, \"n_ff_exp\": 128, \"n_expert\": 8, \"n_expert_used\": 2, "
    "\"n_vocab\": 2000, \"n_ctx_train\": 4096, \"tied\": false, \"qk_norm\": \"head\"}";

static void make(const char *path, const char *parts)
{
    const char *const argv[] = {"make-gguf", figures, path, "--whole-tokenizer",
                                "--parts",   parts,   NULL};
    const struct child c = {.path = maker, .argv = argv, .timeout_s = 50};
    struct child_end end;
    struct mu_err err = {.code = MU_OK};
    if (!child_run(&c, arena, &end, &err)) fail_msg("%s", err.text);
    if (end.fate != CHILD_EXITED || end.status) fail_msg("%.*s", STR_ARG(end.talk));
}

/* The file, and the model that its bare header says. */
static void bared(const char *path, struct model *file, struct model *bare, struct gguf_written *w)
{
    struct mapped m;
    struct mu_err err = {.code = MU_OK};
    if (!model_from_gguf(path, catalog, arena, file, &err) ||
        !mapped_open(path, (uint64_t)file->header_bytes, &m, NULL, &err) ||
        !gguf_bare(m.bytes, file, catalog, arena, w, &err) ||
        !model_from_gguf_bytes(w->header, (uint64_t)w->file_bytes, "bare", catalog, arena, bare,
                               &err))
        fail_msg("%s", err.text);
    mapped_close(&m);
}

static void same(const struct model *file, const struct model *bare)
{
    const struct shape *a = &file->shape, *b = &bare->shape;
    assert_string_equal(a->arch_name, b->arch_name);
    assert_exactly(b->vocabulary, 2000);
    assert_exactly(b->layers, a->layers);
    assert_exactly(b->head_size, a->head_size);
    assert_exactly(b->experts_used, a->experts_used);
    assert_exactly(b->context_tokens, a->context_tokens);
    assert_exactly(b->parameters, a->parameters);
    assert_null(b->unruled);
    assert_int_equal(bare->tensors, file->tensors);
    for (size_t i = 0; i < file->tensors; i++) {
        assert_true(str_eq(bare->tensor[i].name, file->tensor[i].name));
        assert_memory_equal(bare->tensor[i].dims, file->tensor[i].dims,
                            sizeof bare->tensor[i].dims);
        assert_int_equal(bare->tensor[i].type, file->tensor[i].type);
    }
    assert_exactly(bare->missing_bytes, 0);
    assert_null(strstr(bare->name, "bare"));
    assert_string_equal(bare->tokenizer, "no_vocab");
}

static void all_but_the_vocabulary_stays(void **state)
{
    const char *path = str_copy(arena, str_of(scratch_path(state, "model.gguf")));
    make(path, "1");
    struct model file, bare;
    struct gguf_written w;
    bared(path, &file, &bare, &w);
    same(&file, &bare);
    assert_exactly(w.file_bytes - (double)w.header.n, file.file_bytes - file.header_bytes);
    assert_true((double)w.header.n < file.header_bytes / 4);
    assert_int_equal(w.header.n % 32, 0);
    /* where the vocabulary was, its size is: reading that again gives the same bytes */
    struct gguf_written again;
    struct mu_err err = {.code = MU_OK};
    assert_true(gguf_bare(w.header, &bare, catalog, arena, &again, &err));
    assert_int_equal(again.header.n, w.header.n);
    assert_memory_equal(again.header.p, w.header.p, w.header.n);
}

static void a_split_model_becomes_one(void **state)
{
    make(str_copy(arena, str_of(scratch_path(state, "whole.gguf"))), "1");
    make(str_copy(arena, str_of(scratch_path(state, "parts.gguf"))), "3");
    struct model whole, bare_whole, parts, bare_parts;
    struct gguf_written one, three;
    bared(str_copy(arena, str_of(scratch_path(state, "whole.gguf"))), &whole, &bare_whole, &one);
    bared(str_copy(arena, str_of(scratch_path(state, "parts-00001-of-00003.gguf"))), &parts,
          &bare_parts, &three);
    assert_exactly(parts.files, 3);
    same(&whole, &bare_parts);
    assert_int_equal(three.header.n, one.header.n);
    assert_memory_equal(three.header.p, one.header.p, one.header.n);
}

static void each_cut_of_a_header_is_refused(void **state)
{
    const char *path = str_copy(arena, str_of(scratch_path(state, "model.gguf")));
    make(path, "1");
    struct model file, bare;
    struct gguf_written w, none;
    bared(path, &file, &bare, &w);
    for (size_t n = 0; n + 32 < w.header.n; n += 7) {
        struct mu_err err = {.code = MU_OK};
        assert_false(gguf_bare((struct str){w.header.p, n}, &bare, catalog, arena, &none, &err));
        assert_int_equal(err.code, MU_DATA);
    }
}

#define SCRATCHED(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCHED(all_but_the_vocabulary_stays),
        SCRATCHED(a_split_model_becomes_one),
        SCRATCHED(each_cut_of_a_header_is_refused),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
