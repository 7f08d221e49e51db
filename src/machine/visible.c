/* machine/visible.c - the variables by which GPUs are hidden from programs.
 *
 * Rests on: CUDA programming guide, "CUDA environment variables" (indices, UUIDs or the beginning of one; the list ends at the first
 * entry that names no device; order by CUDA_DEVICE_ORDER), MIG user guide, "Device enumeration" (a process uses one slice, the first
 * that is visible, and then no whole card); ROCm, "GPU isolation techniques" and HIP's environment variables (ROCR_VISIBLE_DEVICES
 * first, then HIP_VISIBLE_DEVICES, in its absence CUDA_VISIBLE_DEVICES, over what is left; an empty one of HIP's counts as absent);
 * Level Zero, core programming guide, "Environment variables"; NVIDIA container toolkit, NVIDIA_VISIBLE_DEVICES; sbatch(1),
 * SLURM_JOB_GPUS. An index is counted along the PCI addresses; where the runtime may count otherwise, and that would make a
 * difference, it is said. Seen, not documented: an entry named twice leaves CUDA no device at all (PyTorch holds to it too).
 * Left out: what ONEAPI_DEVICE_SELECTOR selects (it is noted), masks of compute units, Vulkan's own variables. */
#include "machine/visible.h"
#include "base/arena.h"
#include "base/notes.h"
#include "base/str.h"
#include "machine/pci.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE_MOST = 64, DEVICES_MOST = 4096 };

/* Devices as one runtime counts them: indices into gpu[]. */
struct list {
    size_t *at;
    size_t count;
};
struct sieve {
    const struct visible_in *in;
    struct gpu_seen *gpu;
    size_t gpus;
    struct list list; /* what is left so far */
};
/* How a variable is read: a list that names one device twice leaves none, or ends there; an index may go on to a part of it. */
struct reading {
    const char *variable, *value;
    bool twice_is_none, parts, uuids, ends_at_wrong;
};

static const char *value_of(const struct visible_in *in, const char *name)
{
    return in->env ? in->env(name) : NULL;
}

/* Not there, or empty where that means the same. */
static const char *filled(const struct visible_in *in, const char *name)
{
    const char *value = value_of(in, name);
    return str_trim(str_of(value)).n ? value : NULL;
}

static const char *reason(const struct sieve *s, const char *variable, const char *value,
                          const char *more)
{
    const struct str all = str_of(value);
    const struct str shown = {all.p, all.n < VALUE_MOST ? all.n : VALUE_MOST};
    return str_format(s->in->arena, "%s=%s%s%s", variable, str_visible(s->in->arena, shown),
                      shown.n < all.n ? "..." : "", more);
}

static bool is_slice(const struct gpu_seen *g)
{
    return g->parent != NULL;
}

static bool is_slice_of(const struct gpu_seen *slice, const struct gpu_seen *card)
{
    if (!is_slice(slice)) return false;
    return (card->uuid && strcmp(slice->parent, card->uuid) == 0) ||
           pci_same(slice->parent, card->pci_address);
}

static bool has_slices(const struct sieve *s, size_t card)
{
    for (size_t i = 0; i < s->gpus; i++)
        if (is_slice_of(&s->gpu[i], &s->gpu[card])) return true;
    return false;
}

/* ---- the order that indices count ---- */

static bool before(const struct gpu_seen *a, const struct gpu_seen *b)
{
    uint64_t one;
    uint64_t other;
    const bool addressed = a->pci_address && pci_parse(a->pci_address, &one);
    if (!(b->pci_address && pci_parse(b->pci_address, &other))) return addressed;
    return addressed && one < other;
}

