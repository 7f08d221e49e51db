/* engine/llama_use.c - opens llama.cpp, and keeps what it logs for our messages instead of the terminal. */
#include "engine/llama_use.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ggml-backend.h>
#include <ggml.h>
#include <llama.h>

enum { SAID_BYTES = 256 };
static char said[SAID_BYTES];

/* Errors and warnings only. The first error is kept, since what follows it ("failed to load model") says less; an error replaces a
 * warning, not the other way round. */
static void keep(enum ggml_log_level level, const char *text, void *to)
{
    static enum ggml_log_level kept;
    (void)to;
    if (level < GGML_LOG_LEVEL_WARN || level == GGML_LOG_LEVEL_CONT || level <= kept) return;
    const size_t n = strcspn(text, "\n");
    if (!n) return;
    kept = level;
    snprintf(said, sizeof said, "%.*s", (int)(n < SAID_BYTES ? n : SAID_BYTES - 1), text);
}

const char *llama_said(void)
{
    return said;
}

const char *llama_words(struct arena *a)
{
    return str_format(a, "llama.cpp %s (ggml %s)", llama_version(), ggml_version());
}

bool llama_use(struct mu_err *err)
{
    setenv("GGML_NO_BACKTRACE", "1", 1); /* an abort would start a debugger */
    if (strcmp(llama_version(), LLAMA_VERSION_BUILT) != 0)
        return err_set(
            err, MU_UNAVAILABLE,
            "the llama.cpp found is %s, but this program was built for %s: build it again",
            llama_version(), LLAMA_VERSION_BUILT);
    llama_log_set(keep, NULL);
    llama_backend_init();
    return true;
}
