/*
 * follow.h - a daemon's events, and one job to its end, over connections that may break.
 *
 * The stream of events is how changes are heard of soon; what a job came to is what GET /jobs/ID
 * says. So a stream that is refused, breaks or ends early costs a delay, never an outcome. Single
 * thread; the http connection is used by nobody else meanwhile.
 */
#pragma once

#include "cli/http.h"
#include "cli/retry.h"
#include "cli/transport.h"

/* A daemon, and how much patience is left with it. */
struct daemon_link {
    struct http *http;
    struct retry retry;
};

/* Where a job stands, from its JSON. Pure. */
struct run_moment follow_moment_of(const json_t *job);

/*
 * Follow a job until it has ended.
 *
 * is_ours  when the watch says is_cancelled, cancel the job and see it to its end; else leave it
 *          with ERR_CANCELLED.
 * ret_job  new reference: as it ended.
 * Fails    as http_ask, and when nothing worked for as long as patience lasts; the hint then says
 *          how to hear of the job.
 */
must_check bool follow_job(struct daemon_link *link, const char *id, bool is_ours,
                           const struct run_watch *watch, json_t **ret_job, struct error *err);

/* All events from now on, until the watch says is_over. Fails as follow_job. */
must_check bool follow_events(struct daemon_link *link, const struct event_watch *watch,
                              struct error *err);

/*
 * Something failed with err, and the daemon asked not to come back before after_ms (0: it did not).
 *
 * True when it is to be tried again: it was waited for, `told` was told of the first of a row of
 * failures, and err is unset. False: err stands.
 */
must_check bool follow_retry(struct daemon_link *link, uint32_t after_ms,
                             void (*told)(void *data, const char *text), void *data,
                             struct error *err);
