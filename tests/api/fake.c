/*
 * fake.c - a backend without a daemon.
 */
#include "tests/api/fake.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* 2026-11-20T15:03:04.806Z */
#define MOMENT_US 1795186984806000

static const char *const script_texts[][2] = {
    { "scripts/aaaa1111_base.sql", "-- Base\n--\n-- Revision ID: aaaa1111\n-- Revises:\n"
                                   "-- Create Date: 2025-01-02 03:04:05.000006\n\n"
                                   "-- migrate:up\nCREATE TABLE users (id INTEGER);\n\n"
                                   "-- migrate:down\nDROP TABLE users;\n" },
    { "scripts/bbbb2222_posts.sql", "-- Add posts\n--\n-- Revision ID: bbbb2222\n"
                                    "-- Revises: aaaa1111\n-- Branch Labels: blog\n\n"
                                    "-- migrate:up\nCREATE TABLE posts (id INTEGER);\n"
                                    "CREATE INDEX ix_posts ON posts (id);\n\n"
                                    "-- migrate:down\nDROP TABLE posts;\n" },
    { "scripts/cccc3333_drop.sql", "-- Drop users\n--\n-- Revision ID: cccc3333\n"
                                   "-- Revises: bbbb2222\n-- Irreversible: users are gone\n\n"
                                   "-- migrate:up\nDROP TABLE users;\n\n-- migrate:down\n" },
};

static void build_graph(struct fake *fake)
{
    struct error err = { 0 };
    const struct script *scripts[ARRAY_SIZE(script_texts)];
    struct graph *graph = NULL;
    bool is_built = true;

    for (size_t i = 0; i < ARRAY_SIZE(script_texts); i++) {
        struct script *script = NULL;

        is_built = is_built && script_parse(str_of(script_texts[i][1]), script_texts[i][0],
                                            &fake->arena, &script, &err);
        scripts[i] = script;
    }
    is_built = is_built && graph_build(scripts, ARRAY_SIZE(scripts), &fake->arena, &graph, &err);
    if (!is_built)
        (void) fprintf(stderr, "fake: %s\n", err.detail);
    assert(is_built);
    fake->snapshot.graph = graph;
}

static void take(void *data, struct arena *arena, struct snapshot *ret)
{
    struct fake *fake = data;

    (void) arena;
    pthread_mutex_lock(&fake->lock);
    fake->snapshots_held++;
    *ret = fake->snapshot;
    pthread_mutex_unlock(&fake->lock);
}

static void give_back(void *data, struct snapshot *snapshot)
{
    struct fake *fake = data;

    (void) snapshot;
    pthread_mutex_lock(&fake->lock);
    fake->snapshots_held--;
    pthread_mutex_unlock(&fake->lock);
}

static bool plan(void *data, const struct snapshot *snapshot, const struct run_request *request,
                 struct arena *arena, struct plan **ret_plan, struct error *err)
{
    const version_rows *rows = &snapshot->current.rows;

    (void) data;
    if (request->verb == VERB_STAMP)
        return plan_stamp(snapshot->graph, rows,
                          &(struct stamp_options){ request->stamps, request->purge }, arena,
                          ret_plan, err);
    if (request->verb == VERB_DOWNGRADE)
        return plan_downgrade(snapshot->graph, rows,
                              request->target != NULL ? request->target : "-1", arena, ret_plan,
                              err);
    return plan_upgrade(snapshot->graph, rows, request->target != NULL ? request->target : "head",
                        arena, ret_plan, err);
}

static void copy_text(char *to, size_t size, const char *text)
{
    (void) snprintf(to, size, "%s", text != NULL ? text : "(none)");
}

static void copy_request(struct fake_job *job, const struct run_request *request)
{
    struct arena scratch cleanup(arena_release) = { 0 };

    copy_text(job->target, sizeof(job->target), request->target);
    copy_text(job->actor, sizeof(job->actor), request->actor);
    copy_text(job->reason, sizeof(job->reason), request->reason);
    copy_text(job->expect, sizeof(job->expect),
              request->has_expect ? str_list_join(&request->expect, ",", &scratch) : NULL);
    copy_text(job->stamps, sizeof(job->stamps), str_list_join(&request->stamps, ",", &scratch));
    job->is_dry_run = request->is_dry_run;
    job->purge = request->purge;
    job->lock_timeout_ms = request->lock_timeout_ms;
    job->view.report.verb = request->verb;
    job->view.report.target = request->target != NULL ? job->target : NULL;
    job->view.report.actor = job->actor;
    job->view.report.reason = request->reason != NULL ? job->reason : NULL;
}

static void end_job(struct fake *fake, struct fake_job *job, enum error_code code,
                    const char *detail)
{
    job_done_fn done = NULL;

    pthread_mutex_lock(&fake->lock);
    job->view.state = code == ERR_OK ? JOB_SUCCEEDED : JOB_FAILED;
    job->view.report.outcome = code == ERR_OK ? RUN_SUCCEEDED : RUN_FAILED;
    job->view.progress.phase = PHASE_DONE;
    job->view.progress.permille = 1000;
    if (code != ERR_OK)
        (void) error_set(&job->view.report.error, code, "%s", detail);
    done = job->done;
    job->done = NULL;
    pthread_mutex_unlock(&fake->lock);
    if (done != NULL)
        done(job->cookie);
}

