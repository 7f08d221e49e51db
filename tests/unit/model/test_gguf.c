/* GGUF headers as bytes: what a sound one says, every truncation of it, and what is refused by name: counts, lengths, offsets and
 * dimensions that overflow, big-endian files, unknown types, adapters. */
#include "model_rig.h"

#include "model/gguf.h"

#include <stdlib.h>
#include <string.h>

enum { U32 = 4, F32 = 6, TEXT = 8, LIST = 9, U64 = 10 };

/* A header being written. */
struct maker {
    struct buf b;
};

static void put(struct maker *m, const void *p, size_t n)
{
    buf_add(&m->b, (struct str){p, n});
}

static void put_u32(struct maker *m, uint32_t x)
{
    put(m, &x, sizeof x);
}

static void put_u64(struct maker *m, uint64_t x)
{
    put(m, &x, sizeof x);
}

static void put_text(struct maker *m, const char *text)
{
    put_u64(m, strlen(text));
    put(m, text, strlen(text));
}

static void pair_u32(struct maker *m, const char *key, uint32_t x)
{
    put_text(m, key);
    put_u32(m, U32);
    put_u32(m, x);
}

static void pair_text(struct maker *m, const char *key, const char *x)
{
    put_text(m, key);
    put_u32(m, TEXT);
    put_text(m, x);
}

static void put_head(struct maker *m, uint32_t version, uint64_t tensors, uint64_t pairs)
{
    put(m, "GGUF", 4);
    put_u32(m, version);
    put_u64(m, tensors);
    put_u64(m, pairs);
}

struct entry {
    const char *name;
    uint64_t dims[2];
    uint32_t type;
    uint64_t offset;
};

static void put_tensor(struct maker *m, const struct entry *t)
{
    put_text(m, t->name);
    put_u32(m, t->dims[1] ? 2 : 1);
    put_u64(m, t->dims[0]);
    if (t->dims[1]) put_u64(m, t->dims[1]);
    put_u32(m, t->type);
    put_u64(m, t->offset);
}

/* One layer, width 32, 2 heads, F32 throughout. */
static const struct entry small_tensors[] = {
    {"token_embd.weight", {32, 8}, 0, 0},
    {"output_norm.weight", {32, 0}, 0, 1024},
    {"blk.0.attn_norm.weight", {32, 0}, 0, 1152},
    {"blk.0.attn_q.weight", {32, 32}, 0, 1280},
    {"blk.0.attn_k.weight", {32, 32}, 0, 5376},
    {"blk.0.attn_v.weight", {32, 32}, 0, 9472},
    {"blk.0.attn_output.weight", {32, 32}, 0, 13568},
    {"blk.0.ffn_norm.weight", {32, 0}, 0, 17664},
    {"blk.0.ffn_gate.weight", {32, 64}, 0, 17792},
    {"blk.0.ffn_up.weight", {32, 64}, 0, 25984},
    {"blk.0.ffn_down.weight", {64, 32}, 0, 34176},
};
enum { SMALL_PAIRS = 8, SMALL_DATA_BYTES = 34176 + 64 * 32 * 4 };

static void small_pairs(struct maker *m)
{
    pair_text(m, "general.architecture", "llama");
    pair_u32(m, "general.file_type", 0);
    pair_u32(m, "llama.block_count", 1);
    pair_u32(m, "llama.context_length", 512);
    pair_u32(m, "llama.embedding_length", 32);
    pair_u32(m, "llama.feed_forward_length", 64);
    pair_u32(m, "llama.attention.head_count", 2);
    put_text(m, "tokenizer.ggml.tokens");
    put_u32(m, LIST);
    put_u32(m, TEXT);
    put_u64(m, 8);
    for (size_t i = 0; i < 8; i++) put_text(m, "token");
}

static void put_small_tensors(struct maker *m)
{
    for (size_t i = 0; i < COUNT_OF(small_tensors); i++) put_tensor(m, &small_tensors[i]);
}

static struct maker begin(void)
{
    struct maker m;
    buf_init(&m.b, 1 << 26);
    return m;
}

static struct maker small_model(void)
{
    struct maker m = begin();
    put_head(&m, 3, COUNT_OF(small_tensors), SMALL_PAIRS);
    small_pairs(&m);
    put_small_tensors(&m);
    return m;
}

static uint64_t with_data(const struct maker *m)
{
    return (m->b.n + 31) / 32 * 32 + SMALL_DATA_BYTES;
}

