/* model/remote.c - where a name or an address leads over the network: to a hub (huggingface_hub's environment: HF_ENDPOINT, HF_TOKEN; its
 * addresses /api/models/ORG/NAME/tree/REVISION and /ORG/NAME/resolve/REVISION/FILE), to a registry of Ollama's (OCI distribution-spec 1.1:
 * /v2/OWNER/NAME/manifests/TAG and /blobs/DIGEST), or to the file itself.
 *
 * Copies lie in XDG_CACHE_HOME (~/.cache), muster/headers/HOST/..., so that a name finds its copy again without asking. Left out:
 * registries that want a token, which is said. */
#include "model/remote.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mapped.h"
#include "base/notes.h"
#include "base/root.h"
#include "base/units.h"
#include "model/hub_token.h"
#include "model/remote_copy.h"
#include "model/stock.h"

enum { LIST_MOST_BYTES = 8 << 20, PAGES_MOST = 16, MANIFEST_MOST_BYTES = 1 << 20, SHOWN_MOST = 6 };

static const char hub_usual[] = "https://huggingface.co",
                  manifest_type[] = "application/vnd.docker.distribution.manifest.v2+json";

bool remote_is_address(const char *operand)
{
    return str_starts(str_of(operand), S("https://")) || str_starts(str_of(operand), S("http://"));
}

bool remote_is_name(const char *operand)
{
    const struct str s = str_of(operand);
    return remote_is_address(operand) || str_starts(s, S("hf:")) || str_starts(s, S("ollama:"));
}

const char *remote_shown(const char *operand, struct arena *a)
{
    struct http_url u;
    if (!remote_is_address(operand)) return str_visible(a, str_of(operand));
    if (!http_url_read(str_of(operand), &u)) return "that address";
    return str_visible(a, (struct str){u.origin.p, u.origin.n + u.path.n});
}

static const char *env_of(const struct remote_asked *asked, const char *name)
{
    const char *value = asked->env ? asked->env(name) : NULL;
    return value && value[0] ? value : NULL;
}

const char *remote_folder(const struct remote_asked *asked, const struct http_url *host,
                          const char *below)
{
    struct arena *a = asked->arena;
    const char *cache = env_of(asked, "XDG_CACHE_HOME"), *home = env_of(asked, "HOME");
    if (!cache && home) cache = str_format(a, "%s/.cache", home);
    if (!cache || cache[0] != '/') return NULL;
    const char *port = host->port.n ? str_format(a, "_%.*s", STR_ARG(host->port)) : "";
    return str_format(a, "%s/muster/headers/%s_%.*s%s/%s", cache, host->secure ? "https" : "http",
                      STR_ARG(host->host), port, below);
}

static bool no_folder(const struct remote_asked *asked, struct mu_err *err)
{
    return err_set(
        err, MU_CANTCREATE,
        "cannot keep what %s would fetch: neither XDG_CACHE_HOME nor HOME names a folder",
        remote_shown(asked->operand, asked->arena));
}

/* ---- a hub */

static const char hub_lets_in[] =
    "set HF_TOKEN to a token of one that may read it, or log in (hf auth login)";

struct hub {
    struct str repo, rest;           /* rest: a file or a quantisation, or empty */
    const char *endpoint, *revision; /* revision: as one part of an address */
    struct http_url host;
    const char *folder;
};

static const char *endpoint_of(const struct remote_asked *asked)
{
    const char *given = env_of(asked, "HF_ENDPOINT");
    struct str s = str_of(given ? given : hub_usual);
    while (s.n && s.p[s.n - 1] == '/') s.n--;
    return str_copy(asked->arena, s);
}

static bool hub_of(const struct remote_asked *asked, struct hub *out, struct mu_err *err)
{
    struct arena *a = asked->arena;
    struct hub_name name;
    struct str operand = str_of(asked->operand);
    str_cut(&operand, ':');
    if (!stock_hub_name(operand, &name))
        return err_set(err, MU_NOINPUT,
                       "cannot take %s for a model: write hf:ORGANISATION/NAME, or "
                       "hf:ORGANISATION/NAME@REVISION",
                       remote_shown(asked->operand, a));
    struct hub h = {.repo = name.repo,
                    .rest = name.rest,
                    .endpoint = endpoint_of(asked),
                    .revision = stock_address_part(name.revision, a)};
    if (!http_url_read(str_of(h.endpoint), &h.host))
        return err_set(err, MU_USAGE,
                       "HF_ENDPOINT is no address of http or https without a user in it");
    /* no repository's name has an @ in it */
    h.folder = remote_folder(asked, &h.host,
                             str_format(a, "%.*s%s%s", STR_ARG(h.repo), name.named ? "@" : "",
                                        name.named ? h.revision : ""));
    *out = h;
    return h.folder || no_folder(asked, err);
}