/* A maker's cards that their runtime lists, along PCI; those without an address last, as they were found. */
static void cards_listed(struct sieve *s, const char *vendor)
{
    s->list = (struct list){NEW_ARRAY(s->in->arena, size_t, s->gpus + 1), 0};
    for (size_t i = 0; i < s->gpus; i++) {
        const struct gpu_seen *g = &s->gpu[i];
        const bool computes = !g->sized || strcmp(g->sized, GPU_DISPLAY_ONLY) != 0;
        if (!g->vendor || strcmp(g->vendor, vendor) != 0 || is_slice(g) || !computes) continue;
        if (g->kind && strcmp(g->kind, "npu") == 0) continue;
        if (g->hidden && !has_slices(s, i)) continue;
        size_t at = s->list.count++;
        while (at && before(g, &s->gpu[s->list.at[at - 1]])) {
            s->list.at[at] = s->list.at[at - 1];
            at--;
        }
        s->list.at[at] = i;
    }
}

static bool unlike(const struct sieve *s)
{
    for (size_t i = 1; i < s->list.count; i++) {
        const struct gpu_seen *a = &s->gpu[s->list.at[0]];
        const struct gpu_seen *b = &s->gpu[s->list.at[i]];
        if (!str_eq(str_of(a->name), str_of(b->name)) ||
            !str_eq(str_of(a->pci_id), str_of(b->pci_id)))
            return true;
    }
    return false;
}

/* ---- what a list names ---- */

static bool in_list(const struct list *list, size_t at)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i] == at) return true;
    return false;
}

static bool is_uuid(struct str entry)
{
    return str_starts(entry, S("GPU-")) || str_starts(entry, S("MIG-"));
}

static bool begins_nocase(const char *uuid, struct str with)
{
    const struct str all = str_of(uuid);
    return with.n <= all.n && str_eq_nocase((struct str){all.p, with.n}, with);
}

/* The one device whose UUID begins so; SIZE_MAX when none does, or several. Slices stand beside the cards in the list. */
static size_t by_uuid(const struct sieve *s, struct str entry)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < s->gpus; i++) {
        const struct gpu_seen *g = &s->gpu[i];
        bool listed = in_list(&s->list, i);
        for (size_t k = 0; !listed && k < s->list.count; k++)
            listed = is_slice_of(g, &s->gpu[s->list.at[k]]);
        if (!listed || !g->uuid || !begins_nocase(g->uuid, entry)) continue;
        if (found != SIZE_MAX) return SIZE_MAX;
        found = i;
    }
    return found;
}

static size_t by_index(const struct sieve *s, struct str entry, bool parts)
{
    uint64_t index;
    const struct str number = parts ? str_cut(&entry, '.') : entry;
    return str_u64(number, &index) && index < s->list.count ? s->list.at[index] : SIZE_MAX;
}

/* The devices that the value names, in its order; *counted when an index was used to find one. */
static struct list named(const struct sieve *s, const struct reading *r, bool *counted)
{
    struct list list = {NEW_ARRAY(s->in->arena, size_t, s->gpus + 1), 0};
    struct str rest = str_of(r->value);
    const bool uuids = r->uuids && is_uuid(str_trim(rest));
    while (rest.n) {
        const struct str entry = str_trim(str_cut(&rest, ','));
        const size_t at = uuids ? by_uuid(s, entry) : by_index(s, entry, r->parts);
        if (at == SIZE_MAX && r->ends_at_wrong) break;
        if (at == SIZE_MAX) continue;
        *counted = *counted || !uuids;
        if (!in_list(&list, at)) {
            list.at[list.count++] = at;
        } else if (r->twice_is_none) {
            list.count = 0;
            break;
        } else if (r->ends_at_wrong) {
            break;
        }
    }
    return list;
}

static void hide(struct sieve *s, size_t at, const char *why)
{
    if (!s->gpu[at].hidden) s->gpu[at].hidden = why;
    for (size_t i = 0; i < s->gpus; i++)
        if (is_slice_of(&s->gpu[i], &s->gpu[at]) && !s->gpu[i].hidden) s->gpu[i].hidden = why;
}

/* The card that was named, or one of its slices was. */
static bool stays(const struct sieve *s, const struct list *kept, size_t at)
{
    for (size_t k = 0; k < kept->count; k++)
        if (kept->at[k] == at || is_slice_of(&s->gpu[kept->at[k]], &s->gpu[at])) return true;
    return false;
}

