/* tests/unit/machine/looked.h - a captured tree of tests/machines, or a line, as a machine; failing loudly when it is none. */
#pragma once
#include "../unit.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/root.h"
#include "catalog/catalog.h"
#include "machine/facts.h"
#include "machine/machine.h"

struct looked {
    struct arena *arena;
    struct notes notes;
    struct root root;
    struct looking looking;
    struct mu_err err;
};

static inline struct looked *looked_open(const char *folder)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct looked *s = NEW(a, struct looked);
    s->arena = a;
    s->notes = (struct notes){.arena = a};
    assert_true(root_open(folder, &s->root, &s->err));
    s->looking = (struct looking){
        .root = &s->root, .catalog = catalog_open(NULL, a), .arena = a, .notes = &s->notes};
    return s;
}

static inline struct looked *looked_tree(const char *name)
{
    struct arena *a = arena_new(4096);
    struct looked *s = looked_open(str_format(a, "%s/tests/machines/%s", SOURCE_ROOT, name));
    arena_free(a);
    return s;
}

static inline const struct machine *looked_machine(struct looked *s)
{
    const struct machine *m = NULL;
    if (!machine_detect(&s->looking, &m, &s->err)) fail_msg("%s", s->err.text);
    return m;
}

static inline const struct machine *looked_line(struct looked *s, const char *line)
{
    const struct machine *m = NULL;
    if (!machine_from_line(str_of(line), &s->looking, &m, &s->err))
        fail_msg("%s: %s", line, s->err.text);
    return m;
}

static inline void looked_close(struct looked *s)
{
    root_close(&s->root);
    arena_free(s->arena);
}
