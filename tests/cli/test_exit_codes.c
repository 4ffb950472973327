/*
 * test_exit_codes.c - every error has the exit code that schemadctl(1) promises.
 */
#include "tests/unit/unit.h"

#include "cli/exit_codes.h"

static void only_success_is_zero(void **state)
{
    (void) state;
    assert_int_equal(exit_code_of(ERR_OK), EXIT_CODE_DONE);
    for (int code = ERR_OK + 1; code < ERROR_CODE_COUNT; code++) {
        enum exit_code exit_code = exit_code_of((enum error_code) code);

        if (exit_code < EXIT_CODE_FAILED || exit_code > EXIT_CODE_CANCELLED)
            fail_msg("%s exits with %d", error_slug((enum error_code) code), (int) exit_code);
    }
}

static void kinds_of_failure_are_told_apart(void **state)
{
    static const struct {
        enum error_code code;
        int exit_code;
    } cases[] = {
        { ERR_STATEMENT_FAILED, 1 },
        { ERR_LOSS_UNANNOUNCED, 1 },
        { ERR_ARGUMENT_INVALID, 2 },
        { ERR_LOCKED, 3 },
        { ERR_DATABASE_BUSY, 3 },
        { ERR_QUEUE_FULL, 3 },
        { ERR_STOPPING, 3 },
        { ERR_NOT_READY, 3 },
        { ERR_PRECONDITION_FAILED, 4 },
        { ERR_DATABASE_CHANGED, 4 },
        { ERR_REVISION_UNKNOWN, 5 },
        { ERR_REVISION_AMBIGUOUS, 5 },
        { ERR_HEADS_MULTIPLE, 5 },
        { ERR_TARGET_INVALID, 5 },
        { ERR_SCRIPT_INVALID, 6 },
        { ERR_GRAPH_CYCLE, 6 },
        { ERR_DATABASE_MISSING, 7 },
        { ERR_DATABASE_REVISION_UNKNOWN, 7 },
        { ERR_VERSION_TABLE_ODD, 7 },
        { ERR_UNAUTHORIZED, 8 },
        { ERR_FORBIDDEN, 8 },
        { ERR_DAEMON_UNREACHABLE, 9 },
        { ERR_CANCELLED, 10 },
        { ERR_INTERRUPTED, 10 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(exit_code_of(cases[i].code), cases[i].exit_code);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_success_is_zero),
        cmocka_unit_test(kinds_of_failure_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