/* Of a card named by some of its slices, the others. */
static void hide_sisters(struct sieve *s, const struct list *kept, size_t slice, const char *why)
{
    for (size_t i = 0; i < s->gpus; i++) {
        struct gpu_seen *g = &s->gpu[i];
        if (is_slice(g) && !g->hidden && !in_list(kept, i) &&
            strcmp(g->parent, s->gpu[slice].parent) == 0)
            g->hidden = why;
    }
}

/* Takes the list down to what the value names. order: what is said when unlike cards were counted and it is not known how. */
static void sift(struct sieve *s, const struct reading *r, const char *order)
{
    bool counted = false;
    const struct list kept = named(s, r, &counted);
    const bool guessed = counted && order && kept.count && kept.count < s->list.count && unlike(s);
    const char *why = reason(s, r->variable, r->value, guessed ? ", counted along PCI" : "");
    if (guessed)
        note_add(s->in->notes,
                 "%s counts unlike GPUs, and %s: they are counted along their PCI addresses",
                 r->variable, order);
    for (size_t i = 0; i < s->list.count; i++)
        if (!stays(s, &kept, s->list.at[i])) hide(s, s->list.at[i], why);
    for (size_t k = 0; k < kept.count; k++)
        if (is_slice(&s->gpu[kept.at[k]])) hide_sisters(s, &kept, kept.at[k], why);
    s->list = kept;
}

/* ---- CUDA ---- */

/* A slice that is listed, itself or under its card; SIZE_MAX when none is. */
static size_t first_slice(const struct sieve *s)
{
    for (size_t k = 0; k < s->list.count; k++)
        for (size_t i = 0; i < s->gpus; i++) {
            const struct gpu_seen *g = &s->gpu[i];
            if (!is_slice(g) || g->hidden) continue;
            if (i == s->list.at[k] || is_slice_of(g, &s->gpu[s->list.at[k]])) return i;
        }
    return SIZE_MAX;
}

static void one_slice(struct sieve *s)
{
    const size_t slice = first_slice(s);
    if (slice == SIZE_MAX) return;
    for (size_t k = 0; k < s->list.count; k++)
        for (size_t i = 0; i < s->gpus; i++) {
            struct gpu_seen *g = &s->gpu[i];
            if (i == slice || g->hidden) continue;
            if (i == s->list.at[k] || is_slice_of(g, &s->gpu[s->list.at[k]]))
                g->hidden = "CUDA uses one MIG slice a process, the first that it may";
        }
}

/* The driver itself has answered for it: it was let in, whatever a variable says of how. */
static bool answered(const struct gpu_seen *g)
{
    return g->compute || (g->memory_bytes.origin == REPORTED && known(g->memory_bytes, NULL));
}

static void container_sieve(struct sieve *s)
{
    static const char variable[] = "NVIDIA_VISIBLE_DEVICES";
    const char *value = s->in->container ? value_of(s->in, variable) : NULL;
    size_t kept = 0;
    if (!value || (*value && strcmp(value, "void") != 0 && strcmp(value, "none") != 0)) return;
    for (size_t i = 0; i < s->list.count; i++) {
        const size_t at = s->list.at[i];
        if (answered(&s->gpu[at]))
            s->list.at[kept++] = at;
        else
            hide(s, at, reason(s, variable, value, ""));
    }
    s->list.count = kept;
}

static void cuda_sieve(struct sieve *s)
{
    struct reading r = {.variable = "CUDA_VISIBLE_DEVICES",
                        .twice_is_none = true,
                        .uuids = true,
                        .ends_at_wrong = true};
    const char *order = value_of(s->in, "CUDA_DEVICE_ORDER");
    const bool along_pci = order && str_is(str_trim(str_of(order)), "PCI_BUS_ID");
    container_sieve(s);
    r.value = value_of(s->in, r.variable);
    if (r.value)
        sift(s, &r,
             along_pci
                 ? NULL
                 : "CUDA puts what it takes for the fastest first unless CUDA_DEVICE_ORDER is "
                   "PCI_BUS_ID");
    one_slice(s);
}

/* ---- ROCm and Level Zero ---- */

