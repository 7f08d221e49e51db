/* The workloads, one row each, and their bills. */
#include "cost/cost.h"

#include "cost/analysis.h"
#include "cost/finetune.h"
#include "cost/spiking.h"

extern const struct workload workload_generate, workload_serve;
const struct workload *const workloads[] = {
    &workload_generate,      &workload_serve,       &workload_embed,   &workload_retrieve,
    &workload_hidden_states, &workload_attention,   &workload_probe,   &workload_statistics,
    &workload_finetune,      &workload_snn_convert, &workload_snn_run, NULL};

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

bool cost_kind_named(struct str name)
{
    /* docs/design/DESIGN.md 4; a kind leaves this list when it gets its row above */
    static const char *const without_row[] = {"sweep", "evaluate", "compare", "cpu-job"};
    for (size_t i = 0; i < sizeof without_row / sizeof *without_row; i++)
        if (str_is(name, without_row[i])) return true;
    return cost_workload(name) != NULL;
}

void cost_bill(const struct task *t, const struct split *s, struct bill *out)
{
    out->lines = out->abouts = 0;
    out->full = false;
    out->unruled = NULL;
    t->kind->bill(out, t->model, t->knobs, s);
}

void cost_beside(const struct task *t, const struct split *s, struct bill *out)
{
    out->lines = out->abouts = 0;
    out->full = false;
    out->unruled = NULL;
    if (t->kind->beside)
        t->kind->beside(out, t->model, s);
    else
        t->kind->bill(out, t->model, t->knobs, s);
}
