/*
 * request.h - one HTTP request while it is being answered: what was asked, by whom, and the answer.
 *
 * Operations (api/op_*.c) get a request that was admitted, and either answer it, or wait for a job
 * or a script, or fail with an error that becomes a problem. A request belongs to the http thread
 * of its connection.
 */
#pragma once

#include "api/clients.h"
#include "api/current_cache.h"
#include "api/http_metrics.h"
#include "api/prefer.h"
#include "api/refusals.h"
#include "api/response.h"
#include "api/server.h"
#include "api/token_set.h"
#include "api/uri.h"
#include "api/waits.h"

#define BODY_BYTES_MAX ((size_t) 64 * 1024)

struct event_stream;
struct request;
struct route;

/* What an operation does: true when the request is answered or waits; else err says why. */
typedef bool (*operation)(struct request *request, struct error *err);

struct answer {
    unsigned status;
    struct MHD_Response *response; /* NULL: none yet */
    bool is_shared;                /* somebody else keeps and releases it */
};

struct request {
    const struct server_options *options;
    struct MHD_Connection *connection;
    struct client *client;
    struct clients *clients;
    struct waits *waits;
    struct token_set *tokens;
    struct refusals *refusals;
    struct http_metrics *http_metrics;
    struct current_cache *current_cache; /* of this http thread */
    enum listen_kind kind;
    const struct str_list *hosts; /* values of Host that a TCP listener answers to */

    struct arena arena;
    const char *method;
    char *target; /* raw; heap */
    char *path;   /* the same, taken apart by uri; behind target */
    struct uri uri;
    const struct route *route; /* NULL until admitted */
    const char *allow;         /* methods of the path, when the method was not one of them */
    const char *id;            /* the path's variable part; NULL when the route has none */
    const char *actor;         /* NULL until somebody asks; see request_actor() */
    const char *token_name;    /* NULL: no token */
    enum access access;        /* of whoever asks, by peer or by token */
    struct strbuf body;
    bool is_begun;     /* the headers were looked at */
    bool has_body;     /* the headers announce one */
    bool closes;       /* the connection cannot be trusted to begin another request */
    bool is_muted;     /* refused, and the log has had enough of these for now */
    int64_t begun_us;  /* monotonic */
    int64_t called_us; /* monotonic: when its handler was called last */
    uint64_t spent_us; /* in earlier calls: what answering takes, waiting aside */

    struct wait *wait;  /* NULL unless it waits, or is a stream */
    operation wake;     /* answers it when it was resumed, or lets it wait on */
    int64_t until_us;   /* monotonic: how long it waits */
    uint64_t news_seen; /* how many there were before it looked */
    struct preferences prefer;
    struct event_stream *stream; /* NULL unless it is one */
    char job_id[RUN_ID_SIZE];    /* of the job it waits or waited for; empty when there is none */
    const struct error *failure; /* refused before it can be answered; in the arena; or NULL */
    struct answer answer;
};

/* Set the answer. The value or response is taken; NULL means that memory was short and fails
 * ERR_INTERNAL. */
must_check bool request_answer_json(struct request *request, unsigned status, json_t *value,
                                    struct error *err);
must_check bool request_answer(struct request *request, unsigned status,
                               struct MHD_Response *response, struct error *err);

/* As above with a response that is kept by somebody else, until the answer was queued. */
must_check bool request_answer_shared(struct request *request, unsigned status,
                                      struct MHD_Response *response, struct error *err);

/* As above with heap text (taken) that has a strong tag (api/etag.h) and differs by Accept: 304
 * without it when If-None-Match names the tag. rows_tag: the snapshot's. */
must_check bool request_answer_tagged(struct request *request, uint64_t rows_tag, char *text,
                                      const char *content_type, struct error *err);

/* 304 for a tag that the client knows: it keeps what it has. */
must_check bool request_answer_unmodified(struct request *request, const char *etag,
                                          struct error *err);

/* Whether text/plain is what the client likes best. */
bool request_prefers_text(const struct request *request);

/* Whether there can be news to wait for: always, until the server stops; then while a job is under
 * way, and the server has patience. */
bool request_expects_news(const struct request *request, const struct snapshot *snapshot);

/* It waits from now on: `wake` runs when it is resumed (NULL: a stream, whose reader does). End
 * with request_wait_end(). */
void request_wait_begin(struct request *request, struct wait *wait, operation wake);
void request_wait_end(struct request *request, struct wait_result *ret);

/* Drop the answer, if there is one. */
void request_forget_answer(struct request *request);

/* The value of a request header; NULL when there is none. */
const char *request_header(const struct request *request, const char *name);

/* "uid 1000 (deploy)" or "token ci"; made once, asks the user database. */
const char *request_actor(struct request *request);

/* The backend, with its data. */
static inline const struct backend *request_backend(const struct request *request)
{
    return request->options->backend;
}

typedef bool (*snapshot_operation)(struct request *request, const struct snapshot *snapshot,
                                   struct error *err);

/* Run `use` with a snapshot that is released afterwards; fails as it does. */
must_check bool request_with_snapshot(struct request *request, snapshot_operation use,
                                      struct error *err);

/* As above, and fails with the snapshot's problem when the scripts could not be read. */
must_check bool request_with_graph(struct request *request, snapshot_operation use,
                                   struct error *err);
