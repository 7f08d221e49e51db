/* What it takes to get a model, shown: what is fetched and how long that takes, the room it needs, the first load, and the lines that do
 * it, by group. */
#include "verb/fetching.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "machine/facts.h"

/* Speeds of lines are said in bits, as they are sold. */
static const char *line_words(const struct fetch_time *t, struct arena *a)
{
    static const double bits_of_a_byte = 8, mega = 1e6, giga = 1e9;
    const double bits = t->bytes_per_s * bits_of_a_byte;
    if (t->line) return t->line;
    return bits >= giga ? str_format(a, "%s Gbit/s", units_number(a, bits / giga, 3))
                        : str_format(a, "%s Mbit/s", units_number(a, bits / mega, 3));
}

const char *fetch_time_words(const struct fetch *f, struct arena *a)
{
    const char *text = NULL;
    for (size_t i = 0; i < f->times; i++) {
        const char *one = str_format(a, "%s at %s", units_seconds(a, f->time[i].seconds),
                                     line_words(&f->time[i], a));
        text = text ? str_format(a, "%s, %s", text, one) : one;
    }
    return text;
}

const char *fetch_examples_words(double bytes, struct arena *a)
{
    const struct machine none = {.name = NULL};
    const struct fetch_asked asked = {.file_bytes = bytes,
                                      .line_bytes_per_s = (double)NAN,
                                      .slow_disk_bytes_per_s = (double)NAN,
                                      .machine = &none};
    struct fetch f;
    judge_fetch(&asked, &f);
    return fetch_time_words(&f, a);
}

static void show_download(struct doc *d, struct block *b, const struct fetching *f)
{
    const char *time = fetch_time_words(&f->fetch, d->arena);
    if (time)
        facts_row(d, b, "download", "%s · %s%s", units_bytes(d->arena, f->fetch.download_bytes),
                  time, f->fetch.examples ? " (examples; see --line)" : "");
    else
        facts_row(d, b, "download", "? · published as %s, which files of it keep",
                  f->native ? f->native : "nobody knows what");
}

static void show_room(struct doc *d, struct block *b, const char *name, const struct fetch *x)
{
    struct arena *a = d->arena;
    double free_bytes, left_bytes;
    const char *needs = units_bytes(a, x->disk_bytes);
    if (isnan(x->disk_bytes)) return;
    if (!known(x->free_bytes, &free_bytes) || !known(x->left_bytes, &left_bytes))
        facts_row(d, b, name, "%s; how much is free is not known", needs);
    else if (left_bytes < 0)
        facts_row(d, b, name, "%s: more than the %s that are free on %s", needs,
                  units_bytes(a, free_bytes), x->disk->mount);
    else
        facts_row(d, b, name, "%s of the %s that are free on %s: leaves %s", needs,
                  units_bytes(a, free_bytes), x->disk->mount, units_bytes(a, left_bytes));
}

/* What it takes to make the file here instead. */
static void show_made(struct doc *d, struct block *b, const struct fetching *f)
{
    const char *time = fetch_time_words(&f->made, d->arena);
    if (!f->converted) return;
    if (time) {
        facts_row(d, b, "made here", "%s as published, if in 16 bits · %s",
                  units_bytes(d->arena, f->made.download_bytes), time);
        show_room(d, b, "disk for that", &f->made);
    }
}

static void show_load(struct doc *d, struct block *b, const struct fetching *f)
{
    struct arena *a = d->arena;
    const struct estimate s = f->fetch.load_s;
    if (!estimate_known(s)) {
        facts_row(d, b, "first load", "? · %s", s.source);
        return;
    }
    const char *low = units_seconds(a, s.low), *high = units_seconds(a, s.high);
    const char *words = strcmp(low, high) == 0 ? low : str_format(a, "%s to %s", low, high);
    facts_row(d, b, "first load", "%s at %s; later from the page cache, while it holds the file",
              words, s.source);
}

/* Ollama's copies may lie elsewhere. */
static void show_library_disk(struct doc *d, struct block *b, const struct fetching *f)
{
    const struct disk_facts *disk = f->fetch.library_disk;
    if (disk)
        facts_row(d, b, "Ollama's disk", "%s, %s free", disk->mount,
                  units_bytes_q(d->arena, disk->free_bytes));
}

/* What stands over the lines of a group. */
static const char *group_title(const char *group, const struct fetching *f)
{
    if (strcmp(group, "gguf") == 0) return "Any one of these; the last is Python";
    if (strcmp(group, "library") == 0)
        return f->tag_of_mix ? "From Ollama's library"
                             : "From Ollama's library, in a mix of its own choice";
    if (strcmp(group, "unknown") == 0)
        return "ORG is to be looked up: who publishes GGUF files of it is not known here";
    if (strcmp(group, "convert") == 0)
        return "Made here: as published, then by llama.cpp's own tools";
    return "With MLX, in its own 4 bits, where it knows the architecture";
}

