/*
 * http.h - asking one server for JSON or for its events: the only file that knows libcurl.
 *
 * One connection, kept alive. No redirects, no proxies, no other protocol than HTTP. Answers are
 * bounded. Single thread.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "cli/sse.h"

#include <jansson.h>

struct http;

/* Where the server is: a unix socket, or a URL ("http://127.0.0.1:8420"). One of the two is set. */
struct http_options {
    const char *socket;
    const char *url;
    const char *token; /* for Authorization: Bearer; NULL: none */
};

/* options must outlive it. Fails ERR_ARGUMENT_INVALID (a URL that is not http://, a socket path
 * longer than 107 bytes), ERR_INTERNAL. */
must_check bool http_open(const struct http_options *options, struct http **ret_http,
                          struct error *err);
void http_close(struct http *http); /* NULL is fine */

/* Whether a connection was ever made: a server that cannot be reached now was there. */
bool http_was_connected(const struct http *http);

struct http_request {
    const char *method;
    const char *path;            /* escaped, with its query */
    const json_t *body;          /* NULL: none */
    const char *accept;          /* media type of an answer that is text; NULL: it is JSON */
    bool is_async;               /* Prefer: respond-async */
    const char *idempotency_key; /* NULL: none */
    const char *last_event_id;   /* NULL: none; http_stream only */
    uint32_t timeout_ms;         /* for the whole answer; 0: 60 s. http_stream: silence of 45 s */

    /* Asked several times a second at best, once a second at least, while the answer is awaited:
     * true gives up with ERR_CANCELLED. NULL: nobody gives up. */
    bool (*is_over)(void *data);
    void *is_over_data;
};

/* What the server said, if anything. */
struct http_answer {
    unsigned status;         /* 0: nothing */
    json_t *body;            /* new reference to its JSON, a problem document too, or to the text
                                that was accepted; NULL: none */
    uint32_t retry_after_ms; /* 0: not said */
};

/* Gives back the body; a zeroed one is fine. */
void http_answer_release(struct http_answer *answer);
#define cleanup_http_answer cleanup(http_answer_release)

/*
 * Ask, and wait for the answer.
 *
 * ret    filled on failure too, as far as there was an answer; release it.
 * Fails  ERR_DAEMON_UNREACHABLE (nobody there, connection lost, no answer in time), ERR_FORBIDDEN
 *        (the socket may not be opened), ERR_CANCELLED (is_over), the error of the problem document
 *        of any answer but 2xx, ERR_INTERNAL for an answer that is none.
 */
must_check bool http_ask(struct http *http, const struct http_request *request,
                         struct http_answer *ret, struct error *err);

/*
 * Ask for events and take them until the server ends the stream (204 is an end, too), or take says
 * false.
 *
 * Fails  as http_ask; ERR_DAEMON_UNREACHABLE also when the connection was lost, or said nothing for
 *        three times as long as it should; ERR_INTERNAL: no stream of events.
 */
must_check bool http_stream(struct http *http, const struct http_request *request,
                            bool (*take)(void *data, const struct sse_event *event), void *data,
                            struct error *err);

/* A text as a part of a path or query, percent-encoded (RFC 3986 section 2.1); in the arena. */
const char *http_escape(const char *text, struct arena *arena);
