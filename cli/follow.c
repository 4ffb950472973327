/*
 * follow.c - streams that are taken up again where they broke.
 */
#include "cli/follow.h"

#include "api/json_text.h"
#include "base/clock.h"
#include "cli/interrupt.h"
#include "cli/json_read.h"

#include <stdio.h>

#define POLL_PAUSE_MS 250
#define EVENT_ID_SIZE 24

bool follow_retry(struct daemon_link *link, uint32_t after_ms,
                  void (*told)(void *data, const char *text), void *data, struct error *err)
{
    struct arena arena cleanup(arena_release) = { 0 };
    bool is_first = link->retry.since_us == 0;
    struct failure failure = {
        .error = err,
        .was_connected = http_was_connected(link->http),
        .after_ms = after_ms,
        .now_us = clock_monotonic_us(),
    };
    uint32_t pause_ms = retry_pause_ms(&link->retry, &failure);

    if (pause_ms == 0)
        return false;
    if (is_first)
        told(data, arena_printf(&arena, "%s; trying again for up to %g s", err->detail,
                                (double) link->retry.limit_ms / 1000));
    interrupt_wait(pause_ms);
    error_clear(err);
    return true;
}

/* ---- A job ---- */

struct follower {
    struct daemon_link *link;
    const char *path; /* of the job */
    const struct run_watch *watch;
    json_t *job; /* NULL: not seen yet */
    char last_event_id[EVENT_ID_SIZE];
    bool is_cancelled; /* asked for, and the daemon said yes */
};

struct run_moment follow_moment_of(const json_t *job)
{
    struct run_moment moment = {
        .progress = {
            .step = (unsigned) json_number(job, "step"),
            .step_count = (unsigned) json_number(job, "step_count"),
            .statement = (unsigned) json_number(job, "statement"),
            .statement_count = (unsigned) json_number(job, "statement_count"),
            .permille = (unsigned) json_number(job, "permille"),
        },
        .elapsed_us = (uint64_t) json_number(job, "elapsed_ms") * 1000,
        .remaining_us = -1,
    };

    if (json_has(job, "remaining_ms"))
        moment.remaining_us = json_number(job, "remaining_ms") * 1000;
    for (int phase = PHASE_QUEUED; phase <= PHASE_DONE; phase++) {
        if (strcmp(json_text(job, "phase"), run_phase_name((enum run_phase) phase)) == 0)
            moment.progress.phase = (enum run_phase) phase;
    }
    (void) snprintf(moment.progress.revision, sizeof(moment.progress.revision), "%s",
                    json_text(job, "revision"));
    return moment;
}

/* False for what is no job at all, too. */
static bool is_job(const json_t *job, enum job_state *ret_state)
{
    return job_state_find(json_text(job, "state"), ret_state);
}

static bool has_ended(const json_t *job)
{
    enum job_state state = JOB_QUEUED;

    return is_job(job, &state) && state != JOB_QUEUED && state != JOB_RUNNING;
}

/* The job as it is now; taken. */
static void take_job(struct follower *follower, json_t *job)
{
    struct run_moment moment = follow_moment_of(job);

    json_decref(follower->job);
    follower->job = job;
    retry_reset(&follower->link->retry);
    if (!has_ended(job))
        follower->watch->moved(follower->watch->data, &moment);
}

static bool take_event(void *data, const struct sse_event *event)
{
    struct follower *follower = data;
    json_t *job cleanup_json =
        strcmp(event->name, "job") == 0 ? json_loads(event->data, 0, NULL) : NULL;
    enum job_state state = JOB_QUEUED;

    (void) snprintf(follower->last_event_id, sizeof(follower->last_event_id), "%s", event->id);
    if (is_job(job, &state))
        take_job(follower, take_ptr(job));
    return !has_ended(follower->job);
}

static bool wants_cancel(void *data)
{
    struct follower *follower = data;

    return !follower->is_cancelled && follower->watch->is_cancelled(follower->watch->data);
}

static bool ask(struct follower *follower, const char *method, struct error *err)
{
    struct http_request request = {
        .method = method,
        .path = follower->path,
        .is_over = strcmp(method, "GET") == 0 ? wants_cancel : NULL,
        .is_over_data = follower,
    };
    struct http_answer answer cleanup_http_answer = { .status = 0 };
    enum job_state state = JOB_QUEUED;

    if (!http_ask(follower->link->http, &request, &answer, err))
        return false;
    if (!is_job(answer.body, &state))
        return error_set(err, ERR_INTERNAL, "the daemon's answer to %s %s is no job", method,
                         follower->path);
    take_job(follower, take_ptr(answer.body));
    return true;
}

