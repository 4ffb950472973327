/*
 * request.c - what operations need of a request.
 */
#include "api/request.h"

#include "api/peer.h"

bool request_answer(struct request *request, unsigned status, struct MHD_Response *response,
                    struct error *err)
{
    if (response == NULL)
        return error_set(err, ERR_INTERNAL, "could not build the answer: out of memory");
    request_forget_answer(request);
    request->answer = (struct answer){ .status = status, .response = response };
    return true;
}

bool request_answer_shared(struct request *request, unsigned status, struct MHD_Response *response,
                           struct error *err)
{
    if (!request_answer(request, status, response, err))
        return false;
    request->answer.is_shared = true;
    return true;
}

void request_forget_answer(struct request *request)
{
    if (!request->answer.is_shared)
        response_release(&request->answer.response);
    request->answer = (struct answer){ 0 };
}

bool request_answer_json(struct request *request, unsigned status, json_t *value, struct error *err)
{
    return request_answer(request, status, response_of_json(value, CONTENT_JSON), err);
}

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *request_actor(struct request *request)
{
    if (request->actor != NULL)
        return request->actor;
    if (request->kind == LISTEN_UNIX)
        request->actor = peer_actor(&request->client->peer, &request->arena);
    else if (request->token_name != NULL)
        request->actor = arena_printf(&request->arena, "token %s", request->token_name);
    else
        request->actor = "tcp";
    return request->actor;
}

bool request_with_snapshot(struct request *request, snapshot_operation use, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct snapshot snapshot;
    bool is_done = false;

    backend->snapshot_take(backend->data, &request->arena, &snapshot);
    is_done = use(request, &snapshot, err);
    backend->snapshot_release(backend->data, &snapshot);
    return is_done;
}

bool request_with_graph(struct request *request, snapshot_operation use, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct snapshot snapshot;
    bool is_done = false;

    backend->snapshot_take(backend->data, &request->arena, &snapshot);
    if (snapshot.graph != NULL)
        is_done = use(request, &snapshot, err);
    else if (snapshot.problem.code != ERR_OK)
        *err = snapshot.problem;
    else
        (void) error_set(err, ERR_NOT_READY, "scripts were not read yet");
    backend->snapshot_release(backend->data, &snapshot);
    return is_done;
}
