/*
 * ticks.c - timers that note how late they are heard.
 */
#include "tests/bench/ticks.h"

#include "base/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TICKERS_MAX 64

struct ticker {
    pthread_t thread;
    int processor;
    struct ticks ticks;
};

static struct ticker tickers[TICKERS_MAX];
static size_t ticker_count;
static atomic_bool is_over;

void need(bool is_fine, const char *what)
{
    if (is_fine)
        return;
    perror(what);
    exit(2);
}

void span_add(struct spans *spans, int64_t from_us, int64_t to_us)
{
    need(spans->count < SPANS_MAX, "too many late moments");
    spans->items[spans->count++] = (struct span){ from_us, to_us };
}

bool spans_overlap(const struct spans *spans, const struct span *span)
{
    for (size_t i = 0; i < spans->count; i++) {
        if (spans->items[i].from_us <= span->to_us && spans->items[i].to_us >= span->from_us)
            return true;
    }
    return false;
}

void ticks_start(struct ticks *ticks)
{
    struct itimerspec times = { .it_interval.tv_nsec = TICK_US * 1000,
                                .it_value.tv_nsec = TICK_US * 1000 };

    ticks->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    ticks->due_us = clock_monotonic_us() + TICK_US;
    need(timerfd_settime(ticks->fd, 0, &times, NULL) == 0, "timerfd_settime");
}

void ticks_read(struct ticks *ticks)
{
    uint64_t expirations = 0;
    int64_t now_us = 0;

    need(read(ticks->fd, &expirations, sizeof(expirations)) == sizeof(expirations), "timer");
    now_us = clock_monotonic_us();
    if (now_us - ticks->due_us > LATE_US)
        span_add(&ticks->late, ticks->due_us, now_us);
    ticks->due_us += (int64_t) expirations * TICK_US;
}

static void *ticker_main(void *data)
{
    struct ticker *ticker = data;
    cpu_set_t where;

    CPU_ZERO(&where);
    CPU_SET((size_t) ticker->processor, &where);
    need(sched_setaffinity(0, sizeof(where), &where) == 0, "sched_setaffinity");
    ticks_start(&ticker->ticks);
    while (!is_over)
        ticks_read(&ticker->ticks);
    close(ticker->ticks.fd);
    return NULL;
}

void tickers_start(void)
{
    cpu_set_t all;

    need(sched_getaffinity(0, sizeof(all), &all) == 0, "sched_getaffinity");
    for (int i = 0; i < CPU_SETSIZE && ticker_count < TICKERS_MAX; i++) {
        struct ticker *ticker = &tickers[ticker_count];

        if (!CPU_ISSET((size_t) i, &all))
            continue;
        ticker->processor = i;
        need(pthread_create(&ticker->thread, NULL, ticker_main, ticker) == 0, "pthread_create");
        ticker_count++;
    }
}

void tickers_stop(void)
{
    is_over = true;
    for (size_t i = 0; i < ticker_count; i++)
        need(pthread_join(tickers[i].thread, NULL) == 0, "pthread_join");
}

bool tickers_were_late(const struct span *span)
{
    for (size_t i = 0; i < ticker_count; i++) {
        if (spans_overlap(&tickers[i].ticks.late, span))
            return true;
    }
    return false;
}

size_t tickers_late_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < ticker_count; i++)
        count += tickers[i].ticks.late.count;
    return count;
}
