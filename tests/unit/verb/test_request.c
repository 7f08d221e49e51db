/* Command lines, one a row: what request they make, or what is said about them. */
#include "../shared_arena.h"
#include "table.h"

#include "base/err.h"
#include "verb/request.h"

enum { WORDS_MOST = 16 };

/* Cuts "a|b|c" into words; "" is none. */
static int words_of(const char *line, const char *out[WORDS_MOST])
{
    int n = 0;
    struct str rest = str_of(line);
    while (rest.p && (rest.n || n)) out[n++] = str_copy(a, str_cut(&rest, '|'));
    return n;
}

/* A command as one line: verb, name=value of what was given, operands. */
static const char *told(const struct command *c)
{
    static const char *const kind[] = {"", "help ", "version "};
    const struct request *q = &c->request;
    const char *all = str_format(a, "%s%s", kind[c->kind], c->topic ? c->topic : "");
    if (c->kind != COMMAND_ANSWER) return all;
    all = q->verb->name;
    for (size_t i = 0; i < q->givens; i++)
        all = str_format(a, "%s %s=%s", all, q->given[i].name, q->given[i].value);
    for (size_t i = 0; i < q->operands; i++) all = str_format(a, "%s (%s)", all, q->operand[i]);
    return all;
}

static const char *parsed(const char *line)
{
    const char *words[WORDS_MOST];
    struct mu_err err = {.code = MU_OK};
    struct command *c = NEW(a, struct command);
    if (request_parse(test_verbs, words_of(line, words), words, a, c, &err)) return told(c);
    assert_int_equal(err.code, MU_USAGE);
    return str_copy(a, str_of(err.text));
}

struct row {
    const char *line, *is;
};

static void check_rows(const struct row *row, size_t n)
{
    for (size_t i = 0; i < n; i++) assert_string_equal(parsed(row[i].line), row[i].is);
}

static void test_understood(void **state)
{
    (void)state;
    static const struct row row[] = {
        {"", "look"},
        {"look", "look"},
        {"--quick", "look quick=yes"},
        {"--json|look", "look json=yes"},
        {"look|-k", "look quick=yes"},
        {"look|--save|a b", "look save=a b"},
        {"look|--save=a=b", "look save=a=b"},
        {"look|--save=", "look save="},
        {"look|--save=--x", "look save=--x"},
        {"look|-sfile", "look save=file"},
        {"look|-s|file", "look save=file"},
        {"look|-ksfile", "look quick=yes save=file"},
        {"look|-o|-", "look output=-"},
        {"look|--no-save", "look no-save=yes"},
        {"look|--seconds|-1.5e3", "look seconds=-1.5e3"},
        {"look|-n2", "look seconds=2"},
        {"look|--level|HIGH", "look level=high"},
        {"look|--require|a|--require|b", "look require=a require=b"},
        {"look|-f|md", "look format=md"},
        {"weigh|m", "weigh (m)"},
        {"weigh|m|--ctx|8k|n", "weigh context_tokens=8k (m) (n)"},
        {"weigh|m|--ctx=8k", "weigh context_tokens=8k (m)"},
        {"weigh|m|--set|context_tokens=8k", "weigh context_tokens=8k (m)"},
        {"weigh|m|--set|ctx=8k", "weigh context_tokens=8k (m)"},
        {"weigh|m|--set=kv_type=Q8_0", "weigh kv_type=q8_0 (m)"},
        {"weigh|m|--mmap", "weigh mmap=on (m)"},
        {"weigh|m|--no-mmap", "weigh mmap=off (m)"},
        {"weigh|m|--mmap=off", "weigh mmap=off (m)"},
        {"weigh|m|--set|mmap=off", "weigh mmap=off (m)"},
        {"weigh|--|-m|--json", "weigh (-m) (--json)"},
        {"weigh|-", "weigh (-)"},
        {"--help", "help "},
        {"-h", "help "},
        {"help", "help "},
        {"help|weigh", "help weigh"},
        {"help|man", "help man"},
        {"help|bash", "help bash"},
        {"help|help", "help help"},
        {"weigh|--help", "help weigh"},
        {"--help|weigh", "help weigh"},
        {"--version", "version "},
        {"-V", "version "},
    };
    check_rows(row, COUNT_OF(row));
}

