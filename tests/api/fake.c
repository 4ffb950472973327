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
    /* From here on: of fake_branch. */
    { "scripts/dddd4444_tags.sql", "-- Add tags\n--\n-- Revision ID: dddd4444\n"
                                   "-- Revises: aaaa1111\n\n"
                                   "-- migrate:up\nCREATE TABLE tags (id INTEGER);\n\n"
                                   "-- migrate:down\nDROP TABLE tags;\n" },
    { "scripts/eeee5555_names.sql", "-- Name tags\n--\n-- Revision ID: eeee5555\n"
                                    "-- Revises: bbbb2222\n-- Depends On: dddd4444\n\n"
                                    "-- migrate:up\nSELECT 1;\n\n-- migrate:down\n" },
};

#define SCRIPTS_WITHOUT_BRANCH 3

static void build_graph(struct fake *fake, size_t count)
{
    struct error err = { 0 };
    const struct script *scripts[ARRAY_SIZE(script_texts)];
    struct graph *graph = NULL;
    bool is_built = true;

    for (size_t i = 0; i < count; i++) {
        struct script *script = NULL;

        is_built = is_built && script_parse(str_of(script_texts[i][1]), script_texts[i][0],
                                            &fake->arena, &script, &err);
        scripts[i] = script;
    }
    is_built = is_built && graph_build(scripts, count, &fake->arena, &graph, &err);
    if (!is_built)
        (void) fprintf(stderr, "fake: %s\n", err.detail);
    assert(is_built);
    fake->snapshot.graph = graph;
}

/* The newest job in this state. */
static const struct fake_job *find_state(const struct fake *fake, enum job_state state)
{
    for (size_t i = fake->job_count; i > 0; i--) {
        if (fake->jobs[i - 1].view.state == state)
            return &fake->jobs[i - 1];
    }
    return NULL;
}

