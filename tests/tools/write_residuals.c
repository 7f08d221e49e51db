/* tests/tools/write_residuals.c - prints what data/residuals.json should hold, made of the truth that ships: write_residuals > FILE. */
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "catalog/catalog.h"
#include "proof/proof.h"

int main(void)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct mu_err err = {.code = MU_OK};
    struct buf text;
    buf_init(&text, 1 << 16);
    const bool good = proof_residuals(catalog_open(NULL, a), a, &text, &err);
    if (good)
        printf("%.*s\n", STR_ARG(buf_text(&text)));
    else
        fprintf(stderr, "%s\n", err.text);
    buf_release(&text);
    arena_free(a);
    return err_exit_status(err.code);
}
