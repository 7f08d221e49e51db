/* The same model with other programs: Ollama, which runs llama.cpp's kernels and deals layers itself unless told how many; vLLM and
 * transformers, which take the weights as published. Each only where it can do what was judged, with what it would make of this machine.
 * Flags as Ollama's Modelfile reference and FAQ (0.12), vllm serve (0.11) and transformers (4.57) spell them. Left out: installing them,
 * quantised checkpoints of a hub, whose names nobody knows beforehand. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/num.h"
#include "base/units.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "cost/device_map.h"
#include "cost/vllm.h"
#include "judge/placement.h"
#include "model/digest.h"
#include "model/safetensors.h"
#include "verb/common.h"
#include "verb/served.h"

/* ---- Ollama */

/* Ollama's name of a cache type; NULL: it has none, or K and V differ. */
static const char *ollama_cache(const struct generate *g)
{
    static const char *const known_types[][2] = {
        {"F16", "f16"}, {"Q8_0", "q8_0"}, {"Q4_0", "q4_0"}};
    if (g->kv_type_k != g->kv_type_v) return NULL;
    for (size_t i = 0; i < COUNT_OF(known_types); i++)
        if (strcmp(g->kv_type_k->name, known_types[i][0]) == 0) return known_types[i][1];
    return NULL;
}

static bool ollama_can(const struct placed *p)
{
    const struct split *s = &p->verdict->split;
    const struct generate *g = &p->asked->knobs;
    const struct architecture *arch = p->asked->digest->shape->arch;
    return ollama_cache(g) && !(s->host_experts > 0) && !s->host_cache && !(arch && arch->encoder);
}

static void show_ollama(struct doc *d, const struct placed *p)
{
    const struct split *s = &p->verdict->split;
    const struct generate *g = &p->asked->knobs;
    double layers = 0;
    if (!ollama_can(p)) return;
    for (int i = 1; i < s->sites; i++) layers += s->layers[i];
    const char *cache = ollama_cache(g);
    struct block *b = doc_commands(d, "Ollama: a Modelfile, and the server's environment");
    commands_row(d, b, "FROM %s",
                 p->asked->file && !p->asked->url ? p->asked->file : "./MODEL.gguf");
    commands_row(d, b, "PARAMETER num_ctx %.0f", floor(generate_all_tokens(g) / g->sequences));
    commands_row(d, b, "PARAMETER num_gpu %.0f", layers);
    commands_row(d, b, "OLLAMA_NUM_PARALLEL=%.0f OLLAMA_FLASH_ATTENTION=%d%s%s ollama serve",
                 g->sequences, g->flash_attention != (double)FLASH_OFF,
                 strcmp(cache, "f16") == 0 ? "" : " OLLAMA_KV_CACHE_TYPE=",
                 strcmp(cache, "f16") == 0 ? "" : cache);
    if (s->sites > 2) doc_note(d, TONE_DIM, "Ollama deals those layers over the devices by itself");
}

/* ---- cards that PyTorch's programs take */

struct cards {
    uint16_t place[SITES - 1];
    size_t count;
};

static struct cards cards_of(const struct machine *m)
{
    struct cards out;
    out.count = placement_cards(m, out.place);
    return out;
}

/* A name of the hub: the weights as published can be had by it. */
static bool published(const struct asked *a)
{
    return !a->file && strchr(a->digest->name, '/') && a->digest->shape->arch &&
           !a->digest->shape->arch->encoder;
}

/* ---- vLLM */

struct vllm_try {
    struct vllm_asked asked;
    struct vllm_sized sized;
};

