/* judge/requirement_words.h - inside judge/: the words of data/requirements.json, and the parts a text may name. */
#pragma once
#include "judge/requirement.h"

/* X(means, word) */
#define WORD_MEANINGS(X)                  \
    X(MEANS_FILLER, "filler")             \
    X(MEANS_MORE, "more")                 \
    X(MEANS_WISH, "wish")                 \
    X(MEANS_NOTHING, "nothing")           \
    X(MEANS_PURPOSE, "purpose")           \
    X(MEANS_CORES, "cores")               \
    X(MEANS_VRAM, "vram")                 \
    X(MEANS_RAM, "ram")                   \
    X(MEANS_FREE, "free")                 \
    X(MEANS_ARCHITECTURE, "architecture") \
    X(MEANS_GPU, "gpu")                   \
    X(MEANS_CHIP, "chip")                 \
    X(MEANS_VECTORS, "vectors")           \
    X(MEANS_DISK, "disk") /* of the list "disks" */
enum word_means {
#define MEANS_ENUM(means, word) means,
    WORD_MEANINGS(MEANS_ENUM)
#undef MEANS_ENUM
        WORD_MEANINGS_COUNT
};

struct word_row {
    const char *words, *means_word, *of;
    const char *const *names;
    size_t name_count;
    double least; /* NaN: none of its own */
    enum word_means means;
    const struct disk_class *disk;
};
struct disk_class {
    const char *name, *source, *confidence;
    const char *const *words;
    size_t word_count;
    const char *const *kinds; /* of disk_facts that are such a disk */
    size_t kind_count;
    double read_mbs;
};
struct requirement_words {
    const struct word_row *row;
    size_t rows;
    double sustained_share_least; /* of a CPU's theoretical bandwidth, what is surely read */
    const char *sustained_share_source;
};
const char *requirement_topic(enum requirement_of of); /* "cpu" */

/* The part of that name, or the family of such parts; false when there is none. memory_gib decides between GPUs of one name, NaN when it
 * is not said. */
bool part_named(const struct catalog *c, enum requirement_of of, struct str name, double memory_gib,
                struct arena *a, struct ask_part *out);

/* Vector instructions by their bit. `feature` is cpu_facts' word. */
struct vector_set {
    const char *words, *feature;
};
enum { VECTOR_SETS = 7 };
extern const struct vector_set vector_sets[VECTOR_SETS];
/* The bit of the set with that feature; 0: none has. */
unsigned vector_set_of(const char *feature);
