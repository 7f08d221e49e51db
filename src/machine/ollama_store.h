/* machine/ollama_store.h - where Ollama keeps its models, and under which names. */
#pragma once
#include "machine/machine.h"

/* OLLAMA_MODELS, even before it exists; else the user's own store or the system service's where there is one; NULL: none. */
const char *machine_ollama_store(const struct looking *in);
/* Names as its own list shows them ("llama3.2:3b", "someone/model:tag", "registry/someone/model:tag"), with a note when there are more
 * than are listed. */
size_t machine_ollama_names(const struct looking *in, const char *store, const char *const **names);