static void rocm_sieve(struct sieve *s)
{
    static const char order[] = "ROCm counts in an order of its own";
    static const char *const after[] = {"HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES",
                                        "GPU_DEVICE_ORDINAL"};
    struct reading r = {.variable = "ROCR_VISIBLE_DEVICES", .uuids = true, .ends_at_wrong = true};
    r.value = value_of(s->in, r.variable);
    if (r.value) sift(s, &r, order);
    for (size_t i = 0; i < COUNT_OF(after); i++) {
        r.variable = after[i];
        r.value = filled(s->in, r.variable);
        if (!r.value) continue;
        sift(s, &r, order);
        return;
    }
}

static void level_zero_sieve(struct sieve *s)
{
    struct reading r = {.variable = "ZE_AFFINITY_MASK", .parts = true};
    const char *selector = filled(s->in, "ONEAPI_DEVICE_SELECTOR");
    r.value = filled(s->in, r.variable);
    if (r.value) sift(s, &r, "Level Zero counts in an order of its own");
    if (selector && s->list.count)
        note_add(s->in->notes, "%s is set: programs of SYCL see only what it selects",
                 reason(s, "ONEAPI_DEVICE_SELECTOR", selector, ""));
}

/* ---- Slurm ---- */

/* The first number of "2" or "4-7", and the last. */
static bool range_of(struct str entry, uint64_t *first, uint64_t *last)
{
    if (!str_u64(str_cut(&entry, '-'), first)) return false;
    *last = *first;
    if (entry.p && !str_u64(entry, last)) return false;
    return *first <= *last && *last < DEVICES_MOST;
}

/* Slurm sets the vendors' variables itself, counted within what a job's cgroup lets through. Only without them do its own numbers
 * count, which are those of the whole machine: they are of use while all of it is seen. */
static void slurm_sieve(struct sieve *s)
{
    const char *step = filled(s->in, "SLURM_STEP_GPUS");
    const char *variable = step ? "SLURM_STEP_GPUS" : "SLURM_JOB_GPUS";
    const char *value = filled(s->in, variable);
    struct list kept = {NEW_ARRAY(s->in->arena, size_t, s->gpus + 1), 0};
    if (!value) {
        if (filled(s->in, "SLURM_JOB_ID") && s->list.count)
            note_add(s->in->notes,
                     "this is a job of Slurm to which no GPU was given; what is seen may be "
                     "others'");
        return;
    }
    struct str rest = str_of(value);
    while (rest.n) {
        uint64_t first;
        uint64_t last;
        if (!range_of(str_trim(str_cut(&rest, ',')), &first, &last)) return;
        for (; first <= last; first++) {
            if (first >= s->list.count) return; /* a cgroup has taken cards away already */
            if (!in_list(&kept, s->list.at[first])) kept.at[kept.count++] = s->list.at[first];
        }
    }
    for (size_t i = 0; i < s->list.count; i++)
        if (!in_list(&kept, s->list.at[i])) hide(s, s->list.at[i], reason(s, variable, value, ""));
    s->list = kept;
}

void visible_apply(const struct visible_in *in, struct gpu_seen *gpu, size_t gpus)
{
    static const char *const by_vendor[] = {"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                                            "HIP_VISIBLE_DEVICES", "ZE_AFFINITY_MASK",
                                            "GPU_DEVICE_ORDINAL"};
    const struct {
        const char *vendor;
        void (*sieve)(struct sieve *);
    } runtime[] = {{in->vendors.cuda, cuda_sieve},
                   {in->vendors.rocm, rocm_sieve},
                   {in->vendors.level_zero, level_zero_sieve}};
    bool limited = false;
    for (size_t i = 0; i < COUNT_OF(by_vendor); i++)
        limited = limited || value_of(in, by_vendor[i]);
    for (size_t i = 0; i < COUNT_OF(runtime); i++) {
        struct sieve s = {.in = in, .gpu = gpu, .gpus = gpus};
        cards_listed(&s, runtime[i].vendor);
        if (!s.list.count) continue;
        if (!limited) slurm_sieve(&s);
        runtime[i].sieve(&s);
    }
}
