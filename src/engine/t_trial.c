/* engine/t_trial.c - a model run for real: how long it loads, reads a prompt, writes; what it holds.
 *
 * Beside the keys of session.h: "fill" (true: the file is a header with a hole behind it, which gets random weights first),
 * "prompt_tokens", "depth_tokens" (in the cache before them), "tokens" (how many are decoded), "reps" (of the prompt, as far as "seconds"
 * allow), "touch_bytes" (of other memory, read through before each decoded token: a cut of a model would otherwise stay in a cache that the
 * whole model does not fit). One line answers: {"llama", "load_s", "context_s", "warm_up_s", "read_bytes" (from a disk, while loading),
 * "prefill_s" and "decode_s" {"low", "likely", "high", "runs"}, "resident", "before", "buffers", "conditions"}. Prompt and tokens are
 * random: what is said costs nothing else. Left out: sampling and the tokenizer's work, a fraction of a percent. */
#include "engine/engine.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/root.h"
#include "engine/blocks.h"
#include "engine/crew.h"
#include "engine/idle.h"
#include "engine/llama_use.h"
#include "engine/loops.h"
#include "engine/session.h"

enum { SCRATCH_BYTES = 1 << 20, REPS_MOST = 64, TOKENS_MOST = RUNS_MOST };
static const double touch_most_bytes = 2147483648.0;

struct trial {
    const struct asked *in;
    struct session session;
    double prompt_tokens, depth_tokens, tokens, reps, touch_bytes;
    bool fill;
    int32_t *prompt;
    double *region; /* what is touched */
    size_t region_blocks;
    double warm_up_s, read_bytes;
    struct idle idle;
    struct runs prefill, decode; /* each a second */
    struct resident before, after;
    enum session_rows rows;
};

static bool trial_read(struct trial *t, struct mu_err *err)
{
    const struct json *j = t->in->json;
    const struct json *fill = json_get(j, "fill");
    t->prompt_tokens = 512;
    t->tokens = 32;
    t->reps = 3;
    return asked_number(j, "prompt_tokens", 0, 1 << 24, &t->prompt_tokens, err) &&
           asked_number(j, "depth_tokens", 0, 1 << 24, &t->depth_tokens, err) &&
           asked_number(j, "tokens", 0, TOKENS_MOST, &t->tokens, err) &&
           asked_number(j, "reps", 1, REPS_MOST, &t->reps, err) &&
           asked_number(j, "touch_bytes", 0, touch_most_bytes, &t->touch_bytes, err) &&
           (!fill || json_bool(fill, &t->fill) ||
            err_set(err, MU_DATA, "the request's \"fill\" is neither true nor false"));
}

/* Bytes that the kernel fetched from a device for this process so far; NaN where it does not count. */
static double bytes_read(void)
{
    struct arena *scratch = arena_new(SCRATCH_BYTES);
    struct root root;
    struct str text;
    double bytes = (double)NAN;
    if (root_open(NULL, &root, NULL)) {
        if (root_word(&root, "/proc/self/io", scratch, &text))
            while (text.n) {
                struct str line = str_line(&text);
                const struct str key = str_cut(&line, ':');
                if (str_is(key, "read_bytes") && !str_f64(str_trim(line), &bytes))
                    bytes = (double)NAN;
            }
        root_close(&root);
    }
    arena_free(scratch);
    return bytes;
}

static bool load(struct trial *t, struct mu_err *err)
{
    struct session_asked asked;
    if (!session_asked_read(t->in, &asked, err)) return false;
    if (t->fill && !blocks_fill_file(asked.file, t->in->arena, err)) return false;
    t->before = session_resident();
    const double read_before = bytes_read();
    if (!session_open(&asked, &t->session, err)) return false;
    t->rows = t->session.remembers ? ROWS_LAST : ROWS_ALL;
    /* The server's empty run, which touches every weight that a token needs: pages of a mapped file come in here. */
    int32_t first;
    session_tokens(&t->session, 1, &first, 1);
    const bool good = session_run(&t->session, &first, 1, t->rows, &t->warm_up_s, err);
    t->read_bytes = bytes_read() - read_before;
    session_forget(&t->session);
    return good;
}

/* ---- other memory, read between two tokens */

struct touching {
    const struct trial *trial;
    const struct loops *loops;
    double *sum; /* one a thread, so that the reads are not left out */
};

static void touch_part(void *to, size_t me)
{
    const struct touching *touching = to;
    const struct trial *t = touching->trial;
    const size_t part = t->region_blocks / t->in->threads * LOOP_STEP;
    touching->sum[me] = touching->loops->read(t->region + me * part, part);
}

static void write_part(void *to, size_t me)
{
    const struct trial *t = ((const struct touching *)to)->trial;
    const size_t part = t->region_blocks / t->in->threads * LOOP_STEP;
    for (size_t i = 0; i < part; i++) t->region[me * part + i] = 1;
}

static bool region_open(struct trial *t, struct mu_err *err)
{
    t->region_blocks = (size_t)(t->touch_bytes / (LOOP_STEP * sizeof(double)));
    if (t->region_blocks < t->in->threads) t->region_blocks = 0;
    if (!t->region_blocks) return true;
    const size_t bytes = t->region_blocks * LOOP_STEP * sizeof(double);
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return err_errno(err, "mapping %zu bytes of memory", bytes);
    t->region = p;
    return true;
}

/* ---- what is timed */

