/* Reads hardware asked for in words. A text is tokens; from the left, each step takes the longest of a measure ("8GB+ VRAM"), a phrase of
 * data/requirements.json and a part of the catalogue. "or" begins another alternative, as does a comma between two parts; other commas
 * add. In brackets stand sizes of the part in front of them, or examples, any of which will do beside what is asked outside. A purpose
 * ("for faster loading") is passed over. One token that fits nowhere, and the whole text counts as not read. Left out: conditions ("if"). */
#include "judge/requirement.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "judge/requirement_words.h"

enum { TOKENS_MOST = 96, PART_TOKENS = 6, UNREAD_BYTES = 48, TEXT_MOST = 1024 };
static const double GIB = 1073741824.0;

/* What is being put together: the whole text, or what stands in brackets. */
struct draft {
    struct alternative alternative[ALTERNATIVES_MOST];
    size_t alternatives; /* the last is open */
    size_t segment;      /* its asks from here on stand in the open segment */
    bool wish, nothing, comma;
};
struct reader {
    const struct requirement_words *words;
    const struct catalog *catalog;
    struct arena *arena;
    enum requirement_of of;
    struct str token[TOKENS_MOST];
    size_t tokens, at;
    struct draft *draft;
    const char *unread;
};

/* ---- tokens ---- */

static bool punctuation(char c)
{
    return c == ',' || c == ';' || c == '(' || c == ')' || c == '/' || c == '+';
}

/* A number that a word is tied to: "8-core". */
static bool tied(struct str text, size_t from, size_t at)
{
    for (size_t i = from; i < at; i++)
        if (text.p[i] < '0' || text.p[i] > '9') return false;
    return at > from && at + 1 < text.n && text.p[at] == '-' && text.p[at + 1] > '9';
}

static bool split(struct reader *r, struct str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t end = i;
        if (byte_is_blank(text.p[i])) {
            i++;
            continue;
        }
        if (r->tokens == TOKENS_MOST) return false;
        while (end < text.n && !byte_is_blank(text.p[end]) && !punctuation(text.p[end]) &&
               !tied(text, i, end))
            end++;
        if (end == i) end++;
        struct str t = {text.p + i, end - i};
        i = tied(text, i, end) ? end + 1 : end;
        while (t.n > 1 && (t.p[t.n - 1] == '.' || t.p[t.n - 1] == ':')) t.n--;
        if (!str_is(t, ".") && !str_is(t, "-")) r->token[r->tokens++] = t;
    }
    return true;
}

static bool is(const struct reader *r, size_t at, const char *word)
{
    return at < r->tokens && str_eq_nocase(r->token[at], str_of(word));
}

static bool mark(const struct reader *r, size_t at)
{
    return at < r->tokens && r->token[at].n == 1 && punctuation(r->token[at].p[0]);
}

/* The source text from one token to before another. */
static struct str between(const struct reader *r, size_t from, size_t to)
{
    const struct str last = r->token[to - 1];
    return (struct str){r->token[from].p, (size_t)(last.p + last.n - r->token[from].p)};
}

/* ---- phrases ---- */

/* How many tokens from `at` on the phrase takes; 0: it does not stand there. */
static size_t phrase_length(const struct reader *r, size_t at, const char *words)
{
    struct str rest = str_of(words);
    size_t n = 0;
    while (rest.p) {
        const struct str word = str_cut(&rest, ' ');
        if (at + n >= r->tokens || !str_eq_nocase(r->token[at + n], word)) return 0;
        n++;
    }
    return n;
}

static const struct word_row *phrase_at(const struct reader *r, size_t at, size_t *tokens)
{
    const struct word_row *best = NULL;
    *tokens = 0;
    for (size_t i = 0; i < r->words->rows; i++) {
        const struct word_row *row = &r->words->row[i];
        if (row->of && strcmp(row->of, requirement_topic(r->of)) != 0) continue;
        const size_t n = phrase_length(r, at, row->words);
        if (n <= *tokens) continue;
        best = row;
        *tokens = n;
    }
    return best;
}