static bool submit(void *data, const struct run_request *request, job_done_fn done, void *cookie,
                   char *ret_id, struct error *err)
{
    struct fake *fake = data;
    struct fake_job *job = NULL;
    enum error_code failure = ERR_OK;
    bool ends_at_once = false;

    pthread_mutex_lock(&fake->lock);
    failure = fake->submit_fails;
    ends_at_once = fake->ends_at_once;
    if (failure == ERR_OK) {
        assert(fake->job_count < FAKE_JOBS_MAX);
        job = &fake->jobs[fake->job_count];
        job->done = done;
        job->cookie = cookie;
        copy_request(job, request);
        (void) snprintf(job->view.report.id, RUN_ID_SIZE, "%016zx", fake->job_count + 1);
        job->view.queued_us = MOMENT_US;
        (void) memcpy(ret_id, job->view.report.id, RUN_ID_SIZE);
        fake->job_count++;
        pthread_cond_broadcast(&fake->changed);
    }
    pthread_mutex_unlock(&fake->lock);
    if (failure != ERR_OK)
        return error_set(err, failure, "could not queue it");
    if (ends_at_once)
        end_job(fake, job, ERR_OK, NULL);
    return true;
}

static bool job_get(void *data, const char *id, struct arena *arena, struct job_view *ret,
                    struct error *err)
{
    struct fake *fake = data;
    bool is_found = false;

    (void) arena;
    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->job_count && !is_found; i++) {
        is_found = strcmp(fake->jobs[i].view.report.id, id) == 0;
        if (is_found)
            *ret = fake->jobs[i].view;
    }
    pthread_mutex_unlock(&fake->lock);
    return is_found || error_set(err, ERR_JOB_UNKNOWN, "job '%s' is not known", id);
}

static bool job_list(void *data, unsigned limit, const char *before, struct arena *arena,
                     struct job_views *ret, struct error *err)
{
    struct fake *fake = data;

    (void) err;
    ret->items = arena_array(arena, struct job_view, FAKE_JOBS_MAX);
    ret->count = 0;
    pthread_mutex_lock(&fake->lock);
    for (size_t i = fake->job_count; i > 0 && ret->count < limit; i--) {
        if (before == NULL || strcmp(fake->jobs[i - 1].view.report.id, before) < 0)
            ret->items[ret->count++] = fake->jobs[i - 1].view;
    }
    pthread_mutex_unlock(&fake->lock);
    return true;
}

static bool job_cancel(void *data, const char *id, struct error *err)
{
    struct fake *fake = data;
    struct arena scratch cleanup(arena_release) = { 0 };
    struct job_view view = { 0 };

    if (!job_get(data, id, &scratch, &view, err))
        return false;
    pthread_mutex_lock(&fake->lock);
    fake->cancel_count++;
    pthread_mutex_unlock(&fake->lock);
    return true;
}

static bool backup_list(void *data, struct arena *arena, struct backup_infos *ret,
                        struct error *err)
{
    (void) data;
    (void) err;
    ret->items = arena_array(arena, struct backup_info, 1);
    ret->items[0] = (struct backup_info){
        .name = "content-20261120T150304Z-aaaa1111.db",
        .path = "/var/lib/content/backups/content-20261120T150304Z-aaaa1111.db",
        .bytes = 40960,
        .created_us = INT64_C(4102444800000000), /* in 2100, so that its age is 0 */
    };
    str_list_add(&ret->items[0].rows, arena, "aaaa1111");
    ret->count = 1;
    return true;
}

static void counters(void *data, struct backend_counters *ret)
{
    struct fake *fake = data;

    *ret = (struct backend_counters){
        .jobs = { [JOB_SUCCEEDED] = 7, [JOB_FAILED] = 2, [JOB_CANCELLED] = 1 },
        .queue_length = fake->snapshot.queue_length,
        .queue_max = 32,
        .started_us = MOMENT_US - 60000000,
        .last_run_us = MOMENT_US,
        .last_run_duration_us = 12345,
        .last_run_succeeded = true,
    };
}

void fake_init(struct fake *fake)
{
    pthread_condattr_t attributes;

    *fake = (struct fake){ 0 };
    pthread_mutex_init(&fake->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&fake->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    build_graph(fake);
    str_list_add(&fake->scripts, &fake->arena, "/usr/share/schemad/content/versions");
    str_list_add(&fake->snapshot.current.rows, &fake->arena, "bbbb2222");
    fake->snapshot.current =
        current_of(fake->snapshot.graph, &fake->snapshot.current.rows, &fake->arena);
    fake->snapshot.database_exists = true;
    fake->snapshot.observed_us = MOMENT_US;
    fake->snapshot.is_ready = true;
    fake->snapshot.required = "none";
    fake->snapshot.status = "at bbbb2222";
    (void) snprintf(fake->snapshot.journal_mode, sizeof(fake->snapshot.journal_mode), "wal");
    fake->snapshot.database_bytes = 40960;
    fake->snapshot.wal_bytes = 4152;
    fake->snapshot.database = "/var/lib/content/content.db";
    fake->snapshot.scripts = &fake->scripts;
    fake->snapshot.etag = 0xa7;
    fake->backend = (struct backend){
        .data = fake,
        .snapshot_take = take,
        .snapshot_release = give_back,
        .plan = plan,
        .submit = submit,
        .job_get = job_get,
        .job_list = job_list,
        .job_cancel = job_cancel,
        .backup_list = backup_list,
        .counters = counters,
    };
}

void fake_release(struct fake *fake)
{
    assert(fake->snapshots_held == 0);
    arena_release(&fake->arena);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
}

void fake_wait_jobs(struct fake *fake, size_t count)
{
    struct timespec until;
    int waited = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 30;
    pthread_mutex_lock(&fake->lock);
    while (fake->job_count < count && waited == 0)
        waited = pthread_cond_timedwait(&fake->changed, &fake->lock, &until);
    pthread_mutex_unlock(&fake->lock);
    assert(waited == 0);
}

void fake_end_job(struct fake *fake, size_t index, enum error_code code, const char *detail)
{
    end_job(fake, &fake->jobs[index], code, detail);
}
