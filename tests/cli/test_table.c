/*
 * test_table.c - columns as wide as they need to be.
 */
#include "tests/unit/unit.h"

#include "cli/table.h"

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    static const char *const cells[] = { "a", "long one", "x", "b\xc3\xbc", "c", "last" };
    struct arena arena cleanup(arena_release) = { 0 };
    struct table table = { .columns = 3 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
        table_add(&table, &arena, cells[i]);
    assert_string_equal(table_format(&table, &arena), "a   long one  x\n"
                                                      "b\xc3\xbc  c         last\n");
}

static void nothing_is_nothing(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct table table = { .columns = 3 };

    (void) state;
    assert_string_equal(table_format(&table, &arena), "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(nothing_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
