/* The command line that starts llama.cpp's server as it was judged: every setting that is not the server's own. Flags as llama-server
 * of v0.5.0 spells them (common/arg.cpp). Left out: what the server takes from the model itself. */
#include <string.h>

#include "base/arena.h"
#include "catalog/architecture.h"
#include "catalog/types.h"
#include "judge/cpu_placement.h"
#include "judge/placement.h"
#include "machine/facts.h"
#include "model/digest.h"
#include "verb/beside_model.h"

enum { COMMAND_BYTES_MOST = 16384 };

/* A word as a shell reads it back: in single quotes unless it is plain. */
static void add_word(struct buf *b, const char *word)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@+,";
    if (*word && strspn(word, plain) == strlen(word)) {
        buf_add(b, str_of(word));
        return;
    }
    buf_char(b, '\'');
    for (; *word; word++)
        if (*word == '\'')
            buf_add(b, S("'\\''"));
        else
            buf_char(b, *word);
    buf_char(b, '\'');
}

const char *shell_word(const char *word, struct arena *a)
{
    struct buf b;
    buf_init(&b, COMMAND_BYTES_MOST);
    add_word(&b, word);
    const char *text = str_copy(a, buf_text(&b));
    buf_release(&b);
    return text;
}

const char *lower_case(struct arena *a, const char *name)
{
    char *text = NEW_ARRAY(a, char, strlen(name) + 1);
    for (size_t i = 0; name[i]; i++)
        text[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    return text;
}

static bool encodes(const struct asked *asked)
{
    const struct architecture *arch = asked->digest->shape->arch;
    return arch && arch->encoder;
}

/* llama.cpp's name of a device, as the engine heard it, else as its backend counts them: in their order. */
static const char *device_name(const struct machine *m, size_t place, struct arena *a)
{
    const struct place *p = &m->place[place];
    const char *name = m->facts && p->gpu < m->facts->gpus ? m->facts->gpu[p->gpu].engine : NULL;
    size_t number = 0;
    if (name) return name;
    if (!p->backend) return "?";
    for (size_t i = 0; i < place; i++)
        if (m->place[i].backend && strcmp(m->place[i].backend, p->backend) == 0) number++;
    return str_format(a, "%s%zu", p->backend, number);
}

static bool same_word(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool heard_by_engine(const struct machine *m, const struct place *p)
{
    return m->facts && p->gpu < m->facts->gpus && m->facts->gpu[p->gpu].engine;
}

/* Whether the backend of a device has unlike ones on this machine: by itself it may put the fastest first. */
static bool has_unlike(const struct machine *m, const struct place *p)
{
    for (size_t i = 0; p->backend && i < m->places; i++) {
        const struct place *other = &m->place[i];
        if (same_word(other->backend, p->backend) && !same_word(other->part, p->part)) return true;
    }
    return false;
}

/* The environment in which unlike devices of a backend are counted as here. */
static void add_environment(struct buf *b, const struct placed *p)
{
    const struct split *s = &p->verdict->split;
    const char *said = NULL;
    for (int i = 1; i < s->sites; i++) {
        const struct place *device = &p->machine->place[p->verdict->site[i].place];
        const char *in_order = s->rules[i] ? s->rules[i]->in_order : NULL;
        if (!in_order || same_word(in_order, said)) continue;
        if (heard_by_engine(p->machine, device) || !has_unlike(p->machine, device)) continue;
        buf_format(b, "%s ", in_order);
        said = in_order;
    }
}

const char *device_order_words(const struct placed *p, struct arena *a)
{
    uint16_t usual[SITES - 1];
    const struct machine *m = p->machine;
    const size_t devices = placement_devices(m, usual);
    struct buf b;
    bool unlike = false;
    if (p->verdict->split.sites < 2) return NULL;
    buf_init(&b, COMMAND_BYTES_MOST);
    for (size_t i = 0; i < devices; i++) {
        const struct place *device = &m->place[usual[i]];
        const bool as_first = same_word(device->part, m->place[usual[0]].part) &&
                              same_word(device->backend, m->place[usual[0]].backend);
        unlike = unlike || (!as_first && !heard_by_engine(m, device));
        buf_format(&b, "%s%s", i ? ", " : "", place_called(m, usual[i], a));
    }
    const char *text = unlike ? str_copy(a, buf_text(&b)) : NULL;
    buf_release(&b);
    return text;
}

/* Devices are named where llama.cpp by itself would take others. */
static void add_devices(struct buf *b, const struct placed *p, struct arena *a)
{
    uint16_t usual[SITES - 1];
    const struct split *s = &p->verdict->split;
    const size_t devices = placement_devices(p->machine, usual);
    if (devices == (size_t)s->sites - 1) return;
    if (s->sites == 1) buf_add(b, S(" -dev none"));
    for (int i = 1; i < s->sites; i++)
        buf_format(b, "%s%s", i == 1 ? " -dev " : ",",
                   device_name(p->machine, p->verdict->site[i].place, a));
}

/* What lies where. Layers given as shares are dealt as they are counted (src/llama-model.cpp). */
static void add_placement(struct buf *b, const struct placed *p, struct arena *a)
{
    const struct split *s = &p->verdict->split;
    double layers = 0;
    add_devices(b, p, a);
    for (int i = 1; i < s->sites; i++) layers += s->layers[i];
    if (s->sites > 1) buf_format(b, " -ngl %.0f", layers);
    for (int i = 1; s->sites > 2 && i < s->sites; i++)
        buf_format(b, "%s%.0f", i == 1 ? " -ts " : ",", s->layers[i]);
    if (s->sites > 1 && s->host_experts > 0) buf_format(b, " -ncmoe %.0f", s->host_experts);
    if (s->sites > 1 && s->host_cache) buf_add(b, S(" -nkvo"));
}

/* "all", or the nodes that have CPUs where some have memory alone: that may be slower. */
static void add_nodes(struct buf *b, const struct machine *m)
{
    const struct facts *f = m->facts;
    bool all = true, first = true;
    for (size_t i = 0; i < f->numa_nodes; i++) all = all && known_or(f->numa[i].cpus, 0) >= 1;
    if (all) {
        buf_add(b, S("all"));
        return;
    }
    for (size_t i = 0; i < f->numa_nodes; i++) {
        if (!(known_or(f->numa[i].cpus, 0) >= 1)) continue;
        buf_format(b, "%s%.0f", first ? "" : ",", f->numa[i].id);
        first = false;
    }
}

static void add_pinned(struct buf *b, const struct cpu_placement *cpu)
{
    for (size_t i = 0; i < cpu->pinned; i++) buf_format(b, "%s%.0f", i ? "," : "", cpu->node[i]);
}

static bool spreads(const struct cpu_placement *cpu)
{
    return cpu->nodes == NODES_TOO_SMALL || cpu->nodes == NODES_PARTS;
}

/* What starts the server where its threads and pages belong. */
static void add_starter(struct buf *b, const struct machine *m, const struct cpu_placement *cpu)
{
    if (cpu->pinned) {
        /* pages of several nodes in turn: each has its own part of the socket's channels */
        buf_add(b, S("numactl --cpunodebind="));
        add_pinned(b, cpu);
        buf_format(b, cpu->pinned > 1 ? " --interleave=" : " --membind=");
        add_pinned(b, cpu);
        buf_char(b, ' ');
    }
    if (!spreads(cpu)) return;
    buf_add(b, S("numactl --interleave="));
    add_nodes(b, m);
    buf_char(b, ' ');
}

static void add_threads(struct buf *b, const struct cpu_placement *cpu)
{
    if (cpu->threads > 0 && (cpu->by == THREADS_ASKED || cpu->threads != cpu->usual_threads))
        buf_format(b, " -t %.0f", cpu->threads);
    if (cpu->batch_threads > 0) buf_format(b, " -tb %.0f", cpu->batch_threads);
    if (spreads(cpu)) buf_add(b, S(" --numa distribute"));
}

/* The settings that are not llama-server's own; its context and number of sequences are always said. */
static void add_settings(struct buf *b, const struct asked *asked, struct arena *a)
{
    const struct generate *g = &asked->knobs;
    struct generate usual;
    generate_usual(&usual, asked->digest, asked->digest->types);
    buf_format(b, " -c %.0f -np %.0f", generate_all_tokens(g), g->sequences);
    if (g->batch_tokens != usual.batch_tokens) buf_format(b, " -b %.0f", g->batch_tokens);
    if (g->ubatch_tokens != usual.ubatch_tokens) buf_format(b, " -ub %.0f", g->ubatch_tokens);
    if (g->kv_type_k != usual.kv_type_k)
        buf_format(b, " -ctk %s", lower_case(a, g->kv_type_k->name));
    if (g->kv_type_v != usual.kv_type_v)
        buf_format(b, " -ctv %s", lower_case(a, g->kv_type_v->name));
    const struct {
        bool differs;
        const char *option;
    } flag[] = {{g->flash_attention == (double)FLASH_ON, " -fa on"},
                {g->flash_attention == (double)FLASH_OFF, " -fa off"},
                {!g->mmap, " --load-mode none"},
                {g->repack != (double)REPACK_ON, " --no-repack"},
                {g->kv_unified, " -kvu"},
                {g->swa_full, " --swa-full"},
                {g->embeddings || encodes(asked), " --embeddings"}};
    for (size_t i = 0; i < COUNT_OF(flag); i++)
        if (flag[i].differs) buf_add(b, str_of(flag[i].option));
}

const char *llama_command(const struct placed *p, struct arena *a)
{
    struct buf line;
    struct cpu_placement cpu;
    judge_cpu_placement(&p->asked->task, p->machine, p->verdict, &cpu);
    buf_init(&line, COMMAND_BYTES_MOST);
    add_environment(&line, p);
    const struct asked *asked = p->asked;
    add_starter(&line, p->machine, &cpu);
    buf_add(&line, asked->url ? S("llama-server --model-url ") : S("llama-server -m "));
    add_word(&line, asked->url ? asked->url : (asked->file ? asked->file : "MODEL.gguf"));
    add_settings(&line, p->asked, a);
    add_threads(&line, &cpu);
    add_placement(&line, p, a);
    const bool devices = p->verdict->split.sites > 1;
    beside_command(p->asked->beside,
                   devices ? device_name(p->machine, p->verdict->site[1].place, a) : NULL, a,
                   &line);
    const char *text = str_copy(a, buf_text(&line));
    buf_release(&line);
    return text;
}
