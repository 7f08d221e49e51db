/* proof/sample.c - samples as JSON, schema samples/1. What comes back is as untrusted as any file: texts bounded and made visible, figures
 * finite or unknown. Saving goes through a temporary file and a rename, so no reader sees a half. */
#include "proof/sample.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/notes.h"
#include "machine/machine.h"
#include "measure/state.h"

enum { TEXT_MOST_BYTES = 512 };
static const char *const schema = "samples/1";
static const double figure_most = 1e18;

struct kept {
    const char *muster, *schema, *fingerprint;
    const struct sample *sample;
    size_t samples;
};

static const struct field figure_fields[] = {
    FIELD(FIELD_NUMBER, struct sample_figures, resident_bytes, "memory at its peak"),
    FIELD(FIELD_NUMBER, struct sample_figures, prefill_per_s, "prompt tokens a second"),
    FIELD(FIELD_NUMBER, struct sample_figures, decode_per_s, "tokens written a second"),
    FIELD(FIELD_NUMBER, struct sample_figures, load_s, "until the first token can be asked for"),
};
static const struct fields figure_table =
    FIELD_TABLE(struct sample_figures, "figures", figure_fields);
static const struct field sample_fields[] = {
    FIELD(FIELD_TEXT, struct sample, when, "local time"),
    FIELD(FIELD_TEXT, struct sample, model, "name"),
    FIELD(FIELD_TEXT, struct sample, quant, "quantisation, or null"),
    FIELD(FIELD_TEXT, struct sample, kind, "workload"),
    FIELD(FIELD_NUMBER, struct sample, weight_bytes, "of the whole model"),
    FIELD(FIELD_NUMBER, struct sample, context_tokens, "context"),
    FIELD(FIELD_NUMBER, struct sample, depth_tokens, "in the cache before the prompt"),
    FIELD(FIELD_NUMBER, struct sample, prompt_tokens, "prompt"),
    FIELD(FIELD_NUMBER, struct sample, ubatch_tokens, "micro-batch"),
    FIELD(FIELD_NUMBER, struct sample, threads, "threads"),
    FIELD(FIELD_TEXT, struct sample, kv_type_k, "type of the K cache"),
    FIELD(FIELD_TEXT, struct sample, kv_type_v, "type of the V cache"),
    FIELD(FIELD_BOOL, struct sample, flash_off, "without flash attention"),
    FIELD(FIELD_BOOL, struct sample, repack, "weights laid out anew"),
    FIELD(FIELD_BOOL, struct sample, mmap, "the file was mapped"),
    FIELD_MAP(struct sample, predicted, "what was said", figure_table),
    FIELD_MAP(struct sample, measured, "what happened", figure_table),
    FIELD(FIELD_TEXT, struct sample, llama, "llama.cpp's version"),
    FIELD(FIELD_TEXT, struct sample, how, "the whole file, or which cuts"),
    FIELD(FIELD_TEXT, struct sample, conditions, "idle, or what else ran"),
};
static const struct fields sample_table = FIELD_TABLE(struct sample, "sample", sample_fields);
static const struct field kept_fields[] = {
    FIELD(FIELD_TEXT, struct kept, muster, "version that wrote this"),
    FIELD(FIELD_TEXT, struct kept, schema, "samples/1"),
    FIELD(FIELD_TEXT, struct kept, fingerprint, "of the machine"),
    FIELD_ROWS("samples", struct kept, sample, samples, "oldest first", sample_table),
};
static const struct fields kept_table = FIELD_TABLE(struct kept, "samples", kept_fields);

const char *samples_path(const struct sample_place *in)
{
    return state_path(in->state_folder, "samples", in->machine, in->arena);
}

static bool shown(struct arena *a, const char **text, bool may_lack)
{
    if (!*text) return may_lack;
    if (strlen(*text) > TEXT_MOST_BYTES) return false;
    *text = str_visible(a, str_of(*text));
    return true;
}

