/* Models from operands: GGUF files that tools/make-gguf writes (real figures, no weights) against the catalogue's own shapes, split
 * files, what is not a file at all, and names. */
#include "../scratch.h"
#include "model_rig.h"

#include "base/child.h"
#include "base/notes.h"

static const char maker[] = SOURCE_ROOT "/tools/make-gguf";

/* Writes a file of these figures into the scratch folder; extra: one more option and its value, or NULL. */
static const char *make_file(void **state, const char *figures, const char *option,
                             const char *value)
{
    const char *path = str_copy(arena, str_of(scratch_path(state, "model.gguf")));
    const char *const argv[] = {"make-gguf", figures, path, option, value, NULL};
    const struct child c = {.path = maker, .argv = argv, .timeout_s = 50};
    struct child_end end;
    struct mu_err err = {.code = MU_OK};
    if (!child_run(&c, arena, &end, &err)) fail_msg("%s", err.text);
    if (end.fate != CHILD_EXITED || end.status) fail_msg("%.*s", STR_ARG(end.talk));
    return path;
}

static bool open_model(const char *operand, struct model *out, struct mu_err *err)
{
    *err = (struct mu_err){.code = MU_OK};
    return model_open(operand, catalog, arena, NULL, out, err);
}

static void opened(const char *operand, struct model *out)
{
    struct mu_err err;
    if (!open_model(operand, out, &err)) fail_msg("%s", err.text);
}

struct pair {
    const char *model, *figures;
};

/* Figures as their makers publish them; the catalogue must come to the same tensors by its own rules. */
static const struct pair pairs[] = {
    {"Llama-3.2-1B-Instruct",
     "{\"arch\": \"llama\", \"n_layer\": 16, \"n_embd\": 2048, \"n_head\": 32, \"n_head_kv\": 8, "
     "\"n_ff\": 8192, \"n_vocab\": 128256, \"n_ctx_train\": 131072, \"rope_freqs\": true}"},
    {"Mistral-7B-Instruct-v0.3",
     "{\"arch\": \"llama\", \"n_layer\": 32, \"n_embd\": 4096, \"n_head\": 32, \"n_head_kv\": 8, "
     "\"n_ff\": 14336, \"n_vocab\": 32768, \"n_ctx_train\": 32768, \"tied\": false}"},
    {"Qwen2.5-0.5B-Instruct",
     "{\"arch\": \"qwen2\", \"n_layer\": 24, \"n_embd\": 896, \"n_head\": 14, \"n_head_kv\": 2, "
     "\"n_ff\": 4864, \"n_vocab\": 151936, \"n_ctx_train\": 32768, \"qkv_bias\": true}"},
    {"Qwen3-0.6B",
     "{\"arch\": \"qwen3\", \"n_layer\": 28, \"n_embd\": 1024, \"n_head\": 16, \"n_head_kv\": 8, "
     "\"n_ff\": 3072, \"n_vocab\": 151936, \"n_ctx_train\": 40960, \"head_dim\": 128, "
     "\"qk_norm\": \"head\"}"},
    {"Phi-3-mini-4k-instruct",
     "{\"arch\": \"phi3\", \"n_layer\": 32, \"n_embd\": 3072, \"n_head\": 32, \"n_ff\": 8192, "
     "\"n_vocab\": 32064, \"n_ctx_train\": 4096, \"tied\": false, \"fused_qkv\": true, "
     "\"fused_gate_up\": true, \"n_swa\": 2047}"},
    {"gemma-2-2b-it",
     "{\"arch\": \"gemma2\", \"n_layer\": 26, \"n_embd\": 2304, \"n_head\": 8, \"n_head_kv\": 4, "
     "\"n_ff\": 9216, \"n_vocab\": 256000, \"n_ctx_train\": 8192, \"head_dim\": 256, "
     "\"post_norms\": true, \"n_swa\": 4096}"},
    {"gemma-3-1b-it",
     "{\"arch\": \"gemma3\", \"n_layer\": 26, \"n_embd\": 1152, \"n_head\": 4, \"n_head_kv\": 1, "
     "\"n_ff\": 6912, \"n_vocab\": 262144, \"n_ctx_train\": 32768, \"head_dim\": 256, "
     "\"post_norms\": true, \"qk_norm\": \"head\", \"n_swa\": 512}"},
    {"gpt2",
     "{\"arch\": \"gpt2\", \"n_layer\": 12, \"n_embd\": 768, \"n_head\": 12, \"n_ff\": 3072, "
     "\"n_vocab\": 50257, \"n_ctx_train\": 1024}"},
    {"Mixtral-8x7B-Instruct-v0.1",
     "{\"arch\": \"llama\", \"n_layer\": 32, \"n_embd\": 4096, \"n_head\": 32, \"n_head_kv\": 8, "
     "\"n_ff\": 14336, \"n_vocab\": 32000, \"n_ctx_train\": 32768, \"tied\": false, "
     "\"n_expert\": 8, \"n_expert_used\": 2}"},
    {"Qwen3-30B-A3B",
     "{\"arch\": \"qwen3moe\", \"n_layer\": 48, \"n_embd\": 2048, \"n_head\": 32, "
     "\"n_head_kv\": 4, \"n_ff\": 6144, \"n_vocab\": 151936, \"n_ctx_train\": 40960, "
     "\"head_dim\": 128, \"tied\": false, \"qk_norm\": \"head\", \"n_expert\": 128, "
     "\"n_expert_used\": 8, \"n_ff_exp\": 768}"},
    {"DeepSeek-V2-Lite-Chat",
     "{\"arch\": \"deepseek2\", \"n_layer\": 27, \"n_embd\": 2048, \"n_head\": 16, "
     "\"n_ff\": 10944, \"n_vocab\": 102400, \"n_ctx_train\": 32768, \"tied\": false, "
     "\"n_expert\": 64, \"n_expert_used\": 6, \"n_ff_exp\": 1408, \"n_expert_shared\": 2, "
     "\"n_dense_lead\": 1, \"mla\": {\"kv_lora\": 512, \"rope\": 64, \"nope\": 128, \"v\": 128}}"},
    {"all-MiniLM-L6-v2",
     "{\"arch\": \"bert\", \"n_layer\": 6, \"n_embd\": 384, \"n_head\": 12, \"n_ff\": 1536, "
     "\"n_vocab\": 30522, \"n_ctx_train\": 512, \"pooling\": 1}"},
};

