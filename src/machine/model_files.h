/* machine/model_files.h - model files that other programs keep on this disk: the caches of hubs and of llama.cpp's users. */
#pragma once
#include "machine/machine.h"

struct model_file {
    const char *path;
    double bytes, modified_s; /* of the file a link leads to */
    const char *architecture; /* general.architecture, when its header begins with it; else NULL */
    const char *type;         /* general.type ("model", "adapter"), as above */
};
/* The folders where they are kept, whether they exist or not. */
struct model_cache {
    const char *owner, *path;
    bool hub; /* laid out as the Hugging Face hub's: models--ORG--NAME/snapshots/REVISION */
};
enum { MODEL_CACHES_MOST = 8 };
size_t machine_model_caches(const struct looking *in, struct model_cache *out);
/* GGUF files in the caches of the Hugging Face hub, llama.cpp, LM Studio and GPT4All, smallest first. Bounded in depth, folders and files;
 * nothing is downloaded, nothing but a header's front is read. None under a captured root. */
size_t machine_model_files(const struct looking *in, const struct model_file **out);
/* The same of one path; false when it is no GGUF file, or not there any more. */
bool machine_model_file(const char *path, struct arena *a, struct model_file *out);
/* The same of a file by any name. */
bool machine_model_front(const char *path, struct arena *a, struct model_file *out);
