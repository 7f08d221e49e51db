/* What a Slurm allocation leaves one process: memory and CPUs, from the variables that Slurm sets in a job (sbatch(1), srun(1)).
 *
 * Only of this machine's own environment: a captured tree has none. Memory is in MiB there; SLURM_MEM_PER_NODE=0 asks for all of it and
 * is no limit. What the job uses already is not taken off: Slurm's own control group, where it makes one, says that better. */
#include "base/notes.h"
#include "base/num.h"
#include "base/root.h"
#include "base/units.h"
#include "machine/budget.h"
#include "machine/probe.h"

static const double mebibyte = 1 << 20;

static void add_bytes(struct draft *out, double bytes, const char *variables)
{
    draft_add_limit(
        out, (struct limit){.what = str_format(out->arena, "Slurm allocation (%s)", variables),
                            .bytes = quantity_of(bytes, REPORTED, variables),
                            .cpus = unknown("a limit of memory")});
}

static bool cpus_said(const struct looking *in, const char *variable, double *out)
{
    uint64_t n;
    const char *text = in->env(variable);
    if (!text || !str_u64(str_of(text), &n) || n == 0 || n > CPU_SET_MOST) return false;
    *out = (double)n;
    return true;
}

static bool bytes_said(const struct looking *in, const char *variable, double *out)
{
    const char *text = in->env(variable);
    double bytes;
    if (!text) return false;
    if (!units_parse_bytes(str_of(text), mebibyte, &bytes)) {
        note_add(in->notes, "%s=%s is not an amount of memory and was left out", variable,
                 str_visible(in->arena, str_of(text)));
        return false;
    }
    *out = bytes;
    return bytes > 0;
}

static void cpus_look(const struct looking *in, struct draft *out)
{
    static const char *const variables[] = {"SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"};
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        double cpus;
        if (!cpus_said(in, variables[i], &cpus)) continue;
        draft_add_limit(out, (struct limit){.what = str_format(out->arena, "Slurm allocation (%s)",
                                                               variables[i]),
                                            .bytes = unknown("a limit of CPUs"),
                                            .cpus = quantity_of(cpus, REPORTED, variables[i])});
    }
}

void budget_slurm(const struct looking *in, struct draft *out)
{
    double bytes, cpus;
    if (!in->env || in->root->captured) return;
    if (bytes_said(in, "SLURM_MEM_PER_NODE", &bytes)) add_bytes(out, bytes, "SLURM_MEM_PER_NODE");
    if (bytes_said(in, "SLURM_MEM_PER_CPU", &bytes)) {
        if (cpus_said(in, "SLURM_CPUS_ON_NODE", &cpus))
            add_bytes(out, bytes * cpus, "SLURM_MEM_PER_CPU x SLURM_CPUS_ON_NODE");
        else if (cpus_said(in, "SLURM_CPUS_PER_TASK", &cpus))
            add_bytes(out, bytes * cpus, "SLURM_MEM_PER_CPU x SLURM_CPUS_PER_TASK");
        else
            note_add(in->notes, "SLURM_MEM_PER_CPU is set but no number of CPUs is: left out");
    }
    cpus_look(in, out);
}
