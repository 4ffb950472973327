/*
 * clients.h - the open connections: who is busy, and until when each must have moved on.
 *
 * libmicrohttpd's own timeout starts again with every byte, so a client that sends one byte a
 * second holds a connection for ever. Here a deadline is absolute, kept by a thread of its own that
 * shuts down the sockets of those who miss it. The same bookkeeping tells server_stop() when
 * every request has its answer.
 *
 *     fresh --request line--> reading --submitted--> waiting
 *                               |  ^                    |
 *                         answered  request line   answered
 *                               v  |                    |
 *                               idle <------------------+
 *
 * A deadline begins when a connection is opened, when a later request line is read, and when
 * waiting ends. By then the request must be answered and the next one begun. waiting has none. All
 * but idle count as busy.
 *
 * THREAD SAFETY: `lock` guards every member of struct clients and of every struct client that was
 * added, except `socket` and `peer`, which do not change. Functions take the lock themselves. No
 * other lock is taken and no library is called while it is held.
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
    struct peer peer;     /* of a unix socket */
    bool is_peer_allowed; /* a unix socket's peer is in the rules; always for TCP */
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
