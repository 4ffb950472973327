/*
 * ticks.h - how late this machine is: ticks every TICK_US, here and on a thread of every processor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TICK_US = 5000,
    LATE_US = 10000, /* a tick that is heard later than this is late */
    SPANS_MAX = 16384,
};

/* On the monotonic clock. Plain value. */
struct span {
    int64_t from_us;
    int64_t to_us;
};

/* Spans in order. Plain value. */
struct spans {
    struct span items[SPANS_MAX];
    size_t count;
};

/* Ends the program when there are too many. */
void span_add(struct spans *spans, int64_t from_us, int64_t to_us);

/* Whether one of them has a moment in common with this span. */
bool spans_overlap(const struct spans *spans, const struct span *span);

/* A timer, and when it was heard too late: from when it was due until it was heard. */
struct ticks {
    int fd; /* readable when a tick is due */
    int64_t due_us;
    struct spans late;
};

void ticks_start(struct ticks *ticks);

/* Take a tick; waits until one is due. */
void ticks_read(struct ticks *ticks);

/* A thread on every processor that does nothing but tick, from here to tickers_stop(). */
void tickers_start(void);
void tickers_stop(void);

/* After tickers_stop(): whether one of them was late at a moment of this span, and how many late
 * ticks there were. */
bool tickers_were_late(const struct span *span);
size_t tickers_late_count(void);

/* What the program cannot do without: if it is not fine, it says why and ends with status 2. */
void need(bool is_fine, const char *what);
