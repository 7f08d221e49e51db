/* The document doc/1: what `muster doc` says, as figures. */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "model/digest.h"
#include "verb/paper.h"

static const char *const place_key[PAPER_PLACES] = {"host", "device"};

static void write_most(struct writer *w, const char *key, const struct paper_most *m)
{
    writer_key(w, key);
    writer_map(w);
    writer_put_number(w, "bytes", m->bytes);
    writer_put_cstr(w, "by", m->by ? m->by->id : NULL);
    writer_map_end(w);
}

static void write_level(struct writer *w, const struct paper *p, enum need_level level)
{
    writer_map(w);
    write_most(w, "ram", &p->memory[level][PAPER_RAM]);
    write_most(w, "vram", &p->memory[level][PAPER_VRAM]);
    write_most(w, "ram_beside", &p->memory[level][PAPER_BESIDE]);
    writer_map_end(w);
}

static void write_rent(struct writer *w, const struct paper_rent *x)
{
    const struct cloud_part *c = x->part;
    if (!c) {
        writer_null(w);
        return;
    }
    writer_map(w);
    writer_put_cstr(w, "provider", c->provider);
    writer_put_cstr(w, "name", c->name);
    writer_put_cstr(w, "gpu", c->gpu);
    writer_put_number(w, "memory_bytes", x->memory_bytes);
    writer_put_bool(w, "ram_assumed", x->ram_assumed);
    writer_put_number(w, "usd_per_hour", c->usd_per_hour);
    writer_put_cstr(w, "price_date", c->price_date);
    writer_put_cstr(w, "region", c->region);
    writer_map_end(w);
}

static void write_rents(struct writer *w, const char *key, const struct paper_rent *rent)
{
    writer_key(w, key);
    writer_map(w);
    for (int i = 0; i < PAPER_PLACES; i++) {
        const struct paper_rent *x = &rent[i];
        writer_key(w, place_key[i]);
        if (!x->part) {
            writer_null(w);
            continue;
        }
        writer_map(w);
        writer_key(w, "instance");
        write_rent(w, x);
        write_estimate(w, "decode_tokens_per_s", x->decode_per_s);
        write_estimate(w, "unit_s", x->unit_s);
        write_estimate(w, "duration_s", x->duration_s);
        writer_map_end(w);
    }
    writer_map_end(w);
}

static void write_computed(struct writer *w, const struct paper_row *r)
{
    const struct needs *n = &r->needs;
    if (r->may[PAPER_HOST]) {
        write_estimate(w, "ram_bytes", n->ram_bytes);
    } else {
        writer_key(w, "ram_bytes");
        writer_null(w);
    }
    if (r->may[PAPER_DEVICE]) {
        write_estimate(w, "vram_bytes", n->vram_bytes);
        write_estimate(w, "ram_beside_bytes", n->beside_bytes);
    } else {
        writer_key(w, "vram_bytes");
        writer_null(w);
        writer_key(w, "ram_beside_bytes");
        writer_null(w);
    }
    writer_put_number(w, "file_bytes", n->disk_bytes);
    writer_key(w, "largest");
    writer_map(w);
    writer_put_cstr(w, "name", r->most);
    writer_put_number(w, "bytes", r->most_bytes);
    writer_put_cstr(w, "smaller", r->smaller);
    writer_map_end(w);
    writer_key(w, "less");
    writer_map(w);
    writer_put_cstr(w, "on", r->less_on);
    writer_put_cstr(w, "change", r->less);
    writer_put_cstr(w, "line", r->less_fit);
    writer_map_end(w);
    writer_key(w, "again");
    writer_map(w);
    for (int i = 0; i < PAPER_PLACES; i++) writer_put_cstr(w, place_key[i], r->fit[i]);
    writer_map_end(w);
    write_rents(w, "cheapest", r->rent);
    write_rents(w, "cheapest_timed", r->timed);
}

static void write_row(struct writer *w, const struct paper_row *r)
{
    writer_map(w);
    writer_put_cstr(w, "id", r->experiment->id);
    writer_put_cstr(w, "title", r->experiment->title);
    writer_put_cstr(w, "kind", r->asked ? r->asked->task.kind->name : NULL);
    writer_put_cstr(w, "model",
                    r->asked && !r->asked->task.kind->modelless ? r->asked->digest->name : NULL);
    writer_put_cstr(w, "workload", r->what);
    writer_put_cstr(w, "command", r->command);
    writer_put_cstr(w, "why", r->why);
    if (!r->why) write_computed(w, r);
    writer_map_end(w);
}

