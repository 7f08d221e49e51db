/* engine/session.c - llama.cpp as a server uses it: load, context, a pool of threads, decode.
 *
 * Everything lies on the host: no device is offered to llama.cpp, so that the figures are those of the CPU. The pool is made as
 * llama-server and llama-bench make theirs; through the registry, since a backend may be a library loaded at run time. Memory is what
 * the kernel says of this process. Left out: models that encode and then decode (T5), adapters, drafts. */
#include "engine/session.h"

#include <math.h>
#include <string.h>

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <llama.h>

#include "base/clock.h"
#include "base/root.h"
#include "engine/llama_use.h"

enum { TOKENS_MOST = 1 << 24, SEQUENCES_MOST = 256, SCRATCH_BYTES = 1 << 20 };

static const struct session_asked usual = {.context_tokens = 8192,
                                           .batch_tokens = 2048,
                                           .ubatch_tokens = 512,
                                           .sequences = 1,
                                           .outputs_max = 1,
                                           .kv_type_k = GGML_TYPE_F16,
                                           .kv_type_v = GGML_TYPE_F16,
                                           .flash_attention = LLAMA_FLASH_ATTN_TYPE_AUTO,
                                           .mmap = true,
                                           .repack = true,
                                           .pooling = LLAMA_POOLING_TYPE_UNSPECIFIED};

static bool switch_of(const struct json *map, const char *key, bool *out, struct mu_err *err)
{
    const struct json *j = json_get(map, key);
    return !j || json_bool(j, out) ||
           err_set(err, MU_DATA, "the request's \"%s\" is neither true nor false", key);
}

static bool count_of(const struct json *map, const char *key, double at_least, double at_most,
                     double *out, struct mu_err *err)
{
    if (!asked_number(map, key, at_least, at_most, out, err)) return false;
    return floor(*out) == *out ||
           err_set(err, MU_DATA, "the request's \"%s\" is not a whole number", key);
}

static bool flash_of(const struct json *map, int *out, struct mu_err *err)
{
    const struct json *j = json_get(map, "flash_attention");
    struct str word;
    if (!j) return true;
    if (!json_text(j, &word)) word = S("");
    if (str_is(word, "auto"))
        *out = LLAMA_FLASH_ATTN_TYPE_AUTO;
    else if (str_is(word, "on"))
        *out = LLAMA_FLASH_ATTN_TYPE_ENABLED;
    else if (str_is(word, "off"))
        *out = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    else
        return err_set(err, MU_DATA,
                       "the request's \"flash_attention\" is none of auto, on and off");
    return true;
}

/* A type without a name is one of ggml's that is gone. */
static bool is_type(double id)
{
    const char *name = id < GGML_TYPE_COUNT ? ggml_type_name((enum ggml_type)id) : NULL;
    return name && ggml_blck_size((enum ggml_type)id) > 0;
}

static bool counts_of(const struct json *j, struct session_asked *a, struct mu_err *err)
{
    const struct {
        const char *key;
        double at_least, at_most, *to;
    } count[] = {{"context_tokens", 1, TOKENS_MOST, &a->context_tokens},
                 {"batch_tokens", 1, TOKENS_MOST, &a->batch_tokens},
                 {"ubatch_tokens", 1, TOKENS_MOST, &a->ubatch_tokens},
                 {"sequences", 1, SEQUENCES_MOST, &a->sequences},
                 {"outputs_max", 0, TOKENS_MOST, &a->outputs_max},
                 {"kv_type_k", 0, GGML_TYPE_COUNT - 1, &a->kv_type_k},
                 {"kv_type_v", 0, GGML_TYPE_COUNT - 1, &a->kv_type_v}};
    for (size_t i = 0; i < COUNT_OF(count); i++)
        if (!count_of(j, count[i].key, count[i].at_least, count[i].at_most, count[i].to, err))
            return false;
    return (is_type(a->kv_type_k) && is_type(a->kv_type_v)) ||
           err_set(err, MU_DATA, "the request's type of the KV cache is none of ggml's");
}

static bool switches_of(const struct json *j, struct session_asked *a, struct mu_err *err)
{
    const struct {
        const char *key;
        bool *to;
    } one[] = {{"mmap", &a->mmap},
               {"repack", &a->repack},
               {"kv_unified", &a->kv_unified},
               {"swa_full", &a->swa_full},
               {"embeddings", &a->embeddings}};
    for (size_t i = 0; i < COUNT_OF(one); i++)
        if (!switch_of(j, one[i].key, one[i].to, err)) return false;
    return true;
}

