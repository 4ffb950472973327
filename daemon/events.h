/*
 * events.h - the newest events in a ring, and one watcher who is told that there is another.
 *
 * An event is a whole state of its moment (api/backend.h), so a reader who lost some is told of the
 * gap and goes on with what is. Numbers begin at the wall clock in microseconds: they ascend from
 * start to start as well, and those of an earlier life are recognised as forgotten. Should the
 * clock have been set back meanwhile, an earlier life's number is ahead of all: forgotten, too.
 *
 * THREAD SAFETY: events_new and events_free aside, any thread. One lock guards everything; whoever
 * holds another lock of the daemon may take it. The watcher is called under it, and takes no lock
 * but the server's.
 */
#pragma once

#include "api/backend.h"

struct events;

#define EVENTS_MAX 1024 /* that are remembered */

/* No events yet; events_free frees it. */
struct events *events_new(void);
void events_free(struct events *events); /* NULL is fine; no thread uses it any more */

/* Add an event; its number and moment are filled in. Then tells the watcher. */
void events_add(struct events *events, const struct event *event);

/* What backend.h says. */
void events_read(struct events *events, uint64_t after, struct event_batch *ret);
void events_watch(struct events *events, void (*changed)(void *cookie), void *cookie);
