/*
 * watch.c - progress, cancelling, deadline and waiting, in SQLite's two callbacks.
 */
#include "store/watch.h"

#include "base/clock.h"

#include <time.h>

#define WATCH_INSTRUCTIONS 1000  /* of SQLite's machine between two ticks: some 20 us */
#define WATCH_INTERVAL_US  50000 /* between two calls of the hooks */
#define WATCH_WAIT_MAX_US  20000 /* between two attempts at a lock */

void watch_init(struct watch *watch, const struct run_hooks *hooks, uint32_t busy_timeout_ms,
                uint32_t timeout_ms)
{
    *watch = (struct watch){
        .hooks = hooks,
        .busy_timeout_ms = busy_timeout_ms,
        .timeout_ms = timeout_ms,
        .deadline_us = clock_monotonic_us() + (int64_t) timeout_ms * 1000,
    };
}

void watch_report(struct watch *watch)
{
    watch->next_us = clock_monotonic_us() + WATCH_INTERVAL_US;
    if (watch->hooks != NULL && watch->hooks->progress != NULL)
        watch->hooks->progress(watch->hooks->data, &watch->progress);
}

static enum watch_stop reason_to_stop(const struct watch *watch)
{
    const struct run_hooks *hooks = watch->hooks;

    if (watch->is_committing)
        return WATCH_GOES_ON;
    if (hooks != NULL && hooks->is_cancelled != NULL && hooks->is_cancelled(hooks->data))
        return WATCH_CANCELLED;
    if (watch->timeout_ms > 0 && clock_monotonic_us() >= watch->deadline_us)
        return WATCH_TIMED_OUT;
    return WATCH_GOES_ON;
}

bool watch_must_stop(struct watch *watch)
{
    if (watch->stop == WATCH_GOES_ON)
        watch->stop = reason_to_stop(watch);
    return watch->stop != WATCH_GOES_ON;
}

static int on_progress(void *data)
{
    struct watch *watch = data;

    if (clock_monotonic_us() < watch->next_us)
        return 0;
    watch_report(watch);
    return watch_must_stop(watch) ? 1 : 0;
}

/* Short waits first: most locks are held for a millisecond. */
static void wait_before_attempt(int attempt)
{
    long wait_us = attempt < 5 ? 1000L << attempt : WATCH_WAIT_MAX_US;
    struct timespec duration = { .tv_nsec = wait_us * 1000 };

    clock_nanosleep(CLOCK_MONOTONIC, 0, &duration, NULL);
}

static int on_busy(void *data, int attempt)
{
    struct watch *watch = data;
    int64_t now = clock_monotonic_us();

    if (attempt == 0)
        watch->wait_since_us = now;
    if (now >= watch->next_us)
        watch_report(watch);
    if (now - watch->wait_since_us >= (int64_t) watch->busy_timeout_ms * 1000 ||
        watch_must_stop(watch))
        return 0;
    wait_before_attempt(attempt);
    return 1;
}

void watch_install(struct watch *watch, struct db *db)
{
    sqlite3_progress_handler(db->handle, WATCH_INSTRUCTIONS, on_progress, watch);
    sqlite3_busy_handler(db->handle, on_busy, watch);
}

bool watch_check(const struct watch *watch, struct error *err)
{
    if (watch->stop == WATCH_CANCELLED)
        error_set(err, ERR_CANCELLED, "the run was cancelled");
    if (watch->stop == WATCH_TIMED_OUT) {
        error_set(err, ERR_CANCELLED, "the run was stopped: it took longer than %lu ms",
                  (unsigned long) watch->timeout_ms);
        error_hint(err, "Allow a longer timeout.");
    }
    return watch->stop == WATCH_GOES_ON;
}