static bool read_model(const struct maker *m, uint64_t file_bytes, struct model *out,
                       struct mu_err *err)
{
    *err = (struct mu_err){.code = MU_OK};
    return model_from_gguf_bytes(buf_text(&m->b), file_bytes, "test.gguf", catalog, arena, out,
                                 err);
}

/* The header is refused with just this message. Frees it. */
static void refused(struct maker *m, const char *message)
{
    struct model model;
    struct mu_err err;
    assert_false(read_model(m, with_data(m), &model, &err));
    assert_string_equal(err.text, message);
    assert_int_equal(err.code, MU_DATA);
    buf_release(&m->b);
}

static void a_sound_header_is_understood(void **state)
{
    (void)state;
    struct maker m = small_model();
    struct model model;
    struct mu_err err;
    if (!read_model(&m, with_data(&m), &model, &err)) fail_msg("%s", err.text);
    assert_null(model.shape.unruled);
    assert_exactly(model.shape.layers, 1);
    assert_exactly(model.shape.width, 32);
    assert_exactly(model.shape.heads, 2);
    assert_exactly(model.shape.kv_heads, 2);
    assert_exactly(model.shape.head_size, 16);
    assert_exactly(model.shape.vocabulary, 8);
    assert_exactly(model.shape.context_tokens, 512);
    assert_true(model.shape.tied);
    assert_true(model.shape.gated_ffn);
    assert_string_equal(model.quant, "F32");
    assert_int_equal(model.tensors, COUNT_OF(small_tensors));
    struct digest by_list, by_shape;
    digest_of_model(&model, catalog, &by_list);
    digest_of_shape(&model.shape, catalog_mix(catalog, S("F32")), catalog, &by_shape);
    digests_are_equal("small", &by_list, &by_shape);
    assert_exactly(by_list.weight_bytes, SMALL_DATA_BYTES);
    buf_release(&m.b);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct maker m = small_model();
    for (size_t cut = 0; cut < m.b.n; cut++) {
        char *part = malloc(cut ? cut : 1); /* its own block, so that a read past the end is seen */
        assert_non_null(part);
        memcpy(part, m.b.p, cut);
        struct model model;
        struct mu_err err = {.code = MU_OK};
        assert_false(model_from_gguf_bytes((struct str){part, cut}, cut, "cut.gguf", catalog, arena,
                                           &model, &err));
        assert_int_equal(err.code, MU_DATA);
        assert_true(str_starts(str_of(err.text), S("cannot read cut.gguf as a model: ")));
        free(part);
    }
    buf_release(&m.b);
}

/* What is fetched of a file elsewhere grows until its header is whole: where the bytes end too early is told from what is damaged. */
static void a_front_that_is_too_short_is_known(void **state)
{
    (void)state;
    struct maker m = small_model();
    struct mu_err none = {.code = MU_OK};
    struct gguf g;
    struct gguf_source from = {
        .file_bytes = UINT64_MAX, .name = "front.gguf", .types = catalog_types(catalog, &none)};
    for (size_t cut = sizeof "GGUF" - 1; cut < m.b.n; cut++) {
        struct mu_err err = {.code = MU_OK};
        from.bytes = (struct str){m.b.p, cut};
        if (gguf_read(&from, arena, &g, &err)) {
            assert_true(m.b.n - cut < 32); /* what pads the header need not be there */
            assert_true(g.header_bytes >= cut && g.header_bytes - cut < 32);
            continue;
        }
        if (!g.cut) fail_msg("%zu of %zu bytes are taken for a damaged header", cut, m.b.n);
    }
    m.b.p[4] = 9; /* a version that is none */
    from.bytes = buf_text(&m.b);
    assert_false(gguf_read(&from, arena, &g, NULL));
    assert_false(g.cut);
    buf_release(&m.b);
}

static void missing_data_is_counted(void **state)
{
    (void)state;
    struct maker m = small_model();
    struct model model;
    struct mu_err err;
    assert_true(read_model(&m, with_data(&m), &model, &err));
    assert_exactly(model.missing_bytes, 0);
    assert_true(read_model(&m, with_data(&m) - 1000, &model, &err));
    assert_exactly(model.missing_bytes, 1000);
    assert_exactly(model.file_bytes, (double)with_data(&m));
    assert_exactly(model.header_bytes, (double)((m.b.n + 31) / 32 * 32));
    buf_release(&m.b);
}

