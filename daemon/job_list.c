/*
 * job_list.c - the queue's part of a page, then the journal's.
 */
#include "daemon/job_list.h"

#include "engine/run.h"

#include <string.h>

/* ---- The queue's part ---- */

/* A start that had nothing to do: nobody registered it, so the journal will never know it. */
static bool is_traceless(const struct job_view *view)
{
    return view->report.outcome == RUN_NOTHING_TO_DO && view->report.queued_us == 0;
}

/* Only jobs that are not to be looked for in the journal. newest_us: when the newest run there
 * began. */
static void keep_ours(struct job_views *views, int64_t newest_us)
{
    size_t kept = 0;

    for (size_t i = 0; i < views->count; i++) {
        const struct job_view *view = &views->items[i];

        if (view->state <= JOB_RUNNING ||
            (is_traceless(view) && view->report.started_us >= newest_us))
            views->items[kept++] = *view;
    }
    views->count = kept;
}

/* Its place, or the count when it is not there. */
static size_t find_place(const struct job_views *views, const char *id)
{
    size_t place = 0;

    while (place < views->count && strcmp(views->items[place].report.id, id) != 0)
        place++;
    return place;
}

static bool matches(const struct job_filter *filter, const struct job_view *view)
{
    return (!filter->has_state || view->state == filter->state) &&
           (!filter->has_verb || view->report.verb == filter->verb) &&
           (filter->actor == NULL ||
            (view->report.actor != NULL && strcmp(view->report.actor, filter->actor) == 0)) &&
           view->queued_us >= filter->since_us;
}

/* ---- The journal's part ---- */

static struct run_filter run_filter_of(const struct job_filter *filter, const char *before)
{
    struct run_filter runs = {
        .before = before,
        .has_outcomes = filter->has_state,
        .has_verb = filter->has_verb,
        .verb = filter->verb,
        .actor = filter->actor,
        .since_us = filter->since_us,
    };

    for (size_t outcome = 0; outcome < ARRAY_SIZE(runs.outcomes); outcome++)
        runs.outcomes[outcome] = job_state_of((enum run_outcome) outcome) == filter->state;
    return runs;
}

static bool find_newest(const struct engine_settings *settings, struct arena *arena,
                        int64_t *ret_started_us, struct error *err)
{
    struct run_reports runs;

    if (!engine_runs(settings, &(struct run_filter){ .limit = 1 }, arena, &runs, err))
        return false;
    *ret_started_us = runs.count > 0 ? runs.items[0].started_us : 0;
    return true;
}

/* Where the journal's part begins; NULL: at its newest run. */
static bool find_cursor(const struct engine_settings *settings, struct queue *queue, const char *id,
                        struct arena *arena, const char **ret_cursor, struct error *err)
{
    struct error unknown = { .code = ERR_OK };
    struct job_view view;
    struct run_report report;

    *ret_cursor = id;
    if (engine_run_find(settings, id, arena, &report, &unknown))
        return true;
    *ret_cursor = NULL;
    if (unknown.code == ERR_JOB_UNKNOWN && queue_find(queue, id, arena, &view))
        return true;
    *err = unknown;
    return false;
}

/* ---- Both ---- */

static void add_ours(const struct job_views *ours, size_t begin, const struct job_filter *filter,
                     struct job_views *page)
{
    for (size_t i = begin; i < ours->count; i++)
        if (matches(filter, &ours->items[i]))
            page->items[page->count++] = ours->items[i];
}

/* The running job may be in the journal as well. */
static void add_runs(const struct run_reports *runs, const struct job_views *ours,
                     struct job_views *page)
{
    for (size_t i = 0; i < runs->count; i++)
        if (find_place(ours, runs->items[i].id) == ours->count)
            page->items[page->count++] = job_view_of_run(&runs->items[i]);
}

static bool read_ours(const struct engine_settings *settings, struct queue *queue,
                      struct arena *arena, struct job_views *ret, struct error *err)
{
    int64_t newest_us;

    /* The queue first: a job that ends meanwhile is met in both, but never in neither. */
    queue_list(queue, arena, ret);
    if (!find_newest(settings, arena, &newest_us, err))
        return false;
    keep_ours(ret, newest_us);
    return true;
}

bool job_list_read(const struct engine_settings *settings, struct queue *queue,
                   const struct job_filter *filter, struct arena *arena, struct job_views *ret,
                   struct error *err)
{
    size_t begin = 0;
    const char *cursor = NULL;
    struct job_views ours;
    struct run_reports runs;
    struct run_filter run_filter;

    if (!read_ours(settings, queue, arena, &ours, err))
        return false;
    if (filter->before != NULL)
        begin = find_place(&ours, filter->before) + 1;
    if (begin > ours.count && !find_cursor(settings, queue, filter->before, arena, &cursor, err))
        return false;
    run_filter = run_filter_of(filter, cursor);
    run_filter.limit = filter->limit + 1 + (unsigned) ours.count;
    if (!engine_runs(settings, &run_filter, arena, &runs, err))
        return false;
    *ret =
        (struct job_views){ .items = arena_array(arena, struct job_view, ours.count + runs.count) };
    add_ours(&ours, begin, filter, ret);
    add_runs(&runs, &ours, ret);
    ret->has_more = ret->count > filter->limit;
    if (ret->has_more)
        ret->count = filter->limit;
    return true;
}
