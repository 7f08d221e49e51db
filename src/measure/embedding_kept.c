/* measure/embedding_kept.c - reads and writes the kept embedding test, schema embedding-kept/1 in the state folder.
 *
 * A file that is cut, alien or of another machine is a note and the test is made again, as with kept rates. */
#include "measure/embedding_kept.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "measure/rows.h"
#include "measure/state.h"

enum { PATH_TEXT_MOST = 4096 };
static const char *const schema = "embedding-kept/1";

struct written {
    const char *muster, *schema, *fingerprint;
    struct embedding_kept kept;
};
static const struct field written_fields[] = {
    FIELD(FIELD_TEXT, struct written, muster, "version that wrote this"),
    FIELD(FIELD_TEXT, struct written, schema, "embedding-kept/1"),
    FIELD(FIELD_TEXT, struct written, fingerprint, "of the machine"),
    {.name = "when",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct written, kept.when),
     .words = "local time of the test"},
    {.name = "model",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct written, kept.model),
     .words = "its name"},
    {.name = "file",
     .kind = FIELD_TEXT,
     .offset = offsetof(struct written, kept.file),
     .words = "its path"},
    {.name = "file_bytes",
     .kind = FIELD_NUMBER,
     .offset = offsetof(struct written, kept.file_bytes),
     .words = "size of the file"},
    {.name = "file_modified_s",
     .kind = FIELD_NUMBER,
     .offset = offsetof(struct written, kept.file_modified_s),
     .words = "when it was last written, seconds since 1970"},
    {.name = "test",
     .kind = FIELD_STRUCT,
     .offset = offsetof(struct written, kept.embedded),
     .words = "what came out",
     .of = &embedded_table},
};
static const struct fields written_table =
    FIELD_TABLE(struct written, "kept embedding test", written_fields);

static bool is_outcome(const char *word)
{
    for (int i = 0; word && i < EMBEDDING_OUTCOME_COUNT; i++)
        if (strcmp(word, embedding_outcome_word((enum embedding_outcome)i)) == 0) return true;
    return false;
}

static bool usable(const struct written *w, const struct machine *m, struct mu_err *err)
{
    const struct embedded *e = &w->kept.embedded;
    if (!w->schema || strcmp(w->schema, schema) != 0)
        return err_set(err, MU_DATA, "its schema is not %s", schema);
    if (!w->fingerprint || strcmp(w->fingerprint, m->fingerprint) != 0)
        return err_set(err, MU_DATA, "it is of another machine");
    if (!measure_text_good(w->kept.when) || !measure_text_good(w->kept.model) || !w->kept.file ||
        strlen(w->kept.file) > PATH_TEXT_MOST || !is_outcome(e->outcome))
        return err_set(err, MU_DATA, "it does not say what was tested, when, and how it went");
    const bool success = strcmp(e->outcome, embedding_outcome_word(EMBEDDING_SUCCESS)) == 0;
    if (success ? !(e->load_s >= 0 && e->encode_s > 0 && e->peak_bytes >= e->baseline_bytes &&
                    e->sentences > 0)
                : !e->why)
        return err_set(err, MU_DATA, "its figures cannot be");
    return true;
}

bool embedding_kept_read(const struct measuring *in, const struct machine *m,
                         struct embedding_kept *out)
{
    const char *path = state_path(in->state_folder, "embedding", m, in->arena);
    struct written w = {.muster = NULL};
    struct mu_err err = {0};
    if (!path || access(path, F_OK) != 0) return false;
    if (!state_read(path, &written_table, in->arena, &w, &err) || !usable(&w, m, &err)) {
        note_add(in->notes, "the embedding test kept in %s cannot be used: %s", path, err.text);
        return false;
    }
    w.kept.when = str_visible(in->arena, str_of(w.kept.when));
    w.kept.model = str_visible(in->arena, str_of(w.kept.model));
    if (w.kept.embedded.why)
        w.kept.embedded.why = str_visible(in->arena, str_of(w.kept.embedded.why));
    *out = w.kept;
    return true;
}

bool embedding_kept_write(const struct measuring *in, const struct machine *m,
                          const struct embedding_kept *kept, struct mu_err *err)
{
    const char *path = state_path(in->state_folder, "embedding", m, in->arena);
    if (!path)
        return err_set(err, MU_CANTCREATE,
                       "keeping the embedding test: there is no state folder or no fingerprint");
    const struct written w = {MUSTER_VERSION, schema, m->fingerprint, *kept};
    return state_write(in->state_folder, path, &written_table, &w, err) ||
           err_add(err, "keeping the embedding test");
}