static void counts_that_overflow_are_refused(void **state)
{
    (void)state;
    static const char ends[] = "cannot read test.gguf as a model: the file ends inside its header; "
                               "an unfinished download, perhaps";
    struct maker m = begin();
    put_head(&m, 3, 1, UINT64_MAX);
    struct model model;
    struct mu_err err;
    assert_false(read_model(&m, m.b.n, &model, &err));
    assert_string_equal(err.text, ends);
    buf_release(&m.b);

    m = begin();
    put_head(&m, 3, UINT64_MAX / 8, SMALL_PAIRS);
    small_pairs(&m);
    assert_false(read_model(&m, m.b.n, &model, &err));
    assert_string_equal(err.text, ends);
    buf_release(&m.b);

    m = begin();
    put_head(&m, 3, 0, 1);
    put_u64(&m, UINT64_MAX); /* the length of a key */
    put(&m, "general.architecture", 20);
    assert_false(read_model(&m, m.b.n, &model, &err));
    assert_string_equal(err.text, ends);
    buf_release(&m.b);

    m = begin();
    put_head(&m, 3, 0, 1);
    put_text(&m, "many");
    put_u32(&m, LIST);
    put_u32(&m, U64);
    put_u64(&m, UINT64_MAX / 4); /* times 8 overflows */
    assert_false(read_model(&m, m.b.n, &model, &err));
    assert_string_equal(err.text, ends);
    buf_release(&m.b);
}

static void one_tensor(const struct entry *t, const char *message)
{
    struct maker m = begin();
    put_head(&m, 3, 1, SMALL_PAIRS);
    small_pairs(&m);
    put_tensor(&m, t);
    refused(&m, message);
}

static void tensors_that_cannot_be_are_refused(void **state)
{
    (void)state;
    one_tensor(&(struct entry){"a", {1ULL << 40, 1ULL << 40}, 0, 0},
               "cannot read test.gguf as a model: tensor a has impossible dimensions");
    one_tensor(&(struct entry){"a", {0, 8}, 0, 0},
               "cannot read test.gguf as a model: tensor a has impossible dimensions");
    one_tensor(&(struct entry){"a", {1ULL << 62, 1}, 0, 0},
               "cannot read test.gguf as a model: tensor a is larger than can be addressed");
    one_tensor(&(struct entry){"a", {32, 8}, 0, UINT64_MAX - 31},
               "cannot read test.gguf as a model: tensor a lies at an impossible offset");
    one_tensor(&(struct entry){"a", {32, 8}, 0, 7},
               "cannot read test.gguf as a model: tensor a lies at an impossible offset");
    one_tensor(&(struct entry){"a\n\x1b", {33, 8}, 2, 0},
               "cannot read test.gguf as a model: tensor a\\x0a\\x1b has rows of 33, no whole "
               "number of Q4_0 blocks");
    one_tensor(&(struct entry){"a", {32, 8}, 63, 0},
               "cannot read test.gguf as a model: tensor a is of type 63, which is not known here; "
               "a newer muster may know it");
    one_tensor(&(struct entry){"a", {32, 8}, 4000000000U, 0},
               "cannot read test.gguf as a model: tensor a is of type 4000000000, which is not "
               "known here; a newer muster may know it");
}

static void tensors_there_twice_are_refused(void **state)
{
    (void)state;
    struct maker m = begin();
    put_head(&m, 3, 2, SMALL_PAIRS);
    small_pairs(&m);
    put_tensor(&m, &small_tensors[0]);
    put_tensor(&m, &small_tensors[0]);
    refused(&m, "cannot read test.gguf as a model: tensor token_embd.weight is there twice");
}

static void five_dimensions_are_refused(void **state)
{
    (void)state;
    struct maker m = begin();
    put_head(&m, 3, 1, SMALL_PAIRS);
    small_pairs(&m);
    put_text(&m, "a");
    put_u32(&m, 5);
    for (size_t i = 0; i < 7; i++) put_u64(&m, 1);
    refused(&m, "cannot read test.gguf as a model: a tensor has more than four dimensions; it is "
                "damaged");
}

static void other_versions_are_refused_by_name(void **state)
{
    (void)state;
    struct maker m = begin();
    put_head(&m, 0x03000000, 0, 0);
    refused(&m, "cannot read test.gguf as a model: it is a big-endian GGUF file, which only "
                "big-endian machines run; take the usual little-endian one");
    m = begin();
    put_head(&m, 1, 0, 0);
    refused(&m, "cannot read test.gguf as a model: GGUF version 1 is not known here (2 and 3 are)");
    m = begin();
    put(&m, "PK\3\4 a zip file", 15);
    refused(&m, "cannot read test.gguf as a model: it is not a GGUF file");
    m = begin();
    put(&m, "version https://git-lfs.github.com/spec/v1\n", 43);
    refused(&m, "cannot read test.gguf as a model: it is a git-lfs pointer, not the file itself; "
                "'git lfs pull' fetches that");
}

