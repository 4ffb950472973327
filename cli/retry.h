/*
 * retry.h - whether and when something that failed is tried again.
 *
 * Tried again is only what may well succeed soon and does no harm twice: a daemon that was there
 * and is gone, or one that says that it is stopping or has too much to do. A request that changes
 * something carries its idempotency key, so that the daemon runs it once however often it comes.
 * Pure; single thread.
 */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* Zeroed but for limit_ms when nothing has failed yet. */
struct retry {
    uint32_t limit_ms; /* give up when nothing worked for so long; 0: at once */
    int64_t since_us;  /* when the first of a row of failures was; 0: none */
    uint32_t pause_ms;
};

/* Something failed. */
struct failure {
    const struct error *error;
    bool was_connected; /* the daemon was there once */
    uint32_t after_ms;  /* the daemon asks not to come back before; 0: it does not */
    int64_t now_us;     /* monotonic clock */
};

/* How long to wait before the next try, at least 1 ms; 0: it is not to be tried again. */
uint32_t retry_pause_ms(struct retry *retry, const struct failure *failure);

/* Something worked. */
void retry_reset(struct retry *retry);
