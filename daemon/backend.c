/*
 * backend.c - answering for api/. Nothing here waits for a run: reads take the snapshot or a
 * read-only look at journal and directories, changes go to the recorder and into the queue.
 */
#include "daemon/backend.h"

#include "daemon/job_list.h"
#include "daemon/preview.h"
#include "engine/check.h"
#include "engine/kept_script.h"
#include "engine/registry.h"
#include "engine/run.h"

static void take(void *data, struct arena *arena, struct snapshot *ret)
{
    const struct backend_parts *parts = data;

    snapshots_take(parts->snapshots, arena, ret);
}

static void release(void *data, struct snapshot *snapshot)
{
    const struct backend_parts *parts = data;

    snapshots_release(parts->snapshots, snapshot);
}

static bool plan(void *data, const struct snapshot *snapshot, const struct run_request *request,
                 struct arena *arena, struct plan **ret_plan, struct error *err)
{
    const struct backend_parts *parts = data;

    if (preview_plan(snapshot, request, arena, ret_plan, err))
        return true;
    kept_script_explain(parts->settings, err);
    return false;
}

/* ---- Jobs: the queue knows the newest, the journal all that ended ---- */

static void submit(void *data, const struct submission *submission,
                   const struct submit_hooks *hooks)
{
    const struct backend_parts *parts = data;

    recorder_submit(parts->recorder, submission, hooks);
}

/* What the journal says of a job that the last process left is not true yet. */
static bool check_settled(const struct backend_parts *parts, struct error *err)
{
    return worker_has_settled(parts->worker) ||
           error_set(
               err, ERR_NOT_READY,
               "what became of the jobs of the last process is not known yet: the schema lock "
               "is held");
}

static bool get(void *data, const char *id, struct arena *arena, struct job_view *ret,
                struct error *err)
{
    const struct backend_parts *parts = data;
    struct run_report report;

    if (queue_find(parts->queue, id, arena, ret))
        return true;
    if (!check_settled(parts, err) || !engine_run_find(parts->settings, id, arena, &report, err))
        return false;
    *ret = job_view_of_run(&report);
    return true;
}

static bool list(void *data, const struct job_filter *filter, struct arena *arena,
                 struct job_views *ret, struct error *err)
{
    const struct backend_parts *parts = data;

    return check_settled(parts, err) &&
           job_list_read(parts->settings, parts->queue, filter, arena, ret, err);
}

static bool cancel(void *data, const char *id, struct error *err)
{
    const struct backend_parts *parts = data;
    struct arena cleanup(arena_release) arena = { 0 };
    struct error unknown = { .code = ERR_OK };
    struct run_report report;

    if (queue_cancel(parts->queue, id, &unknown)) {
        recorder_wake(parts->recorder);
        return true;
    }
    /* What the journal alone knows ended, or is another process's: left as it is. */
    return engine_run_find(parts->settings, id, &arena, &report, err);
}

/* ---- Events ---- */

static void read_events(void *data, uint64_t after, struct event_batch *ret)
{
    const struct backend_parts *parts = data;

    events_read(parts->events, after, ret);
}

static void watch_events(void *data, void (*changed)(void *cookie), void *cookie)
{
    const struct backend_parts *parts = data;

    events_watch(parts->events, changed, cookie);
}

/* ---- Scripts ---- */

static void script_submit(void *data, const struct script_submission *submission,
                          const struct script_hooks *hooks)
{
    const struct backend_parts *parts = data;

    recorder_script(parts->recorder, submission, hooks);
}

static bool script_kept(void *data, const char *id, struct arena *arena, const char **ret_path,
                        const char **ret_text, struct error *err)
{
    const struct backend_parts *parts = data;

    return engine_script_text(parts->settings, id, arena, ret_path, ret_text, err);
}

/* What cannot be looked at is the finding. */
static bool check(void *data, const struct snapshot *snapshot, struct arena *arena,
                  struct findings *ret, struct error *err)
{
    const struct backend_parts *parts = data;
    const struct error *problem = preview_problem(snapshot);

    if (problem == NULL)
        return engine_check(parts->settings, snapshot->graph, &snapshot->current, arena, ret, err);
    *ret = (struct findings){ .items = arena_new(arena, struct error), .count = 1 };
    ret->items[0] = *problem;
    return true;
}

/* ---- The rest ---- */

static bool backup_list(void *data, struct arena *arena, struct backup_infos *ret,
                        struct error *err)
{
    const struct backend_parts *parts = data;

    return engine_backups(parts->settings, arena, ret, err);
}

static void counters(void *data, struct arena *arena, struct backend_counters *ret)
{
    const struct backend_parts *parts = data;
    struct worker_record record;

    worker_record_read(parts->worker, arena, &record);
    *ret = (struct backend_counters){
        .queue_max = QUEUE_LENGTH_MAX,
        .started_us = parts->started_us,
        .last_run_us = record.last_run_us,
        .last_run_duration_us = record.last_run_duration_us,
        .last_run_succeeded = record.last_run_succeeded,
        .last_run_verb = record.last_run_verb,
        .last_run_outcome = record.last_run_outcome,
        .lock_wait_count = record.lock_wait_count,
        .lock_wait_sum_us = record.lock_wait_sum_us,
        .last_backup_us = record.last_backup_us,
        .last_backup_bytes = record.last_backup_bytes,
        .last_backup_rows = record.last_backup_rows,
        .replays = recorder_replays(parts->recorder),
    };
    queue_counts(parts->queue, ret->jobs, &ret->queue_length);
}

static void deny(void *data, const struct denial *denial)
{
    const struct backend_parts *parts = data;

    recorder_deny(parts->recorder, denial);
}

/* With a connection of its own, as every read of the journal: the registry is the recorder's. */
static bool denial_list(void *data, unsigned limit, struct arena *arena, struct denials *ret,
                        struct error *err)
{
    const struct backend_parts *parts = data;
    struct registry *registry;
    bool is_read;

    *ret = (struct denials){ .count = 0 };
    if (!registry_exists(parts->settings))
        return true;
    if (!registry_open(parts->settings, &registry, err))
        return false;
    is_read = registry_denials_read(registry, limit, arena, ret, err);
    registry_close(registry);
    return is_read;
}

struct backend backend_of(struct backend_parts *parts)
{
    return (struct backend){
        .data = parts,
        .snapshot_take = take,
        .snapshot_release = release,
        .plan = plan,
        .submit = submit,
        .job_get = get,
        .job_list = list,
        .job_cancel = cancel,
        .events_read = read_events,
        .events_watch = watch_events,
        .sqlite_version = engine_sqlite_version(),
        .version_table = parts->settings->version_table,
        .transaction = parts->settings->transaction,
        .script_submit = script_submit,
        .script_kept = script_kept,
        .check = check,
        .backup_list = backup_list,
        .counters = counters,
        .deny = deny,
        .denial_list = denial_list,
    };
}
