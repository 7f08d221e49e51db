/* The workloads, one row each, and their bills. */
#include "cost/cost.h"

#include "cost/analysis.h"
#include "cost/cpu_job.h"
#include "cost/evaluate.h"
#include "cost/finetune.h"
#include "cost/spiking.h"

extern const struct workload workload_generate, workload_serve;
const struct workload *const workloads[] = {
    &workload_generate,      &workload_serve,     &workload_embed,    &workload_retrieve,
    &workload_hidden_states, &workload_attention, &workload_probe,    &workload_statistics,
    &workload_finetune,      &workload_sweep,     &workload_evaluate, &workload_compare,
    &workload_snn_convert,   &workload_snn_run,   &workload_cpu_job,  NULL};

const struct split split_host = {.sites = 1};

const struct workload *cost_workload(struct str name)
{
    for (size_t i = 0; workloads[i]; i++)
        if (str_is(name, workloads[i]->name)) return workloads[i];
    return NULL;
}

bool cost_writes_text(const struct workload *w)
{
    return w == &workload_generate || w == &workload_serve;
}

void cost_bill(const struct task *t, const struct split *s, struct bill *out)
{
    out->lines = out->abouts = 0;
    out->full = false;
    out->unruled = out->wants = NULL;
    t->kind->bill(out, t->model, t->knobs, s);
}

void cost_beside(const struct task *t, const struct split *s, struct bill *out)
{
    out->lines = out->abouts = 0;
    out->full = false;
    out->unruled = out->wants = NULL;
    if (t->kind->beside)
        t->kind->beside(out, t->model, s);
    else
        t->kind->bill(out, t->model, t->knobs, s);
}
