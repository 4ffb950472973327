/*
 * server.h - the HTTP server: libmicrohttpd with an epoll thread per listening socket.
 *
 * Takes listening sockets (from systemd or bound by the daemon), admits requests (api/admission.c),
 * routes them (api/routes.c), and suspends those that wait for a job (api/waits.c). It logs through
 * the given function: one line for each request that changes something, was not let in or failed by
 * our fault, for every other one too if so asked, and what libmicrohttpd has to say.
 *
 * THREAD SAFETY: server_new, _listen, _quiesce, _stop and _free are for one thread (main). Each
 * listener has its own http thread, on which its requests, its connections and its cache live. What
 * threads share: the options (read only), struct clients and struct waits (each with its own lock,
 * see there; neither is taken while the other is held). The backend is called from every http
 * thread, and its jobs call wait_done() from any. The log function is called from every http
 * thread.
 */
#pragma once

#include "api/backend.h"

#include <sys/types.h>

enum listen_kind {
    LISTEN_UNIX, /* peers known by SO_PEERCRED */
    LISTEN_TCP,  /* loopback; changing anything needs a token */
};

/* A token that may change things over TCP. */
struct api_token {
    const char *name;
    unsigned char digest[32]; /* SHA-256 of the token */
};

struct server_options {
    const struct backend *backend;
    const struct str_list *allowed_users;  /* besides root and the daemon's own user; names or
                                              numbers; NULL for none */
    const struct str_list *allowed_groups; /* peers with this primary or supplementary group */
    const struct api_token *tokens;
    size_t token_count;
    bool tcp_read_needs_token;   /* http.tcp_read = token */
    uint32_t request_timeout_ms; /* from the first byte to the last of a request; also how long a
                                    connection may be idle */
    unsigned connections_max;    /* a listener's */
    bool logs_reads;             /* one LOG_DEBUG line for every GET as well */
    void *log_data;
    void (*log)(void *log_data, int priority, const char *message); /* syslog priority; or NULL */
};

struct server;

/* Nothing listens yet. options and what it points to must outlive the server. Fails
 * ERR_CONFIG_INVALID (a user or group that nobody is), ERR_INTERNAL. */
must_check bool server_new(const struct server_options *options, struct server **ret_server,
                           struct error *err);

/* Serve an already listening socket; the server owns `fd` from now on, on failure too. Fails
 * ERR_IO, ERR_CONFIG_INVALID (TCP, but not loopback). */
must_check bool server_listen(struct server *server, int fd, enum listen_kind kind,
                              struct error *err);

/* Accept no more connections; requests in flight go on. Sockets from systemd keep their backlog for
 * the next process. */
void server_quiesce(struct server *server);

/* Wait until every request in flight has its answer, at most timeout_ms; then answer what waits for
 * a job with 503 and close what is left. The worker has stopped, or does soon. */
void server_stop(struct server *server, uint32_t timeout_ms);

/* Stopped before; no job may end any more (job_done_fn). NULL is fine. */
void server_free(struct server *server);
