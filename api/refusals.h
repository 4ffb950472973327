/*
 * refusals.h - requests that were not let in: journalled, counted, and slowed down.
 *
 * Whoever tries tokens, or knocks on a socket that is not his, gets 10 answers at once and one a
 * second from then on; the rest is told to wait. The limit is everybody's together: over TCP all
 * come from one address. A request that may come in never meets it.
 *
 * THREAD SAFETY: any thread, any time between init and release; a lock inside, not held while the
 * backend is called.
 */
#pragma once

#include "api/backend.h"

#include <pthread.h>

enum refusal {
    REFUSED_PEER,   /* user and groups of a unix socket's peer may do nothing */
    REFUSED_TOKEN,  /* missing or wrong */
    REFUSED_ACCESS, /* may come in, but not do this */
    REFUSED_HOST,
    REFUSED_ORIGIN,
};
#define REFUSAL_COUNT (REFUSED_ORIGIN + 1)

/* Some at once, then one a second. */
struct refusal_limit {
    int64_t full_us; /* monotonic: when it is as full as it gets; in the past when it is */
};

struct refusals {
    const struct backend *backend;
    pthread_mutex_t lock;
    struct refusal_limit failures;  /* guarded by lock: of peers and tokens */
    struct refusal_limit messages;  /* guarded by lock: what the log hears of */
    uint64_t counts[REFUSAL_COUNT]; /* guarded by lock */
};

/* What is to be done with a refused request. Plain value. */
struct refusal_verdict {
    bool is_limited; /* too many failed: say so (ERR_TOO_MANY_FAILURES), and not why */
    bool is_logged;  /* the log has not had enough of these yet */
};

/* Nothing refused so far. backend must outlive it. */
void refusals_init(struct refusals *refusals, const struct backend *backend);
void refusals_release(struct refusals *refusals);

/* "peer", "token", "access", "host", "origin". */
const char *refusal_name(enum refusal refusal);

/*
 * Note that a request is refused.
 *
 * denial  its actor, method and path, printable; time and reason are put in here.
 * now_us  monotonic.
 */
struct refusal_verdict refusals_note(struct refusals *refusals, enum refusal refusal,
                                     struct denial denial, int64_t now_us);

/* How many were refused for this since the daemon started. */
uint64_t refusals_count(struct refusals *refusals, enum refusal refusal);
