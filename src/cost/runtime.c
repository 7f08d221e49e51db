/* The runtimes, a row each, and what asking for one changes. Left out: their versions' differences; each is sized as the version that
 * its words name. */
#include "cost/runtime.h"

#include "catalog/architecture.h"
#include "model/digest.h"

static const struct runtime runtimes[RUNTIMES] = {
    [RUNTIME_LLAMA] = {.name = "llama.cpp", .words = "llama.cpp", .bill = llama_bill},
    [RUNTIME_OLLAMA] = {.name = "ollama",
                        .words = "Ollama 0.12",
                        .usual = ollama_usual,
                        .bill = ollama_bill},
    [RUNTIME_TRANSFORMERS] = {.name = "transformers",
                              .words = "transformers 4.57",
                              .published = true,
                              .unpriced = "speed under transformers is not computed: nothing was "
                                          "measured that would support it",
                              .bill = transformers_bill},
    [RUNTIME_VLLM] = {.name = "vllm",
                      .words = "vLLM 0.11",
                      .published = true,
                      .unpriced = "speed under vLLM is not computed: nothing was measured that "
                                  "would support it",
                      .bill = vllm_bill},
};

const struct runtime *runtime_at(enum runtime_id id)
{
    return &runtimes[id];
}

const struct runtime *runtime_of(const struct generate *g)
{
    return &runtimes[(int)g->runtime];
}

bool runtime_named(struct str name, enum runtime_id *out)
{
    for (int i = 0; i < RUNTIMES; i++) {
        if (!str_eq_nocase(name, str_of(runtimes[i].name))) continue;
        *out = (enum runtime_id)i;
        return true;
    }
    return false;
}

const char *dtype_name(const struct generate *g)
{
    static const char *const name[] = {"16 bits", "fp32", "fp16", "bf16", "int8", "nf4"};
    return name[(int)g->dtype];
}

void generate_under(struct generate *g, enum runtime_id runtime)
{
    g->runtime = runtime;
    if (runtime != RUNTIME_LLAMA) g->context_each = true;
    if (runtimes[runtime].usual) runtimes[runtime].usual(g);
}

double generate_all_tokens(const struct generate *g)
{
    return g->context_tokens * (g->context_each ? g->sequences : 1);
}

const char *published_unruled(const struct digest *m)
{
    if (m->unruled) return m->unruled;
    if (m->shape->unruled) return m->shape->unruled;
    if (!m->shape->arch) return "its architecture is not known";
    if (m->shape->arch->unruled) return m->shape->arch->unruled;
    if (m->shape->arch->encoder) return "muster has no plan of encoders but under llama.cpp";
    if (m->shape->arch->recurrence != RECURRENCE_NONE || m->shape->recurrent.kernel > 0)
        return "muster has no plan of layers that recur but under llama.cpp";
    if (m->shape->compressed.streams > 0)
        return "muster has no plan of compressed attention but under llama.cpp";
    if (m->shape->arch->unlike_layers || m->shape->whole.head_size > 0 ||
        m->shape->shared_layers > 0)
        return "muster has no plan of layers that differ in heads or share caches but under "
               "llama.cpp";
    return NULL;
}

const char *published_unruled_as_asked(const struct digest *m, const struct generate *g)
{
    const char *why = published_unruled(m);
    if (why) return why;
    return g->beside ? "what runs beside a model has a rule under llama.cpp alone" : NULL;
}