static void version_two_is_read(void **state)
{
    (void)state;
    struct maker m = begin();
    put_head(&m, 2, COUNT_OF(small_tensors), SMALL_PAIRS);
    small_pairs(&m);
    put_small_tensors(&m);
    struct model model;
    struct mu_err err;
    if (!read_model(&m, with_data(&m), &model, &err)) fail_msg("%s", err.text);
    assert_null(model.shape.unruled);
    buf_release(&m.b);
}

static void what_is_no_model_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *message;
    } cases[] = {
        {"general.type", "adapter",
         "cannot use test.gguf: it is a LoRA adapter, not a model; name the model it belongs to, "
         "and "
         "this with fit's --lora"},
        {"adapter.type", "lora",
         "cannot use test.gguf: it is a LoRA adapter, not a model; name the model it belongs to, "
         "and "
         "this with fit's --lora"},
        {"general.type", "mmproj",
         "cannot use test.gguf: it is a projector (of pictures or sound), not a model; name the "
         "model it belongs to, and this with fit's --mmproj"},
        {"general.type", "imatrix",
         "cannot use test.gguf: it is an importance matrix, which only llama-quantize reads, not a "
         "model"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct maker m = begin();
        put_head(&m, 3, COUNT_OF(small_tensors), SMALL_PAIRS + 1);
        small_pairs(&m);
        pair_text(&m, cases[i].key, cases[i].value);
        put_small_tensors(&m);
        refused(&m, cases[i].message);
    }
    struct maker m = begin();
    put_head(&m, 3, 0, SMALL_PAIRS);
    small_pairs(&m);
    refused(&m, "cannot use test.gguf: it holds no tensors (a vocabulary alone, perhaps)");
    m = begin();
    put_head(&m, 3, 1, 1);
    pair_u32(&m, "llama.block_count", 1);
    put_tensor(&m, &small_tensors[0]);
    refused(&m, "cannot use test.gguf: its header names no general.architecture");
}

/* Adds one pair to the small model; the reason why nothing is computed, or NULL. */
static const char *reason_with(void (*add)(struct maker *))
{
    struct maker m = begin();
    put_head(&m, 3, COUNT_OF(small_tensors), SMALL_PAIRS + 1);
    small_pairs(&m);
    add(&m);
    put_small_tensors(&m);
    struct model model;
    struct mu_err err;
    if (!read_model(&m, with_data(&m), &model, &err)) fail_msg("%s", err.text);
    struct digest d;
    digest_of_model(&model, catalog, &d);
    assert_ptr_equal(d.unruled, model.shape.unruled);
    buf_release(&m.b);
    return model.shape.unruled;
}

static void heads(struct maker *m, uint32_t first, uint32_t second)
{
    put_text(m, "llama.attention.head_count_kv");
    put_u32(m, LIST);
    put_u32(m, U32);
    put_u64(m, 2);
    put_u32(m, first);
    put_u32(m, second);
}

static void heads_alike(struct maker *m)
{
    heads(m, 2, 2);
}

static void heads_that_differ(struct maker *m)
{
    heads(m, 2, 1);
}

static void no_figure(struct maker *m)
{
    put_text(m, "llama.attention.key_length");
    put_u32(m, F32);
    put_u32(m, 0x7fc00000); /* NaN */
}

static void more_layers(struct maker *m)
{
    pair_u32(m, "llama.block_count", 4000000000U);
}

static void two_layers(struct maker *m)
{
    pair_u32(m, "llama.block_count", 2);
}

static void experts_nowhere(struct maker *m)
{
    pair_u32(m, "llama.expert_count", 8);
}

static void values_shorter(struct maker *m)
{
    pair_u32(m, "llama.attention.value_length", 8);
}

static void lists_of_lists(struct maker *m)
{
    put_text(m, "nested");
    put_u32(m, LIST);
    put_u32(m, LIST);
    put_u64(m, 2);
    for (size_t i = 0; i < 2; i++) {
        put_u32(m, TEXT);
        put_u64(m, 1);
        put_text(m, "deep");
    }
}

