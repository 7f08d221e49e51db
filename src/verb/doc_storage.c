/* Storage and download in a requirements document: each model in the form in which it is used, how long two lines given as examples take
 * for it, and what the experiments leave on the disk. Left out: vocabularies, Python packages. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "judge/fetch.h"
#include "verb/fetching.h"
#include "verb/paper.h"

static const char *range_words(struct arena *a, struct estimate e)
{
    const char *low = units_bytes(a, e.low), *high = units_bytes(a, e.high);
    return strcmp(low, high) == 0 ? low : str_format(a, "%s to %s", low, high);
}

static void show_written(struct doc *d, const struct paper *p)
{
    static const char *const head[] = {"what they write", "a unit", "in all"};
    static const enum align align[] = {ALIGN_LEFT, ALIGN_RIGHT, ALIGN_RIGHT};
    struct arena *a = d->arena;
    struct block *b = NULL;
    for (size_t i = 0; i < p->judged->rows; i++) {
        const struct judged *j = &p->judged->row[i];
        const struct verdict *v = &j->verdict;
        if (!j->asked || p->row[i].why || !estimate_known(v->unit_disk_bytes) ||
            !(v->unit_disk_bytes.high > 0))
            continue;
        const char *all = estimate_known(v->disk_bytes) ? range_words(a, v->disk_bytes) : "?";
        const char *unit = j->asked->task.kind->unit;
        const struct cell row[] = {
            {.text = j->experiment->title},
            {.text = str_format(a, "%s a %s", range_words(a, v->unit_disk_bytes), unit)},
            {.text = all}};
        if (!b) b = doc_table(d, NULL, head, align, COUNT_OF(head));
        table_row(d, b, row);
    }
}

static const char *fetch_words(double bytes, struct arena *a)
{
    const char *text = fetch_examples_words(bytes, a);
    return text ? text : "?";
}

void show_doc_storage(struct doc *d, const struct paper *p)
{
    static const char *const head[] = {"model", "form", "size", "to fetch it, as examples"};
    static const enum align align[] = {ALIGN_LEFT, ALIGN_LEFT, ALIGN_RIGHT, ALIGN_LEFT};
    struct arena *a = d->arena;
    if (!p->files) return;
    doc_heading(d, "Storage and download");
    struct block *b = doc_table(d, NULL, head, align, COUNT_OF(head));
    for (size_t i = 0; i < p->files; i++) {
        const struct paper_file *f = &p->file[i];
        const struct cell row[] = {{.text = name_alone(f->model)},
                                   {.text = f->form},
                                   {.text = units_bytes(a, f->bytes)},
                                   {.text = fetch_words(f->bytes, a)}};
        table_row(d, b, row);
    }
    const struct cell sum[] = {{.text = "all of them"},
                               {.text = ""},
                               {.text = units_bytes(a, p->files_bytes)},
                               {.text = fetch_words(p->files_bytes, a)}};
    table_row(d, b, sum);
    doc_note(
        d, TONE_DIM,
        "The weights; a file holds a vocabulary besides, of a few MiB, and what was published in "
        "32 bits is twice as large as in 16. What is written "
        "below it, checkpoints that nobody asks for and the Python packages come on top.");
    show_written(d, p);
}
