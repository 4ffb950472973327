/*
 * clients.h - the open connections: who is busy, and until when each must have moved on.
 *
 * libmicrohttpd's own timeout starts again with every byte, so a client that sends one byte a
 * second holds a connection for ever. Here a deadline is absolute, kept by a thread of its own that
 * shuts down the sockets of those who miss it. The same bookkeeping tells server_stop() when
 * every request has its answer.
 *
 *     fresh --request line--> reading <--suspended, resumed--> waiting
 *                               |  ^
 *                         answered  request line
 *                               v  |
 *                               idle
 *
 * A deadline begins when a connection is opened, when a later request line is read, when waiting
 * ends, and whenever a stream has something to write: so a client that does not read its stream is
 * cut off like one that does not write its request. By then the request must be answered and the
 * next one begun. waiting has none: for a job, for a state of the schema, for an event. All but
 * idle count as busy, streams as well: they end by themselves when the server stops.
 *
 * THREAD SAFETY: `lock` guards every member of struct clients and of every struct client that was
 * added, except `socket`, `peer` and `access`, which do not change. Functions take the lock
 * themselves. No other lock is taken and no library is called while it is held.
 */
#pragma once

#include "api/peer.h"

#include <pthread.h>
#include <stdint.h>

enum client_state {
    CLIENT_FRESH,
    CLIENT_READING,
    CLIENT_WAITING,
    CLIENT_IDLE,
};

/* A connection. */
struct client {
    int socket;
    struct peer peer;   /* of a unix socket */
    enum access access; /* what that peer may do; nothing for TCP, where tokens say it */
    enum client_state state;
    bool is_armed;
    int64_t deadline_us; /* monotonic; meaningful while armed */
    struct client *older;
    struct client *newer;
};

struct clients {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* monotonic clock */
    struct client *oldest;  /* armed ones, by deadline: all deadlines have the same length */
    struct client *newest;
    int64_t timeout_us; /* of every deadline */
    size_t busy;
    bool is_dormant; /* the thread sleeps without a deadline */
    bool is_draining;
    bool is_stopping;
    pthread_t thread;
};

/* Start keeping deadlines. timeout_ms: from one state to the next. Fails ERR_INTERNAL. */
must_check bool clients_init(struct clients *clients, uint32_t timeout_ms, struct error *err);
void clients_release(struct clients *clients); /* no client is left */

/* A connection was opened (it is fresh), and is about to be closed. The client stays the caller's,
 * and at its place until it is removed. */
void clients_add(struct clients *clients, struct client *client);
void clients_remove(struct clients *clients, struct client *client);

/* A client comes into a state. now_us: monotonic, where a deadline begins, else not looked at. */
void clients_move(struct clients *clients, struct client *client, enum client_state state,
                  int64_t now_us);

/* Close what is idle, and whatever becomes idle from now on; wait until nobody is busy, at most
 * timeout_ms. False when somebody still is. */
bool clients_drain(struct clients *clients, uint32_t timeout_ms);

/* Whether a client that is waited with has gone, or will send no more, which is taken for the same.
 * Asks the kernel; does not block. On the client's http thread. */
bool client_is_gone(const struct client *client);
