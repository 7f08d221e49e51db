/* How many users or how large a batch fits, and how the runtime that was asked for is started. Commands as vllm serve (0.11),
 * transformers (4.57) and Ollama (0.12) spell them; runtimes.c writes those beside an answer for llama.cpp. Left out: speed with several
 * users at once. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "cost/runtime.h"
#include "judge/placement.h"
#include "model/digest.h"
#include "verb/fit.h"

static bool serves(const struct asked *asked)
{
    return str_is(S("serve"), asked->task.kind->name);
}

bool fit_serves(const struct fit *f)
{
    return serves(&f->asked) || f->asked.knobs.runtime != (double)RUNTIME_LLAMA;
}

const char *extent_words(const struct asked *asked, struct arena *a)
{
    const struct generate *g = &asked->knobs;
    const char *under =
        g->runtime == (double)RUNTIME_LLAMA ? "" : str_format(a, " under %s", runtime_of(g)->words);
    if (serves(asked))
        return str_format(a, "%.0f %s of %.0f tokens%s", g->sequences,
                          g->sequences > 1 ? "users, each" : "user", g->context_tokens, under);
    if (g->context_each && g->sequences > 1)
        return str_format(a, "%.0f sequences, each of %.0f tokens%s", g->sequences,
                          g->context_tokens, under);
    return str_format(a, "context %.0f%s", g->context_tokens, under);
}

/* How many at once: with everything on the devices, and at all. */
static void show_most(struct doc *d, struct block *b, const struct fit *f)
{
    const struct generate *g = &f->asked.knobs;
    const bool batch = g->runtime == (double)RUNTIME_TRANSFORMERS && !serves(&f->asked);
    const double on_devices = f->devices ? f->all_on.sequences : 0;
    const char *least = f->largest_sequences >= SEQUENCES_MOST ? "at least " : "";
    const char *what = batch ? "batch that fits" : "users that fit";
    if (on_devices > 0 && on_devices < f->largest_sequences)
        facts_row(d, b, what, "%.0f at %.0f tokens each with everything on %s, %s%.0f at all",
                  on_devices, g->context_tokens, fit_devices_words(f, d->arena), least,
                  f->largest_sequences);
    else if (f->largest_sequences > 0)
        facts_row(d, b, what, "%s%.0f at %.0f tokens each", least, f->largest_sequences,
                  g->context_tokens);
}

void show_together(struct doc *d, struct block *b, const struct fit *f)
{
    const struct estimate all = f->together_per_s;
    const double n = f->asked.knobs.sequences;
    if (!estimate_known(all)) return;
    const struct estimate each = {all.low / n, all.likely / n, all.high / n, all.origin, NULL};
    facts_row(d, b, str_format(d->arena, "decode, %.0f at once", n), "%s together, %s each · %s",
              speed_words(d->arena, all), speed_words(d->arena, each), all.source);
}

void show_serve(struct doc *d, struct block *b, const struct fit *f)
{
    const struct generate *g = &f->asked.knobs;
    if (!fit_serves(f) || f->verdict.bill.unruled) return;
    show_most(d, b, f);
    if (f->largest_model && strcmp(f->largest_model, f->asked.digest->name) != 0)
        facts_row(d, b, "largest of the family", "%s, with the same settings", f->largest_model);
    if (g->sequences > 1 && estimate_known(f->verdict.decode_per_s) &&
        !estimate_known(f->together_per_s))
        doc_note(d, TONE_DIM,
                 "speed is that of one user while the others wait; with all at work each gets "
                 "less");
    if (g->runtime == (double)RUNTIME_VLLM && f->verdict.split.sites > 1)
        doc_note(d, TONE_DIM, "vLLM takes %s of each card whatever the model needs",
                 units_bytes(d->arena, f->verdict.site[1].usable_bytes));
}

void write_serve(struct writer *w, const struct fit *f)
{
    const struct generate *g = &f->asked.knobs;
    const bool published = runtime_of(g)->published;
    writer_key(w, "serve");
    writer_map(w);
    writer_put_cstr(w, "kind", f->asked.task.kind->name);
    writer_put_cstr(w, "runtime", runtime_of(g)->name);
    writer_put_cstr(w, "dtype", published ? dtype_name(g) : NULL);
    writer_put_number(w, "sequences", g->sequences);
    writer_put_number(w, "all_context_tokens", generate_all_tokens(g));
    writer_put_number(w, "largest_sequences",
                      f->largest_sequences > 0 ? f->largest_sequences : (double)NAN);
    writer_put_cstr(w, "largest_model", f->largest_model);
    write_estimate(w, "together_tokens_per_s", f->together_per_s);
    writer_map_end(w);
}

/* ---- commands */