static bool hub_list(struct remote *r, const struct remote_place *p, const struct hub *h,
                     struct hub_list *list, struct mu_err *err)
{
    struct arena *a = r->asked->arena;
    const char *url = str_format(a, "%s/api/models/%.*s/tree/%s?recursive=true", h->endpoint,
                                 STR_ARG(h->repo), h->revision);
    for (int page = 0; url && page < PAGES_MOST; page++) {
        struct buf body;
        struct http_url next_host;
        const char *next = NULL;
        buf_init(&body, LIST_MOST_BYTES);
        const bool good = remote_text(r, p, url, &body, &next, err) &&
                          hub_list_read(buf_text(&body), r->shown, a, list, err);
        buf_release(&body);
        if (!good) return err_add(err, "the list of its files");
        /* a list goes on where it began, or not at all */
        const bool same = next && http_url_read(str_of(next), &next_host) &&
                          http_url_same_host(&next_host, &h->host);
        url = same ? next : NULL;
        if (next && (!same || page + 1 == PAGES_MOST))
            note_add(r->asked->notes, "%s: the list of its files goes on, and was not followed",
                     r->shown);
    }
    return true;
}

static const char *others(const struct hub_list *list, struct arena *a)
{
    const char *text = NULL;
    size_t shown = 0;
    for (size_t i = 0; i < list->count && shown < SHOWN_MOST; i++) {
        if (!str_ends(str_of(list->name[i]), S(".gguf"))) continue;
        const char *name = str_visible(a, str_of(list->name[i]));
        text = text ? str_format(a, "%s, %s", text, name) : name;
        shown++;
    }
    return text;
}

/* The file that stands for the weights as published, or the configuration alone; NULL: neither. */
static const char *published(const struct hub_list *list)
{
    static const char *const usual[] = {"model.safetensors.index.json", "model.safetensors"};
    if (!hub_list_has(list, "config.json")) return NULL;
    for (size_t i = 0; i < COUNT_OF(usual); i++)
        if (hub_list_has(list, usual[i])) return usual[i];
    return "config.json";
}

static bool hub_choose(const struct remote *r, const struct hub *h, const struct hub_list *list,
                       const char **out, struct mu_err *err)
{
    struct arena *a = r->asked->arena;
    const char *const *name = list->name;
    const char *file = NULL, *given = str_copy(a, h->rest);
    if (h->rest.n && hub_list_has(list, given)) file = given;
    if (!file)
        file = h->rest.n ? stock_with_tag(name, list->count, h->rest)
                         : stock_usual_file(name, list->count);
    if (!file && !h->rest.n) file = published(list);
    *out = file;
    if (file) return true;
    const char *there = others(list, a);
    return err_set(err, MU_NOINPUT, "cannot read %s: of its %zu files none is %s%s%s", r->shown,
                   list->count, h->rest.n ? "that" : "a GGUF model or a config.json",
                   there ? "; there is " : "", there ? there : "");
}

/* Over http only what was named for such a hub, not what logging in to another left. */
static bool plain_token(const struct remote_asked *asked)
{
    return env_of(asked, "HF_ENDPOINT") && env_of(asked, "HF_TOKEN");
}

static struct remote_place hub_place(const struct remote_asked *asked, const struct hub *h)
{
    return (struct remote_place){.base = str_format(asked->arena, "%s/%.*s/resolve/%s/",
                                                    h->endpoint, STR_ARG(h->repo), h->revision),
                                 .query = "",
                                 .folder = h->folder,
                                 .token = hub_token(asked),
                                 .plain_token = plain_token(asked),
                                 .hub = true,
                                 .to_be_let_in = hub_lets_in,
                                 .raw = true};
}

static bool hub_fetch(struct remote *r, const char **path, struct mu_err *err)
{
    struct hub h = {.folder = NULL};
    struct hub_list list = {.count = 0};
    const char *file = NULL;
    if (hub_offline(r->asked))
        return err_set(err, MU_UNAVAILABLE,
                       "cannot read %s: HF_HUB_OFFLINE is set, so no hub is asked", r->shown);
    if (!hub_of(r->asked, &h, err)) return false;
    const struct remote_place p = hub_place(r->asked, &h);
    return hub_list(r, &p, &h, &list, err) && hub_choose(r, &h, &list, &file, err) &&
           remote_model(r, &p, file, path, err);
}

/* ---- a registry of Ollama's */