/* ---- what is asked ---- */

static bool cannot(struct reader *r, size_t at)
{
    struct str rest = at < r->tokens ? between(r, at, r->tokens) : S("its end");
    if (rest.n > UNREAD_BYTES) rest.n = UNREAD_BYTES;
    if (!r->unread) r->unread = str_visible(r->arena, rest);
    return false;
}

static struct alternative *open_alternative(struct draft *d)
{
    return &d->alternative[d->alternatives - 1];
}

static struct ask *last_ask(struct draft *d)
{
    struct alternative *a = open_alternative(d);
    return a->asks ? &a->ask[a->asks - 1] : NULL;
}

static void end_segment(struct draft *d)
{
    d->wish = false;
    d->segment = open_alternative(d)->asks;
}

static bool next_alternative(struct reader *r)
{
    struct draft *d = r->draft;
    d->comma = false;
    if (open_alternative(d)->asks) {
        if (d->alternatives == ALTERNATIVES_MOST) return cannot(r, r->at);
        d->alternatives++;
    }
    end_segment(d);
    return true;
}

static bool names_part(const struct ask *a)
{
    return a && (a->kind == ASK_CPU || a->kind == ASK_GPU || a->kind == ASK_ARCHITECTURE ||
                 a->kind == ASK_GPU_MAKE || a->kind == ASK_CHIP);
}

static bool add(struct reader *r, struct ask ask)
{
    struct draft *d = r->draft;
    if (d->comma && names_part(&ask) && names_part(last_ask(d)) && !next_alternative(r))
        return false;
    struct alternative *a = open_alternative(d);
    d->comma = false;
    if (a->asks == ASKS_MOST) return cannot(r, r->at);
    ask.wished = ask.wished || d->wish;
    a->ask[a->asks++] = ask;
    return true;
}

static void wish(struct draft *d)
{
    struct alternative *a = open_alternative(d);
    d->wish = true;
    for (size_t i = d->segment; i < a->asks; i++) a->ask[i].wished = true;
}

/* ---- measures ---- */

/* "GB", "GiB", "TB": two or three letters, the last a B. */
static bool bytes_unit(struct str s)
{
    return s.n >= 2 && s.n <= 3 && (s.p[s.n - 1] == 'B' || s.p[s.n - 1] == 'b');
}

/* A unit behind a bare number, "8 GB": where it stands, or 0. */
static size_t unit_behind(const struct reader *r, size_t at, double *bytes)
{
    const size_t unit = at + 1 + (is(r, at + 1, "+") ? 1 : 0);
    if (unit >= r->tokens || !bytes_unit(r->token[unit])) return 0;
    const char *both =
        str_format(r->arena, "%.*s%.*s", STR_ARG(r->token[at]), STR_ARG(r->token[unit]));
    return units_parse_bytes(str_of(both), 1, bytes) ? unit : 0;
}

/* "8GB", "8 GB", "1.5TB": bytes; a bare number: a count. Returns the tokens taken, 0 when it is no measure. */
static size_t amount_at(const struct reader *r, size_t at, double *bytes, double *count)
{
    *bytes = *count = (double)NAN;
    if (at >= r->tokens || r->token[at].p[0] < '0' || r->token[at].p[0] > '9') return 0;
    const struct str t = r->token[at];
    if (str_f64(t, count)) {
        const size_t unit = unit_behind(r, at, bytes);
        return unit ? unit + 1 - at : 1;
    }
    size_t digits = 0;
    while (digits < t.n && ((t.p[digits] >= '0' && t.p[digits] <= '9') || t.p[digits] == '.'))
        digits++;
    return bytes_unit((struct str){t.p + digits, t.n - digits}) && units_parse_bytes(t, 1, bytes)
               ? 1
               : 0;
}

