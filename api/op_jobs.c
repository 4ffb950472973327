/*
 * op_jobs.c - GET /jobs, GET and DELETE /jobs/{id}.
 */
#include "api/json.h"
#include "api/json_text.h"
#include "api/ops.h"
#include "api/params.h"

#include <string.h>

#define JOBS_DEFAULT 50
#define JOBS_MAX     1000

static bool is_job_id(const char *id)
{
    return strlen(id) == RUN_ID_SIZE - 1 && strspn(id, "0123456789abcdef") == RUN_ID_SIZE - 1;
}

static bool check_id(const char *id, struct error *err)
{
    if (!is_job_id(id))
        return error_set(err, ERR_JOB_UNKNOWN, "'%.64s' is not the id of a job", id);
    return true;
}

bool op_jobs(struct request *request, struct error *err)
{
    const struct backend *backend = request_backend(request);
    const char *before = uri_param_find(&request->uri, "before");
    uint64_t limit = JOBS_DEFAULT;
    struct job_views jobs = { 0 };
    json_t *object = NULL;
    json_t *array = NULL;

    if (!params_read_number(&request->uri, "limit", 1, JOBS_MAX, &limit, err))
        return false;
    if (before != NULL && !check_id(before, err))
        return false;
    if (!backend->job_list(backend->data, (unsigned) limit, before, &request->arena, &jobs, err))
        return false;
    object = json_object();
    array = json_array();
    for (size_t i = 0; i < jobs.count; i++)
        json_push(&array, json_of_job(&jobs.items[i]));
    json_put(&object, "jobs", array);
    return request_answer_json(request, MHD_HTTP_OK, object, err);
}

static bool answer_job(struct request *request, unsigned status, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct job_view job = { 0 };

    return backend->job_get(backend->data, request->id, &request->arena, &job, err) &&
           request_answer_json(request, status, json_of_job(&job), err);
}

bool op_job(struct request *request, struct error *err)
{
    return check_id(request->id, err) && answer_job(request, MHD_HTTP_OK, err);
}

/* It is asked for, not done: the run rolls back, or ended just now. */
bool op_job_cancel(struct request *request, struct error *err)
{
    const struct backend *backend = request_backend(request);

    return check_id(request->id, err) && backend->job_cancel(backend->data, request->id, err) &&
           answer_job(request, MHD_HTTP_ACCEPTED, err);
}
