/* verb/packed.c - weights that are published quantised, for programs that take them so: what the files of a checkpoint on this disk
 * hold, or of a catalogue model what its row says of how it is published. Spread evenly over the linear layers, so that the sum
 * is right and a single layer is nearly so. Left out: programs that unpack what a card cannot compute on, which is said beside it. */
#include <string.h>

#include "base/notes.h"
#include "base/units.h"
#include "catalog/parts.h"
#include "cost/runtime.h"
#include "model/digest.h"
#include "model/safetensors.h"
#include "verb/served.h"

bool packed_as_published(const struct published_as *p, struct digest *d)
{
    const double byte_bits = 8;
    if (!p || !p->part || !(p->bits > 0)) return false;
    const double scale_bits = p->group > 0 ? p->scale_bits / p->group : 0;
    digest_pack_part(d, strcmp(p->part, "experts") == 0, (p->bits + scale_bits) / byte_bits);
    return d->packed_bytes > 0;
}

/* What is published in few bits, of which kind, but not known to the byte. */
static const char *not_known_to_the_byte(const struct model *m, bool quantised)
{
    const struct stored *s = m->stored;
    if (!quantised) return "which tensors have how many bits is not known";
    return s->missing_files > 0 ? "not all of its files are here"
                                : "its files hold another sum than its configuration makes";
}

static void say_packed(const struct context *in, const struct model *m, enum runtime_id runtime,
                       const struct digest *d)
{
    const double half_bytes = 2;
    const bool quantised = m->stored && m->stored->quantisation;
    const bool published = runtime_at(runtime)->published;
    const char *type = quantised      ? m->stored->quantisation
                       : m->published ? m->published->type
                                      : NULL;
    if (m->tensors && published)
        note_add(in->notes,
                 "%s is a GGUF file, and %s takes weights as published: sized is that model in its "
                 "own --dtype, another download",
                 m->name, runtime_at(runtime)->name);
    if (type && (quantised || published) && !(d->packed_bytes > 0))
        note_add(in->notes, "%s is published quantised (%s), but sized in 16 bits: %s", m->name,
                 type, not_known_to_the_byte(m, quantised));
    if (d->packed_bytes > 0 && runtime == RUNTIME_TRANSFORMERS)
        note_add(in->notes,
                 "%s is sized as its checkpoint keeps it; a library that cannot compute on that "
                 "here unpacks it to 16 bits, %s of weights",
                 m->name, units_bytes(in->arena, d->parameters * half_bytes));
    if (d->packed_bytes > 0 && runtime == RUNTIME_VLLM)
        note_add(
            in->notes,
            "%s comes in %s: whether vLLM has kernels of that for these cards is not looked at",
            m->name, type ? type : "few bits");
}

void packed_take(const struct context *in, const struct model *m, enum runtime_id runtime,
                 struct digest *d)
{
    const struct stored *s = m->stored;
    if (s && s->quantisation && !(s->missing_files > 0))
        digest_pack(d, s->bytes);
    else if (!s && !m->tensors)
        packed_as_published(m->published, d);
    if (d->packed_bytes > 0 && runtime_at(runtime)->published)
        d->weight_bytes = digest_packed_bytes(d);
    say_packed(in, m, runtime, d);
}

const char *packed_words(const struct context *in, const struct asked *a)
{
    const struct published_as *p = a->model->published;
    if (a->model->stored || !p) return stored_words(a);
    return p->part && strcmp(p->part, "experts") == 0
               ? str_format(in->arena, "experts in %s", p->type)
               : p->type;
}

static bool is_single(const struct model *m)
{
    const struct stored *s = m->stored;
    if (m->dtype) return strcmp(m->dtype, "float32") == 0;
    if (!s || s->quantisation) return false;
    for (size_t i = 0; i < STORED_KINDS; i++)
        if (s->sum[i].bytes > s->bytes / 2) return i == STORED_F32;
    return false;
}

void packed_settle_dtype(const struct context *in, struct asked *a)
{
    if (a->knobs.runtime != (double)RUNTIME_TRANSFORMERS || a->knobs.dtype != (double)DTYPE_AUTO ||
        a->digest->packed_bytes > 0 || !is_single(a->model))
        return;
    a->knobs.dtype = (double)DTYPE_FP32;
    note_add(in->notes,
             "%s is published in float32, which dtype='auto' takes; --dtype bf16 or fp16 has half "
             "the weights",
             a->model->name);
}
