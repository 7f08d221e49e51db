/* muster need: the inverse of fit. What a machine must have for a model, as the design defines Minimum (the smallest quantisation within
 * the quality bound, likely, nothing spare) and Recommended (Q8_0 or what is asked, high, some spare, fast enough), and which parts of
 * the catalogue do that. Left out: power and money over time (advise), training. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/notes.h"
#include "base/num.h"
#include "base/units.h"
#include "catalog/architecture.h"
#include "model/model.h"
#include "model/stores.h"
#include "verb/need.h"
#include "verb/need_asked.h"
#include "verb/nominal.h"

#define QUANT_RECOMMENDED "Q8_0"
enum { MIXES_MOST = 64 };

double need_context(enum need_level level)
{
    return level == NEED_MINIMUM ? 4096 : ranking_usual.context_tokens;
}

const char *need_backend(const struct world *w)
{
    const struct site_rules *most_taking = NULL;
    for (size_t i = 0; i < w->backends; i++)
        if (!most_taking || w->rules[i].context_bytes > most_taking->context_bytes)
            most_taking = &w->rules[i];
    return most_taking ? most_taking->backend : NULL;
}

/* The smallest within the quality bound, by bits a weight. */
static const char *smallest_quant(const struct catalog *c)
{
    const struct mix *mix[MIXES_MOST];
    const size_t n = ranking_mixes(&ranking_usual, c, mix, MIXES_MOST);
    size_t smallest = 0;
    for (size_t i = 1; i < n; i++)
        if (mix[i]->bits_per_weight < mix[smallest]->bits_per_weight) smallest = i;
    return n ? mix[smallest]->name : QUANT_RECOMMENDED;
}

bool need_task(const struct context *in, struct need_asked *asked, struct asked *out,
               struct mu_err *err)
{
    const struct looking looking = {.root = in->root, .catalog = in->catalog, .arena = in->arena};
    const struct machine *plain;
    const struct model_part *part = NULL;
    double params;
    asked->took = NULL;
    if (params_parse(asked->operand, (double)NAN, &params)) {
        part = nominal_model(in->catalog, params, &asked->alike);
        if (!part)
            return err_set(err, MU_NOINPUT, "no dense model of the catalogue is near a size of %s",
                           str_visible(in->arena, str_of(asked->operand)));
        asked->took = part->hf_id;
    }
    if (!machine_from_line(S("cpu:8 ram:64GiB"), &looking, &plain, err) ||
        !asked_generate(in, part ? part->hf_id : asked->operand, asked->quant, plain, out, err))
        return false;
    struct generate *g = &out->knobs;
    const double own = out->digest->shape->context_tokens;
    g->context_tokens = asked->context_tokens;
    if (own > 0 && asked->context_tokens > own && !part && asked->usual)
        g->context_tokens = own;
    else if (own > 0 && asked->context_tokens > own && !part)
        note_add(in->notes, "%s was trained for %.0f tokens; %.0f are asked for", out->digest->name,
                 own, asked->context_tokens);
    g->prompt_tokens = least(g->prompt_tokens, g->context_tokens);
    g->depth_tokens = g->context_tokens - g->prompt_tokens; /* speed is that of a full context */
    g->closed_form = true;
    return true;
}

/* Its quantisation is settled: a file, or trained in a mix, which loses nothing and which a wider one would not better. */
static bool has_own_quant(const struct context *in, const char *operand)
{
    struct model model = {.name = NULL};
    struct notes *aside = NEW(in->arena, struct notes);
    struct mu_err ignored = {.code = MU_OK};
    const char *path = NULL;
    *aside = (struct notes){.arena = in->arena};
    return stores_operand(operand, in->env, in->arena, &path, &ignored) &&
           model_open(path, in->catalog, in->arena, aside, &model, &ignored) &&
           (model.tensors || model.native_quant);
}

static bool numbers_of(const struct request *q, const struct context *in, double *context_tokens,
                       double *per_s, struct mu_err *err)
{
    const char *ctx = request_text(q, "ctx");
    *context_tokens = *per_s = (double)NAN;
    if (ctx && (!units_parse_tokens(str_of(ctx), context_tokens) || *context_tokens < 1))
        return err_set(err, MU_USAGE, "--ctx takes tokens such as 4096 or 32k; not '%s'",
                       str_visible(in->arena, str_of(ctx)));
    if (request_number(q, "tps", per_s) && !(*per_s > 0))
        return err_set(err, MU_USAGE, "--tps takes a speed above 0");
    return true;
}

/* Tokens a second to decode, NaN: none; an encoder decodes nothing. */
static double least_speed(const struct asked *asked, enum need_level level, double per_s)
{
    const struct architecture *arch = asked->digest->shape->arch;
    if (arch && arch->encoder) return (double)NAN;
    if (!isnan(per_s) || level == NEED_MINIMUM) return per_s;
    return ranking_usual.decode_least_per_s;
}

