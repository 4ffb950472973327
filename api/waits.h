/*
 * waits.h - requests that wait for a job to end: suspended in libmicrohttpd, resumed by the worker.
 *
 * The order matters: the connection is suspended before the job is queued, because the job can end
 * before the handler that queued it returns. A job that outlives its request (server_stop gave up
 * waiting) leaves an orphan, freed when the job ends or with the waits.
 *
 * THREAD SAFETY: `lock` guards the list and every wait in it. libmicrohttpd's own locks are taken
 * while it is held, never the other way round.
 */
#pragma once

#include "base/attr.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>

struct wait;

struct waits {
    pthread_mutex_t lock;
    struct wait *first;
    bool is_abandoned;
};

/* No waits yet. */
void waits_init(struct waits *waits);

/* No job may end after this: frees the orphans. No request is suspended. */
void waits_release(struct waits *waits);

/* Suspend the connection whose handler is running, until wait_done() or waits_abandon(). On the
 * connection's http thread; end with wait_end(). */
struct wait *wait_begin(struct waits *waits, struct MHD_Connection *connection);

/* The job ended: a job_done_fn, called once with the struct wait. Any thread; does not block. */
void wait_done(void *cookie);

/* The handler runs again. True when the job ended, false when waiting was given up. Afterwards
 * the wait is not the request's any more. On the connection's http thread. */
bool wait_end(struct wait *wait);

/* Give up: resume everything that still waits, now and later. */
void waits_abandon(struct waits *waits);
