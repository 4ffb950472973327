/*
 * backend.c - answering for api/. Nothing here waits for a run: reads take the snapshot or a
 * read-only look at journal and directories, changes go into the queue.
 */
#include "daemon/backend.h"

#include "daemon/preview.h"
#include "engine/run.h"

#include <stdlib.h>
#include <string.h>

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
    (void) data;
    return preview_plan(snapshot, request, arena, ret_plan, err);
}

static bool submit(void *data, const struct run_request *request, job_done_fn done, void *cookie,
                   char *ret_id, struct error *err)
{
    const struct backend_parts *parts = data;

    return queue_submit(parts->queue, request, done, cookie, ret_id, err);
}

/* ---- Jobs: the queue knows the newest, the journal all that changed something ---- */

static bool get(void *data, const char *id, struct arena *arena, struct job_view *ret,
                struct error *err)
{
    const struct backend_parts *parts = data;
    struct run_report report;

    if (queue_find(parts->queue, id, arena, ret))
        return true;
    if (!engine_run_find(parts->settings, id, arena, &report, err))
        return false;
    *ret = job_view_of_run(&report);
    return true;
}

static bool views_have(const struct job_views *views, const char *id)
{
    for (size_t i = 0; i < views->count; i++)
        if (strcmp(views->items[i].report.id, id) == 0)
            return true;
    return false;
}

/* The moment by which jobs are ordered. */
static int64_t view_time(const struct job_view *view)
{
    return view->report.started_us != 0 ? view->report.started_us : view->queued_us;
}

static int compare_newest_first(const void *a, const void *b)
{
    int64_t time_a = view_time(a), time_b = view_time(b);

    return time_a < time_b ? 1 : time_a > time_b ? -1 : 0;
}

/* Add the journal's runs older than `bound` until there are `limit` of them. */
static bool add_journal(const struct backend_parts *parts, unsigned limit, int64_t bound,
                        struct arena *arena, struct job_views *views, struct error *err)
{
    const struct job_views known = *views;
    const char *cursor = NULL;
    struct run_reports runs;

    do {
        if (!engine_runs(parts->settings, limit, cursor, arena, &runs, err))
            return false;
        for (size_t i = 0; i < runs.count && views->count < known.count + limit; i++) {
            struct job_view view = job_view_of_run(&runs.items[i]);

            cursor = runs.items[i].id;
            if (view_time(&view) < bound && !views_have(&known, cursor))
                views->items[views->count++] = view;
        }
    } while (runs.count == limit && views->count < known.count + limit);
    return true;
}

static void keep_older(struct job_views *views, int64_t bound)
{
    size_t kept = 0;

    for (size_t i = 0; i < views->count; i++)
        if (view_time(&views->items[i]) < bound)
            views->items[kept++] = views->items[i];
    views->count = kept;
}

static bool list(void *data, unsigned limit, const char *before, struct arena *arena,
                 struct job_views *ret, struct error *err)
{
    const struct backend_parts *parts = data;
    struct job_view bound_view;
    struct job_views known, all;
    int64_t bound = INT64_MAX;

    if (before != NULL) {
        if (!get(data, before, arena, &bound_view, err))
            return false;
        bound = view_time(&bound_view);
    }
    queue_list(parts->queue, arena, &known);
    all.items = arena_array(arena, struct job_view, known.count + limit);
    all.count = known.count;
    if (known.count > 0)
        memcpy(all.items, known.items, known.count * sizeof(*known.items));
    if (!add_journal(parts, limit, bound, arena, &all, err))
        return false;
    keep_older(&all, bound);
    qsort(all.items, all.count, sizeof(*all.items), compare_newest_first);
    if (all.count > limit)
        all.count = limit;
    *ret = all;
    return true;
}

static bool cancel(void *data, const char *id, struct error *err)
{
    const struct backend_parts *parts = data;
    struct arena cleanup(arena_release) arena = { 0 };
    struct error unknown = { .code = ERR_OK };
    struct run_report report;

    /* What the journal alone knows ended, or is another process's: left as it is. */
    return queue_cancel(parts->queue, id, &unknown) ||
           engine_run_find(parts->settings, id, &arena, &report, err);
}

static bool backup_list(void *data, struct arena *arena, struct backup_infos *ret,
                        struct error *err)
{
    const struct backend_parts *parts = data;

    return engine_backups(parts->settings, arena, ret, err);
}

static void counters(void *data, struct backend_counters *ret)
{
    const struct backend_parts *parts = data;
    struct worker_record record;

    *ret =
        (struct backend_counters){ .queue_max = QUEUE_LENGTH_MAX, .started_us = parts->started_us };
    queue_counts(parts->queue, ret->jobs, &ret->queue_length);
    worker_record_read(parts->worker, &record);
    ret->last_run_us = record.last_run_us;
    ret->last_run_duration_us = record.last_run_duration_us;
    ret->last_run_succeeded = record.last_run_succeeded;
    ret->last_backup_us = record.last_backup_us;
    ret->last_backup_bytes = record.last_backup_bytes;
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
        .backup_list = backup_list,
        .counters = counters,
    };
}
