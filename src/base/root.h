/* base/root.h - /proc, /sys, /dev and /etc as seen from a movable root, so that a captured tree answers like the machine itself.
 *
 * Every path is absolute in the machine looked at ("/proc/meminfo"). Symbolic links are followed inside the root only (openat2
 * RESOLVE_IN_ROOT), so nothing of this host can leak into a captured one. */
#pragma once
#include "base/str.h"

struct arena;
struct mu_err;

struct root {
    int fd;
    bool captured; /* true: a tree under --root, not this machine; ask the running kernel nothing */
    const char *path; /* as given, for messages */
};

enum {
    ROOT_FILE_BYTES = 4 << 20
}; /* no file of /proc or /sys that we read is larger; more is cut */

bool root_open(const char *path, struct root *out,
               struct mu_err *err) NODISCARD; /* NULL or "/": this machine */
void root_close(struct root *r);
/* The text of a file; false when it is absent or unreadable (which is an answer, not an error). The copy ends in NUL. */
bool root_text(const struct root *r, const char *path, struct arena *a, struct str *out) NODISCARD;
/* The same with trailing blanks and newlines removed, and a whole number. */
bool root_word(const struct root *r, const char *path, struct arena *a, struct str *out) NODISCARD;
bool root_u64(const struct root *r, const char *path, uint64_t *out) NODISCARD;
/* Names in a folder, sorted (numbers inside names by value: cpu2 before cpu10), without . and .. ; at most 65536. */
bool root_names(const struct root *r, const char *folder, struct arena *a,
                const char *const **names, size_t *count) NODISCARD;
/* The same with what the folder itself says of each; that of some file systems says nothing. */
enum root_kind { ROOT_NOT_SAID, ROOT_FILE, ROOT_FOLDER, ROOT_LINK };
struct root_entry {
    const char *name;
    enum root_kind kind;
};
bool root_entries(const struct root *r, const char *folder, struct arena *a,
                  const struct root_entry **entries, size_t *count) NODISCARD;
/* What a symbolic link says, unresolved. */
bool root_link(const struct root *r, const char *path, struct arena *a, struct str *out) NODISCARD;
bool root_has(const struct root *r, const char *path);
/* "/sys/devices/system/cpu/cpu%zu/online" and the like, formatted then read. */
bool root_u64f(const struct root *r, uint64_t *out, const char *format, ...) PRINTF(3, 4) NODISCARD;
bool root_wordf(const struct root *r, struct arena *a, struct str *out, const char *format, ...)
    PRINTF(4, 5) NODISCARD;
