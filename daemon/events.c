/*
 * events.c - a ring indexed by the event's number.
 */
#include "daemon/events.h"

#include "base/clock.h"
#include "base/oom.h"

#include <pthread.h>
#include <stdlib.h>

struct events {
    pthread_mutex_t lock;

    /* Guarded by lock. */
    struct event ring[EVENTS_MAX];
    uint64_t newest; /* number of the newest event; before the first, where numbers begin */
    uint64_t count;  /* remembered */
    void (*changed)(void *cookie);
    void *cookie;
};

struct events *events_new(void)
{
    struct events *events = xcalloc(1, sizeof(*events));

    (void) pthread_mutex_init(&events->lock, NULL);
    events->newest = (uint64_t) clock_wall_us();
    return events;
}

void events_free(struct events *events)
{
    if (events == NULL)
        return;
    (void) pthread_mutex_destroy(&events->lock);
    free(events);
}

void events_add(struct events *events, const struct event *event)
{
    struct event *added;

    (void) pthread_mutex_lock(&events->lock);
    added = &events->ring[++events->newest % EVENTS_MAX];
    *added = *event;
    added->number = events->newest;
    added->at_us = clock_wall_us();
    if (events->count < EVENTS_MAX)
        events->count++;
    if (events->changed != NULL)
        events->changed(events->cookie);
    (void) pthread_mutex_unlock(&events->lock);
}

void events_read(struct events *events, uint64_t after, struct event_batch *ret)
{
    uint64_t forgotten; /* the newest number that is */

    (void) pthread_mutex_lock(&events->lock);
    forgotten = events->newest - events->count;
    ret->newest = events->newest;
    ret->count = 0;
    ret->has_gap = after < forgotten || after > events->newest;
    if (after < forgotten)
        after = forgotten;
    while (after < events->newest && ret->count < EVENT_BATCH_MAX)
        ret->items[ret->count++] = events->ring[++after % EVENTS_MAX];
    (void) pthread_mutex_unlock(&events->lock);
}

void events_watch(struct events *events, void (*changed)(void *cookie), void *cookie)
{
    (void) pthread_mutex_lock(&events->lock);
    events->changed = changed;
    events->cookie = cookie;
    (void) pthread_mutex_unlock(&events->lock);
}