bool session_asked_read(const struct asked *in, struct session_asked *out, struct mu_err *err)
{
    struct session_asked a = usual;
    struct str file;
    const struct json *j = in->json;
    if (!json_text(json_get(j, "file"), &file) || !file.n)
        return err_set(err, MU_DATA, "the request's \"file\" does not name a model");
    if (in->threads > GGML_MAX_N_THREADS)
        return err_set(err, MU_DATA, "the request's \"threads\" are more than llama.cpp's %d",
                       GGML_MAX_N_THREADS);
    a.file = str_copy(in->arena, file);
    a.threads = in->threads;
    if (!counts_of(j, &a, err) || !flash_of(j, &a.flash_attention, err) || !switches_of(j, &a, err))
        return false;
    *out = a;
    return true;
}

static struct llama_model_params model_params(const struct session_asked *a)
{
    static ggml_backend_dev_t no_device[] = {NULL};
    struct llama_model_params p = llama_model_default_params();
    p.devices = no_device;
    p.n_gpu_layers = 0;
    p.load_mode = a->mmap && !a->no_alloc ? LLAMA_LOAD_MODE_MMAP : LLAMA_LOAD_MODE_NONE;
    p.use_extra_bufts = a->repack;
    p.no_alloc = a->no_alloc;
    return p;
}

static struct llama_context_params context_params(const struct session_asked *a)
{
    struct llama_context_params p = llama_context_default_params();
    p.n_ctx = (uint32_t)a->context_tokens;
    p.n_batch = (uint32_t)a->batch_tokens;
    p.n_ubatch = (uint32_t)a->ubatch_tokens;
    p.n_seq_max = (uint32_t)a->sequences;
    p.n_outputs_max = (uint32_t)a->outputs_max;
    p.n_threads = p.n_threads_batch = (int32_t)a->threads;
    p.pooling_type = (enum llama_pooling_type)a->pooling;
    p.flash_attn_type = (enum llama_flash_attn_type)a->flash_attention;
    p.type_k = (enum ggml_type)a->kv_type_k;
    p.type_v = (enum ggml_type)a->kv_type_v;
    p.cb_eval = a->look;
    p.cb_eval_user_data = a->to;
    p.embeddings = a->embeddings;
    p.swa_full = a->swa_full;
    p.kv_unified = a->kv_unified;
    return p;
}

/* A function of the CPU backend by name. ISO C has no cast from an object's pointer to a function's; a union does it. */
static ggml_backend_reg_t cpu_backend(void)
{
    ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    return cpu ? ggml_backend_dev_backend_reg(cpu) : NULL;
}

/* Without a pool llama.cpp starts its threads anew for each graph, which is slower and still right. */
static struct ggml_threadpool *pool_new(size_t threads)
{
    union {
        void *found;
        struct ggml_threadpool *(*call)(struct ggml_threadpool_params *params);
    } make = {NULL};
    ggml_backend_reg_t cpu = cpu_backend();
    if (cpu) make.found = ggml_backend_reg_get_proc_address(cpu, "ggml_threadpool_new");
    struct ggml_threadpool_params params = ggml_threadpool_params_default((int)threads);
    return make.found ? make.call(&params) : NULL;
}

static void pool_free(struct ggml_threadpool *pool)
{
    union {
        void *found;
        void (*call)(struct ggml_threadpool *pool);
    } drop = {NULL};
    if (!pool) return;
    drop.found = ggml_backend_reg_get_proc_address(cpu_backend(), "ggml_threadpool_free");
    if (drop.found) drop.call(pool);
}

static bool opened(const struct session_asked *asked, struct session *s, struct mu_err *err)
{
    double start_s = clock_s();
    s->model = llama_model_load_from_file(asked->file, model_params(asked));
    if (!s->model)
        return err_set(err, MU_DATA, "llama.cpp does not load the model: %s", llama_said());
    s->load_s = clock_s() - start_s;
    if (llama_model_has_encoder(s->model) && llama_model_has_decoder(s->model))
        return err_set(err, MU_UNAVAILABLE, "a model that encodes and then decodes is not run");
    start_s = clock_s();
    s->context = llama_init_from_model(s->model, context_params(asked));
    if (!s->context)
        return err_set(err, MU_UNAVAILABLE, "llama.cpp makes no context: %s", llama_said());
    if (!asked->no_alloc) s->pool = pool_new(asked->threads);
    if (s->pool) llama_attach_threadpool(s->context, s->pool, NULL);
    s->context_s = clock_s() - start_s;
    s->vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(s->model));
    s->batch_tokens = llama_n_batch(s->context);
    s->remembers = llama_get_memory(s->context) != NULL;
    return s->vocabulary > 0 || err_set(err, MU_DATA, "the model has no vocabulary");
}

