/* model/remote_copy.c - one file of a server's: as much of its front as holds the header is fetched, in ranges that double, and kept beside
 * a small document that says what it is the front of. When that is there already, the server is asked only whether it changed.
 *
 * What a server says is believed no further than it can be held against something: the header's own counts bound what is fetched, a
 * file's name comes from us or passed stock_is_inside(), and what is kept is read by the same readers as any file. */
#include "model/remote_copy.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mapped.h"
#include "base/notes.h"
#include "base/num.h"
#include "base/reader.h"
#include "base/save.h"
#include "base/units.h"
#include "catalog/types.h"
#include "model/gguf.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FIRST_BYTES = 256 << 10,
    HEADER_MOST_BYTES = 128 << 20, /* as model.c maps of a file; headers are 1 to 20 MiB */
    STORED_MOST_BYTES = 32 << 20,  /* as safetensors.c reads */
    TEXT_MOST_BYTES = 32 << 20,
    SIDE_MOST_BYTES = 64 << 10,
    LENGTH_BYTES = 8
};

/* What stands beside a copy. */
struct side {
    const char *url, *etag, *when;
    double kept_bytes, total_bytes; /* total: NaN unknown */
};

static const char *side_path(const char *path, struct arena *a)
{
    const char *slash = strrchr(path, '/');
    const size_t head = slash ? (size_t)(slash + 1 - path) : 0;
    return str_format(a, "%.*s.%s.from", (int)head, path, path + head);
}

static const char *text_of(const struct json *root, const char *key, struct arena *a)
{
    struct str s;
    return json_text(json_get(root, key), &s) ? str_visible(a, s) : NULL;
}

/* False: there is no copy, or none that this is said of. */
static bool side_read(const char *path, struct arena *a, struct side *out)
{
    struct mapped file;
    struct json *root = NULL;
    struct stat st;
    uint64_t bytes = 0;
    const char *at = side_path(path, a);
    *out = (struct side){.total_bytes = (double)NAN};
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || stat(at, &st) != 0) return false;
    if (!mapped_open(at, SIDE_MOST_BYTES, &file, &bytes, NULL)) return false;
    if (bytes <= SIDE_MOST_BYTES && json_parse(file.bytes, "a copy's record", &root, NULL)) {
        out->url = text_of(root, "url", a);
        out->etag = text_of(root, "etag", a);
        out->when = text_of(root, "when", a);
        if (!json_number(json_get(root, "kept_bytes"), &out->kept_bytes)) out->url = NULL;
        if (!json_number(json_get(root, "total_bytes"), &out->total_bytes))
            out->total_bytes = (double)NAN;
    }
    json_free(root);
    mapped_close(&file);
    return out->url && out->when && stat(path, &st) == 0 && (double)st.st_size == out->kept_bytes;
}

static bool side_write(const char *path, const struct side *s, struct arena *a, struct mu_err *err)
{
    struct buf b;
    buf_init(&b, SIDE_MOST_BYTES);
    struct writer w = writer_of(&b, false);
    writer_map(&w);
    writer_put_cstr(&w, "muster", MUSTER_VERSION);
    writer_put_cstr(&w, "schema", "header/1");
    writer_put_cstr(&w, "url", s->url);
    writer_put_cstr(&w, "etag", s->etag);
    writer_put_number(&w, "kept_bytes", s->kept_bytes);
    writer_put_number(&w, "total_bytes", s->total_bytes);
    writer_put_cstr(&w, "when", s->when);
    writer_map_end(&w);
    const bool saved = save_file(side_path(path, a), buf_text(&b), err);
    buf_release(&b);
    return saved;
}

/* ---- how much of it is header */

/* One file while it is fetched. */
struct front {
    struct remote *r;
    const struct remote_place *p;
    const char *url, *shown;
    struct buf bytes;
    struct http_answer answer; /* the first */
    struct mu_err *err;
};

static uint64_t total_of(const struct front *f)
{
    return f->answer.total_known ? f->answer.total_bytes : UINT64_MAX;
}

static struct http_asked asked_of(const struct front *f)
{
    return (struct http_asked){.url = f->url,
                               .token = f->p->token,
                               .plain_token = f->p->plain_token,
                               .accept = f->p->accept};
}

