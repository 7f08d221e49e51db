/* tests/tools/accelerator_figures.c - what we say of each row of a truth file of class gpu_speed beside what was measured, and what that is
 * made of, JSON lines. tools/fit-accelerators reads them, so that constants are fitted on the very bills that they will price:
 *
 *     accelerator_figures FILE */
#include <math.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mapped.h"
#include "catalog/catalog.h"
#include "catalog/parts.h"
#include "cost/bill.h"
#include "machine/machine.h"
#include "proof/accelerator_truth.h"

enum { FILE_MOST_BYTES = 64 << 20, ROW_MOST_BYTES = 1 << 16 };

static void put_number(struct writer *w, const char *key, double x)
{
    writer_key(w, key);
    if (isnan(x))
        writer_null(w);
    else
        writer_number(w, x);
}

static void put_line(struct writer *w, const struct line *l)
{
    writer_map(w);
    put_number(w, "work", l->work);
    put_number(w, "type", l->type);
    put_number(w, "amount", l->amount);
    put_number(w, "bytes", l->bytes);
    put_number(w, "columns", l->columns);
    writer_map_end(w);
}

static void put_row(struct writer *w, const struct published_row *r)
{
    writer_put_cstr(w, "class", published_class(r->as));
    writer_put_cstr(w, "id", r->id);
    put_number(w, "devices", r->devices);
    put_number(w, "measured", r->measured);
    put_number(w, "predicted", r->predicted);
    put_number(w, "low", r->low);
    put_number(w, "high", r->high);
}

static void hears(void *to, const struct published_row *row, const struct bill *bill,
                  const struct place *place, const struct gpu_part *part, const char *made)
{
    const bool decode = row->as == PUBLISHED_DECODE || row->as == PUBLISHED_MOE_DECODE ||
                        row->as == PUBLISHED_UNSIZED || row->as == PUBLISHED_CROWD ||
                        row->as == PUBLISHED_SEVERAL;
    struct buf text;
    (void)to;
    buf_init(&text, ROW_MOST_BYTES);
    struct writer w = writer_of(&text, true);
    writer_map(&w);
    put_row(&w, row);
    writer_put_cstr(&w, "part", part->name);
    writer_put_cstr(&w, "architecture", place->architecture);
    writer_put_cstr(&w, "backend", place->backend);
    writer_put_cstr(&w, "memory", part->memory_type);
    writer_put_cstr(&w, "made", made);
    put_number(&w, "bandwidth_gbs", part->memory_bandwidth_gbs);
    put_number(&w, "fp32_tflops", part->fp32_tflops);
    put_number(&w, "fp16_tflops", part->fp16_tflops);
    put_number(&w, "fp16_tensor_tflops", part->fp16_tensor_tflops);
    put_number(&w, "int8_tops", part->int8_tops);
    writer_key(&w, "lines");
    writer_list(&w);
    for (size_t i = 0; i < bill->lines; i++)
        if (bill->line[i].phase == (decode ? DECODE : PREFILL)) put_line(&w, &bill->line[i]);
    writer_list_end(&w);
    writer_map_end(&w);
    printf("%.*s\n", STR_ARG(buf_text(&text)));
    buf_release(&text);
}

static void print_cpus(const struct accelerator_truth *t)
{
    for (size_t i = 0; i < t->rows; i++) {
        struct buf text;
        if (t->row[i].as != PUBLISHED_CPU) continue;
        buf_init(&text, ROW_MOST_BYTES);
        struct writer w = writer_of(&text, true);
        writer_map(&w);
        put_row(&w, &t->row[i]);
        writer_map_end(&w);
        printf("%.*s\n", STR_ARG(buf_text(&text)));
        buf_release(&text);
    }
}

static bool print(const char *path, struct arena *a, struct mu_err *err)
{
    struct mapped file;
    struct accelerator_truth t;
    const struct published_listener listener = {hears, NULL};
    if (!mapped_open(path, FILE_MOST_BYTES, &file, NULL, err)) return false;
    const bool good =
        accelerator_truth_read(file.bytes, path, catalog_open(NULL, a), a, &listener, &t, err);
    if (good) {
        print_cpus(&t);
        fprintf(stderr, "%zu rows, %zu left out\n", t.rows, t.left_out);
    }
    mapped_close(&file);
    return good;
}

int main(int argc, char **argv)
{
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct mu_err err = {.code = MU_OK};
    const bool good = argc == 2 ? print(argv[1], a, &err)
                                : err_set(&err, MU_USAGE, "usage: accelerator_figures FILE");
    if (!good) fprintf(stderr, "%s\n", err.text);
    arena_free(a);
    return err_exit_status(err.code);
}