/* All that decides a bill and that a header can say. */
static void shapes_are_equal(const char *what, const struct shape *a, const struct shape *b)
{
    const double x[] = {a->layers,
                        a->width,
                        a->heads,
                        a->kv_heads,
                        a->head_size,
                        a->vocabulary,
                        a->context_tokens,
                        a->experts,
                        a->experts_used,
                        a->expert_width,
                        a->dense_lead,
                        a->shared_width,
                        a->latent.nope,
                        a->latent.rope,
                        a->latent.kv_rank,
                        a->latent.value,
                        a->rope_factors,
                        a->rope_tensors,
                        a->learned_positions,
                        a->token_types,
                        a->norms_per_layer,
                        a->embedding_norm,
                        a->tied,
                        a->qkv_bias,
                        a->attention_output_bias,
                        a->ffn_bias,
                        a->norm_bias,
                        a->output_bias,
                        a->output_norm,
                        a->router_bias,
                        a->post_norms,
                        a->fused_qkv,
                        a->fused_gate_up,
                        a->gated_ffn,
                        a->shared_gate,
                        a->qk_norm,
                        a->pooling};
    const double y[] = {b->layers,
                        b->width,
                        b->heads,
                        b->kv_heads,
                        b->head_size,
                        b->vocabulary,
                        b->context_tokens,
                        b->experts,
                        b->experts_used,
                        b->expert_width,
                        b->dense_lead,
                        b->shared_width,
                        b->latent.nope,
                        b->latent.rope,
                        b->latent.kv_rank,
                        b->latent.value,
                        b->rope_factors,
                        b->rope_tensors,
                        b->learned_positions,
                        b->token_types,
                        b->norms_per_layer,
                        b->embedding_norm,
                        b->tied,
                        b->qkv_bias,
                        b->attention_output_bias,
                        b->ffn_bias,
                        b->norm_bias,
                        b->output_bias,
                        b->output_norm,
                        b->router_bias,
                        b->post_norms,
                        b->fused_qkv,
                        b->fused_gate_up,
                        b->gated_ffn,
                        b->shared_gate,
                        b->qk_norm,
                        b->pooling};
    for (size_t i = 0; i < COUNT_OF(x); i++)
        if (x[i] != y[i]) fail_msg("%s: figure %zu is %.0f and %.0f", what, i, x[i], y[i]);
    assert_ptr_equal(a->arch, b->arch);
}