static bool texts_good(struct sample *s, struct arena *a)
{
    return shown(a, &s->when, false) && shown(a, &s->model, false) && shown(a, &s->quant, true) &&
           shown(a, &s->kind, false) && shown(a, &s->kv_type_k, false) &&
           shown(a, &s->kv_type_v, false) && shown(a, &s->llama, false) &&
           shown(a, &s->how, false) && shown(a, &s->conditions, false);
}

static bool in_bounds(double x)
{
    return x >= 0 && x <= figure_most;
}

static bool figures_good(const struct sample_figures *f)
{
    const double value[] = {f->resident_bytes, f->prefill_per_s, f->decode_per_s, f->load_s};
    for (size_t i = 0; i < COUNT_OF(value); i++)
        if (!isnan(value[i]) && !in_bounds(value[i])) return false;
    return true;
}

static bool sample_good(struct sample *s, struct arena *a)
{
    return texts_good(s, a) && in_bounds(s->weight_bytes) && in_bounds(s->context_tokens) &&
           in_bounds(s->depth_tokens) && in_bounds(s->prompt_tokens) &&
           in_bounds(s->ubatch_tokens) && s->threads >= 1 && in_bounds(s->threads) &&
           figures_good(&s->predicted) && figures_good(&s->measured);
}

static bool samples_of(const struct kept *kept, const struct sample_place *in, struct sample *to,
                       struct mu_err *err)
{
    if (!kept->schema || strcmp(kept->schema, schema) != 0)
        return err_set(err, MU_DATA, "its schema is not %s", schema);
    if (!kept->fingerprint || strcmp(kept->fingerprint, in->machine->fingerprint) != 0)
        return err_set(err, MU_DATA, "it is of another machine");
    if (kept->samples > SAMPLES_MOST)
        return err_set(err, MU_DATA, "it holds %zu samples", kept->samples);
    for (size_t i = 0; i < kept->samples; i++) {
        to[i] = kept->sample[i];
        if (!sample_good(&to[i], in->arena))
            return err_set(err, MU_DATA, "sample %zu is none", i + 1);
    }
    return true;
}

/* Into room for SAMPLES_MOST. */
static size_t read_samples(const struct sample_place *in, struct sample *to)
{
    const char *path = samples_path(in);
    if (!path || access(path, F_OK) != 0) return 0;
    struct kept kept = {0};
    struct mu_err err = {0};
    if (state_read(path, &kept_table, in->arena, &kept, &err) && samples_of(&kept, in, to, &err))
        return kept.samples;
    note_add(in->notes, "the samples kept in %s cannot be used: %s", path, err.text);
    return 0;
}

bool samples_read(const struct sample_place *in, const struct sample **out, size_t *count)
{
    struct sample *sample = NEW_ARRAY(in->arena, struct sample, SAMPLES_MOST);
    *count = read_samples(in, sample);
    *out = sample;
    return *count > 0;
}

bool sample_keep(const struct sample_place *in, const struct sample *s, struct mu_err *err)
{
    const char *path = samples_path(in);
    if (!path)
        return err_set(err, MU_CANTCREATE,
                       "keeping the sample: there is no state folder or no fingerprint");
    struct sample *sample = NEW_ARRAY(in->arena, struct sample, SAMPLES_MOST + 1);
    size_t count = read_samples(in, sample);
    sample[count] = *s;
    if (!sample_good(&sample[count++], in->arena))
        return err_set(err, MU_DATA, "keeping the sample: it would not be read back");
    const size_t gone = count > SAMPLES_MOST ? count - SAMPLES_MOST : 0;
    const struct kept kept = {MUSTER_VERSION, schema, in->machine->fingerprint, sample + gone,
                              count - gone};
    return state_write(in->state_folder, path, &kept_table, &kept, err) ||
           err_add(err, "keeping the sample");
}
