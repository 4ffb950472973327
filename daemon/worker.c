/*
 * worker.c - the loop of the worker thread, and the hooks by which a run tells how far it is.
 */
#include "daemon/worker.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/oom.h"
#include "daemon/copy.h"
#include "daemon/log.h"
#include "daemon/preview.h"
#include "engine/registry.h"
#include "engine/run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#define NOT_READY_LOOK_MS 500 /* who else may have brought the schema where it should be? */

struct worker {
    struct worker_options options; /* immutable */
    pthread_t thread;
    atomic_bool has_ended;
    atomic_int_least64_t alive_us;    /* monotonic; 0 while idle */
    atomic_int_least64_t patience_us; /* how long the job at hand may wait for a lock, silently */
    struct registry *registry;        /* the thread's own; NULL: not open */

    pthread_mutex_t lock;
    pthread_cond_t settled; /* monotonic clock */
    /* Guarded by lock. */
    bool has_settled;
    struct worker_record record;
    struct arena backup_arena; /* of record.last_backup_rows */
};

/* One job in the hands of the worker: what its hooks need. */
struct running {
    struct worker *worker;
    struct job *job;
};

static void wake(const struct worker *worker)
{
    worker->options.wake(worker->options.wake_data);
}

static void show_life(struct worker *worker)
{
    atomic_store(&worker->alive_us, clock_monotonic_us());
}

/* ---- Hooks, called on this thread by engine and store ---- */

static void on_progress(void *data, const struct run_progress *progress)
{
    const struct running *running = data;

    show_life(running->worker);
    if (queue_progress(running->worker->options.queue, running->job, progress))
        wake(running->worker);
}

static bool on_is_cancelled(void *data)
{
    const struct running *running = data;

    return job_is_cancelled(running->job);
}

static void on_committed(void *data, const version_rows *rows)
{
    const struct running *running = data;

    snapshots_note_rows(running->worker->options.snapshots, rows);
    wake(running->worker);
}

/* ---- Telling ---- */

static const char *rows_text(const version_rows *rows, struct arena *arena)
{
    return rows->count > 0 ? str_list_join(rows, ", ", arena) : "base";
}

static void tell_success(const struct run_report *report, struct log_facts *facts,
                         struct arena *arena)
{
    const char *message;

    if (report->outcome == RUN_NOTHING_TO_DO)
        message = arena_printf(arena, "%s for %s: nothing to do at %s", facts->verb, facts->actor,
                               facts->to);
    else if (report->verb == VERB_BACKUP)
        message = arena_printf(arena, "backup for %s: %s", facts->actor,
                               report->backup != NULL ? report->backup : "none");
    else
        message =
            arena_printf(arena, "%s for %s: %s -> %s, %zu step%s in %.1f ms%s", facts->verb,
                         facts->actor, facts->from, facts->to, report->step_count,
                         report->step_count == 1 ? "" : "s", (double) report->duration_us / 1000.0,
                         report->outcome == RUN_PLANNED ? " (dry run)" : "");
    log_event(LOG_EVENT_RUN_SUCCEEDED, LOG_INFO, facts, message);
    if (report->warning != NULL)
        log_print(LOG_WARNING, "%s", report->warning);
}

static void tell_failure(const struct run_report *report, struct log_facts *facts,
                         struct arena *arena)
{
    const struct error *error = &report->error;
    char text[1024];

    error_format(error, text, sizeof(text));
    facts->code = error_slug(error->code);
    facts->revision = error->revision;
    facts->file = error->file;
    facts->line = error->line;
    log_event(LOG_EVENT_RUN_FAILED, error->code == ERR_CANCELLED ? LOG_NOTICE : LOG_ERR, facts,
              arena_printf(arena, "%s for %s %s: %s%s%s", facts->verb, facts->actor,
                           run_outcome_name(report->outcome), text,
                           error->hint[0] != '\0' ? "; hint: " : "", error->hint));
}

static void tell(const struct run_report *report, struct arena *arena)
{
    struct log_facts facts = {
        .run = report->id,
        .verb = verb_name(report->verb),
        .actor = report->actor != NULL ? report->actor : "somebody",
        .from = rows_text(&report->rows_before, arena),
        .to = rows_text(&report->rows_after, arena),
    };

    if (report->error.code == ERR_OK)
        tell_success(report, &facts, arena);
    else
        tell_failure(report, &facts, arena);
}

/* ---- Remembering ---- */

static void remember_backup(struct worker *worker, const struct backup_info *backup)
{
    (void) pthread_mutex_lock(&worker->lock);
    arena_release(&worker->backup_arena);
    worker->record.last_backup_us = backup->created_us;
    worker->record.last_backup_bytes = backup->bytes;
    worker->record.last_backup_rows = copy_texts(&backup->rows, &worker->backup_arena);
    (void) pthread_mutex_unlock(&worker->lock);
}