static void files_and_catalogue_agree(void **state)
{
    const struct mix *mix = catalog_mix(catalog, S("F16"));
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct model listed, file;
        opened(pairs[i].model, &listed);
        opened(make_file(state, pairs[i].figures, NULL, NULL), &file);
        struct digest from_catalogue, from_file, from_file_shape;
        digest_of_shape(&listed.shape, mix, catalog, &from_catalogue);
        digest_of_model(&file, catalog, &from_file);
        digests_are_equal(pairs[i].model, &from_catalogue, &from_file);
        digest_of_shape(&file.shape, mix, catalog, &from_file_shape);
        digests_are_equal(pairs[i].model, &from_file, &from_file_shape);
        shapes_are_equal(pairs[i].model, &listed.shape, &file.shape);
        assert_string_equal(file.quant, "F16");
        assert_int_equal(file.origin, REPORTED);
        assert_int_equal(listed.origin, LISTED);
    }
}

static const char small[] =
    "{\"arch\": \"llama\", \"n_layer\": 4, \"n_embd\": 64, \"n_head\": 4, \"n_head_kv\": 2, "
    "\"n_ff\": 128, \"n_vocab\": 100, \"n_ctx_train\": 256}";

static void split_files_are_read_beside_the_first(void **state)
{
    struct model whole, parts;
    opened(make_file(state, small, NULL, NULL), &whole);
    make_file(state, small, "--parts", "3");
    const char *first = scratch_path(state, "model-00001-of-00003.gguf");
    opened(first, &parts);
    assert_int_equal((int)parts.files, 3);
    assert_int_equal(parts.tensors, whole.tensors);
    struct digest a, b;
    digest_of_model(&whole, catalog, &a);
    digest_of_model(&parts, catalog, &b);
    digests_are_equal("split", &a, &b);

    struct mu_err err;
    const char *second = scratch_path(state, "model-00002-of-00003.gguf");
    assert_false(open_model(second, &parts, &err));
    assert_string_equal(err.text, str_format(arena,
                                             "cannot use %s: it is part 2 of 3; name the "
                                             "first part",
                                             second));
    assert_int_equal(err.code, MU_NOINPUT);
    const char *odd = scratch_path(state, "odd.gguf");
    assert_int_equal(rename(first, odd), 0);
    assert_false(open_model(odd, &parts, &err));
    assert_string_equal(err.text, str_format(arena,
                                             "cannot find the other 2 parts of %s: its name "
                                             "does not end in -00001-of-00003.gguf",
                                             odd));
    assert_int_equal(rename(odd, first), 0);
    assert_int_equal(remove(second), 0);
    assert_false(open_model(first, &parts, &err));
    assert_string_equal(err.text, str_format(arena,
                                             "part 2 of this model is missing or cannot be read: "
                                             "cannot open %s: No such file or directory",
                                             second));
    assert_int_equal(err.code, MU_NOINPUT);
}

static void a_file_cut_short_says_how_much_is_missing(void **state)
{
    const char *path = make_file(state, small, NULL, NULL);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 4096), 0);
    struct model m;
    struct mu_err err;
    struct notes notes = {.arena = arena};
    assert_true(model_open(path, catalog, arena, &notes, &m, &err));
    assert_exactly(m.file_bytes, (double)st.st_size);
    assert_exactly(m.missing_bytes, 4096);
    assert_int_equal(notes.count, 1);
    assert_string_equal(notes.note[0], str_format(arena,
                                                  "%s: an unfinished download, perhaps; 4.00 KiB "
                                                  "of weights are missing",
                                                  path));
    assert_int_equal(truncate(path, (off_t)m.header_bytes), 0);
    notes.count = 0;
    assert_true(model_open(path, catalog, arena, &notes, &m, &err));
    assert_exactly(m.file_bytes, (double)st.st_size);
    assert_exactly(m.missing_bytes, (double)st.st_size - m.header_bytes);
    assert_non_null(strstr(notes.note[0], ": only its header is here; "));
}

static void a_hole_of_two_tebibytes_is_no_model(void **state)
{
    const char *path = scratch_path(state, "hole.gguf");
    scratch_put(state, "hole.gguf", "");
    if (truncate(path, (off_t)2 << 40)) {
        assert_int_equal(truncate(path, (off_t)8 << 30), 0); /* where the file system has a limit */
    }
    struct model m;
    struct mu_err err;
    assert_false(open_model(path, &m, &err));
    assert_int_equal(err.code, MU_DATA);
    assert_string_equal(
        err.text, str_format(arena, "cannot read %s as a model: it is not a GGUF file", path));
}

