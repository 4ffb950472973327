/*
 * op_scripts.c - POST /revisions and POST /merge: have a new script written, and say where it is.
 *
 * Writing takes a disk, so a request is suspended until it is done. The new script is empty: what
 * it does is written into its file, by somebody who may.
 */
#include "api/json.h"
#include "api/ops.h"
#include "api/params.h"

#include <stdlib.h>

static bool answer_given_up(struct error *err)
{
    (void) error_set(err, ERR_STOPPING,
                     "daemon stops before the script was written; whether it will be is not known "
                     "here");
    return error_hint(err, "Ask for /heads once the daemon runs again.");
}

static bool answer_created(struct request *request, const struct wait_result *result,
                           struct error *err)
{
    if (!request_answer_json(request, MHD_HTTP_CREATED,
                             json_of_new_script(result->revision, result->path), err))
        return false;
    response_add(request->answer.response, MHD_HTTP_HEADER_LOCATION,
                 arena_printf(&request->arena, "/revisions/%s", result->revision));
    return true;
}

/* It was resumed: written, refused, or given up. */
static bool answer_script(struct request *request, struct error *err)
{
    struct wait_result result;
    bool is_answered = false;

    request_wait_end(request, &result);
    if (!result.is_accepted)
        return answer_given_up(err);
    if (result.refusal.code == ERR_OK)
        is_answered = answer_created(request, &result, err);
    else
        *err = result.refusal;
    free(result.path);
    return is_answered;
}

/* Suspended first: it can be done before script_submit returns. */
static bool submit_script(struct request *request, bool is_merge, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct str body = { request->body.ptr, request->body.len };
    struct script_params params;
    struct script_submission submission = { .request = &params.request };
    struct script_hooks hooks = { .done = wait_written };

    if (!params_read_script(is_merge, &request->uri, body, &request->arena, &params, err))
        return false;
    if (is_merge)
        submission.merged = &params.merged;
    submission.actor = request_actor(request);
    request_wait_begin(request, wait_for_script(request->waits, request->connection),
                       answer_script);
    hooks.cookie = request->wait;
    backend->script_submit(backend->data, &submission, &hooks);
    return true;
}

bool op_revise(struct request *request, struct error *err)
{
    return submit_script(request, false, err);
}

bool op_merge(struct request *request, struct error *err)
{
    return submit_script(request, true, err);
}
