/*
 * refusals.c - requests that were not let in.
 */
#include "api/refusals.h"

#include "base/clock.h"

#include <inttypes.h>

#define AT_ONCE   10
#define REFILL_US 1000000

static const char *const names[] = {
    [REFUSED_PEER] = "peer", [REFUSED_TOKEN] = "token",   [REFUSED_ACCESS] = "access",
    [REFUSED_HOST] = "host", [REFUSED_ORIGIN] = "origin",
};

void refusals_init(struct refusals *refusals, const struct backend *backend)
{
    *refusals = (struct refusals){ .backend = backend };
    (void) pthread_mutex_init(&refusals->lock, NULL);
}

void refusals_release(struct refusals *refusals)
{
    (void) pthread_mutex_destroy(&refusals->lock);
}

const char *refusal_name(enum refusal refusal)
{
    return names[refusal];
}

/* A bucket of AT_ONCE tokens that gets one back every REFILL_US, told by the time at which it is
 * full again. */
static bool limit_take(struct refusal_limit *limit, int64_t now_us)
{
    int64_t full_us = limit->full_us > now_us ? limit->full_us : now_us;

    if (full_us - now_us > (AT_ONCE - 1) * (int64_t) REFILL_US)
        return false;
    limit->full_us = full_us + REFILL_US;
    return true;
}

struct refusal_verdict refusals_note(struct refusals *refusals, enum refusal refusal,
                                     struct denial denial, int64_t now_us)
{
    bool is_failure = refusal == REFUSED_PEER || refusal == REFUSED_TOKEN;
    struct refusal_verdict verdict = { 0 };

    (void) pthread_mutex_lock(&refusals->lock);
    refusals->counts[refusal]++;
    verdict.is_limited = is_failure && !limit_take(&refusals->failures, now_us);
    verdict.is_logged = limit_take(&refusals->messages, now_us);
    (void) pthread_mutex_unlock(&refusals->lock);
    denial.at_us = clock_wall_us();
    denial.reason = refusal_name(refusal);
    refusals->backend->deny(refusals->backend->data, &denial);
    return verdict;
}

uint64_t refusals_count(struct refusals *refusals, enum refusal refusal)
{
    uint64_t count = 0;

    (void) pthread_mutex_lock(&refusals->lock);
    count = refusals->counts[refusal];
    (void) pthread_mutex_unlock(&refusals->lock);
    return count;
}
