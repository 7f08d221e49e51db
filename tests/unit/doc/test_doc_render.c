/* One answer of every kind of block, with hostile text in every place, in all formats: held against tests/unit/doc/page.*. Run with the
 * argument `write` to write those files anew, and read the difference before it goes in. */
#include "../shared_arena.h"
#include "../unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mapped.h"
#include "base/save.h"
#include "doc/doc.h"

#define HOSTILE "<script>alert('x')</script> \x1b[31m a|b \"q\" `c` *d* & \\ \n_e_ \xff"
#define WIDE "\xe6\x9c\xba\xe5\x99\xa8" /* two characters, four columns */

static bool writing;

static void add_tables(struct doc *d)
{
    static const char *const head[] = {"", "the guide", "muster", "why"};
    static const char *const models[] = {"Runs well here", "memory"};
    static const enum align align[] = {ALIGN_LEFT, ALIGN_RIGHT};
    struct block *b = doc_table(d, "Experiments", head, NULL, COUNT_OF(head));
    const struct cell rows[][4] = {
        {{.text = "E0, retrieval"},
         {"yes", TONE_GOOD},
         {"yes", TONE_GOOD},
         {.text = "needs 3.21 GiB"}},
        {{.text = "E2, fine-tuning"},
         {"yes", TONE_GOOD},
         {"NO", TONE_BAD},
         {.text = "needs 30.3 GiB: weights 7.1, gradients 7.1, Adam 14.2, activations 1.9; the "
                  "guide's rule counts no "
                  "gradients and no optimizer"}},
        {{.text = HOSTILE}, {.text = "=1+2"}, {.text = NULL}, {.text = "-5, +6, Q4_K_M"}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) table_row(d, b, rows[i]);
    doc_note(d, TONE_DIM,
             "a footnote, which is long enough to be cut into two lines at one hundred columns, "
             "and it hangs "
             "where the rows of its table begin");
    b = doc_table(d, NULL, models, align, COUNT_OF(models));
    table_row(d, b, (const struct cell[]){{.text = WIDE}, {.text = "9.5 GiB"}});
    table_row(d, b, (const struct cell[]){{.text = "small"}, {.text = "812 MiB"}});
    doc_table(d, "Nothing here", models, align, COUNT_OF(models));
}

static struct doc page(void)
{
    struct doc d = doc_new(a);
    doc_answer(&d, TONE_GOOD, "Fits: %s needs 3.21 GiB of 22.1 GiB", HOSTILE);
    doc_heading(&d, "lab-box \xc2\xb7 Debian 12");
    struct block *b = doc_facts(&d, "Machine");
    facts_row(&d, b, "CPU", "two cores");
    facts_row(&d, b, "", "AVX2");
    facts_row(&d, b, WIDE, "%s", HOSTILE);
    facts_row(&d, doc_facts(&d, "Speed"), "memory read", "26.8 GB/s");
    doc_facts(&d, "Left out, for it has no rows");
    b = doc_stack(&d, "Memory");
    stack_row(&d, b, "weights", 0.5, "2.20 GiB");
    stack_row(&d, b, "KV cache", 0.001, "4.10 MiB");
    stack_row(&d, b, "output", 0, "0 B");
    stack_row(&d, b, HOSTILE, (double)NAN, "?");
    add_tables(&d);
    b = doc_commands(&d, "llama.cpp");
    commands_row(
        &d, b,
        "llama-server -m \"a long name with blanks in it.gguf\" -c 32768 -ub 512 -np 1 -fa off "
        "--no-mmap --swa-full -kvu");
    commands_row(&d, b, "echo ``` %s", HOSTILE);
    doc_note(&d, TONE_WARN, "# not a heading");
    doc_note(&d, TONE_PLAIN, "1. not a list");
    doc_answer(&d, TONE_BAD, "All but one.");
    return d;
}

static void check(const char *ending, const struct buf *text)
{
    char path[512];
    struct mapped golden;
    struct mu_err err = {.code = MU_OK};
    snprintf(path, sizeof path, "%s/tests/unit/doc/page%s", SOURCE_ROOT, ending);
    if (writing && !save_file(path, buf_text(text), &err)) fail_msg("%s", err.text);
    if (!mapped_open(path, 0, &golden, NULL, &err)) fail_msg("%s", err.text);
    if (!str_eq(golden.bytes, buf_text(text)))
        fail_msg("%s holds\n%.*s\nand this was made\n%s", path, STR_ARG(golden.bytes), text->p);
    mapped_close(&golden);
}

static void as_text(const struct doc *d, struct buf *out)
{
    doc_as_text(d, (struct text_style){false, 100}, out);
}

static void as_narrow_text_in_colour(const struct doc *d, struct buf *out)
{
    doc_as_text(d, (struct text_style){true, 60}, out);
}

static void as_html(const struct doc *d, struct buf *out)
{
    doc_as_html(d, "muster fit " HOSTILE, out);
}

static const struct {
    const char *ending;
    void (*write)(const struct doc *d, struct buf *out);
    bool coloured;
} format[] = {
    {".txt", as_text, false},        {".60.txt", as_narrow_text_in_colour, true},
    {".md", doc_as_markdown, false}, {".html", as_html, false},
    {".csv", doc_as_csv, false},
};

static struct buf written(size_t i)
{
    const struct doc d = page();
    struct buf text;
    buf_init(&text, 1 << 20);
    format[i].write(&d, &text);
    return text;
}

static void test_formats(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(format); i++) {
        struct buf text = written(i);
        check(format[i].ending, &text);
        buf_release(&text);
    }
}

