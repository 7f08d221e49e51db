/* Who publishes what: every row is of a model of the catalogue and a mix that there is, every line's words are known ones, and a user's
 * table that does not hold together is refused. */
#include "home.h"

#include "catalog/known.h"
#include "catalog/parts.h"
#include "catalog/sources.h"
#include "catalog/types.h"

static const struct fetch_sources *sources_of(const struct home *h)
{
    const struct fetch_sources *s = NULL;
    struct mu_err err = {.code = MU_OK};
    if (!catalog_sources(h->catalog, &s, &err)) fail_msg("%s", err.text);
    assert_true(s->ggufs && s->libraries && s->programs && s->disks);
    return s;
}

static void assert_model(const struct home *h, const char *model)
{
    const struct model_part *part = NULL;
    if (catalog_model(h->catalog, str_of(model), &part, NULL) == MATCH_NONE ||
        strcmp(part->hf_id, model) != 0)
        fail_msg("%s is no model of the catalogue", model);
}

static void assert_mixes(const struct home *h, const char *const *mix, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!catalog_mix(h->catalog, str_of(mix[i]))) fail_msg("%s is no mix", mix[i]);
}

static void rows_are_of_models_and_mixes_that_there_are(void **state)
{
    const struct home *h = *state;
    const struct fetch_sources *s = sources_of(h);
    for (size_t i = 0; i < s->ggufs; i++) {
        const struct gguf_source *g = &s->gguf[i];
        assert_model(h, g->model);
        assert_mixes(h, g->mix, g->mixes);
        assert_int_equal(g->mixes, g->files);
        for (size_t k = 0; k < g->files; k++)
            if (!str_ends(str_of(g->file[k]), S(".gguf"))) fail_msg("%s", g->file[k]);
        assert_true(str_has(str_of(g->source), str_of(g->repository)));
        for (size_t k = 0; k < g->mixes; k++)
            assert_non_null(gguf_source_file(gguf_source_of(s, g->model, g->mix[k]), g->mix[k]));
    }
    for (size_t i = 0; i < s->libraries; i++) {
        const struct library_source *l = &s->library[i];
        assert_model(h, l->model);
        assert_mixes(h, l->mix, l->mixes);
        assert_true(str_has(str_of(l->tag), S(":")));
        assert_ptr_equal(library_source_of(s, l->model), l);
    }
}

/* A word that nobody fills would leave its line out for ever. */
static void every_word_of_a_line_is_known(void **state)
{
    static const char *const words[] = {"model", "name", "repository", "file",
                                        "tag",   "mix",  "small_mix"};
    const struct fetch_sources *s = sources_of(*state);
    for (size_t i = 0; i < s->programs; i++) {
        struct str rest = str_of(s->program[i].line);
        (void)str_cut(&rest, '{');
        for (; rest.p; (void)str_cut(&rest, '{')) {
            const struct str word = str_cut(&rest, '}');
            bool is_known = false;
            for (size_t k = 0; k < COUNT_OF(words); k++)
                is_known = is_known || str_is(word, words[k]);
            if (!is_known) fail_msg("{%.*s} in %s", STR_ARG(word), s->program[i].line);
        }
        assert_mixes(*state, s->program[i].only, s->program[i].only_count);
        assert_mixes(*state, s->program[i].except, s->program[i].except_count);
        assert_non_null(s->program[i].source);
    }
}