struct registry {
    struct ollama_name name;
    const char *base; /* "https://HOST/v2/OWNER/NAME/" */
    const char *folder, *manifest;
};

static bool registry_of(const struct remote_asked *asked, struct registry *out, struct mu_err *err)
{
    struct arena *a = asked->arena;
    struct registry g = {.folder = NULL};
    struct http_url host;
    struct str name = str_of(asked->operand);
    str_cut(&name, ':');
    const bool named = stock_ollama_name(name, &g.name);
    const char *below =
        named ? str_format(a, "%.*s/%.*s", STR_ARG(g.name.owner), STR_ARG(g.name.model)) : "";
    const char *url = named ? str_format(a, "https://%.*s", STR_ARG(g.name.registry)) : "";
    if (!named || !http_url_read(str_of(url), &host))
        return err_set(err, MU_NOINPUT,
                       "cannot take %s for a model: write ollama:NAME or ollama:NAME:TAG",
                       remote_shown(asked->operand, a));
    if (http_url_local(&host)) { /* a registry on this machine has no certificate */
        url = str_format(a, "http://%.*s", STR_ARG(g.name.registry));
        if (!http_url_read(str_of(url), &host)) return false;
    }
    g.base = str_format(a, "%s/v2/%s/", url, below);
    g.folder = remote_folder(asked, &host, below);
    g.manifest = str_format(a, "%.*s.manifest", STR_ARG(g.name.tag));
    *out = g;
    return g.folder || no_folder(asked, err);
}

static bool manifest_at(const char *path, struct arena *a, struct ollama_manifest *out,
                        struct mu_err *err)
{
    struct mapped file;
    uint64_t bytes = 0;
    if (!mapped_open(path, MANIFEST_MOST_BYTES, &file, &bytes, err)) return false;
    const bool good = bytes <= MANIFEST_MOST_BYTES
                          ? ollama_manifest_read(file.bytes, path, a, out, err)
                          : err_set(err, MU_DATA, "cannot use %s: it is too large for a manifest",
                                    str_visible(a, str_of(path)));
    mapped_close(&file);
    return good;
}

/* A registry's challenge (401) asks for a token by the key of an account, which the program that has it keeps to itself. */
static const char registry_lets_in[] =
    "muster holds no token of a registry's: log in there and fetch it with ollama pull, and it is "
    "read from Ollama's store";

static const char *blob_name(const struct ollama_manifest *m, struct arena *a)
{
    return str_format(a, "sha256-%s.gguf", m->model.digest);
}

static bool registry_fetch(struct remote *r, const char **path, struct mu_err *err)
{
    struct arena *a = r->asked->arena;
    struct registry g = {.folder = NULL};
    struct ollama_manifest m = {0};
    const char *manifest = NULL;
    if (!registry_of(r->asked, &g, err)) return false;
    const struct remote_place manifests = {.base = str_format(a, "%smanifests/", g.base),
                                           .query = "",
                                           .folder = g.folder,
                                           .accept = manifest_type,
                                           .to_be_let_in = registry_lets_in};
    const struct remote_place blobs = {.base = str_format(a, "%sblobs/", g.base),
                                       .query = "",
                                       .folder = g.folder,
                                       .to_be_let_in = registry_lets_in};
    const char *tag = str_format(a, "%.*s", STR_ARG(g.name.tag));
    if (!remote_copy(r, &manifests, g.manifest, tag, REMOTE_TEXT, &manifest, err) ||
        !manifest_at(manifest, a, &m, err))
        return false;
    return remote_copy(r, &blobs, blob_name(&m, a), str_format(a, "sha256:%s", m.model.digest),
                       REMOTE_GGUF, path, err);
}

/* ---- an address */

struct address {
    struct remote_place place;
    const char *name;
};

/* Different folders there are different folders here. FNV-1a, 64 bits (RFC 9923). */
static const char *folder_name(const char *base, const char *query, struct arena *a)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (const char *p = base; *p; p++) hash = (hash ^ (unsigned char)*p) * 0x100000001b3U;
    for (const char *p = query; *p; p++) hash = (hash ^ (unsigned char)*p) * 0x100000001b3U;
    return str_format(a, "address/%016jx", (uintmax_t)hash);
}

/* A hub's page of a file stands for the file. */
static const char *file_address(const char *operand, const char *endpoint, struct arena *a)
{
    const char *page = strstr(operand, "/blob/");
    if (!str_starts(str_of(operand), str_of(endpoint)) || !page) return operand;
    return str_format(a, "%.*s/resolve/%s", (int)(page - operand), operand,
                      page + strlen("/blob/"));
}

