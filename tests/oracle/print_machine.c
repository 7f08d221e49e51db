/* Prints what machine_detect() finds of a machine's build and budget as JSON, for tests/oracle/test_lstopo.py to hold against lstopo.
 * Arguments: the root, "/" for this machine. Knows no catalogue and no environment. */
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/notes.h"
#include "base/root.h"
#include "machine/facts.h"
#include "machine/machine.h"
#include <math.h>
#include <stdio.h>

static void put_caches(struct writer *w, const struct cpu_facts *cpu)
{
    writer_key(w, "caches");
    writer_list(w);
    for (size_t i = 0; i < cpu->caches; i++) {
        writer_map(w);
        writer_put_cstr(w, "name", cpu->cache[i].name);
        writer_put_number(w, "bytes", known_or(cpu->cache[i].bytes, 0));
        writer_put_number(w, "instances", cpu->cache[i].instances);
        writer_map_end(w);
    }
    writer_list_end(w);
}

static void put_nodes(struct writer *w, const struct facts *f)
{
    writer_key(w, "nodes");
    writer_list(w);
    for (size_t i = 0; i < f->numa_nodes; i++) {
        writer_map(w);
        writer_put_number(w, "id", f->numa[i].id);
        writer_put_number(w, "cpus", known_or(f->numa[i].cpus, (double)NAN));
        writer_put_number(w, "memory_bytes", known_or(f->numa[i].memory_bytes, (double)NAN));
        writer_map_end(w);
    }
    writer_list_end(w);
}

static void put_limits(struct writer *w, const struct facts *f)
{
    writer_key(w, "limits");
    writer_list(w);
    for (size_t i = 0; i < f->limits; i++) {
        writer_map(w);
        writer_put_cstr(w, "what", f->limit[i].what);
        writer_put_number(w, "bytes", known_or(f->limit[i].bytes, (double)NAN));
        writer_put_number(w, "cpus", known_or(f->limit[i].cpus, (double)NAN));
        writer_map_end(w);
    }
    writer_list_end(w);
}

static void put_machine(struct writer *w, const struct machine *m, const struct notes *notes)
{
    const struct cpu_facts *cpu = &m->facts->cpu;
    const struct pool *memory = machine_memory(m);
    const struct place *place = machine_cpu(m);
    writer_map(w);
    writer_put_cstr(w, "cpu", cpu->name);
    writer_put_cstr(w, "fingerprint", m->fingerprint);
    writer_put_number(w, "packages", known_or(cpu->packages, (double)NAN));
    writer_put_number(w, "cores", known_or(cpu->cores, (double)NAN));
    writer_put_number(w, "threads", known_or(cpu->threads, (double)NAN));
    writer_put_number(w, "usable_bytes", known_or(memory->usable_bytes, (double)NAN));
    writer_put_cstr(w, "memory_bound_by", memory->bound_by);
    writer_put_number(w, "usable_cpus", known_or(place->threads, (double)NAN));
    writer_put_cstr(w, "cpus_bound_by", place->bound_by);
    put_caches(w, cpu);
    put_nodes(w, m->facts);
    put_limits(w, m->facts);
    writer_key(w, "notes");
    writer_list(w);
    for (size_t i = 0; i < notes->count; i++) writer_cstr(w, notes->note[i]);
    writer_list_end(w);
    writer_map_end(w);
}

int main(int argc, char **argv)
{
    struct mu_err err = {0};
    struct root root;
    struct buf text;
    const struct machine *m = NULL;
    if (!root_open(argc > 1 ? argv[1] : "/", &root, &err))
        return fprintf(stderr, "%s\n", err.text), 1;
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct notes notes = {.arena = a};
    const struct looking in = {.root = &root, .arena = a, .notes = &notes};
    const bool found = machine_detect(&in, &m, &err);
    buf_init(&text, 1 << 20);
    if (found) {
        struct writer w = writer_of(&text, false);
        put_machine(&w, m, &notes);
        puts(buf_text(&text).p);
    } else {
        fprintf(stderr, "%s\n", err.text);
    }
    buf_release(&text);
    arena_free(a);
    root_close(&root);
    return found ? 0 : 1;
}
