/* judge/requirement.h - hardware that somebody asks for in words, read and held against a machine: "Intel i5/AMD Ryzen 5 or equivalent",
 * "8GB+ VRAM (... or better)", "200GB on NVMe SSDs". A named CPU stands for its cores, its vector instructions and its memory bandwidth, a
 * named GPU for its memory and bandwidth, a kind of disk for what it reads a second. Words and thresholds: data/requirements.json. A
 * text with a word that is neither there nor a part of the catalogue is not read: nothing is guessed. */
#pragma once
#include "base/str.h"

struct arena;
struct catalog;
struct machine;
struct mu_err;

/* What the text is about: "8GB" is memory of a GPU, or free space on a disk. */
enum requirement_of { REQUIRE_CPU, REQUIRE_GPU, REQUIRE_DISK };
enum requirement_says { REQUIREMENT_MET, REQUIREMENT_NOT_MET, REQUIREMENT_UNKNOWN };
const char *requirement_word(enum requirement_says says); /* "met", "not met", "not known" */

/* data/requirements.json, read once. */
struct requirement_words;
bool requirement_words_read(const struct catalog *c, struct arena *a,
                            const struct requirement_words **out, struct mu_err *err) NODISCARD;

enum ask_kind {
    ASK_CORES,
    ASK_RAM,
    ASK_ARCHITECTURE,
    ASK_CPU,
    ASK_GPU_MAKE, /* any GPU, or one of these makers */
    ASK_CHIP,     /* a GPU or a CPU of these makers */
    ASK_GPU_MEMORY,
    ASK_GPU,
    ASK_FREE,
    ASK_DISK,
    ASK_VECTORS /* all of these sets of vector instructions */
};
/* A part by name; of a family ("i5") the least of each figure among its rows, and which rows those are. */
struct ask_part {
    const char *name; /* as written */
    const char *row;  /* in the catalogue; of a family the row with the fewest cores */
    bool family;
    double cores, bandwidth_gbs, memory_gib;
    unsigned vectors; /* bits of the instruction sets it has (requirement_here.c) */
};
enum { ASK_PARTS_MOST = 6, ASKS_MOST = 5, ALTERNATIVES_MOST = 6 };
struct disk_class;
struct ask {
    enum ask_kind kind;
    double least;             /* cores, or bytes */
    const char *words;        /* as written */
    const char *const *names; /* architectures, makers, or CPU features */
    size_t name_count;
    const struct disk_class *disk;
    struct ask_part part[ASK_PARTS_MOST]; /* any of these will do */
    size_t parts;
    bool wished; /* "preferred": said, but nothing fails for it */
};
/* All of these together. */
struct alternative {
    struct ask ask[ASKS_MOST];
    size_t asks;
};
struct requirement {
    const char *text;
    enum requirement_of of;
    const char *unread;                                /* what could not be read, or NULL */
    bool nothing;                                      /* "not required" */
    struct alternative alternative[ALTERNATIVES_MOST]; /* any of these will do */
    size_t alternatives;
};

const struct requirement *requirement_read(const struct requirement_words *w,
                                           const struct catalog *c, enum requirement_of of,
                                           struct str text, struct arena *a);

struct requirement_verdict {
    enum requirement_says says;
    bool wished;     /* all that is asked is only preferred */
    const char *why; /* one sentence: what is asked, and what is here */
};
struct requirement_verdict requirement_hold(const struct requirement *r,
                                            const struct requirement_words *w,
                                            const struct catalog *c, const struct machine *m,
                                            struct arena *a);
