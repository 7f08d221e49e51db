/* model/stock.h - the list of installed models while it is being made, and what its makers have in common. One store_*.c adds what lies
 * in one kind of store. */
#pragma once
#include "model/stock_names.h"
#include "model/stores.h"

struct stock_file; /* one that was counted: which it is on its disk, and for whom */
struct stock {
    const struct looking *in;
    struct stored *list;
    size_t count;
    struct stock_file *file, *folder; /* folders: those that were entered */
    size_t files, file_room, folders, folder_room;
    size_t steps; /* names that may still be looked at: no tree can take longer */
    bool over;
};
/* One more, to be completed; NULL when the list is full. */
struct stored *stock_add(struct stock *t, const struct stored *item);
/* Counts a file for an entry of the list; false when it is not there, or no file. */
bool stock_count(struct stock *t, struct stored *of, const char *path);
/* False when this is no folder, or one that was entered before by whatever name. */
bool stock_enter(struct stock *t, const char *path);
/* Takes one step; false when there are none left. */
bool stock_step(struct stock *t);

/* A folder to be walked through, and everything below it that is not too deep. */
struct shelf {
    const char *store, *path;
    const char
        *name; /* "hf:org/name", when a name leads here; else models are called by their path */
    bool hub;  /* "hf:org/name" leads to its models--org--name */
};
void stock_shelf(struct stock *t, const struct shelf *shelf); /* store_folder.c */
void stock_hub_repo(struct stock *t, const struct shelf *hub, const char *folder); /* store_hub.c */
void stock_ollama(struct stock *t); /* store_ollama.c */

/* "model-Q4_K_M", "model.Q4_K_M": Q4_K_M; empty when nothing is set off. */
struct str stock_name_tag(struct str stem);
/* What a file of this name is when it is no model; NULL: a model, by its name. */
const char *stock_name_role(struct str file);
bool stock_unfinished(struct str file); /* a name that downloads have on the way */

/* Where a name may lead: the caches of whoever asks. */
struct finding {
    const struct looking *in;
    const char *operand; /* as given, visible */
    struct str name;     /* behind "hf:" or "ollama:" */
};
bool store_hub_find(const struct finding *f, const char **path, struct mu_err *err) NODISCARD;
bool store_ollama_find(const struct finding *f, const char **path, struct mu_err *err) NODISCARD;
