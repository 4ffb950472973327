/*
 * test_clock.c - times as text, at the edges of days, years and the epoch.
 */
#include "tests/unit/unit.h"

#include "base/attr.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void times_are_written_in_utc(void **state)
{
    static const struct {
        int64_t wall_us;
        const char *rfc3339;
        const char *compact;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000Z", "19700101T000000Z" },
        { 1795187000806509, "2026-11-20T15:03:20.806Z", "20261120T150320Z" },
        { 1709251199999999, "2024-02-29T23:59:59.999Z", "20240229T235959Z" },
        { -1, "1969-12-31T23:59:59.999Z", "19691231T235959Z" },
        { -1000000, "1969-12-31T23:59:59.000Z", "19691231T235959Z" },
    };
    char text[CLOCK_TEXT_SIZE];

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        clock_format_rfc3339(cases[i].wall_us, text);
        assert_string_equal(text, cases[i].rfc3339);
        clock_format_compact(cases[i].wall_us, text);
        assert_string_equal(text, cases[i].compact);
    }
}

static void any_value_fits_the_buffer(void **state)
{
    static const int64_t values[] = { INT64_MIN, INT64_MAX };
    char text[CLOCK_TEXT_SIZE];

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        clock_format_rfc3339(values[i], text);
        assert_true(strlen(text) > 24);
        clock_format_compact(values[i], text);
        assert_true(strlen(text) > 16);
        clock_format_create_date(values[i], text);
        assert_true(strlen(text) > 24);
    }
}

static void create_date_is_local_and_has_microseconds(void **state)
{
    char text[CLOCK_TEXT_SIZE];

    (void) state;
    clock_format_create_date(1795187000806509, text);
    assert_string_equal(text, "2026-11-21 00:03:20.806509");
    clock_format_create_date(5, text);
    assert_string_equal(text, "1970-01-01 09:00:00.000005");
}

static void the_clocks_go_forward_and_wall_time_is_now(void **state)
{
    int64_t wall_us = clock_wall_us();
    int64_t first_us = clock_monotonic_us();
    int64_t second_us = clock_monotonic_us();

    (void) state;
    assert_true(second_us >= first_us);
    assert_true(llabs(wall_us / 1000000 - (int64_t) time(NULL)) <= 1);
}

/* Nine hours ahead of UTC all year; written as POSIX wants it, so no zone files are needed. */
static int zone_setup(void **state)
{
    (void) state;
    return setenv("TZ", "JST-9", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_in_utc),
        cmocka_unit_test(any_value_fits_the_buffer),
        cmocka_unit_test(create_date_is_local_and_has_microseconds),
        cmocka_unit_test(the_clocks_go_forward_and_wall_time_is_now),
    };

    return cmocka_run_group_tests(tests, zone_setup, NULL);
}
