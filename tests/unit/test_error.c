/*
 * test_error.c - the error value: first cause wins, what is cut is cut visibly, all of it UTF-8.
 */
#include "tests/unit/unit.h"

#include "base/error.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void setting_fills_code_and_detail_and_is_false(void **state)
{
    struct error err = { 0 };

    (void) state;
    assert_false(error_set(&err, ERR_REVISION_UNKNOWN, "revision \"%s\" is not known", "abc"));
    assert_int_equal(err.code, ERR_REVISION_UNKNOWN);
    assert_string_equal(err.detail, "revision \"abc\" is not known");
    assert_int_equal(err.line, 0);
    assert_string_equal(err.hint, "");
}

static void the_first_cause_wins(void **state)
{
    struct error err = { 0 };

    (void) state;
    error_set(&err, ERR_SCRIPT_INVALID, "first");
    error_set(&err, ERR_INTERNAL, "second");
    error_set_errno(&err, ERR_IO, ENOENT, "third");
    assert_int_equal(err.code, ERR_SCRIPT_INVALID);
    assert_string_equal(err.detail, "first");
}

static void each_addition_keeps_an_earlier_one(void **state)
{
    struct error err = { 0 };

    (void) state;
    error_set(&err, ERR_STATEMENT_FAILED, "no such table: users");
    error_at(&err, &(struct source_pos){ .file = "a.sql", .line = 3, .column = 7 });
    error_at(&err, &(struct source_pos){ .file = "b.sql", .line = 9, .column = 9 });
    error_of_revision(&err, "aaa");
    error_of_revision(&err, "bbb");
    error_of_statement(&err, "DROP TABLE users; SELECT 1", 16);
    error_of_statement(&err, "SELECT 1", 8);
    error_hint(&err, "Look at %s.", "this");
    error_hint(&err, "Look at that.");

    assert_string_equal(err.file, "a.sql");
    assert_int_equal(err.line, 3);
    assert_int_equal(err.column, 7);
    assert_string_equal(err.revision, "aaa");
    assert_string_equal(err.statement, "DROP TABLE users");
    assert_string_equal(err.hint, "Look at this.");
}

static void a_place_may_come_in_two_parts(void **state)
{
    struct error err = { 0 };

    (void) state;
    error_set(&err, ERR_SCRIPT_INVALID, "no");
    error_at(&err, &(struct source_pos){ .file = NULL, .line = 3, .column = 1 });
    error_at(&err, &(struct source_pos){ .file = "a.sql" });
    assert_string_equal(err.file, "a.sql");
    assert_int_equal(err.line, 3);
}

static void errno_is_told_in_words_even_after_a_long_name(void **state)
{
    struct error err = { 0 };
    const char *reason = ": No such file or directory";

    (void) state;
    error_set_errno(&err, ERR_IO, ENOENT, "could not open file \"%s\"", "x");
    assert_string_equal(err.detail, "could not open file \"x\": No such file or directory");

    error_clear(&err);
    error_set_errno(&err, ERR_IO, ENOENT, "could not open file \"%s\"",
                    HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED);
    assert_int_equal(strlen(err.detail), sizeof(err.detail) - 1);
    assert_string_equal(err.detail + strlen(err.detail) - strlen(reason), reason);
}

static void what_is_too_long_is_cut_visibly(void **state)
{
    struct error err = { 0 };
    const char *path = HUNDRED HUNDRED "/versions/last.sql";

    (void) state;
    error_set(&err, ERR_INTERNAL, "%s", HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED);
    error_at(&err, &(struct source_pos){ .file = path, .line = 1 });
    error_of_statement(&err, HUNDRED HUNDRED HUNDRED, 300);

    assert_int_equal(strlen(err.detail), sizeof(err.detail) - 1);
    assert_string_equal(err.detail + sizeof(err.detail) - 4, "...");
    assert_int_equal(strlen(err.file), sizeof(err.file) - 1);
    assert_memory_equal(err.file, "...", 3);
    assert_true(str_ends_with(str_of(err.file), "9/versions/last.sql"));
    assert_int_equal(strlen(err.statement), sizeof(err.statement) - 1);
    assert_string_equal(err.statement + sizeof(err.statement) - 4, "...");
}

static void what_just_fits_is_not_cut(void **state)
{
    struct error err = { 0 };
    char path[sizeof(err.file)];
    char sql[sizeof(err.statement)];
    char detail[sizeof(err.detail)];

    (void) state;
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    memset(sql, 's', sizeof(sql));
    memset(detail, 'd', sizeof(detail) - 1);
    detail[sizeof(detail) - 1] = '\0';
    error_set(&err, ERR_INTERNAL, "%s", detail);
    error_at(&err, &(struct source_pos){ .file = path });
    error_of_statement(&err, sql, sizeof(err.statement) - 1);
    assert_string_equal(err.detail, detail);
    assert_string_equal(err.file, path);
    assert_memory_equal(err.statement, sql, sizeof(err.statement) - 1);
    assert_int_equal(err.statement[sizeof(err.statement) - 1], 0);
}