static bool vllm_on(const struct placed *p, const struct cards *c, double cards,
                    enum vllm_weights weights, struct vllm_try *t)
{
    const double trial_tokens = 2048; /* vllm serve's own on cards below 70 GiB */
    const struct generate *g = &p->asked->knobs;
    double total = (double)INFINITY, available = (double)INFINITY;
    for (size_t i = 0; i < (size_t)cards; i++) {
        const struct pool *pool = &p->machine->pool[p->machine->place[c->place[i]].pool];
        total = least(total, known_or(pool->total_bytes, 0));
        available = least(available, known_or(pool->usable_bytes, 0));
    }
    const bool narrow = g->kv_type_k->block_bytes / g->kv_type_k->block < 2;
    t->asked = (struct vllm_asked){.weights = weights,
                                   .cards = cards,
                                   .total_bytes = total,
                                   .free_bytes = available,
                                   .utilization = vllm_utilization(total, available),
                                   .batch_tokens = trial_tokens,
                                   .sequences = g->sequences,
                                   .cache_value_bytes = narrow ? 1 : 2};
    return vllm_divides(p->asked->digest, cards) &&
           vllm_size(p->asked->digest, &t->asked, &t->sized);
}

/* As few cards as hold the context asked for, else all of them. */
static bool vllm_best(const struct placed *p, const struct cards *c, enum vllm_weights weights,
                      struct vllm_try *best)
{
    bool found = false;
    for (size_t n = 1; n <= c->count; n *= 2) {
        struct vllm_try t;
        if (!vllm_on(p, c, (double)n, weights, &t)) continue;
        *best = t;
        found = true;
        if (!t.sized.refuses && t.sized.cache_low >= p->asked->knobs.context_tokens) break;
    }
    return found;
}

static void say_vllm_not(struct doc *d, const struct placed *p, const struct cards *c,
                         const struct vllm_try *half)
{
    struct vllm_try four;
    const char *quantised = "";
    const double asked = p->asked->knobs.context_tokens;
    const struct vllm_sized *s = &half->sized;
    if (vllm_best(p, c, VLLM_FOUR_BITS, &four) && !four.sized.refuses && four.sized.cache_low > 0)
        quantised =
            str_format(d->arena, "; a 4-bit checkpoint (AWQ, GPTQ) would go, %s of weights%s",
                       units_bytes(d->arena, four.sized.weights_bytes),
                       four.sized.cache_low < asked ? ", though not with all of the context" : "");
    doc_note(d, TONE_DIM,
             "vLLM does not hold the weights as published: %s on %s, of which it would take %s%s",
             units_bytes(d->arena, s->weights_bytes),
             half->asked.cards > 1 ? str_format(d->arena, "each of %.0f cards", half->asked.cards)
                                   : "a card",
             units_bytes(d->arena, s->taken_bytes), quantised);
}

static void show_vllm(struct doc *d, const struct placed *p, const struct cards *c)
{
    struct vllm_try t;
    const struct generate *g = &p->asked->knobs;
    if (!vllm_best(p, c, VLLM_HALF, &t)) return;
    if (t.sized.refuses || !(t.sized.cache_low > 0)) {
        say_vllm_not(d, p, c, &t);
        return;
    }
    const double context = least(g->context_tokens, t.sized.cache_low);
    struct block *b = doc_commands(d, "vLLM, weights as published");
    commands_row(d, b,
                 "vllm serve %s --max-model-len %.0f --max-num-seqs %.0f "
                 "--max-num-batched-tokens %.0f --gpu-memory-utilization %.2f "
                 "--tensor-parallel-size %.0f%s",
                 p->asked->digest->name, context, g->sequences, t.asked.batch_tokens,
                 t.asked.utilization, t.asked.cards,
                 t.asked.cache_value_bytes < 2 ? " --kv-cache-dtype fp8" : "");
    doc_note(d, TONE_DIM,
             "vLLM takes %s of each card whatever the model needs: %s for weights, the rest for a "
             "cache of %.0f to %.0f tokens (bounds, not measured)%s",
             units_bytes(d->arena, t.sized.taken_bytes),
             units_bytes(d->arena, t.sized.weights_bytes), t.sized.cache_low, t.sized.cache_high,
             context < g->context_tokens ? ", fewer than asked" : "");
}

