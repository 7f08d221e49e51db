/* engine/llama_use.h - llama.cpp as every test that needs it begins: its log caught, its library held against the headers we were
 * compiled with, its aborts without a debugger. */
#pragma once
#include "engine/engine.h"

struct llama_context;

/* False (MU_UNAVAILABLE) when the library is another version than the headers: structs go by value, so nothing may be called. */
bool llama_use(struct mu_err *err) NODISCARD;
/* Where the request has a "server" ("127.0.0.1:50052"), its devices are llama.cpp's too from now on, as "RPC0" and so on. A server that
 * can't be reached is an abort inside llama.cpp: engine/lost.h goes before. */
bool llama_server(const struct asked *in, struct mu_err *err) NODISCARD;
/* The last error or warning that llama.cpp logged, one line, or "". For messages. */
const char *llama_said(void);
/* "llama.cpp 0.5.0 (ggml 0.25.1)" */
const char *llama_words(struct arena *a);

/* Memory of one buffer type, in bytes. */
struct breakdown {
    const char *buffer, *device; /* "CPU_REPACK", "CPU" */
    bool host;
    double model_bytes, context_bytes, compute_bytes;
};
enum { BREAKDOWNS = 32 };
/* Fills out (room for BREAKDOWNS) and returns how many. */
size_t llama_breakdown(const struct llama_context *ctx, struct breakdown *out);
