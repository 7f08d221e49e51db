/* measure/embedding_kept.h - the last embedding test of this machine, kept beside its rates: one file a fingerprint, replaced whole. */
#pragma once
#include "measure/embedding.h"

struct embedding_kept {
    const char *when, *model, *file; /* local time; what people call it; the path that was loaded */
    double file_bytes, file_modified_s;
    struct embedded embedded;
};
/* False when none is kept (no error); one that can't be used is a note. */
bool embedding_kept_read(const struct measuring *in, const struct machine *m,
                         struct embedding_kept *out) NODISCARD;
bool embedding_kept_write(const struct measuring *in, const struct machine *m,
                          const struct embedding_kept *kept, struct mu_err *err) NODISCARD;
