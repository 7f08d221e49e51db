/* tests/unit/stage.h - what a test of the upper layers stands on: an arena, the catalogue as shipped, one model with the usual knobs. */
#pragma once
#include "unit.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/root.h"
#include "catalog/parts.h"
#include "catalog/types.h"
#include "cost/cost.h"
#include "judge/judge.h"
#include "machine/machine.h"
#include "model/digest.h"

struct stage {
    struct arena *arena;
    struct catalog *catalog;
    struct shape shape; /* these three by stage_model() */
    struct digest digest;
    struct generate knobs;
    struct root root; /* these two by stage_open_world() */
    struct world world;
};

/* cmocka's setup and teardown: *state is the stage. */
static inline int stage_open(void **state)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct stage *s = NEW(a, struct stage);
    s->arena = a;
    s->catalog = catalog_open(NULL, a);
    *state = s;
    return 0;
}

static inline int stage_close(void **state)
{
    struct stage *s = *state;
    arena_free(s->arena);
    return 0;
}

/* The same with what a judgement may use beside the machine, and the root that machine lines are read with. */
static inline int stage_open_world(void **state)
{
    struct mu_err err = {.code = MU_OK};
    stage_open(state);
    struct stage *s = *state;
    if (!root_open(NULL, &s->root, &err) || !judge_world(s->catalog, s->arena, &s->world, &err))
        fail_msg("%s", err.text);
    return 0;
}

static inline int stage_close_world(void **state)
{
    struct stage *s = *state;
    root_close(&s->root);
    return stage_close(state);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_open, stage_close)
#define STAGED_WORLD(test) \
    cmocka_unit_test_setup_teardown(test, stage_open_world, stage_close_world)

/* A model of the catalogue in a mix, ready to be generated with as people usually do; the task lives as long as the stage. */
static inline struct task stage_model(struct stage *s, const char *name, const char *quant)
{
    const struct model_part *part;
    struct mu_err err = {.code = MU_OK};
    assert_int_not_equal(catalog_model(s->catalog, str_of(name), &part, NULL), MATCH_NONE);
    shape_from_part(part, s->catalog, s->arena, &s->shape);
    digest_of_shape(&s->shape, catalog_mix(s->catalog, str_of(quant)), s->catalog, &s->digest);
    generate_usual(&s->knobs, &s->digest, catalog_types(s->catalog, &err));
    return (struct task){cost_workload(S("generate")), &s->digest, &s->knobs};
}

/* A machine made of a line, on a stage of stage_open_world(). */
static inline const struct machine *stage_machine(struct stage *s, const char *line)
{
    const struct looking in = {.root = &s->root, .catalog = s->catalog, .arena = s->arena};
    const struct machine *m = NULL;
    struct mu_err err = {.code = MU_OK};
    if (!machine_from_line(str_of(line), &in, &m, &err)) fail_msg("%s: %s", line, err.text);
    return m;
}

/* The same with what kernels typically reach, where nothing was measured. */
static inline const struct machine *stage_typical(struct stage *s, const char *line)
{
    return judge_typical(stage_machine(s, line), &s->world, s->arena);
}
