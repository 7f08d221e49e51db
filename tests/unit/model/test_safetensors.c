/* safetensors headers written here: what they count, folders of them, and what is damaged. */
#include "../scratch.h"
#include "model_rig.h"

#include "base/notes.h"
#include "base/str.h"
#include "model/safetensors.h"

static const char plain_tensors[] =
    "{\"__metadata__\": {\"format\": \"pt\"}, "
    "\"a.weight\": {\"dtype\": \"BF16\", \"shape\": [4, 8], \"data_offsets\": [0, 64]}, "
    "\"b.weight\": {\"dtype\": \"F32\", \"shape\": [], \"data_offsets\": [64, 68]}, "
    "\"c.weight\": {\"dtype\": \"F8_E4M3\", \"shape\": [3], \"data_offsets\": [68, 71]}, "
    "\"d.weight\": {\"dtype\": \"F4\", \"shape\": [6], \"data_offsets\": [71, 74]}}";
enum { PLAIN_BYTES = 74 };

/* A whole file: length, header, and as many zeros as `data` says. */
static struct str file_of(const char *header, size_t data)
{
    const size_t n = strlen(header);
    char *bytes = arena_alloc(arena, 8 + n + data + 1);
    for (size_t i = 0; i < 8; i++) bytes[i] = (char)(uint8_t)((uint64_t)n >> (8 * i));
    memcpy(bytes + 8, header, n);
    return (struct str){bytes, 8 + n + data};
}

static bool read_bytes(struct str bytes, const struct hf_quantization *q, struct stored *out,
                       struct mu_err *err)
{
    *err = (struct mu_err){.code = MU_OK};
    return stored_from_bytes(bytes, bytes.n, "test", q, arena, out, err);
}

static struct stored counted(struct str bytes, const struct hf_quantization *q)
{
    struct stored s;
    struct mu_err err;
    if (!read_bytes(bytes, q, &s, &err)) fail_msg("%s", err.text);
    return s;
}

static double bytes_of(const struct stored *s, const char *type)
{
    for (size_t i = 0; i < STORED_KINDS; i++)
        if (!strcmp(s->sum[i].type, type)) return s->sum[i].bytes;
    fail_msg("no type %s", type);
    return 0;
}

static void types_are_counted(void **state)
{
    (void)state;
    const struct str file = file_of(plain_tensors, PLAIN_BYTES);
    const struct stored s = counted(file, NULL);
    assert_exactly(s.tensors, 4);
    assert_exactly(s.bytes, PLAIN_BYTES);
    assert_exactly(s.parameters, 32 + 1 + 3 + 6);
    assert_exactly(s.file_bytes, (double)file.n);
    assert_exactly(s.missing_bytes, 0);
    assert_exactly(bytes_of(&s, "BF16"), 64);
    assert_exactly(bytes_of(&s, "F8_E4M3"), 3);
    assert_exactly(bytes_of(&s, "F4"), 3);
    assert_exactly(s.bits_per_parameter, PLAIN_BYTES * 8.0 / 42);
}

static void a_download_that_broke_off_says_how_much_is_missing(void **state)
{
    (void)state;
    const struct str file = file_of(plain_tensors, PLAIN_BYTES);
    for (size_t n = 0; n < file.n; n++) {
        struct stored s;
        struct mu_err err;
        const bool header = n >= file.n - PLAIN_BYTES;
        if (read_bytes((struct str){file.p, n}, NULL, &s, &err) != header)
            fail_msg("%zu bytes: %s", n, err.text);
        if (header) assert_exactly(s.missing_bytes, (double)(file.n - n));
    }
}

