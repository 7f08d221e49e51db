/* model/stores.h - models that other programs keep on this disk: what is installed, and where a name leads. Nothing is fetched, nothing
 * but manifests, references and the fronts of headers is read. */
#pragma once
#include "machine/machine.h"

struct stored {
    /* Whose it is ("Hugging Face", "Ollama", "LM Studio", "llama.cpp", "GPT4All"), or the folder that was given. */
    const char *store;
    /* An operand of a command that leads here: "hf:org/name:file.gguf", "ollama:name:tag", else the path. */
    const char *name;
    /* A GGUF file (the first part of a split one), or a folder of safetensors. */
    const char *path;
    /* "GGUF", "safetensors"; NULL: an unfinished download, of what is not known */
    const char *format;
    /* As the store or the file's name says; NULL: they don't, its header may. */
    const char *quant;
    /* As the store or the front of the header says; NULL unknown. */
    const char *architecture;
    /* NULL: a model; else what goes with one: "adapter", "projector", "importance matrix", "control vector", "draft heads". */
    const char *role;
    double bytes;        /* of all that is there of it */
    double shared_bytes; /* of these: files that one before it in the list counted already */
    size_t files;
    /* Why it is not whole ("2 of 5 parts are missing"); NULL: whole, by names and sizes. */
    const char *missing;
};
enum { STORED_MOST = 4096 };
/* Every model in the stores and below the folders given (NULL, or ended by NULL), store by store. None under a captured root. At most
 * STORED_MOST, with a note when there are more. */
size_t stores_list(const struct looking *in, const char *const *folders, const struct stored **out);

/* hf:org/name[:file or quantisation] and ollama:name[:tag] become the path of the file (or the folder of safetensors) they lead to on
 * this disk; any other operand is handed through. When it is not here, the message says what would have to be fetched from where. env
 * as in struct looking. */
bool stores_here(const char *operand, const char *(*env)(const char *name), struct arena *a,
                 const char **path, struct mu_err *err) NODISCARD;
/* The same, of addresses too; what is not here is looked for among the copies of headers that remote_fetch() left. */
bool stores_operand(const char *operand, const char *(*env)(const char *name), struct arena *a,
                    const char **path, struct mu_err *err) NODISCARD;

/* What a manifest of Ollama says. A digest is the 64 digits behind "sha256:", NULL where there is no such layer. */
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
