/*
 * op_denials.c - GET /denials: who was not let in.
 */
#include "api/json.h"
#include "api/ops.h"
#include "api/params.h"

#define DENIALS_DEFAULT 50
#define DENIALS_MAX     1000

bool op_denials(struct request *request, struct error *err)
{
    const struct backend *backend = request_backend(request);
    uint64_t limit = DENIALS_DEFAULT;
    struct denials denials = { 0 };

    return params_read_number(&request->uri, "limit", 1, DENIALS_MAX, &limit, err) &&
           backend->denial_list(backend->data, (unsigned) limit, &request->arena, &denials, err) &&
           request_answer_json(request, MHD_HTTP_OK, json_of_denials(&denials), err);
}
