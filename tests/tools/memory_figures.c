/* tests/tools/memory_figures.c - what muster says a catalogue model needs on this machine's CPU, by the exact plan and by the closed form:
 *
 *     memory_figures NAME QUANT [backend=NAME] [gpu_layers=N] [cpu_experts=N] [host_cache=N] [KNOB=VALUE]...
 *
 * One JSON map: {"plan": {"weights", "kv", "compute", "output", "total", "device"}, "closed": the same}, in bytes. With a backend there is
 * one device, which holds so many layers (the output is one); device: its bytes. For tools/bench-exact and tools/bench-fit-params. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/notes.h"
#include "base/root.h"
#include "catalog/backend.h"
#include "catalog/types.h"
#include "judge/judge.h"
#include "model/digest.h"

static const char *const groups[] = {"weights", "kv", "compute", "output"};

static bool this_machine(const struct catalog *c, struct arena *a, struct generate *g,
                         struct mu_err *err)
{
    struct root root;
    const struct machine *m = NULL;
    if (!root_open(NULL, &root, err)) return false;
    const struct looking in = {.root = &root, .catalog = c, .arena = a};
    const bool seen = machine_detect(&in, &m, err);
    root_close(&root);
    if (seen) judge_buffers(m, c, a, g);
    return seen;
}

/* What was asked of the split; its counts are set once the model is known. */
struct wanted {
    const struct backend *backend;
    struct site_rules rules;
    double gpu_layers, cpu_experts, host_cache;
};

static bool is_of_split(struct wanted *w, struct str name, struct str value,
                        const struct catalog *c)
{
    if (str_is(name, "backend")) w->backend = catalog_backend(c, value);
    return str_is(name, "backend") ||
           (str_is(name, "gpu_layers") && str_f64(value, &w->gpu_layers)) ||
           (str_is(name, "cpu_experts") && str_f64(value, &w->cpu_experts)) ||
           (str_is(name, "host_cache") && str_f64(value, &w->host_cache));
}

static struct split split_of(struct wanted *w, double layers)
{
    if (!w->backend) return split_host;
    const double on_device = w->gpu_layers < layers + 1 ? w->gpu_layers : layers + 1;
    w->rules = site_rules_of(w->backend);
    struct split s = {.sites = 2,
                      .rules = {NULL, &w->rules},
                      .host_experts = w->cpu_experts,
                      .host_cache = w->host_cache > 0};
    s.layers[0] = s.first_layer[1] = layers + 1 - on_device;
    s.layers[1] = on_device;
    return s;
}

static bool knobs_set(struct generate *g, struct wanted *w, int argc, char **argv,
                      const struct catalog *c, struct mu_err *err)
{
    for (int i = 0; i < argc; i++) {
        struct str value = str_of(argv[i]);
        const struct str name = str_cut(&value, '=');
        if (is_of_split(w, name, value, c)) continue;
        if (!knob_set(cost_workload(S("generate")), g, name, value, c, err)) return false;
    }
    return true;
}

static bool say(struct writer *w, const char *name, const struct task *task,
                const struct split *split, struct mu_err *err)
{
    struct bill *b = calloc(1, sizeof *b);
    if (!b) out_of_memory();
    cost_bill(task, split, b);
    const bool computed = !b->unruled || err_set(err, MU_NO, "not computed: %s", b->unruled);
    writer_key(w, name);
    writer_map(w);
    for (size_t i = 0; i < COUNT_OF(groups); i++)
        writer_put_number(w, groups[i], bill_group(b, groups[i]));
    writer_put_number(w, "total", bill_held(b, ON_HOST));
    writer_put_number(w, "device", bill_held(b, 1));
    writer_map_end(w);
    free(b);
    return computed;
}

static bool answer(int argc, char **argv, struct arena *a, struct writer *w, struct mu_err *err)
{
    const struct catalog *c = catalog_open(NULL, a);
    struct notes notes = {.arena = a};
    struct model m;
    struct digest d;
    struct generate g;
    struct wanted wanted = {.backend = NULL};
    const struct mix *mix = catalog_mix(c, str_of(argv[2]));
    if (!mix) return err_set(err, MU_USAGE, "no mix is called %s", argv[2]);
    if (!model_open(argv[1], c, a, &notes, &m, err)) return false;
    if (m.tensors)
        digest_of_model(&m, c, &d);
    else
        digest_of_shape(&m.shape, mix, c, &d);
    generate_usual(&g, &d, catalog_types(c, NULL));
    if (!this_machine(c, a, &g, err) || !knobs_set(&g, &wanted, argc - 3, argv + 3, c, err))
        return false;
    writer_map(w);
    g.closed_form = false;
    const struct split split = split_of(&wanted, m.shape.layers);
    const struct task task = {cost_workload(S("generate")), &d, &g};
    bool good = say(w, "plan", &task, &split, err);
    g.closed_form = true;
    good = good && say(w, "closed", &task, &split, err);
    if (good) writer_map_end(w);
    return good;
}

int main(int argc, char **argv)
{
    struct mu_err err = {.code = MU_OK};
    struct buf text;
    if (argc < 3) {
        fputs("usage: memory_figures NAME QUANT [KNOB=VALUE]...\n", stderr);
        return err_exit_status(MU_USAGE);
    }
    struct arena *a = arena_new((size_t)1 << 30);
    buf_init(&text, 1 << 16);
    struct writer w = writer_of(&text, true);
    if (answer(argc, argv, a, &w, &err))
        puts(buf_text(&text).p);
    else
        fprintf(stderr, "memory_figures: %s\n", err.text);
    buf_release(&text);
    arena_free(a);
    return err_exit_status(err.code);
}
