/*
 * op_jobs.c - GET /jobs, GET and DELETE /jobs/{id}.
 */
#include "api/json.h"
#include "api/ops.h"
#include "api/params.h"

#include <string.h>

#define JOBS_DEFAULT 50
#define JOBS_MAX     1000

bool op_job_id_check(const char *id, struct error *err)
{
    if (strlen(id) == RUN_ID_SIZE - 1 && strspn(id, "0123456789abcdef") == RUN_ID_SIZE - 1)
        return true;
    return error_set(err, ERR_JOB_UNKNOWN, "'%.64s' is not the id of a job", id);
}

/* ---- The list ---- */

static bool read_state(const struct uri *uri, struct job_filter *filter, struct error *err)
{
    const char *name = uri_param_find(uri, "state");

    filter->has_state = name != NULL;
    if (name == NULL || job_state_find(name, &filter->state))
        return true;
    (void) error_set(err, ERR_ARGUMENT_INVALID, "argument 'state' is no state of a job: '%.64s'",
                     name);
    return error_hint(err, "It is queued, running, succeeded, failed, cancelled or interrupted.");
}

static bool read_verb(const struct uri *uri, struct job_filter *filter, struct error *err)
{
    const char *name = uri_param_find(uri, "verb");

    filter->has_verb = name != NULL;
    if (name == NULL || verb_find(name, &filter->verb))
        return true;
    return error_set(err, ERR_ARGUMENT_INVALID,
                     "argument 'verb' must be 'upgrade', 'downgrade', 'stamp' or 'backup'");
}

static bool read_filter(const struct uri *uri, struct job_filter *ret, struct error *err)
{
    uint64_t limit = JOBS_DEFAULT;

    if (!params_read_number(uri, "limit", 1, JOBS_MAX, &limit, err))
        return false;
    *ret = (struct job_filter){
        .limit = (unsigned) limit,
        .before = uri_param_find(uri, "before"),
        .actor = uri_param_find(uri, "actor"),
    };
    if (ret->before != NULL && !op_job_id_check(ret->before, err))
        return false;
    return read_state(uri, ret, err) && read_verb(uri, ret, err) &&
           params_read_time(uri, "since", &ret->since_us, err);
}

/* The same question, about what is older than this page. */
static const char *next_page(struct request *request, const struct job_views *jobs)
{
    const struct uri *uri = &request->uri;
    struct arena *arena = &request->arena;
    struct str_list params = { 0 };

    if (!jobs->has_more || jobs->count == 0)
        return NULL;
    for (size_t i = 0; i < uri->param_count; i++) {
        const struct uri_param *param = &uri->params[i];

        if (strcmp(param->name, "before") != 0)
            str_list_add(&params, arena,
                         arena_printf(arena, "%s=%s", param->name,
                                      uri_encode(param->value, arena)));
    }
    str_list_add(&params, arena,
                 arena_printf(arena, "before=%s", jobs->items[jobs->count - 1].report.id));
    return arena_printf(arena, "/jobs?%s", str_list_join(&params, "&", arena));
}

bool op_jobs(struct request *request, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct job_filter filter;
    struct job_views jobs = { 0 };
    const char *next = NULL;

    if (!read_filter(&request->uri, &filter, err))
        return false;
    if (!backend->job_list(backend->data, &filter, &request->arena, &jobs, err))
        return false;
    next = next_page(request, &jobs);
    if (!request_answer_json(request, MHD_HTTP_OK, json_of_jobs(&jobs, next), err))
        return false;
    if (next != NULL)
        response_add(request->answer.response, MHD_HTTP_HEADER_LINK,
                     arena_printf(&request->arena, "<%s>; rel=\"next\"", next));
    return true;
}

/* ---- One ---- */

static bool answer_job(struct request *request, unsigned status, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct job_view job = { 0 };

    return backend->job_get(backend->data, request->id, &request->arena, &job, err) &&
           request_answer_json(request, status, json_of_job(&job), err);
}

bool op_job(struct request *request, struct error *err)
{
    return op_job_id_check(request->id, err) && answer_job(request, MHD_HTTP_OK, err);
}

/* It is asked for, not done: the run rolls back, or ended just now. */
bool op_job_cancel(struct request *request, struct error *err)
{
    const struct backend *backend = request_backend(request);

    return op_job_id_check(request->id, err) &&
           backend->job_cancel(backend->data, request->id, err) &&
           answer_job(request, MHD_HTTP_ACCEPTED, err);
}
