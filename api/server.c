/*
 * server.c - libmicrohttpd's daemons and callbacks: from a connection to a request to its answer.
 *
 * libmicrohttpd calls, on the listener's http thread: on_connection (opened) - on_target (request
 * line) - on_request (headers, then body pieces, then end, and again whenever it was resumed) -
 * on_completed - on_connection (closed). A stream's reader (op_events.c) is called instead of
 * on_request once its answer is queued.
 */
#include "api/server.h"

#include "api/admission.h"
#include "api/event_stream.h"
#include "api/json.h"
#include "api/ops.h"
#include "api/problem.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/oom.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

/* One for unix and one for TCP is usual; systemd may hand over a few of each. */
#define LISTENERS_MAX 8
/* What resumed requests get to write their last when the server gives up. */
#define LAST_WORDS_MS 1000

struct listener {
    struct server *server;
    struct MHD_Daemon *daemon;
    enum listen_kind kind;
    int fd;
    struct str_list hosts;
    struct current_cache current_cache; /* the http thread's */
};

struct server {
    const struct server_options *options;
    struct arena arena;
    struct peer_rules rules;
    struct clients clients;
    struct waits waits;
    struct token_set tokens;
    struct refusals refusals;
    struct http_metrics http_metrics;
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    bool is_quiesced;
    bool is_stopped;
};

/* ---- The log ---- */

static int log_priority(const struct request *request)
{
    unsigned status = request->answer.status;

    if (status >= 500 && status != MHD_HTTP_SERVICE_UNAVAILABLE)
        return LOG_WARNING;
    if (status == MHD_HTTP_UNAUTHORIZED || status == MHD_HTTP_FORBIDDEN)
        return LOG_NOTICE;
    /* Whoever waits for readiness asks often, and is told 503 until then. */
    return request->route != NULL && !request->route->changes ? LOG_DEBUG : LOG_INFO;
}

/* A target may hold any byte; a log line is one line of ASCII. */
static const char *escape(const char *target, struct arena *arena)
{
    struct strbuf text cleanup(strbuf_release);

    strbuf_init(&text, 300);
    for (; *target != '\0'; target++) {
        unsigned char c = (unsigned char) *target;

        if (c > 0x20 && c < 0x7f && c != '\\')
            strbuf_add_char(&text, (char) c);
        else
            strbuf_printf(&text, "\\x%02x", (unsigned) c);
    }
    return arena_strdup(arena, strbuf_text(&text));
}

/* One line a request. Polling would fill the log, so reads are left out unless asked for. */
static void log_request(struct request *request)
{
    const struct server_options *options = request->options;
    int priority = log_priority(request);
    int64_t took_us = 0;

    if (options->log == NULL || request->is_muted ||
        (priority == LOG_DEBUG && !options->logs_reads))
        return;
    took_us = clock_monotonic_us() - request->begun_us;
    options->log(options->log_data, priority,
                 arena_printf(&request->arena,
                              "%.16s %s: %u after %" PRId64 ".%03" PRId64 " ms, %s",
                              escape(request->method, &request->arena),
                              escape(request->target, &request->arena), request->answer.status,
                              took_us / 1000, took_us % 1000, request_actor(request)));
}

static void on_library_message(void *data, const char *format, va_list args) format_printf(2, 0);

static void on_library_message(void *data, const char *format, va_list args)
{
    const struct server_options *options = data;
    char message[400];
    size_t len = 0;

    if (options->log == NULL || vsnprintf(message, sizeof(message), format, args) < 0)
        return;
    len = strlen(message);
    if (len > 0 && message[len - 1] == '\n')
        message[len - 1] = '\0';
    options->log(options->log_data, LOG_DEBUG, message);
}

/* ---- Answers ---- */

