/* NVIDIA's GPUs as their driver knows them: names, memory and what of it is free at this moment, slices, links, limits.
 *
 * From the driver's library (machine/probe_nvml.h) on the machine itself, and from /proc/driver/nvidia (version, gpus/ADDRESS/
 * information, as NVIDIA's driver README describes them), which is all that a captured tree has. Cards are joined by PCI address to those
 * that the bus shows. A card whose driver reports no memory of its own is part of a chip and uses the machine's memory: GB10 and
 * Jetson answer "not supported" where cards answer in bytes. Nothing here was recorded on such a machine; it follows the documents.
 * An answer that contradicts itself is left out and said, and what bus and catalogue know stays. Left out: vGPU licences, clocks. */
#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/root.h"
#include "machine/gpu_part.h"
#include "machine/pci.h"
#include "machine/probe.h"
#include "machine/probe_nvml.h"
#include "machine/proc_text.h"

#include <math.h>
#include <string.h>

enum { GPUS_MOST = 64, SLICES_MOST = 64, PROCESSES_MOST = 1000000, VENDOR_ID = 0x10de };
static const char vendor_name[] = "NVIDIA";
static const char no_slices[] = "MIG is on and no slice is made";
static const double bytes_most = 0x1p53, power_most_w = 1e5;

struct asking {
    const struct looking *in;
    struct draft *out;
    struct nvml nvml;
    size_t joined[GPUS_MOST]; /* rows of facts.gpu that the library knows */
    size_t joins;
    const char *driver, *runtime;
    const char *silent; /* why the library would not name a card, the last time it did not */
};

static bool is_ours(const struct gpu_seen *g)
{
    return g->vendor && strcmp(g->vendor, vendor_name) == 0;
}

static bool is_slice(const struct gpu_seen *g)
{
    return g->parent != NULL;
}

/* ---- /proc/driver/nvidia ---- */

/* "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 ...": the first word of digits and dots. */
static const char *version_in(struct arena *a, struct str line)
{
    while (line.n) {
        const struct str word = str_cut(&line, ' ');
        bool dots = false;
        size_t i = 0;
        for (; i < word.n; i++) {
            if (word.p[i] != '.' && !(word.p[i] >= '0' && word.p[i] <= '9')) break;
            dots = dots || word.p[i] == '.';
        }
        if (word.n && i == word.n && dots && word.p[0] != '.') return str_copy(a, word);
    }
    return NULL;
}

static size_t row_at(const struct draft *out, const char *address)
{
    for (size_t i = 0; i < out->facts.gpus; i++) {
        const struct gpu_seen *g = &out->facts.gpu[i];
        if (is_ours(g) && !is_slice(g) && pci_same(address, g->pci_address)) return i;
    }
    return SIZE_MAX;
}

/* The last row, or SIZE_MAX when the list was full. */
static size_t row_added(struct draft *out, const char *address)
{
    const size_t before = out->facts.gpus;
    draft_add_gpu(out, (struct gpu_seen){.vendor = vendor_name,
                                         .driver = "nvidia",
                                         .pci_address = address,
                                         .memory_bytes = unknown("its driver does not say"),
                                         .sized = "seen, not sized yet"});
    return out->facts.gpus > before ? before : SIZE_MAX;
}

static void card_in_proc(const struct looking *in, struct draft *out, const char *address)
{
    struct str text, value;
    const char *path = str_format(in->arena, "/proc/driver/nvidia/gpus/%s/information", address);
    uint64_t parsed;
    if (!pci_parse(address, &parsed) || !root_text(in->root, path, in->arena, &text)) return;
    size_t row = row_at(out, address);
    if (row == SIZE_MAX) row = row_added(out, pci_spelt(in->arena, parsed));
    if (row == SIZE_MAX) return;
    struct gpu_seen *g = draft_gpu(out, row);
    if (proc_value(text, "Model", &value) && value.n && !str_is(value, "Unknown"))
        g->name = str_visible(in->arena, value);
    if (proc_value(text, "GPU UUID", &value) && str_starts(value, S("GPU-")) &&
        !memchr(value.p, '?', value.n))
        g->uuid = str_visible(in->arena, value);
    if (proc_value(text, "GPU Excluded", &value) && str_is(value, "Yes"))
        g->hidden = "its driver was told to leave it out";
}

