/*
 * test_problem.c - every error code has its HTTP status.
 */
#include "tests/unit/unit.h"

#include "api/problem.h"

static void every_code_has_a_status(void **state)
{
    (void) state;
    assert_int_equal(problem_status(ERR_OK), 200);
    for (unsigned code = 1; code < ERROR_CODE_COUNT; code++) {
        unsigned status = problem_status((enum error_code) code);

        if (status < 400 || status > 507)
            fail_msg("%s has the status %u", error_slug((enum error_code) code), status);
    }
}

static void statuses_say_whose_fault_it_is(void **state)
{
    static const struct {
        enum error_code code;
        unsigned status;
        unsigned retry_after_s;
    } rows[] = {
        { ERR_REQUEST_MALFORMED, 400, 0 },
        { ERR_ARGUMENT_INVALID, 400, 0 },
        { ERR_UNAUTHORIZED, 401, 0 },
        { ERR_FORBIDDEN, 403, 0 },
        { ERR_NOT_FOUND, 404, 0 },
        { ERR_REVISION_UNKNOWN, 404, 0 },
        { ERR_METHOD_NOT_ALLOWED, 405, 0 },
        { ERR_HEADS_MULTIPLE, 409, 0 },
        { ERR_LOCKED, 409, 0 },
        { ERR_CANCELLED, 409, 0 },
        { ERR_PRECONDITION_FAILED, 412, 0 },
        { ERR_BODY_TOO_LARGE, 413, 0 },
        { ERR_MEDIA_TYPE, 415, 0 },
        { ERR_STATEMENT_FAILED, 422, 0 },
        { ERR_IDEMPOTENCY_KEY_REUSED, 422, 0 },
        { ERR_TOO_MANY_FAILURES, 429, 5 },
        { ERR_INTERNAL, 500, 0 },
        { ERR_COMMIT_UNKNOWN, 500, 0 },
        { ERR_QUEUE_FULL, 503, 1 },
        { ERR_DATABASE_BUSY, 503, 1 },
        { ERR_STOPPING, 503, 5 },
        { ERR_NOT_READY, 503, 1 },
        { ERR_DATABASE_UNUSABLE, 503, 0 },
        { ERR_SPACE_SHORT, 507, 0 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(problem_status(rows[i].code), rows[i].status);
        assert_int_equal(problem_retry_after_s(rows[i].code), rows[i].retry_after_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_status),
        cmocka_unit_test(statuses_say_whose_fault_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
