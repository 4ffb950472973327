/*
 * waits.c - requests that wait, and the timekeeper.
 *
 * For a job or a script a wait is over once no hook is to come any more; when its request ends
 * before, it is an orphan, and the last hook frees it.
 */
#include "api/waits.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/oom.h"

#include <assert.h>
#include <stdlib.h>

#define US_PER_S  1000000
#define NS_PER_US 1000

struct wait {
    struct waits *all;
    struct wait *previous;
    struct wait *next;
    struct MHD_Connection *connection; /* of the request */
    bool is_suspended;
    int64_t until_us;

    /* For news. */
    bool is_watcher;
    uint64_t seen;

    /* For a job or a script. */
    bool is_over; /* no hook is to come any more */
    bool is_orphan;
    struct wait_result result;
};

/* ---- Within the lock ---- */

static void add(struct waits *waits, struct wait *wait)
{
    wait->all = waits;
    wait->next = waits->first;
    if (waits->first != NULL)
        waits->first->previous = wait;
    waits->first = wait;
}

static void unlink_and_free(struct wait *wait)
{
    if (wait->previous != NULL)
        wait->previous->next = wait->next;
    else
        wait->all->first = wait->next;
    if (wait->next != NULL)
        wait->next->previous = wait->previous;
    free(wait->result.path);
    free(wait);
}

/* Whether what it waits for is there, or it waits no longer for it. */
static bool is_due(const struct wait *wait, int64_t now_us)
{
    if (wait->all->state == WAITS_ABANDONED)
        return true;
    if (wait->is_watcher)
        return wait->seen != wait->all->news || wait->until_us <= now_us;
    return wait->is_over || (wait->result.is_accepted && wait->until_us <= now_us);
}

static void resume(struct wait *wait)
{
    if (!wait->is_suspended)
        return;
    wait->is_suspended = false;
    MHD_resume_connection(wait->connection);
}

/* A moment that the timekeeper does not know of yet. */
static void note_moment(struct waits *waits, int64_t moment_us)
{
    if (moment_us >= waits->next_us)
        return;
    waits->next_us = moment_us;
    pthread_cond_signal(&waits->changed);
}

static void suspend(struct wait *wait)
{
    MHD_suspend_connection(wait->connection);
    wait->is_suspended = true;
    if (is_due(wait, clock_monotonic_us()))
        resume(wait);
    else if (wait->is_watcher)
        note_moment(wait->all, wait->until_us);
}

/* ---- The timekeeper ---- */

/* Resume whoever is due. Returns when the next one is. Until a job is accepted its wait has no
 * moment: wait_accepted() looks itself. */
static int64_t resume_due(const struct waits *waits)
{
    int64_t now_us = clock_monotonic_us();
    int64_t next_us = WAIT_FOR_EVER;

    for (struct wait *wait = waits->first; wait != NULL; wait = wait->next) {
        if (!wait->is_suspended)
            continue;
        if (is_due(wait, now_us))
            resume(wait);
        else if ((wait->is_watcher || wait->result.is_accepted) && wait->until_us < next_us)
            next_us = wait->until_us;
    }
    return next_us;
}

static void *keep_time(void *data)
{
    struct waits *waits = data;

    pthread_mutex_lock(&waits->lock);
    while (!waits->is_over) {
        /* Signalled, and when next_us is over, it looks again. */
        waits->next_us = resume_due(waits);
        if (waits->next_us == WAIT_FOR_EVER) {
            pthread_cond_wait(&waits->changed, &waits->lock);
        } else {
            struct timespec until = cond_deadline(waits->next_us);

            (void) pthread_cond_timedwait(&waits->changed, &waits->lock, &until);
        }
    }
    pthread_mutex_unlock(&waits->lock);
    return NULL;
}

/* ---- Birth and death ---- */

bool waits_init(struct waits *waits, unsigned watchers_max, struct error *err)
{
    int failure = 0;

    *waits = (struct waits){ .watchers_max = watchers_max, .next_us = WAIT_FOR_EVER };
    pthread_mutex_init(&waits->lock, NULL);
    cond_init(&waits->changed);
    failure = pthread_create(&waits->timekeeper, NULL, keep_time, waits);
    if (failure == 0)
        return true;
    pthread_cond_destroy(&waits->changed);
    pthread_mutex_destroy(&waits->lock);
    return error_set_errno(err, ERR_INTERNAL, failure, "could not start the timekeeper's thread");
}

void waits_release(struct waits *waits)
{
    pthread_mutex_lock(&waits->lock);
    waits->is_over = true;
    pthread_cond_signal(&waits->changed);
    pthread_mutex_unlock(&waits->lock);
    pthread_join(waits->timekeeper, NULL);
    for (struct wait *wait = waits->first, *next = NULL; wait != NULL; wait = next) {
        next = wait->next;
        assert(wait->is_orphan);
        unlink_and_free(wait);
    }
    pthread_cond_destroy(&waits->changed);
    pthread_mutex_destroy(&waits->lock);
}