static void packed_numbers_are_counted_one_by_one(void **state)
{
    (void)state;
    const struct hf_quantization awq = {.method = "awq", .bits = 4, .group_size = 128};
    const struct hf_quantization nf4 = {.method = "bitsandbytes", .bits = 4, .group_size = 64};
    const struct hf_quantization mx = {.method = "mxfp4", .bits = 4, .group_size = 32};
    const struct hf_quantization fp8 = {.method = "fp8", .bits = 8};
    struct stored s = counted(
        file_of("{\"l.qweight\":{\"dtype\":\"I32\",\"shape\":[128,16],\"data_offsets\":[0,8192]},"
                "\"l.qzeros\":{\"dtype\":\"I32\",\"shape\":[1,16],\"data_offsets\":[8192,8256]},"
                "\"l.scales\":{\"dtype\":\"F16\",\"shape\":[1,128],\"data_offsets\":[8256,8512]}}",
                8512),
        &awq);
    assert_exactly(s.parameters, 128 * 128);
    assert_close(s.bits_per_parameter, 4 + (16 + 4) / 128.0, 1e-9);
    assert_string_equal(s.quantisation, "awq, 4 bits, groups of 128");
    s = counted(
        file_of(
            "{\"l.weight\":{\"dtype\":\"U8\",\"shape\":[2048,1],\"data_offsets\":[0,2048]},"
            "\"l.weight.absmax\":{\"dtype\":\"F32\",\"shape\":[64],\"data_offsets\":[2048,2304]}"
            ",\"l.weight.quant_state.bitsandbytes__nf4\":{\"dtype\":\"U8\",\"shape\":[80],"
            "\"data_offsets\":[2304,2384]}}",
            2384),
        &nf4);
    assert_exactly(s.parameters, 4096);
    s = counted(
        file_of("{\"e_blocks\":{\"dtype\":\"U8\",\"shape\":[2,4,16],\"data_offsets\":[0,128]},"
                "\"e_scales\":{\"dtype\":\"U8\",\"shape\":[2,4],\"data_offsets\":[128,136]}}",
                136),
        &mx);
    assert_exactly(s.parameters, 256);
    assert_exactly(s.bits_per_parameter, 4.25);
    s = counted(file_of("{\"l.weight\":{\"dtype\":\"F8_E4M3\",\"shape\":[4,4],\"data_offsets\":[0,"
                        "16]},\"l.weight_scale_inv\":{\"dtype\":\"F32\",\"shape\":[1,1],"
                        "\"data_offsets\":[16,20]}}",
                        20),
                &fp8);
    assert_exactly(s.parameters, 16);
}

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header, *says;
    } cases[] = {
        {"[]", "not a map"},
        {"{}", "no tensors"},
        {"{\"__metadata__\":{}}", "no tensors"},
        {"{\"a\":1}", "dtype"},
        {"{\"a\":{\"dtype\":\"Q4\",\"shape\":[1],\"data_offsets\":[0,1]}}", "dtype"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", "shape"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}", "shape"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1.5],\"data_offsets\":[0,1]}}", "shape"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4294967296,4294967296,4294967296],"
         "\"data_offsets\":[0,0]}}",
         "shape"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},}", "damaged"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}x", "damaged"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"shape\":[1]}}", "twice"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", "data_offsets"},
        {"{\"a\\u0062\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", "damaged"},
        {"{\"__metadata__\":{\"a\":1}}", "damaged"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"
         "\"data_offsets\":[0,1]}}",
         "shape"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,0]}}", "data_offsets"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", "data_offsets"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1e99]}}", "data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,3]}}", "bytes"},
        {"{\"a\":{\"dtype\":\"F4\",\"shape\":[1],\"data_offsets\":[0,1]}}", "bytes"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", "hole"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
         "hole"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
         "there twice"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", "bytes long"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stored s;
        struct mu_err err;
        if (read_bytes(file_of(cases[i].header, 64), NULL, &s, &err))
            fail_msg("taken: %s", cases[i].header);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: \"%s\" does not say %s", cases[i].header, err.text, cases[i].says);
        assert_int_equal(err.code, MU_DATA);
    }
    struct stored s;
    struct mu_err err;
    assert_false(read_bytes(S("\xff\xff\xff\xff\xff\xff\xff\xff{}"), NULL, &s, &err));
    assert_false(read_bytes(S("GGUF"), NULL, &s, &err));
}

