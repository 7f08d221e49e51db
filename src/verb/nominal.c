/* A size stands for the shape that most dense models of about that size have in the catalogue; which one was taken is always said.
 * Left out: made-up shapes, mixtures of experts. */
#include "verb/nominal.h"

#include <math.h>
#include <string.h>

static const double near_share = 0.1; /* of the size, up or down */

bool params_parse(const char *text, double bare, double *out)
{
    static const struct {
        char letter;
        double times;
    } unit[] = {{'M', 1e6}, {'B', 1e9}, {'T', 1e12}};
    struct str s = str_trim(str_of(text));
    double times = bare, number;
    if (!s.n) return false;
    for (size_t i = 0; i < sizeof unit / sizeof *unit; i++)
        if (s.p[s.n - 1] == unit[i].letter || s.p[s.n - 1] == unit[i].letter + 'a' - 'A') {
            times = unit[i].times;
            s.n--;
            break;
        }
    if (isnan(times) || !s.n || s.p[0] < '0' || s.p[0] > '9' || !str_f64(s, &number)) return false;
    if (!(number > 0) || !isfinite(number * times)) return false;
    *out = number * times;
    return true;
}

static bool is_near(const struct model_part *p, double params)
{
    return p->task && strcmp(p->task, "text-generation") == 0 && p->shape.kind &&
           strcmp(p->shape.kind, "dense") == 0 &&
           fabs(p->params_text - params) <= near_share * params;
}

static bool alike(const struct model_part *a, const struct model_part *b)
{
    return a->n_layers == b->n_layers && a->d_model == b->d_model && a->d_ff == b->d_ff &&
           a->n_kv_heads == b->n_kv_heads;
}

const struct model_part *nominal_model(const struct catalog *c, double params, size_t *count)
{
    const struct model_part *part, *found = NULL;
    size_t parts, most_alike = 0;
    if (!catalog_models(c, &part, &parts, NULL)) return NULL;
    for (size_t i = 0; i < parts; i++) {
        size_t n = 0;
        if (!is_near(&part[i], params)) continue;
        for (size_t k = 0; k < parts; k++)
            n += is_near(&part[k], params) && alike(&part[i], &part[k]);
        if (n <= most_alike) continue;
        most_alike = n;
        found = &part[i];
    }
    *count = most_alike;
    return found;
}
