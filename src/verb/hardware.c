/* What a set asks of the hardware in words ("i7-12700 or equivalent"), read and held against the machine, beside the guide's verdict and
 * not in it. What several experiments ask in the same words is shown once. Left out: figures of memory and disk, which have their own
 * places. */
#include <string.h>

#include "base/arena.h"
#include "judge/requirement.h"
#include "verb/judged_set.h"

enum { NEEDS = 3, TOPICS = 3 };

struct holding {
    const struct context *in;
    const struct requirement_words *words;
    const struct machine *machine;
    struct requirement_row *row;
    size_t rows;
};

static void hold(struct holding *h, const char *experiment, const char *level,
                 enum requirement_of of, const char *text)
{
    static const char *const topics[TOPICS] = {"cpu", "gpu", "disk"};
    struct arena *a = h->in->arena;
    if (!text) return;
    const struct requirement *asked =
        requirement_read(h->words, h->in->catalog, of, str_of(text), a);
    const struct requirement_verdict v =
        requirement_hold(asked, h->words, h->in->catalog, h->machine, a);
    h->row[h->rows++] = (struct requirement_row){.experiment = experiment,
                                                 .level = level,
                                                 .of = topics[of],
                                                 .asked = asked->text,
                                                 .verdict = requirement_word(v.says),
                                                 .wished = v.wished || asked->nothing,
                                                 .why = v.why};
}

bool judged_hardware(const struct context *in, struct judged_set *s, struct mu_err *err)
{
    struct holding h = {.in = in, .machine = s->subject->machine};
    const struct experiment_set *set = s->set;
    if (!requirement_words_read(in->catalog, in->arena, &h.words, err)) return false;
    h.row = NEW_ARRAY(in->arena, struct requirement_row, set->experiments * NEEDS * TOPICS);
    for (size_t i = 0; i < set->experiments; i++) {
        const struct experiment *e = &set->experiment[i];
        const struct {
            const struct guide_need *need;
            const char *level;
        } level[NEEDS] = {
            {&e->guide, "guide"}, {&e->minimum, "minimum"}, {&e->recommended, "recommended"}};
        for (size_t k = 0; k < NEEDS; k++) {
            hold(&h, e->id, level[k].level, REQUIRE_CPU, level[k].need->cpu);
            hold(&h, e->id, level[k].level, REQUIRE_GPU, level[k].need->gpu);
            hold(&h, e->id, level[k].level, REQUIRE_DISK, level[k].need->disk);
        }
    }
    s->hardware = h.row;
    s->hardwares = h.rows;
    return arena_within(in->arena, err);
}

static bool alike(const struct requirement_row *x, const struct requirement_row *y)
{
    return strcmp(x->of, y->of) == 0 && strcmp(x->level, y->level) == 0 &&
           strcmp(x->asked, y->asked) == 0;
}

static bool asks_nothing(const struct requirement_row *r)
{
    return r->wished && strcmp(r->verdict, requirement_word(REQUIREMENT_MET)) == 0;
}

static struct cell verdict_cell(const struct requirement_row *r)
{
    static const enum tone tone[] = {TONE_GOOD, TONE_BAD, TONE_DIM};
    struct cell cell = {r->verdict, TONE_DIM};
    for (enum requirement_says i = REQUIREMENT_MET; i <= REQUIREMENT_UNKNOWN; i++)
        if (strcmp(r->verdict, requirement_word(i)) == 0 && !r->wished) cell.tone = tone[i];
    return cell;
}

/* "e2_quantized, e2_full: gpu, recommended" */
static const char *who_asks(struct arena *a, const struct judged_set *s, size_t i)
{
    const struct requirement_row *r = &s->hardware[i];
    const char *who = r->experiment;
    for (size_t k = i + 1; k < s->hardwares; k++)
        if (alike(r, &s->hardware[k]))
            who = str_format(a, "%s, %s", who, s->hardware[k].experiment);
    return str_format(a, "%s: %s, %s", who, r->of, r->level);
}

void show_hardware(struct doc *d, const struct judged_set *s)
{
    static const char *const head[] = {"Hardware asked for", "in these words", "muster", "why"};
    struct block *b = NULL;
    for (size_t i = 0; i < s->hardwares; i++) {
        const struct requirement_row *r = &s->hardware[i];
        bool shown = asks_nothing(r);
        for (size_t k = 0; k < i; k++) shown = shown || alike(r, &s->hardware[k]);
        if (shown) continue;
        if (!b) b = doc_table(d, NULL, head, NULL, COUNT_OF(head));
        const struct cell row[] = {{.text = who_asks(d->arena, s, i)},
                                   {.text = r->asked},
                                   verdict_cell(r),
                                   {.text = r->why}};
        table_row(d, b, row);
    }
}
