/*
 * op_run.c - POST /upgrade, /downgrade, /stamp and /backup: submit a run, and answer when it ended.
 *
 *     asked --submitted--> suspended --accepted, ended--> answered: 200, or the run's problem
 *                             |  \
 *                             |   `--accepted, waited long enough--> answered: 202 and the job
 *                             `--refused--> answered: why
 *
 * How long is what Prefer says (RFC 7240): `respond-async` not at all, `wait=N` so many seconds;
 * else to the end. Recording a job takes a disk, so a request is suspended in any case. A client
 * that hangs up does not stop a run; one that asks again with the same Idempotency-Key gets the
 * answer of the first time.
 */
#include "api/etag.h"
#include "api/idempotency.h"
#include "api/json.h"
#include "api/json_text.h"
#include "api/ops.h"
#include "api/params.h"
#include "api/problem.h"
#include "base/clock.h"

#define US_PER_S 1000000

/* ---- Asking ---- */

/* The headers that can come several times. */
struct wishes {
    struct preferences prefer;
    const char *key;
    size_t key_count;
};

static enum MHD_Result note_header(void *data, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct wishes *wishes = data;

    (void) kind;
    if (str_is_nocase(str_of(name), "Prefer"))
        prefer_parse(str_of(value), &wishes->prefer);
    if (str_is_nocase(str_of(name), "Idempotency-Key")) {
        wishes->key = value;
        wishes->key_count++;
    }
    return MHD_YES;
}

/* How long it waits, and the name it goes by, or NULL. */
static bool read_wishes(struct request *request, const char **ret_key, struct error *err)
{
    struct wishes wishes = { 0 };

    (void) MHD_get_connection_values(request->connection, MHD_HEADER_KIND, note_header, &wishes);
    request->prefer = wishes.prefer;
    request->until_us = WAIT_FOR_EVER;
    if (wishes.prefer.has_wait)
        request->until_us = clock_monotonic_us() + (int64_t) wishes.prefer.wait_s * US_PER_S;
    else if (wishes.prefer.respond_async)
        request->until_us = clock_monotonic_us();
    *ret_key = NULL;
    if (wishes.key_count > 1)
        return error_set(err, ERR_ARGUMENT_INVALID, "header Idempotency-Key comes twice");
    return wishes.key_count == 0 ||
           idempotency_key_parse(str_of(wishes.key), &request->arena, ret_key, err);
}

/* With "*" any rows will do, as long as they are known. */
static bool apply_if_match(struct request *request, const struct snapshot *snapshot,
                           struct run_request *run, struct error *err)
{
    const char *wanted = request_header(request, MHD_HTTP_HEADER_IF_MATCH);
    const struct str_list *rows = &snapshot->current.rows;

    if (!etag_list_has_rows(wanted, snapshot->rows_tag)) {
        (void) error_set(err, ERR_PRECONDITION_FAILED,
                         "version rows changed since /current gave the tag in If-Match");
        return error_hint(err, "Member 'current' says what they are now.");
    }
    if (run->has_expect || str_is(str_trim(str_of(wanted)), "*"))
        return true;
    /* The engine checks again under its lock. */
    run->has_expect = true;
    for (size_t i = 0; i < rows->count; i++)
        str_list_add(&run->expect, &request->arena, arena_strdup(&request->arena, rows->items[i]));
    return true;
}

/* If-Match means: while the version rows are those of this tag. What is refused for it is refused
 * by the backend, which knows whether it was asked before. */
static const struct error *read_if_match(struct request *request, struct run_request *run)
{
    const struct backend *backend = request_backend(request);
    struct error *refusal = arena_new(&request->arena, struct error);
    struct snapshot snapshot = { 0 };
    bool is_met = false;

    if (request_header(request, MHD_HTTP_HEADER_IF_MATCH) == NULL)
        return NULL;
    backend->snapshot_take(backend->data, &request->arena, &snapshot);
    is_met = apply_if_match(request, &snapshot, run, refusal);
    backend->snapshot_release(backend->data, &snapshot);
    return is_met ? NULL : refusal;
}

/* The fingerprint is of what was asked: what If-Match adds depends on when it was. */
static bool read_submission(struct request *request, enum verb verb, struct run_request *run,
                            struct submission *ret, struct error *err)
{
    struct str body = { request->body.ptr, request->body.len };

    *ret = (struct submission){ .request = run };
    if (!params_read_run(verb, &request->uri, body, &request->arena, run, err))
        return false;
    if (!read_wishes(request, &ret->idempotency_key, err))
        return false;
    if (ret->idempotency_key != NULL)
        idempotency_fingerprint(run, ret->fingerprint);
    run->actor = request_actor(request);
    ret->refused_unless = read_if_match(request, run);
    return true;
}

static bool answer_run(struct request *request, struct error *err);

/* Suspended first: the job can end before submit returns. */
static bool submit_run(struct request *request, enum verb verb, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct run_request run;
    struct submission submission;
    struct submit_hooks hooks = { .accepted = wait_accepted, .ended = wait_ended };

    if (!read_submission(request, verb, &run, &submission, err))
        return false;
    request_wait_begin(request,
                       wait_for_job(request->waits, request->connection, request->until_us),
                       answer_run);
    hooks.cookie = request->wait;
    backend->submit(backend->data, &submission, &hooks);
    return true;
}

