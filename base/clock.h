/*
 * clock.h - the two clocks, and times as text. Any thread.
 *
 * Wall-clock values are microseconds since 1970-01-01 UTC, monotonic ones microseconds since an
 * arbitrary start.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_us(void);
int64_t clock_monotonic_us(void);

#define CLOCK_TEXT_SIZE 48

/* "2026-11-20T15:03:04.806Z" (RFC 3339, UTC, milliseconds), terminated. */
void clock_format_rfc3339(int64_t wall_us, char text[CLOCK_TEXT_SIZE]);

/* "20261120T150304Z": sorts by time, fit for file names. */
void clock_format_compact(int64_t wall_us, char text[CLOCK_TEXT_SIZE]);

/* "2026-11-20 15:03:04.806509" in local time: Alembic's Create Date. */
void clock_format_create_date(int64_t wall_us, char text[CLOCK_TEXT_SIZE]);
