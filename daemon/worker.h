/*
 * worker.h - the one thread that changes the database: takes a job, runs it, tells everybody.
 *
 * It settles the journal before anything else, and lets the recorder accept jobs only then. What
 * came of a registered job is in the journal before the job ends: the engine's word where there is
 * one, else the worker's.
 *
 * THREAD SAFETY: new, start, join and free by the main thread; the rest by any. What the worker
 * shares is either atomic (heartbeat, ends) or guarded by its lock (the record, whether it has
 * settled the journal).
 */
#pragma once

#include "daemon/queue.h"
#include "daemon/recorder.h"
#include "daemon/snapshot.h"
#include "engine/settings.h"

struct worker;

struct worker_options {
    const struct engine_settings *settings;
    struct queue *queue;
    struct snapshots *snapshots;
    struct recorder *recorder; /* opened once the journal is settled */
    void *wake_data;
    void (*wake)(void *wake_data); /* something happened that main should look at */
};

/* options' pointers must outlive the worker. */
struct worker *worker_new(const struct worker_options *options);
void worker_free(struct worker *worker); /* NULL is fine; joined before */

/* Start the thread; it takes jobs until the queue is closed. Fails ERR_INTERNAL. */
must_check bool worker_start(struct worker *worker, struct error *err);
void worker_join(struct worker *worker);

/* Whether the journal says of every earlier run and job what became of it; and wait until it does,
 * at most timeout_ms (somebody else may hold the schema lock). */
bool worker_has_settled(struct worker *worker);
bool worker_await_settled(struct worker *worker, uint32_t timeout_ms);

/* The queue was closed and the last job is over; joining does not wait. */
bool worker_has_ended(const struct worker *worker);

/* For the watchdog: for how long the worker has shown no life, in microseconds, beyond what waiting
 * for locks explains. 0 while it waits for a job, which it may do for ever; at least 1 while it
 * works. */
uint64_t worker_silence_us(const struct worker *worker);

/* What is remembered of runs and backups, for /status and /metrics. Plain value. */
struct worker_record {
    int64_t last_run_us; /* wall clock of its end; 0: none */
    uint64_t last_run_duration_us;
    bool last_run_succeeded;
    enum verb last_run_verb;
    enum run_outcome last_run_outcome;
    uint64_t lock_wait_count; /* jobs since start that took the schema lock, or gave it up */
    uint64_t lock_wait_sum_us;
    int64_t last_backup_us; /* 0: none */
    uint64_t last_backup_bytes;
    version_rows last_backup_rows;
};

/* A copy of the record, in the arena. */
void worker_record_read(struct worker *worker, struct arena *arena, struct worker_record *ret);