static void take(void *data, struct arena *arena, struct snapshot *ret)
{
    struct fake *fake = data;
    const struct fake_job *running = NULL;

    (void) arena;
    pthread_mutex_lock(&fake->lock);
    fake->snapshots_held++;
    fake->snapshots_taken++;
    *ret = fake->snapshot;
    running = find_state(fake, JOB_RUNNING);
    if (running != NULL) {
        ret->has_running = true;
        ret->running = running->view;
    }
    ret->queue_length += find_state(fake, JOB_QUEUED) != NULL;
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

/* ---- Events ---- */

/* Called with the lock held, as a daemon may do it. */
static void add_event(struct fake *fake, enum event_kind kind, const struct job_view *job)
{
    struct event *event = &fake->events[fake->event_count];

    assert(fake->event_count < FAKE_EVENTS_MAX);
    fake->event_count++;
    *event = (struct event){
        .number = FAKE_EVENTS_FIRST + fake->event_count,
        .kind = kind,
        .at_us = MOMENT_US,
    };
    if (job != NULL) {
        memcpy(event->job, job->report.id, RUN_ID_SIZE);
        event->state = job->state;
        event->progress = job->progress;
        event->elapsed_us = job->elapsed_us;
        event->remaining_us = job->remaining_us;
    }
    if (fake->events_changed != NULL)
        fake->events_changed(fake->events_cookie);
}

static void events_read(void *data, uint64_t after, struct event_batch *ret)
{
    struct fake *fake = data;
    size_t first = 0;

    *ret = (struct event_batch){ 0 };
    pthread_mutex_lock(&fake->lock);
    ret->newest = FAKE_EVENTS_FIRST + fake->event_count;
    ret->has_gap = after < FAKE_EVENTS_FIRST + fake->events_forgotten || after > ret->newest;
    first = ret->has_gap ? fake->events_forgotten : (size_t) (after - FAKE_EVENTS_FIRST);
    for (size_t i = first; i < fake->event_count && ret->count < EVENT_BATCH_MAX; i++)
        ret->items[ret->count++] = fake->events[i];
    pthread_mutex_unlock(&fake->lock);
}

static void events_watch(void *data, void (*changed)(void *cookie), void *cookie)
{
    struct fake *fake = data;

    pthread_mutex_lock(&fake->lock);
    fake->events_changed = changed;
    fake->events_cookie = cookie;
    pthread_mutex_unlock(&fake->lock);
}

/* ---- Submitting ---- */

static bool is_ended(const struct fake_job *job)
{
    return job->view.state != JOB_QUEUED && job->view.state != JOB_RUNNING;
}

static void end_job(struct fake *fake, struct fake_job *job, enum error_code code,
                    const char *detail)
{
    struct submit_hooks waiters[FAKE_WAITERS_MAX];
    size_t count = 0;

    pthread_mutex_lock(&fake->lock);
    job->view.state = code == ERR_OK ? JOB_SUCCEEDED : JOB_FAILED;
    job->view.report.outcome = code == ERR_OK ? RUN_SUCCEEDED : RUN_FAILED;
    job->view.progress.phase = PHASE_DONE;
    job->view.progress.permille = 1000;
    if (code != ERR_OK)
        (void) error_set(&job->view.report.error, code, "%s", detail);
    count = job->waiter_count;
    memcpy(waiters, job->waiters, sizeof(waiters));
    job->waiter_count = 0;
    add_event(fake, EVENT_JOB, &job->view);
    pthread_mutex_unlock(&fake->lock);
    for (size_t i = 0; i < count; i++)
        waiters[i].ended(waiters[i].cookie);
}

static struct fake_job *find_key(struct fake *fake, const struct submission *submission)
{
    for (size_t i = 0; i < fake->job_count; i++) {
        struct fake_job *job = &fake->jobs[i];

        if (submission->idempotency_key != NULL &&
            strcmp(job->key, submission->idempotency_key) == 0 &&
            strcmp(job->actor, submission->request->actor) == 0)
            return job;
    }
    return NULL;
}

static struct fake_job *add_job(struct fake *fake, const struct submission *submission)
{
    struct fake_job *job = &fake->jobs[fake->job_count];

    assert(fake->job_count < FAKE_JOBS_MAX);
    copy_request(job, submission->request);
    if (submission->idempotency_key != NULL)
        copy_text(job->key, sizeof(job->key), submission->idempotency_key);
    memcpy(job->fingerprint, submission->fingerprint, sizeof(job->fingerprint));
    (void) snprintf(job->view.report.id, RUN_ID_SIZE, "%016zx", fake->job_count + 1);
    job->view.report.outcome = RUN_UNFINISHED;
    job->view.queued_us = MOMENT_US;
    job->view.remaining_us = -1;
    fake->job_count++;
    add_event(fake, EVENT_JOB, &job->view);
    pthread_cond_broadcast(&fake->changed);
    return job;
}

/* The job of a submission, or why there is none. */
static struct fake_job *settle(struct fake *fake, const struct submission *submission,
                               bool *ret_replay, struct error *err)
{
    struct fake_job *job = find_key(fake, submission);

    *ret_replay = job != NULL;
    if (job != NULL &&
        memcmp(job->fingerprint, submission->fingerprint, sizeof(job->fingerprint)) != 0) {
        (void) error_set(err, ERR_IDEMPOTENCY_KEY_REUSED, "key was used for another request");
        (void) error_hint(err, "It made job %s.", job->view.report.id);
        return NULL;
    }
    if (job != NULL)
        return job;
    if (submission->refused_unless != NULL) {
        *err = *submission->refused_unless;
        return NULL;
    }
    if (fake->submit_fails != ERR_OK) {
        (void) error_set(err, fake->submit_fails, "could not queue it");
        return NULL;
    }
    return add_job(fake, submission);
}

static void accept_waiter(const struct submit_hooks *hooks, const struct fake_job *job,
                          bool is_replay)
{
    struct acceptance acceptance = { .is_replay = is_replay };

    memcpy(acceptance.id, job->view.report.id, RUN_ID_SIZE);
    hooks->accepted(hooks->cookie, &acceptance);
}

static void submit(void *data, const struct submission *submission,
                   const struct submit_hooks *hooks)
{
    struct fake *fake = data;
    struct error err = { 0 };
    bool is_replay = false;
    bool is_over = false;
    struct fake_job *job = NULL;

    pthread_mutex_lock(&fake->lock);
    job = settle(fake, submission, &is_replay, &err);
    if (job != NULL && (is_replay || !fake->accepts_later)) {
        job->is_accepted = true;
        accept_waiter(hooks, job, is_replay);
    }
    is_over = job != NULL && is_ended(job);
    if (job != NULL && !is_over) {
        assert(job->waiter_count < FAKE_WAITERS_MAX);
        job->waiters[job->waiter_count++] = *hooks;
    }
    pthread_mutex_unlock(&fake->lock);
    if (job == NULL)
        hooks->accepted(hooks->cookie, &(struct acceptance){ .error = &err });
    else if (is_over)
        hooks->ended(hooks->cookie);
    else if (fake->ends_at_once)
        end_job(fake, job, ERR_OK, NULL);
}

/* ---- Jobs ---- */

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

static bool is_listed(const struct fake_job *job, const struct job_filter *filter)
{
    return (filter->before == NULL || strcmp(job->view.report.id, filter->before) < 0) &&
           (!filter->has_state || job->view.state == filter->state) &&
           (!filter->has_verb || job->view.report.verb == filter->verb) &&
           (filter->actor == NULL || strcmp(job->actor, filter->actor) == 0) &&
           job->view.queued_us >= filter->since_us;
}

static bool job_list(void *data, const struct job_filter *filter, struct arena *arena,
                     struct job_views *ret, struct error *err)
{
    struct fake *fake = data;

    (void) err;
    *ret = (struct job_views){ .items = arena_array(arena, struct job_view, FAKE_JOBS_MAX) };
    pthread_mutex_lock(&fake->lock);
    fake->filter = *filter;
    for (size_t i = fake->job_count; i > 0; i--) {
        if (!is_listed(&fake->jobs[i - 1], filter))
            continue;
        ret->has_more = ret->count == filter->limit;
        if (ret->has_more)
            break;
        ret->items[ret->count++] = fake->jobs[i - 1].view;
    }
    pthread_mutex_unlock(&fake->lock);
    return true;
}

static bool job_cancel(void *data, const char *id, struct error *err)
{
    struct fake *fake = data;
    bool is_found = false;

    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->job_count && !is_found; i++) {
        struct fake_job *job = &fake->jobs[i];

        is_found = strcmp(job->view.report.id, id) == 0;
        if (is_found)
            job->view.is_cancel_requested = !is_ended(job);
    }
    fake->cancel_count += is_found;
    pthread_mutex_unlock(&fake->lock);
    return is_found || error_set(err, ERR_JOB_UNKNOWN, "job '%s' is not known", id);
}

