/* machine/devices.c - which device of llama.cpp is which card that was seen.
 *
 * First every device with a PCI address finds its card by it, whatever the spelling (ggml writes "0000:c1:00.0", NVML eight digits of
 * domain, and a part of a card ends in "-v1"). The rest go by name: the card's own words must end the driver's, with what stands in
 * parentheses, sizes and a last "GPU" or "Graphics" left out, so that a "4070 Ti" is never a "4070". Equal cards are taken in turn. An
 * address that differs is another card, even under the same name. Figures are what the driver said a moment ago to a process that
 * holds a context of its own there. Left out: cards told apart by memory alone. */
#include "machine/devices.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/num.h"
#include "base/units.h"
#include "machine/facts.h"
#include "machine/pci.h"

enum { WORDS_MOST = 16, NAMES_MOST = 256 };
static const size_t nowhere = (size_t)-1;
static const double bytes_most = 0x1p53;

static const struct field device_fields[] = {
    FIELD(FIELD_TEXT, struct device, name, "what llama.cpp calls it"),
    FIELD(FIELD_TEXT, struct device, description, "what its driver calls it"),
    FIELD(FIELD_TEXT, struct device, backend, "the backend of llama.cpp that lists it"),
    FIELD(FIELD_TEXT, struct device, type, "GPU, IGPU, ACCEL or CPU"),
    FIELD(FIELD_TEXT, struct device, id, "its PCI address"),
    FIELD(FIELD_NUMBER, struct device, free_bytes, "memory free, bytes"),
    FIELD(FIELD_NUMBER, struct device, total_bytes, "all its memory, bytes"),
    FIELD(FIELD_BOOL, struct device, software, "the CPU does its work"),
    FIELD(FIELD_TEXT, struct device, source, "who says so"),
};
const struct fields device_table = FIELD_TABLE(struct device, "device", device_fields);

/* A card while the devices are sorted onto it: seen, or added for a device that fits none. */
struct card {
    struct gpu_seen gpu;
    bool added;
};
struct join {
    const struct device *device;
    size_t devices;
    size_t *at; /* the card of each device, or nowhere */
    struct card *card;
    size_t cards;
    struct arena *arena;
};

static bool short_text(const char *text)
{
    return text && *text && strlen(text) <= DEVICE_TEXT_BYTES;
}

/* Not said, or a whole number of bytes. */
static bool size_sound(double bytes)
{
    return isnan(bytes) || (bytes >= 0 && bytes <= bytes_most && floor(bytes) == bytes);
}

bool device_sound(const struct device *d, struct mu_err *err)
{
    if (!short_text(d->name) || !short_text(d->backend) || !short_text(d->type) ||
        !short_text(d->source))
        return err_set(err, MU_DATA, "a device lacks its name, backend, type or source");
    if ((d->description && strlen(d->description) > DEVICE_TEXT_BYTES) ||
        (d->id && strlen(d->id) > DEVICE_TEXT_BYTES))
        return err_set(err, MU_DATA, "a device has a text of over %d bytes", DEVICE_TEXT_BYTES);
    if (!size_sound(d->free_bytes) || !size_sound(d->total_bytes))
        return err_set(err, MU_DATA, "a device has a size that is no number of bytes");
    return true;
}

/* The words that tell a card from others; none of a text that has too many. */
static size_t words_of(struct str text, struct str word[WORDS_MOST])
{
    size_t words = 0;
    size_t deep = 0;
    for (size_t i = 0; i < text.n;) {
        deep += text.p[i] == '(';
        deep -= deep && text.p[i] == ')';
        size_t end = i;
        while (end < text.n && byte_is_word(text.p[end])) end++;
        const struct str one = {text.p + i, end - i};
        if (words == WORDS_MOST) return 0;
        if (one.n && !deep && !units_is_size(one)) word[words++] = one;
        i = one.n ? end : i + 1;
    }
    while (words && (str_eq_nocase(word[words - 1], S("GPU")) ||
                     str_eq_nocase(word[words - 1], S("Graphics"))))
        words--;
    return words;
}

static bool name_ends(struct str description, struct str name)
{
    struct str said[WORDS_MOST];
    struct str wanted[WORDS_MOST];
    const size_t n = words_of(description, said), m = words_of(name, wanted);
    if (!m || m > n) return false;
    for (size_t i = 0; i < m; i++)
        if (!str_eq_nocase(said[n - m + i], wanted[i])) return false;
    return true;
}