static void test_refused(void **state)
{
    (void)state;
    static const struct row row[] = {
        {"lok", "no command is called 'lok'; did you mean look?"},
        {"we", "no command is called 'we'; did you mean weigh?"},
        {"zzzzzz", "no command is called 'zzzzzz'; muster --help lists them"},
        {"\x1b[2J", "no command is called '\\x1b[2J'; muster --help lists them"},
        {"look|--quik", "look knows no option --quik; did you mean --quick?"},
        {"look|--color|always", "look knows no option --color; did you mean --colour?"},
        {"look|--zzzzzzz", "look knows no option --zzzzzzz; muster help look lists them"},
        {"--zzzzzzz", "muster knows no option --zzzzzzz; muster help look lists them"},
        {"look|-z", "look knows no option -z; muster help look lists them"},
        {"look|-kz", "look knows no option -z; muster help look lists them"},
        {"look|--=x", "look knows no option --; muster help look lists them"},
        {"look|--ctx|8k", "look knows no option --ctx; muster help look lists them"},
        {"look|--set|a=b", "look knows no option --set; muster help look lists them"},
        {"look|--quick=yes", "--quick takes no value; not 'yes'"},
        {"look|--save", "--save needs a value: FILE"},
        {"look|-s", "--save needs a value: FILE"},
        {"look|--save|--json",
         "--save needs a value: FILE; one that begins with a dash goes as --save=--json"},
        {"look|--seconds|two", "--seconds takes a number; not 'two'"},
        {"look|--seconds|nan", "--seconds takes a number; not 'nan'"},
        {"look|--level|middle", "--level takes one of low, high; not 'middle'"},
        {"look|--format|xml", "--format takes one of text, json, jsonl, csv, md, html; not 'xml'"},
        {"look|extra", "look takes no operand; 'extra' is left over"},
        {"--quick|weigh", "--quick stands before the command; try muster weigh --quick"},
        {"weigh", "weigh needs MODEL [MORE]; muster help weigh says more"},
        {"weigh|a|b|c", "weigh takes only MODEL [MORE]; 'c' is left over"},
        {"weigh|m|--mmap=maybe", "--mmap takes on or off; not 'maybe'"},
        {"weigh|m|--no-mmap=on", "--mmap takes on or off; not 'on'"},
        {"weigh|m|--no-ctx", "weigh knows no option --no-ctx; muster help weigh lists them"},
        {"weigh|m|--set|contxt_tokens=1",
         "weigh has no setting 'contxt_tokens'; did you mean context_tokens?"},
        {"weigh|m|--set|zzzzz=1", "weigh has no setting 'zzzzz'; muster help weigh lists them"},
        {"weigh|m|--set|ctx", "--set takes NAME=VALUE; not 'ctx'"},
        {"weigh|m|--set|kv_type=q9", "--kv-type takes one of f16, q8_0; not 'q9'"},
        {"help|wiegh", "no command is called 'wiegh'; did you mean weigh?"},
        {"help|look|weigh", "help takes one command; 'weigh' is left over"},
    };
    check_rows(row, COUNT_OF(row));
}

static void test_too_many(void **state)
{
    (void)state;
    const char *words[REQUEST_OPTIONS + 2];
    words[0] = "look";
    for (size_t i = 1; i < COUNT_OF(words); i++) words[i] = "--quick";
    struct command *c = NEW(a, struct command);
    struct mu_err err = {.code = MU_OK};
    assert_true(request_parse(test_verbs, REQUEST_OPTIONS + 1, words, a, c, &err));
    assert_false(request_parse(test_verbs, REQUEST_OPTIONS + 2, words, a, c, &err));
    assert_string_equal(err.text, "more than 64 options; leave some out");
}

static void test_accessors(void **state)
{
    (void)state;
    const struct request q = {
        .verb = &verb_look,
        .given = {{"require", "a"}, {"seconds", "1.5"}, {"require", "b"}, {"quick", "yes"}},
        .givens = 4};
    const char *out[2];
    double seconds;
    assert_true(request_flag(&q, "quick"));
    assert_false(request_flag(&q, "no-save"));
    assert_string_equal(request_text(&q, "require"), "b");
    assert_null(request_text(&q, "save"));
    assert_int_equal(request_texts(&q, "require", out, 2), 2);
    assert_string_equal(out[0], "a");
    assert_string_equal(out[1], "b");
    assert_int_equal(request_texts(&q, "require", out, 1), 1);
    assert_true(request_number(&q, "seconds", &seconds));
    assert_exactly(seconds, 1.5);
    assert_false(request_number(&q, "level", &seconds));
}

static void test_near(void **state)
{
    (void)state;
    assert_string_equal(verb_near_in(test_verbs, S("wegh"), a), "weigh");
    assert_null(verb_near_in(test_verbs, S("x"), a));
    assert_ptr_equal(verb_in(test_verbs, S("weigh")), &verb_weigh);
    assert_null(verb_in(test_verbs, S("wegh")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_understood), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_too_many), cmocka_unit_test(test_accessors),
        cmocka_unit_test(test_near)};
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
