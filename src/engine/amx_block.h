/* engine/amx_block.h - an engine that does as if the CPU had no matrix tiles. */
#pragma once
#include "base/err.h"

/* From now on this process is not given AMX's registers, so llama.cpp takes its next choice. Before llama_use(). MU_UNAVAILABLE when the
 * kernel can't filter system calls. */
bool amx_block(struct mu_err *err) NODISCARD;