static bool address_of(const struct remote_asked *asked, struct address *out, struct mu_err *err)
{
    struct arena *a = asked->arena;
    struct http_url u, hub;
    const char *endpoint = endpoint_of(asked);
    const char *url = file_address(asked->operand, endpoint, a);
    if (!http_url_read(str_of(url), &u))
        return err_set(err, MU_USAGE,
                       "cannot ask for that address: it names a user, or holds characters that no "
                       "address has");
    const char *slash = u.path.n ? memrchr(u.path.p, '/', u.path.n) : NULL;
    const struct str name = {slash ? slash + 1 : "",
                             slash ? u.path.n - (size_t)(slash + 1 - u.path.p) : 0};
    if (!stock_is_inside(name))
        return err_set(err, MU_NOINPUT, "cannot use %s: it ends in no file's name",
                       remote_shown(url, a));
    struct str query = {name.p + name.n, strlen(name.p + name.n)};
    query = str_cut(&query, '#');
    out->name = str_copy(a, name);
    out->place =
        (struct remote_place){.base = str_copy(a, (struct str){url, (size_t)(name.p - url)}),
                              .query = str_copy(a, query)};
    /* the token is the hub's, whoever names its files */
    if (http_url_read(str_of(endpoint), &hub) && http_url_same_host(&hub, &u)) {
        out->place.token = hub_token(asked);
        out->place.plain_token = plain_token(asked);
        out->place.hub = true;
        out->place.to_be_let_in = hub_lets_in;
    }
    out->place.folder = remote_folder(asked, &u, folder_name(out->place.base, out->place.query, a));
    return out->place.folder || no_folder(asked, err);
}

static bool address_fetch(struct remote *r, const char **path, struct mu_err *err)
{
    struct address at = {.name = NULL};
    return address_of(r->asked, &at, err) && remote_model(r, &at.place, at.name, path, err);
}

/* ---- either */

static void say(const struct remote *r)
{
    struct arena *a = r->asked->arena;
    if (r->whole_bytes > 0)
        note_add(r->asked->notes, "%s: %s were fetched of the %s there", r->shown,
                 units_bytes(a, r->fetched_bytes), units_bytes(a, r->whole_bytes));
    else
        note_add(r->asked->notes, "%s: %s were fetched", r->shown,
                 units_bytes(a, r->fetched_bytes));
}

bool remote_fetch(const struct remote_asked *asked, const char **path, struct mu_err *err)
{
    struct remote r = {.asked = asked, .shown = remote_shown(asked->operand, asked->arena)};
    const struct str s = str_of(asked->operand);
    if (!http_open(&r.http, err)) return false;
    const bool good = remote_is_address(asked->operand) ? address_fetch(&r, path, err)
                      : str_starts(s, S("hf:"))         ? hub_fetch(&r, path, err)
                                                        : registry_fetch(&r, path, err);
    http_close(&r.http);
    if (good) say(&r);
    return good;
}

static bool is_there(const char *path)
{
    FILE *f = fopen(path, "re");
    if (f) (void)fclose(f);
    return f != NULL;
}

static const char *hub_kept(const struct remote_asked *asked)
{
    struct hub h = {.folder = NULL};
    struct root root;
    if (!hub_of(asked, &h, NULL) || !root_open(NULL, &root, NULL)) return NULL;
    const struct looking in = {.root = &root, .arena = asked->arena, .env = asked->env};
    const char *path = stock_in_folder(&in, h.folder, h.rest);
    root_close(&root);
    if (!path && !h.rest.n && is_there(str_format(asked->arena, "%s/config.json", h.folder)))
        path = h.folder;
    return path;
}

static const char *registry_kept(const struct remote_asked *asked)
{
    struct arena *a = asked->arena;
    struct registry g = {.folder = NULL};
    struct ollama_manifest m = {0};
    if (!registry_of(asked, &g, NULL)) return NULL;
    if (!manifest_at(str_format(a, "%s/%s", g.folder, g.manifest), a, &m, NULL)) return NULL;
    return str_format(a, "%s/%s", g.folder, blob_name(&m, a));
}

bool remote_kept(const struct remote_asked *asked, const char **path)
{
    const char *kept = NULL;
    struct address at = {.name = NULL};
    if (remote_is_address(asked->operand)) {
        if (address_of(asked, &at, NULL))
            kept = str_format(asked->arena, "%s/%s", at.place.folder, at.name);
    } else if (str_starts(str_of(asked->operand), S("hf:"))) {
        kept = hub_kept(asked);
    } else {
        kept = registry_kept(asked);
    }
    if (!kept || !is_there(kept)) return false;
    *path = kept;
    return true;
}