void waits_changed(void *cookie)
{
    struct waits *waits = cookie;

    pthread_mutex_lock(&waits->lock);
    waits->news++;
    if (waits->watchers > 0)
        pthread_cond_signal(&waits->changed);
    pthread_mutex_unlock(&waits->lock);
}

static void set_state(struct waits *waits, enum waits_state state)
{
    pthread_mutex_lock(&waits->lock);
    waits->state = state;
    waits->news++;
    (void) resume_due(waits);
    pthread_mutex_unlock(&waits->lock);
}

void waits_stop(struct waits *waits)
{
    set_state(waits, WAITS_STOPPING);
}

void waits_abandon(struct waits *waits)
{
    set_state(waits, WAITS_ABANDONED);
}

enum waits_state waits_state_get(struct waits *waits)
{
    enum waits_state state = WAITS_SERVING;

    pthread_mutex_lock(&waits->lock);
    state = waits->state;
    pthread_mutex_unlock(&waits->lock);
    return state;
}

/* ---- For a job, for a script ---- */

struct wait *wait_for_job(struct waits *waits, struct MHD_Connection *connection, int64_t until_us)
{
    struct wait *wait = xcalloc(1, sizeof(*wait));

    wait->connection = connection;
    wait->until_us = until_us;
    pthread_mutex_lock(&waits->lock);
    add(waits, wait);
    suspend(wait);
    pthread_mutex_unlock(&waits->lock);
    return wait;
}

struct wait *wait_for_script(struct waits *waits, struct MHD_Connection *connection)
{
    return wait_for_job(waits, connection, WAIT_FOR_EVER);
}

/* After a hook: tell the request, or, when it is gone and this was the last hook, nobody. */
static void settle(struct wait *wait)
{
    if (wait->is_orphan && wait->is_over)
        unlink_and_free(wait);
    else if (is_due(wait, clock_monotonic_us()))
        resume(wait);
    else
        note_moment(wait->all, wait->until_us);
}

void wait_accepted(void *cookie, const struct acceptance *acceptance)
{
    struct wait *wait = cookie;
    struct waits *waits = wait->all;

    pthread_mutex_lock(&waits->lock);
    wait->result.is_accepted = true;
    wait->result.is_replay = acceptance->is_replay;
    memcpy(wait->result.id, acceptance->id, RUN_ID_SIZE);
    if (acceptance->error != NULL) {
        wait->result.refusal = *acceptance->error;
        wait->is_over = true;
    }
    settle(wait);
    pthread_mutex_unlock(&waits->lock);
}

void wait_ended(void *cookie)
{
    struct wait *wait = cookie;
    struct waits *waits = wait->all;

    pthread_mutex_lock(&waits->lock);
    wait->result.has_ended = true;
    wait->is_over = true;
    settle(wait);
    pthread_mutex_unlock(&waits->lock);
}

void wait_written(void *cookie, const char *id, const char *path, const struct error *error)
{
    struct wait *wait = cookie;
    struct waits *waits = wait->all;

    pthread_mutex_lock(&waits->lock);
    wait->result.is_accepted = true;
    wait->is_over = true;
    if (error != NULL) {
        wait->result.refusal = *error;
    } else {
        assert(strlen(id) <= REVISION_ID_MAX);
        memcpy(wait->result.revision, id, strlen(id) + 1);
        wait->result.path = xstrdup(path);
    }
    settle(wait);
    pthread_mutex_unlock(&waits->lock);
}

/* ---- For news ---- */

struct wait *wait_for_news(struct waits *waits, struct MHD_Connection *connection)
{
    struct wait *wait = xcalloc(1, sizeof(*wait));
    bool is_taken = false;

    wait->connection = connection;
    wait->is_watcher = true;
    wait->is_over = true;
    pthread_mutex_lock(&waits->lock);
    is_taken = waits->watchers < waits->watchers_max;
    if (is_taken) {
        waits->watchers++;
        add(waits, wait);
    }
    pthread_mutex_unlock(&waits->lock);
    if (is_taken)
        return wait;
    free(wait);
    return NULL;
}

uint64_t waits_news(struct waits *waits)
{
    uint64_t news = 0;

    pthread_mutex_lock(&waits->lock);
    news = waits->news;
    pthread_mutex_unlock(&waits->lock);
    return news;
}

void wait_pause(struct wait *wait, uint64_t seen, int64_t until_us)
{
    pthread_mutex_lock(&wait->all->lock);
    wait->seen = seen;
    wait->until_us = until_us;
    suspend(wait);
    pthread_mutex_unlock(&wait->all->lock);
}

/* ---- All ---- */

void wait_end(struct wait *wait, struct wait_result *ret)
{
    struct waits *waits = wait->all;

    pthread_mutex_lock(&waits->lock);
    assert(!wait->is_suspended);
    if (wait->is_watcher)
        waits->watchers--;
    if (ret != NULL) {
        *ret = wait->result;
        ret->path = take_ptr(wait->result.path);
        ret->is_given_up = !wait->is_over && wait->until_us > clock_monotonic_us();
    }
    if (wait->is_over)
        unlink_and_free(wait);
    else
        wait->is_orphan = true;
    pthread_mutex_unlock(&waits->lock);
}