static void proc_read(const struct looking *in, struct draft *out)
{
    const char *const *address;
    size_t cards;
    struct str text, value;
    if (root_names(in->root, "/proc/driver/nvidia/gpus", in->arena, &address, &cards))
        for (size_t i = 0; i < cards && i < GPUS_MOST; i++) card_in_proc(in, out, address[i]);
    if (!root_text(in->root, "/proc/driver/nvidia/version", in->arena, &text) ||
        !proc_value(text, "NVRM version", &value))
        return;
    const char *version = version_in(in->arena, value);
    for (size_t i = 0; i < out->facts.gpus; i++) {
        struct gpu_seen *g = draft_gpu(out, i);
        if (is_ours(g) && g->driver && strcmp(g->driver, "nvidia") == 0)
            g->driver_version = version;
    }
}

/* ---- one card, asked of the library ---- */

static const char *name_of(const struct gpu_seen *g)
{
    return g->name ? g->name : "a GPU without a name";
}

static const char *text_asked(const struct asking *q, nvml_device device,
                              int (*ask)(nvml_device, char *, unsigned))
{
    char text[NVML_TEXT_BYTES] = "";
    if (!ask || ask(device, text, sizeof text) != NVML_OK) return NULL;
    return nvml_text(q->in->arena, text, sizeof text);
}

/* NULL when it is none: "GPU-" or "MIG-", then letters, digits, hyphens, and slashes of the older form of slices. */
static const char *uuid_asked(const struct asking *q, nvml_device device)
{
    const char *uuid = text_asked(q, device, q->nvml.uuid);
    if (!uuid || (strncmp(uuid, "GPU-", 4) != 0 && strncmp(uuid, "MIG-", 4) != 0)) return NULL;
    for (const char *p = uuid; *p; p++)
        if (!strchr("0123456789abcdefABCDEFGPUMI-/", *p)) return NULL;
    return uuid;
}

static bool number_asked(int (*ask)(nvml_device, unsigned *), nvml_device device, unsigned *out)
{
    unsigned value = 0;
    if (!ask || ask(device, &value) != NVML_OK) return false;
    *out = value;
    return true;
}

static const char *address_asked(const struct asking *q, nvml_device device, const char **pci_id)
{
    struct nvml_pci pci;
    uint64_t address;
    memset(&pci, 0, sizeof pci);
    *pci_id = NULL;
    if (!q->nvml.pci || q->nvml.pci(device, &pci) != NVML_OK) return NULL;
    if ((pci.ids & 0xffff) == VENDOR_ID)
        *pci_id = str_format(q->in->arena, "%04x:%04x", pci.ids & 0xffff, pci.ids >> 16);
    const char *text = nvml_text(q->in->arena, pci.id, sizeof pci.id);
    if (!text || !pci_parse(text, &address)) {
        if (pci.bus > 0xff || pci.device > 0x1f) return NULL;
        address = (uint64_t)pci.domain << 16 | pci.bus << 8 | pci.device << 3;
    }
    return pci_spelt(q->in->arena, address);
}

static bool is_joined(const struct asking *q, size_t row)
{
    for (size_t i = 0; i < q->joins; i++)
        if (q->joined[i] == row) return true;
    return false;
}

/* The row of a card: by address, or, where either has none, the next that was not asked for; else a new one. */
static size_t row_of(const struct asking *q, const char *address)
{
    struct draft *out = q->out;
    const size_t same = address ? row_at(out, address) : SIZE_MAX;
    if (same != SIZE_MAX) return same;
    for (size_t i = 0; i < out->facts.gpus; i++) {
        const struct gpu_seen *g = &out->facts.gpu[i];
        if (is_ours(g) && !is_slice(g) && !is_joined(q, i) && !(address && g->pci_address))
            return i;
    }
    return row_added(out, address);
}

/* Bytes as the library counts them; false with the status when it does not say, or with NVML_OK when what it says cannot be. */
static bool memory_asked(const struct asking *q, nvml_device device, struct nvml_memory2 *out,
                         int *status)
{
    struct nvml_memory2 m = {.version = NVML_VERSIONED(struct nvml_memory2, 2)};
    *status = q->nvml.memory2 ? q->nvml.memory2(device, &m) : NVML_NOT_SUPPORTED;
    if (*status != NVML_OK) {
        struct nvml_memory old = {0};
        *status = q->nvml.memory(device, &old);
        m = (struct nvml_memory2){.total = old.total, .free = old.free, .used = old.used};
    }
    if (*status != NVML_OK || !m.total || (double)m.total > bytes_most || m.used > m.total ||
        m.free > m.total - m.used || m.reserved > m.total)
        return false;
    *out = m;
    return true;
}

