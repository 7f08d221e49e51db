/* Which of the GPUs that were found a process may use: the environment's word, after every probe that finds them.
 *
 * The rules are machine/visible.c's. Of a captured tree nothing is hidden: its environment was not captured, and ours is another's. */
#include "machine/probe.h"
#include "machine/visible.h"

static void finds(const struct looking *in, struct draft *out)
{
    const struct visible_in visible = {.env = in->env,
                                       .container = out->facts.os.container,
                                       .vendors = {"NVIDIA", "AMD", "Intel"},
                                       .arena = in->arena,
                                       .notes = in->notes};
    if (out->facts.gpus) visible_apply(&visible, draft_gpu(out, 0), out->facts.gpus);
}

const struct probe probe_visible = {"visible", "GPUs that the environment hides", finds};