static void assert_utf8(struct str rest)
{
    while (rest.n) {
        uint32_t point;
        const size_t n = str_utf8(rest, &point);
        assert_true(n > 0);
        rest = (struct str){rest.p + n, rest.n - n};
    }
}

/* What no terminal may be sent, in any format: escapes (but for colour that was asked for), bytes that are not UTF-8. */
static void test_nothing_hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(format); i++) {
        struct buf text = written(i);
        if (!format[i].coloured) assert_null(memchr(text.p, '\x1b', text.n));
        assert_utf8(buf_text(&text));
        if (format[i].write == as_html) assert_null(strstr(text.p, "<script"));
        buf_release(&text);
    }
}

/* No line is wider than the terminal, however narrow or wide. */
static void test_widths(void **state)
{
    (void)state;
    const struct doc d = page();
    for (int width = 51; width <= 300; width += 7) {
        struct buf text;
        buf_init(&text, 1 << 20);
        doc_as_text(&d, (struct text_style){false, width}, &text);
        for (struct str rest = buf_text(&text); rest.n;) {
            const struct str line = str_line(&rest);
            const bool quoted = str_has(line, S("\"a long name")); /* is not cut */
            if (text_columns(line) > (size_t)width && !quoted)
                fail_msg("%zu columns in %d: %.*s", text_columns(line), width, STR_ARG(line));
            if (line.n) assert_int_not_equal(line.p[line.n - 1], ' ');
        }
        buf_release(&text);
    }
}

/* A document that is read by itself has its own title, escaped as all text is; in text the answer stands first. */
static void test_title(void **state)
{
    (void)state;
    static const struct {
        void (*write)(const struct doc *d, struct buf *out);
        const char *begins, *holds;
    } want[] = {{doc_as_markdown, "# Two \\| at &lt;once\\>\n\n**", "\n\n**"},
                {as_html, "<!doctype html>", "<h1>Two | at &lt;once&gt;</h1>"},
                {as_html, "<!doctype html>", "<title>Two | at &lt;once&gt;</title>"}};
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        struct doc d = page();
        struct buf text;
        d.title = "Two | at <once>";
        buf_init(&text, 1 << 20);
        want[i].write(&d, &text);
        assert_true(str_starts(buf_text(&text), str_of(want[i].begins)));
        assert_non_null(strstr(text.p, want[i].holds));
        buf_release(&text);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_formats),
                                       cmocka_unit_test(test_nothing_hostile),
                                       cmocka_unit_test(test_widths), cmocka_unit_test(test_title)};
    writing = argc > 1 && strcmp(argv[1], "write") == 0;
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