bool session_open(const struct session_asked *asked, struct session *out, struct mu_err *err)
{
    struct session s = {.model = NULL};
    const bool good = opened(asked, &s, err);
    if (good)
        *out = s;
    else
        session_close(&s);
    return good;
}

void session_close(struct session *s)
{
    if (s->context) llama_free(s->context);
    if (s->model) llama_model_free(s->model);
    pool_free(s->pool);
    *s = (struct session){.model = NULL};
}

static int32_t run_batch(struct session *s, const int32_t *token, size_t tokens,
                         enum session_rows rows)
{
    struct llama_batch batch = llama_batch_init((int32_t)tokens, 0, 1);
    const llama_pos first =
        s->remembers ? llama_memory_seq_pos_max(llama_get_memory(s->context), 0) + 1 : 0;
    batch.n_tokens = (int32_t)tokens;
    for (size_t i = 0; i < tokens; i++) {
        batch.token[i] = token[i];
        batch.pos[i] = first + (llama_pos)i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = rows == ROWS_ALL || i + 1 == tokens;
    }
    const int32_t status = llama_decode(s->context, batch);
    llama_synchronize(s->context);
    llama_batch_free(batch);
    return status;
}

bool session_run(struct session *s, const int32_t *token, size_t tokens, enum session_rows rows,
                 double *seconds, struct mu_err *err)
{
    const double start_s = clock_s();
    while (tokens) {
        const size_t n = tokens < s->batch_tokens ? tokens : s->batch_tokens;
        const int32_t status = run_batch(s, token, n, rows);
        if (status)
            return err_set(err, MU_UNAVAILABLE, "llama.cpp cannot run %zu tokens (status %d): %s",
                           n, status, llama_said());
        token += n;
        tokens -= n;
    }
    if (seconds) *seconds = clock_s() - start_s;
    return true;
}

void session_forget(struct session *s)
{
    if (s->remembers) llama_memory_clear(llama_get_memory(s->context), false);
}

bool session_rewind(struct session *s, size_t tokens)
{
    return s->remembers &&
           llama_memory_seq_rm(llama_get_memory(s->context), 0, (llama_pos)tokens, -1);
}

void session_tokens(const struct session *s, uint64_t seed, int32_t *out, size_t tokens)
{
    /* SplitMix64 (Steele, Lea, Flood 2014): any generator would do, this one needs no state but the seed. */
    for (size_t i = 0; i < tokens; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        out[i] = (int32_t)((z ^ (z >> 31)) % (uint64_t)s->vocabulary);
    }
}

/* "VmHWM:     1708 kB" */
static double status_bytes(struct str text, const char *key)
{
    while (text.n) {
        struct str line = str_line(&text);
        double kib;
        if (!str_is(str_cut(&line, ':'), key)) continue;
        line = str_trim(line);
        return str_f64(str_cut(&line, ' '), &kib) ? kib * 1024 : (double)NAN;
    }
    return (double)NAN;
}

struct resident session_resident(void)
{
    struct resident r = {(double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN};
    struct arena *scratch = arena_new(SCRATCH_BYTES);
    struct root root;
    struct str text;
    if (root_open(NULL, &root, NULL)) {
        if (root_word(&root, "/proc/self/status", scratch, &text))
            r = (struct resident){status_bytes(text, "VmRSS"), status_bytes(text, "RssAnon"),
                                  status_bytes(text, "RssFile"), status_bytes(text, "RssShmem"),
                                  status_bytes(text, "VmHWM")};
        root_close(&root);
    }
    arena_free(scratch);
    return r;
}

void write_buffers(struct writer *w, const char *key, const struct session *s)
{
    struct breakdown b[BREAKDOWNS];
    const size_t n = llama_breakdown(s->context, b);
    writer_key(w, key);
    writer_list(w);
    for (size_t i = 0; i < n; i++) {
        writer_map(w);
        writer_put_cstr(w, "buffer", b[i].buffer);
        writer_put_cstr(w, "device", b[i].device);
        writer_put_bool(w, "host", b[i].host);
        writer_put_number(w, "model_bytes", b[i].model_bytes);
        writer_put_number(w, "context_bytes", b[i].context_bytes);
        writer_put_number(w, "compute_bytes", b[i].compute_bytes);
        writer_map_end(w);
    }
    writer_list_end(w);
}
