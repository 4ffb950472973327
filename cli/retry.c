/*
 * retry.c - pauses that double, within a limit.
 */
#include "cli/retry.h"

#define PAUSE_FIRST_MS 20
#define PAUSE_LAST_MS  1000

static bool is_worth_it(const struct failure *failure)
{
    switch (failure->error->code) {
    case ERR_DAEMON_UNREACHABLE:
        return failure->was_connected;
    case ERR_QUEUE_FULL:
    case ERR_STOPPING:
    case ERR_NOT_READY:
        return true;
    default:
        return false;
    }
}

static uint32_t longer_of(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

uint32_t retry_pause_ms(struct retry *retry, const struct failure *failure)
{
    int64_t left_ms = 0;
    uint32_t pause_ms = 0;

    if (!is_worth_it(failure) || retry->limit_ms == 0)
        return 0;
    if (retry->since_us == 0) {
        retry->since_us = failure->now_us;
        retry->pause_ms = PAUSE_FIRST_MS;
    }
    left_ms = (int64_t) retry->limit_ms - (failure->now_us - retry->since_us) / 1000;
    if (left_ms <= 0)
        return 0;
    pause_ms = longer_of(retry->pause_ms, failure->after_ms);
    retry->pause_ms = retry->pause_ms * 2 < PAUSE_LAST_MS ? retry->pause_ms * 2 : PAUSE_LAST_MS;
    return pause_ms < left_ms ? pause_ms : (uint32_t) left_ms;
}

void retry_reset(struct retry *retry)
{
    retry->since_us = 0;
}
