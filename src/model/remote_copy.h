/* model/remote_copy.h - inside model/: one file of a server's, kept as the copy of its header. */
#pragma once
#include "base/http.h"
#include "model/remote.h"

struct remote {
    const struct remote_asked *asked;
    struct http http;
    const char *shown;    /* the operand, fit to show */
    double fetched_bytes; /* over the network, so far */
    double whole_bytes;   /* that the files have there, as far as they say */
};
/* Where files lie: their addresses are `base` NAME `query`, their copies FOLDER/NAME. */
struct remote_place {
    const char *base, *query, *folder;
    struct http_token token;
    bool plain_token;
    bool hub;
    bool raw;           /* names are as a file system has them, and are encoded for addresses */
    const char *accept; /* a media type, or NULL */
    const char
        *to_be_let_in; /* what to do where it wants to know who asks; NULL: nothing is known */
};
enum remote_kind { REMOTE_GGUF, REMOTE_SAFETENSORS, REMOTE_TEXT };
/* The copy of one file, made or found unchanged. name: as the folder has it; NULL in `at`: the same there, else its name there. */
bool remote_copy(struct remote *r, const struct remote_place *p, const char *name, const char *at,
                 enum remote_kind kind, const char **path, struct mu_err *err) NODISCARD;
/* A text that is not kept, with where a list goes on (or NULL). */
bool remote_text(struct remote *r, const struct remote_place *p, const char *url, struct buf *body,
                 const char **next, struct mu_err *err) NODISCARD;
/* A model of which this file is the first or only one: its other parts, its configuration beside it. */
bool remote_model(struct remote *r, const struct remote_place *p, const char *name,
                  const char **path, struct mu_err *err) NODISCARD;

/* The folder of copies from one host, and what belongs to the same model there. NULL: no cache folder is known. */
const char *remote_folder(const struct remote_asked *asked, const struct http_url *host,
                          const char *below);
/* What a hub lists of one repository. */
struct hub_list {
    const char **name; /* of files; names that lead elsewhere are left out */
    size_t count, room;
};
enum { HUB_FILES_MOST = 16384 };
/* One page of the list (JSON), added to what is there. shown: for messages. */
bool hub_list_read(struct str text, const char *shown, struct arena *a, struct hub_list *list,
                   struct mu_err *err) NODISCARD;
bool hub_list_has(const struct hub_list *list, const char *name);