/* A card whose PCI id several models share is called "one or another". */
static bool name_fits(const char *description, const char *names)
{
    static const struct str between = {" or ", 4};
    struct str rest = str_of(names);
    while (rest.n) {
        size_t n = 0;
        while (n < rest.n && !str_starts((struct str){rest.p + n, rest.n - n}, between)) n++;
        if (name_ends(str_of(description), (struct str){rest.p, n})) return true;
        const size_t used = n < rest.n ? n + between.n : n;
        rest = (struct str){rest.p + used, rest.n - used};
    }
    return false;
}

static bool same(const char *a, const char *b)
{
    return str_eq(str_of(a), str_of(b));
}

/* A device on a card that no backend lists twice, so that equal cards are taken in turn. */
static bool has_backend(const struct join *j, size_t card, const char *backend)
{
    for (size_t i = 0; i < j->devices; i++)
        if (j->at[i] == card && same(j->device[i].backend, backend)) return true;
    return false;
}

/* Of a card that is cut into slices, the slice: a row that a process may use goes before one that is hidden. */
static size_t by_address(const struct join *j, const struct device *d)
{
    size_t found = nowhere;
    for (size_t c = 0; c < j->cards; c++) {
        const struct gpu_seen *gpu = &j->card[c].gpu;
        if (!pci_same(d->id, gpu->pci_address)) continue;
        if (!gpu->hidden) return c;
        if (found == nowhere) found = c;
    }
    return found;
}

static size_t by_name(const struct join *j, const struct device *d)
{
    uint64_t address;
    const bool addressed = d->id && pci_parse(d->id, &address);
    for (size_t c = 0; c < j->cards && !d->software; c++) {
        const struct gpu_seen *gpu = &j->card[c].gpu;
        if (addressed && gpu->pci_address && pci_parse(gpu->pci_address, &address)) continue;
        if (name_fits(d->description, gpu->name) && !has_backend(j, c, d->backend)) return c;
    }
    return nowhere;
}

static bool is_gpu(const struct device *d)
{
    return d->type && (same(d->type, "GPU") || same(d->type, "IGPU"));
}

static bool said_before(const struct join *j, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (same(j->device[k].name, j->device[i].name) &&
            same(j->device[k].backend, j->device[i].backend))
            return true;
    return false;
}

static const char *visible(const struct join *j, const char *text)
{
    return text && *text ? str_visible(j->arena, str_of(text)) : NULL;
}

static size_t add_card(struct join *j, const struct device *d)
{
    uint64_t address;
    j->card[j->cards] = (struct card){
        .gpu = {.name = visible(j, d->description ? d->description : d->name),
                .pci_address = d->id && pci_parse(d->id, &address) ? visible(j, d->id) : NULL,
                .memory_bytes = unknown("no part of this machine that was seen")},
        .added = true};
    return j->cards++;
}

static void sort_devices(struct join *j)
{
    for (size_t i = 0; i < j->devices; i++) {
        j->at[i] = nowhere;
        if (is_gpu(&j->device[i]) && !said_before(j, i)) j->at[i] = by_address(j, &j->device[i]);
    }
    for (size_t i = 0; i < j->devices; i++) {
        const struct device *d = &j->device[i];
        if (j->at[i] != nowhere || !is_gpu(d) || said_before(j, i)) continue;
        size_t card = by_address(j, d); /* of a card added meanwhile */
        if (card == nowhere) card = by_name(j, d);
        j->at[i] = card == nowhere ? add_card(j, d) : card;
    }
}

static bool sized(double bytes)
{
    return bytes > 0 && bytes <= bytes_most;
}

/* Parts of one card under the same backend, added up; unknown when one of them is. */
static void put_figures(const struct join *j, size_t card, const struct device *first,
                        struct gpu_seen *gpu)
{
    double free_bytes = 0, total_bytes = 0;
    for (size_t i = 0; i < j->devices; i++) {
        const struct device *d = &j->device[i];
        if (j->at[i] != card || !same(d->backend, first->backend)) continue;
        total_bytes += sized(d->total_bytes) ? d->total_bytes : (double)NAN;
        free_bytes +=
            sized(d->free_bytes) && d->free_bytes <= d->total_bytes ? d->free_bytes : (double)NAN;
    }
    const char *source = visible(j, first->source);
    gpu->engine_total_bytes = isnan(total_bytes) ? unknown("its driver does not say")
                                                 : quantity_of(total_bytes, MEASURED, source);
    gpu->engine_free_bytes = isnan(free_bytes) ? unknown("its driver does not say")
                                               : quantity_of(free_bytes, MEASURED, source);
}

