/*
 * test_progress.c - the bar on a terminal of any width, lines in a log, and that nothing stays of
 * the bar.
 */
#include "tests/unit/unit.h"

#include "cli/progress.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_US UINT64_C(60000000)

static const struct run_moment whole = {
    .progress = { .phase = PHASE_RUNNING,
                  .revision = "c7f8a9b0d1e2",
                  .step = 3,
                  .step_count = 5,
                  .statement = 2,
                  .statement_count = 7,
                  .permille = 580 },
    .elapsed_us = 12100000,
    .remaining_us = 9000000,
};

static void the_bar_is_made_to_fit(void **state)
{
    static const struct {
        unsigned columns;
        const char *line;
    } cases[] = {
        { 200, "[#################>            ]  58 %  running c7f8a9b0d1e2, step 3 of 5, "
               "statement 2 of 7, 0:12, about 0:09 left" },
        { 95, "[#####>    ]  58 %  running c7f8a9b0d1e2, step 3 of 5, "
              "statement 2 of 7, 0:12, about 0:09 left" },
        { 80, "[#######>     ]  58 %  running c7f8a9b0d1e2, step 3 of 5, 0:12, about 0:09 left" },
        { 60, "[#####>    ]  58 %  running c7f8a9b0d1e2, step 3 of 5, 0:12" },
        { 50, "[#######>     ]  58 %  running c7f8a9b0d1e2, 0:12" },
        { 40, " 58 %  running c7f8a9b0d1e2, 0:12" },
        { 20, " 58 %  running c7f8" },
        { 2, " " },
        { 0, "[#######>     ]  58 %  running c7f8a9b0d1e2, step 3 of 5, 0:12, about 0:09 left" },
    };
    struct arena arena cleanup(arena_release) = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(progress_bar(&whole, cases[i].columns, &arena), cases[i].line);
}

static void no_bar_reaches_the_last_column(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };

    (void) state;
    for (unsigned columns = 2; columns < 200; columns++)
        assert_true(strlen(progress_bar(&whole, columns, &arena)) < columns);
}

static void the_bar_says_what_is_known(void **state)
{
    static const struct {
        struct run_moment moment;
        const char *line;
    } cases[] = {
        { { .progress = { .phase = PHASE_QUEUED }, .remaining_us = -1 },
          "[>       ]   0 %  queued, 0:00" },
        { { .progress = { .phase = PHASE_BACKUP, .permille = 129 },
            .elapsed_us = 59 * MINUTE_US,
            .remaining_us = 0 },
          "[#>       ]  12 %  backup, 59:00, about 0:00 left" },
        { { .progress = { .phase = PHASE_RUNNING, .permille = 999 },
            .elapsed_us = 61 * MINUTE_US,
            .remaining_us = -1 },
          "[#######>]  99 %  running, 1:01:00" },
        { { .progress = { .phase = PHASE_COMMITTING, .permille = 1000 }, .remaining_us = -1 },
          "[########] 100 %  committing, 0:00" },
        { { .progress = { .phase = PHASE_CHECKING, .permille = 4000 }, .remaining_us = -1 },
          "[########] 400 %  checking, 0:00" },
    };
    struct arena arena cleanup(arena_release) = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(progress_bar(&cases[i].moment, (unsigned) strlen(cases[i].line) + 1,
                                         &arena),
                            cases[i].line);
}

/* What is written of these moments. */
static char *shown(enum progress_style style, const struct run_moment *moments, size_t count)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    struct progress progress = { .file = file, .style = style };

    for (size_t i = 0; i < count; i++)
        progress_show(&progress, &moments[i]);
    progress_end(&progress);
    progress_end(&progress);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void a_bar_is_written_over_itself_and_erased(void **state)
{
    struct run_moment moments[] = { { .remaining_us = -1 }, { .remaining_us = -1 } };
    char *text = shown(PROGRESS_BAR, moments, ARRAY_SIZE(moments)); /* the second comes too soon */

    (void) state;
    assert_string_equal(text,
                        "\r[>                             ]   0 %  queued, 0:00\033[K\r\033[K");
    free(text);
}

static void a_log_has_a_line_for_each_phase_and_step(void **state)
{
    static const struct run_moment moments[] = {
        { .progress = { .phase = PHASE_QUEUED } },
        { .progress = { .phase = PHASE_QUEUED }, .elapsed_us = 1000000 },
        { .progress = { .phase = PHASE_BACKUP, .permille = 10 }, .elapsed_us = 2000000 },
        { .progress = { .phase = PHASE_BACKUP, .permille = 90 }, .elapsed_us = 3000000 },
        { .progress = { .phase = PHASE_RUNNING,
                        .revision = "a1",
                        .step = 1,
                        .step_count = 2,
                        .statement = 1,
                        .statement_count = 2,
                        .permille = 100 },
          .elapsed_us = 4000000 },
        { .progress = { .phase = PHASE_RUNNING,
                        .revision = "a1",
                        .step = 1,
                        .step_count = 2,
                        .statement = 2,
                        .statement_count = 2,
                        .permille = 300 },
          .elapsed_us = 5000000 },
        { .progress = { .phase = PHASE_RUNNING,
                        .revision = "b\0332",
                        .step = 2,
                        .step_count = 2,
                        .permille = 500 },
          .elapsed_us = 65000000 },
    };
    char *text = shown(PROGRESS_LINES, moments, ARRAY_SIZE(moments));

    (void) state;
    assert_string_equal(text, "0:00    0 %  queued\n"
                              "0:02    1 %  backup\n"
                              "0:04   10 %  running a1, step 1 of 2\n"
                              "1:05   50 %  running b?2, step 2 of 2\n");
    free(text);
}

static void nobody_watches_and_nothing_is_written(void **state)
{
    struct run_moment moment = { .remaining_us = -1 };
    char *text = shown(PROGRESS_NONE, &moment, 1);

    (void) state;
    assert_string_equal(text, "");
    free(text);
}

static void time_goes_on_when_nothing_is_told(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    struct progress progress = { .file = file, .style = PROGRESS_BAR };

    (void) state;
    progress_tick(&progress); /* nothing to go on from */
    progress_show(&progress, &whole);
    progress_tick(&progress); /* too soon */
    progress.moved_us -= 20000000;
    progress.shown_us -= 20000000;
    progress_tick(&progress);
    assert_int_equal(fclose(file), 0);
    assert_non_null(strstr(text, "0:12, about 0:09 left"));
    assert_non_null(strstr(text, "0:32, about 0:00 left"));
    assert_int_equal(strlen(text) % 2, 0); /* two lines of one length */
    free(text);
}

static void what_is_waited_for_is_said_in_the_same_place(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    struct progress bar = { .file = file, .style = PROGRESS_BAR };
    struct progress lines = { .file = file, .style = PROGRESS_LINES };

    (void) state;
    progress_say(&lines, "not here");
    progress_say(&bar, "schema is at base");
    progress_end(&bar);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, "\rschema is at base\033[K\r\033[K");
    free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bar_is_made_to_fit),
        cmocka_unit_test(no_bar_reaches_the_last_column),
        cmocka_unit_test(the_bar_says_what_is_known),
        cmocka_unit_test(a_bar_is_written_over_itself_and_erased),
        cmocka_unit_test(a_log_has_a_line_for_each_phase_and_step),
        cmocka_unit_test(nobody_watches_and_nothing_is_written),
        cmocka_unit_test(time_goes_on_when_nothing_is_told),
        cmocka_unit_test(what_is_waited_for_is_said_in_the_same_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