static void remember_backups(struct worker *worker)
{
    static const struct backup_info none;
    struct arena cleanup(arena_release) arena = { 0 };
    struct error err = { .code = ERR_OK };
    struct backup_infos backups;

    if (engine_backups(worker->options.settings, &arena, &backups, &err))
        remember_backup(worker, backups.count > 0 ? &backups.items[0] : &none);
    else
        log_print(LOG_WARNING, "%s", err.detail);
}

static void remember_run(struct worker *worker, const struct run_report *report)
{
    struct worker_record *record = &worker->record;

    if (report->outcome == RUN_NOTHING_TO_DO || report->outcome == RUN_PLANNED)
        return;
    (void) pthread_mutex_lock(&worker->lock);
    record->last_run_us = report->started_us + (int64_t) report->duration_us;
    record->last_run_duration_us = report->duration_us;
    record->last_run_succeeded = report->outcome == RUN_SUCCEEDED;
    record->last_run_verb = report->verb;
    record->last_run_outcome = report->outcome;
    (void) pthread_mutex_unlock(&worker->lock);
}

/* Taking the lock takes some time, however short. */
static void remember_lock_wait(struct worker *worker, uint64_t lock_wait_us)
{
    (void) pthread_mutex_lock(&worker->lock);
    worker->record.lock_wait_count += lock_wait_us > 0;
    worker->record.lock_wait_sum_us += lock_wait_us;
    (void) pthread_mutex_unlock(&worker->lock);
}

static void remember_from_journal(struct worker *worker)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct error err = { .code = ERR_OK };
    struct run_report report;
    bool is_found = false;

    remember_backups(worker);
    if (!engine_run_last(worker->options.settings, &arena, &report, &is_found, &err))
        log_print(LOG_WARNING, "%s", err.detail);
    else if (is_found)
        remember_run(worker, &report);
}

static void remember(struct worker *worker, const struct run_report *report)
{
    remember_run(worker, report);
    remember_lock_wait(worker, report->lock_wait_us);
    if (report->backup != NULL)
        remember_backups(worker);
}

/* ---- The registry ---- */

static bool open_registry(struct worker *worker, struct error *err)
{
    return worker->registry != NULL ||
           registry_open(worker->options.settings, &worker->registry, err);
}

/* Before the job ends, so that whoever was answered is answered the same after a crash. A success
 * is the engine's to write; what else it wrote itself, the registry leaves as it is. */
static void record_outcome(struct worker *worker, const struct job *job,
                           const struct run_report *report)
{
    struct error err = { .code = ERR_OK };

    if (!job_is_registered(job) || report->outcome == RUN_SUCCEEDED)
        return;
    if (open_registry(worker, &err) && registry_outcome_write(worker->registry, report, &err))
        return;
    log_print(LOG_WARNING, "what became of job %s could not be journalled: %s", report->id,
              err.detail);
}

/* ---- The loop ---- */

static void say_goal(struct worker *worker, struct job *job, struct arena *arena)
{
    struct snapshots *snapshots = worker->options.snapshots;
    struct snapshot snapshot;

    snapshots_refresh_now(snapshots); /* the run will read the newest scripts, too */
    snapshots_take(snapshots, arena, &snapshot);
    queue_goal_set(worker->options.queue, job, preview_goal(&snapshot, job_request(job), arena));
    snapshots_release(snapshots, &snapshot);
}

static bool are_rows_current(const struct run_report *report)
{
    return report->verb != VERB_BACKUP &&
           (report->outcome == RUN_SUCCEEDED ||
            (report->outcome == RUN_NOTHING_TO_DO && report->rows_after.count > 0));
}

static int64_t patience_of(const struct worker *worker, const struct run_request *request)
{
    uint32_t timeout_ms = request->lock_timeout_ms != 0 ? request->lock_timeout_ms
                                                        : worker->options.settings->lock_timeout_ms;

    return (int64_t) timeout_ms * 1000;
}

static void run_job(struct worker *worker, struct job *job)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct running running = { worker, job };
    struct run_hooks hooks = { &running, on_progress, on_is_cancelled, on_committed };
    struct run_report report = { .outcome = RUN_FAILED };
    struct error err = { .code = ERR_OK };

    atomic_store(&worker->patience_us, patience_of(worker, job_request(job)));
    show_life(worker);
    say_goal(worker, job, &arena);
    wake(worker);
    if (!engine_run(worker->options.settings, job_request(job), &hooks, &arena, &report, &err) &&
        report.error.code == ERR_OK)
        report.error = err;
    tell(&report, &arena);
    if (are_rows_current(&report))
        snapshots_note_rows(worker->options.snapshots, &report.rows_after);
    else
        snapshots_refresh_now(worker->options.snapshots);
    remember(worker, &report);
    record_outcome(worker, job, &report);
    queue_end(worker->options.queue, job, &report);
    atomic_store(&worker->alive_us, 0);
    wake(worker);
}

