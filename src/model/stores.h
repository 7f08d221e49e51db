/* model/stores.h - models that other programs keep on this disk: what is installed, and where a name leads. Nothing is fetched, nothing
 * but manifests, references and the fronts of headers is read. */
#pragma once
#include "machine/machine.h"

struct stored {
    const char *
        store; /* "Hugging Face", "Ollama", "LM Studio", "llama.cpp", "GPT4All", or a folder as it was given */
    const char *
        name; /* to be shown, and what model_open takes once stores_operand() led it to a path: "hf:org/name:file.gguf",
                                 "ollama:name:tag", else the path */
    const char
        *path; /* a GGUF file (the first part of a split one), or the folder of safetensors */
    const char *format; /* "GGUF", "safetensors"; NULL: an unfinished download, not known of what */
    const char
        *quant; /* as the store or the file's name says; NULL unknown (its header may know) */
    const char *architecture; /* as the store or the header's front says; NULL unknown */
    const char *
        role; /* NULL: a language model; else "adapter", "projector", "importance matrix": sized with another, not alone */
    double bytes;        /* of all that is there of it */
    double shared_bytes; /* of these: in files that one before it in the list counted already */
    size_t files;
    const char *
        missing; /* why it is not whole ("2 of 5 parts are missing"); NULL: whole by its names and sizes */
};
/* Every model in the stores and below the folders given (NULL, or ended by NULL), store by store. None under a captured root. At most
 * STORED_MOST, with a note when there are more. */
enum { STORED_MOST = 4096 };
size_t stores_list(const struct looking *in, const char *const *folders, const struct stored **out);

/* hf:org/name[:file or quantisation] and ollama:name[:tag] become the path of the file (or the folder of safetensors) they lead to on
 * this disk; any other operand is handed through. When it is not here, the message says what would have to be fetched from where. env
 * as in struct looking. */
bool stores_operand(const char *operand, const char *(*env)(const char *name), struct arena *a,
                    const char **path, struct mu_err *err) NODISCARD;

/* What a manifest of Ollama says. Digests are the 64 digits behind "sha256:", NULL when there is no such layer. */
struct ollama_layer {
    const char *digest;
    double bytes;
};
struct ollama_manifest {
    struct ollama_layer model, adapter, projector, parameters, template_text, config;
};
/* From the text of a manifest; name: for messages. */
bool ollama_manifest_read(struct str text, const char *name, struct arena *a,
                          struct ollama_manifest *out, struct mu_err *err) NODISCARD;
