/*
 * recorder.h - the thread that writes down what http threads must not wait for: submissions, before
 * they are queued and before anybody is told (docs/adr/0020-jobs-are-registered.md); jobs that were
 * withdrawn before they began; requests that were refused; new scripts.
 *
 * It owns a registry (engine/registry.h), opened at the first need, so that a daemon which nobody
 * asks for anything makes no journal. What comes in waits in a bounded inbox until the worker has
 * settled what the last process left: a job that is registered before would be taken for one of
 * those.
 *
 * A submission, in this order: a key that is known gets the job it made; else refused because the
 * daemon stops, because of what it brings (If-Match), because the queue is full; else registered,
 * queued, accepted. Only this thread queues what is registered, so what it found true a moment ago
 * is true still, unless the daemon was told to stop in between: then the registration is taken
 * back.
 *
 * THREAD SAFETY: new, start, stop and free by the main thread; the rest by any. One lock guards the
 * inbox and is held for moving items only, never with another one. Hooks are called on the
 * recorder's thread, on the caller's when the submission is refused at once, or on the one that
 * ends the job; never under a lock. Order of stopping: the queue is closed (what waits is
 * withdrawn), the recorder is woken and ends the withdrawn jobs, the worker ends, then
 * recorder_stop: what is still in the inbox, and whatever comes later, is refused with
 * ERR_STOPPING; then the server, which by then has been told of every end it waits for.
 */
#pragma once

#include "daemon/queue.h"
#include "daemon/scripts.h"
#include "daemon/snapshot.h"

struct recorder;

#define RECORDER_SUBMISSIONS_MAX 256 /* in the inbox; beyond: ERR_QUEUE_FULL */
#define RECORDER_DENIALS_MAX     256 /* in the inbox; beyond they are dropped */
#define RECORDER_SCRIPTS_MAX     16  /* in the inbox; beyond: ERR_QUEUE_FULL */

/* All that is pointed at must outlive the recorder. */
struct recorder_options {
    const struct engine_settings *settings;
    struct queue *queue;
    struct snapshots *snapshots; /* which look at the scripts at once when there is a new one */
    struct script_policy scripts;
};

/* Copies the options; without a thread yet. */
struct recorder *recorder_new(const struct recorder_options *options);
void recorder_free(struct recorder *recorder); /* NULL is fine; stopped before */

/* Start the thread. Fails ERR_INTERNAL. */
must_check bool recorder_start(struct recorder *recorder, struct error *err);

/* The journal is settled: open the inbox. */
void recorder_open(struct recorder *recorder);

/* Jobs of the queue were withdrawn: end them. */
void recorder_wake(struct recorder *recorder);

/* Refuse what is in the inbox, write what was denied, end the thread. Fine when it never
 * started. */
void recorder_stop(struct recorder *recorder);

/* What backend.h says of submit and deny. */
void recorder_submit(struct recorder *recorder, const struct submission *submission,
                     const struct submit_hooks *hooks);
void recorder_deny(struct recorder *recorder, const struct denial *denial);

/* What backend.h says of script_submit. */
void recorder_script(struct recorder *recorder, const struct script_submission *submission,
                     const struct script_hooks *hooks);

/* Submissions that were answered by the job their key had made. */
uint64_t recorder_replays(const struct recorder *recorder);