static enum ask_kind usual_kind(enum requirement_of of)
{
    return of == REQUIRE_CPU ? ASK_RAM : of == REQUIRE_GPU ? ASK_GPU_MEMORY : ASK_FREE;
}

/* Passes over words between an amount and what it is of: "+", "or more", "of". */
static size_t over_fillers(const struct reader *r, size_t at)
{
    size_t n;
    const struct word_row *row = phrase_at(r, at, &n);
    while (row && (row->means == MEANS_FILLER || row->means == MEANS_MORE)) {
        at += n;
        row = phrase_at(r, at, &n);
    }
    return at;
}

/* A measure at `at`: fills *ask, returns the tokens it takes, 0 when there is none. */
static size_t measure_at(const struct reader *r, size_t at, struct ask *ask)
{
    double bytes, count;
    const size_t amount = amount_at(r, at, &bytes, &count);
    if (!amount) return 0;
    size_t n;
    const size_t behind = over_fillers(r, at + amount);
    const struct word_row *row = phrase_at(r, behind, &n);
    const enum word_means means = row ? row->means : MEANS_FILLER;
    *ask = (struct ask){.kind = usual_kind(r->of), .least = bytes};
    size_t end = at + amount;
    if (isnan(bytes)) {
        if (means != MEANS_CORES) return 0;
        *ask = (struct ask){.kind = ASK_CORES, .least = count};
        end = behind + n;
    } else if (means == MEANS_VRAM || means == MEANS_RAM || means == MEANS_FREE) {
        ask->kind = means == MEANS_VRAM ? ASK_GPU_MEMORY : means == MEANS_RAM ? ASK_RAM : ASK_FREE;
        end = behind + n;
    }
    ask->words = str_copy(r->arena, between(r, at, at + amount));
    return end - at;
}

/* ---- parts ---- */

static struct ask_part *room_for_part(struct ask *ask)
{
    return ask->parts < ASK_PARTS_MOST ? &ask->part[ask->parts] : NULL;
}

/* The longest part named from `at` on; its tokens, 0 when there is none. */
static size_t part_at(const struct reader *r, size_t at, struct ask_part *out)
{
    size_t n = 0;
    while (n < PART_TOKENS && at + n < r->tokens && !mark(r, at + n) && !is(r, at + n, "or")) n++;
    for (; n; n--)
        if (part_named(r->catalog, r->of, between(r, at, at + n), (double)NAN, r->arena, out))
            return n;
    return 0;
}

/* "RTX 3070/4060 Ti": what follows the stroke takes the place of the last words in front of it, or is a name of its own. */
static size_t part_behind_stroke(const struct reader *r, size_t from, size_t to,
                                 struct ask_part *out)
{
    const size_t at = to + 1;
    size_t n = 0;
    while (n < PART_TOKENS && at + n < r->tokens && !mark(r, at + n) && !is(r, at + n, "or")) n++;
    for (; n; n--)
        for (size_t kept = to - from; kept-- > 0;) {
            const char *name = str_copy(r->arena, between(r, at, at + n));
            if (kept)
                name =
                    str_format(r->arena, "%.*s %s", STR_ARG(between(r, from, from + kept)), name);
            if (part_named(r->catalog, r->of, str_of(name), (double)NAN, r->arena, out)) return n;
        }
    return 0;
}

static size_t parts_at(const struct reader *r, size_t at, struct ask *ask)
{
    *ask = (struct ask){.kind = r->of == REQUIRE_CPU ? ASK_CPU : ASK_GPU};
    size_t n = part_at(r, at, &ask->part[0]);
    if (!n) return 0;
    ask->parts = 1;
    size_t from = at;
    size_t end = at + n;
    while (is(r, end, "/")) {
        struct ask_part *to = room_for_part(ask);
        n = to ? part_behind_stroke(r, from, end, to) : 0;
        if (!n) return 0;
        ask->parts++;
        from = end + 1;
        end = from + n;
        if (n == 1) from = at; /* "7/9/5": the words in front still count */
    }
    return end - at;
}

