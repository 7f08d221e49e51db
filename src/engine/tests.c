/* engine/tests.c - the table of tests: a new measurement is one file t_NAME.c and one line here.
 *
 * measure/measure.c has the other half: what each test may answer, with how much time and memory. */
#include "engine/engine.h"

const struct engine_test *const engine_tests[] = {
    &engine_memory,
    &engine_gemm,
    &engine_disk,
    &engine_guide,
#ifdef MUSTER_LLAMA
    &engine_kernels,
    &engine_amx,
    &engine_fill,
    &engine_exact,
    &engine_trial,
    &engine_embed,
    &engine_capture,
    &engine_devices,
    &engine_device,
#endif
    NULL,
};