static void one_byte_too_many_is_cut(void **state)
{
    struct error err = { 0 };
    char text[sizeof(err.detail) + 1];

    (void) state;
    memset(text, 't', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    error_set(&err, ERR_INTERNAL, "%s", text);
    error_at(&err, &(struct source_pos){ .file = text + sizeof(err.detail) - sizeof(err.file) });
    error_of_statement(&err, text, sizeof(err.statement));
    assert_int_equal(strlen(err.detail), sizeof(err.detail) - 1);
    assert_string_equal(err.detail + sizeof(err.detail) - 4, "...");
    assert_int_equal(strlen(err.file), sizeof(err.file) - 1);
    assert_memory_equal(err.file, "...t", 4);
    assert_int_equal(strlen(err.statement), sizeof(err.statement) - 1);
    assert_string_equal(err.statement + sizeof(err.statement) - 4, "...");
}

static void every_text_is_utf8(void **state)
{
    static const struct {
        const char *given;
        const char *kept;
    } cases[] = {
        { "caf\xc3\xa9", "caf\xc3\xa9" },
        { "caf\xe9", "caf?" },
        { "\xf0\x9f\x98\x80!", "\xf0\x9f\x98\x80!" },
        { "\xf0\x9f\x98!", "?"
                           "?"
                           "?!" },
        { "\xc0\x80", "??" },
        { "\xed\xa0\x80", "???" },
        { "\xff\xfe", "??" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = { 0 };

        error_set(&err, ERR_INTERNAL, "%s", cases[i].given);
        error_at(&err, &(struct source_pos){ .file = cases[i].given });
        error_of_revision(&err, cases[i].given);
        error_of_statement(&err, cases[i].given, strlen(cases[i].given));
        error_hint(&err, "%s", cases[i].given);
        assert_string_equal(err.detail, cases[i].kept);
        assert_string_equal(err.file, cases[i].kept);
        assert_string_equal(err.revision, cases[i].kept);
        assert_string_equal(err.statement, cases[i].kept);
        assert_string_equal(err.hint, cases[i].kept);
    }
}

static void cutting_through_a_character_leaves_utf8(void **state)
{
    struct error err = { 0 };
    char sql[400];

    (void) state;
    for (size_t shift = 0; shift < 2; shift++) {
        for (size_t i = 0; i + 1 < sizeof(sql); i += 2)
            memcpy(sql + i, "\xc3\xa9", 2);
        error_clear(&err);
        error_of_statement(&err, sql + shift, sizeof(sql) - shift);
        assert_true(str_is_utf8(str_of(err.statement)));
    }
}

static void formatting_names_as_much_of_the_place_as_is_known(void **state)
{
    static const struct {
        struct source_pos pos;
        const char *line;
    } cases[] = {
        { { NULL, 0, 0 }, "near \"x\"" },
        { { "a.sql", 0, 0 }, "a.sql: near \"x\"" },
        { { "a.sql", 3, 0 }, "a.sql:3: near \"x\"" },
        { { "a.sql", 3, 7 }, "a.sql:3:7: near \"x\"" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = { 0 };
        char line[64];
        char small[8];

        error_set(&err, ERR_STATEMENT_FAILED, "near \"x\"");
        error_at(&err, &cases[i].pos);
        error_format(&err, line, sizeof(line));
        error_format(&err, small, sizeof(small));
        assert_string_equal(line, cases[i].line);
        assert_int_equal(strlen(small), 7);
    }
}

static void clearing_leaves_nothing(void **state)
{
    struct error err = { 0 };
    struct error unset = { 0 };

    (void) state;
    error_set(&err, ERR_INTERNAL, "x");
    error_hint(&err, "y");
    error_clear(&err);
    assert_int_equal(err.code, unset.code);
    assert_string_equal(err.detail, "");
    assert_string_equal(err.hint, "");
}

static bool is_slug(const char *slug)
{
    return slug[0] != '\0' && strspn(slug, "abcdefghijklmnopqrstuvwxyz-") == strlen(slug);
}

static void every_code_has_one_slug_and_a_title(void **state)
{
    (void) state;
    for (int code = 0; code < ERROR_CODE_COUNT; code++) {
        const char *slug = error_slug((enum error_code) code);

        assert_true(is_slug(slug));
        assert_int_equal(error_code_find(slug), code);
        assert_true(strlen(error_title((enum error_code) code)) > 5);
    }
    assert_int_equal(error_code_find("no-such-slug"), ERROR_CODE_COUNT);
    assert_string_equal(error_slug(ERR_SPACE_SHORT), "space-short");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_fills_code_and_detail_and_is_false),
        cmocka_unit_test(the_first_cause_wins),
        cmocka_unit_test(each_addition_keeps_an_earlier_one),
        cmocka_unit_test(a_place_may_come_in_two_parts),
        cmocka_unit_test(errno_is_told_in_words_even_after_a_long_name),
        cmocka_unit_test(what_is_too_long_is_cut_visibly),
        cmocka_unit_test(what_just_fits_is_not_cut),
        cmocka_unit_test(one_byte_too_many_is_cut),
        cmocka_unit_test(every_text_is_utf8),
        cmocka_unit_test(cutting_through_a_character_leaves_utf8),
        cmocka_unit_test(formatting_names_as_much_of_the_place_as_is_known),
        cmocka_unit_test(clearing_leaves_nothing),
        cmocka_unit_test(every_code_has_one_slug_and_a_title),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
