/*
 * queue.c - jobs in one list, newest first; at most QUEUE_LENGTH_MAX queued, one running,
 * QUEUE_HISTORY_MAX ended, so every search is short.
 */
#include "daemon/queue.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/oom.h"
#include "daemon/copy.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct job {
    struct job *older;
    struct arena arena;         /* of everything the job points to */
    struct run_request request; /* immutable */
    int64_t queued_us;          /* immutable */
    atomic_bool is_cancelled;

    /* Guarded by the queue's lock. */
    enum job_state state;
    struct run_progress progress;
    char goal[GOAL_SIZE];
    int64_t began_us; /* monotonic; 0 while queued */
    struct run_report report;
    job_done_fn done; /* NULL once called */
    void *cookie;
};

struct queue {
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

struct queue *queue_new(void)
{
    struct queue *queue = xcalloc(1, sizeof(*queue));
    pthread_condattr_t monotonic;

    (void) pthread_mutex_init(&queue->lock, NULL);
    (void) pthread_condattr_init(&monotonic);
    (void) pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&queue->is_changed, &monotonic);
    (void) pthread_condattr_destroy(&monotonic);
    return queue;
}

static void job_free(struct job *job)
{
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

static struct job *job_new(const struct run_request *request, job_done_fn done, void *cookie)
{
    struct job *job = xcalloc(1, sizeof(*job));
    struct run_report *report = &job->report;

    job->request = copy_request(request, &job->arena);
    if (job->request.id[0] == '\0')
        digest_random_hex(job->request.id, RUN_ID_SIZE - 1);
    job->queued_us = clock_wall_us();
    job->state = JOB_QUEUED;
    job->done = done;
    job->cookie = cookie;
    memcpy(report->id, job->request.id, RUN_ID_SIZE);
    report->verb = job->request.verb;
    report->outcome = RUN_UNFINISHED;
    report->target = job->request.target;
    report->actor = job->request.actor;
    report->reason = job->request.reason;
    if (report->target == NULL && job->request.stamps.count > 0)
        report->target = str_list_join(&job->request.stamps, " ", &job->arena);
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

static struct job *oldest_queued(const struct queue *queue)
{
    struct job *oldest = NULL;

    for (struct job *job = queue->newest; job != NULL; job = job->older)
        if (job->state == JOB_QUEUED)
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

/* What a waiting client is told after the lock was given back. */
struct farewell {
    job_done_fn done;
    void *cookie;
};

static struct farewell end_job(struct queue *queue, struct job *job, enum job_state state)
{
    struct farewell farewell = { job->done, job->cookie };

    job->done = NULL;
    job_move(queue, job, state);
    trim_history(queue);
    return farewell;
}

static struct farewell end_queued(struct queue *queue, struct job *job, enum error_code code)
{
    job->report.outcome = RUN_CANCELLED;
    (void) error_set(&job->report.error, code,
                     code == ERR_STOPPING ? "daemon stopped before the job began"
                                          : "job was cancelled before it began");
    return end_job(queue, job, JOB_CANCELLED);
}

static void say(const struct farewell *farewell)
{
    if (farewell->done != NULL)
        farewell->done(farewell->cookie);
}

static void view_of(const struct job *job, struct arena *arena, struct job_view *ret)
{
    uint64_t elapsed_us = 0;

    if (job->state == JOB_RUNNING)
        elapsed_us = (uint64_t) (clock_monotonic_us() - job->began_us);
    else if (job->state > JOB_RUNNING)
        elapsed_us = job->report.duration_us;
    *ret = (struct job_view){
        .state = job->state,
        .report = copy_report(&job->report, arena),
        .progress = job->progress,
        .queued_us = job->queued_us,
        .elapsed_us = elapsed_us,
    };
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

bool queue_submit(struct queue *queue, const struct run_request *request, job_done_fn done,
                  void *cookie, char *ret_id, struct error *err)
{
    struct job *job = job_new(request, done, cookie);
    bool is_queued;

    (void) pthread_mutex_lock(&queue->lock);
    is_queued = may_queue(queue, err);
    if (is_queued) {
        memcpy(ret_id, job->request.id, RUN_ID_SIZE);
        job->older = queue->newest;
        queue->newest = job;
        queue->queued_count++;
        (void) pthread_cond_signal(&queue->is_changed);
    }
    (void) pthread_mutex_unlock(&queue->lock);
    if (!is_queued)
        job_free(job);
    return is_queued;
}

void queue_close(struct queue *queue)
{
    struct farewell farewells[QUEUE_LENGTH_MAX];
    size_t count = 0;
    struct job *job;

    (void) pthread_mutex_lock(&queue->lock);
    queue->is_closed = true;
    while ((job = oldest_queued(queue)) != NULL)
        farewells[count++] = end_queued(queue, job, ERR_STOPPING);
    (void) pthread_cond_broadcast(&queue->is_changed);
    (void) pthread_mutex_unlock(&queue->lock);
    for (size_t i = 0; i < count; i++)
        say(&farewells[i]);
}

/* ---- The worker's side ---- */

static struct timespec deadline_in(uint32_t timeout_ms)
{
    struct timespec deadline;

    (void) clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += timeout_ms / 1000;
    deadline.tv_nsec += (long) (timeout_ms % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    return deadline;
}

enum queue_take queue_take(struct queue *queue, uint32_t timeout_ms, struct job **ret_job)
{
    struct timespec deadline = deadline_in(timeout_ms);
    enum queue_take taken;
    int rc = 0;

    (void) pthread_mutex_lock(&queue->lock);
    while (queue->queued_count == 0 && !queue->is_closed && rc == 0) {
        if (timeout_ms == 0)
            rc = pthread_cond_wait(&queue->is_changed, &queue->lock);
        else
            rc = pthread_cond_timedwait(&queue->is_changed, &queue->lock, &deadline);
    }
    if (queue->queued_count > 0) {
        assert(queue->running == NULL);
        queue->running = oldest_queued(queue);
        queue->running->began_us = clock_monotonic_us();
        job_move(queue, queue->running, JOB_RUNNING);
        *ret_job = queue->running;
        taken = QUEUE_JOB;
    } else {
        taken = queue->is_closed ? QUEUE_CLOSED : QUEUE_TIMEOUT;
    }
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

void queue_goal_set(struct queue *queue, struct job *job, const char *goal)
{
    (void) pthread_mutex_lock(&queue->lock);
    (void) snprintf(job->goal, sizeof(job->goal), "%s", goal);
    (void) pthread_mutex_unlock(&queue->lock);
}

bool queue_progress(struct queue *queue, struct job *job, const struct run_progress *progress)
{
    bool is_news;

    (void) pthread_mutex_lock(&queue->lock);
    is_news = job->progress.phase != progress->phase || job->progress.step != progress->step;
    job->progress = *progress;
    (void) pthread_mutex_unlock(&queue->lock);
    return is_news;
}

void queue_end(struct queue *queue, struct job *job, const struct run_report *report)
{
    enum job_state state = job_state_of(report->outcome);
    struct farewell farewell;

    if (state == JOB_RUNNING) /* it ended without saying how */
        state = JOB_FAILED;
    (void) pthread_mutex_lock(&queue->lock);
    assert(queue->running == job);
    queue->running = NULL;
    job->report = copy_report(report, &job->arena);
    job->progress.phase = PHASE_DONE;
    farewell = end_job(queue, job, state);
    (void) pthread_mutex_unlock(&queue->lock);
    say(&farewell);
}

/* ---- Cancelling ---- */

bool queue_cancel(struct queue *queue, const char *id, struct error *err)
{
    struct farewell farewell = { NULL, NULL };
    struct job *job;

    (void) pthread_mutex_lock(&queue->lock);
    job = find(queue, id);
    if (job != NULL && job->state == JOB_QUEUED)
        farewell = end_queued(queue, job, ERR_CANCELLED);
    else if (job != NULL && job->state == JOB_RUNNING)
        atomic_store(&job->is_cancelled, true);
    (void) pthread_mutex_unlock(&queue->lock);
    say(&farewell);
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

    *ret = (struct job_views){ arena_array(arena, struct job_view, max), 0 };
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