static void settle_runs(struct worker *worker)
{
    struct error err = { .code = ERR_OK };
    unsigned settled = 0;

    if (!engine_recover(worker->options.settings, &settled, &err))
        log_print(LOG_WARNING, "could not settle the journal: %s", err.detail);
    else if (settled > 0)
        log_print(LOG_NOTICE, "settled %u runs that the journal had left open", settled);
}

/* Jobs that were accepted and never began. */
static void settle_jobs(struct worker *worker)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct error err = { .code = ERR_OK };
    struct snapshot snapshot;
    unsigned settled = 0;

    if (!registry_exists(worker->options.settings))
        return;
    snapshots_take(worker->options.snapshots, &arena, &snapshot);
    if (!open_registry(worker, &err) ||
        !registry_settle(worker->registry, snapshot.rows_tag != 0 ? &snapshot.current.rows : NULL,
                         &settled, &err))
        log_print(LOG_WARNING, "could not settle the jobs of the journal: %s", err.detail);
    snapshots_release(worker->options.snapshots, &snapshot);
    if (settled > 0)
        log_print(LOG_NOTICE, "jobs that were accepted and never began, now interrupted: %u",
                  settled);
}

static void settle_journal(struct worker *worker)
{
    atomic_store(&worker->patience_us, (int64_t) worker->options.settings->lock_timeout_ms * 1000);
    show_life(worker);
    settle_runs(worker);
    settle_jobs(worker);
    remember_from_journal(worker);
    atomic_store(&worker->alive_us, 0);
    recorder_open(worker->options.recorder);
    (void) pthread_mutex_lock(&worker->lock);
    worker->has_settled = true;
    (void) pthread_cond_signal(&worker->settled);
    (void) pthread_mutex_unlock(&worker->lock);
}

static void *worker_main(void *data)
{
    struct worker *worker = data;
    enum queue_take taken;
    struct job *job;

    settle_journal(worker);
    do {
        bool is_ready = snapshots_is_ready(worker->options.snapshots);

        taken = queue_take(worker->options.queue, is_ready ? 0 : NOT_READY_LOOK_MS, &job);
        if (taken == QUEUE_JOB)
            run_job(worker, job);
        else if (taken == QUEUE_TIMEOUT)
            snapshots_refresh(worker->options.snapshots);
    } while (taken != QUEUE_CLOSED);
    registry_close(take_ptr(worker->registry));
    atomic_store(&worker->has_ended, true);
    wake(worker);
    return NULL;
}

/* ---- For other threads ---- */

struct worker *worker_new(const struct worker_options *options)
{
    struct worker *worker = xcalloc(1, sizeof(*worker));

    worker->options = *options;
    (void) pthread_mutex_init(&worker->lock, NULL);
    cond_init(&worker->settled);
    return worker;
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    arena_release(&worker->backup_arena);
    (void) pthread_cond_destroy(&worker->settled);
    (void) pthread_mutex_destroy(&worker->lock);
    free(worker);
}

bool worker_start(struct worker *worker, struct error *err)
{
    int rc = pthread_create(&worker->thread, NULL, worker_main, worker);

    if (rc != 0)
        return error_set_errno(err, ERR_INTERNAL, rc, "could not start the worker thread");
    (void) pthread_setname_np(worker->thread, "worker");
    return true;
}

void worker_join(struct worker *worker)
{
    (void) pthread_join(worker->thread, NULL);
}

bool worker_has_settled(struct worker *worker)
{
    return worker_await_settled(worker, 0);
}

bool worker_await_settled(struct worker *worker, uint32_t timeout_ms)
{
    struct timespec deadline = cond_deadline(clock_monotonic_us() + (int64_t) timeout_ms * 1000);
    bool has_settled = false;
    int rc = 0;

    (void) pthread_mutex_lock(&worker->lock);
    while (!worker->has_settled && rc == 0)
        rc = pthread_cond_timedwait(&worker->settled, &worker->lock, &deadline);
    has_settled = worker->has_settled;
    (void) pthread_mutex_unlock(&worker->lock);
    return has_settled;
}

bool worker_has_ended(const struct worker *worker)
{
    return atomic_load(&worker->has_ended);
}

uint64_t worker_silence_us(const struct worker *worker)
{
    int64_t alive_us = atomic_load(&worker->alive_us);
    int64_t silence_us;

    if (alive_us == 0)
        return 0;
    silence_us = clock_monotonic_us() - alive_us - atomic_load(&worker->patience_us);
    return silence_us > 0 ? (uint64_t) silence_us : 1;
}

void worker_record_read(struct worker *worker, struct arena *arena, struct worker_record *ret)
{
    (void) pthread_mutex_lock(&worker->lock);
    *ret = worker->record;
    ret->last_backup_rows = copy_texts(&worker->record.last_backup_rows, arena);
    (void) pthread_mutex_unlock(&worker->lock);
}
