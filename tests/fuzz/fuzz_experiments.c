/* A set of experiments from bytes somebody else wrote. */
#include "base/arena.h"
#include "base/err.h"
#include "judge/experiment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    const struct experiment_set *set;
    struct mu_err err = {.code = MU_OK};
    if (experiment_set_parse((struct str){(const char *)data, size}, "fuzz", a, &set, &err))
        experiment_find(set, "e0_e1");
    arena_free(a);
    return 0;
}
