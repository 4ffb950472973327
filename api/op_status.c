/*
 * op_status.c - GET /status, /healthz, /readyz and /openapi.yaml.
 */
#include "api/json.h"
#include "api/json_text.h"
#include "api/openapi_yaml.h"
#include "api/ops.h"

static bool answer_status(struct request *request, const struct snapshot *snapshot,
                          struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct backend_counters counters = { 0 };

    backend->counters(backend->data, &counters);
    return request_answer_json(request, MHD_HTTP_OK, json_of_status(snapshot, &counters), err);
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

static bool answer_readiness(struct request *request, const struct snapshot *snapshot,
                             struct error *err)
{
    json_t *object = NULL;

    if (!snapshot->is_ready)
        return error_set(err, ERR_NOT_READY, "%s",
                         snapshot->status != NULL ? snapshot->status : "starting");
    object = json_object();
    json_put(&object, "ready", json_true());
    json_put(&object, "status", json_of_text(snapshot->status));
    return request_answer_json(request, MHD_HTTP_OK, object, err);
}

bool op_readyz(struct request *request, struct error *err)
{
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
