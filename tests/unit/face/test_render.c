/* Which format is meant, JSON on one line, and what is written where. */
#include "../unit.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "face/cli/output.h"
#include "face/cli/render.h"

static void test_formats(void **state)
{
    (void)state;
    enum format format;
    struct mu_err err = {.code = MU_OK};
    const struct request none = {.givens = 0};
    const struct request csv = {.given = {{"format", "csv"}}, .givens = 1};
    const struct request json = {.given = {{"json", "yes"}}, .givens = 1};
    const struct request both = {.given = {{"json", "yes"}, {"format", "md"}}, .givens = 2};
    assert_true(render_format(&none, &format, &err));
    assert_int_equal(format, FORMAT_TEXT);
    assert_true(render_format(&csv, &format, &err));
    assert_int_equal(format, FORMAT_CSV);
    assert_true(render_format(&json, &format, &err));
    assert_int_equal(format, FORMAT_JSON);
    assert_false(render_format(&both, &format, &err));
    assert_int_equal(err.code, MU_USAGE);
}

/* One document through the writer, indented or not, with texts that look like JSON themselves. */
static void write_document(struct buf *out, bool compact)
{
    struct writer w = writer_of(out, compact);
    writer_map(&w);
    writer_put_cstr(&w, "muster", MUSTER_VERSION);
    writer_put_cstr(&w, "text", "a \"b\",\n  c \\ \x1b { }");
    writer_key(&w, "list");
    writer_list(&w);
    writer_number(&w, 1);
    writer_map(&w);
    writer_map_end(&w);
    writer_list_end(&w);
    writer_map_end(&w);
}

static void test_one_line(void **state)
{
    (void)state;
    struct arena *a = arena_new(ARENA_USUAL_BYTES);
    struct answer answer = {.doc = doc_new(a)};
    struct buf line;
    struct buf compact;
    buf_init(&answer.json, 4096);
    buf_init(&line, 4096);
    buf_init(&compact, 4096);
    write_document(&answer.json, false);
    write_document(&compact, true);
    buf_char(&compact, '\n');
    render_answer(&answer, FORMAT_JSONL, (struct text_style){false, 100}, "t", &line);
    assert_string_equal(line.p, compact.p);
    buf_release(&answer.json);
    buf_release(&line);
    buf_release(&compact);
    arena_free(a);
}

static void test_written(void **state)
{
    (void)state;
    struct mu_err err = {.code = MU_OK};
    assert_false(output_write("/dev/full", S("x"), &err));
    assert_int_equal(err.code, MU_IO);
    err = (struct mu_err){.code = MU_OK};
    assert_false(output_write("/nowhere/at/all", S("x"), &err));
    assert_int_equal(err.code, MU_CANTCREATE);
    assert_int_equal(output_failure(&err), 73);
    const struct mu_err quiet = {.code = MU_IO};
    assert_int_equal(output_failure(&quiet), 74);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_formats),
                                       cmocka_unit_test(test_one_line),
                                       cmocka_unit_test(test_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
