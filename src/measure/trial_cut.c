/* measure/trial_cut.c - cuts a model to some of its layers and writes that as a GGUF header into a memory file.
 *
 * One cut tells little: its last layer computes one row alone, and the head costs as much as several layers. So two are run and their
 * difference is drawn out, which is right as far as the layers between them are like the rest. That is tried on what is known exactly,
 * the weights and the number of layers of each kind, before anything runs. At least four layers (measured: two are 9 % too fast). */
#include "measure/trial_cut.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "model/gguf_write.h"

enum { LAYERS_LEAST = 4, LAYERS_MOST = 12 };
static const double off_most = 0.05;

/* What the linear rule is tried on. */
struct mixture {
    double weight_bytes, window_layers, expert_layers, attending_layers;
};

static struct mixture mixture_of(const struct digest *d)
{
    struct mixture m = {.weight_bytes = d->weight_bytes};
    for (size_t i = 0; i < d->kinds; i++) {
        if (d->kind[i].window) m.window_layers += d->kind[i].layers;
        if (d->kind[i].experts) m.expert_layers += d->kind[i].layers;
        if (!d->kind[i].recurrent && !d->kind[i].feeds) m.attending_layers += d->kind[i].layers;
    }
    return m;
}

static double drawn_out(double of_k, double of_twice, double k, double layers)
{
    return of_twice + (layers - 2 * k) * (of_twice - of_k) / k;
}

/* How far the rule is off, as a share, where it is worst. */
static double off(const struct mixture *k_cut, const struct mixture *twice,
                  const struct mixture *whole, double k, double layers)
{
    const double bytes = drawn_out(k_cut->weight_bytes, twice->weight_bytes, k, layers);
    const double windows = drawn_out(k_cut->window_layers, twice->window_layers, k, layers);
    const double experts = drawn_out(k_cut->expert_layers, twice->expert_layers, k, layers);
    const double attending = drawn_out(k_cut->attending_layers, twice->attending_layers, k, layers);
    const double kinds =
        most(fabs(attending - whole->attending_layers),
             most(fabs(windows - whole->window_layers), fabs(experts - whole->expert_layers)));
    return most(fabs(bytes - whole->weight_bytes) / whole->weight_bytes, kinds / layers);
}

bool trial_cut_make(const struct model *whole, double layers, const struct catalog *c,
                    struct arena *a, struct trial_cut *out, struct mu_err *err)
{
    struct trial_cut cut = {.layers = layers, .file = -1};
    if (!model_cut(whole, layers, a, &cut.model, err))
        return err_add(err, "cutting %s to %.0f layers", whole->name, layers);
    *out = cut;
    digest_of_model(&out->model, c, &out->digest);
    out->digest.name = whole->name;
    out->digest.quant = whole->quant;
    out->digest.shape = &out->model.shape;
    return true;
}

static bool mixture_of_cut(const struct model *whole, double layers, const struct catalog *c,
                           struct arena *a, struct mixture *out, struct mu_err *err)
{
    struct trial_cut *cut = NEW(a, struct trial_cut);
    if (!trial_cut_make(whole, layers, c, a, cut, err)) return false;
    *out = mixture_of(&cut->digest);
    return true;
}

bool trial_cut_size(const struct model *whole, const struct catalog *c, struct arena *a,
                    double *out, struct mu_err *err)
{
    const double layers = whole->shape.layers;
    struct mixture all, of_k, of_twice;
    double best = layers, best_off = (double)INFINITY;
    if (!mixture_of_cut(whole, layers, c, a, &all, err)) return false;
    for (int tried = LAYERS_LEAST; tried <= LAYERS_MOST && best_off > off_most; tried++) {
        const double k = tried;
        if (2 * k >= layers) break;
        if (!mixture_of_cut(whole, k, c, a, &of_k, err) ||
            !mixture_of_cut(whole, 2 * k, c, a, &of_twice, err))
            return false;
        const double this_off = off(&of_k, &of_twice, &all, k, layers);
        if (this_off >= best_off) continue;
        best_off = this_off;
        best = k;
    }
    *out = best;
    return true;
}

static bool write_all(int fd, struct str bytes, struct mu_err *err)
{
    while (bytes.n) {
        const ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return err_errno(err, "writing a model's header into memory");
        bytes.p += n;
        bytes.n -= (size_t)n;
    }
    return true;
}

bool trial_cut_open(struct trial_cut *cut, const struct catalog *c, struct arena *a,
                    struct mu_err *err)
{
    const struct gguf_asked asked = {.model = &cut->model, .catalog = c, .bare = true};
    struct gguf_written written;
    if (!gguf_write(&asked, a, &written, err))
        return err_add(err, "making %s without its file", cut->model.name);
    const int fd = memfd_create("muster-trial", MFD_CLOEXEC);
    if (fd < 0) return err_errno(err, "making a file in memory");
    if (!write_all(fd, written.header, err)) {
        close(fd);
        return false;
    }
    cut->file = fd;
    cut->file_bytes = written.file_bytes;
    return true;
}

void trial_cut_close(struct trial_cut *cut)
{
    if (cut->file >= 0) close(cut->file);
    cut->file = -1;
}
