/*
 * queue.h - the one bounded queue in which main, http, recorder and worker meet.
 *
 * A job's life; an arrow is a change that job_move() allows, anything else is a bug:
 *
 *                 queue_submit
 *                      |
 *                      v
 *   queue_cancel   +--------+  queue_take  +---------+  queue_end
 *   queue_close,---| queued |------------->| running |------------> succeeded, failed, cancelled
 *        |         +--------+              +---------+
 *        v
 *   withdrawn: still queued, but never taken
 *        |
 *        `---- queue_withdrawn_end ----> cancelled
 *
 * A withdrawn job is ended by the recorder, once the registry says so too: what a client was told
 * is what a restart remembers. Ended jobs are kept, the newest QUEUE_HISTORY_MAX of them; older
 * ones are in the journal.
 *
 * THREAD SAFETY: every function may be called by any thread. One mutex guards everything but a
 * job's cancel flag (atomic) and its request (immutable). It is held for copying and for adding an
 * event only: never across an `ended` callback, a call into SQLite, or I/O. Lock order of the
 * process: snapshots.look_lock, snapshots.lock, the queue's, the events', the server's; a thread
 * that holds one takes only later ones.
 */
#pragma once

#include "daemon/events.h"

struct queue;
struct job;

#define QUEUE_LENGTH_MAX  32
#define QUEUE_HISTORY_MAX 64

/* An empty, open queue, which adds what happens to jobs to the events; these must outlive it.
 * queue_free frees it. */
struct queue *queue_new(struct events *events);
void queue_free(struct queue *queue); /* NULL is fine; no thread uses it any more */

/*
 * Queue a request; it is copied.
 *
 * registered_us  when it was registered (engine/registry.h), wall clock; 0: it was not.
 * ret_id         RUN_ID_SIZE bytes: the request's id, or a new one.
 * Fails          ERR_QUEUE_FULL, ERR_STOPPING.
 */
must_check bool queue_submit(struct queue *queue, const struct run_request *request,
                             int64_t registered_us, char *ret_id, struct error *err);

/* Whether queue_submit would queue a job just now. Fails as queue_submit. */
must_check bool queue_check(struct queue *queue, struct error *err);

/* Call ended(cookie) once when this job ends, on the thread that ends it. False when it has ended,
 * or is not known here: then it is not called. */
must_check bool queue_await(struct queue *queue, const char *id, void (*ended)(void *cookie),
                            void *cookie);

/* No more jobs: submitting fails with ERR_STOPPING, queued ones are withdrawn, taking says
 * QUEUE_CLOSED. The running one goes on. Wake the recorder afterwards. */
void queue_close(struct queue *queue);

enum queue_take {
    QUEUE_JOB,
    QUEUE_TIMEOUT,
    QUEUE_CLOSED,
};

/*
 * Wait for the next job, and make it the running one. The worker only.
 *
 * timeout_ms  0: no limit.
 * ret_job     valid until queue_end.
 */
enum queue_take queue_take(struct queue *queue, uint32_t timeout_ms, struct job **ret_job);

/* The worker's side of its running job. */
const struct run_request *job_request(const struct job *job);
bool job_is_cancelled(const struct job *job);
bool job_is_registered(const struct job *job);
/* Say in words where the job leads ("c7f8a9b0d1e2"); cut when too long. */
void queue_goal_set(struct queue *queue, struct job *job, const char *goal);
/* Publish progress, with a permille that never goes backwards; true when phase or step changed. */
bool queue_progress(struct queue *queue, struct job *job, const struct run_progress *progress);
/* The job ended; the report is copied, and its outcome decides the state. Then tells who awaits
 * it. */
void queue_end(struct queue *queue, struct job *job, const struct run_report *report);

/* A queued job is withdrawn (wake the recorder afterwards), a running one ends as soon as it
 * notices, an ended one stays as it is. Fails ERR_JOB_UNKNOWN (also for jobs known to the journal
 * only). */
must_check bool queue_cancel(struct queue *queue, const char *id, struct error *err);
void queue_cancel_running(struct queue *queue);

/* The report with which the oldest withdrawn job is going to end, copied into the arena; its
 * queued_us is 0 when the job was never registered. False when none is withdrawn. */
bool queue_withdrawn_find(struct queue *queue, struct arena *arena, struct run_report *ret);
/* The withdrawn job ends with that report. Then tells who awaits it. */
void queue_withdrawn_end(struct queue *queue, const char *id);

/* A job as it is now, copied into the arena; false when it is not known here. */
bool queue_find(struct queue *queue, const char *id, struct arena *arena, struct job_view *ret);
/* All jobs known here, newest first, copied. */
void queue_list(struct queue *queue, struct arena *arena, struct job_views *ret);

#define GOAL_SIZE 160

/* What is going on, for a line of status. Plain value. */
struct queue_activity {
    bool has_running;
    char id[RUN_ID_SIZE]; /* of the running job */
    enum verb verb;
    char goal[GOAL_SIZE];
    struct run_progress progress;
    unsigned length; /* queued */
};

/* What is running, and how many wait. */
void queue_activity(struct queue *queue, struct queue_activity *ret);

/* Ended jobs by state, since start; jobs[] has JOB_INTERRUPTED + 1 places. */
void queue_counts(struct queue *queue, uint64_t *jobs, unsigned *ret_length);
