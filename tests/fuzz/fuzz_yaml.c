/* Any bytes through the YAML reader: a refusal has a message with a place, and an accepted tree is bounded and well linked. */
#include "base/arena.h"
#include "base/err.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH_MOST = 17 }; /* 16 lists and maps, and a scalar in the innermost */

static void must(bool yes)
{
    if (!yes) abort();
}

static void look_at(const struct yaml *y)
{
    double number = 0;
    bool yes = false;
    must(y->line >= 1 && y->column >= 1);
    must(y->text.p && y->key.p && strlen(y->text.p) == y->text.n);
    if (yaml_number(y, &number)) must(y->kind == YAML_SCALAR && !y->quoted);
    if (yaml_bool(y, &yes)) must(y->kind == YAML_SCALAR && !y->quoted);
    if (y->kind == YAML_SCALAR) must(!y->first && !y->count);
}

/* Depth first with a stack of our own. */
static void walk(const struct yaml *top)
{
    const struct yaml *stack[DEPTH_MOST] = {top};
    size_t seen[DEPTH_MOST] = {0};
    size_t depth = 1;
    look_at(top);
    while (depth) {
        const struct yaml *y = stack[depth - 1];
        if (y->first && !seen[depth - 1]) {
            must(depth < DEPTH_MOST);
            seen[depth - 1] = 1;
            stack[depth] = y->first;
            seen[depth++] = 0;
            look_at(y->first);
        } else if (depth > 1 && y->next) {
            stack[depth - 1] = y->next;
            seen[depth - 1] = 0;
            look_at(y->next);
        } else {
            depth--;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(256 << 20);
    struct mu_err err = {0};
    const struct yaml *top = NULL;
    if (yaml_parse((struct str){(const char *)data, size}, "input", a, &top, &err)) {
        walk(top);
    } else {
        must(!top && err.code == MU_DATA && !strncmp(err.text, "input:", strlen("input:")));
    }
    arena_free(a);
    return 0;
}
