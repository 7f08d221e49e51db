/* model/hub_name.c - a name of the hub's taken apart: ORG/NAME, @REVISION, :FILE or :QUANTISATION. A revision is a branch, a tag or the
 * digits of a commit, as git check-ref-format(1) allows them, of letters, digits and . _ - / alone, so that none leads out of a
 * folder or means something else in an address. Left out: the first digits of a commit, which only the hub completes. */
#include <string.h>

#include "base/arena.h"
#include "model/stock_names.h"

enum { REVISION_MOST = 128 };

static bool is_revision(struct str s)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
    if (s.n > REVISION_MOST) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!s.p[i] || !strchr(plain, s.p[i])) return false;
    return stock_is_inside(s) && !str_has(s, S(".."));
}

bool stock_hub_name(struct str s, struct hub_name *out)
{
    struct hub_name n = {.rest = s, .revision = S("main")};
    n.repo = str_cut(&n.rest, ':');
    struct str behind = n.repo;
    const struct str repo = str_cut(&behind, '@');
    n.named = behind.p != NULL;
    n.repo = repo;
    if (n.named) n.revision = behind;
    if (!stock_is_repo(n.repo) || (n.named && !is_revision(n.revision))) return false;
    if (str_is(n.revision, "main")) n.named = false;
    *out = n;
    return true;
}

const char *stock_address_part(struct str revision, struct arena *a)
{
    const char *text = "";
    struct str rest = revision;
    while (rest.p) {
        const struct str part = str_cut(&rest, '/');
        text = str_format(a, "%s%.*s%s", text, STR_ARG(part), rest.p ? "%2F" : "");
    }
    return text;
}