/* Fetches up to `bytes` of the front in all. False with a message; ends short only where the file does. */
static bool front_grow(struct front *f, uint64_t bytes)
{
    struct buf more;
    struct http_answer answer;
    struct http_asked asked = asked_of(f);
    if (bytes > total_of(f)) bytes = total_of(f);
    if (bytes <= f->bytes.n) return true;
    asked.from = f->bytes.n;
    asked.bytes = bytes - f->bytes.n;
    asked.same_etag = f->answer.etag;
    buf_init(&more, asked.bytes);
    bool good = http_get(&f->r->http, &asked, f->r->asked->arena, &more, &answer, f->err);
    if (good && answer.status != 200 && answer.status != 206)
        good = err_set(f->err, MU_UNAVAILABLE, "cannot read on in %s: it answers %d", f->shown,
                       answer.status);
    if (good && !more.n)
        good = err_set(f->err, MU_DATA, "cannot read %s: it ends inside its header", f->shown);
    if (good) buf_add(&f->bytes, buf_text(&more));
    /* who knows no ranges sends what came before them too */
    f->r->fetched_bytes += (double)more.n + (good && answer.status == 200 ? (double)asked.from : 0);
    buf_release(&more);
    return good;
}

static bool too_long(const struct front *f, uint64_t most)
{
    return err_set(f->err, MU_DATA,
                   "cannot read %s as a model: its header would be longer than %s, which no known "
                   "one is",
                   f->shown, units_bytes(f->r->asked->arena, (double)most));
}

/* Whether the front holds the whole header, which is then *header bytes long. */
static bool gguf_whole(const struct front *f, const struct weight_type *types, uint64_t *header,
                       bool *cut, struct mu_err *why)
{
    struct arena *aside = arena_new(ARENA_USUAL_BYTES);
    struct gguf g;
    const struct gguf_source from = {
        .bytes = buf_text(&f->bytes), .file_bytes = total_of(f), .name = f->shown, .types = types};
    const bool whole = gguf_read(&from, aside, &g, why);
    *cut = !whole && g.cut;
    if (whole) {
        *header = g.header_bytes;
        if (g.missing_bytes)
            note_add(f->r->asked->notes,
                     "%s: the file there is %s shorter than its header says; an unfinished upload, "
                     "perhaps",
                     f->shown, units_bytes(f->r->asked->arena, (double)g.missing_bytes));
    }
    arena_free(aside);
    return whole;
}

static bool gguf_front(struct front *f)
{
    const struct weight_type *types = catalog_types(f->r->asked->catalog, f->err);
    uint64_t header = 0;
    if (!types) return false;
    for (;;) {
        struct mu_err why = {.code = MU_OK};
        bool cut = false;
        if (gguf_whole(f, types, &header, &cut, &why)) break;
        if (!cut || f->bytes.n >= total_of(f)) return err_set(f->err, why.code, "%s", why.text);
        if (f->bytes.n >= HEADER_MOST_BYTES) return too_long(f, HEADER_MOST_BYTES);
        if (!front_grow(f, 2 * (uint64_t)f->bytes.n)) return false;
    }
    if (header < f->bytes.n) f->bytes.n = (size_t)header;
    return true;
}

static bool stored_front(struct front *f)
{
    struct reader r = reader_of(f->bytes.p, f->bytes.n);
    const uint64_t length = reader_u64(&r);
    if (r.bad || length < 2)
        return err_set(f->err, MU_DATA, "cannot use %s: it is not a safetensors file", f->shown);
    if (length > STORED_MOST_BYTES) return too_long(f, STORED_MOST_BYTES);
    if (!front_grow(f, length + LENGTH_BYTES)) return false;
    if (f->bytes.n < length + LENGTH_BYTES)
        return err_set(f->err, MU_DATA, "cannot use %s: its header is cut off", f->shown);
    f->bytes.n = (size_t)length + LENGTH_BYTES;
    return true;
}

/* ---- answers that are no file */

static bool refused(const struct front *f, int status, struct mu_err *err)
{
    const char *token =
        f->p->token.secret   ? "the token in HF_TOKEN, or left by logging in, is not enough for it"
        : f->p->to_be_let_in ? f->p->to_be_let_in
                             : "fetch it first, as that server would have it, and name the file";
    if (status == 401)
        return err_set(err, MU_PERMISSION,
                       "cannot read %s: the server wants to know who asks (401), or there is no "
                       "such model: %s",
                       f->shown, token);
    if (status == 403)
        return err_set(
            err, MU_PERMISSION, "cannot read %s: the server forbids it (403)%s: %s", f->shown,
            f->p->hub ? "; its owner may ask that terms be accepted on its page first" : "", token);
    if (status == 404)
        return err_set(err, MU_NOINPUT, "cannot read %s: the server has nothing of that name (404)",
                       f->shown);
    if (status == 416)
        return err_set(err, MU_DATA, "cannot read %s: the file there is empty (416)", f->shown);
    return err_set(err, MU_UNAVAILABLE, "cannot read %s: the server answers %d", f->shown, status);
}

static bool is_file_answer(int status)
{
    return status == 200 || status == 206;
}

/* ---- the copy */

