/* engine/blocks.h - random weights that are valid in every type, and a GGUF file full of them. */
#pragma once
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct arena;

/* Whether weights of ggml's type id can be made. */
bool blocks_can(int type);
/* Fills rows of `row` weights each, of a type that can be made, with normal values of this standard deviation: a few dozen rows are
 * quantised once and repeated. The same bytes every time. The type must divide the row. */
void blocks_fill(int type, int64_t row, int64_t rows, float scale, void *to);
/* Fills the tensors of the GGUF file at this path, whose header stands (model/gguf_write.h): norms 1, biases and everything small random,
 * routers random so that experts differ, matrices as blocks_fill. The file grows to its whole size. It may be /proc/self/fd/N. */
bool blocks_fill_file(const char *path, struct arena *a, struct mu_err *err) NODISCARD;
