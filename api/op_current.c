/*
 * op_current.c - GET /current: where the database is, as fast as it can be said; or, with ?wait=,
 * as soon as it is where the client wants it (a long poll).
 */
#include "api/etag.h"
#include "api/ops.h"
#include "base/clock.h"
#include "base/duration.h"

#include <string.h>

#define US_PER_MS          1000
#define MS_PER_S           1000u
#define TIMEOUT_DEFAULT_MS (60u * MS_PER_S)
#define TIMEOUT_MAX_MS     (60u * 60u * MS_PER_S)
#define LOOK_EVERY_US      (250 * US_PER_MS) /* for commits of others, of which no event tells */

/* The response is the cache's; the request needs a reference of its own, which queueing takes. */
static bool answer_current(struct request *request, const struct snapshot *snapshot,
                           struct error *err)
{
    const char *known = request_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH);
    const struct current_answer *answer =
        current_cache_get(request->current_cache, snapshot, request_prefers_text(request));

    if (answer != NULL && known != NULL && etag_list_has(known, answer->etag))
        return request_answer_unmodified(request, answer->etag, err);
    return request_answer_shared(request, MHD_HTTP_OK, answer != NULL ? answer->response : NULL,
                                 err);
}

/* ---- Waiting ---- */

/* Whether these are applied: each is one of the version rows, or below one. */
static bool are_applied(const struct snapshot *snapshot, const struct revision_list *revisions,
                        struct arena *arena)
{
    const version_rows *rows = &snapshot->current.rows;
    struct revision_set applied = revision_set_new(snapshot->graph, arena);

    for (size_t i = 0; i < rows->count; i++) {
        const struct revision *revision = graph_find(snapshot->graph, rows->items[i]);

        if (revision != NULL)
            revision_set_add_ancestors(&applied, revision);
    }
    for (size_t i = 0; i < revisions->count; i++) {
        if (!revision_set_has(&applied, revisions->items[i]))
            return false;
    }
    return true;
}

/* Whether the database is where the client wants it. Fails as target_revisions. */
static bool is_there(const struct snapshot *snapshot, const char *wanted, bool *ret,
                     struct error *err)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct revision_list revisions = { 0 };

    *ret = false;
    if (strcmp(wanted, "ready") == 0) {
        *ret = snapshot->is_ready;
        return true;
    }
    /* Scripts that cannot be read now may be readable later. */
    if (snapshot->graph == NULL)
        return true;
    if (strcmp(wanted, "head") == 0) {
        *ret = snapshot->current.verdict == VERDICT_EQUAL;
        return true;
    }
    if (!target_revisions(snapshot->graph, &snapshot->current.rows, wanted, &arena, &revisions,
                          err))
        return false;
    *ret = are_applied(snapshot, &revisions, &arena);
    return true;
}

/* Whether any more waiting makes sense; if not, *err says why. */
static bool may_wait(const struct request *request, const struct snapshot *snapshot, int64_t now_us,
                     struct error *err)
{
    if (!request_expects_news(request, snapshot))
        return error_set(err, ERR_STOPPING, "daemon stops before the schema is there");
    if (now_us < request->until_us && !client_is_gone(request->client))
        return true;
    return error_set(err, ERR_NOT_READY, "%s",
                     snapshot->status != NULL ? snapshot->status : "starting");
}

static bool wait_or_answer(struct request *request, const struct snapshot *snapshot,
                           struct error *err);

/* News are counted before they are looked for. */
static bool look_again(struct request *request, struct error *err)
{
    request->news_seen = waits_news(request->waits);
    return request_with_snapshot(request, wait_or_answer, err);
}

static bool wait_on(struct request *request, int64_t now_us, struct error *err)
{
    int64_t until_us = now_us + LOOK_EVERY_US;

    if (request->wait == NULL) {
        struct wait *wait = wait_for_news(request->waits, request->connection);

        if (wait == NULL)
            return error_set(err, ERR_QUEUE_FULL, "too many requests wait already");
        request_wait_begin(request, wait, look_again);
    }
    wait_pause(request->wait, request->news_seen,
               until_us < request->until_us ? until_us : request->until_us);
    return true;
}

static bool wait_or_answer(struct request *request, const struct snapshot *snapshot,
                           struct error *err)
{
    const char *wanted = uri_param_find(&request->uri, "wait");
    int64_t now_us = clock_monotonic_us();
    bool is_over = false;

    if (!is_there(snapshot, wanted, &is_over, err))
        return false;
    if (is_over)
        return answer_current(request, snapshot, err);
    return may_wait(request, snapshot, now_us, err) && wait_on(request, now_us, err);
}

static bool read_timeout(struct request *request, struct error *err)
{
    const char *text = uri_param_find(&request->uri, "timeout");
    uint32_t timeout_ms = TIMEOUT_DEFAULT_MS;

    if (text != NULL &&
        (!duration_parse(str_of(text), MS_PER_S, &timeout_ms) || timeout_ms > TIMEOUT_MAX_MS))
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "argument 'timeout' must be a duration of at most 1h, such as 30s or 5m");
    request->until_us = clock_monotonic_us() + (int64_t) timeout_ms * US_PER_MS;
    return true;
}

bool op_current(struct request *request, struct error *err)
{
    const char *wanted = uri_param_find(&request->uri, "wait");

    if (request->uri.param_count == 0)
        return request_with_snapshot(request, answer_current, err);
    if (wanted == NULL)
        return error_set(err, ERR_ARGUMENT_INVALID, "argument 'timeout' needs an argument 'wait'");
    return read_timeout(request, err) && look_again(request, err);
}
