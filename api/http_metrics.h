/*
 * http_metrics.h - how many requests were answered, with what, how fast, and how many wait.
 *
 * Labels come from fixed sets, so that nobody can make the daemon remember more by asking for more:
 * a path that is no route's is "other", and so are odd methods.
 *
 * THREAD SAFETY: any thread, any time between init and release; atomics, nothing waits.
 */
#pragma once

#include "base/str.h"

#include <stdatomic.h>

struct route;
struct http_path_metrics;

struct http_metrics {
    struct http_path_metrics *paths; /* as routes() counts, and one for no route */
    atomic_int waiting;
};

/* All zero; release it. */
void http_metrics_init(struct http_metrics *metrics);
void http_metrics_release(struct http_metrics *metrics);

/*
 * Note an answer.
 *
 * route    NULL: none was found, or it did not come that far.
 * took_us  spent on answering. What a request waits for a job, for a state of the schema, or as a
 *          stream for events, is no part of it: it says nothing of how fast the daemon is.
 */
void http_metrics_note(struct http_metrics *metrics, const struct route *route, const char *method,
                       unsigned status, uint64_t took_us);

/* +1 when a request begins to wait (a POST for its job, a long poll, a stream), -1 when it ends. */
void http_metrics_waiting(struct http_metrics *metrics, int change);

/* Metrics `schemad_http_requests_total`, `_http_request_duration_seconds`, `_http_waiting` as
 * /metrics has them. */
void http_metrics_write(struct http_metrics *metrics, struct strbuf *out);
