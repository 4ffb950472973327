/*
 * test_options.c - the command line.
 */
#include "tests/unit/unit.h"

#include "base/attr.h"
#include "daemon/options.h"

#include <string.h>

#define WORDS_MAX 8

/* Words as main() gets them: in memory that getopt may permute. */
static bool parse(const char *const *words, struct options *ret, struct error *err)
{
    static char bytes[WORDS_MAX + 1][64];
    char *argv[WORDS_MAX + 2] = { bytes[0] };
    int argc = 1;

    memcpy(bytes[0], "schemad", sizeof("schemad"));
    for (; words[argc - 1] != NULL; argc++) {
        assert_true(argc <= WORDS_MAX && strlen(words[argc - 1]) < sizeof(bytes[0]));
        memcpy(bytes[argc], words[argc - 1], strlen(words[argc - 1]) + 1);
        argv[argc] = bytes[argc];
    }
    return options_parse(argc, argv, ret, err);
}

static void options_become_settings_in_their_order(void **state)
{
    static const char *const words[] = { "--instance",    "a",         "--scripts", "one",
                                         "--tcp=[::1]:1", "--scripts", "two",       NULL };
    struct error err = { .code = ERR_OK };
    struct options options;

    (void) state;
    assert_true(parse(words, &options, &err));
    assert_int_equal(options.action, OPTIONS_RUN);
    assert_string_equal(options.instance, "a");
    assert_null(options.config_file);
    assert_int_equal(options.setting_count, 3);
    assert_string_equal(options.settings[0].key, "scripts");
    assert_string_equal(options.settings[0].value, "one");
    assert_string_equal(options.settings[1].section, "http");
    assert_string_equal(options.settings[1].key, "tcp");
    assert_string_equal(options.settings[1].value, "[::1]:1");
    assert_string_equal(options.settings[2].value, "two");
}

static void nothing_is_needed(void **state)
{
    static const char *const words[] = { NULL };
    struct error err = { .code = ERR_OK };
    struct options options;

    (void) state;
    assert_true(parse(words, &options, &err));
    assert_string_equal(options.instance, "content");
    assert_int_equal(options.setting_count, 0);
}

static void help_and_version_are_actions(void **state)
{
    static const char *const help[] = { "--help", NULL };
    static const char *const version[] = { "--version", NULL };
    struct error err = { .code = ERR_OK };
    struct options options;

    (void) state;
    assert_true(parse(help, &options, &err));
    assert_int_equal(options.action, OPTIONS_HELP);
    assert_true(parse(version, &options, &err));
    assert_int_equal(options.action, OPTIONS_VERSION);
}

static void what_is_not_an_option_is_refused(void **state)
{
    static const struct {
        const char *words[3];
        const char *detail;
        const char *hint;
    } cases[] = {
        { { "--databse", "x" }, "unknown option '--databse'", "Did you mean --database?" },
        { { "--zzzzzzzzzzzz" }, "unknown option '--zzzzzzzzzzzz'", "schemad --help" },
        { { "-d" }, "unknown option '-d'", "schemad --help" },
        { { "--database" }, "option '--database' needs a value", "" },
        { { "content.db" }, "unexpected argument 'content.db'", "" },
        { { "--", "x" }, "unexpected argument 'x'", "" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = { .code = ERR_OK };
        struct options options;

        assert_false(parse(cases[i].words, &options, &err));
        assert_int_equal(err.code, ERR_ARGUMENT_INVALID);
        assert_string_equal(err.detail, cases[i].detail);
        assert_non_null(strstr(err.hint, cases[i].hint));
    }
}

static void too_many_options_are_refused(void **state)
{
    char word[] = "--scripts=x";
    char *argv[OPTIONS_SETTINGS_MAX + 3] = { word };
    struct error err = { .code = ERR_OK };
    struct options options;

    (void) state;
    for (size_t i = 1; i <= OPTIONS_SETTINGS_MAX + 1; i++)
        argv[i] = word;
    assert_false(options_parse(OPTIONS_SETTINGS_MAX + 2, argv, &options, &err));
    assert_int_equal(err.code, ERR_ARGUMENT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_become_settings_in_their_order),
        cmocka_unit_test(nothing_is_needed),
        cmocka_unit_test(help_and_version_are_actions),
        cmocka_unit_test(what_is_not_an_option_is_refused),
        cmocka_unit_test(too_many_options_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