/* ---- Scripts ---- */

static const char *shown(const char *name, const char *value, struct arena *arena)
{
    return value != NULL && value[0] != '\0' ? arena_printf(arena, " %s=%s", name, value) : "";
}

/* All that was said. */
static void copy_script(struct fake *fake, const struct script_submission *submission)
{
    const struct revision_request *request = submission->request;
    const struct str_list *merged = submission->merged;
    struct arena arena cleanup(arena_release) = { 0 };

    copy_text(fake->script_actor, sizeof(fake->script_actor), submission->actor);
    (void) snprintf(fake->script, sizeof(fake->script), "%s%s%s%s%s%s%s%s%s",
                    merged != NULL ? "merge" : "revision",
                    shown("revisions", merged != NULL ? str_list_join(merged, ",", &arena) : NULL,
                          &arena),
                    shown("message", request->message, &arena),
                    shown("rev_id", request->id, &arena), shown("head", request->head, &arena),
                    request->splice ? " splice" : "",
                    shown("branch_labels", str_list_join(&request->labels, ",", &arena), &arena),
                    shown("depends_on", str_list_join(&request->depends_on, ",", &arena), &arena),
                    shown("version_path", request->version_path, &arena));
    assert(request->sql == NULL && request->name_style.file_template == NULL && !request->is_utc);
}