static void figures_without_a_rule_say_why(void **state)
{
    (void)state;
    assert_null(reason_with(heads_alike));
    assert_null(reason_with(lists_of_lists));
    assert_string_equal(reason_with(heads_that_differ),
                        "its layers differ in heads or widths, for which there is no rule");
    assert_string_equal(reason_with(no_figure), "a figure in its header is out of range");
    assert_string_equal(reason_with(more_layers), "a figure in its header is out of range");
    assert_string_equal(reason_with(two_layers),
                        "layers that its header counts are not in the file");
    assert_string_equal(reason_with(experts_nowhere),
                        "its expert layers are not where its header says");
    assert_string_equal(reason_with(values_shorter),
                        "its keys and values differ in length, for which there is no rule");
}

static void lists_nested_deeply_are_refused(void **state)
{
    (void)state;
    struct maker m = begin();
    put_head(&m, 3, 0, 1);
    put_text(&m, "nested");
    put_u32(&m, LIST);
    for (size_t i = 0; i < 4; i++) {
        put_u32(&m, LIST);
        put_u64(&m, 1);
    }
    refused(&m, "cannot read test.gguf as a model: its metadata nests lists too deeply");
}

static void alignment_is_honoured(void **state)
{
    (void)state;
    struct maker m = begin();
    put_head(&m, 3, 1, SMALL_PAIRS + 1);
    small_pairs(&m);
    pair_u32(&m, "general.alignment", 4096);
    put_tensor(&m, &(struct entry){"token_embd.weight", {32, 8}, 0, 4096});
    struct model model;
    struct mu_err err;
    const uint64_t end = (m.b.n + 4095) / 4096 * 4096 + 4096 + 1024;
    assert_true(read_model(&m, end, &model, &err));
    assert_exactly(model.missing_bytes, 0);
    assert_true(read_model(&m, end - 1, &model, &err));
    assert_exactly(model.missing_bytes, 1);
    buf_release(&m.b);
    m = begin();
    put_head(&m, 3, 1, SMALL_PAIRS + 1);
    small_pairs(&m);
    pair_u32(&m, "general.alignment", 48);
    put_tensor(&m, &small_tensors[0]);
    refused(&m, "cannot read test.gguf as a model: its general.alignment is no power of two");
}

static void an_unknown_architecture_says_so(void **state)
{
    (void)state;
    struct maker m = begin();
    put_head(&m, 3, 1, 1);
    pair_text(&m, "general.architecture", "novel");
    put_tensor(&m, &small_tensors[0]);
    struct model model;
    struct mu_err err;
    if (!read_model(&m, with_data(&m), &model, &err)) fail_msg("%s", err.text);
    assert_string_equal(model.shape.unruled,
                        "how llama.cpp runs the architecture novel is not known here");
    buf_release(&m.b);
}

static void more_mixes_than_kinds_are_averaged(void **state)
{
    (void)state;
    enum { LAYERS = 40 };
    struct tensor t[LAYERS];
    for (int i = 0; i < LAYERS; i++)
        t[i] = (struct tensor){.dims = {256, (uint64_t)(32 * (i % 20 + 1)), 1, 1},
                               .type = i % 2 ? 12 : 14,
                               .layer = i,
                               .use = USE_MATRIX};
    const struct model m = {.shape = {.layers = LAYERS}, .tensor = t, .tensors = LAYERS};
    struct digest d;
    digest_of_model(&m, catalog, &d);
    assert_null(d.unruled);
    assert_int_equal(d.kinds, 1);
    assert_exactly(d.kind[0].layers, LAYERS);
    double bytes = 0;
    for (int i = 0; i < LAYERS; i++) bytes += tensor_bytes(&t[i], catalog_types(catalog, NULL));
    assert_true(d.weight_bytes > bytes * (1 - 1e-12) && d.weight_bytes < bytes * (1 + 1e-12));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_header_is_understood),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_front_that_is_too_short_is_known),
        cmocka_unit_test(missing_data_is_counted),
        cmocka_unit_test(counts_that_overflow_are_refused),
        cmocka_unit_test(tensors_that_cannot_be_are_refused),
        cmocka_unit_test(tensors_there_twice_are_refused),
        cmocka_unit_test(five_dimensions_are_refused),
        cmocka_unit_test(other_versions_are_refused_by_name),
        cmocka_unit_test(version_two_is_read),
        cmocka_unit_test(what_is_no_model_is_refused),
        cmocka_unit_test(figures_without_a_rule_say_why),
        cmocka_unit_test(lists_nested_deeply_are_refused),
        cmocka_unit_test(alignment_is_honoured),
        cmocka_unit_test(an_unknown_architecture_says_so),
        cmocka_unit_test(more_mixes_than_kinds_are_averaged),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