static void a_file_or_a_tag_of_a_mix(void **state)
{
    const struct fetch_sources *s = sources_of(*state);
    const struct gguf_source *g = &s->gguf[0];
    const struct library_source *l = library_source_of(s, "microsoft/Phi-3-mini-4k-instruct");
    assert_string_equal(gguf_source_file(g, g->mix[0]), g->file[0]);
    assert_null(gguf_source_file(g, "IQ1_S"));
    assert_null(gguf_source_file(NULL, "Q4_K_M"));
    assert_null(gguf_source_file(g, NULL));
    assert_null(gguf_source_of(s, "nobody/nothing", "Q4_K_M"));
    /* of two that publish it, the one that has the mix; of a mix that none has, the first */
    assert_ptr_equal(gguf_source_of(s, g->model, "IQ1_S"), g);
    assert_ptr_equal(gguf_source_of(s, g->model, g->mix[0]), g);
    assert_ptr_not_equal(gguf_source_of(s, g->model, "Q6_K"), g);
    assert_string_equal(library_source_tag(l, "Q3_K_M"), "phi3:3.8b-mini-4k-instruct-q3_K_M");
    assert_null(library_source_tag(l, "IQ1_S"));
    assert_null(library_source_tag(NULL, "Q4_0"));
    assert_null(library_source_of(s, "nobody/nothing"));
}

/* What the guide's own lines are: each verdict is one of four, and a wrong line says what would be right. */
static void a_line_of_a_guide_is_judged(void **state)
{
    static const char *const verdicts[] = {"works", "works, but", "wrong", "not checked"};
    const struct home *h = *state;
    const struct known_row *row;
    size_t rows, wrong = 0;
    struct mu_err err = {.code = MU_OK};
    if (!catalog_known(h->catalog, KNOWN_GUIDE, &row, &rows, &err)) fail_msg("%s", err.text);
    for (size_t i = 0; i < rows; i++) {
        const struct known_fact *verdict = known_fact_of(&row[i], "verdict");
        bool is_known = false;
        assert_true(verdict && known_fact_of(&row[i], "line") && known_fact_of(&row[i], "seed"));
        for (size_t k = 0; k < COUNT_OF(verdicts); k++)
            is_known = is_known || strcmp(verdict->text, verdicts[k]) == 0;
        if (!is_known) fail_msg("%s: %s", row[i].name, verdict->text);
        if (strcmp(verdict->text, "wrong") != 0) continue;
        wrong++;
        assert_true(known_fact_of(&row[i], "why") && known_fact_of(&row[i], "right"));
    }
    assert_true(wrong > 0);
}

static void a_users_table_that_does_not_hold_together_is_refused(void **state)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"{\"entries\": [{\"model\": \"a/b\", \"repository\": \"a/b; rm\", \"mixes\": [], "
         "\"files\": []}]}",
         "repository"},
        {"{\"entries\": [{\"model\": \"a/b\", \"repository\": \"a/b\", \"mixes\": [\"Q8_0\"], "
         "\"files\": []}]}",
         "files"},
        {"{\"entries\": [{\"model\": \"a/b\", \"repository\": \"a/b\", \"mixes\": [\"Q8_0\"], "
         "\"files\": [\"$(x)\"]}]}",
         "files"},
        {"{\"library\": [{\"model\": \"a/b\", \"tag\": \"a b\"}]}", "tag"},
        {"{\"library\": [{\"model\": \"a/b\", \"tag\": \"a:b\", \"tags\": [\"c\"]}]}", "tags"},
        {"{\"programs\": [{\"name\": \"x\", \"group\": \"gguf\"}]}", "line"},
        {"{\"disks\": [{\"name\": \"x\", \"read_mbs\": -1}]}", "read_mbs"},
    };
    struct home *h = *state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const struct fetch_sources *s = NULL;
        struct mu_err err = {.code = MU_OK};
        home_write(h, "sources.json", bad[i].text);
        h->catalog = catalog_open(h->folder, h->arena);
        if (catalog_sources(h->catalog, &s, &err)) fail_msg("taken: %s", bad[i].text);
        assert_message(&err, "sources.json", bad[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOMED(rows_are_of_models_and_mixes_that_there_are),
        HOMED(every_word_of_a_line_is_known),
        HOMED(a_file_or_a_tag_of_a_mix),
        HOMED(a_line_of_a_guide_is_judged),
        HOMED(a_users_table_that_does_not_hold_together_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