/* Of one revision that is gone. */
static bool script_kept(void *data, const char *id, struct arena *arena, const char **ret_path,
                        const char **ret_text, struct error *err)
{
    (void) data;
    (void) arena;
    if (strcmp(id, "gone") != 0)
        return error_set(err, ERR_REVISION_UNKNOWN, "nothing was kept of '%s'", id);
    *ret_path = "/srv/scripts/gone_away.sql";
    *ret_text = "-- Revision ID: gone\n";
    return true;
}

static void script_submit(void *data, const struct script_submission *submission,
                          const struct script_hooks *hooks)
{
    struct fake *fake = data;
    bool is_written = false;

    pthread_mutex_lock(&fake->lock);
    fake->script_count++;
    copy_script(fake, submission);
    fake->script_hooks = *hooks;
    is_written = !fake->writes_later;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
    if (is_written)
        fake_write_script(fake);
}

static bool check(void *data, const struct snapshot *snapshot, struct arena *arena,
                  struct findings *ret, struct error *err)
{
    struct fake *fake = data;

    (void) snapshot;
    (void) err;
    pthread_mutex_lock(&fake->lock);
    *ret = (struct findings){ .items = arena_array(arena, struct error, FAKE_FINDINGS_MAX),
                              .count = fake->finding_count };
    for (size_t i = 0; i < ret->count; i++)
        ret->items[i] = fake->findings[i];
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

static void counters(void *data, struct arena *arena, struct backend_counters *ret)
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
        .last_run_verb = VERB_UPGRADE,
        .last_run_outcome = RUN_SUCCEEDED,
        .lock_wait_count = 10,
        .lock_wait_sum_us = 1500000,
        .last_backup_us = MOMENT_US,
        .last_backup_bytes = 40960,
        .replays = 3,
    };
    str_list_add(&ret->last_backup_rows, arena, "aaaa1111");
}

/* ---- Denials ---- */

static void deny(void *data, const struct denial *denial)
{
    struct fake *fake = data;

    pthread_mutex_lock(&fake->lock);
    if (fake->denial_count < FAKE_DENIALS_MAX) {
        struct fake_denial *kept = &fake->denials[fake->denial_count++];

        copy_text(kept->reason, sizeof(kept->reason), denial->reason);
        copy_text(kept->actor, sizeof(kept->actor), denial->actor);
        copy_text(kept->method, sizeof(kept->method), denial->method);
        copy_text(kept->path, sizeof(kept->path), denial->path);
        kept->denial = (struct denial){ denial->at_us, kept->reason, kept->actor,
                                        kept->method,  kept->path,   denial->repeated };
    }
    pthread_mutex_unlock(&fake->lock);
}

static bool denial_list(void *data, unsigned limit, struct arena *arena, struct denials *ret,
                        struct error *err)
{
    struct fake *fake = data;

    (void) err;
    *ret = (struct denials){ .items = arena_array(arena, struct denial, FAKE_DENIALS_MAX) };
    pthread_mutex_lock(&fake->lock);
    for (size_t i = fake->denial_count; i > 0 && ret->count < limit; i--)
        ret->items[ret->count++] = fake->denials[i - 1].denial;
    pthread_mutex_unlock(&fake->lock);
    return true;
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
    build_graph(fake, SCRIPTS_WITHOUT_BRANCH);
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
    fake->snapshot.rows_tag = FAKE_ROWS_TAG;
    fake->backend = (struct backend){
        .data = fake,
        .snapshot_take = take,
        .snapshot_release = give_back,
        .plan = plan,
        .submit = submit,
        .job_get = job_get,
        .job_list = job_list,
        .job_cancel = job_cancel,
        .events_read = events_read,
        .events_watch = events_watch,
        .script_submit = script_submit,
        .script_kept = script_kept,
        .check = check,
        .backup_list = backup_list,
        .counters = counters,
        .deny = deny,
        .denial_list = denial_list,
    };
}

