/* verb/beside_model.h - what `muster fit` is asked to run beside a model in the same process: --lora, --mmproj, --draft. */
#pragma once
#include "cost/beside.h"
#include "model/attached.h"
#include "verb/common.h"

enum { ADAPTERS_MOST = 16 };
struct beside_model {
    struct attached adapter[ADAPTERS_MOST];
    size_t adapters;
    struct attached projector;
    bool projects;
    const struct asked *draft; /* NULL: none */
    struct beside_adapters summed;
    struct beside held;
};
/* Opens what was asked for and puts it into the knobs; asked->beside stays NULL where nothing was. Once the knobs are set. */
bool asked_beside(const struct request *q, const struct context *in, const struct machine *m,
                  struct asked *asked, struct mu_err *err) NODISCARD;
/* What is not reckoned with. */
void note_beside(const struct context *in, const struct placed *p);
/* The options of llama-server, to the end of its command line; device: its name of the first device, NULL: none. */
void beside_command(const struct beside_model *t, const char *device, struct arena *a,
                    struct buf *line);
/* "beside": what was asked for, null: nothing. */
void write_beside(struct writer *w, const struct beside_model *t);
