/* verb/packed.c - weights that are published quantised, for programs that take them so: what the files of a checkpoint on this disk
 * hold, or of a catalogue model the experts in the type that they were trained in. Spread evenly over the linear layers, so that the sum
 * is right and a single layer is nearly so. Left out: programs that unpack what a card cannot compute on, which is said beside it. */
#include "base/notes.h"
#include "base/units.h"
#include "catalog/types.h"
#include "cost/runtime.h"
#include "model/digest.h"
#include "model/safetensors.h"
#include "verb/served.h"

void packed_take(const struct context *in, const struct model *m, enum runtime_id runtime,
                 struct digest *d)
{
    const double half_bytes = 2;
    const struct stored *s = m->stored;
    const bool quantised = s && s->quantisation;
    if (m->tensors && runtime_at(runtime)->published)
        note_add(in->notes,
                 "%s is a GGUF file, and %s takes weights as published: sized is that model in its "
                 "own --dtype, another download",
                 m->name, runtime_at(runtime)->name);
    if (quantised && !(s->missing_files > 0))
        digest_pack(d, s->bytes);
    else if (!s && m->native_quant)
        digest_pack_experts(d, catalog_type(in->catalog, S("MXFP4")));
    if (d->packed_bytes > 0 && runtime_at(runtime)->published)
        d->weight_bytes = digest_packed_bytes(d);
    if (quantised && !(d->packed_bytes > 0))
        note_add(in->notes, "%s is published quantised (%s), but sized in 16 bits: %s", m->name,
                 s->quantisation,
                 s->missing_files > 0 ? "not all of its files are here"
                                      : "its files hold another sum than its configuration makes");
    else if (d->packed_bytes > 0 && runtime == RUNTIME_TRANSFORMERS)
        note_add(in->notes,
                 "%s is sized as its checkpoint keeps it; a library that cannot compute on that "
                 "here unpacks it to 16 bits, %s of weights",
                 m->name, units_bytes(in->arena, d->parameters * half_bytes));
}

const char *packed_words(const struct asked *a)
{
    return a->model->stored ? stored_words(a) : "experts in MXFP4";
}