static void add_problem_headers(struct request *request, const struct error *err)
{
    struct MHD_Response *response = request->answer.response;
    unsigned retry_after_s = problem_retry_after_s(err->code);

    if (retry_after_s > 0)
        response_add(response, MHD_HTTP_HEADER_RETRY_AFTER,
                     arena_printf(&request->arena, "%u", retry_after_s));
    if (err->code == ERR_UNAUTHORIZED)
        response_add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"schemad\"");
    if (err->code == ERR_METHOD_NOT_ALLOWED)
        response_add(response, MHD_HTTP_HEADER_ALLOW, request->allow);
    if (request->closes)
        response_add(response, MHD_HTTP_HEADER_CONNECTION, "close");
}

static void answer_problem(struct request *request, const struct error *err)
{
    static const char last_resort[] = "{\n  \"type\": \"/problems/internal\",\n  \"title\": "
                                      "\"internal error\",\n  \"status\": 500,\n  \"detail\": "
                                      "\"out of memory\",\n  \"code\": \"internal\"\n}\n";
    unsigned status = problem_status(err->code);
    struct error ignored = { 0 };
    struct MHD_Response *response =
        response_of_json(json_of_problem(err, status, NULL), CONTENT_PROBLEM);

    if (response == NULL) {
        status = MHD_HTTP_INTERNAL_SERVER_ERROR;
        response =
            response_of_static(last_resort, sizeof(last_resort) - 1, CONTENT_PROBLEM, "no-store");
    }
    if (request_answer(request, status, response, &ignored))
        add_problem_headers(request, err);
}

static void note_answer(struct request *request)
{
    uint64_t call_us = (uint64_t) (clock_monotonic_us() - request->called_us);

    http_metrics_note(request->http_metrics, request->route, request->method,
                      request->answer.status, request->spent_us + call_us);
}

/* MHD_NO closes the connection without an answer: there is nothing left to answer with. */
static enum MHD_Result queue_answer(struct request *request)
{
    enum MHD_Result queued = MHD_NO;

    if (request->answer.response == NULL)
        return MHD_NO;
    queued =
        MHD_queue_response(request->connection, request->answer.status, request->answer.response);
    note_answer(request);
    log_request(request);
    request_forget_answer(request);
    return queued;
}

static enum MHD_Result refuse(struct request *request, const struct error *err)
{
    answer_problem(request, err);
    return queue_answer(request);
}

/* ---- A request ---- */

static struct client *client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info->socket_context;
}

static void *on_target(void *data, const char *target, struct MHD_Connection *connection)
{
    struct listener *listener = data;
    struct server *server = listener->server;
    size_t size = strlen(target) + 1;
    struct request *request = xcalloc(1, sizeof(*request));

    request->options = server->options;
    request->connection = connection;
    request->client = client_of(connection);
    request->clients = &server->clients;
    request->waits = &server->waits;
    request->tokens = &server->tokens;
    request->refusals = &server->refusals;
    request->http_metrics = &server->http_metrics;
    request->current_cache = &listener->current_cache;
    request->kind = listener->kind;
    request->hosts = &listener->hosts;
    request->target = xmalloc(2 * size);
    request->path = request->target + size;
    memcpy(request->target, target, size);
    memcpy(request->path, target, size);
    request->begun_us = clock_monotonic_us();
    clients_move(&server->clients, request->client, CLIENT_READING, request->begun_us);
    return request;
}

static const struct error *error_copy(const struct error *err, struct arena *arena)
{
    struct error *copy = arena_new(arena, struct error);

    *copy = *err;
    return copy;
}

/* An answer that is queued before the end of a request ends its connection, so only a refusal that
 * is meant to close is given here; the others wait for the end. */
static enum MHD_Result begin(struct request *request, const char *method)
{
    struct error err = { 0 };

    request->is_begun = true;
    request->method = method;
    strbuf_init(&request->body, BODY_BYTES_MAX);
    if (admission_check(request, &err))
        return MHD_YES;
    if (request->closes)
        return refuse(request, &err);
    request->failure = error_copy(&err, &request->arena);
    return MHD_YES;
}