static void a_model_in_a_hole_of_two_tebibytes_is_read(void **state)
{
    const char *path = make_file(state, small, NULL, NULL);
    if (truncate(path, (off_t)2 << 40)) assert_int_equal(truncate(path, (off_t)8 << 30), 0);
    struct model m;
    opened(path, &m);
    assert_null(m.shape.unruled);
    assert_true(m.file_bytes >= 8.0 * (1 << 30));
}

static void what_is_no_file_is_one_message(void **state)
{
    struct model m;
    struct mu_err err;
    const char *folder = scratch_path(state, "folder.gguf");
    scratch_folder(state, "folder.gguf");
    assert_false(open_model(folder, &m, &err));
    assert_int_equal(err.code, MU_NOINPUT);
    assert_non_null(strstr(err.text, "it is a folder"));
    const char *pipe = scratch_path(state, "pipe.gguf");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_false(open_model(pipe, &m, &err));
    assert_int_equal(err.code, MU_NOINPUT);
    assert_non_null(strstr(err.text, "it is a pipe"));
    const char *nothing = scratch_path(state, "nothing.gguf");
    assert_false(open_model(nothing, &m, &err));
    assert_int_equal(err.code, MU_NOINPUT);
    assert_string_equal(err.text,
                        str_format(arena, "cannot open %s: No such file or directory", nothing));
    scratch_put(state, "empty.gguf", "");
    assert_false(open_model(scratch_path(state, "empty.gguf"), &m, &err));
    assert_int_equal(err.code, MU_DATA);
    assert_non_null(strstr(err.text, "the file is empty"));
}

/* Root may read anything, so the figure is asked of a child that is nobody. */
static void a_file_without_permission_is_one_message(void **state)
{
    scratch_put(state, "secret.gguf", "GGUF");
    const char *path = scratch_path(state, "secret.gguf");
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(*state, 0755), 0);
    const bool root = geteuid() == 0;
    if (root) assert_int_equal(seteuid(65534), 0);
    struct model m;
    struct mu_err err;
    const bool read = open_model(path, &m, &err);
    if (root) assert_int_equal(seteuid(0), 0);
    assert_false(read);
    assert_int_equal(err.code, MU_PERMISSION);
    assert_string_equal(err.text, str_format(arena, "cannot open %s: Permission denied", path));
}

static void names_are_looked_up(void **state)
{
    (void)state;
    struct model m;
    struct mu_err err;
    opened("phi3:mini", &m);
    assert_string_equal(m.name, "microsoft/Phi-3-mini-4k-instruct");
    assert_int_equal(m.tensors, 0);
    assert_null(m.quant);
    struct notes notes = {.arena = arena};
    err = (struct mu_err){.code = MU_OK};
    assert_true(model_open("mistral-7b", catalog, arena, &notes, &m, &err));
    assert_int_equal(notes.count, 1);
    assert_string_equal(notes.note[0], "mistral-7b could be several models: taken as "
                                       "mistralai/Mistral-7B-Instruct-v0.3, not "
                                       "mistralai/Mistral-7B-Instruct-v0.2");
    assert_false(open_model("", &m, &err));
    assert_string_equal(err.text, "no model was named: name a GGUF file or a model of the "
                                  "catalogue");
    assert_false(open_model("Llama-3.2-1C", &m, &err));
    assert_int_equal(err.code, MU_NOINPUT);
    assert_non_null(strstr(err.text, "no model is called Llama-3.2-1C: did you mean "));
    assert_false(open_model("7B", &m, &err));
    assert_non_null(strstr(err.text, "no model is called 7B"));
    assert_false(open_model("hf:org/name", &m, &err));
    assert_string_equal(err.text, "cannot open hf:org/name: it leads to no file here; name a "
                                  "GGUF file or a model of the catalogue");
}

int main(void)
{
    if (open_catalog(NULL)) return 1;
    const struct CMUnitTest tests[] = {
        SCRATCHED(files_and_catalogue_agree),
        SCRATCHED(split_files_are_read_beside_the_first),
        SCRATCHED(a_file_cut_short_says_how_much_is_missing),
        SCRATCHED(a_hole_of_two_tebibytes_is_no_model),
        SCRATCHED(a_model_in_a_hole_of_two_tebibytes_is_read),
        SCRATCHED(what_is_no_file_is_one_message),
        SCRATCHED(a_file_without_permission_is_one_message),
        cmocka_unit_test(names_are_looked_up),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    close_catalog(NULL);
    return failed;
}
