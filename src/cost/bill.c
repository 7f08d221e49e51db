/* The bill itself: adding lines, noting names for --explain, bending what is uncertain, totals. Pure. */
#include "cost/bill.h"

#include <assert.h>
#include <string.h>

double bill_let(struct bill *b, const char *name, const char *formula, double value,
                const char *source)
{
    if (b && b->note) b->note(b->to, name, formula, value, source);
    return value;
}

double bill_about(struct bill *b, double low, double likely, double high)
{
    b->abouts++;
    assert(b->abouts <= BILL_ABOUTS);
    if (b->abouts != b->bent) return likely;
    return b->bend < 0 ? low : high;
}

void bill_add(struct bill *b, const struct term *t, const struct line *line)
{
    if (!(line->amount > 0)) return;
    b->full = b->full || b->lines == BILL_LINES;
    assert(!b->full);
    b->line[b->lines] = *line;
    b->line[b->lines++].term = t;
}

double bill_held(const struct bill *b, unsigned site)
{
    double sum = 0;
    for (size_t i = 0; i < b->lines; i++) {
        const struct line *l = &b->line[i];
        if (l->phase == HELD && l->site == site && l->held_as == HELD_OWN) sum += l->amount;
    }
    return sum;
}

double bill_group(const struct bill *b, const char *group)
{
    double sum = 0;
    for (size_t i = 0; i < b->lines; i++) {
        const struct line *l = &b->line[i];
        if (l->phase == HELD && l->held_as == HELD_OWN && strcmp(l->term->group, group) == 0)
            sum += l->amount;
    }
    return sum;
}
