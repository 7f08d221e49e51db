/* Field tables: write, read, write again gives the same bytes; faults name their path; the schema lists every member. */
#include "../shared_arena.h"
#include "../unit.h"

#include <math.h>

#include "base/err.h"
#include "base/fields.h"
#include "base/quantity.h"

struct disk {
    const char *path;
    struct quantity free_bytes;
};
struct box {
    double width, note;
    bool open;
};
struct thing {
    const char *name, *nick;
    double speed;
    bool good;
    struct quantity ram_bytes, swap_bytes;
    struct estimate time_s;
    struct box box, spare;
    const struct disk *disks;
    size_t disk_count;
    const char *const *words;
    size_t word_count;
};

static const struct field disk_fields[] = {
    {"path", FIELD_TEXT, offsetof(struct disk, path), "mount point", NULL, 0, false},
    {"free_bytes", FIELD_QUANTITY, offsetof(struct disk, free_bytes), "free", NULL, 0, false},
};
static const struct fields disk_table = {"disk", sizeof(struct disk), disk_fields,
                                         COUNT_OF(disk_fields)};
static const struct field box_fields[] = {
    {"width", FIELD_NUMBER, offsetof(struct box, width), "metres", NULL, 0, true},
    {"note", FIELD_NUMBER, offsetof(struct box, note), "a mark", NULL, 0, true},
};
static const struct fields box_table = {"box", sizeof(struct box), box_fields,
                                        COUNT_OF(box_fields)};
#define AT(member) offsetof(struct thing, member)
static const struct field thing_fields[] = {
    {"name", FIELD_TEXT, AT(name), "its name", NULL, 0, false},
    {"nick", FIELD_TEXT, AT(nick), "another", NULL, 0, true},
    {"speed", FIELD_NUMBER, AT(speed), "metres a second", NULL, 0, false},
    {"good", FIELD_BOOL, AT(good), "is it", NULL, 0, false},
    {"ram_bytes", FIELD_QUANTITY, AT(ram_bytes), "memory", NULL, 0, false},
    {"swap_bytes", FIELD_QUANTITY, AT(swap_bytes), "swap", NULL, 0, true},
    {"time_s", FIELD_ESTIMATE, AT(time_s), "how long", NULL, 0, false},
    {"box", FIELD_STRUCT, AT(box), "its box", &box_table, 0, false},
    {"spare", FIELD_STRUCT, AT(spare), "a spare box", &box_table, 0, true},
    {"disks", FIELD_LIST, AT(disks), "disks", &disk_table, AT(disk_count), false},
    {"words", FIELD_TEXTS, AT(words), "words", NULL, AT(word_count), true},
};
static const struct fields thing_table = {"thing", sizeof(struct thing), thing_fields,
                                          COUNT_OF(thing_fields)};

static const char *written(const struct thing *t)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    struct writer w = writer_of(&b, false);
    fields_write(&thing_table, t, &w);
    const char *text = str_copy(a, buf_text(&b));
    buf_release(&b);
    return text;
}

static bool parsed(const char *text, struct thing *out, struct mu_err *err)
{
    struct json *j = NULL;
    assert_true(json_parse(str_of(text), "t", &j, err));
    *out = (struct thing){0};
    const bool good = fields_read(&thing_table, j, out, a, err);
    json_free(j);
    return good;
}

static struct thing full(void)
{
    static const struct disk disks[] = {{"/", {5e9, REPORTED, "statvfs"}},
                                        {"/home", {0, UNKNOWN, NULL}}};
    static const char *const words[] = {"one", "tw\"o"};
    return (struct thing){
        .name = "n\xc3\xa9\n",
        .nick = "nick",
        .speed = 0.1 + 0.2,
        .good = true,
        .ram_bytes = quantity_of(25165824000, MEASURED, "/proc/meminfo"),
        .swap_bytes = quantity_of(0, ASSUMED, NULL),
        .time_s = estimate_of(1, 1.5, 2.25, ESTIMATED, "residuals"),
        .box = {1, 2, false},
        .spare = {3, (double)NAN, false},
        .disks = disks,
        .disk_count = COUNT_OF(disks),
        .words = words,
        .word_count = COUNT_OF(words),
    };
}

static void a_full_struct_comes_back(void **state)
{
    (void)state;
    struct mu_err err = {0};
    struct thing back;
    const struct thing t = full();
    const char *first = written(&t);
    if (!parsed(first, &back, &err)) fail_msg("%s", err.text);
    assert_string_equal(written(&back), first);
    assert_string_equal(back.name, t.name);
    assert_exactly(back.speed, t.speed);
    assert_true(back.good);
    assert_int_equal(back.ram_bytes.origin, MEASURED);
    assert_string_equal(back.ram_bytes.source, "/proc/meminfo");
    assert_true(known(back.swap_bytes, NULL));
    assert_null(back.swap_bytes.source);
    assert_exactly(back.time_s.high, 2.25);
    assert_int_equal(back.disk_count, 2);
    assert_string_equal(back.disks[1].path, "/home");
    assert_false(known(back.disks[1].free_bytes, NULL));
    assert_string_equal(back.words[1], "tw\"o");
}

