/* proof/hparams.h - a truth file's own words for a model and for what was asked of it. */
#pragma once
#include "base/str.h"

struct arena;
struct catalog;
struct generate;
struct json;
struct mu_err;
struct shape;

/* A model's hparams ("n_layer", "n_embd", ...). */
bool hparams_shape(const struct json *hparams, const struct catalog *c, struct arena *a,
                   struct shape *out, struct mu_err *err) NODISCARD;
/* A row's config ("n_ctx", "type_k", ...). class_: decides which buffers the CPU of these rows had. */
bool hparams_generate(const struct json *config, const char *class_, const struct catalog *c,
                      struct arena *a, struct generate *out, struct mu_err *err) NODISCARD;
/* The buffers that the CPU of such rows had; NULL or a class that is not known: those of memory_cpu. */
void hparams_buffers(const char *class_, const struct catalog *c, struct arena *a,
                     struct generate *out);
