/*
 * queue.c - jobs in one list, newest first; at most QUEUE_LENGTH_MAX queued, one running,
 * QUEUE_HISTORY_MAX ended, so every search is short.
 */
#include "daemon/queue.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/digest.h"
#include "base/oom.h"
#include "daemon/copy.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERMILLE_ALL       1000
#define EVENT_INTERVAL_US  100000  /* between two events of a job in one phase and step */
#define SIGN_OF_LIFE_US    1000000 /* a run that was not heard of for longer may not hear either */
#define FORESIGHT_US       1000000 /* before that, and less than FORESIGHT_PERMILLE: */
#define FORESIGHT_PERMILLE 50      /* nobody knows how long it takes */

/* Somebody who is told of the end. */
struct waiter {
    struct waiter *next;
    void (*ended)(void *cookie);
    void *cookie;
};

struct job {
    struct job *older;
    struct arena arena;         /* of everything the job points to but its waiters */
    struct run_request request; /* immutable */
    int64_t registered_us;      /* immutable; wall clock; 0: never */
    int64_t queued_us;          /* immutable; wall clock */
    atomic_bool is_cancelled;

    /* Guarded by the queue's lock. Times are monotonic, 0: not yet. */
    enum job_state state;
    enum error_code withdrawn; /* why it is never taken; ERR_OK: it will be */
    struct run_progress progress;
    char goal[GOAL_SIZE];
    int64_t began_us;
    int64_t heard_us;  /* when it told its progress last */
    int64_t backup_us; /* when its backup began */
    int64_t moved_us;  /* when permille moved last */
    int64_t told_us;   /* when it was an event last */
    struct run_report report;
    struct waiter *waiters;
};

struct queue {
    struct events *events; /* immutable */
    pthread_mutex_t lock;
    pthread_cond_t is_changed; /* a job was queued, or the queue was closed */

    /* Guarded by lock. */
    struct job *newest;
    struct job *running;
    unsigned queued_count;
    unsigned ended_count;
    uint64_t ended[JOB_INTERRUPTED + 1];
    bool is_closed;
};

/* ---- Birth and death ---- */

struct queue *queue_new(struct events *events)
{
    struct queue *queue = xcalloc(1, sizeof(*queue));

    queue->events = events;
    (void) pthread_mutex_init(&queue->lock, NULL);
    cond_init(&queue->is_changed);
    return queue;
}

static void job_free(struct job *job)
{
    assert(job->waiters == NULL);
    arena_release(&job->arena);
    free(job);
}

void queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    while (queue->newest != NULL) {
        struct job *older = queue->newest->older;

        job_free(queue->newest);
        queue->newest = older;
    }
    (void) pthread_cond_destroy(&queue->is_changed);
    (void) pthread_mutex_destroy(&queue->lock);
    free(queue);
}

static struct job *job_new(const struct run_request *request, int64_t registered_us)
{
    struct job *job = xcalloc(1, sizeof(*job));
    struct run_report *report = &job->report;

    job->request = copy_request(request, &job->arena);
    if (job->request.id[0] == '\0')
        digest_random_hex(job->request.id, RUN_ID_SIZE - 1);
    job->registered_us = registered_us;
    job->queued_us = registered_us != 0 ? registered_us : clock_wall_us();
    job->state = JOB_QUEUED;
    memcpy(report->id, job->request.id, RUN_ID_SIZE);
    report->verb = job->request.verb;
    report->outcome = RUN_UNFINISHED;
    report->target = copy_target(&job->request, &job->arena);
    report->actor = job->request.actor;
    report->reason = job->request.reason;
    report->queued_us = registered_us;
    return job;
}

/* ---- Within the lock ---- */

static void job_move(struct queue *queue, struct job *job, enum job_state to)
{
    bool is_allowed = (job->state == JOB_QUEUED && (to == JOB_RUNNING || to == JOB_CANCELLED)) ||
                      (job->state == JOB_RUNNING && to > JOB_RUNNING);

    assert(is_allowed);
    (void) is_allowed;
    if (job->state == JOB_QUEUED)
        queue->queued_count--;
    job->state = to;
    if (to == JOB_RUNNING)
        return;
    queue->ended_count++;
    queue->ended[to]++;
}

static struct job *find(const struct queue *queue, const char *id)
{
    for (struct job *job = queue->newest; job != NULL; job = job->older)
        if (strcmp(job->request.id, id) == 0)
            return job;
    return NULL;
}

/* Of those that will be taken, or of those that were withdrawn. */
static struct job *oldest_queued(const struct queue *queue, bool is_withdrawn)
{
    struct job *oldest = NULL;

