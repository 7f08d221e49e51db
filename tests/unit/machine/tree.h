/* tests/unit/machine/tree.h - a machine looked at in a test: a committed tree, or one made file by file and removed again. */
#pragma once
#include "../noted.h"
#include "../scratch.h"
#include "looked.h"

#define KIB 1024.0
#define GIB ((double)(1 << 30))

/* Without a catalogue. */
struct seen {
    struct looked *look;
    const struct machine *machine;
    const struct facts *facts;
};

static inline void seen_at(struct seen *s, const char *path, const char *(*env)(const char *name))
{
    s->look = looked_open(path);
    s->look->looking.catalog = NULL;
    s->look->looking.env = env;
    s->machine = looked_machine(s->look);
    s->facts = s->machine->facts;
}

static inline void seen_release(struct seen *s)
{
    looked_close(s->look);
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
