/*
 * op_current.c - GET /current: where the database is, as fast as it can be said.
 */
#include "api/etag.h"
#include "api/ops.h"

static bool answer_not_modified(struct request *request, const char *etag, struct error *err)
{
    struct MHD_Response *response = response_empty();

    if (response != NULL)
        response_add(response, MHD_HTTP_HEADER_ETAG, etag);
    return request_answer(request, MHD_HTTP_NOT_MODIFIED, response, err);
}

/* The response is the cache's; the request needs a reference of its own, which queueing takes. */
static bool answer_current(struct request *request, const struct snapshot *snapshot,
                           struct error *err)
{
    const char *known = request_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH);
    char etag[ETAG_SIZE];

    if (known != NULL) {
        etag_format(snapshot->etag, etag);
        if (etag_list_has(known, etag))
            return answer_not_modified(request, etag, err);
    }
    return request_answer_shared(request, MHD_HTTP_OK,
                                 current_cache_get(request->current_cache, snapshot), err);
}

bool op_current(struct request *request, struct error *err)
{
    return request_with_snapshot(request, answer_current, err);
}