/* libmicrohttpd takes no answer in the middle of a body: what is too much is dropped, and refused
 * at the end; whoever never ends meets the deadline. */
static enum MHD_Result read_piece(struct request *request, const char *bytes, size_t *size)
{
    strbuf_add(&request->body, bytes, *size);
    *size = 0;
    return MHD_YES;
}

/* Let an operation answer. Without an answer it waits, and is called again when it is resumed. */
static enum MHD_Result answer(struct request *request, operation answer_it)
{
    struct error err = { 0 };

    if (!answer_it(request, &err))
        return refuse(request, &err);
    if (request->answer.response != NULL)
        return queue_answer(request);
    clients_move(request->clients, request->client, CLIENT_WAITING, 0);
    return MHD_YES;
}

static enum MHD_Result run(struct request *request)
{
    struct error err = { 0 };

    if (request->failure != NULL)
        return refuse(request, request->failure);
    if (request->body.is_overflowed) {
        (void) error_set(&err, ERR_BODY_TOO_LARGE, "body is larger than %zu bytes", BODY_BYTES_MAX);
        return refuse(request, &err);
    }
    return answer(request, request->route->run);
}

static enum MHD_Result run_again(struct request *request)
{
    clients_move(request->clients, request->client, CLIENT_READING, request->called_us);
    return answer(request, request->wake);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *bytes,
                                  size_t *size, void **context)
{
    struct request *request = *context;
    enum MHD_Result result = MHD_NO;

    (void) data;
    (void) connection;
    (void) url;
    (void) version;
    request->called_us = clock_monotonic_us();
    if (!request->is_begun)
        result = begin(request, method);
    else if (*size > 0)
        result = read_piece(request, bytes, size);
    else if (request->wait == NULL)
        result = run(request);
    else
        result = run_again(request);
    request->spent_us += (uint64_t) (clock_monotonic_us() - request->called_us);
    return result;
}

static void on_completed(void *data, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why)
{
    struct listener *listener = data;
    struct request *request = *context;

    (void) connection;
    (void) why;
    if (request == NULL)
        return;
    *context = NULL;
    if (request->wait != NULL)
        request_wait_end(request, NULL);
    if (request->stream != NULL)
        event_stream_release(request->stream);
    request_forget_answer(request);
    strbuf_release(&request->body);
    clients_move(&listener->server->clients, request->client, CLIENT_IDLE, 0);
    arena_release(&request->arena);
    free(request->target);
    free(request);
}

/* ---- A connection ---- */

static void open_client(struct listener *listener, struct MHD_Connection *connection,
                        void **context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct client *client = xcalloc(1, sizeof(*client));
    struct error ignored = { 0 };

    client->socket = info->connect_fd;
    if (listener->kind == LISTEN_UNIX && peer_read(client->socket, &client->peer, &ignored))
        client->access = peer_access(&listener->server->rules, &client->peer, client->socket);
    *context = client;
    clients_add(&listener->server->clients, client);
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct listener *listener = data;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        open_client(listener, connection, context);
        return;
    }
    clients_remove(&listener->server->clients, *context);
    free(*context);
    *context = NULL;
}

/* ---- The server ---- */

static bool start_threads(struct server *server, struct error *err)
{
    const struct server_options *options = server->options;

    if (!clients_init(&server->clients, options->request_timeout_ms, err))
        return false;
    if (waits_init(&server->waits, options->connections_max / 2, err))
        return true;
    clients_release(&server->clients);
    return false;
}

