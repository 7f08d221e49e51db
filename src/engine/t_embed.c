/* engine/t_embed.c - the guide's test of an embedding model: load it, embed a hundred sentences, memory before and at the peak.
 *
 * Beside session.h's keys: "pooling" (llama.cpp's number, for a model that names none). Sentences go through in batches of several,
 * each a sequence of its own, as embedding servers do; the vectors are looked at (finite, not zero, how many differ) and dropped. One
 * line of the answer. Memory is what is resident of this process, its peak the kernel's own mark; before loading it is the program's
 * and its libraries'. Left out: normalising the vectors. */
#include "engine/engine.h"

#include <math.h>
#include <string.h>

#include <llama.h>

#include "base/clock.h"
#include "base/num.h"
#include "engine/llama_use.h"
#include "engine/prompt.h"
#include "engine/session.h"

enum { SENTENCES = 100 };

struct embedding {
    const struct asked *in;
    struct session s;
    size_t width, room, sequences; /* tokens and sequences that go into a batch */
    struct prompt sentence[SENTENCES];
    float *vector; /* SENTENCES of `width` values */
    size_t tokens, done;
    double encode_s;
    bool text;
};

/* The sentences [from, to) as one batch; their vectors. */
static bool embed_batch(struct embedding *e, size_t from, size_t to, struct mu_err *err)
{
    struct llama_batch batch = llama_batch_init((int32_t)e->room, 0, 1);
    for (size_t i = from; i < to; i++)
        for (size_t k = 0; k < e->sentence[i].tokens; k++) {
            const int32_t n = batch.n_tokens++;
            batch.token[n] = e->sentence[i].token[k];
            batch.pos[n] = (llama_pos)k;
            batch.n_seq_id[n] = 1;
            batch.seq_id[n][0] = (llama_seq_id)(i - from);
            batch.logits[n] = 1;
        }
    session_forget(&e->s);
    const int32_t status = llama_decode(e->s.context, batch);
    llama_synchronize(e->s.context);
    llama_batch_free(batch);
    if (status)
        return err_set(err, MU_UNAVAILABLE, "llama.cpp cannot embed %zu sentences (status %d): %s",
                       to - from, status, llama_said());
    for (size_t i = from; i < to; i++) {
        const float *vector = llama_get_embeddings_seq(e->s.context, (llama_seq_id)(i - from));
        if (!vector)
            return err_set(err, MU_UNAVAILABLE, "llama.cpp gives no embedding of a sentence: %s",
                           llama_said());
        memcpy(e->vector + i * e->width, vector, e->width * sizeof(float));
    }
    return true;
}

static bool embed_all(struct embedding *e, struct mu_err *err)
{
    const double start_s = clock_s();
    for (size_t from = 0; from < SENTENCES;) {
        size_t to = from, tokens = 0;
        while (to < SENTENCES && to - from < e->sequences &&
               tokens + e->sentence[to].tokens <= e->room)
            tokens += e->sentence[to++].tokens;
        if (!embed_batch(e, from, to, err)) return false;
        from = e->done = to;
        e->tokens += tokens;
    }
    e->encode_s = clock_s() - start_s;
    return true;
}

static bool tokenise(struct embedding *e, struct mu_err *err)
{
    for (size_t i = 0; i < SENTENCES; i++)
        if (!prompt_sentence(&e->s, i, e->room, e->in->arena, &e->sentence[i], err)) return false;
    e->text = e->sentence[0].text;
    return true;
}

/* A model that went wrong gives vectors that are no numbers, or all the same. */
static bool sound(const struct embedding *e, double *differ, struct mu_err *err)
{
    *differ = 0;
    for (size_t i = 0; i < SENTENCES; i++) {
        const float *v = e->vector + i * e->width;
        double square = 0;
        for (size_t k = 0; k < e->width; k++) square += (double)v[k] * (double)v[k];
        if (!isfinite(square) || !(square > 0))
            return err_set(err, MU_DATA, "the embedding of sentence %zu is %s", i,
                           isfinite(square) ? "zero" : "not a number");
        bool seen = false;
        for (size_t k = 0; !seen && k < i; k++)
            seen = memcmp(v, e->vector + k * e->width, e->width * sizeof(float)) == 0;
        *differ += !seen;
    }
    return true;
}

static const char *pooling_word(const struct session *s)
{
    static const char *const word[] = {"none", "mean", "cls", "last", "rank"};
    const int pooling = (int)llama_pooling_type(s->context);
    return pooling >= 0 && pooling < (int)(sizeof word / sizeof word[0]) ? word[pooling] : "none";
}

static bool embed(struct embedding *e, const struct resident *before, struct mu_err *err)
{
    const enum llama_pooling_type pooling = llama_pooling_type(e->s.context);
    if (pooling == LLAMA_POOLING_TYPE_NONE || pooling == LLAMA_POOLING_TYPE_RANK)
        return err_set(err, MU_UNAVAILABLE, "the model %s",
                       pooling ? "ranks pairs of texts, it embeds none"
                               : "does not say how it pools");
    const struct resident loaded = session_resident();
    e->width = (size_t)llama_model_n_embd_out(e->s.model);
    e->room = e->s.batch_tokens;
    e->vector = NEW_ARRAY(e->in->arena, float, SENTENCES * e->width);
    double differ = 0;
    if (!tokenise(e, err) || !embed_all(e, err) || !sound(e, &differ, err)) return false;
    const struct resident after = session_resident();
    struct say say;
    say_begin(&say);
    writer_put_cstr(&say.w, "llama", llama_words(e->in->arena));
    writer_put_cstr(&say.w, "pooling", pooling_word(&e->s));
    writer_put_cstr(&say.w, "prompt", e->text ? "text" : "random tokens");
    writer_put_number(&say.w, "width", (double)e->width);
    writer_put_number(&say.w, "sentences", SENTENCES);
    writer_put_number(&say.w, "differ", differ);
    writer_put_number(&say.w, "tokens", (double)e->tokens);
    writer_put_number(&say.w, "load_s", e->s.load_s + e->s.context_s);
    writer_put_number(&say.w, "encode_s", e->encode_s);
    writer_put_number(&say.w, "baseline_bytes", before->bytes);
    writer_put_number(&say.w, "loaded_bytes", loaded.bytes);
    writer_put_number(&say.w, "peak_bytes", most(after.peak_bytes, after.bytes));
    writer_put_number(&say.w, "file_bytes", after.file_bytes - before->file_bytes);
    say_end(&say);
    return true;
}

static bool run(const struct asked *in, struct mu_err *err)
{
    struct session_asked asked;
    struct embedding *e = NEW(in->arena, struct embedding);
    double pooling = LLAMA_POOLING_TYPE_UNSPECIFIED;
    if (!session_asked_read(in, &asked, err) ||
        !asked_number(in->json, "pooling", LLAMA_POOLING_TYPE_UNSPECIFIED, LLAMA_POOLING_TYPE_RANK,
                      &pooling, err) ||
        !llama_use(err))
        return false;
    asked.embeddings = true;
    asked.outputs_max = 0; /* each token's row, whatever is pooled of them */
    asked.pooling = (int)pooling;
    e->in = in;
    e->sequences = (size_t)asked.sequences;
    if (!prompt_fill(in, asked.file, err)) return false;
    const struct resident before = session_resident();
    const bool good = session_open(&asked, &e->s, err) && embed(e, &before, err);
    session_close(&e->s);
    return good;
}

const struct engine_test engine_embed = {
    "embed", "loads an embedding model and embeds a hundred sentences", run};