static void a_hundred_thousand_tensors_are_read(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    struct buf b;
    buf_init(&b, (size_t)64 << 20);
    for (int i = 0; i < MANY; i++)
        buf_format(&b,
                   "%s\"model.layers.%d.mlp.experts.%d.gate_proj.weight\":{\"dtype\":\"BF16\","
                   "\"shape\":[2,4],\"data_offsets\":[%d,%d]}",
                   i ? "," : "{", i / 1000, i, i * 16, i * 16 + 16);
    buf_char(&b, '}');
    const struct stored s = counted(file_of(b.p, (size_t)MANY * 16), NULL);
    buf_release(&b);
    assert_exactly(s.tensors, MANY);
    assert_exactly(s.parameters, MANY * 8.0);
}

/* ---- folders ---- */

static const char tiny_config[] =
    "{\"model_type\": \"llama\", \"hidden_size\": 8, \"intermediate_size\": 16, "
    "\"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"num_key_value_heads\": 1, "
    "\"max_position_embeddings\": 64, \"vocab_size\": 10, \"tie_word_embeddings\": true}";
/* vocabulary, two norms, q, k, v, o, three of the FFN, the last norm */
enum { TINY = 80 + 2 * 8 + 64 + 32 + 32 + 64 + 3 * 128 + 8 };

static void put_tensor(void **state, const char *file, const char *name, int elements)
{
    const struct str bytes = file_of(
        str_format(arena, "{\"%s\":{\"dtype\":\"BF16\",\"shape\":[%d],\"data_offsets\":[0,%d]}}",
                   name, elements, 2 * elements),
        2 * (size_t)elements);
    scratch_write(scratch_path(state, file), bytes.p, bytes.n);
}

static bool open_at(const char *path, struct notes *notes, struct model *out, struct mu_err *err)
{
    *err = (struct mu_err){.code = MU_OK};
    *notes = (struct notes){.arena = arena};
    return model_open(path, catalog, arena, notes, out, err);
}

static struct model opened(const char *path, struct notes *notes)
{
    struct model m;
    struct mu_err err;
    if (!open_at(path, notes, &m, &err)) fail_msg("%s", err.text);
    return m;
}

static bool noted(const struct notes *notes, const char *text)
{
    for (size_t i = 0; i < notes->count; i++)
        if (strstr(notes->note[i], text)) return true;
    return false;
}

static void a_configuration_alone_is_a_model(void **state)
{
    struct notes notes;
    scratch_put(state, "config.json", tiny_config);
    const char *const paths[] = {*state, scratch_path(state, "config.json")};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        const struct model m = opened(paths[i], &notes);
        assert_exactly(m.shape.parameters, TINY);
        assert_exactly(m.shape.context_tokens, 64);
        assert_null(m.shape.unruled);
        assert_null(m.stored);
        assert_int_equal(m.tensors, 0);
        assert_non_null(strstr(m.source, "config.json alone"));
    }
}

static void one_file_is_counted_and_compared(void **state)
{
    struct notes notes;
    scratch_put(state, "config.json", tiny_config);
    put_tensor(state, "model.safetensors", "all", TINY);
    struct model m = opened(*state, &notes);
    assert_non_null(m.stored);
    assert_exactly(m.stored->bytes, 2.0 * TINY);
    assert_exactly(m.stored->bits_per_parameter, 16);
    assert_int_equal(notes.count, 0);
    put_tensor(state, "model.safetensors", "all", TINY + TINY / 100);
    m = opened(scratch_path(state, "model.safetensors"), &notes);
    assert_exactly(m.shape.parameters, TINY + TINY / 100);
    assert_true(noted(&notes, "other parts than the text model"));
}