bool op_upgrade(struct request *request, struct error *err)
{
    return submit_run(request, VERB_UPGRADE, err);
}

bool op_downgrade(struct request *request, struct error *err)
{
    return submit_run(request, VERB_DOWNGRADE, err);
}

bool op_stamp(struct request *request, struct error *err)
{
    return submit_run(request, VERB_STAMP, err);
}

bool op_backup(struct request *request, struct error *err)
{
    return submit_run(request, VERB_BACKUP, err);
}

/* ---- Answering ---- */

static const char *job_path(struct request *request)
{
    return arena_printf(&request->arena, "/jobs/%s", request->job_id);
}

static json_t *json_of_current_now(struct request *request)
{
    const struct backend *backend = request_backend(request);
    struct snapshot snapshot = { 0 };
    json_t *current = NULL;

    backend->snapshot_take(backend->data, &request->arena, &snapshot);
    current = json_of_current(&snapshot);
    backend->snapshot_release(backend->data, &snapshot);
    return current;
}

/* A problem, and what is known besides: the job, its run, and, when the version rows are not those
 * that were expected, what they are. */
static bool answer_problem(struct request *request, const struct error *problem,
                           const struct run_report *report, struct error *err)
{
    unsigned status = problem_status(problem->code);
    unsigned retry_after_s = problem_retry_after_s(problem->code);
    json_t *object =
        json_of_problem(problem, status, request->job_id[0] != '\0' ? job_path(request) : NULL);

    if (report != NULL)
        json_put(&object, "run", json_of_run(report));
    if (problem->code == ERR_PRECONDITION_FAILED)
        json_put(&object, "current", json_of_current_now(request));
    if (!request_answer(request, status, response_of_json(object, CONTENT_PROBLEM), err))
        return false;
    if (retry_after_s > 0)
        response_add(request->answer.response, MHD_HTTP_HEADER_RETRY_AFTER,
                     arena_printf(&request->arena, "%u", retry_after_s));
    return true;
}

static bool answer_given_up(struct request *request, bool is_accepted, struct error *err)
{
    struct error stopping = { 0 };

    (void) error_set(&stopping, ERR_STOPPING,
                     is_accepted ? "daemon stops before the run ended; how it ends is not known "
                                   "here"
                                 : "daemon stops before the run was accepted");
    (void) error_hint(&stopping, is_accepted ? "Ask for the job once the daemon runs again."
                                             : "Ask again once the daemon runs again.");
    return answer_problem(request, &stopping, NULL, err);
}

static void add_applied(struct request *request)
{
    const struct preferences *prefer = &request->prefer;

    response_add(request->answer.response, "Preference-Applied",
                 prefer->has_wait ? arena_printf(&request->arena, "wait=%u", prefer->wait_s)
                                  : "respond-async");
}

static bool answer_accepted(struct request *request, const struct job_view *job, struct error *err)
{
    if (!request_answer_json(request, MHD_HTTP_ACCEPTED, json_of_job(job), err))
        return false;
    response_add(request->answer.response, MHD_HTTP_HEADER_LOCATION, job_path(request));
    response_add(request->answer.response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    add_applied(request);
    return true;
}

static bool answer_ended(struct request *request, const struct job_view *job, struct error *err)
{
    const struct run_report *report = &job->report;
    bool is_answered = report->error.code != ERR_OK
                           ? answer_problem(request, &report->error, report, err)
                           : request_answer_json(request, MHD_HTTP_OK, json_of_run(report), err);

    if (is_answered && request->prefer.has_wait)
        add_applied(request);
    return is_answered;
}

/* Whoever asked not to wait gets 202 however quick the job was, so that scripts meet one answer; a
 * replay of a job that ended says how. */
static bool is_end_answered(const struct request *request, const struct wait_result *result)
{
    const struct preferences *prefer = &request->prefer;

    return result->has_ended && (!prefer->respond_async || prefer->has_wait || result->is_replay);
}

static bool answer_job(struct request *request, const struct wait_result *result, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct job_view job = { 0 };

    if (result->is_given_up)
        return answer_given_up(request, true, err);
    if (!backend->job_get(backend->data, request->job_id, &request->arena, &job, err))
        return false;
    return is_end_answered(request, result) ? answer_ended(request, &job, err)
                                            : answer_accepted(request, &job, err);
}

/* It was resumed: refused, ended, waited for long enough, or given up. */
static bool answer_run(struct request *request, struct error *err)
{
    struct wait_result result;

    request_wait_end(request, &result);
    memcpy(request->job_id, result.id, RUN_ID_SIZE);
    if (!result.is_accepted)
        return answer_given_up(request, false, err);
    if (result.refusal.code != ERR_OK)
        return answer_problem(request, &result.refusal, NULL, err);
    if (!answer_job(request, &result, err))
        return false;
    if (result.is_replay)
        response_add(request->answer.response, "Idempotent-Replayed", "true");
    return true;
}