/* Why the stream ended does not matter: the job is asked for next. */
static void listen(struct follower *follower)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const char *last = follower->last_event_id;
    struct http_request request = {
        .method = "GET",
        .path = arena_printf(&arena, "%s/events", follower->path),
        .last_event_id = last[0] != '\0' ? arena_strdup(&arena, last) : NULL,
        .is_over = wants_cancel,
        .is_over_data = follower,
    };
    struct error ignored = { .code = ERR_OK };

    (void) !http_stream(follower->link->http, &request, take_event, follower, &ignored);
}

static bool look_after(struct follower *follower, struct error *err)
{
    bool is_cancel = wants_cancel(follower);

    if (!ask(follower, is_cancel ? "DELETE" : "GET", err))
        return (err->code == ERR_CANCELLED && wants_cancel(follower)) ||
               follow_retry(follower->link, 0, follower->watch->told, follower->watch->data, err);
    follower->is_cancelled = follower->is_cancelled || is_cancel;
    return true;
}

/* The daemon was there a moment ago: what matters now is what became of the run. */
static bool hint_run_goes_on(struct error *err, const char *id)
{
    if (err->code != ERR_DAEMON_UNREACHABLE)
        return false;
    err->hint[0] = '\0';
    return error_hint(err,
                      "Run %s may still be going on, or was rolled back. Once the daemon is "
                      "there again, \"schemadctl jobs %s\" tells.",
                      id, id);
}

/* 1. Listen until it ends, or something else must be done. 2. Cancel it, or ask for it. */
static bool see_to_its_end(struct follower *follower, bool is_ours, struct error *err)
{
    for (;;) {
        bool was_cancelled = follower->is_cancelled;

        if (!wants_cancel(follower))
            listen(follower);
        if (has_ended(follower->job))
            return true;
        if (!is_ours && wants_cancel(follower))
            return error_set(err, ERR_CANCELLED, "following was interrupted; the job goes on");
        if (!look_after(follower, err))
            return false;
        if (has_ended(follower->job))
            return true;
        error_clear(err);
        if (follower->is_cancelled == was_cancelled)
            interrupt_wait(POLL_PAUSE_MS);
    }
}

bool follow_job(struct daemon_link *link, const char *id, bool is_ours,
                const struct run_watch *watch, json_t **ret_job, struct error *err)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct follower follower = {
        .link = link,
        .path = arena_printf(&arena, "/jobs/%s", http_escape(id, &arena)),
        .watch = watch,
    };
    bool is_done = see_to_its_end(&follower, is_ours, err);

    if (!is_done) {
        json_decref(follower.job);
        return hint_run_goes_on(err, id);
    }
    *ret_job = follower.job;
    return true;
}

/* ---- All events ---- */

struct listener {
    struct daemon_link *link;
    const struct event_watch *watch;
    char last_event_id[EVENT_ID_SIZE];
};

static bool take_any_event(void *data, const struct sse_event *event)
{
    struct listener *listener = data;
    json_t *content cleanup_json = json_loads(event->data, JSON_DECODE_ANY, NULL);
    uint64_t number = 0;

    (void) snprintf(listener->last_event_id, sizeof(listener->last_event_id), "%s", event->id);
    (void) !str_to_u64(str_of(event->id), UINT64_MAX, &number);
    retry_reset(&listener->link->retry);
    if (content != NULL)
        listener->watch->event(listener->watch->data, event->name, number, content);
    return !listener->watch->is_over(listener->watch->data);
}

bool follow_events(struct daemon_link *link, const struct event_watch *watch, struct error *err)
{
    struct listener listener = { .link = link, .watch = watch };

    while (!watch->is_over(watch->data)) {
        char last[EVENT_ID_SIZE];
        struct http_request request = {
            .method = "GET",
            .path = "/events",
            .last_event_id = last,
            .is_over = watch->is_over,
            .is_over_data = watch->data,
        };

        memcpy(last, listener.last_event_id, sizeof(last));
        if (last[0] == '\0')
            request.last_event_id = NULL;
        if (http_stream(link->http, &request, take_any_event, &listener, err))
            error_set(err, ERR_DAEMON_UNREACHABLE, "the daemon ended the stream of events");
        if (watch->is_over(watch->data))
            break;
        if (!follow_retry(link, 0, watch->told, watch->data, err))
            return false;
    }
    error_clear(err);
    return true;
}
