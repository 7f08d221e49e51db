/* tests/unit/machine/tree.h - a machine looked at in a test: a committed tree, or one made file by file and removed again. */
#pragma once
#include "../noted.h"
#include "../scratch.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/root.h"
#include "machine/facts.h"
#include "machine/machine.h"

#define KIB 1024.0
#define GIB ((double)(1 << 30))

struct seen {
    struct arena *arena;
    struct notes notes;
    struct root root;
    const struct machine *machine;
    const struct facts *facts;
};

static inline void seen_at(struct seen *s, const char *path, const char *(*env)(const char *name))
{
    struct mu_err err = {0};
    memset(s, 0, sizeof *s);
    s->arena = arena_new(ARENA_USUAL_BYTES);
    s->notes.arena = s->arena;
    if (!root_open(path, &s->root, &err)) fail_msg("%s", err.text);
    const struct looking in = {.root = &s->root, .arena = s->arena, .notes = &s->notes, .env = env};
    if (!machine_detect(&in, &s->machine, &err)) fail_msg("%s", err.text);
    s->facts = s->machine->facts;
}

static inline void seen_release(struct seen *s)
{
    root_close(&s->root);
    arena_free(s->arena);
}

struct tree {
    char *path;
};

static inline void tree_make(struct tree *t)
{
    t->path = scratch_make();
    assert_non_null(t->path);
}

static inline void tree_bytes(const struct tree *t, const char *file, const void *bytes, size_t n)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", t->path, file);
    for (char *p = path + strlen(t->path) + 1; *p; p++) {
        if (*p != '/') continue;
        *p = '\0';
        mkdir(path, 0755);
        *p = '/';
    }
    scratch_write(path, bytes, n);
}

static inline void tree_file(const struct tree *t, const char *file, const char *text)
{
    tree_bytes(t, file, text, strlen(text));
}

static inline void tree_remove(const struct tree *t)
{
    assert_int_equal(scratch_remove(t->path), 0);
}

/* One file of a tree. */
struct tree_entry {
    const char *path, *text;
};

static inline void tree_files(const struct tree *t, const struct tree_entry *file, size_t files)
{
    for (size_t i = 0; i < files; i++) tree_file(t, file[i].path, file[i].text);
}

/* Looks at a tree of these files alone, of which nothing is left then but what was seen. */
static inline void seen_of(struct seen *s, const struct tree_entry *file, size_t files)
{
    struct tree t;
    tree_make(&t);
    tree_files(&t, file, files);
    seen_at(s, t.path, NULL);
    tree_remove(&t);
}
