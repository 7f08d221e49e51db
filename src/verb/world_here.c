/* What a judgement may use, for a machine: the data that ships, trials kept of this very machine, and typical kernels where its own were
 * not measured. */
#include "proof/sample.h"
#include "verb/common.h"

#include "base/arena.h"

bool world_here(const struct context *in, const struct machine **m, struct world *out,
                struct mu_err *err)
{
    if (!judge_world(in->catalog, in->arena, out, err)) return false;
    *m = judge_typical(*m, out, in->arena);
    if (!(*m)->here) return true;
    const struct sample_place place = {
        .state_folder = in->state_folder, .machine = *m, .arena = in->arena, .notes = in->notes};
    const struct sample *sample;
    size_t samples;
    if (samples_read(&place, &sample, &samples))
        judge_samples(out, sample, samples, known_or(machine_cpu(*m)->threads, 0));
    return true;
}
