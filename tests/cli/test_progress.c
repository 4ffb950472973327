/*
 * test_progress.c - the line on a terminal, and that nothing stays of it.
 */
#include "tests/unit/unit.h"

#include "cli/progress.h"

#include <stdlib.h>

static void the_line_says_what_is_known(void **state)
{
    static const struct {
        struct run_progress progress;
        const char *line;
    } cases[] = {
        { { .phase = PHASE_BACKUP, .permille = 123 }, "backup, 12 %" },
        { { .phase = PHASE_RUNNING, .permille = 999 }, "running, 99 %" },
        { { .phase = PHASE_RUNNING, .revision = "c7f8a9b0d1e2", .permille = 480 },
          "running c7f8a9b0d1e2, 48 %" },
        { { .phase = PHASE_RUNNING,
            .revision = "c7f8a9b0d1e2",
            .step = 3,
            .step_count = 5,
            .statement = 2,
            .statement_count = 7,
            .permille = 480 },
          "running c7f8a9b0d1e2, step 3 of 5, statement 2 of 7, 48 %" },
    };
    struct arena arena cleanup(arena_release) = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(progress_format(&cases[i].progress, &arena), cases[i].line);
}

static void it_is_erased_at_the_end(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    struct progress progress = { .terminal = file };

    (void) state;
    progress_show(&progress, "one");
    progress_show(&progress, "two, too soon after one");
    progress_end(&progress);
    progress_end(&progress);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, "\rone\033[K\r\033[K");
    free(text);
}

static void without_a_terminal_nothing_is_written(void **state)
{
    struct progress progress = { .terminal = NULL };

    (void) state;
    progress_show(&progress, "one");
    progress_end(&progress);
    assert_false(progress.is_shown);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_what_is_known),
        cmocka_unit_test(it_is_erased_at_the_end),
        cmocka_unit_test(without_a_terminal_nothing_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
