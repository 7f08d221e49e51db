/* A roofline with shares: bytes that the columns of a product share are read at a share of the listed bandwidth, what is multiplied goes
 * at a share of the listed matrix rate (of halves, or of singles where halves are slower) that few columns do not reach, and each node of the graph
 * costs its launch. Weights multiplied as integers are unpacked and scaled beside that, at a share of the rate of singles. One column
 * hides its arithmetic behind its reading; of a prompt's, all but one stand beside it; of sequences that decode together the lesser hides
 * behind the other (docs/measured/batches.md). Left out: caches (weights smaller than a last-level
 * cache stay in it on few cards only), clocks that fall, kernels that are slower for single types of weights. */
#include "judge/device_speed.h"

#include "base/num.h"

/* ggml's types by their numbers (ggml.h): products done in floating point, and weights in blocks of 256 values. */
static bool is_float(unsigned type)
{
    enum { F32 = 0, F16 = 1, F64 = 28, BF16 = 30 };
    return type == F32 || type == F16 || type == F64 || type == BF16;
}

static bool has_large_blocks(unsigned type)
{
    enum { Q2_K = 10, IQ4_NL = 20, IQ4_XS = 23, IQ1_M = 29, TQ1_0 = 34, TQ2_0 = 35 };
    return (type >= Q2_K && type <= IQ4_XS && type != IQ4_NL) || type == IQ1_M || type == TQ1_0 ||
           type == TQ2_0;
}

/* Shares are of what is listed; what was measured at the place is reached already. */
static double listed(const struct device *d, enum machine_work work)
{
    for (size_t i = 0; i < d->machine->rates; i++) {
        const struct rate *r = &d->machine->rate[i];
        if (r->place == d->place && r->work == work && r->per_s.origin != MEASURED)
            return r->per_s.likely;
    }
    return 0;
}

/* FLOP a second with very many columns; 0: not known. */
static double multiplied_per_s(const struct device *d, const struct accelerator *x, bool integers)
{
    const double igemm = listed(d, WORK_IGEMM_FLOP);
    const double sgemm = listed(d, WORK_SGEMM_FLOP);
    const double hgemm = most(listed(d, WORK_HGEMM_FLOP), sgemm);
    if (!integers) return x->float_share * hgemm;
    if (!x->integers) return x->quant_share * hgemm;
    if (!(igemm > 0)) return x->float_share * hgemm;
    const double product_per_s = x->quant_share * igemm;
    if (!(sgemm > 0) || !(x->unpack_share > 0)) return product_per_s;
    return 1 / (1 / product_per_s + 1 / (x->unpack_share * sgemm));
}

static double seconds_of(const struct line *l, const struct device *d, const struct accelerator *x,
                         double read_per_s)
{
    const double columns = most(l->columns, 1);
    const bool attends = l->work == ATTEND_FLOP;
    const double attend_share = d->flash ? x->attend_share : x->attend_plain_share;
    const double block_share = has_large_blocks(l->type) ? x->block_share : 1;
    const double share = attends ? attend_share : x->read_share * block_share;
    const double read_s = l->bytes / columns / (read_per_s * share);
    if (!(columns > 1)) return read_s;
    const double full_per_s = multiplied_per_s(d, x, !attends && !is_float(l->type));
    const double experts = !attends && columns < d->at_once ? x->expert_share : 1;
    const double reached = columns / (columns + (attends ? 0 : x->half_columns)) * experts;
    const double multiply_s = l->amount / (full_per_s * reached);
    if (l->phase != DECODE || !isfinite(multiply_s))
        return read_s + multiply_s * (columns - 1) / columns;
    /* a few sequences that decode together hide the lesser behind the other, and could as well take turns */
    return least(most(read_s, multiply_s), read_s * columns);
}

double device_seconds_least(const struct line *l, const struct device *d)
{
    const double read_per_s = listed(d, WORK_READ_BYTES);
    const bool reads = l->work == MATMUL_FLOP || l->work == ATTEND_FLOP;
    return reads && read_per_s > 0 ? l->bytes / most(l->columns, 1) / read_per_s : 0;
}

bool device_seconds(const struct line *l, const struct device *d, struct estimate *out)
{
    const struct accelerator *x = accelerator_of(d->world, &d->machine->place[d->place]);
    const double read_per_s = listed(d, WORK_READ_BYTES);
    double seconds;
    if (!x || !(read_per_s > 0)) return false;
    switch (l->work) {
    case OPERATIONS: seconds = l->amount * x->launch_s; break;
    case ELEMENT_BYTES: seconds = l->amount / (read_per_s * x->read_share); break;
    case MATMUL_FLOP:
    case ATTEND_FLOP: seconds = seconds_of(l, d, x, read_per_s); break;
    default: return false;
    }
    if (!isfinite(seconds)) return false;
    *out = estimate_exactly(seconds, ESTIMATED, "listed rates and typical shares of them");
    return true;
}
