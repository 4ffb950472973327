/*
 * waits.c - requests that wait for a job to end.
 *
 * A wait is in one of three states: waiting (connection set), done or given up (connection resumed,
 * wait_end() is to come), orphaned (request gone, wait_done() is to come).
 */
#include "api/waits.h"

#include "base/oom.h"

#include <assert.h>
#include <stdlib.h>

struct wait {
    struct waits *all;
    struct wait *previous;
    struct wait *next;
    struct MHD_Connection *connection; /* suspended; NULL once resumed */
    bool is_done;
    bool is_orphan;
};

void waits_init(struct waits *waits)
{
    *waits = (struct waits){ 0 };
    pthread_mutex_init(&waits->lock, NULL);
}

static void unlink_and_free(struct wait *wait)
{
    if (wait->previous != NULL)
        wait->previous->next = wait->next;
    else
        wait->all->first = wait->next;
    if (wait->next != NULL)
        wait->next->previous = wait->previous;
    free(wait);
}

void waits_release(struct waits *waits)
{
    struct wait *wait = waits->first;

    while (wait != NULL) {
        struct wait *next = wait->next;

        assert(wait->is_orphan);
        free(wait);
        wait = next;
    }
    pthread_mutex_destroy(&waits->lock);
}

static void resume(struct wait *wait)
{
    if (wait->connection == NULL)
        return;
    MHD_resume_connection(wait->connection);
    wait->connection = NULL;
}

struct wait *wait_begin(struct waits *waits, struct MHD_Connection *connection)
{
    struct wait *wait = xcalloc(1, sizeof(*wait));

    wait->all = waits;
    wait->connection = connection;
    pthread_mutex_lock(&waits->lock);
    wait->next = waits->first;
    if (waits->first != NULL)
        waits->first->previous = wait;
    waits->first = wait;
    MHD_suspend_connection(connection);
    if (waits->is_abandoned)
        resume(wait);
    pthread_mutex_unlock(&waits->lock);
    return wait;
}

void wait_done(void *cookie)
{
    struct wait *wait = cookie;
    struct waits *waits = wait->all;

    pthread_mutex_lock(&waits->lock);
    wait->is_done = true;
    resume(wait);
    if (wait->is_orphan)
        unlink_and_free(wait);
    pthread_mutex_unlock(&waits->lock);
}

bool wait_end(struct wait *wait)
{
    struct waits *waits = wait->all;
    bool is_done = false;

    pthread_mutex_lock(&waits->lock);
    is_done = wait->is_done;
    wait->connection = NULL;
    if (is_done)
        unlink_and_free(wait);
    else
        wait->is_orphan = true;
    pthread_mutex_unlock(&waits->lock);
    return is_done;
}

void waits_abandon(struct waits *waits)
{
    pthread_mutex_lock(&waits->lock);
    waits->is_abandoned = true;
    for (struct wait *wait = waits->first; wait != NULL; wait = wait->next)
        resume(wait);
    pthread_mutex_unlock(&waits->lock);
}