static void write_figure(struct writer *w, const struct judged_figure *f, struct arena *a)
{
    writer_map(w);
    writer_put_cstr(w, "experiment", f->experiment->id);
    writer_put_cstr(w, "level", f->level);
    writer_put_cstr(w, "of", f->level ? f->figure->label : figure_words(f->figure->kind));
    writer_put_cstr(w, "label", f->level ? NULL : f->figure->label);
    writer_put_cstr(w, "says", f->figure->text);
    writer_put_cstr(w, "source", f->figure->source);
    writer_put_cstr(w, "on", f->on);
    write_estimate(w, "computed", f->ours);
    writer_put_cstr(w, "computed_words", figure_ours(a, f));
    writer_put_cstr(w, "verdict", figure_worth_word(f->worth));
    writer_put_cstr(w, "why", f->why);
    writer_map_end(w);
}

static void write_size(struct writer *w, const struct paper_size *s)
{
    static const char *const level[NEED_LEVELS] = {"minimum", "recommended"};
    writer_map(w);
    writer_put_cstr(w, "name", s->name);
    writer_put_cstr(w, "model", s->model);
    writer_put_cstr(w, "why", s->why);
    for (int i = 0; i < NEED_LEVELS; i++) {
        const struct paper_level *l = &s->level[i];
        writer_key(w, level[i]);
        if (s->why) {
            writer_null(w);
            continue;
        }
        writer_map(w);
        writer_put_cstr(w, "quant", l->quant);
        writer_put_number(w, "context_tokens", l->context_tokens);
        writer_put_number(w, "vram_bytes", l->vram_bytes);
        writer_put_number(w, "ram_bytes", l->ram_bytes);
        writer_put_cstr(w, "cards", l->cards);
        writer_map_end(w);
    }
    writer_map_end(w);
}

static void write_files(struct writer *w, const struct paper *p)
{
    writer_key(w, "files");
    writer_list(w);
    for (size_t i = 0; i < p->files; i++) {
        writer_map(w);
        writer_put_cstr(w, "model", p->file[i].model);
        writer_put_cstr(w, "form", p->file[i].form);
        writer_put_number(w, "bytes", p->file[i].bytes);
        writer_map_end(w);
    }
    writer_list_end(w);
    writer_put_number(w, "files_bytes", p->files_bytes);
    writer_put_number(w, "written_low_bytes", p->written_low_bytes);
    writer_put_number(w, "written_high_bytes", p->written_high_bytes);
    writer_put_number(w, "unwritten", (double)p->unwritten);
}

static void write_all(struct writer *w, const struct paper *p)
{
    writer_key(w, "instances");
    writer_map(w);
    for (int i = 0; i < PAPER_PLACES; i++) {
        writer_key(w, place_key[i]);
        writer_list(w);
        for (size_t k = 0; k < p->alls[i]; k++) write_rent(w, &p->all[i][k]);
        writer_list_end(w);
    }
    writer_put_number(w, "retired", (double)p->retired);
    writer_map_end(w);
}

void write_doc(const struct paper *p, const struct context *in, struct buf *out)
{
    struct writer w = document_begin(out, "doc/1");
    writer_put_cstr(&w, "set", p->set->name);
    writer_put_cstr(&w, "title", p->set->title);
    writer_put_cstr(&w, "source", p->set->source);
    writer_put_number(&w, "computed", (double)p->computed);
    writer_put_number(&w, "spare_share", p->spare_share);
    writer_key(&w, "minimum");
    write_level(&w, p, NEED_MINIMUM);
    writer_key(&w, "recommended");
    write_level(&w, p, NEED_RECOMMENDED);
    writer_key(&w, "experiments");
    writer_list(&w);
    for (size_t i = 0; i < p->rows; i++) write_row(&w, &p->row[i]);
    writer_list_end(&w);
    writer_key(&w, "figures");
    writer_list(&w);
    for (size_t i = 0; i < p->judged->figures; i++)
        write_figure(&w, &p->judged->figure[i], in->arena);
    writer_list_end(&w);
    writer_key(&w, "sizes");
    writer_list(&w);
    for (size_t i = 0; i < p->sizes; i++) write_size(&w, &p->size[i]);
    writer_list_end(&w);
    write_files(&w, p);
    write_all(&w, p);
    write_notes(&w, in->notes);
    writer_map_end(&w);
}