/* Whether vLLM holds weights as they lie on this disk: it takes wider ones in 16 bits. */
static bool vllm_takes(const struct stored *s, const struct digest *d)
{
    const double widest_bits = 32;
    if (!(s->bits_per_parameter > 0) || s->missing_files > 0) return false;
    return s->quantisation ? d->packed_bytes > 0 : s->bits_per_parameter <= widest_bits;
}

const char *stored_words(const struct asked *a)
{
    const struct stored *s = a->model->stored;
    if (!s || s->quantisation) return s ? s->quantisation : NULL;
    const struct stored_sum *largest = &s->sum[0];
    for (size_t i = 1; i < STORED_KINDS; i++)
        if (s->sum[i].bytes > largest->bytes) largest = &s->sum[i];
    return largest->bytes > 0 ? largest->type : NULL;
}

bool runtimes_stored(const struct placed *p, struct served *out)
{
    struct vllm_try t;
    const struct cards c = cards_of(p->machine);
    const struct architecture *arch = p->asked->digest->shape->arch;
    if (!p->asked->model->stored || !c.count || !arch || arch->encoder ||
        !vllm_takes(p->asked->model->stored, p->asked->digest) || !vllm_best(p, &c, VLLM_HALF, &t))
        return false;
    const bool holds = !t.sized.refuses && t.sized.cache_low > 0;
    *out = (struct served){.holds = holds,
                           .cards = t.asked.cards,
                           .weights_bytes = t.sized.weights_bytes,
                           .taken_bytes = t.sized.taken_bytes,
                           .own_tokens = p->asked->digest->shape->context_tokens,
                           .cache_low_tokens = holds ? t.sized.cache_low : 0,
                           .cache_high_tokens = holds ? t.sized.cache_high : 0};
    return true;
}

/* ---- transformers */

/* "20 on RTX 3060, 8 in memory". */
static const char *dealt_words(const struct placed *p, const struct cards *c,
                               const struct mapped_layers *x, struct arena *a)
{
    struct buf b;
    buf_init(&b, 4096);
    for (int i = 1; i < x->sites; i++)
        if (x->layers[i] > 0)
            buf_format(&b, "%s%.0f on %s", b.n ? ", " : "", x->layers[i],
                       place_called(p->machine, c->place[i - 1], a));
    if (x->layers[0] > 0) buf_format(&b, "%s%.0f in memory", b.n ? ", " : "", x->layers[0]);
    if (x->on_disk > 0) buf_format(&b, "%s%.0f on disk", b.n ? ", " : "", x->on_disk);
    const char *text = str_copy(a, buf_text(&b));
    buf_release(&b);
    return text;
}

static void show_transformers(struct doc *d, const struct placed *p, const struct cards *c)
{
    struct mapped_layers x = {.value_bytes = 2, .sites = 1 + (int)c->count};
    x.free_bytes[0] = known_or(machine_memory(p->machine)->usable_bytes, 0);
    for (size_t i = 0; i < c->count; i++)
        x.free_bytes[i + 1] =
            known_or(p->machine->pool[p->machine->place[c->place[i]].pool].usable_bytes, 0);
    if (!device_map_auto(p->asked->digest, &x)) return;
    const bool away = x.layers[0] > 0 || x.on_disk > 0;
    commands_row(d, doc_commands(d, "transformers, weights as published, in Python"),
                 "AutoModelForCausalLM.from_pretrained('%s', dtype='bfloat16', device_map='auto')",
                 p->asked->digest->name);
    doc_note(d, TONE_DIM, "device_map='auto' puts of its %.0f layers %s; it counts no cache%s",
             p->asked->digest->shape->layers, dealt_words(p, c, &x, d->arena),
             away ? "; layers that are not on a card are moved there for every token" : "");
}

void show_runtimes(struct doc *d, const struct placed *p)
{
    const struct cards c = cards_of(p->machine);
    const bool ollama = p->asked->knobs.runtime == (double)RUNTIME_OLLAMA;
    if (p->verdict->split.sites < 2 && !ollama) return;
    show_ollama(d, p);
    if (ollama) return;
    if (!c.count || !published(p->asked)) return;
    show_vllm(d, p, &c);
    show_transformers(d, p, &c);
}