static void shards_are_added_up(void **state)
{
    struct notes notes;
    struct model m;
    struct mu_err err;
    static const char index[] = "{\"metadata\": {\"total_size\": 2000}, \"weight_map\": {"
                                "\"a\": \"model-00001-of-00002.safetensors\", "
                                "\"b\": \"model-00002-of-00002.safetensors\"}}";
    scratch_put(state, "config.json", tiny_config);
    scratch_put(state, "model.safetensors.index.json", index);
    put_tensor(state, "model-00001-of-00002.safetensors", "a", 80);
    m = opened(*state, &notes);
    assert_exactly(m.stored->missing_files, 1);
    assert_exactly(m.stored->missing_bytes, 2000 - 160);
    assert_true(noted(&notes, "model-00002-of-00002.safetensors is missing"));
    put_tensor(state, "model-00002-of-00002.safetensors", "b", TINY - 80);
    m = opened(scratch_path(state, "model-00001-of-00002.safetensors"), &notes);
    assert_exactly(m.stored->files, 2);
    assert_exactly(m.stored->parameters, TINY);
    assert_int_equal(notes.count, 0);
    m = opened(scratch_path(state, "model.safetensors.index.json"), &notes);
    assert_exactly(m.stored->tensors, 2);
    scratch_put(state, "model.safetensors.index.json",
                "{\"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\"}}");
    m = opened(*state, &notes);
    assert_exactly(m.stored->files, 1);
    scratch_put(state, "model.safetensors.index.json",
                "{\"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\", \"c\": "
                "\"model-00001-of-00002.safetensors\"}}");
    assert_false(open_at(*state, &notes, &m, &err));
    assert_non_null(strstr(err.text, "names 2 tensors, and its files hold 1"));
}

static void an_index_names_nothing_elsewhere(void **state)
{
    (void)state;
    static const char *const names[] = {"\"../x.safetensors\"", "\"/etc/passwd\"", "\"\"", "7",
                                        "\".safetensors\"",     "\"x.bin\"",       "null"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *const *file = NULL;
        size_t files = 0;
        double tensors, total;
        struct mu_err err = {.code = MU_OK};
        const char *text = str_format(arena, "{\"weight_map\": {\"a\": %s}}", names[i]);
        if (stored_index_read(str_of(text), "index", arena, &file, &files, &tensors, &total, &err))
            fail_msg("%s is taken", names[i]);
    }
}

static void what_is_no_model_says_so(void **state)
{
    struct notes notes;
    struct model m;
    struct mu_err err;
    assert_false(open_at(*state, &notes, &m, &err));
    assert_non_null(strstr(err.text, "without a config.json"));
    put_tensor(state, "model.safetensors", "all", 4);
    assert_false(open_at(scratch_path(state, "model.safetensors"), &notes, &m, &err));
    assert_non_null(strstr(err.text, "no config.json beside it"));
    assert_false(open_at(scratch_path(state, "gone.safetensors"), &notes, &m, &err));
    assert_non_null(strstr(err.text, "No such file"));
    scratch_put(state, "adapter_config.json", "{}");
    assert_false(open_at(*state, &notes, &m, &err));
    assert_non_null(strstr(err.text, "an adapter as PEFT keeps it"));
    assert_int_equal(unlink(scratch_path(state, "adapter_config.json")), 0);
    scratch_folder(state, "config.json");
    assert_false(open_at(*state, &notes, &m, &err));
    assert_int_equal(rmdir(scratch_path(state, "config.json")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_counted),
        cmocka_unit_test(a_download_that_broke_off_says_how_much_is_missing),
        cmocka_unit_test(packed_numbers_are_counted_one_by_one),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(a_hundred_thousand_tensors_are_read),
        SCRATCHED(a_configuration_alone_is_a_model),
        SCRATCHED(one_file_is_counted_and_compared),
        SCRATCHED(shards_are_added_up),
        cmocka_unit_test(an_index_names_nothing_elsewhere),
        SCRATCHED(what_is_no_model_says_so),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
