/*
 * clock.c - the clocks of clock_gettime(2), and times as text.
 */
#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

static int64_t clock_us(clockid_t id)
{
    struct timespec now;
    int rc = clock_gettime(id, &now);

    assert(rc == 0);
    (void) rc;
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

/* Seconds since 1970 and the microseconds within, for times before 1970 too. */
static time_t split_us(int64_t wall_us, int *ret_us)
{
    int64_t seconds = wall_us / 1000000;
    int64_t us = wall_us % 1000000;

    if (us < 0) {
        us += 1000000;
        seconds--;
    }
    *ret_us = (int) us;
    return (time_t) seconds;
}

void clock_format_rfc3339(int64_t wall_us, char text[CLOCK_TEXT_SIZE])
{
    int us;
    time_t seconds = split_us(wall_us, &us);
    struct tm tm;
    char date[24];

    (void) gmtime_r(&seconds, &tm);
    (void) strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    (void) snprintf(text, CLOCK_TEXT_SIZE, "%s.%03dZ", date, us / 1000);
}

void clock_format_compact(int64_t wall_us, char text[CLOCK_TEXT_SIZE])
{
    int us;
    time_t seconds = split_us(wall_us, &us);
    struct tm tm;

    (void) gmtime_r(&seconds, &tm);
    (void) strftime(text, CLOCK_TEXT_SIZE, "%Y%m%dT%H%M%SZ", &tm);
}

void clock_format_create_date(int64_t wall_us, char text[CLOCK_TEXT_SIZE])
{
    int us;
    time_t seconds = split_us(wall_us, &us);
    struct tm tm;
    char date[24];

    (void) localtime_r(&seconds, &tm);
    (void) strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
    (void) snprintf(text, CLOCK_TEXT_SIZE, "%s.%06d", date, us);
}