/* The cache holds what stands before the prompt, and nothing else. */
static bool go_to_depth(struct trial *t, bool again, struct mu_err *err)
{
    const size_t tokens = (size_t)t->depth_tokens;
    if (again && tokens && session_rewind(&t->session, tokens)) return true;
    session_forget(&t->session);
    session_tokens(&t->session, 0, t->prompt, tokens);
    return session_run(&t->session, t->prompt, tokens, t->rows, NULL, err);
}

static bool prefill(struct trial *t, struct mu_err *err)
{
    const size_t tokens = (size_t)t->prompt_tokens;
    double spent_s = 0;
    t->prompt =
        NEW_ARRAY(t->in->arena, int32_t, (size_t)most(t->prompt_tokens, t->depth_tokens) + 1);
    if (!tokens) return go_to_depth(t, false, err);
    for (size_t i = 0; i < (size_t)t->reps; i++) {
        double seconds;
        if (i && t->in->seconds > 0 && spent_s > t->in->seconds) break;
        if (!go_to_depth(t, i > 0, err)) return false;
        session_tokens(&t->session, 2 + i, t->prompt, tokens);
        if (!session_run(&t->session, t->prompt, tokens, t->rows, &seconds, err)) return false;
        runs_add(&t->prefill, 1, seconds);
        spent_s += seconds;
        idle_sample(&t->idle);
    }
    return true;
}

static bool decode_all(struct trial *t, struct crew *crew, struct touching *touching,
                       struct mu_err *err)
{
    const double start_s = clock_s();
    for (size_t i = 0; i < (size_t)t->tokens; i++) {
        int32_t token;
        double seconds;
        /* Three are needed for a median of anything. */
        if (i > 2 && t->in->seconds > 0 && clock_s() - start_s > t->in->seconds) break;
        session_tokens(&t->session, 1000 + i, &token, 1);
        if (t->region) (void)crew_run(crew, t->in->threads, touch_part, touching);
        if (!session_run(&t->session, &token, 1, ROWS_LAST, &seconds, err)) return false;
        runs_add(&t->decode, 1, seconds);
        if (i % 8 == 0) idle_sample(&t->idle);
    }
    return true;
}

static bool decode(struct trial *t, struct mu_err *err)
{
    struct touching touching = {t, loops_best(), NEW_ARRAY(t->in->arena, double, t->in->threads)};
    struct crew *crew = NULL;
    if (!t->session.remembers) return true; /* it writes no text */
    if (!region_open(t, err)) return false;
    bool good = !t->region || (crew = crew_new(t->in, err));
    if (good && t->region) (void)crew_run(crew, t->in->threads, write_part, &touching);
    good = good && decode_all(t, crew, &touching, err);
    crew_free(crew);
    if (t->region) munmap(t->region, t->region_blocks * LOOP_STEP * sizeof(double));
    t->region = NULL;
    return good;
}

/* ---- the answer */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds a run; per_s holds runs a second. */
static void write_seconds(struct writer *w, const char *key, struct runs *r)
{
    if (!r->count) return;
    qsort(r->per_s, r->count, sizeof r->per_s[0], by_size);
    const size_t half = r->count / 2;
    const double middle = 1 / r->per_s[half];
    writer_key(w, key);
    writer_map(w);
    writer_put_number(w, "low", 1 / r->per_s[r->count - 1]);
    writer_put_number(w, "likely", r->count % 2 ? middle : (middle + 1 / r->per_s[half - 1]) / 2);
    writer_put_number(w, "high", 1 / r->per_s[0]);
    writer_put_number(w, "runs", (double)r->count);
    writer_map_end(w);
}

static void write_resident(struct writer *w, const char *key, struct resident r)
{
    writer_key(w, key);
    writer_map(w);
    writer_put_number(w, "bytes", r.bytes);
    writer_put_number(w, "own_bytes", r.own_bytes);
    writer_put_number(w, "file_bytes", r.file_bytes);
    writer_put_number(w, "shared_bytes", r.shared_bytes);
    writer_put_number(w, "peak_bytes", r.peak_bytes);
    writer_map_end(w);
}

static void say(struct trial *t)
{
    struct arena *a = t->in->arena;
    struct say s;
    say_begin(&s);
    writer_put_cstr(&s.w, "llama", llama_words(a));
    writer_put_number(&s.w, "load_s", t->session.load_s);
    writer_put_number(&s.w, "context_s", t->session.context_s);
    writer_put_number(&s.w, "warm_up_s", t->warm_up_s);
    writer_put_number(&s.w, "read_bytes", t->read_bytes);
    write_seconds(&s.w, "prefill_s", &t->prefill);
    write_seconds(&s.w, "decode_s", &t->decode);
    write_resident(&s.w, "before", t->before);
    write_resident(&s.w, "resident", t->after);
    write_buffers(&s.w, "buffers", &t->session);
    writer_put_cstr(&s.w, "conditions", idle_words(&t->idle, (double)t->in->threads, a));
    say_end(&s);
}

static bool run(const struct asked *in, struct mu_err *err)
{
    struct trial *t = NEW(in->arena, struct trial);
    t->in = in;
    if (!trial_read(t, err) || !llama_use(err)) return false;
    bool good = load(t, err);
    if (good) {
        idle_start(&t->idle);
        good = prefill(t, err);
        /* Before other memory is touched, which is no part of the model. */
        t->after = session_resident();
        good = good && decode(t, err);
        if (good) say(t);
    }
    session_close(&t->session);
    return good;
}

const struct engine_test engine_trial = {"trial", "a model loaded and run", run};
