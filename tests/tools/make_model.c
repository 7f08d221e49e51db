/* tests/tools/make_model.c - writes a synthetic GGUF file of a catalogue model under a mix:
 *
 *     make_model NAME QUANT FILE [--layers K] [--bare] [--header-only | ENGINE]
 *
 * The header first; with --header-only a hole of the right size behind it (no disk used), else ENGINE, the path of muster-engine, fills
 * it with random weights. --layers: a cut of K layers. --bare: no vocabulary. The file's size goes to stdout. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/child.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/save.h"
#include "catalog/types.h"
#include "model/gguf_write.h"

#define FILL_MOST_S 600

struct wish {
    const char *name, *quant, *file, *engine;
    double layers;
    bool bare, header_only;
};

static bool parse(int argc, char **argv, struct wish *out)
{
    const char **const word[] = {&out->name, &out->quant, &out->file, &out->engine};
    size_t words = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--header-only"))
            out->header_only = true;
        else if (!strcmp(argv[i], "--bare"))
            out->bare = true;
        else if (!strcmp(argv[i], "--layers") && i + 1 < argc)
            out->layers = strtod(argv[++i], NULL);
        else if (argv[i][0] == '-' || words == COUNT_OF(word))
            return false;
        else
            *word[words++] = argv[i];
    }
    return out->file && (out->header_only || out->engine);
}

static bool made(const struct wish *w, struct arena *a, struct gguf_written *out,
                 struct mu_err *err)
{
    const struct catalog *c = catalog_open(NULL, a);
    struct notes notes = {.arena = a};
    struct model m;
    const struct mix *mix = catalog_mix(c, str_of(w->quant));
    if (!mix) return err_set(err, MU_USAGE, "no mix is called %s", w->quant);
    if (!model_open(w->name, c, a, &notes, &m, err)) return false;
    const struct tensors_asked asked = {&m.shape, mix, c};
    if (!m.tensors && !model_tensors(&asked, a, &m.tensor, &m.tensors, err)) return false;
    if (!m.quant) m.quant = mix->name;
    if (w->layers > 0 && !model_cut(&m, w->layers, a, &m, err)) return false;
    return gguf_write(&(struct gguf_asked){&m, c, w->bare}, a, out, err);
}

static bool fill(const struct wish *w, struct arena *a, struct mu_err *err)
{
    char path[PATH_MAX];
    if (!realpath(w->file, path)) return err_errno(err, "cannot find %s", w->file);
    const char *const argv[] = {w->engine, "fill", NULL};
    const struct child child = {.path = w->engine,
                                .argv = argv,
                                .input = str_of(str_format(a, "{\"file\": \"%s\"}", path)),
                                .timeout_s = FILL_MOST_S};
    struct child_end end;
    if (!child_run(&child, a, &end, err)) return false;
    if (end.fate != CHILD_EXITED || end.status != 0)
        return err_set(err, MU_INTERNAL, "%s %s: %.*s", w->engine, end.sentence, STR_ARG(end.talk));
    return true;
}

int main(int argc, char **argv)
{
    struct wish w = {.layers = 0};
    struct mu_err err = {.code = MU_OK};
    struct gguf_written g;
    if (!parse(argc, argv, &w)) {
        fputs("usage: make_model NAME QUANT FILE [--layers K] [--bare] [--header-only | ENGINE]\n",
              stderr);
        return 64;
    }
    struct arena *a = arena_new((size_t)1 << 30);
    const bool good = made(&w, a, &g, &err) && save_file(w.file, g.header, &err) &&
                      (w.header_only || fill(&w, a, &err));
    if (good && w.header_only && truncate(w.file, (off_t)g.file_bytes) != 0)
        err_errno(&err, "cannot make %s as large as its model", w.file);
    if (err.code != MU_OK)
        fprintf(stderr, "make_model: %s\n", err.text);
    else
        printf("%.0f\n", g.file_bytes);
    arena_free(a);
    return err_exit_status(err.code);
}
