/* tests/unit/measure/rig.h - a small machine, a folder of its own and engines made of shell scripts, for the tests of measure/. */
#pragma once
#include "../noted.h"
#include "../scratch.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "machine/facts.h"
#include "machine/machine.h"
#include "measure/measure.h"

struct rig {
    struct arena *arena;
    struct notes notes;
    char *folder;
    struct cpu_cache cache;
    struct facts facts;
    struct pool pool;
    struct place place;
    struct machine machine;
    struct measuring in;
};

static inline void rig_open(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    r->arena = arena_new(ARENA_USUAL_BYTES);
    r->notes.arena = r->arena;
    r->folder = scratch_make();
    assert_non_null(r->folder);
    r->cache = (struct cpu_cache){"L3", quantity_of(1 << 20, REPORTED, "rig"), 1};
    r->facts.cpu.cache = &r->cache;
    r->facts.cpu.caches = 1;
    r->facts.numa_nodes = 1;
    r->pool = (struct pool){.kind = POOL_MEMORY, .name = "memory"};
    r->pool.total_bytes = quantity_of(1 << 30, REPORTED, "rig");
    r->pool.usable_bytes = quantity_of(1 << 30, REPORTED, "rig");
    r->place = (struct place){.kind = PLACE_CPU, .name = "CPU"};
    r->place.threads = quantity_of(2, REPORTED, "rig");
    r->machine = (struct machine){.name = "rig",
                                  .fingerprint = "0123456789abcdef",
                                  .pool = &r->pool,
                                  .pools = 1,
                                  .place = &r->place,
                                  .places = 1,
                                  .facts = &r->facts,
                                  .here = true};
    r->in = (struct measuring){
        .state_folder = r->folder, .disk_folder = r->folder, .arena = r->arena, .notes = &r->notes};
}

/* Fails when measuring left anything else in the folder. */
static inline void rig_close(struct rig *r)
{
    static const char *const names[] = {"engine", "measure.lock", "rates-0123456789abcdef.json"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlink(str_format(r->arena, "%s/%s", r->folder, names[i]));
    assert_int_equal(rmdir(r->folder), 0);
    free(r->folder);
    arena_free(r->arena);
}

static inline const char *rig_write(struct rig *r, const char *name, const char *text)
{
    const char *path = str_format(r->arena, "%s/%s", r->folder, name);
    scratch_write(path, text, strlen(text));
    return path;
}

/* The engine is this shell script; $1 is the test's name. */
static inline void rig_engine(struct rig *r, const char *script)
{
    r->in.engine = rig_write(r, "engine", str_format(r->arena, "#!/bin/sh\n%s\n", script));
    assert_int_equal(chmod(r->in.engine, 0700), 0);
}
