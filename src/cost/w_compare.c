/* compare: two models over the same prompts, one answering behind the other: both in memory, where one works while the other waits, or one
 * at a time, where the larger decides and each is loaded by itself. A model beside itself with its adapter off is one model.
 * Rests on evaluate. Left out: more than two models. */
#include "base/num.h"
#include "cost/evaluate.h"
#include "model/digest.h"

#define FIELD(name) offsetof(struct evaluate, name)
enum { RANK_MOST = 1 << 14 };

static const char *const references[] = {"model", "adapter", NULL};
static const char *const off_rungs[] = {"on", "off", NULL}; /* both at once give way to one */
static const struct knob knobs[] = {
    DEVICE_KNOB,
    EVALUATE_KNOBS,
    {.name = "reference",
     .option = "reference",
     .words = "what the other one is: a model, or adapter, the same one with its adapter "
              "switched off; model",
     .kind = KNOB_CHOICE,
     .choices = references,
     .offset = FIELD(reference)},
    {.name = "rank",
     .option = "rank",
     .words = "of an adapter on all matrices of the layers; 16",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = RANK_MOST,
     .offset = FIELD(rank)},
    AMOUNT_KNOB("prompts", "prompts", "prompts in all, each given to both; 0 is not said",
                FIELD(prompts)),
    {.name = "other",
     .option = "other",
     .words = "the other model; one as large",
     .kind = KNOB_MODEL,
     .offset = FIELD(other)},
    {.name = "at_once",
     .option = "at-once",
     .words = "both are in memory; off: one behind the other, each loaded by itself; on",
     .kind = KNOB_SWITCH,
     .offset = FIELD(at_once),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_TIME, .rungs = off_rungs}},
};
enum { OTHER_MODEL, OTHER_ADAPTER }; /* of references */

/* What one model holds by itself, without its weights where those of both are there; NULL: it has a rule. */
static const char *alone(const struct digest *m, const struct evaluate *e, const struct split *s,
                         double *bytes)
{
    struct bill b = {.bent = 0};
    evaluate_model(&b, m, e, s);
    *bytes = b.unruled || !e->at_once ? 0 : -evaluate_weight_bytes(m, e);
    for (int i = 0; i < s->sites; i++) *bytes += bill_held(&b, (unsigned)i);
    return b.unruled;
}

static void adapter_off(struct bill *b, const struct digest *m, const struct evaluate *e,
                        const struct split *s)
{
    if (e->other)
        b->unruled = "an adapter is switched off in the same model: leave --other out";
    else
        evaluate_model(b, m, e, s);
    if (!b->unruled) evaluate_adapter(b, m, e, s->sites > 1 ? 1 : ON_HOST);
    if (b->unruled) return;
    evaluate_load(b, m);
    for (int i = 0; i < 2; i++) evaluate_work(b, m, e, s);
}

static void bill(struct bill *b, const struct digest *m, const void *chosen, const struct split *s)
{
    const struct evaluate *e = chosen;
    const struct digest *other = e->other ? e->other : m;
    const int site = s->sites > 1 ? 1 : ON_HOST;
    double bytes, other_bytes;
    if (e->reference == (double)OTHER_ADAPTER) {
        adapter_off(b, m, e, s);
        return;
    }
    b->unruled = alone(m, e, s, &bytes);
    if (!b->unruled) b->unruled = alone(other, e, s, &other_bytes);
    if (b->unruled) return;
    const bool second = other_bytes > bytes;
    const struct digest *working = second ? other : m, *waiting = second ? m : other;
    evaluate_model(b, working, e, s);
    if (b->unruled) return;
    evaluate_load(b, working);
    evaluate_load(b, waiting);
    evaluate_work(b, working, e, s);
    evaluate_work(b, waiting, e, s);
    if (!e->at_once) return;
    GIVEN(b, waiting_bytes, evaluate_weight_bytes(waiting, e), "the other model and --dtype");
    HOLD(b, site, "weights of the other", "weights", waiting_bytes,
         "it waits while one works; smaller: --no-at-once, --dtype nf4");
}

static void usual(void *chosen, const struct digest *m, const struct catalog *c)
{
    (void)m;
    (void)c;
    evaluate_usual(chosen);
}

const struct workload workload_compare = {
    .name = "compare",
    .words = "two models over the same prompts",
    .knob = knobs,
    .knobs = sizeof knobs / sizeof *knobs,
    .size = sizeof(struct evaluate),
    .bill = bill,
    .usual = usual,
    .unit = "batch",
    .units = evaluate_batches,
};
