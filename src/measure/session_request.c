/* measure/session_request.c - the knobs of a workload turned into a request to the engine: one place, so that what is judged is what
 * runs. Where embeddings are given out, and of a model that only encodes, there is a row for every token, as llama-server has it. */
#include "measure/session_request.h"

#include "base/arena.h"
#include "base/json.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "model/digest.h"

static const char *flash_word(double flash_attention)
{
    if (flash_attention == (double)FLASH_ON) return "on";
    return flash_attention == (double)FLASH_OFF ? "off" : "auto";
}

void put_session(struct writer *w, const char *file, const struct digest *m,
                 const struct generate *g)
{
    const bool encodes = m->shape->arch && m->shape->arch->encoder;
    const double usual = g->embeddings ? 0 : g->sequences;
    const double outputs = g->outputs_max < 0 ? usual : g->outputs_max;
    writer_put_cstr(w, "file", file);
    writer_put_number(w, "context_tokens", g->context_tokens);
    writer_put_number(w, "batch_tokens", g->batch_tokens);
    writer_put_number(w, "ubatch_tokens", g->ubatch_tokens);
    writer_put_number(w, "sequences", g->sequences);
    writer_put_number(w, "outputs_max", encodes ? 0 : outputs);
    writer_put_number(w, "kv_type_k", g->kv_type_k->id);
    writer_put_number(w, "kv_type_v", g->kv_type_v->id);
    writer_put_cstr(w, "flash_attention", flash_word(g->flash_attention));
    writer_put_bool(w, "mmap", g->mmap);
    writer_put_bool(w, "repack", g->repack == (double)REPACK_ON);
    writer_put_bool(w, "kv_unified", g->kv_unified);
    writer_put_bool(w, "swa_full", g->swa_full);
    writer_put_bool(w, "embeddings", g->embeddings || encodes);
}

void put_run(struct writer *w, const char *file, int open_file, double threads,
             const struct digest *m, const struct generate *g, struct arena *a)
{
    put_session(w, file ? file : str_format(a, "/proc/self/fd/%d", open_file), m, g);
    writer_put_bool(w, "fill", !file);
    writer_put_number(w, "threads", threads);
}