    for (struct job *job = queue->newest; job != NULL; job = job->older)
        if (job->state == JOB_QUEUED && (job->withdrawn != ERR_OK) == is_withdrawn)
            oldest = job;
    return oldest;
}

/* Forget the oldest ended jobs beyond the maximum. */
static void trim_history(struct queue *queue)
{
    while (queue->ended_count > QUEUE_HISTORY_MAX) {
        struct job **oldest = NULL;

        for (struct job **link = &queue->newest; *link != NULL; link = &(*link)->older)
            if ((*link)->state > JOB_RUNNING)
                oldest = link;
        assert(oldest != NULL);
        struct job *job = *oldest;
        *oldest = job->older;
        queue->ended_count--;
        job_free(job);
    }
}

/* ---- How a job looks, within the lock ---- */

/*
 * Only of a backup is known how much is left: its permille grows evenly with the pages copied, and
 * stands still at 700 while the copy is verified (store/backup.c). What it took to come as far as
 * it is, continued; once that is over, nobody knows.
 */
static int64_t remaining_of(const struct job *job, int64_t now_us)
{
    int64_t took_us = job->moved_us - job->backup_us;
    unsigned permille = job->progress.permille;
    int64_t left_us;

    if (job->request.verb != VERB_BACKUP || job->progress.phase != PHASE_BACKUP ||
        took_us < FORESIGHT_US || permille < FORESIGHT_PERMILLE)
        return -1;
    left_us = took_us * PERMILLE_ALL / permille - (now_us - job->backup_us);
    return left_us >= 0 ? left_us : -1;
}

static bool is_interruptible(const struct job *job, int64_t now_us)
{
    if (job->state == JOB_QUEUED)
        return true;
    return job->progress.phase != PHASE_COMMITTING && job->progress.phase != PHASE_DONE &&
           now_us - job->heard_us <= SIGN_OF_LIFE_US;
}

/* Points into the job. One that ended looks as it will from the journal. */
static struct job_view look_at(const struct job *job)
{
    int64_t now_us = clock_monotonic_us();

    if (job->state > JOB_RUNNING)
        return job_view_of_run(&job->report);
    return (struct job_view){
        .state = job->state,
        .report = job->report,
        .progress = job->progress,
        .queued_us = job->queued_us,
        .elapsed_us = job->state == JOB_RUNNING ? (uint64_t) (now_us - job->began_us) : 0,
        .remaining_us = remaining_of(job, now_us),
        .is_cancel_requested = job->withdrawn != ERR_OK || atomic_load(&job->is_cancelled),
        .is_interruptible = is_interruptible(job, now_us),
    };
}

static void view_of(const struct job *job, struct arena *arena, struct job_view *ret)
{
    *ret = look_at(job);
    ret->report = copy_report(&job->report, arena);
}

static void add_event(struct queue *queue, struct job *job)
{
    struct job_view view = look_at(job);
    struct event event = {
        .kind = EVENT_JOB,
        .state = view.state,
        .progress = view.progress,
        .elapsed_us = view.elapsed_us,
        .remaining_us = view.remaining_us,
    };

    memcpy(event.job, job->request.id, RUN_ID_SIZE);
    job->told_us = clock_monotonic_us();
    events_add(queue->events, &event);
}

/* ---- The end of a job ---- */

/* Within the lock; returns whom to tell once it was given back. */
static struct waiter *end_job(struct queue *queue, struct job *job, const struct run_report *report)
{
    struct waiter *waiters = take_ptr(job->waiters);

    job->report = copy_report(report, &job->arena);
    job->report.queued_us = job->registered_us;
    if (job->report.outcome == RUN_UNFINISHED) /* it ended without saying how */
        job->report.outcome = RUN_FAILED;
    job_move(queue, job, job_state_of(job->report.outcome));
    add_event(queue, job);
    trim_history(queue);
    return waiters;
}

static void tell_waiters(struct waiter *waiters)
{
    while (waiters != NULL) {
        struct waiter *next = waiters->next;

        waiters->ended(waiters->cookie);
        free(waiters);
        waiters = next;
    }
}

static struct run_report withdrawn_report(const struct job *job)
{
    struct run_report report = job->report;

    report.outcome = RUN_CANCELLED;
    report.started_us = job->queued_us;
    (void) error_set(&report.error, job->withdrawn,
                     job->withdrawn == ERR_STOPPING ? "daemon stopped before the job began"
                                                    : "job was cancelled before it began");
    return report;
}