static void memory_put(const struct asking *q, struct gpu_seen *g, const struct nvml_memory2 *m)
{
    struct arena *a = q->in->arena;
    const char *source = "NVML";
    if (m->reserved)
        source =
            str_format(a, "NVML; its driver keeps %.0f MiB of it", (double)m->reserved / 0x1p20);
    g->memory_bytes = quantity_of((double)m->total, REPORTED, "NVML");
    g->free_bytes = quantity_of((double)m->free, REPORTED, "NVML");
    g->used_bytes = quantity_of((double)(m->total - m->free), REPORTED, source);
    g->sized =
        str_format(a, "%.1f of %.1f GiB free", (double)m->free / 0x1p30, (double)m->total / 0x1p30);
}

/* Part of a chip, computing in the machine's own memory: the catalogue says so of it, or its driver has no memory to report and does
 * not deny that it uses the host's page tables. */
static bool is_unified(const struct asking *q, nvml_device device, const struct gpu_seen *g,
                       bool told)
{
    const struct gpu_part *part = gpu_part_of(q->in->catalog, g);
    if (part) return part->unified_memory;
    if (told) return false;
    struct nvml_addressing addressing = {.version = NVML_VERSIONED(struct nvml_addressing, 1)};
    return !q->nvml.addressing || q->nvml.addressing(device, &addressing) != NVML_OK ||
           addressing.mode == NVML_ATS;
}

static void unified_put(const struct asking *q, struct gpu_seen *g)
{
    g->kind = "integrated gpu";
    g->memory_bytes = quantity_of(0, REPORTED, "NVML: it has no memory of its own");
    g->free_bytes = g->used_bytes = unknown("it computes in the machine's own memory");
    g->shared_bytes = q->out->facts.memory.total_bytes;
    g->shared_used_bytes = unknown("not told apart from what the CPU uses");
    g->limited_by = "all of the machine's memory";
    g->sized = "in the machine's own memory";
}

static void memory_filled(const struct asking *q, nvml_device device, struct gpu_seen *g)
{
    struct nvml_memory2 m;
    struct notes *notes = q->in->notes;
    int status;
    const bool told = memory_asked(q, device, &m, &status);
    const bool none = status == NVML_NOT_SUPPORTED || (status == NVML_OK && !told);
    if ((told || none) && is_unified(q, device, g, told || status == NVML_OK)) {
        unified_put(q, g);
    } else if (told) {
        memory_put(q, g, &m);
    } else if (status == NVML_OK) {
        note_add(notes,
                 "what the driver says of the memory of %s contradicts itself and is left out",
                 name_of(g));
    } else {
        const char *words = nvml_words(q->in->arena, status);
        note_add(notes, "the memory of %s is not known from its driver: %s", name_of(g), words);
        if (status == NVML_GPU_LOST) g->hidden = str_format(q->in->arena, "its driver: %s", words);
    }
}

static void link_filled(const struct asking *q, nvml_device device, struct gpu_seen *g)
{
    unsigned generation;
    unsigned lanes;
    /* an idle link rests at a lower generation and wakes under load; its lanes stay */
    if (!number_asked(q->nvml.generation_most, device, &generation) &&
        !number_asked(q->nvml.generation, device, &generation))
        return;
    if (!number_asked(q->nvml.lanes, device, &lanes)) return;
    g->link = pci_link_words(q->in->arena, generation, lanes);
    g->link_bytes_per_s = pci_link_rate(generation, lanes);
}

static void limits_filled(const struct asking *q, nvml_device device, struct gpu_seen *g)
{
    unsigned value;
    int major = 0;
    int minor = 0;
    if (q->nvml.compute && q->nvml.compute(device, &major, &minor) == NVML_OK && major > 0 &&
        major < 100 && minor >= 0 && minor < 100)
        g->compute = str_format(q->in->arena, "%d.%d", major, minor);
    if (number_asked(q->nvml.power, device, &value) && value && value / 1e3 <= power_most_w)
        g->power_w = quantity_of(value / 1e3, REPORTED, "NVML, its power limit");
    int (*ask)(nvml_device, unsigned *, void *) =
        q->nvml.processes ? q->nvml.processes : q->nvml.processes_old;
    value = 0;
    const int status = ask ? ask(device, &value, NULL) : NVML_NOT_SUPPORTED;
    if ((status == NVML_OK || status == NVML_BUFFER_SMALL) && value <= PROCESSES_MOST)
        g->processes = quantity_of(value, REPORTED, "NVML, programs that compute on it");
}

/* ---- NVLink ---- */

struct peer {
    const char *words;
    unsigned links;
};

