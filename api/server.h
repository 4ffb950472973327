/*
 * server.h - the HTTP server: libmicrohttpd with an epoll thread per listening socket.
 *
 * Takes listening sockets (from systemd or bound by the daemon), admits requests (api/admission.c),
 * routes them (api/routes.c), and suspends those that wait for a job or for news (api/waits.c). It
 * logs through the given function: one line for each request that changes something, was not let in
 * or failed by our fault, for every other one too if so asked, and what libmicrohttpd has to say.
 *
 * THREAD SAFETY: the functions here are for one thread (main). Each listener has its own http
 * thread, on which its requests, its connections and its cache live. What threads share: the
 * options (read only), and clients, waits, tokens, refusals and metrics (each with its own lock or
 * atomics, see there; none is taken while another is held). The backend is called from every http
 * thread; its jobs and events call back into waits from any. The log function is called from every
 * http thread.
 */
#pragma once

#include "api/backend.h"
#include "api/token.h"

#include <sys/types.h>

enum listen_kind {
    LISTEN_UNIX, /* peers known by SO_PEERCRED */
    LISTEN_TCP,  /* loopback; changing anything needs a token */
};

/* Who may do what over the unix socket: names or numbers of users, `@` and the name or number of a
 * group, or `*` for whoever can connect. root and the daemon's own user may do everything. A class
 * includes those before it, so that whoever may destroy may read. */
struct access_lists {
    struct str_list read;
    struct str_list operate;
    struct str_list destroy;
};

struct server_options {
    const struct backend *backend;
    const struct access_lists *peers; /* NULL: nobody but root and our own user */
    bool tcp_reads_openly;            /* http.tcp_read = open: reading over TCP needs no token */
    uint32_t request_timeout_ms; /* from the first byte to the last of a request; also how long a
                                    connection may be idle */
    unsigned connections_max;    /* a listener's; half as many, of all, may wait for news */
    uint32_t stream_alive_ms;    /* a stream without news says so as often; 0: 15 seconds */
    bool logs_reads;             /* one LOG_DEBUG line for every GET as well */
    void *log_data;
    void (*log)(void *log_data, int priority, const char *message); /* syslog priority; or NULL */
};

struct server;

/* Nothing listens yet. options and what it points to must outlive the server. Fails
 * ERR_CONFIG_INVALID (a user or group that nobody is), ERR_INTERNAL. */
must_check bool server_new(const struct server_options *options, struct server **ret_server,
                           struct error *err);

/*
 * The tokens that TCP asks for, from now on; copied, what was there before is forgotten. A request
 * that was let in already goes on. Main thread, also while the server runs.
 */
void server_tokens_set(struct server *server, const struct api_token *tokens, size_t count);

/* Serve an already listening socket; the server owns `fd` from now on, on failure too. Fails
 * ERR_IO, ERR_CONFIG_INVALID (TCP, but not loopback). */
must_check bool server_listen(struct server *server, int fd, enum listen_kind kind,
                              struct error *err);

/* Accept no more connections; requests in flight go on. Sockets from systemd keep their backlog for
 * the next process. */
void server_quiesce(struct server *server);

/*
 * Wait until every request in flight has its answer, at most timeout_ms; then answer what waits for
 * a job with 503 and close what is left. The worker has stopped, or does soon.
 *
 * Streams and long polls end when no job is under way any more, so they see the end of one that is,
 * and delay nothing without. Events are not watched afterwards.
 */
void server_stop(struct server *server, uint32_t timeout_ms);

/* Stopped before; no hook of a submission may be called any more. NULL is fine. */
void server_free(struct server *server);