void fake_branch(struct fake *fake)
{
    build_graph(fake, ARRAY_SIZE(script_texts));
    fake->snapshot.current =
        current_of(fake->snapshot.graph, &fake->snapshot.current.rows, &fake->arena);
}

void fake_release(struct fake *fake)
{
    assert(fake->snapshots_held == 0);
    arena_release(&fake->arena);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
}

/* Wait until there are that many of something that `lock` guards. */
static void wait_count(struct fake *fake, const size_t *what, size_t count)
{
    struct timespec until;
    int waited = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 30;
    pthread_mutex_lock(&fake->lock);
    while (*what < count && waited == 0)
        waited = pthread_cond_timedwait(&fake->changed, &fake->lock, &until);
    pthread_mutex_unlock(&fake->lock);
    assert(waited == 0);
}

void fake_wait_jobs(struct fake *fake, size_t count)
{
    wait_count(fake, &fake->job_count, count);
}

void fake_wait_scripts(struct fake *fake, size_t count)
{
    wait_count(fake, &fake->script_count, count);
}

void fake_write_script(struct fake *fake)
{
    struct script_hooks hooks = { 0 };
    struct error err = { 0 };

    pthread_mutex_lock(&fake->lock);
    hooks = fake->script_hooks;
    if (fake->script_fails != ERR_OK)
        (void) error_set(&err, fake->script_fails, "the script could not be written");
    pthread_mutex_unlock(&fake->lock);
    if (err.code != ERR_OK)
        hooks.done(hooks.cookie, NULL, NULL, &err);
    else
        hooks.done(hooks.cookie, "dddd4444", "scripts/dddd4444_new.sql", NULL);
}

void fake_end_job(struct fake *fake, size_t index, enum error_code code, const char *detail)
{
    end_job(fake, &fake->jobs[index], code, detail);
}

void fake_accept_job(struct fake *fake, size_t index)
{
    struct fake_job *job = &fake->jobs[index];

    pthread_mutex_lock(&fake->lock);
    job->is_accepted = true;
    for (size_t i = 0; i < job->waiter_count; i++)
        accept_waiter(&job->waiters[i], job, false);
    pthread_mutex_unlock(&fake->lock);
}

void fake_run_job(struct fake *fake, size_t index, unsigned permille)
{
    struct job_view *job = &fake->jobs[index].view;

    pthread_mutex_lock(&fake->lock);
    job->state = JOB_RUNNING;
    job->progress.phase = PHASE_RUNNING;
    job->progress.permille = permille;
    add_event(fake, EVENT_JOB, job);
    pthread_mutex_unlock(&fake->lock);
}

static void move(struct fake *fake, const char *revision)
{
    version_rows rows = { 0 };

    str_list_add(&rows, &fake->arena, revision);
    fake->snapshot.current = current_of(fake->snapshot.graph, &rows, &fake->arena);
    fake->snapshot.rows_tag++;
    fake->snapshot.etag++;
}

void fake_move(struct fake *fake, const char *revision)
{
    pthread_mutex_lock(&fake->lock);
    move(fake, revision);
    add_event(fake, EVENT_CURRENT, NULL);
    pthread_mutex_unlock(&fake->lock);
}

void fake_move_silently(struct fake *fake, const char *revision)
{
    pthread_mutex_lock(&fake->lock);
    move(fake, revision);
    pthread_mutex_unlock(&fake->lock);
}

void fake_change(struct fake *fake)
{
    pthread_mutex_lock(&fake->lock);
    add_event(fake, EVENT_CURRENT, NULL);
    pthread_mutex_unlock(&fake->lock);
}

void fake_forget_events(struct fake *fake)
{
    pthread_mutex_lock(&fake->lock);
    fake->events_forgotten = fake->event_count;
    pthread_mutex_unlock(&fake->lock);
}
