/*
 * clients.c - the open connections and their deadlines.
 *
 * A socket is shut down, never closed, here: the descriptor is libmicrohttpd's, whose thread sees
 * the end of file and closes it. It cannot be closed and used again meanwhile, because
 * clients_remove() waits for the lock under which it is shut down.
 */
#include "api/clients.h"

#include "base/clock.h"
#include "base/cond.h"

#include <assert.h>
#include <poll.h>
#include <sys/socket.h>

#define US_PER_MS 1000
#define US_PER_S  1000000
#define NS_PER_US 1000

static void shut(const struct client *client)
{
    /* It fails when the peer was faster, which is as good. */
    (void) shutdown(client->socket, SHUT_RDWR);
}

static void disarm(struct clients *clients, struct client *client)
{
    if (!client->is_armed)
        return;
    if (client->older != NULL)
        client->older->newer = client->newer;
    else
        clients->oldest = client->newer;
    if (client->newer != NULL)
        client->newer->older = client->older;
    else
        clients->newest = client->older;
    client->older = NULL;
    client->newer = NULL;
    client->is_armed = false;
}

/* All deadlines are equally long, so the list stays sorted by appending; save by microseconds, for
 * threads that asked for the time before others took the lock. */
static void arm(struct clients *clients, struct client *client, int64_t now_us)
{
    assert(!client->is_armed);
    client->deadline_us = now_us + clients->timeout_us;
    client->older = clients->newest;
    client->newer = NULL;
    if (clients->newest != NULL)
        clients->newest->newer = client;
    else
        clients->oldest = client;
    clients->newest = client;
    client->is_armed = true;
    /* Whoever sleeps until an older deadline finds this one then. */
    if (clients->is_dormant)
        pthread_cond_broadcast(&clients->changed);
}

static void *keep_deadlines(void *data)
{
    struct clients *clients = data;

    pthread_mutex_lock(&clients->lock);
    while (!clients->is_stopping) {
        struct client *client = clients->oldest;

        clients->is_dormant = client == NULL;
        if (client == NULL) {
            pthread_cond_wait(&clients->changed, &clients->lock);
        } else if (client->deadline_us <= clock_monotonic_us()) {
            disarm(clients, client);
            shut(client);
        } else {
            struct timespec until = cond_deadline(client->deadline_us);

            (void) pthread_cond_timedwait(&clients->changed, &clients->lock, &until);
        }
    }
    pthread_mutex_unlock(&clients->lock);
    return NULL;
}

bool clients_init(struct clients *clients, uint32_t timeout_ms, struct error *err)
{
    int failure = 0;

    *clients = (struct clients){ .timeout_us = (int64_t) timeout_ms * US_PER_MS };
    pthread_mutex_init(&clients->lock, NULL);
    cond_init(&clients->changed);
    failure = pthread_create(&clients->thread, NULL, keep_deadlines, clients);
    if (failure == 0)
        return true;
    pthread_cond_destroy(&clients->changed);
    pthread_mutex_destroy(&clients->lock);
    return error_set_errno(err, ERR_INTERNAL, failure, "could not start the thread of deadlines");
}

void clients_release(struct clients *clients)
{
    assert(clients->oldest == NULL && clients->busy == 0);
    pthread_mutex_lock(&clients->lock);
    clients->is_stopping = true;
    pthread_cond_broadcast(&clients->changed);
    pthread_mutex_unlock(&clients->lock);
    pthread_join(clients->thread, NULL);
    pthread_cond_destroy(&clients->changed);
    pthread_mutex_destroy(&clients->lock);
}

static void set_state(struct clients *clients, struct client *client, enum client_state state)
{
    bool was_busy = client->state != CLIENT_IDLE;
    bool is_busy = state != CLIENT_IDLE;

    client->state = state;
    clients->busy += (size_t) is_busy - (size_t) was_busy;
    if (clients->busy == 0 && clients->is_draining)
        pthread_cond_broadcast(&clients->changed);
}

void clients_add(struct clients *clients, struct client *client)
{
    pthread_mutex_lock(&clients->lock);
    client->state = CLIENT_IDLE;
    set_state(clients, client, CLIENT_FRESH);
    arm(clients, client, clock_monotonic_us());
    pthread_mutex_unlock(&clients->lock);
}

void clients_remove(struct clients *clients, struct client *client)
{
    pthread_mutex_lock(&clients->lock);
    disarm(clients, client);
    set_state(clients, client, CLIENT_IDLE);
    pthread_mutex_unlock(&clients->lock);
}

void clients_move(struct clients *clients, struct client *client, enum client_state state,
                  int64_t now_us)
{
    pthread_mutex_lock(&clients->lock);
    if (state == CLIENT_WAITING || (state == CLIENT_READING && client->state != CLIENT_FRESH))
        disarm(clients, client);
    /* A fresh client keeps its deadline, which spans its first request. */
    if (state == CLIENT_READING && client->state != CLIENT_FRESH)
        arm(clients, client, now_us);
    set_state(clients, client, state);
    if (state == CLIENT_IDLE && clients->is_draining)
        shut(client);
    pthread_mutex_unlock(&clients->lock);
}

bool clients_drain(struct clients *clients, uint32_t timeout_ms)
{
    int64_t end_us = clock_monotonic_us() + (int64_t) timeout_ms * US_PER_MS;
    struct timespec until = cond_deadline(end_us);
    bool is_drained = false;

    pthread_mutex_lock(&clients->lock);
    clients->is_draining = true;
    for (struct client *client = clients->oldest; client != NULL; client = client->newer) {
        if (client->state == CLIENT_IDLE)
            shut(client);
    }
    while (clients->busy > 0 && clock_monotonic_us() < end_us)
        (void) pthread_cond_timedwait(&clients->changed, &clients->lock, &until);
    is_drained = clients->busy == 0;
    pthread_mutex_unlock(&clients->lock);
    return is_drained;
}

bool client_is_gone(const struct client *client)
{
    struct pollfd hangup = { .fd = client->socket, .events = POLLRDHUP };

    return poll(&hangup, 1, 0) > 0;
}
