/* probe: a linear classifier trained on states that were captured before. Its data lie in memory once (F32), or as scikit-learn's solvers
 * have them (F64 and a copy). Of itself it has weights, gradients, two states of Adam and two temporaries of a step.
 * Rests on three measured rows, of what a step adds to the weights (class training.probe), and on docs/measured/torch.md. Left out: the capture itself (hidden-states). */
#include <math.h>

#include "cost/analysis.h"
#include "cost/programs.h"
#include "model/digest.h"

#define FIELD(name) offsetof(struct probe, name)
enum { SAMPLES_MOST = 1 << 30, COUNT_MOST = 1 << 20 };

static const char *const off_rungs[] = {"on", "off", NULL};

static const struct knob knobs[] = {
    DEVICE_KNOB,
    {.name = "samples",
     .option = "samples",
     .words = "vectors it learns from; 1000",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = SAMPLES_MOST,
     .offset = FIELD(samples)},
    {.name = "classes",
     .option = "classes",
     .words = "classes it tells apart; 2",
     .kind = KNOB_COUNT,
     .least = 2,
     .most = COUNT_MOST,
     .offset = FIELD(classes)},
    {.name = "batch",
     .option = "batch",
     .words = "vectors at once; 64",
     .kind = KNOB_COUNT,
     .least = 1,
     .most = COUNT_MOST,
     .offset = FIELD(batch),
     .ladder = {.kind = LADDER_HALVE, .cost = COSTS_TIME, .floor = 1}},
    {.name = "double_precision",
     .option = "double-precision",
     .words = "as scikit-learn: numbers of 8 bytes, and a copy of the data; off",
     .kind = KNOB_SWITCH,
     .offset = FIELD(double_precision),
     .ladder = {.kind = LADDER_WORDS, .cost = COSTS_PRECISION, .rungs = off_rungs}},
    AMOUNT_KNOB("epochs", "epochs", "passes over them; 0 is not said", FIELD(epochs)),
};

void probe_usual(struct probe *p)
{
    *p = (struct probe){.samples = 1000, .classes = 2, .batch = 64};
}

/* F32 of gradient, two states and the two temporaries of a step. */
static const double learned_bytes = 20, weight_bytes = 4;

double probe_bytes(const struct probe *p)
{
    return p->classes * (p->inputs + 1) * learned_bytes;
}

/* One epoch: a product forward and two backward, vectors read once and gathered into a batch, and a batch's kernels. */
static void work(struct bill *b, const struct probe *p, double inputs_)
{
    const struct line flop = {.phase = UNIT, .work = TORCH_FLOP, .site = ON_HOST, .row = 4};
    const struct line moved = {.phase = UNIT, .work = ELEMENT_BYTES, .site = ON_HOST};
    const struct line runs = {.phase = UNIT, .work = LAYER_RUNS, .site = ON_HOST};
    GIVEN(b, inputs, inputs_, "above");
    GIVEN(b, samples, p->samples, "--samples");
    GIVEN(b, classes, p->classes, "--classes");
    GIVEN(b, number_bytes, p->double_precision ? 8 : 4, "above");
    LET(b, batches, ceil(p->samples / p->batch));
    WORK(b, (flop), "products", 6 * samples * inputs * classes, "forward and twice backward");
    WORK(b, (moved), "vectors", 4 * samples * inputs * number_bytes,
         "read, gathered into a batch, read forward and backward");
    WORK(b, (runs), "batches", batches, "kernels of a batch; fewer: --batch");
}

static void bill(struct bill *b, const struct digest *m, const void *chosen, const struct split *s)
{
    const struct probe *p = chosen;
    (void)s;
    b->unruled = p->inputs > 0 || m->shape->width > 0 ? NULL : "its shape is not known";
    if (b->unruled) return;
    GIVEN(b, inputs, p->inputs > 0 ? p->inputs : m->shape->width, "model, width");
    GIVEN(b, samples, p->samples, "--samples");
    GIVEN(b, classes, p->classes, "--classes");
    GIVEN(b, bytes_of_class, weight_bytes + learned_bytes,
          "counted: weight, gradient, two states, two temporaries");
    LET(b, number_bytes, p->double_precision ? 8 : 4);
    LET(b, copies, p->double_precision ? 2 : 1);
    HOLD(b, ON_HOST, "captured vectors", "captures", samples * inputs * number_bytes * copies,
         "one array in memory; smaller: --samples, fewer layers");
    HOLD(b, ON_HOST, "classifier", "weights", classes * (inputs + 1) * bytes_of_class,
         "measured (training.probe)");
    torch_on_host(b);
    work(b, p, inputs);
}

static void usual(void *chosen, const struct digest *m, const struct catalog *c)
{
    (void)m;
    (void)c;
    probe_usual(chosen);
}

static double units(const void *chosen)
{
    const struct probe *p = chosen;
    return p->epochs > 0 ? p->epochs : (double)NAN;
}

const struct workload workload_probe = {
    .name = "probe",
    .words = "a linear classifier on captured states",
    .knob = knobs,
    .knobs = sizeof knobs / sizeof *knobs,
    .size = sizeof(struct probe),
    .bill = bill,
    .usual = usual,
    .unit = "epoch",
    .units = units,
};
