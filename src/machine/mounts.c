/* Reads /proc/self/mountinfo: "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw". Blanks and the like are written in
 * octal ("\040"). Fields: proc_pid_mountinfo(5). Lines that are not of that form are passed over. */
#include "machine/mounts.h"
#include "base/arena.h"

struct line {
    struct str device, folder, at, filesystem, source;
};

static bool octal(char c)
{
    return c >= '0' && c <= '7';
}

const char *mount_text(struct arena *a, struct str s)
{
    char *out = NEW_ARRAY(a, char, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        const bool escape = s.p[i] == '\\' && i + 3 < s.n && octal(s.p[i + 1]) &&
                            octal(s.p[i + 2]) && octal(s.p[i + 3]);
        if (!escape) {
            out[n++] = s.p[i];
            continue;
        }
        const int value = (s.p[i + 1] - '0') * 64 + (s.p[i + 2] - '0') * 8 + (s.p[i + 3] - '0');
        out[n++] = value ? (char)(unsigned char)value : '?';
        i += 3;
    }
    return out;
}

static bool line_read(struct str text, struct line *out)
{
    struct line l = {.device = {0}};
    (void)str_cut(&text, ' '); /* its number and its parent's */
    (void)str_cut(&text, ' ');
    l.device = str_cut(&text, ' ');
    l.folder = str_cut(&text, ' ');
    l.at = str_cut(&text, ' ');
    while (text.n && !str_is(str_cut(&text, ' '), "-")) continue;
    l.filesystem = str_cut(&text, ' ');
    l.source = str_cut(&text, ' ');
    *out = l;
    return l.at.n && l.filesystem.n;
}

/* Whether the path is the mount point or stands below it. */
static bool holds(struct str at, struct str path)
{
    if (!str_starts(path, at)) return false;
    return at.n == path.n || at.p[at.n - 1] == '/' || path.p[at.n] == '/';
}

bool mount_of(struct str mountinfo, struct str path, struct arena *a, struct mount *out)
{
    struct mount best = {.at = NULL};
    size_t longest = 0;
    while (mountinfo.n) {
        struct line l;
        if (!line_read(str_line(&mountinfo), &l)) continue;
        const char *at = mount_text(a, l.at);
        const struct str point = str_of(at);
        if (!point.n || !holds(point, path) || point.n < longest) continue;
        struct mount m = {.folder = mount_text(a, l.folder),
                          .at = at,
                          .filesystem = mount_text(a, l.filesystem),
                          .source = mount_text(a, l.source)};
        const struct str major = str_cut(&l.device, ':');
        if (!str_u64(major, &m.major) || !str_u64(l.device, &m.minor)) continue;
        longest = point.n;
        best = m;
    }
    if (best.at) *out = best;
    return best.at != NULL;
}
