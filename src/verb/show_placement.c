/* Where things lie, in words: places as people call them, layers, and what each site needs of what it has. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "machine/facts.h"
#include "model/digest.h"
#include "verb/common.h"

enum { WORDS_BYTES_MOST = 4096 };

static const char *name_of(const struct machine *m, size_t place)
{
    const struct place *p = &m->place[place];
    const char *seen = m->facts && p->gpu < m->facts->gpus ? m->facts->gpu[p->gpu].name : NULL;
    if (seen) return seen;
    return p->part ? p->part : p->name ? p->name : "a device";
}

const char *place_called(const struct machine *m, size_t place, struct arena *a)
{
    const char *name = name_of(m, place);
    size_t alike = 0;
    if (m->place[place].kind == PLACE_CPU) return "the host";
    for (size_t i = 0; i < m->places; i++)
        if (m->place[i].kind == PLACE_GPU && strcmp(name_of(m, i), name) == 0) alike++;
    const char *shown = str_visible(a, str_of(name));
    if (alike < 2 || !m->place[place].name) return shown;
    return str_format(a, "%s (%s)", shown, str_visible(a, str_of(m->place[place].name)));
}

static const char *taken(struct arena *a, struct buf *b)
{
    const char *text = str_copy(a, buf_text(b));
    buf_release(b);
    return text;
}

/* "RTX 3060", "2 devices (20 on RTX 4090, 9 on RTX 3060)". */
static void add_places(struct buf *b, const struct placed *p, struct arena *a)
{
    const struct verdict *v = p->verdict;
    if (v->split.sites == 2) {
        buf_add(b, str_of(place_called(p->machine, v->site[1].place, a)));
        return;
    }
    buf_format(b, "%d devices (", v->split.sites - 1);
    for (int i = 1; i < v->split.sites; i++)
        buf_format(b, "%s%.0f on %s", i > 1 ? ", " : "", v->split.layers[i],
                   place_called(p->machine, v->site[i].place, a));
    buf_add(b, S(")"));
}

const char *placement_words(const struct placed *p, struct arena *a)
{
    const struct split *s = &p->verdict->split;
    const double all = p->asked->digest->shape->layers + 1;
    double layers = 0;
    struct buf b;
    if (p->asked->own_knobs)
        return place_called(p->machine, p->verdict->site[s->sites - 1].place, a);
    if (s->sites == 1) return "everything on the host";
    if (p->asked->knobs.runtime == (double)RUNTIME_VLLM && s->sites > 2)
        return str_format(a, "an even share of every layer on each of %d devices", s->sites - 1);
    for (int i = 1; i < s->sites; i++) layers += s->layers[i];
    buf_init(&b, WORDS_BYTES_MOST);
    if (layers >= all)
        buf_format(&b, "all %.0f layers on ", all);
    else
        buf_format(&b, "%.0f of %.0f layers on ", layers, all);
    add_places(&b, p, a);
    if (layers < all) buf_add(&b, S(", the rest on the host"));
    if (s->host_experts >= s->layers[ON_HOST] && s->host_experts > 0)
        buf_format(&b, ", the experts of the first %.0f on the host", s->host_experts);
    if (s->host_cache) buf_add(&b, S(", the KV cache on the host"));
    return taken(a, &b);
}

/* The n-th site to be told of: devices in their order, the host last. */
static int told(const struct verdict *v, int n)
{
    return (n + 1) % v->split.sites;
}

/* What the sites on one pool need together; how many they are. */
static int sum_of_pool(const struct verdict *v, unsigned pool, double *bytes)
{
    int sites = 0;
    *bytes = 0;
    for (int i = 0; i < v->split.sites; i++) {
        if (v->site[i].pool != pool) continue;
        *bytes += site_needs(&v->site[i]);
        sites++;
    }
    return sites;
}

static bool told_before(const struct verdict *v, int n)
{
    for (int k = 0; k < n; k++)
        if (v->site[told(v, k)].pool == v->site[told(v, n)].pool) return true;
    return false;
}

/* By how much the n-th site to be told of, with those on its pool, is over what there is; 0: it is not, or was told before. */
static double missing_at(const struct placed *p, int n)
{
    const struct site *s = &p->verdict->site[told(p->verdict, n)];
    double bytes;
    if (told_before(p->verdict, n)) return 0;
    const bool shared = sum_of_pool(p->verdict, s->pool, &bytes) > 1;
    const double usable =
        shared ? known_or(p->machine->pool[s->pool].usable_bytes, (double)NAN) : s->usable_bytes;
    return bytes > usable ? bytes - usable : 0;
}

const char *missing_words(const struct placed *p, struct arena *a)
{
    const struct verdict *v = p->verdict;
    struct buf b;
    double all = 0;
    int over = 0;
    buf_init(&b, WORDS_BYTES_MOST);
    for (int n = 0; n < v->split.sites; n++) {
        const double bytes = missing_at(p, n);
        if (!(bytes > 0)) continue;
        all += bytes;
        buf_format(&b, "%s%s on %s", over++ ? ", " : "", units_bytes(a, bytes),
                   place_called(p->machine, v->site[told(v, n)].place, a));
    }
    if (over > 1) buf_format(&b, ", %s together", units_bytes(a, all));
    return taken(a, &b);
}

const char *needs_words(const struct placed *p, struct arena *a)
{
    const struct verdict *v = p->verdict;
    struct buf b;
    buf_init(&b, WORDS_BYTES_MOST);
    for (int n = 0; n < v->split.sites; n++) {
        const struct site *s = &v->site[told(v, n)];
        double bytes;
        const bool shared = sum_of_pool(v, s->pool, &bytes) > 1;
        const double usable_bytes =
            shared ? known_or(p->machine->pool[s->pool].usable_bytes, (double)NAN)
                   : s->usable_bytes;
        if (told_before(v, n) || (n && p->asked->own_knobs && !(bytes > 0))) continue;
        buf_format(&b, "%s%s of %s", n ? ", " : "", units_bytes(a, bytes),
                   units_bytes(a, usable_bytes));
        if (shared)
            buf_add(&b, S(" that it shares with the host"));
        else if (v->split.sites == 2 && n == 0)
            buf_add(&b, S(" there"));
        else if (v->split.sites > 1)
            buf_format(&b, " on %s", place_called(p->machine, s->place, a));
    }
    return taken(a, &b);
}
