/*
 * test_cond.c - waiting until a moment of the monotonic clock.
 */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "base/cond.h"

#include <errno.h>

static void a_moment_is_seconds_and_nanoseconds(void **state)
{
    static const struct {
        int64_t monotonic_us;
        long seconds;
        long nanoseconds;
    } cases[] = {
        { 0, 0, 0 },
        { 1, 0, 1000 },
        { 999999, 0, 999999000 },
        { 1000000, 1, 0 },
        { 86400000001, 86400, 1000 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct timespec deadline = cond_deadline(cases[i].monotonic_us);

        assert_int_equal(deadline.tv_sec, cases[i].seconds);
        assert_int_equal(deadline.tv_nsec, cases[i].nanoseconds);
    }
}

static void waiting_ends_at_its_moment_and_not_before(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    int64_t until_us = clock_monotonic_us() + 2000;
    struct timespec deadline = cond_deadline(until_us);
    int rc = 0;

    (void) state;
    cond_init(&cond);
    pthread_mutex_lock(&lock);
    while (rc == 0)
        rc = pthread_cond_timedwait(&cond, &lock, &deadline);
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&cond);
    assert_int_equal(rc, ETIMEDOUT);
    assert_true(clock_monotonic_us() >= until_us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_is_seconds_and_nanoseconds),
        cmocka_unit_test(waiting_ends_at_its_moment_and_not_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
