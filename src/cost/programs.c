/* What programs on PyTorch take by themselves, looked up in November 2026. None of it was measured by us but an import of PyTorch alone on the
 * CPU (tests/torch reads more of it with a model), so all of it is a range. Left out: what a profiler, a notebook or a data loader adds. */
#include "cost/programs.h"

#include "cost/bill.h"

#define GIB 0x1p30

const struct program_bytes torch_context = {0.35 * GIB, 0.55 * GIB, 0.6 * GIB, TORCH_CONTEXT};

const struct program_bytes torch_process = {0.4e9, 0.75e9, 2e9, TORCH_PROCESS};

const struct program_bytes vllm_process = {0.4e9, 0.75e9, 3e9, TORCH_PROCESS};

void torch_on_host(struct bill *b)
{
    ABOUT(b, python_bytes, torch_process.low, torch_process.likely, torch_process.high,
          torch_process.source);
    HOLD_AS(b, HELD_PROCESS, ON_HOST, "Python, PyTorch and libraries", "process", python_bytes,
            TORCH_PROCESS);
}

void torch_on_device(struct bill *b, int site)
{
    if (site == ON_HOST) return;
    ABOUT(b, context_bytes, torch_context.low, torch_context.likely, torch_context.high,
          torch_context.source);
    HOLD_AS(b, HELD_PROCESS, site, "driver", "process", context_bytes, TORCH_CONTEXT);
}
