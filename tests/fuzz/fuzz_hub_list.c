/* A hub's list of files from bytes somebody else wrote: a name it leaves is a path inside a folder, can be shown as it is, and is in the
 * list. The same bytes as a name of the hub's: its repository and revision are such paths too. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/remote_copy.h"
#include "model/stock_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sound(const char *name, struct arena *a)
{
    if (!name[0] || name[0] == '/' || name[0] == '.' || strstr(name, "/.") || strchr(name, '\\'))
        abort();
    if (strcmp(name, str_visible(a, str_of(name))) != 0) abort();
}

static void name_is_sound(struct str text, struct arena *a)
{
    struct hub_name n;
    if (!stock_hub_name(text, &n)) return;
    sound(str_copy(a, n.repo), a);
    sound(str_copy(a, n.revision), a);
    if (strchr(stock_address_part(n.revision, a), '/')) abort();
    if (n.named == str_is(n.revision, "main")) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct hub_list list = {.count = 0};
    struct mu_err err = {.code = MU_OK};
    const bool read = hub_list_read((struct str){(const char *)data, size}, "fuzz", a, &list, &err);
    if (read != (err.code == MU_OK) || list.count > HUB_FILES_MOST) abort();
    for (size_t i = 0; i < list.count; i++) {
        sound(list.name[i], a);
        if (!hub_list_has(&list, list.name[i])) abort();
    }
    const char *usual = stock_usual_file(list.name, list.count);
    if (usual && !hub_list_has(&list, usual)) abort();
    name_is_sound((struct str){(const char *)data, size}, a);
    arena_free(a);
    return 0;
}
