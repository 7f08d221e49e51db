/* model/stock_names.h - what names of files, repositories and models say, here (store_*.c) and over the network (remote*.c). */
#pragma once
#include "base/str.h"

struct arena;
struct looking;

/* What a file's name says. */
struct gguf_name {
    struct str stem;      /* without -00001-of-00003 and the ending */
    unsigned part, parts; /* 1 and 1 for a whole one */
};
/* False when it ends otherwise. ending: ".gguf", ".safetensors". */
bool stock_part_name(struct str file, struct str ending, struct gguf_name *out);

/* org/name[@revision][:rest]. */
struct hub_name {
    struct str repo, revision, rest; /* rest: a file or a quantisation, or empty */
    bool named;                      /* another revision than main, which goes without saying */
};
/* False: none of the hub's, or one that could lead elsewhere. */
bool stock_hub_name(struct str s, struct hub_name *out);
/* A revision as one part of an address: a / in it is encoded (huggingface_hub quotes it so). */
const char *stock_address_part(struct str revision, struct arena *a);
/* org/name, and nothing that leads out of a folder. */
bool stock_is_repo(struct str s);
/* A path inside a repository: no part of it is empty, hidden or leads up. */
bool stock_is_inside(struct str s);
/* TAG in the name, with a . or - behind it, in either case. */
bool stock_has_tag(struct str file, struct str tag);
/* Of the names of files the first GGUF model (or first part) with that quantisation, empty: of any; or the one that is usually taken. */
const char *stock_with_tag(const char *const *name, size_t names, struct str tag);
const char *stock_usual_file(const char *const *name, size_t names);
/* The model in one folder that holds a repository's files; rest: a file or a quantisation, or empty. NULL: none. */
const char *stock_in_folder(const struct looking *in, const char *folder, struct str rest);
/* A name as Ollama's list shows it: the usual registry and owner, and the tag "latest", go without saying. */
struct ollama_name {
    struct str registry, owner, model, tag;
};
bool stock_ollama_name(struct str s, struct ollama_name *out);