bool server_new(const struct server_options *options, struct server **ret_server, struct error *err)
{
    const struct backend *backend = options->backend;
    struct server *server = xcalloc(1, sizeof(*server));

    server->options = options;
    if (!peer_rules_resolve(options->peers, &server->arena, &server->rules, err) ||
        !start_threads(server, err)) {
        arena_release(&server->arena);
        free(server);
        return false;
    }
    token_set_init(&server->tokens);
    refusals_init(&server->refusals, backend);
    http_metrics_init(&server->http_metrics);
    backend->events_watch(backend->data, waits_changed, &server->waits);
    *ret_server = server;
    return true;
}

void server_tokens_set(struct server *server, const struct api_token *tokens, size_t count)
{
    token_set_replace(&server->tokens, tokens, count);
}

/* MHD_USE_ITC also keeps libmicrohttpd from calling shutdown() on the listening socket, which would
 * end it for systemd and for the next process as well. */
static struct MHD_Daemon *start(struct listener *listener)
{
    struct server *server = listener->server;

    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
                                MHD_USE_ERROR_LOG,
                            0, NULL, NULL, on_request, listener,
                            /* The logger first, so that it hears about the others. */
                            MHD_OPTION_EXTERNAL_LOGGER, on_library_message,
                            (void *) (uintptr_t) server->options, MHD_OPTION_CONNECTION_LIMIT,
                            server->options->connections_max, MHD_OPTION_LISTEN_SOCKET,
                            listener->fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener,
                            MHD_OPTION_URI_LOG_CALLBACK, on_target, listener, MHD_OPTION_END);
}

bool server_listen(struct server *server, int fd, enum listen_kind kind, struct error *err)
{
    int owned cleanup_fd = fd;
    struct listener *listener = &server->listeners[server->listener_count];

    if (server->listener_count == LISTENERS_MAX)
        return error_set(err, ERR_CONFIG_INVALID, "more than %d sockets to listen on",
                         LISTENERS_MAX);
    *listener = (struct listener){ .server = server, .kind = kind, .fd = fd };
    if (kind == LISTEN_TCP && !admission_hosts(fd, &server->arena, &listener->hosts, err))
        return false;
    errno = 0;
    listener->daemon = start(listener);
    if (listener->daemon == NULL)
        return error_set_errno(err, ERR_IO, errno, "could not serve on a socket");
    server->listener_count++;
    owned = -1;
    return true;
}

void server_quiesce(struct server *server)
{
    if (server->is_quiesced)
        return;
    server->is_quiesced = true;
    for (size_t i = 0; i < server->listener_count; i++)
        (void) MHD_quiesce_daemon(server->listeners[i].daemon);
}

void server_stop(struct server *server, uint32_t timeout_ms)
{
    const struct backend *backend = server->options->backend;

    if (server->is_stopped)
        return;
    server->is_stopped = true;
    /* 1. Nothing new. */
    server_quiesce(server);
    /* 2. Who waits for news has to end, once no job is under way that could make any. */
    waits_stop(&server->waits);
    /* 3. What is in flight gets its answer. */
    if (!clients_drain(&server->clients, timeout_ms)) {
        /* 4. What still waits gets a 503, and streams end: libmicrohttpd must not be stopped while
         * a connection is suspended. */
        waits_abandon(&server->waits);
        (void) clients_drain(&server->clients, LAST_WORDS_MS);
    }
    /* 5. The threads end. Quiesced, libmicrohttpd leaves the sockets to us; closing them only now
     * keeps their numbers from being used again while a thread may still accept. */
    for (size_t i = 0; i < server->listener_count; i++) {
        MHD_stop_daemon(server->listeners[i].daemon);
        fd_close(&server->listeners[i].fd);
        current_cache_release(&server->listeners[i].current_cache);
    }
    /* 6. Nobody is left who could be told. */
    backend->events_watch(backend->data, NULL, NULL);
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    server_stop(server, 0);
    clients_release(&server->clients);
    waits_release(&server->waits);
    http_metrics_release(&server->http_metrics);
    refusals_release(&server->refusals);
    token_set_release(&server->tokens);
    arena_release(&server->arena);
    free(server);
}
