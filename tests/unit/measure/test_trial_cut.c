/* tests/unit/measure/test_trial_cut.c - cuts of every model of the catalogue: how many layers they take, what they are when drawn out,
 * and the file in memory that comes of one. */
#include "../stage.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/architecture.h"
#include "measure/trial_cut.h"

/* The whole of a catalogue model under a mix; false where there is no rule for it. */
static bool whole_of(struct stage *s, const struct model_part *part, const char *mix,
                     struct model *out)
{
    struct mu_err err = {0};
    *out = (struct model){.name = part->hf_id, .quant = mix};
    shape_from_part(part, s->catalog, s->arena, &out->shape);
    if (out->shape.unruled || !out->shape.arch || out->shape.arch->unruled) return false;
    const struct tensors_asked asked = {&out->shape, catalog_mix(s->catalog, str_of(mix)),
                                        s->catalog};
    return model_tensors(&asked, s->arena, &out->tensor, &out->tensors, &err);
}

static double cut_bytes(struct stage *s, const struct model *whole, double layers)
{
    struct trial_cut cut;
    struct mu_err err = {0};
    if (!trial_cut_make(whole, layers, s->catalog, s->arena, &cut, &err)) fail_msg("%s", err.text);
    assert_exactly(cut.layers, layers);
    assert_exactly(cut.digest.shape->layers, layers);
    assert_null(cut.digest.unruled);
    assert_int_equal(cut.file, -1);
    return cut.digest.weight_bytes;
}

static void check_model(struct stage *s, const struct model *whole)
{
    struct mu_err err = {0};
    const double layers = whole->shape.layers;
    double k;
    if (!trial_cut_size(whole, s->catalog, s->arena, &k, &err))
        fail_msg("%s: %s", whole->name, err.text);
    const double all = cut_bytes(s, whole, layers);
    if (k == layers) {
        if (layers > 8) fail_msg("%s: all of %.0f layers", whole->name, layers);
        return;
    }
    /* layers that recur come in periods of up to eleven */
    const double longest = whole->shape.recurrent.kernel > 0 ? 12 : 6;
    if (!(k >= 4 && k <= longest && 2 * k < layers))
        fail_msg("%s: %.0f of %.0f layers", whole->name, k, layers);
    const double of_k = cut_bytes(s, whole, k), of_twice = cut_bytes(s, whole, 2 * k);
    assert_true(of_k < of_twice && of_twice < all);
    const double drawn_out = of_twice + (layers - 2 * k) * (of_twice - of_k) / k;
    if (fabs(drawn_out / all - 1) > 0.05)
        fail_msg("%s: %.0f bytes drawn out, not %.0f", whole->name, drawn_out, all);
}

static void every_model_of_the_catalogue_is_cut_small(void **state)
{
    struct stage *s = *state;
    struct arena *of_catalog = s->arena;
    const struct model_part *part;
    size_t parts, cut = 0;
    assert_true(catalog_models(s->catalog, &part, &parts, NULL));
    for (size_t i = 0; i < parts; i++) {
        struct model whole;
        s->arena = arena_new(ARENA_USUAL_BYTES);
        if (whole_of(s, &part[i], "Q4_K_M", &whole)) {
            check_model(s, &whole);
            cut++;
        }
        arena_free(s->arena);
    }
    s->arena = of_catalog;
    assert_true(cut > 100);
}

static void a_cut_is_a_file_in_memory(void **state)
{
    struct stage *s = *state;
    const struct model_part *part;
    struct model whole;
    struct trial_cut cut;
    struct mu_err err = {0};
    assert_int_equal(catalog_model(s->catalog, S("SmolLM2-135M"), &part, NULL), MATCH_ONE);
    assert_true(whole_of(s, part, "Q8_0", &whole));
    assert_true(trial_cut_make(&whole, 4, s->catalog, s->arena, &cut, &err));
    assert_string_equal(cut.digest.name, whole.name);
    if (!trial_cut_open(&cut, s->catalog, s->arena, &err)) fail_msg("%s", err.text);
    char magic[4];
    struct stat st;
    assert_int_equal(pread(cut.file, magic, sizeof magic, 0), sizeof magic);
    assert_memory_equal(magic, "GGUF", sizeof magic);
    assert_int_equal(fstat(cut.file, &st), 0);
    assert_true((double)st.st_size < cut.file_bytes); /* the engine fills the rest */
    assert_true(cut.file_bytes > cut.digest.weight_bytes);
    const int file = cut.file;
    trial_cut_close(&cut);
    trial_cut_close(&cut);
    assert_int_equal(fstat(file, &st), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(every_model_of_the_catalogue_is_cut_small),
        STAGED(a_cut_is_a_file_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
