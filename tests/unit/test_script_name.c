/*
 * test_script_name.c - what the files of new scripts are called.
 */
#include "tests/unit/unit.h"

#include "migrations/script_name.h"

static const char *const created = "2026-01-20 15:03:04.806509";

static bool name(const char *file_template, const char *message, struct arena *arena,
                 const char **ret, struct error *err)
{
    struct script_name_style style = { .file_template = file_template };
    struct script_header header = { .id = "i", .message = message, .create_date = created };

    return script_name_format(&style, &header, 1768921384, arena, ret, err);
}

static void slugs_are_alembics(void **state)
{
    static const struct {
        const char *message;
        const char *name;
    } cases[] = {
        { "Add user preferences table", "i_add_user_preferences_table.sql" },
        { "", "i_.sql" },
        { "Hello, World! -- add \xc3\xbcn\xc3\xaf"
          "code column to some table here",
          "i_hello_world_add_\xc3\xbcn\xc3\xaf"
          "code_column_to_some_.sql" },
        { "../../etc/passwd\n\n.hidden", "i_etc_passwd_hidden.sql" },
        { "exactly_forty_characters_are_not_cut_xxx",
          "i_exactly_forty_characters_are_not_cut_xxx.sql" },
        { "onewordofmorethanfortycharactersiscutwithoutmercy",
          "i_onewordofmorethanfortycharactersiscutwit_.sql" },
        { "dashes \xe2\x80\x94 and \xe2\x80\x9cquotes\xe2\x80\x9d", "i_dashes_and_quotes.sql" },
        { "bad \xff bytes", "i_bad_bytes.sql" },
    };
    struct arena arena = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = { 0 };
        const char *text = NULL;

        assert_true(name(NULL, cases[i].message, &arena, &text, &err));
        assert_string_equal(text, cases[i].name);
    }
    arena_release(&arena);
}

static void templates_have_alembics_tokens(void **state)
{
    static const struct {
        const char *file_template;
        const char *name;
    } cases[] = {
        { "%(rev)s_%(slug)s", "i_two_words.sql" },
        { "%(slug)s", "two_words.sql" },
        { "%(year)d_%(month).2d_%(day).2d_%(hour).2d%(minute).2d-%(rev)s_%(slug)s",
          "2026_01_20_1503-i_two_words.sql" },
        { "%(year)d-%(month)d-%(day)02d-%(second)04d_%(rev)s", "2026-1-20-0004_i.sql" },
        { "%(epoch)s_%(epoch)d_%(year)s", "1768921384_1768921384_2026.sql" },
        { "%(year)d/%(month).2d/%(rev)s", "2026/01/i.sql" },
        { "100%%_%(rev)s", "100%_i.sql" },
    };
    struct arena arena = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = { 0 };
        const char *text = NULL;

        if (!name(cases[i].file_template, "Two words", &arena, &text, &err))
            fail_msg("%s: %s", cases[i].file_template, err.detail);
        assert_string_equal(text, cases[i].name);
    }
    arena_release(&arena);
}

static void what_is_no_template_is_refused(void **state)
{
    static const struct {
        const char *file_template;
        enum error_code code;
        const char *detail;
    } cases[] = {
        { "%(author)s", ERR_CONFIG_INVALID,
          "file name template: \"%(author)s\" is not understood" },
        { "%(rev)d", ERR_CONFIG_INVALID, "file name template: \"%(rev)d\" is not understood" },
        { "a_%(rev)", ERR_CONFIG_INVALID, "file name template: \"%(rev)\" is not understood" },
        { "a_%rev", ERR_CONFIG_INVALID, "file name template: \"%rev\" is not understood" },
        { "%(month).99d", ERR_CONFIG_INVALID,
          "file name template: \"%(month).99d\" is not understood" },
        { "%(month)x2d", ERR_CONFIG_INVALID,
          "file name template: \"%(month)x2d\" is not understood" },
        { "%", ERR_CONFIG_INVALID, "file name template: \"%\" is not understood" },
        { ".%(rev)s", ERR_ARGUMENT_INVALID, "a script called \".i.sql\" would not be read" },
        { "../%(rev)s", ERR_ARGUMENT_INVALID, "a script called \"../i.sql\" would not be read" },
        { "/etc/%(rev)s", ERR_ARGUMENT_INVALID,
          "a script called \"/etc/i.sql\" would not be read" },
        { "a/%(slug)s", ERR_ARGUMENT_INVALID, "a script called \"a/.sql\" would not be read" },
    };
    struct arena arena = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = { 0 };
        const char *text = "untouched";

        assert_false(name(cases[i].file_template, "", &arena, &text, &err));
        assert_string_equal(err.detail, cases[i].detail);
        assert_int_equal(err.code, cases[i].code);
        assert_true(err.hint[0] != '\0');
        assert_string_equal(text, "untouched");
    }
    arena_release(&arena);
}

static void the_slug_has_the_length_that_is_wanted(void **state)
{
    struct script_name_style style = { .slug_length = 10 };
    struct script_header header = { .id = "i", .message = "one two three", .create_date = created };
    struct arena arena = { 0 };
    struct error err = { 0 };
    const char *text = NULL;

    (void) state;
    assert_true(script_name_format(&style, &header, 0, &arena, &text, &err));
    assert_string_equal(text, "i_one_two_.sql");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slugs_are_alembics),
        cmocka_unit_test(templates_have_alembics_tokens),
        cmocka_unit_test(what_is_no_template_is_refused),
        cmocka_unit_test(the_slug_has_the_length_that_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