bool queue_withdrawn_find(struct queue *queue, struct arena *arena, struct run_report *ret)
{
    struct job *job;

    (void) pthread_mutex_lock(&queue->lock);
    job = oldest_queued(queue, true);
    if (job != NULL) {
        struct run_report report = withdrawn_report(job);

        *ret = copy_report(&report, arena);
    }
    (void) pthread_mutex_unlock(&queue->lock);
    return job != NULL;
}

void queue_withdrawn_end(struct queue *queue, const char *id)
{
    struct waiter *waiters;
    struct run_report report;
    struct job *job;

    (void) pthread_mutex_lock(&queue->lock);
    job = find(queue, id);
    assert(job != NULL && job->withdrawn != ERR_OK);
    report = withdrawn_report(job);
    waiters = end_job(queue, job, &report);
    (void) pthread_mutex_unlock(&queue->lock);
    tell_waiters(waiters);
}

/* ---- Submitting ---- */

static bool may_queue(const struct queue *queue, struct error *err)
{
    if (queue->is_closed)
        return error_set(err, ERR_STOPPING, "daemon is stopping");
    if (queue->queued_count < QUEUE_LENGTH_MAX)
        return true;
    (void) error_set(err, ERR_QUEUE_FULL, "%u jobs are waiting already", queue->queued_count);
    return error_hint(err, "Try again when some of them have ended.");
}

bool queue_check(struct queue *queue, struct error *err)
{
    bool may;

    (void) pthread_mutex_lock(&queue->lock);
    may = may_queue(queue, err);
    (void) pthread_mutex_unlock(&queue->lock);
    return may;
}

bool queue_submit(struct queue *queue, const struct run_request *request, int64_t registered_us,
                  char *ret_id, struct error *err)
{
    struct job *job = job_new(request, registered_us);
    bool is_queued;

    (void) pthread_mutex_lock(&queue->lock);
    is_queued = may_queue(queue, err);
    if (is_queued) {
        memcpy(ret_id, job->request.id, RUN_ID_SIZE);
        job->older = queue->newest;
        queue->newest = job;
        queue->queued_count++;
        add_event(queue, job);
        (void) pthread_cond_signal(&queue->is_changed);
    }
    (void) pthread_mutex_unlock(&queue->lock);
    if (!is_queued)
        job_free(job);
    return is_queued;
}

bool queue_await(struct queue *queue, const char *id, void (*ended)(void *cookie), void *cookie)
{
    struct job *job;
    bool is_awaited;

    (void) pthread_mutex_lock(&queue->lock);
    job = find(queue, id);
    is_awaited = job != NULL && job->state <= JOB_RUNNING;
    if (is_awaited) {
        struct waiter *waiter = xmalloc(sizeof(*waiter));

        *waiter = (struct waiter){ job->waiters, ended, cookie };
        job->waiters = waiter;
    }
    (void) pthread_mutex_unlock(&queue->lock);
    return is_awaited;
}

void queue_close(struct queue *queue)
{
    struct job *job;

    (void) pthread_mutex_lock(&queue->lock);
    queue->is_closed = true;
    while ((job = oldest_queued(queue, false)) != NULL)
        job->withdrawn = ERR_STOPPING;
    (void) pthread_cond_broadcast(&queue->is_changed);
    (void) pthread_mutex_unlock(&queue->lock);
}

/* ---- The worker's side ---- */

static void begin_job(struct queue *queue, struct job *job)
{
    assert(queue->running == NULL);
    queue->running = job;
    job->began_us = job->heard_us = clock_monotonic_us();
    job->report.started_us = clock_wall_us();
    job_move(queue, job, JOB_RUNNING);
    add_event(queue, job);
}

enum queue_take queue_take(struct queue *queue, uint32_t timeout_ms, struct job **ret_job)
{
    struct timespec deadline = cond_deadline(clock_monotonic_us() + (int64_t) timeout_ms * 1000);
    enum queue_take taken = QUEUE_JOB;
    struct job *job;
    int rc = 0;

    (void) pthread_mutex_lock(&queue->lock);
    while ((job = oldest_queued(queue, false)) == NULL && !queue->is_closed && rc == 0) {
        if (timeout_ms == 0)
            rc = pthread_cond_wait(&queue->is_changed, &queue->lock);
        else
            rc = pthread_cond_timedwait(&queue->is_changed, &queue->lock, &deadline);
    }
    if (job != NULL)
        begin_job(queue, *ret_job = job);
    else
        taken = queue->is_closed ? QUEUE_CLOSED : QUEUE_TIMEOUT;
    (void) pthread_mutex_unlock(&queue->lock);
    return taken;
}

const struct run_request *job_request(const struct job *job)
{
    return &job->request;
}

