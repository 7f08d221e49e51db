/* catalog/sources.h - who publishes files of what, and the lines that fetch them (data/sources.json). */
#pragma once
#include "catalog/catalog.h"

/* GGUF files of a model: file[i] holds it in mix[i]. A mix that is not listed is not known to be there. */
struct gguf_source {
    const char *model, *repository, *source, *confidence; /* model: hf_id of the catalogue */
    const char *const *mix;
    size_t mixes;
    const char *const *file;
    size_t files;
};
/* A model in Ollama's library: tag in a mix of Ollama's choice, mix_tag[i] in mix[i]. */
struct library_source {
    const char *model, *tag, *source, *confidence;
    const char *const *mix;
    size_t mixes;
    const char *const *mix_tag;
    size_t mix_tags;
};
/* A line of a program, with {words} that stand for what is known of the model. */
struct fetch_program {
    const char *name, *line, *note, *source, *confidence;
    const char *group;   /* "gguf" "library" "convert" "mlx": shown together */
    const char *backend; /* only on a machine with one of these; NULL: on any */
    /* Only where the mix is found by the file's name, or only where it is not. */
    bool tagged, untagged;
    const char *const *only; /* of these mixes */
    size_t only_count;
    const char *const *except; /* of all but these */
    size_t except_count;
};
/* What the best of a slow kind of disk reads. */
struct slow_disk {
    const char *name, *source, *confidence;
    double read_mbs;
};
struct fetch_sources {
    const struct gguf_source *gguf;
    size_t ggufs;
    const struct library_source *library;
    size_t libraries;
    const struct fetch_program *program;
    size_t programs;
    const struct slow_disk *disk;
    size_t disks;
};
bool catalog_sources(const struct catalog *c, const struct fetch_sources **out,
                     struct mu_err *err) NODISCARD;
/* By hf_id, the one that has it in that mix before others; NULL: nobody's are known. */
const struct gguf_source *gguf_source_of(const struct fetch_sources *s, const char *model,
                                         const char *mix);
const struct library_source *library_source_of(const struct fetch_sources *s, const char *model);
/* The file, or the tag, of a mix; NULL: none is known. g and l may be NULL. */
const char *gguf_source_file(const struct gguf_source *g, const char *mix);
const char *library_source_tag(const struct library_source *l, const char *mix);
