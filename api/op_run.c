/*
 * op_run.c - POST /upgrade, /downgrade, /stamp and /backup: queue a run, and answer when it ended.
 *
 * With `Prefer: respond-async` (RFC 7240) the answer is the queued job instead. A client that hangs
 * up does not stop a run.
 */
#include "api/etag.h"
#include "api/json.h"
#include "api/json_text.h"
#include "api/ops.h"
#include "api/params.h"
#include "api/problem.h"

/* ---- Asking ---- */

/* Whether one of the preferences is respond-async; parameters and others are ignored, as the RFC
 * says. */
static bool prefers_async(const struct request *request)
{
    struct str rest = str_of(request_header(request, "Prefer"));

    while (rest.len > 0) {
        size_t comma = str_find_char(rest, ',', 0);
        struct str one = str_sub(rest, 0, comma);

        if (str_is_nocase(str_trim(str_sub(one, 0, str_find_char(one, ';', 0))), "respond-async"))
            return true;
        rest = str_sub(rest, comma + 1, rest.len);
    }
    return false;
}

/* If-Match means: as /current said when it gave this tag. The run then expects the version rows of
 * that answer, which the engine checks again under its lock. */
static bool apply_if_match(struct request *request, const struct snapshot *snapshot,
                           struct run_request *run, struct error *err)
{
    const char *wanted = request_header(request, MHD_HTTP_HEADER_IF_MATCH);
    const struct str_list *rows = &snapshot->current.rows;
    char etag[ETAG_SIZE];

    etag_format(snapshot->etag, etag);
    if (!etag_list_has(wanted, etag)) {
        (void) error_set(err, ERR_PRECONDITION_FAILED,
                         "what /current says changed since it gave the tag in If-Match");
        return error_hint(err, "Ask /current again.");
    }
    if (run->has_expect || str_is(str_trim(str_of(wanted)), "*"))
        return true;
    run->has_expect = true;
    for (size_t i = 0; i < rows->count; i++)
        str_list_add(&run->expect, &request->arena, arena_strdup(&request->arena, rows->items[i]));
    return true;
}

static bool read_run(struct request *request, enum verb verb, struct run_request *ret,
                     struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct str body = { request->body.ptr, request->body.len };
    struct snapshot snapshot = { 0 };
    bool is_met = false;

    if (!params_read_run(verb, &request->uri, body, &request->arena, ret, err))
        return false;
    ret->actor = request_actor(request);
    if (request_header(request, MHD_HTTP_HEADER_IF_MATCH) == NULL)
        return true;
    backend->snapshot_take(backend->data, &request->arena, &snapshot);
    is_met = apply_if_match(request, &snapshot, ret, err);
    backend->snapshot_release(backend->data, &snapshot);
    return is_met;
}

/* ---- Queueing ---- */

static const char *job_path(struct request *request)
{
    return arena_printf(&request->arena, "/jobs/%s", request->job_id);
}

static bool answer_accepted(struct request *request, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct job_view job = { 0 };

    if (!backend->job_get(backend->data, request->job_id, &request->arena, &job, err))
        return false;
    if (!request_answer_json(request, MHD_HTTP_ACCEPTED, json_of_job(&job), err))
        return false;
    response_add(request->answer.response, MHD_HTTP_HEADER_LOCATION, job_path(request));
    response_add(request->answer.response, "Preference-Applied", "respond-async");
    return true;
}

static bool queue_run(struct request *request, enum verb verb, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct error *failure = NULL;
    struct run_request run;

    if (!read_run(request, verb, &run, err))
        return false;
    if (prefers_async(request))
        return backend->submit(backend->data, &run, NULL, NULL, request->job_id, err) &&
               answer_accepted(request, err);

    /* 1. Suspend, because the job can end before submit returns. */
    failure = arena_new(&request->arena, struct error);
    request->wait = wait_begin(request->waits, request->connection);
    /* 2. Queue. */
    if (backend->submit(backend->data, &run, wait_done, request->wait, request->job_id, failure))
        return true;
    /* 3. Not queued: the handler must run again all the same, to find the failure. */
    request->failure = failure;
    wait_done(request->wait);
    return true;
}

bool op_upgrade(struct request *request, struct error *err)
{
    return queue_run(request, VERB_UPGRADE, err);
}

bool op_downgrade(struct request *request, struct error *err)
{
    return queue_run(request, VERB_DOWNGRADE, err);
}

bool op_stamp(struct request *request, struct error *err)
{
    return queue_run(request, VERB_STAMP, err);
}

bool op_backup(struct request *request, struct error *err)
{
    return queue_run(request, VERB_BACKUP, err);
}

/* ---- Answering ---- */

/* The problem of a run that failed: where its job is, and the run itself. */
static bool answer_failure(struct request *request, const struct error *failure,
                           const struct run_report *report, struct error *err)
{
    unsigned status = problem_status(failure->code);
    json_t *object = json_of_problem(failure, status, job_path(request));
    unsigned retry_after_s = problem_retry_after_s(failure->code);

    if (report != NULL)
        json_put(&object, "run", json_of_run(report));
    if (!request_answer(request, status, response_of_json(object, CONTENT_PROBLEM), err))
        return false;
    if (retry_after_s > 0)
        response_add(request->answer.response, MHD_HTTP_HEADER_RETRY_AFTER,
                     arena_printf(&request->arena, "%u", retry_after_s));
    return true;
}

bool op_run_answer(struct request *request, bool is_done, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct error failure = { 0 };
    struct job_view job = { 0 };

    if (request->failure != NULL) {
        *err = *request->failure;
        return false;
    }
    if (!is_done) {
        (void) error_set(&failure, ERR_STOPPING,
                         "daemon stops before the run ended; how it ends is not known here");
        (void) error_hint(&failure, "Ask for the job once the daemon runs again.");
        return answer_failure(request, &failure, NULL, err);
    }
    if (!backend->job_get(backend->data, request->job_id, &request->arena, &job, err))
        return false;
    if (job.report.error.code != ERR_OK)
        return answer_failure(request, &job.report.error, &job.report, err);
    return request_answer_json(request, MHD_HTTP_OK, json_of_run(&job.report), err);
}
