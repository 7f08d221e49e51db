/* cost/programs.h - what programs on PyTorch take by themselves, whatever they run: one row each, for every bill that has such a line. */
#pragma once

#define TORCH_CONTEXT "a card's own count beside PyTorch's, by card and version, published runs"
#define TORCH_PROCESS "an estimate from imports; PyTorch alone took 226 MB (1.13, CPU)"

struct program_bytes {
    double low, likely, high;
    const char *source;
};
/* On a device beside what PyTorch counts: the driver's context and its libraries. */
extern const struct program_bytes torch_context;
/* In memory of the host: Python, PyTorch and the libraries above it. vLLM brings more of them. */
extern const struct program_bytes torch_process, vllm_process;