/* ---- steps ---- */

/* Whether something that is asked stands there, so that a purpose ends in front of it. */
static bool asked_at(const struct reader *r, size_t at)
{
    struct ask ask;
    size_t n;
    if (at < r->tokens && is(r, at, "or")) at++;
    if (at >= r->tokens || measure_at(r, at, &ask)) return at < r->tokens;
    const struct word_row *row = phrase_at(r, at, &n);
    if (row) return row->means >= MEANS_ARCHITECTURE;
    return parts_at(r, at, &ask) > 0;
}

static void pass_purpose(struct reader *r)
{
    while (r->at < r->tokens && !is(r, r->at, "(") && !is(r, r->at, ")")) {
        const bool joint = is(r, r->at, ",") || is(r, r->at, ";") || is(r, r->at, "or");
        if (joint && asked_at(r, r->at + 1)) return;
        r->at++;
    }
}

static bool take_phrase(struct reader *r, const struct word_row *row, size_t tokens)
{
    struct ask ask = {.least = row->least,
                      .words = str_copy(r->arena, between(r, r->at, r->at + tokens)),
                      .names = row->names,
                      .name_count = row->name_count,
                      .disk = row->disk};
    r->at += tokens;
    switch (row->means) {
    case MEANS_FILLER:
    case MEANS_MORE: return true;
    case MEANS_WISH: wish(r->draft); return true;
    case MEANS_NOTHING: r->draft->nothing = true; return true;
    case MEANS_PURPOSE: pass_purpose(r); return true;
    case MEANS_ARCHITECTURE: ask.kind = ASK_ARCHITECTURE; break;
    case MEANS_GPU: ask.kind = ASK_GPU_MAKE; break;
    case MEANS_CHIP: ask.kind = ASK_CHIP; break;
    case MEANS_DISK: ask.kind = ASK_DISK; break;
    case MEANS_VECTORS: ask.kind = ASK_VECTORS; break;
    case MEANS_CORES: ask.kind = ASK_CORES; break;
    case MEANS_VRAM:
    case MEANS_RAM:
    case MEANS_FREE:
    case WORD_MEANINGS_COUNT: return cannot(r, r->at - tokens); /* of how much is not said */
    }
    if (ask.kind == ASK_CORES && isnan(ask.least)) return cannot(r, r->at - tokens);
    return add(r, ask);
}

static bool step(struct reader *r)
{
    struct ask measure, parts;
    size_t words;
    if (is(r, r->at, ",") || is(r, r->at, ";")) {
        r->at++;
        r->draft->comma = true;
        end_segment(r->draft);
        return true;
    }
    const struct word_row *row = phrase_at(r, r->at, &words);
    const size_t measured = measure_at(r, r->at, &measure);
    const size_t named = measured ? 0 : parts_at(r, r->at, &parts);
    if (measured > words) {
        r->at += measured;
        return add(r, measure);
    }
    if (named > words) {
        parts.words = str_copy(r->arena, between(r, r->at, r->at + named));
        r->at += named;
        return add(r, parts);
    }
    if (row) return take_phrase(r, row, words);
    if (!is(r, r->at, "or")) return cannot(r, r->at);
    r->at++;
    return next_alternative(r);
}

/* ---- brackets ---- */

/* "A100 (40GB or 80GB)": the part in front of the brackets in these sizes. */
static bool sizes_of(const struct reader *r, const struct draft *g, struct ask *ask)
{
    struct ask sized = *ask;
    if (ask->kind != ASK_GPU || ask->parts != 1) return false;
    sized.parts = 0;
    for (size_t i = 0; i < g->alternatives; i++) {
        const struct alternative *a = &g->alternative[i];
        if (a->asks != 1 || a->ask[0].kind != ASK_GPU_MEMORY) return false;
        const double gib =
            round(a->ask[0].least / 1e9); /* cards are sold by GiB whatever the label says */
        if (!part_named(r->catalog, r->of, str_of(ask->part[0].name),
                        a->ask[0].least >= GIB * gib ? a->ask[0].least / GIB : gib, r->arena,
                        &sized.part[sized.parts++]))
            return false;
    }
    *ask = sized;
    return true;
}

