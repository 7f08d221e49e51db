/* model/attached.h - GGUF files that are no models but go with one: LoRA adapters and projectors. */
#pragma once
#include "model/model.h"

enum attached_kind { ATTACHED_ADAPTER, ATTACHED_PROJECTOR, ATTACHED_KINDS };
struct attached {
    enum attached_kind kind;
    const char *path;     /* as it was given */
    const char *arch;     /* of an adapter: of the model it belongs to */
    const char *projects; /* of a projector: its clip.projector_type, or NULL */
    const struct tensor *tensor;
    size_t tensors;
    double bytes;         /* of its tensors, padded as laid out */
    double file_bytes;    /* as long as it should be */
    double alpha;         /* of an adapter; NaN: not said */
    double missing_bytes; /* of its file: an unfinished download */
};

/* Refuses what is of the other kind, a model, or damaged; the message says what it is. */
bool attached_open(const char *path, enum attached_kind kind, const struct catalog *c,
                   struct arena *a, struct attached *out, struct mu_err *err) NODISCARD;
/* The same from bytes, for tests and fuzzing. */
bool attached_from_bytes(struct str bytes, uint64_t file_bytes, const char *name,
                         enum attached_kind kind, const struct catalog *c, struct arena *a,
                         struct attached *out, struct mu_err *err) NODISCARD;

/* One matrix of a model that an adapter changes. */
struct adapted {
    const struct tensor *weight; /* the model's */
    double bytes;                /* of both matrices of the pair */
    double rank, rows;
};
/* Every pair of an adapter with the weight that it changes. MU_DATA when llama.cpp would refuse it: another architecture, a weight that
 * the model has not, other dimensions, half a pair. */
bool attached_pairs(const struct attached *x, const struct model *m, const struct catalog *c,
                    struct arena *a, const struct adapted **out, size_t *count,
                    struct mu_err *err) NODISCARD;
