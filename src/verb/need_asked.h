/* verb/need_asked.h - the task that `muster need` asks about, without a machine. */
#pragma once
#include "verb/need.h"

struct need_asked {
    const char *operand, *quant; /* quant NULL: a file's own */
    double context_tokens;
    bool usual;       /* nobody asked for that context: at most the model's own is taken */
    const char *took; /* out: the model that stands for a size, else NULL */
    size_t alike;     /* out: how many models have its shape */
};
bool need_task(const struct context *in, struct need_asked *asked, struct asked *out,
               struct mu_err *err) NODISCARD;
/* Of the backends whose layout is known the one whose driver takes most beside the buffers. */
const char *need_backend(const struct world *w);
double need_context(enum need_level level); /* DESIGN 4's tokens */