static void show_lines(struct doc *d, const struct fetching *f)
{
    for (size_t i = 0; i < f->lines; i++) {
        const char *group = f->line[i].program->group;
        if (i && strcmp(group, f->line[i - 1].program->group) == 0) continue;
        struct block *b = doc_commands(d, group_title(group, f));
        for (size_t k = i; k < f->lines; k++)
            if (strcmp(f->line[k].program->group, group) == 0)
                commands_row(d, b, "%s", f->line[k].text);
    }
}

/* Why the lines are those. */
static void show_why(struct doc *d, const struct fetching *f)
{
    const char *note = NULL;
    for (size_t i = 0; i < f->lines && !note; i++) note = f->line[i].program->note;
    if (f->converted && f->source)
        doc_note(d, TONE_DIM,
                 "of %s in %s nothing is known here: muster facts source %s says what is", f->mix,
                 f->source->repository, name_alone(f->model));
    if (f->converted && f->gated)
        doc_note(
            d, TONE_WARN,
            "its owner asks for a licence to be accepted on the hub first; then hf auth login");
    if (note) doc_note(d, TONE_DIM, "hf: %s", note);
}

void show_fetch(struct doc *d, const struct fetching *f)
{
    if (!f) return;
    if (f->here) {
        doc_note(d, TONE_GOOD, "it is on this disk already: muster fit %s", f->here);
        return;
    }
    struct block *b = doc_facts(d, "To get it");
    show_download(d, b, f);
    show_room(d, b, "disk", &f->fetch);
    show_load(d, b, f);
    show_made(d, b, f);
    show_library_disk(d, b, f);
    if (f->fetch.slow) doc_note(d, TONE_WARN, "where models are kept: %s", f->fetch.slow);
    show_lines(d, f);
    show_why(d, f);
}

/* ---- the document */

static void write_lines(struct writer *w, const struct fetching *f)
{
    writer_key(w, "lines");
    writer_list(w);
    for (size_t i = 0; i < f->lines; i++) {
        writer_map(w);
        writer_put_cstr(w, "program", f->line[i].program->name);
        writer_put_cstr(w, "group", f->line[i].program->group);
        writer_put_cstr(w, "line", f->line[i].text);
        writer_put_cstr(w, "source", f->line[i].program->source);
        writer_map_end(w);
    }
    writer_list_end(w);
}

static void write_times(struct writer *w, const struct fetch *x)
{
    writer_key(w, "times");
    writer_list(w);
    for (size_t i = 0; i < x->times; i++) {
        writer_map(w);
        writer_put_number(w, "line_bytes_per_s", x->time[i].bytes_per_s);
        writer_put_number(w, "seconds", x->time[i].seconds);
        writer_put_bool(w, "example", x->examples);
        writer_map_end(w);
    }
    writer_list_end(w);
}

static void write_made(struct writer *w, const struct fetching *f)
{
    const struct fetch *x = &f->made;
    writer_key(w, "made");
    if (!f->converted) {
        writer_null(w);
        return;
    }
    writer_map(w);
    writer_put_number(w, "download_bytes", x->download_bytes);
    writer_put_number(w, "disk_bytes", x->disk_bytes);
    writer_put_number(w, "left_bytes", known_or(x->left_bytes, (double)NAN));
    write_times(w, x);
    writer_map_end(w);
}

void write_fetch(struct writer *w, const struct fetching *f)
{
    writer_key(w, "fetch");
    if (!f) {
        writer_null(w);
        return;
    }
    const struct fetch *x = &f->fetch;
    writer_map(w);
    writer_put_cstr(w, "model", f->model);
    writer_put_cstr(w, "repository", f->source ? f->source->repository : NULL);
    writer_put_cstr(w, "file", f->file);
    writer_put_cstr(w, "library_tag", f->tag);
    writer_put_bool(w, "library_tag_of_mix", f->tag_of_mix);
    writer_put_bool(w, "gated", f->gated);
    writer_put_cstr(w, "here", f->here);
    writer_put_number(w, "download_bytes", x->download_bytes);
    writer_put_cstr(w, "disk", x->disk ? x->disk->mount : NULL);
    writer_put_cstr(w, "library_disk", x->library_disk ? x->library_disk->mount : NULL);
    writer_put_number(w, "free_bytes", known_or(x->free_bytes, (double)NAN));
    writer_put_number(w, "left_bytes", known_or(x->left_bytes, (double)NAN));
    writer_put_cstr(w, "slow", x->slow);
    write_estimate(w, "load_s", x->load_s);
    write_times(w, x);
    write_made(w, f);
    write_lines(w, f);
    writer_map_end(w);
}
