/* model/hub_token.c - the token that a hub's programs would send, from the environment or the file that logging in left, and whether they
 * would ask at all. Names and order as huggingface_hub 0.34 documents them ("Environment variables"). Left out: tokens with names of their
 * own (stored_tokens), git's credentials. */
#include "model/hub_token.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/mapped.h"
#include "model/remote.h"

enum { TOKEN_FILE_MOST = 4096 };

static const char *env_of(const struct remote_asked *asked, const char *name)
{
    const char *value = asked->env ? asked->env(name) : NULL;
    return value && value[0] ? value : NULL;
}

static bool is_on(const char *value)
{
    static const char *const on[] = {"1", "on", "yes", "true"};
    for (size_t i = 0; value && i < COUNT_OF(on); i++)
        if (str_eq_nocase(str_of(value), str_of(on[i]))) return true;
    return false;
}

static const char *token_path(const struct remote_asked *asked)
{
    struct arena *a = asked->arena;
    const char *path = env_of(asked, "HF_TOKEN_PATH"), *hub = env_of(asked, "HF_HOME");
    const char *cache = env_of(asked, "XDG_CACHE_HOME"), *home = env_of(asked, "HOME");
    if (path) return path;
    if (hub) return str_format(a, "%s/token", hub);
    if (cache) return str_format(a, "%s/huggingface/token", cache);
    return home ? str_format(a, "%s/.cache/huggingface/token", home) : NULL;
}

/* The only line of the file, without blanks around it. */
static const char *token_in(const char *path, struct arena *a)
{
    struct mapped file = {.map = NULL};
    struct mu_err ignored = {.code = MU_OK};
    const char *token = NULL;
    uint64_t whole = 0;
    if (!mapped_open(path, TOKEN_FILE_MOST, &file, &whole, &ignored)) return NULL;
    const struct str text = str_trim(file.bytes);
    bool plain = text.n > 0 && whole <= TOKEN_FILE_MOST;
    for (size_t i = 0; i < text.n; i++) plain = plain && text.p[i] > ' ' && text.p[i] <= '~';
    if (plain) token = str_copy(a, text);
    mapped_close(&file);
    return token;
}

struct http_token hub_token(const struct remote_asked *asked)
{
    const char *given = env_of(asked, "HF_TOKEN");
    if (given || is_on(env_of(asked, "HF_HUB_DISABLE_IMPLICIT_TOKEN")))
        return (struct http_token){given};
    const char *path = token_path(asked);
    return (struct http_token){path ? token_in(path, asked->arena) : NULL};
}

bool hub_offline(const struct remote_asked *asked)
{
    return is_on(env_of(asked, "HF_HUB_OFFLINE"));
}
