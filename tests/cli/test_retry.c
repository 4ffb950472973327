/*
 * test_retry.c - what is tried again, when, and for how long.
 */
#include "tests/unit/unit.h"

#include "cli/retry.h"

static uint32_t pause_after(struct retry *retry, enum error_code code, int64_t now_ms,
                            uint32_t after_ms)
{
    struct error err = { .code = code };
    struct failure failure = {
        .error = &err,
        .was_connected = true,
        .after_ms = after_ms,
        .now_us = now_ms * 1000,
    };

    return retry_pause_ms(retry, &failure);
}

static void only_what_may_pass_by_itself_is_tried_again(void **state)
{
    (void) state;
    for (int code = ERR_OK + 1; code < ERROR_CODE_COUNT; code++) {
        struct retry retry = { .limit_ms = 1000 };
        bool is_worth_it = code == ERR_DAEMON_UNREACHABLE || code == ERR_QUEUE_FULL ||
                           code == ERR_STOPPING || code == ERR_NOT_READY;

        if ((pause_after(&retry, (enum error_code) code, 1, 0) > 0) != is_worth_it)
            fail_msg("%s", error_slug((enum error_code) code));
    }
}

static void a_daemon_that_never_was_there_is_not_waited_for(void **state)
{
    struct error err = { .code = ERR_DAEMON_UNREACHABLE };
    struct failure failure = { .error = &err, .was_connected = false, .now_us = 1 };
    struct retry retry = { .limit_ms = 1000 };

    (void) state;
    assert_int_equal(retry_pause_ms(&retry, &failure), 0);
    failure.was_connected = true;
    assert_true(retry_pause_ms(&retry, &failure) > 0);
}

static void pauses_double_up_to_a_second_and_end_with_the_limit(void **state)
{
    static const struct {
        int64_t now_ms;
        uint32_t pause_ms;
    } steps[] = {
        { 1000, 20 },  { 1020, 40 },   { 1060, 80 },   { 1140, 160 }, { 1300, 320 },
        { 1620, 640 }, { 2260, 1000 }, { 3260, 1000 }, { 4900, 100 }, { 5000, 0 },
    };
    struct retry retry = { .limit_ms = 4000 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        assert_int_equal(pause_after(&retry, ERR_STOPPING, steps[i].now_ms, 0), steps[i].pause_ms);
}

static void the_daemons_wish_counts_within_the_limit(void **state)
{
    struct retry retry = { .limit_ms = 4000 };

    (void) state;
    assert_int_equal(pause_after(&retry, ERR_QUEUE_FULL, 1, 3000), 3000);
    assert_int_equal(pause_after(&retry, ERR_QUEUE_FULL, 3001, 3000), 1000);
    assert_int_equal(pause_after(&retry, ERR_QUEUE_FULL, 4001, 3000), 0);
}

static void what_worked_gives_new_patience(void **state)
{
    struct retry retry = { .limit_ms = 100 };

    (void) state;
    assert_int_equal(pause_after(&retry, ERR_STOPPING, 1, 0), 20);
    retry_reset(&retry);
    assert_int_equal(pause_after(&retry, ERR_STOPPING, 1000, 0), 20);
    assert_int_equal(pause_after(&retry, ERR_STOPPING, 1100, 0), 0);
}

static void no_patience_is_no_second_try(void **state)
{
    struct retry retry = { .limit_ms = 0 };

    (void) state;
    assert_int_equal(pause_after(&retry, ERR_STOPPING, 1, 0), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_may_pass_by_itself_is_tried_again),
        cmocka_unit_test(a_daemon_that_never_was_there_is_not_waited_for),
        cmocka_unit_test(pauses_double_up_to_a_second_and_end_with_the_limit),
        cmocka_unit_test(the_daemons_wish_counts_within_the_limit),
        cmocka_unit_test(what_worked_gives_new_patience),
        cmocka_unit_test(no_patience_is_no_second_try),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
