/*
 * test_usage.c - help is made from the tables and fits a terminal.
 */
#include "tests/unit/unit.h"

#include "cli/usage.h"

#include <stdlib.h>

static void expect_fits(const char *text)
{
    size_t column = 0;

    assert_true(strlen(text) > 0);
    for (const char *at = text; *at != '\0'; at++) {
        column = *at == '\n' ? 0 : column + 1;
        if (column > 88)
            fail_msg("a line of help is longer than 88 columns: %.90s", at - 88);
    }
}

static void every_command_is_listed(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct strbuf buffer cleanup(strbuf_release);

    (void) state;
    strbuf_init(&buffer, 65536);
    usage_format(&arena, &buffer);
    expect_fits(strbuf_text(&buffer));
    for (int i = 0; i < COMMAND_COUNT; i++)
        assert_non_null(strstr(strbuf_text(&buffer), command_get((enum command_id) i)->summary));
    assert_non_null(strstr(strbuf_text(&buffer), "--database FILE"));
    assert_null(strstr(strbuf_text(&buffer), "--purge"));
}

static void every_command_explains_itself(void **state)
{
    (void) state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct strbuf buffer cleanup(strbuf_release);

        strbuf_init(&buffer, 65536);
        usage_format_command((enum command_id) i, &arena, &buffer);
        expect_fits(strbuf_text(&buffer));
        assert_non_null(strstr(strbuf_text(&buffer), command_get((enum command_id) i)->text));
        assert_int_equal(strstr(strbuf_text(&buffer), "--purge") != NULL, i == COMMAND_STAMP);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_listed),
        cmocka_unit_test(every_command_explains_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
