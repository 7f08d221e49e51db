/* Help, manual and completion list the very options that are parsed, stay within their width, and escape what troff would act upon. */
#include "../shared_arena.h"
#include "table.h"

#include "base/err.h"
#include "doc/doc.h"
#include "verb/help.h"
#include "verb/request.h"

static const char *topic(const char *name)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    help_topic(test_verbs, name, a, &b);
    const char *text = str_copy(a, buf_text(&b));
    buf_release(&b);
    return text;
}

static void assert_has(const char *text, const char *part)
{
    if (!str_has(str_of(text), str_of(part))) fail_msg("no '%s' in:\n%s", part, text);
}

static void assert_narrow(const char *text, size_t most)
{
    struct str rest = str_of(text);
    while (rest.n) {
        const struct str line = str_line(&rest);
        if (text_columns(line) > most) fail_msg("over %zu columns: %.*s", most, STR_ARG(line));
    }
}

/* Every option of the table is in help, in the manual and in completion, and the parser takes it. */
static void test_agreement(void **state)
{
    (void)state;
    const char *man = topic("man");
    const char *bash = topic("bash");
    size_t seen = 0;
    for (const struct verb *const *v = test_verbs; *v; v++)
        for (enum spelled_of of = SPELLED_OWN; of <= SPELLED_COMMON; of++)
            for (size_t i = 0; i < spelled_count(*v, of); i++, seen++) {
                const struct spelled s = spelled_at(*v, of, i);
                const char *negated = s.negated ? "[no-]" : "";
                const char *value = s.choices                 ? s.choices[0]
                                    : s.kind == OPTION_NUMBER ? "1"
                                                              : "ctx=1";
                const char *words[] = {(*v)->name, "m", str_format(a, "--%s", s.name), value};
                const struct verb *verb = *v;
                struct command *c = NEW(a, struct command);
                struct mu_err err = {.code = MU_OK};
                assert_has(topic(verb->name), str_format(a, "--%s%s", negated, s.name));
                assert_has(man, str_format(a, "Fl \\-%s%s", s.negated ? "[no\\-]" : "", s.name));
                assert_has(bash, str_format(a, " --%s", s.name));
                if (!verb->least_operands) words[1] = "--quick";
                if (!request_parse(test_verbs, s.kind == OPTION_FLAG ? 3 : 4, words, a, c, &err))
                    fail_msg("%s: %s", words[2], err.text);
            }
    assert_int_equal(seen, 6 + 4 + 2 * 7);
}

static void test_widths(void **state)
{
    (void)state;
    assert_narrow(topic(NULL), 80);
    assert_narrow(topic("look"), 80);
    assert_narrow(topic("weigh"), 80);
    assert_narrow(topic("man"), 80);
}

static void test_help_of_a_verb(void **state)
{
    (void)state;
    assert_has(topic("weigh"),
               "muster weigh [OPTION...] MODEL [MORE]\n\nWeighs it.\n\n"
               "Settings of the workload\n"
               "  --ctx TOKENS                context, tokens\n"
               "  --kv-type TYPE              type of the cache (f16 q8_0)\n"
               "  --[no-]mmap                 mapped; on\n"
               "  --set NAME=VALUE            a setting by its name in files: context_tokens=8k\n"
               "                              (repeatable)\n");
    assert_has(topic("look"), "\nExamples\n  muster look --quick\n");
    assert_has(topic(NULL), "  look   what there is\n");
    assert_has(topic(NULL), "  64  the command line cannot be understood\n");
}

static void test_manual(void **state)
{
    (void)state;
    const char *man = topic("man");
    assert_has(man, "Looks at the machine.\nThen it says so, e.g. in a table.\n");
    assert_has(man, "muster look \\-\\-quick\n");
    assert_has(man, ".It 64\nthe command line cannot be understood\n");
    assert_has(man, ".It Ev NO_COLOR\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agreement), cmocka_unit_test(test_widths),
        cmocka_unit_test(test_help_of_a_verb), cmocka_unit_test(test_manual)};
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