/* Alternatives of one part each become one thing that is asked: any of these. */
static bool any_of(const struct draft *g, struct ask *out)
{
    *out = g->alternative[0].ask[0];
    for (size_t i = 0; i < g->alternatives; i++) {
        const struct alternative *a = &g->alternative[i];
        if (a->asks != 1 || a->ask[0].kind != out->kind || !a->ask[0].parts) return false;
        for (size_t k = 0; i && k < a->ask[0].parts; k++) {
            if (out->parts == ASK_PARTS_MOST) return false;
            out->part[out->parts++] = a->ask[0].part[k];
        }
    }
    return true;
}

static bool close_brackets(struct reader *r, struct draft *top, struct draft *g, size_t from)
{
    struct ask both;
    r->draft = top;
    top->nothing = top->nothing || g->nothing;
    if (!open_alternative(g)->asks) g->alternatives--;
    if (!g->alternatives) return true;
    struct ask *last = last_ask(top);
    if (last && sizes_of(r, g, last)) return true;
    if (g->alternatives > 1) return any_of(g, &both) ? add(r, both) : cannot(r, from);
    for (size_t i = 0; i < g->alternative[0].asks; i++) {
        top->comma = false;
        if (!add(r, g->alternative[0].ask[i])) return false;
    }
    return true;
}

static bool brackets(struct reader *r)
{
    struct draft *top = r->draft;
    struct draft *group = NEW(r->arena, struct draft);
    const size_t from = r->at++;
    group->alternatives = 1;
    r->draft = group;
    while (r->at < r->tokens && !is(r, r->at, ")"))
        if (is(r, r->at, "(") || !step(r)) return cannot(r, r->at);
    if (r->at == r->tokens) return cannot(r, from);
    r->at++;
    return close_brackets(r, top, group, from);
}

/* ---- the whole ---- */

static bool all_wished(const struct draft *d)
{
    for (size_t i = 0; i < d->alternatives; i++)
        for (size_t k = 0; k < d->alternative[i].asks; k++)
            if (!d->alternative[i].ask[k].wished) return false;
    return true;
}

static bool read_all(struct reader *r)
{
    while (r->at < r->tokens)
        if (!(is(r, r->at, "(") ? brackets(r) : step(r))) return cannot(r, r->at);
    struct draft *d = r->draft;
    if (!open_alternative(d)->asks) d->alternatives--;
    if (!d->alternatives && !d->nothing) return cannot(r, 0);
    return !d->nothing || all_wished(d) || cannot(r, 0);
}

const struct requirement *requirement_read(const struct requirement_words *w,
                                           const struct catalog *c, enum requirement_of of,
                                           struct str text, struct arena *a)
{
    struct requirement *out = NEW(a, struct requirement);
    struct reader *r = NEW(a, struct reader);
    struct draft *d = NEW(a, struct draft);
    out->text = str_visible(a, text);
    out->of = of;
    d->alternatives = 1;
    *r = (struct reader){.words = w, .catalog = c, .arena = a, .of = of, .draft = d};
    if (text.n > TEXT_MOST || !split(r, text))
        out->unread = "it is too long";
    else if (!r->tokens)
        out->unread = "it is empty";
    else if (!read_all(r))
        out->unread = str_format(a, "'%s'", r->unread);
    if (out->unread) return out;
    out->nothing = d->nothing;
    out->alternatives = d->alternatives;
    memcpy(out->alternative, d->alternative, sizeof out->alternative);
    return out;
}
