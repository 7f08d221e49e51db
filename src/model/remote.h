/* model/remote.h - models that are not on this disk: what a hub, a registry of Ollama's or any server holds under an address. Only the
 * fronts of files are fetched, by ranges, and kept as copies of headers alone: each is cut where the weights begin, so that whoever
 * reads one sees that they are missing. */
#pragma once
#include "base/str.h"

struct arena;
struct catalog;
struct mu_err;
struct notes;

struct remote_asked {
    const char *operand; /* hf:org/name[:file or quantisation], ollama:name[:tag], http(s)://... */
    const char *(*env)(const char *name); /* HF_ENDPOINT, HF_TOKEN, XDG_CACHE_HOME, HOME */
    const struct catalog *catalog;        /* types of weights; not needed for what is kept */
    struct arena *arena;
    struct notes *notes; /* may be NULL */
};
bool remote_is_address(const char *operand);
/* Whether it names something that remote_fetch() may find. */
bool remote_is_name(const char *operand);
/* An address as it may be shown: without its query, where secrets stand. */
const char *remote_shown(const char *operand, struct arena *a);
/* Asks over the network and leaves the path of a header's copy: fetched now, or kept from before and unchanged there. */
bool remote_fetch(const struct remote_asked *asked, const char **path,
                  struct mu_err *err) NODISCARD;
/* The copy that is kept; nothing is asked. False: none is. */
bool remote_kept(const struct remote_asked *asked, const char **path);
/* What a copy was fetched from, without a query; NULL of other files. */
const char *remote_url(const char *path, struct arena *a);
/* Says of a copy when it was fetched and from where; of other files nothing. */
void remote_confess(const char *path, struct arena *a, struct notes *notes);
