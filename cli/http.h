/*
 * http.h - asking one server for JSON: the only file that knows libcurl.
 *
 * One connection, kept alive. No redirects, no proxies, no other protocol than HTTP. Answers are
 * bounded. Single thread.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

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

struct http_request {
    const char *method;
    const char *path;   /* escaped, with its query */
    const json_t *body; /* NULL: none */
    bool is_async;      /* Prefer: respond-async */
};

/*
 * Ask, and wait for the answer.
 *
 * ret_answer  new reference: the body of a 2xx answer.
 * Fails       ERR_DAEMON_UNREACHABLE (nobody there, connection lost, no answer in 60 s),
 *             ERR_FORBIDDEN (the socket may not be opened), the error of the problem document of
 *             any other answer, ERR_INTERNAL for an answer that is none.
 */
must_check bool http_ask(struct http *http, const struct http_request *request, json_t **ret_answer,
                         struct error *err);

/* A text as a part of a path or query, percent-encoded (RFC 3986 section 2.1); in the arena. */
const char *http_escape(const char *text, struct arena *arena);
