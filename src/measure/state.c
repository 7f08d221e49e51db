/* Files of the state folder: their names, and how they are read and written: through a temporary file and a rename, so no reader sees a
 * half. What may stand in one, each keeper checks for itself. */
#include "measure/state.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mapped.h"
#include "base/save.h"
#include "machine/machine.h"

enum { FINGERPRINT_MOST = 64, FILE_MOST_BYTES = 4 << 20 };

const char *state_path(const char *folder, const char *kind, const struct machine *m,
                       struct arena *a)
{
    const char *print = m->fingerprint;
    if (!folder || !print) return NULL;
    const size_t n = strspn(print, "0123456789abcdef");
    if (!n || n > FINGERPRINT_MOST || print[n]) return NULL;
    return str_format(a, "%s/%s-%s.json", folder, kind, print);
}

bool state_read(const char *path, const struct fields *table, struct arena *a, void *out,
                struct mu_err *err)
{
    struct mapped file = {0};
    uint64_t file_bytes;
    if (!mapped_open(path, FILE_MOST_BYTES, &file, &file_bytes, err)) return false;
    struct json *j = NULL;
    const bool good = json_parse(file.bytes, path, &j, err) && fields_read(table, j, out, a, err);
    json_free(j);
    mapped_close(&file);
    return good;
}

bool state_write(const char *folder, const char *path, const struct fields *table, const void *kept,
                 struct mu_err *err)
{
    struct buf text;
    buf_init(&text, FILE_MOST_BYTES);
    struct writer w = writer_of(&text, false);
    fields_write(table, kept, &w);
    buf_char(&text, '\n');
    const bool good =
        text.over
            ? err_set(err, MU_DATA, "%s would be larger than %d MiB", path, FILE_MOST_BYTES >> 20)
            : save_folders(folder, err) && save_file(path, buf_text(&text), err);
    buf_release(&text);
    return good;
}