/* What is loaded: a hub's name, or a folder. What a file calls itself goes into no command unless nothing in it needs quotes. */
static const char *loaded(const struct placed *p)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
    const char *folder = p->asked->folder, *name = folder ? folder : p->asked->digest->name;
    const bool safe = *name && *name != '-' && strspn(name, plain) == strlen(name);
    return safe && !p->asked->file ? name : "MODEL";
}

static void command_vllm(struct doc *d, const struct placed *p)
{
    const struct generate *g = &p->asked->knobs;
    const struct verdict *v = p->verdict;
    const struct pool *pool = &p->machine->pool[v->site[1].pool];
    const double share = v->site[1].usable_bytes / known_or(pool->total_bytes, (double)NAN);
    const bool narrow = g->kv_type_k->block_bytes / g->kv_type_k->block < 2;
    commands_row(d, doc_commands(d, "vLLM"),
                 "vllm serve %s --max-model-len %.0f --max-num-seqs %.0f "
                 "--max-num-batched-tokens %.0f --gpu-memory-utilization %.2f "
                 "--tensor-parallel-size %d%s",
                 loaded(p), g->context_tokens, g->sequences, g->batch_tokens, share,
                 v->split.sites - 1, narrow ? " --kv-cache-dtype fp8" : "");
}

static const char *loaded_as(const struct generate *g)
{
    static const char *const words[] = {
        [DTYPE_AUTO] = "dtype='auto'",
        [DTYPE_FP32] = "dtype='float32'",
        [DTYPE_FP16] = "dtype='float16'",
        [DTYPE_BF16] = "dtype='bfloat16'",
        [DTYPE_INT8] = "quantization_config=BitsAndBytesConfig(load_in_8bit=True)",
        [DTYPE_NF4] = ("quantization_config=BitsAndBytesConfig(load_in_4bit=True, "
                       "bnb_4bit_quant_type='nf4', bnb_4bit_use_double_quant=True)")};
    return words[(int)g->dtype];
}

/* The max_memory that keeps so much of the weights on a card, rounded up to a tenth of a GiB: beside them accelerate keeps room on the
 * first for the largest module that visits it. */
static double kept_gib(const struct placed *p, int site)
{
    double bytes = 0;
    for (size_t i = 0; i < p->verdict->bill.lines; i++) {
        const struct line *l = &p->verdict->bill.line[i];
        if (l->phase == HELD && l->site == site && str_is(S("weights"), l->term->group))
            bytes += l->amount;
    }
    return ceil(bytes / 0x1p30 * 10) / 10;
}

/* Where layers lie: one word for one device, else accelerate's own dealing, with bounds where some stay on the host. */
static const char *device_map(const struct placed *p, struct arena *a)
{
    const struct split *s = &p->verdict->split;
    const char *most_words = "";
    if (s->sites == 1) return "device_map='cpu'";
    if (s->sites == 2 && !(s->layers[ON_HOST] > 0)) return "device_map='cuda'";
    for (int i = 1; s->layers[ON_HOST] > 0 && i < s->sites; i++)
        most_words = str_format(a, "%s%d: '%.1fGiB', ", most_words, i - 1, kept_gib(p, i));
    if (!*most_words) return "device_map='auto'";
    return str_format(a, "device_map='auto', max_memory={%s'cpu': '%.0fGiB'}", most_words,
                      floor(p->verdict->site[ON_HOST].usable_bytes / 0x1p30));
}

static void command_transformers(struct doc *d, const struct placed *p)
{
    commands_row(d, doc_commands(d, "transformers, in Python"),
                 "AutoModelForCausalLM.from_pretrained('%s', %s, %s%s)", loaded(p),
                 loaded_as(&p->asked->knobs), device_map(p, d->arena),
                 p->asked->knobs.flash_attention == (double)FLASH_OFF
                     ? ", attn_implementation='eager'"
                     : "");
}

static void command_llama(struct doc *d, const struct placed *p)
{
    commands_row(d, doc_commands(d, "llama.cpp"), "%s", llama_command(p, d->arena));
    const char *devices = device_order_words(p, d->arena);
    const struct split *s = &p->verdict->split;
    const char *experts = s->sites > 1 ? override_words(s->host_experts, d->arena) : NULL;
    if (experts)
        commands_row(
            d, doc_commands(d, "llama.cpp older than b6089 (August 2025): in place of -ncmoe"),
            "%s", experts);
    if (devices) doc_note(d, TONE_DIM, "if llama-server --list-devices lists them so: %s", devices);
    if (!p->asked->beside) show_runtimes(d, p); /* they have other ways, or none */
}

void show_runtime_command(struct doc *d, const struct placed *p)
{
    switch ((int)p->asked->knobs.runtime) {
    case RUNTIME_VLLM: command_vllm(d, p); break;
    case RUNTIME_TRANSFORMERS: command_transformers(d, p); break;
    case RUNTIME_OLLAMA: show_runtimes(d, p); break;
    default: command_llama(d, p);
    }
}
