/* measure/kept.c - rates kept between runs: one file a machine fingerprint in the state folder, schema rates/2.
 *
 * A file that is cut, alien or of another machine is a note and measured again, never an error. Saving goes through a temporary file
 * and a rename, so of two runs at once the last wins and no reader sees a half. */
#include "measure/measure.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/notes.h"
#include "measure/device.h"
#include "measure/rows.h"
#include "measure/state.h"

enum { DEVICES_KEPT_MOST = 64 };
static const char *const schema = "rates/2";

struct kept {
    const char *muster, *schema, *fingerprint, *when, *engine, *no_amx;
    const char *const *device;
    size_t devices;
    const struct measure_row *row;
    size_t rows;
};

static const struct field kept_fields[] = {
    {"muster", FIELD_TEXT, offsetof(struct kept, muster), "version that wrote this", NULL, 0,
     false},
    {"schema", FIELD_TEXT, offsetof(struct kept, schema), "rates/2", NULL, 0, false},
    {"fingerprint", FIELD_TEXT, offsetof(struct kept, fingerprint), "of the machine measured", NULL,
     0, false},
    {"when", FIELD_TEXT, offsetof(struct kept, when), "local time of the measurement", NULL, 0,
     false},
    {"engine", FIELD_TEXT, offsetof(struct kept, engine),
     "size and time of the engine that measured", NULL, 0, false},
    {"no_amx", FIELD_TEXT, offsetof(struct kept, no_amx),
     "why AMX does not work; null when it does", NULL, 0, false},
    FIELD_WORDS("devices", struct kept, device, devices, "accelerators that were tried"),
    {"rates", FIELD_LIST, offsetof(struct kept, row), "what was measured", &measure_row_table,
     offsetof(struct kept, rows), false},
};
static const struct fields kept_table = {"rates", sizeof(struct kept), kept_fields,
                                         COUNT_OF(kept_fields)};

/* Another build has other kernels. NULL: there is no engine to compare with. */
static const char *stamp_of(const struct measuring *in)
{
    struct stat st;
    if (!in->engine || stat(in->engine, &st) != 0) return NULL;
    return str_format(in->arena, "%lld bytes, %lld", (long long)st.st_size,
                      (long long)st.st_mtim.tv_sec);
}

/* The place that a row is of; false: an accelerator that is not there any more. */
static bool place_of(const struct measure_row *row, const struct machine *m, struct arena *a,
                     uint16_t *out)
{
    *out = measure_cpu_place(m);
    return !row->device || measure_device_place(m, row->device, a, out);
}

static bool kept_sound(const struct kept *kept, const struct machine *m, struct mu_err *err)
{
    if (!kept->schema || strcmp(kept->schema, schema) != 0)
        return err_set(err, MU_DATA, "its schema is not %s", schema);
    if (!kept->fingerprint || strcmp(kept->fingerprint, m->fingerprint) != 0)
        return err_set(err, MU_DATA, "it is of another machine");
    if (!kept->when || strlen(kept->when) > ROWS_TEXT_BYTES)
        return err_set(err, MU_DATA, "it does not say when");
    if (kept->no_amx && strlen(kept->no_amx) > ROWS_TEXT_BYTES)
        return err_set(err, MU_DATA, "it says too much about AMX");
    if (!kept->rows || kept->rows > ROWS_MOST)
        return err_set(err, MU_DATA, "it holds %zu rates", kept->rows);
    if (kept->devices > DEVICES_KEPT_MOST)
        return err_set(err, MU_DATA, "it names %zu accelerators", kept->devices);
    return true;
}

static bool rates_of(const struct kept *kept, const struct machine *m, const struct catalog *c,
                     struct arena *a, struct measured *out, struct mu_err *err)
{
    if (!kept_sound(kept, m, err)) return false;
    struct rate *rate = NEW_ARRAY(a, struct rate, kept->rows);
    size_t n = 0;
    for (size_t i = 0; i < kept->rows; i++) {
        uint16_t place;
        const bool there = place_of(&kept->row[i], m, a, &place);
        if (!measure_row_rate(&kept->row[i], place, c, a, &rate[n], err)) return false;
        if (there && measure_has_rate(rate, n, &rate[n]))
            return err_set(err, MU_DATA, "%s stands there twice", kept->row[i].work);
        n += there;
    }
    *out = (struct measured){
        .rate = rate, .rates = n, .device = kept->device, .devices = kept->devices};
    return true;
}

bool measure_kept(const struct measuring *in, const struct machine *m, struct measured *out)
{
    const char *path = state_path(in->state_folder, "rates", m, in->arena);
    if (!path || access(path, F_OK) != 0) return false;
    struct kept kept = {0};
    struct measured found;
    struct mu_err err = {0};
    if (!state_read(path, &kept_table, in->arena, &kept, &err) ||
        !rates_of(&kept, m, in->catalog, in->arena, &found, &err)) {
        note_add(in->notes, "the measurements kept in %s cannot be used: %s", path, err.text);
        return false;
    }
    const char *stamp = stamp_of(in);
    struct stat file;
    *out = found;
    out->age_s = stat(path, &file) == 0 ? difftime(time(NULL), file.st_mtime) : 0;
    out->when = str_visible(in->arena, str_of(kept.when));
    out->stale = (stamp && (!kept.engine || strcmp(stamp, kept.engine) != 0)) ||
                 measure_device_new(in, m, kept.device, kept.devices);
    if (kept.no_amx) {
        out->no_amx = str_visible(in->arena, str_of(kept.no_amx));
        note_add(in->notes, "%s", out->no_amx);
    }
    return true;
}

bool measure_keep(const struct measuring *in, const struct machine *m,
                  const struct measured *measured, struct mu_err *err)
{
    const size_t count = measured->rates;
    const char *path = state_path(in->state_folder, "rates", m, in->arena);
    if (!path)
        return err_set(err, MU_CANTCREATE,
                       "keeping the measurements: there is no state folder or no fingerprint");
    struct measure_row *row = NEW_ARRAY(in->arena, struct measure_row, count + 1);
    for (size_t i = 0; i < count; i++) {
        row[i] = measure_rate_row(&measured->rate[i], in->catalog);
        row[i].device = measure_device_name(m, measured->rate[i].place, in->arena);
    }
    const struct kept kept = {.muster = MUSTER_VERSION,
                              .schema = schema,
                              .fingerprint = m->fingerprint,
                              .when = clock_stamp(in->arena),
                              .engine = stamp_of(in),
                              .no_amx = measured->no_amx,
                              .device = measured->device,
                              .devices = measured->devices,
                              .row = row,
                              .rows = count};
    return state_write(in->state_folder, path, &kept_table, &kept, err) ||
           err_add(err, "keeping the measurements");
}