bool job_is_cancelled(const struct job *job)
{
    return atomic_load(&job->is_cancelled);
}

bool job_is_registered(const struct job *job)
{
    return job->registered_us != 0;
}

void queue_goal_set(struct queue *queue, struct job *job, const char *goal)
{
    (void) pthread_mutex_lock(&queue->lock);
    (void) snprintf(job->goal, sizeof(job->goal), "%s", goal);
    (void) pthread_mutex_unlock(&queue->lock);
}

/* Within the lock. */
static void advance(struct job *job, const struct run_progress *progress)
{
    unsigned permille = job->progress.permille;
    int64_t now_us = clock_monotonic_us();

    job->heard_us = now_us;
    if (progress->phase == PHASE_BACKUP && job->progress.phase != PHASE_BACKUP)
        job->backup_us = now_us;
    if (progress->permille > permille)
        job->moved_us = now_us;
    job->progress = *progress;
    if (progress->permille < permille)
        job->progress.permille = permille;
}

bool queue_progress(struct queue *queue, struct job *job, const struct run_progress *progress)
{
    bool is_news;

    (void) pthread_mutex_lock(&queue->lock);
    is_news = job->progress.phase != progress->phase || job->progress.step != progress->step;
    advance(job, progress);
    if (is_news || job->heard_us - job->told_us >= EVENT_INTERVAL_US)
        add_event(queue, job);
    (void) pthread_mutex_unlock(&queue->lock);
    return is_news;
}

void queue_end(struct queue *queue, struct job *job, const struct run_report *report)
{
    struct waiter *waiters;

    (void) pthread_mutex_lock(&queue->lock);
    assert(queue->running == job);
    queue->running = NULL;
    waiters = end_job(queue, job, report);
    (void) pthread_mutex_unlock(&queue->lock);
    tell_waiters(waiters);
}

/* ---- Cancelling ---- */

bool queue_cancel(struct queue *queue, const char *id, struct error *err)
{
    struct job *job;

    (void) pthread_mutex_lock(&queue->lock);
    job = find(queue, id);
    if (job != NULL && job->state == JOB_QUEUED && job->withdrawn == ERR_OK)
        job->withdrawn = ERR_CANCELLED;
    else if (job != NULL && job->state == JOB_RUNNING)
        atomic_store(&job->is_cancelled, true);
    (void) pthread_mutex_unlock(&queue->lock);
    return job != NULL || error_set(err, ERR_JOB_UNKNOWN, "job '%s' is not known", id);
}

void queue_cancel_running(struct queue *queue)
{
    (void) pthread_mutex_lock(&queue->lock);
    if (queue->running != NULL)
        atomic_store(&queue->running->is_cancelled, true);
    (void) pthread_mutex_unlock(&queue->lock);
}

/* ---- Looking ---- */

bool queue_find(struct queue *queue, const char *id, struct arena *arena, struct job_view *ret)
{
    struct job *job;

    (void) pthread_mutex_lock(&queue->lock);
    job = find(queue, id);
    if (job != NULL)
        view_of(job, arena, ret);
    (void) pthread_mutex_unlock(&queue->lock);
    return job != NULL;
}

void queue_list(struct queue *queue, struct arena *arena, struct job_views *ret)
{
    size_t max = QUEUE_LENGTH_MAX + 1 + QUEUE_HISTORY_MAX;

    *ret = (struct job_views){ .items = arena_array(arena, struct job_view, max) };
    (void) pthread_mutex_lock(&queue->lock);
    for (struct job *job = queue->newest; job != NULL; job = job->older) {
        assert(ret->count < max);
        view_of(job, arena, &ret->items[ret->count++]);
    }
    (void) pthread_mutex_unlock(&queue->lock);
}

void queue_activity(struct queue *queue, struct queue_activity *ret)
{
    *ret = (struct queue_activity){ .has_running = false };
    (void) pthread_mutex_lock(&queue->lock);
    ret->length = queue->queued_count;
    if (queue->running != NULL) {
        ret->has_running = true;
        memcpy(ret->id, queue->running->request.id, RUN_ID_SIZE);
        ret->verb = queue->running->request.verb;
        ret->progress = queue->running->progress;
        memcpy(ret->goal, queue->running->goal, GOAL_SIZE);
    }
    (void) pthread_mutex_unlock(&queue->lock);
}

void queue_counts(struct queue *queue, uint64_t *jobs, unsigned *ret_length)
{
    (void) pthread_mutex_lock(&queue->lock);
    memcpy(jobs, queue->ended, sizeof(queue->ended));
    *ret_length = queue->queued_count;
    (void) pthread_mutex_unlock(&queue->lock);
}