static const char *far_end(const struct asking *q, nvml_device device, unsigned link)
{
    struct nvml_pci pci;
    unsigned kind = 0;
    uint64_t address;
    memset(&pci, 0, sizeof pci);
    if (q->nvml.link_kind && q->nvml.link_kind(device, link, &kind) == NVML_OK &&
        kind == NVML_SWITCH)
        return "a switch";
    if (!q->nvml.link_end || q->nvml.link_end(device, link, &pci) != NVML_OK) return NULL;
    const char *text = nvml_text(q->in->arena, pci.id, sizeof pci.id);
    return text && pci_parse(text, &address) ? pci_spelt(q->in->arena, address) : NULL;
}

static void peers_filled(const struct asking *q, nvml_device device, struct gpu_seen *g)
{
    enum { WORDS_MOST = 1024 };
    struct peer peer[NVML_LINKS_MOST];
    size_t peers = 0;
    for (unsigned link = 0; q->nvml.link && link < NVML_LINKS_MOST; link++) {
        unsigned state = 0;
        if (q->nvml.link(device, link, &state) != NVML_OK || state != NVML_ON) continue;
        const char *words = far_end(q, device, link);
        if (!words) continue;
        size_t i = 0;
        while (i < peers && strcmp(peer[i].words, words) != 0) i++;
        if (i == peers) peer[peers++] = (struct peer){words, 0};
        peer[i].links++;
    }
    if (!peers) return;
    struct buf text;
    buf_init(&text, WORDS_MOST);
    for (size_t i = 0; i < peers; i++)
        buf_format(&text, "%sNVLink to %s, %u link%s", i ? "; " : "", peer[i].words, peer[i].links,
                   peer[i].links == 1 ? "" : "s");
    g->peers = str_copy(q->in->arena, buf_text(&text));
    buf_release(&text);
}

/* ---- slices ---- */

/* The card's own values stand in the row already; a slice has a name, a UUID and memory of its own. */
static void slice_added(const struct asking *q, nvml_device device, size_t parent)
{
    const struct gpu_seen *card = &q->out->facts.gpu[parent];
    struct nvml_memory2 m;
    struct nvml_attributes attributes;
    int status;
    struct gpu_seen g = {.kind = "gpu slice",
                         .vendor = vendor_name,
                         .driver = card->driver,
                         .driver_version = card->driver_version,
                         .runtime = card->runtime,
                         .compute = card->compute,
                         .pci_address = card->pci_address,
                         .pci_id = card->pci_id,
                         .link = card->link,
                         .link_bytes_per_s = card->link_bytes_per_s,
                         .parent = card->uuid ? card->uuid : card->pci_address,
                         .memory_bytes = unknown("its driver does not say"),
                         .sized = "seen, not sized yet"};
    if (!g.parent) g.parent = name_of(card);
    g.name = text_asked(q, device, q->nvml.name);
    if (!g.name) g.name = str_format(q->in->arena, "%s MIG", name_of(card));
    g.uuid = uuid_asked(q, device);
    memset(&attributes, 0, sizeof attributes);
    if (memory_asked(q, device, &m, &status))
        memory_put(q, &g, &m);
    else if (q->nvml.attributes && q->nvml.attributes(device, &attributes) == NVML_OK &&
             attributes.memory_mib && (double)attributes.memory_mib <= bytes_most / 0x1p20)
        g.memory_bytes =
            quantity_of((double)attributes.memory_mib * 0x1p20, REPORTED, "NVML, of the slice");
    limits_filled(q, device, &g);
    g.compute = card->compute;
    g.power_w = unknown("its card's limit is for all slices");
    draft_add_gpu(q->out, g);
}

static void slices_added(const struct asking *q, nvml_device device, size_t row)
{
    unsigned mode = 0, pending = 0, slots = 0;
    size_t slices = 0;
    if (!q->nvml.mig || q->nvml.mig(device, &mode, &pending) != NVML_OK || mode != NVML_ON ||
        !q->nvml.slice || !number_asked(q->nvml.slots, device, &slots))
        return;
    for (unsigned i = 0; i < slots && i < SLICES_MOST; i++) {
        nvml_device slice = NULL;
        if (q->nvml.slice(device, i, &slice) != NVML_OK || !slice) continue;
        slice_added(q, slice, row);
        slices++;
    }
    draft_gpu(q->out, row)->hidden = slices ? "cut into slices (MIG)" : no_slices;
}

/* ---- all cards ---- */

static void name_filled(const struct asking *q, nvml_device device, struct gpu_seen *g)
{
    char text[NVML_TEXT_BYTES] = "";
    const int status = q->nvml.name(device, text, sizeof text);
    const char *name = status == NVML_OK ? nvml_text(q->in->arena, text, sizeof text) : NULL;
    if (name)
        g->name = name;
    else if (status == NVML_OK)
        note_add(q->in->notes, "the name that the driver gives %s is none and is left out",
                 g->name ? g->name : "a GPU");
    else
        note_add(q->in->notes, "the driver gives no name for %s: %s", g->name ? g->name : "a GPU",
                 nvml_words(q->in->arena, status));
}

