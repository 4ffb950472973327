/*
 * op_check.c - GET /check: whether anything is amiss with scripts and database.
 */
#include "api/json.h"
#include "api/ops.h"

static bool answer_check(struct request *request, const struct snapshot *snapshot,
                         struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct findings findings = { 0 };

    return backend->check(backend->data, snapshot, &request->arena, &findings, err) &&
           request_answer_json(request, MHD_HTTP_OK, json_of_findings(&findings), err);
}

bool op_check(struct request *request, struct error *err)
{
    return request_with_snapshot(request, answer_check, err);
}