static void an_empty_struct_comes_back_unknown(void **state)
{
    (void)state;
    struct mu_err err = {0};
    struct thing back;
    assert_true(parsed("{}", &back, &err));
    assert_null(back.name);
    assert_true(isnan(back.speed));
    assert_true(isnan(back.spare.width));
    assert_false(back.good);
    assert_false(known(back.ram_bytes, NULL));
    assert_false(estimate_known(back.time_s));
    assert_int_equal(back.disk_count, 0);
    back.ram_bytes = unknown("no /proc");
    const char *first = written(&back);
    assert_string_equal(first, "{\n"
                               "  \"name\": null,\n"
                               "  \"speed\": null,\n"
                               "  \"good\": false,\n"
                               "  \"ram_bytes\": {\n"
                               "    \"value\": null,\n"
                               "    \"why\": \"no /proc\"\n"
                               "  },\n"
                               "  \"time_s\": {\n"
                               "    \"low\": null,\n"
                               "    \"likely\": null,\n"
                               "    \"high\": null\n"
                               "  },\n"
                               "  \"box\": {},\n"
                               "  \"disks\": []\n"
                               "}");
    assert_true(parsed(first, &back, &err));
    assert_string_equal(written(&back), first);
    assert_string_equal(back.ram_bytes.source, "no /proc");
}

static void faults_name_their_path(void **state)
{
    (void)state;
    const struct {
        const char *text, *message;
    } rows[] = {
        {"[]", "the document: must be a map"},
        {"{\"name\": 3}", "name: must be text"},
        {"{\"speed\": \"fast\"}", "speed: must be a number"},
        {"{\"good\": null}", "good: must be true or false"},
        {"{\"box\": []}", "box: must be a map"},
        {"{\"box\": {\"width\": \"w\"}}", "box.width: must be a number"},
        {"{\"disks\": {}}", "disks: must be a list"},
        {"{\"disks\": [{}, 3]}", "disks[1]: must be a map"},
        {"{\"disks\": [{\"path\": true}]}", "disks[0].path: must be text"},
        {"{\"words\": [\"a\", null]}", "words[1]: must be text"},
        {"{\"ram_bytes\": 5}", "ram_bytes: must be a value with its origin"},
        {"{\"ram_bytes\": {\"value\": \"5\"}}", "ram_bytes.value: must be a number"},
        {"{\"ram_bytes\": {\"value\": 5, \"origin\": \"guessed\"}}",
         "ram_bytes.origin: must be assumed, estimated, listed, reported or measured beside a "
         "value"},
        {"{\"time_s\": {\"low\": 2, \"likely\": 1, \"high\": 3, \"origin\": \"listed\"}}",
         "time_s: must have low <= likely <= high"},
        {"{\"time_s\": {\"likely\": 1, \"origin\": \"listed\"}}",
         "time_s: must have low <= likely <= high"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mu_err err = {0};
        struct thing back;
        if (parsed(rows[i].text, &back, &err)) fail_msg("accepted: %s", rows[i].text);
        assert_int_equal(err.code, MU_DATA);
        assert_string_equal(err.text, rows[i].message);
    }
}

static void unknown_keys_are_left_alone(void **state)
{
    (void)state;
    struct mu_err err = {0};
    struct thing back;
    assert_true(parsed("{\"later\": {\"x\": 1}, \"name\": \"n\", \"box\": null}", &back, &err));
    assert_string_equal(back.name, "n");
}

static void too_much_is_an_error(void **state)
{
    (void)state;
    struct arena *small = arena_new(4096);
    struct mu_err err = {0};
    struct json *j = NULL;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_add(&b, S("{\"words\": [\"w\""));
    for (int i = 0; i < 5000; i++) buf_add(&b, S(",\"w\""));
    buf_add(&b, S("]}"));
    assert_true(json_parse(buf_text(&b), "t", &j, &err));
    struct thing back = {0};
    assert_false(fields_read(&thing_table, j, &back, small, &err));
    assert_int_equal(err.code, MU_DATA);
    json_free(j);
    buf_release(&b);
    arena_free(small);
}

static void the_schema_lists_every_member(void **state)
{
    (void)state;
    struct mu_err err = {0};
    struct buf b;
    struct json *j = NULL;
    struct str s;
    buf_init(&b, 1 << 20);
    struct writer w = writer_of(&b, false);
    fields_schema(&thing_table, &w);
    assert_true(json_parse(buf_text(&b), "schema", &j, &err));
    const struct json *properties = json_get(j, "properties");
    assert_int_equal(json_count(properties), thing_table.count);
    assert_int_equal(json_count(json_get(j, "required")), 7);
    assert_true(json_text(json_get(json_get(properties, "speed"), "description"), &s));
    assert_string_equal(s.p, "metres a second");
    const struct json *items = json_get(json_get(properties, "disks"), "items");
    assert_non_null(json_get(json_get(items, "properties"), "free_bytes"));
    json_free(j);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_struct_comes_back),
        cmocka_unit_test(an_empty_struct_comes_back_unknown),
        cmocka_unit_test(faults_name_their_path),
        cmocka_unit_test(unknown_keys_are_left_alone),
        cmocka_unit_test(too_much_is_an_error),
        cmocka_unit_test(the_schema_lists_every_member),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
