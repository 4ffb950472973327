/*
 * op_status.c - GET /status, /healthz, /readyz and /openapi.yaml.
 */
#include "api/json.h"
#include "api/openapi_yaml.h"
#include "api/ops.h"
#include "api/text.h"

static bool answer_status(struct request *request, const struct snapshot *snapshot,
                          struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct backend_counters counters = { 0 };

    backend->counters(backend->data, &request->arena, &counters);
    if (request_prefers_text(request))
        return request_answer_tagged(request, snapshot->rows_tag,
                                     text_of_status(snapshot, &counters), CONTENT_TEXT, err);
    return request_answer_tagged(request, snapshot->rows_tag,
                                 json_format_new(json_of_status(snapshot, &counters)), CONTENT_JSON,
                                 err);
}

bool op_status(struct request *request, struct error *err)
{
    return request_with_snapshot(request, answer_status, err);
}

/* That this thread answers is all that liveness asks. */
bool op_healthz(struct request *request, struct error *err)
{
    static const char healthy[] = "{\n  \"healthy\": true\n}\n";

    return request_answer(request, MHD_HTTP_OK,
                          response_of_static(healthy, sizeof(healthy) - 1, CONTENT_JSON,
                                             "no-store"),
                          err);
}

static bool answer_ready(struct request *request, const struct snapshot *snapshot,
                         struct error *err)
{
    return request_answer_json(request, MHD_HTTP_OK, json_of_readiness(snapshot), err);
}

/* What startup asks for. */
static bool answer_readiness(struct request *request, const struct snapshot *snapshot,
                             struct error *err)
{
    if (!snapshot->is_ready)
        return error_set(err, ERR_NOT_READY, "%s",
                         snapshot->status != NULL ? snapshot->status : "starting");
    return answer_ready(request, snapshot, err);
}

/* What an application says it runs on. */
static bool answer_acceptance(struct request *request, const struct snapshot *snapshot,
                              struct error *err)
{
    const char *text = uri_param_find(&request->uri, "accepts");
    const version_rows *rows = &snapshot->current.rows;
    struct accept_range range = { 0 };
    bool is_inside = false;

    if (!accept_parse(text, &request->arena, &range, err))
        return false;
    if (snapshot->current.verdict == VERDICT_UNKNOWN)
        return error_set(err, ERR_NOT_READY, "it is not known where the database is (%s)",
                         snapshot->status != NULL ? snapshot->status : "starting");
    if (!accept_check(snapshot->graph, rows, &range, &is_inside, err))
        return false;
    if (!is_inside)
        return error_set(err, ERR_NOT_READY, "database is at %s, and %s is accepted",
                         rows->count > 0 ? str_list_join(rows, ", ", &request->arena) : "base",
                         text);
    return answer_ready(request, snapshot, err);
}

bool op_readyz(struct request *request, struct error *err)
{
    if (uri_param_find(&request->uri, "accepts") != NULL)
        return request_with_graph(request, answer_acceptance, err);
    return request_with_snapshot(request, answer_readiness, err);
}

/* It changes only with the program, so a client may keep it for a while. */
bool op_openapi(struct request *request, struct error *err)
{
    return request_answer(request, MHD_HTTP_OK,
                          response_of_static(openapi_yaml, sizeof(openapi_yaml), CONTENT_YAML,
                                             "max-age=300"),
                          err);
}