/* One level, from what is asked or else the design's definition. */
static bool fill_case(const struct request *q, const struct context *in, const struct world *w,
                      struct need *n, enum need_level level, struct mu_err *err)
{
    struct need_case *c = &n->level[level];
    const bool least_of = level == NEED_MINIMUM;
    double tokens, per_s;
    if (!numbers_of(q, in, &tokens, &per_s, err)) return false;
    struct need_asked asked = {.operand = n->operand, .quant = n->quant};
    if (!asked.quant && !has_own_quant(in, n->operand))
        asked.quant = least_of ? smallest_quant(in->catalog) : QUANT_RECOMMENDED;
    asked.usual = isnan(tokens);
    asked.context_tokens = asked.usual ? need_context(level) : tokens;
    if (!need_task(in, &asked, &c->asked, err)) return false;
    if (asked.took)
        n->stands_for = str_format(in->arena,
                                   "%s stands for it: the first of %zu dense models of the "
                                   "catalogue that are about that large and of one shape",
                                   asked.took, asked.alike);
    c->name = least_of ? "minimum" : "recommended";
    c->context_tokens = c->asked.knobs.context_tokens;
    c->spare_share = least_of ? 0 : ranking_usual.spare_share;
    c->least_per_s = least_speed(&c->asked, level, per_s);
    judge_need(&c->asked.task, w, need_backend(w), &c->needs);
    const struct needs *s = &c->needs;
    const struct estimate bytes[] = {s->ram_bytes, s->vram_bytes, s->beside_bytes};
    double *const out[] = {&c->ram_bytes, &c->vram_bytes, &c->beside_bytes};
    for (size_t i = 0; i < COUNT_OF(out); i++)
        *out[i] = least_of ? need_least(bytes[i]) : need_with_spare(bytes[i], c->spare_share);
    c->read_per_s = isnan(c->least_per_s) ? (double)NAN : need_bytes_per_s(s, c->least_per_s);
    return true;
}

bool need_find(const struct request *q, const struct context *in, const struct world *w,
               struct need *n, struct mu_err *err)
{
    if (!online_operand(q, in, n->operand, &n->operand, err)) return false;
    for (int i = 0; i < NEED_LEVELS; i++)
        if (!fill_case(q, in, w, n, (enum need_level)i, err)) return false;
    return n->level[0].needs.why || need_offers(in, w, n, err);
}

static bool find_guides(const struct context *in, const struct world *w, const char *operand,
                        struct guides_shown *g, struct mu_err *err)
{
    double params;
    const bool size = operand && params_parse(operand, (double)NAN, &params);
    if (!need_table(in, w, operand, &g->row, &g->rows, err)) return false;
    return (operand && !size) || need_precisions(in, operand, &g->precision, &g->precisions, err);
}

static bool answer(const struct request *q, const struct context *in, struct answer *out,
                   struct mu_err *err)
{
    struct need *n = NULL;
    struct guides_shown guides = {.rows = 0};
    struct world world;
    const bool whole = request_flag(q, "table");
    if (whole == (q->operands > 0))
        return err_set(err, MU_USAGE, "need takes a MODEL or a size such as 7B, or --table alone");
    if (!whole) {
        n = NEW(in->arena, struct need);
        *n = (struct need){.operand = q->operand[0], .quant = request_text(q, "quant")};
        if (!named_quant_agreed(in, &n->operand, &n->quant, err)) return false;
    }
    if (!judge_world(in->catalog, in->arena, &world, err) ||
        !find_guides(in, &world, n ? n->operand : NULL, &guides, err))
        return false;
    if (n) {
        if (!need_find(q, in, &world, n, err)) return false;
        show_need(&out->doc, n);
    }
    show_guides(&out->doc, &guides);
    show_notes(&out->doc, in->notes);
    write_need(n, &guides, in->notes, &out->json);
    out->no = n && n->level[0].needs.why;
    return catalog_sound(in->catalog, err);
}

static const struct option options[] = {
    {.name = "quant",
     .letter = 'q',
     .kind = OPTION_TEXT,
     .value = "MIX",
     .words = "quantisation; usual: the smallest within the quality bound, and Q8_0"},
    {.name = "ctx",
     .letter = 'c',
     .kind = OPTION_TEXT,
     .value = "TOKENS",
     .words = "context; usual: 4k for the minimum, 8k recommended"},
    {.name = "tps",
     .kind = OPTION_NUMBER,
     .value = "N",
     .words = "tokens a second to reach; usual: 10 recommended, none for the minimum"},
    {.name = "table",
     .kind = OPTION_FLAG,
     .words = "guides' figures, examples and bytes a parameter beside computed ones"},
    {.name = "online",
     .kind = OPTION_FLAG,
     .words = "ask hubs for the header of a model that is not here: hf:, ollama:, https://"},
};
static const char *const examples[] = {
    "muster need Qwen2.5-7B",
    "muster need 13B --tps 30 --ctx 16k",
    "muster need --table",
    NULL,
};
const struct verb verb_need = {
    .name = "need",
    .words = "what hardware a model needs, and which parts do it",
    .operands = "[MODEL]",
    .about =
        "The inverse of fit: the least and the recommended memory, disk and bandwidth for a model "
        "under llama.cpp, and which accelerators, chips, CPUs and instances of the catalogue do "
        "it, "
        "cheapest first where a price is known. Minimum is the smallest quantisation within the "
        "quality bound at 4k tokens with nothing spare; recommended is Q8_0 at 8k with a tenth "
        "spare and 10 tokens a second; both in its own quantisation where the file has one or the "
        "model was trained in one. MODEL may be a size such as 7B: a model of the catalogue "
        "stands for it, and guides' figures for that size are held against computed ones. Exit "
        "status 1 when nothing can be computed.",
    .examples = examples,
    .option = options,
    .options = COUNT_OF(options),
    .least_operands = 0,
    .most_operands = 1,
    .answer = answer,
};