static bool keep(const struct front *f, const char *path)
{
    struct arena *a = f->r->asked->arena;
    const char *slash = strrchr(path, '/');
    const struct side side = {.url = f->shown,
                              .etag = f->answer.etag,
                              .when = clock_stamp(a),
                              .kept_bytes = (double)f->bytes.n,
                              .total_bytes = f->answer.total_known ? (double)f->answer.total_bytes
                                                                   : (double)NAN};
    (void)unlink(side_path(path, a)); /* no record stands beside a copy that it is not of */
    return save_folders(str_copy(a, (struct str){path, (size_t)(slash - path)}), f->err) &&
           save_file(path, buf_text(&f->bytes), f->err) && side_write(path, &side, a, f->err);
}

static bool fetch(struct front *f, enum remote_kind kind, const struct side *had, bool *unchanged)
{
    struct http_asked asked = asked_of(f);
    asked.known_etag = had->etag;
    if (kind == REMOTE_TEXT)
        asked.most_bytes = TEXT_MOST_BYTES;
    else
        asked.bytes = FIRST_BYTES;
    if (!http_get(&f->r->http, &asked, f->r->asked->arena, &f->bytes, &f->answer, f->err))
        return false;
    f->r->fetched_bytes += (double)f->bytes.n;
    *unchanged = f->answer.status == 304;
    if (*unchanged) return true;
    if (!is_file_answer(f->answer.status)) return refused(f, f->answer.status, f->err);
    if (kind == REMOTE_GGUF) return gguf_front(f);
    return kind == REMOTE_SAFETENSORS ? stored_front(f) : true;
}

/* For messages and records: without the query. */
static const char *shown_url(const char *url, struct arena *a)
{
    const size_t n = strcspn(url, "?#");
    return str_visible(a, (struct str){url, n});
}

/* What may stand in an address's path (RFC 3986, 3.3) as it is; all else is encoded. */
static const char *encoded(const char *name, struct arena *a)
{
    struct buf b;
    buf_init(&b, TEXT_MOST_BYTES);
    for (const char *p = name; *p; p++) {
        const bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
                           (*p >= 'A' && *p <= 'Z') || strchr("-._~/", *p);
        if (plain)
            buf_char(&b, *p);
        else
            buf_format(&b, "%%%02X", (unsigned)(unsigned char)*p);
    }
    const char *text = str_copy(a, buf_text(&b));
    buf_release(&b);
    return text;
}

bool remote_copy(struct remote *r, const struct remote_place *p, const char *name, const char *at,
                 enum remote_kind kind, const char **path, struct mu_err *err)
{
    struct arena *a = r->asked->arena;
    struct side had;
    bool unchanged = false;
    struct front f = {.r = r, .p = p, .err = err};
    if (!at) at = p->raw ? encoded(name, a) : name;
    f.url = str_format(a, "%s%s%s", p->base, at, p->query);
    f.shown = shown_url(f.url, a);
    const char *to = str_format(a, "%s/%s", p->folder, name);
    const bool there = side_read(to, a, &had) && strcmp(had.url, f.shown) == 0;
    if (!there) had = (struct side){.total_bytes = (double)NAN};
    buf_init(&f.bytes, HEADER_MOST_BYTES + FIRST_BYTES);
    const bool good = fetch(&f, kind, &had, &unchanged) && (unchanged || keep(&f, to));
    buf_release(&f.bytes);
    if (!good) return false;
    const double whole = unchanged
                             ? had.total_bytes
                             : (f.answer.total_known ? (double)f.answer.total_bytes : (double)NAN);
    r->whole_bytes += whole;
    *path = to;
    return arena_within(a, err);
}

bool remote_text(struct remote *r, const struct remote_place *p, const char *url, struct buf *body,
                 const char **next, struct mu_err *err)
{
    struct arena *a = r->asked->arena;
    struct front f = {.r = r, .p = p, .url = url, .shown = shown_url(url, a), .err = err};
    struct http_asked asked = asked_of(&f);
    asked.most_bytes = body->most;
    if (!http_get(&r->http, &asked, a, body, &f.answer, err)) return false;
    r->fetched_bytes += (double)body->n;
    *next = f.answer.next;
    return f.answer.status == 200 || refused(&f, f.answer.status, err);
}

const char *remote_url(const char *path, struct arena *a)
{
    struct side s;
    return side_read(path, a, &s) ? s.url : NULL;
}

void remote_confess(const char *path, struct arena *a, struct notes *notes)
{
    struct side s;
    struct stat st;
    const char *at = path;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) at = str_format(a, "%s/config.json", path);
    if (side_read(at, a, &s))
        note_add(notes,
                 "%s is a copy of the header of %s, fetched on %s; --online asks whether it "
                 "changed",
                 str_visible(a, str_of(path)), s.url, s.when);
}
