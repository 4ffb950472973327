/*
 * request.c - what operations need of a request.
 */
#include "api/request.h"

#include "api/etag.h"
#include "api/negotiate.h"
#include "api/peer.h"

#include <string.h>

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

bool request_answer_unmodified(struct request *request, const char *etag, struct error *err)
{
    if (!request_answer(request, MHD_HTTP_NOT_MODIFIED, response_empty(), err))
        return false;
    response_add_tag(request->answer.response, etag);
    return true;
}

bool request_answer_tagged(struct request *request, uint64_t rows_tag, char *text,
                           const char *content_type, struct error *err)
{
    const char *known = request_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH);
    char etag[ETAG_SIZE];

    if (text == NULL)
        return request_answer(request, MHD_HTTP_OK, NULL, err);
    etag_of_body(rows_tag, text, strlen(text), etag);
    if (!request_answer(request, MHD_HTTP_OK, response_of_text(text, content_type), err))
        return false;
    if (known != NULL && etag_list_has(known, etag))
        return request_answer_unmodified(request, etag, err);
    response_add_tag(request->answer.response, etag);
    return true;
}

bool request_prefers_text(const struct request *request)
{
    return negotiate_prefers_text(request_header(request, MHD_HTTP_HEADER_ACCEPT));
}

bool request_expects_news(const struct request *request, const struct snapshot *snapshot)
{
    switch (waits_state_get(request->waits)) {
    case WAITS_SERVING:
        return true;
    case WAITS_STOPPING:
        return snapshot->has_running || snapshot->queue_length > 0;
    case WAITS_ABANDONED:
        break;
    }
    return false;
}

void request_wait_begin(struct request *request, struct wait *wait, operation wake)
{
    request->wait = wait;
    request->wake = wake;
    http_metrics_waiting(request->http_metrics, 1);
}

void request_wait_end(struct request *request, struct wait_result *ret)
{
    wait_end(take_ptr(request->wait), ret);
    http_metrics_waiting(request->http_metrics, -1);
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