static void card_asked(struct asking *q, unsigned index)
{
    nvml_device device = NULL;
    const char *pci_id;
    const int status = q->nvml.by_index(index, &device);
    if (status != NVML_OK || !device) {
        q->silent = nvml_words(q->in->arena, status);
        note_add(q->in->notes, "GPU %u is not known from its driver: %s", index, q->silent);
        return;
    }
    const char *address = address_asked(q, device, &pci_id);
    const size_t row = row_of(q, address);
    if (row == SIZE_MAX) return;
    if (is_joined(q, row)) {
        note_add(q->in->notes, "the driver names %s twice; the second is left out",
                 address ? address : "a GPU");
        return;
    }
    q->joined[q->joins++] = row;
    struct gpu_seen *g = draft_gpu(q->out, row);
    if (!g->pci_id) g->pci_id = pci_id;
    g->driver_version = q->driver ? q->driver : g->driver_version;
    g->runtime = q->runtime;
    name_filled(q, device, g);
    const char *uuid = uuid_asked(q, device);
    if (uuid) g->uuid = uuid;
    memory_filled(q, device, g);
    limits_filled(q, device, g);
    if (!g->kind) link_filled(q, device, g); /* a chip's own GPU is on no slot */
    peers_filled(q, device, g);
    slices_added(q, device, row);
}

static void system_asked(struct asking *q)
{
    char text[NVML_TEXT_BYTES] = "";
    int version = 0;
    if (q->nvml.driver && q->nvml.driver(text, sizeof text) == NVML_OK)
        q->driver = nvml_text(q->in->arena, text, sizeof text);
    /* 1000 times the major number, 10 times the minor one */
    if (q->nvml.cuda && q->nvml.cuda(&version) == NVML_OK && version >= 1000 && version < 1000000)
        q->runtime = str_format(q->in->arena, "CUDA %d.%d", version / 1000, version % 1000 / 10);
}

/* Cards that are on the bus, and that the library does not know of. */
static void rest_hidden(const struct asking *q)
{
    for (size_t i = 0; i < q->out->facts.gpus; i++) {
        struct gpu_seen *g = draft_gpu(q->out, i);
        if (!is_ours(g) || is_slice(g) || g->hidden || is_joined(q, i)) continue;
        if (q->silent)
            g->hidden = str_format(q->in->arena, "its driver: %s", q->silent);
        else if (!g->driver || strcmp(g->driver, "nvidia") == 0)
            g->hidden = "its driver does not give it to this process";
        else
            g->hidden = str_format(q->in->arena, "bound to the driver %s", g->driver);
    }
}

static bool any_ours(const struct draft *out)
{
    for (size_t i = 0; i < out->facts.gpus; i++)
        if (is_ours(&out->facts.gpu[i])) return true;
    return false;
}

static void library_asked(const struct looking *in, struct draft *out)
{
    struct asking *q = NEW(in->arena, struct asking);
    struct mu_err err = {.code = MU_OK};
    unsigned cards = 0;
    *q = (struct asking){.in = in, .out = out};
    if (!nvml_open(&q->nvml, in->arena, &err)) {
        if (err.code != MU_NOINPUT || any_ours(out))
            fell_back(in->notes, "PCI and /proc/driver/nvidia for GPUs, without their free memory",
                      err.text);
        return;
    }
    const int status = q->nvml.count(&cards);
    if (status != NVML_OK || cards > GPUS_MOST) {
        fell_back(in->notes, "PCI and /proc/driver/nvidia for GPUs, without their free memory",
                  status != NVML_OK
                      ? nvml_words(in->arena, status)
                      : str_format(in->arena, "the driver counts %u GPUs, which cannot be", cards));
    } else {
        system_asked(q);
        for (unsigned i = 0; i < cards; i++) card_asked(q, i);
        rest_hidden(q);
    }
    nvml_close(&q->nvml);
}

static void finds(const struct looking *in, struct draft *out)
{
    proc_read(in, out);
    if (!in->root->captured) library_asked(in, out);
    for (size_t i = 0; i < out->facts.gpus; i++) {
        struct gpu_seen *g = draft_gpu(out, i);
        if (!is_ours(g) || is_slice(g)) continue;
        const struct gpu_part *part = gpu_part_of(in->catalog, g);
        if (part) g->part = part->name;
    }
}

const struct probe probe_gpu_nvml = {"nvidia", "GPUs as NVIDIA's driver knows them", finds};