static const char *kind_words(const struct card *card, const struct device *d)
{
    if (d->software) return ", on the CPU: for tests only";
    if (same(d->backend, "RPC")) return ", on another machine";
    if (same(d->type, "IGPU")) return ", of the machine's own memory";
    return card->added ? ", not seen on PCI" : "";
}

static void say_card(const struct join *j, size_t at, const struct device *first)
{
    struct card *card = &j->card[at];
    struct gpu_seen *gpu = &card->gpu;
    struct arena *a = j->arena;
    struct buf names;
    buf_init(&names, NAMES_MOST);
    for (size_t i = 0; i < j->devices; i++)
        if (j->at[i] == at) {
            if (names.n) buf_add(&names, S(", "));
            buf_visible(&names, str_of(j->device[i].name));
        }
    gpu->engine = str_copy(a, buf_text(&names));
    buf_release(&names);
    put_figures(j, at, first, gpu);
    const bool own = !first->software && !same(first->backend, "RPC") && !same(first->type, "IGPU");
    if (own && !known(gpu->memory_bytes, NULL)) gpu->memory_bytes = gpu->engine_total_bytes;
    double total_bytes, free_bytes;
    const char *memory = "memory not told";
    if (known(gpu->engine_total_bytes, &total_bytes)) memory = units_bytes(a, total_bytes);
    if (known(gpu->engine_free_bytes, &free_bytes))
        memory = str_format(a, "%s free of %s", units_bytes(a, free_bytes), memory);
    gpu->sized = str_format(a, "%s, %s%s", gpu->engine, memory, kind_words(card, first));
    if (card->added && first->software) gpu->hidden = "the CPU does its work";
    if (card->added && same(first->backend, "RPC")) gpu->hidden = "it is on another machine";
}

static const struct device *first_on(const struct join *j, size_t card)
{
    for (size_t i = 0; i < j->devices; i++)
        if (j->at[i] == card) return &j->device[i];
    return NULL;
}

/* Of a card without a device: none can be, or one of those without an address may be it under a name we don't know. */
static void say_unused(const struct join *j, struct gpu_seen *gpu)
{
    if (gpu->sized && same(gpu->sized, GPU_DISPLAY_ONLY)) return;
    bool maybe = false;
    for (size_t c = 0; c < j->cards; c++)
        maybe =
            maybe || (j->card[c].added && !j->card[c].gpu.pci_address && !first_on(j, c)->software);
    gpu->sized = maybe ? "seen; which device of llama.cpp it is cannot be told"
                       : "seen; no backend of llama.cpp here can use it";
}

const struct machine *devices_join(const struct machine *m, const struct device *device,
                                   size_t devices, struct arena *a)
{
    struct join j = {.device = device,
                     .devices = devices < DEVICES_MOST ? devices : DEVICES_MOST,
                     .cards = m->facts->gpus,
                     .arena = a};
    j.at = NEW_ARRAY(a, size_t, j.devices + 1);
    j.card = NEW_ARRAY(a, struct card, j.cards + j.devices + 1);
    for (size_t c = 0; c < j.cards; c++) j.card[c].gpu = m->facts->gpu[c];
    sort_devices(&j);
    struct gpu_seen *gpu = NEW_ARRAY(a, struct gpu_seen, j.cards + 1);
    for (size_t c = 0; c < j.cards; c++) {
        const struct device *first = first_on(&j, c);
        if (first)
            say_card(&j, c, first);
        else
            say_unused(&j, &j.card[c].gpu);
        gpu[c] = j.card[c].gpu;
    }
    struct facts *facts = NEW(a, struct facts);
    struct machine *joined = NEW(a, struct machine);
    *facts = *m->facts;
    facts->gpu = gpu;
    facts->gpus = j.cards;
    *joined = *m;
    joined->facts = facts;
    return joined;
}
