/*
 * offline.c - questions as calls of the engine.
 *
 * A command asks once, mostly; so each question reads what it needs, and nothing is kept but the
 * scripts.
 */
#include "cli/offline.h"

#include "api/json.h"
#include "api/json_text.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/oom.h"
#include "cli/interrupt.h"
#include "engine/check.h"
#include "engine/kept_script.h"
#include "engine/reader.h"
#include "engine/revision.h"
#include "engine/run.h"
#include "engine/script_directory.h"
#include "engine/settings.h"
#include "migrations/offline_sql.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define BUSY_TIMEOUT_US 5000000
#define BUSY_PAUSE_MS   5

#define REVISION_ID_DIGITS 12 /* as Alembic's */

struct offline {
    struct engine_settings settings; /* complete when has_database */
    bool has_database;
    struct script_directory *directory; /* NULL until needed */
    struct reader *reader;              /* NULL until needed */
    struct arena *arena;
};

/* ---- Looking ---- */

static bool load_scripts(struct offline *offline, const struct graph **ret_graph, struct error *err)
{
    if (offline->directory == NULL &&
        !script_directory_load(&offline->settings.scripts, &offline->directory, err))
        return false;
    *ret_graph = script_directory_graph(offline->directory);
    return true;
}

/* A reader never waits; a person at a terminal would rather wait out another's commit. */
static bool look(struct offline *offline, struct reader_look *ret, struct error *err)
{
    int64_t start_us = clock_monotonic_us();

    if (offline->reader == NULL)
        offline->reader = reader_new(&offline->settings);
    while (!reader_look(offline->reader, offline->arena, ret, err)) {
        if (err->code != ERR_DATABASE_BUSY || interrupt_was_asked() ||
            clock_monotonic_us() - start_us > BUSY_TIMEOUT_US)
            return false;
        error_clear(err);
        interrupt_wait(BUSY_PAUSE_MS);
    }
    return true;
}

static const char *status_of(const struct current *current, struct arena *arena)
{
    if (current->verdict == VERDICT_EQUAL)
        return arena_printf(arena, "schema is at %s", str_list_join(&current->rows, ", ", arena));
    if (current->pending > 0)
        return arena_printf(arena, "schema is %s, %zu to apply", verdict_name(current->verdict),
                            current->pending);
    return arena_printf(arena, "schema is %s", verdict_name(current->verdict));
}

static void take_facts(struct snapshot *snapshot, const struct reader_look *seen)
{
    snapshot->database_exists = seen->exists;
    snapshot->observed_us = clock_wall_us();
    snapshot->database_bytes = seen->facts.bytes;
    snapshot->wal_bytes = seen->facts.wal_bytes;
    (void) snprintf(snapshot->journal_mode, sizeof(snapshot->journal_mode), "%s",
                    seen->facts.journal_mode);
}

/* As the daemon's: it never fails, problems are inside. */
static struct snapshot snapshot_of(struct offline *offline)
{
    struct snapshot snapshot = {
        .database = offline->settings.database,
        .scripts = &offline->settings.scripts,
        .required = "head",
        .status = "schema is unknown",
        .current = { .verdict = VERDICT_UNKNOWN },
    };
    struct reader_look seen = { .exists = false };

    if (!look(offline, &seen, &snapshot.problem))
        return snapshot;
    take_facts(&snapshot, &seen);
    snapshot.current.rows = seen.rows;
    if (!load_scripts(offline, &snapshot.graph, &snapshot.problem))
        return snapshot;
    snapshot.current = current_of(snapshot.graph, &seen.rows, offline->arena);
    snapshot.current.has_version_table = seen.has_version_table;
    snapshot.is_ready = snapshot.current.verdict == VERDICT_EQUAL;
    snapshot.status = status_of(&snapshot.current, offline->arena);
    return snapshot;
}

/* Version rows for questions about scripts: NULL without a database. */
static bool rows_if_any(struct offline *offline, const version_rows **ret_rows, struct error *err)
{
    struct reader_look *seen = arena_new(offline->arena, struct reader_look);

    *ret_rows = NULL;
    if (!offline->has_database)
        return true;
    if (!look(offline, seen, err))
        return false;
    *ret_rows = &seen->rows;
    return true;
}

/* ---- Answers ---- */

static bool finish(json_t *answer, json_t **ret_answer, struct error *err)
{
    if (answer == NULL)
        return error_set(err, ERR_INTERNAL, "could not make the answer: out of memory");
    *ret_answer = answer;
    return true;
}

static json_t *wrap(const char *name, json_t *value)
{
    json_t *object = json_object();

    json_put(&object, name, value);
    return object;
}

static bool answer_current(struct offline *offline, json_t **ret_answer, struct error *err)
{
    struct snapshot snapshot = snapshot_of(offline);

    return finish(json_of_current(&snapshot), ret_answer, err);
}

/* The journal's newest run and the newest backup stand for what a daemon counts. */
static bool count(struct offline *offline, struct backend_counters *ret, struct error *err)
{
    struct run_report run = { .id = "" };
    struct backup_infos backups = { 0 };
    bool has_run = false;

    if (!engine_run_last(&offline->settings, offline->arena, &run, &has_run, err) ||
        !engine_backups(&offline->settings, offline->arena, &backups, err))
        return false;
    if (has_run) {
        ret->last_run_us = run.started_us + (int64_t) run.duration_us;
        ret->last_run_duration_us = run.duration_us;
        ret->last_run_succeeded = run.outcome == RUN_SUCCEEDED;
        ret->last_run_verb = run.verb;
        ret->last_run_outcome = run.outcome;
    }
    if (backups.count > 0) {
        ret->last_backup_us = backups.items[0].created_us;
        ret->last_backup_bytes = backups.items[0].bytes;
        ret->last_backup_rows = backups.items[0].rows;
    }
    return true;
}

static bool answer_status(struct offline *offline, json_t **ret_answer, struct error *err)
{
    struct snapshot snapshot = snapshot_of(offline);
    struct backend_counters counters = { .started_us = 0 };

    return count(offline, &counters, err) &&
           finish(json_of_status(&snapshot, &counters), ret_answer, err);
}

/* Whether these revisions are applied: each is a version row, or below one. */
static bool are_applied(const struct snapshot *snapshot, const struct revision_list *revisions,
                        struct arena *arena)
{
    struct revision_set applied = revision_set_new(snapshot->graph, arena);

    for (size_t i = 0; i < snapshot->current.rows.count; i++) {
        const struct revision *row = graph_find(snapshot->graph, snapshot->current.rows.items[i]);

        if (row != NULL)
            revision_set_add_ancestors(&applied, row);
    }
    for (size_t i = 0; i < revisions->count; i++) {
        if (!revision_set_has(&applied, revisions->items[i]))
            return false;
    }
    return true;
}

static bool is_reached(const struct snapshot *snapshot, const char *wanted, struct arena *arena,
                       bool *ret_reached, struct error *err)
{
    struct revision_list revisions = { 0 };

    *ret_reached = snapshot->current.verdict == VERDICT_EQUAL;
    if (strcmp(wanted, "ready") == 0 || strcmp(wanted, "head") == 0)
        return true;
    if (!target_revisions(snapshot->graph, &snapshot->current.rows, wanted, arena, &revisions, err))
        return false;
    *ret_reached = are_applied(snapshot, &revisions, arena);
    return true;
}

static bool answer_reached(struct offline *offline, const struct question *question,
                           json_t **ret_answer, struct error *err)
{
    struct snapshot snapshot = snapshot_of(offline);
    bool has_reached = false;

    if (snapshot.problem.code != ERR_OK) {
        *err = snapshot.problem;
        return false;
    }
    if (!is_reached(&snapshot, question->text, offline->arena, &has_reached, err))
        return false;
    if (!has_reached)
        return error_set(err, ERR_NOT_READY, "%s", snapshot.status);
    return finish(json_of_current(&snapshot), ret_answer, err);
}

/* Scripts, and the database's rows: none without one. */
struct sight {
    const struct graph *graph;
    const version_rows *rows;       /* NULL: there is no database to ask */
    const version_rows *known_rows; /* the same, or none */
};

static bool see(struct offline *offline, struct sight *ret, struct error *err)
{
    static const version_rows none;

    if (!load_scripts(offline, &ret->graph, err) || !rows_if_any(offline, &ret->rows, err))
        return false;
    ret->known_rows = ret->rows != NULL ? ret->rows : &none;
    return true;
}

static json_t *json_of_list(const char *name, const struct revision_list *revisions,
                            json_t *(*form)(const struct revision *, const version_rows *),
                            const version_rows *rows)
{
    json_t *array = json_array();

    for (size_t i = 0; i < revisions->count; i++)
        json_push(&array, form(revisions->items[i], rows));
    return wrap(name, array);
}

static bool answer_heads(struct offline *offline, const struct question *question,
                         json_t **ret_answer, struct error *err)
{
    struct sight sight = { 0 };

    return see(offline, &sight, err) &&
           finish(json_of_list("heads",
                               question->resolves_dependencies ? graph_effective_heads(sight.graph)
                                                               : graph_heads(sight.graph),
                               json_of_revision, sight.rows),
                  ret_answer, err);
}

static bool answer_history(struct offline *offline, const struct question *question,
                           json_t **ret_answer, struct error *err)
{
    struct sight sight = { 0 };
    struct revision_list revisions = { 0 };

    return see(offline, &sight, err) &&
           target_history(sight.graph, sight.known_rows, question->text, offline->arena, &revisions,
                          err) &&
           finish(json_of_list("revisions", &revisions, json_of_revision, sight.rows), ret_answer,
                  err);
}

static bool answer_branches(struct offline *offline, json_t **ret_answer, struct error *err)
{
    struct sight sight = { 0 };
    struct revision_list all = { 0 };
    struct revision_list branches = { 0 };

    if (!see(offline, &sight, err) ||
        !target_history(sight.graph, sight.known_rows, NULL, offline->arena, &all, err))
        return false;
    for (size_t i = 0; i < all.count; i++) {
        if (all.items[i]->is_branch_point)
            revision_list_add(&branches, offline->arena, all.items[i]);
    }
    return finish(json_of_list("branches", &branches, json_of_branch, sight.rows), ret_answer, err);
}

/* A name may stand for several revisions (heads) or none (base); this question is about one. In the
 * words of the daemon's answer. */
static bool check_one(const struct revision_list *found, const char *name, struct arena *arena,
                      struct error *err)
{
    struct str_list ids = { 0 };

    if (found->count == 1)
        return true;
    if (found->count == 0)
        return error_set(err, ERR_REVISION_UNKNOWN, "'%s' names no revision", name);
    for (size_t i = 0; i < found->count; i++)
        str_list_add(&ids, arena, found->items[i]->id);
    error_set(err, ERR_REVISION_AMBIGUOUS, "'%s' names several revisions: %s", name,
              str_list_join(&ids, ", ", arena));
    return error_hint(err, "Name one of them.");
}

static bool answer_revision(struct offline *offline, const struct question *question,
                            json_t **ret_answer, struct error *err)
{
    struct sight sight = { 0 };
    struct revision_list found = { 0 };

    return see(offline, &sight, err) &&
           target_revisions(sight.graph, sight.known_rows, question->text, offline->arena, &found,
                            err) &&
           check_one(&found, question->text, offline->arena, err) &&
           finish(json_of_revision_full(found.items[0], sight.rows), ret_answer, err);
}

static bool answer_named(struct offline *offline, const struct question *question,
                         json_t **ret_answer, struct error *err)
{
    struct sight sight = { 0 };
    struct revision_list found = { 0 };

    return see(offline, &sight, err) &&
           target_revisions(sight.graph, sight.known_rows, question->text, offline->arena, &found,
                            err) &&
           finish(json_of_list("revisions", &found, json_of_revision_full, sight.rows), ret_answer,
                  err);
}

/* A revision whose script is gone, which may have left the others without a parent, is shown as it
 * was applied. */
static bool answer_revisions(struct offline *offline, const struct question *question,
                             json_t **ret_answer, struct error *err)
{
    struct error ignored = { .code = ERR_OK };
    const char *path = NULL;
    const char *text = NULL;
    json_t *answer = NULL;

    if (answer_named(offline, question, ret_answer, err))
        return true;
    if (!offline->has_database || !engine_script_text(&offline->settings, question->text,
                                                      offline->arena, &path, &text, &ignored))
        return false;
    error_clear(err);
    answer = wrap("revisions", json_array());
    json_put(&answer, "kept", json_of_kept_script(path, text));
    return finish(answer, ret_answer, err);
}

/* Without a database `current` has no meaning. */
static bool answer_sql(struct offline *offline, const struct question *question,
                       json_t **ret_answer, struct error *err)
{
    struct sight sight = { 0 };
    struct offline_request request = { .verb = question->verb, .range = question->text };
    struct offline_options options = {
        .version_table = offline->settings.version_table,
        .transaction =
            question->has_transaction ? question->transaction : offline->settings.transaction,
    };
    struct plan *plan = NULL;
    const char *sql = NULL;

    if (!see(offline, &sight, err))
        return false;
    request.rows = sight.rows;
    return offline_plan(sight.graph, &request, offline->arena, &plan, err) &&
           offline_sql(plan, &options, offline->arena, &sql, err) &&
           finish(wrap("sql", json_of_text(sql)), ret_answer, err);
}

static bool answer_check(struct offline *offline, json_t **ret_answer, struct error *err)
{
    struct snapshot snapshot = snapshot_of(offline);
    struct findings findings = { 0 };

    if (snapshot.problem.code != ERR_OK) {
        *err = snapshot.problem;
        return false;
    }
    return engine_check(&offline->settings, snapshot.graph, &snapshot.current, offline->arena,
                        &findings, err) &&
           finish(json_of_findings(&findings), ret_answer, err);
}

static bool answer_plan(struct offline *offline, const struct question *question,
                        json_t **ret_answer, struct error *err)
{
    struct run_request request = { .verb = question->verb, .target = question->text };
    struct script_directory *directory cleanup_script_directory = NULL;
    struct plan *plan = NULL;
    const char *target = question->text;

    if (target == NULL)
        target = question->verb == VERB_DOWNGRADE ? "-1" : "head";
    return engine_plan(&offline->settings, &request, offline->arena, &directory, &plan, err) &&
           finish(json_of_plan(plan, target, true), ret_answer, err);
}

static bool answer_backups(struct offline *offline, json_t **ret_answer, struct error *err)
{
    struct backup_infos backups = { 0 };
    json_t *array = NULL;

    if (!engine_backups(&offline->settings, offline->arena, &backups, err))
        return false;
    array = json_array();
    for (size_t i = 0; i < backups.count; i++)
        json_push(&array, json_of_backup(&backups.items[i]));
    return finish(wrap("backups", array), ret_answer, err);
}

/* ---- Jobs: the journal's runs ---- */

/* One more than asked for says whether there is a next page. */
static struct run_filter runs_of(const struct job_filter *jobs)
{
    struct run_filter filter = {
        .limit = jobs->limit + 1,
        .has_outcomes = jobs->has_state,
        .has_verb = jobs->has_verb,
        .verb = jobs->verb,
    };

    for (int outcome = 0; outcome <= RUN_UNFINISHED; outcome++)
        filter.outcomes[outcome] = job_state_of((enum run_outcome) outcome) == jobs->state;
    return filter;
}

static bool answer_jobs(struct offline *offline, const struct question *question,
                        json_t **ret_answer, struct error *err)
{
    struct job_filter jobs = *question->jobs;
    struct run_filter filter = runs_of(&jobs);
    struct run_reports runs = { 0 };
    struct job_views views = { 0 };

    if (!engine_runs(&offline->settings, &filter, offline->arena, &runs, err))
        return false;
    views.has_more = runs.count > jobs.limit;
    views.count = views.has_more ? jobs.limit : runs.count;
    views.items = arena_array(offline->arena, struct job_view, views.count);
    for (size_t i = 0; i < views.count; i++)
        views.items[i] = job_view_of_run(&runs.items[i]);
    if (views.has_more)
        jobs.before = runs.items[views.count - 1].id;
    return finish(json_of_jobs(&views,
                               views.has_more ? transport_jobs_path(&jobs, offline->arena) : NULL),
                  ret_answer, err);
}

static bool answer_job(struct offline *offline, const struct question *question,
                       json_t **ret_answer, struct error *err)
{
    struct run_report run = { .id = "" };
    struct job_view job;

    if (!engine_run_find(&offline->settings, question->text, offline->arena, &run, err))
        return false;
    job = job_view_of_run(&run);
    return finish(json_of_job(&job), ret_answer, err);
}

/* ---- The transport ---- */

static bool offline_ask(void *data, const struct question *question, json_t **ret_answer,
                        struct error *err)
{
    struct offline *offline = data;

    switch (question->kind) {
    case ASK_BACKUPS:
        return answer_backups(offline, ret_answer, err);
    case ASK_BRANCHES:
        return answer_branches(offline, ret_answer, err);
    case ASK_CHECK:
        return answer_check(offline, ret_answer, err);
    case ASK_CURRENT:
        return answer_current(offline, ret_answer, err);
    case ASK_HEADS:
        return answer_heads(offline, question, ret_answer, err);
    case ASK_HISTORY:
        return answer_history(offline, question, ret_answer, err);
    case ASK_JOB:
        return answer_job(offline, question, ret_answer, err);
    case ASK_JOBS:
        return answer_jobs(offline, question, ret_answer, err);
    case ASK_PLAN:
        return answer_plan(offline, question, ret_answer, err);
    case ASK_REACHED:
        return answer_reached(offline, question, ret_answer, err);
    case ASK_REVISION:
        return answer_revision(offline, question, ret_answer, err);
    case ASK_REVISIONS:
        return answer_revisions(offline, question, ret_answer, err);
    case ASK_SQL:
        return answer_sql(offline, question, ret_answer, err);
    case ASK_STATUS:
        return answer_status(offline, ret_answer, err);
    case ASK_DENIALS: /* only a daemon refuses anybody */
        break;
    }
    assert(false);
    return false;
}

/* The engine's hooks as a watch. */
struct watching {
    const struct run_watch *watch;
    int64_t start_us; /* monotonic clock */
};

static void on_progress(void *data, const struct run_progress *progress)
{
    const struct watching *watching = data;
    struct run_moment moment = {
        .progress = *progress,
        .elapsed_us = (uint64_t) (clock_monotonic_us() - watching->start_us),
        .remaining_us = -1,
    };

    watching->watch->moved(watching->watch->data, &moment);
}

static bool on_question(void *data)
{
    const struct watching *watching = data;

    return watching->watch->is_cancelled(watching->watch->data);
}

static bool offline_run(void *data, const struct run_request *request,
                        const struct run_watch *watch, json_t **ret_run, struct error *err)
{
    struct offline *offline = data;
    struct run_report report = { .verb = request->verb };
    struct watching watching = { .watch = watch, .start_us = clock_monotonic_us() };
    struct run_hooks hooks = {
        .data = &watching,
        .progress = on_progress,
        .is_cancelled = on_question,
    };
    bool is_done = engine_run(&offline->settings, request, &hooks, offline->arena, &report, err);

    *ret_run = report.actor != NULL ? json_of_run(&report) : NULL;
    return is_done;
}

/* The id is made here when it was not given, since the answer tells it. */
static bool offline_write(void *data, const struct revision_request *request,
                          const struct str_list *merged, json_t **ret_answer, struct error *err)
{
    struct offline *offline = data;
    struct revision_request with_id = *request;
    char digits[REVISION_ID_DIGITS + 1];
    const char *path = NULL;
    json_t *answer = NULL;
    bool is_done = false;

    digest_random_hex(digits, REVISION_ID_DIGITS);
    if (with_id.id == NULL)
        with_id.id = digits;
    is_done = merged != NULL
                  ? merge_create(&offline->settings, merged, &with_id, offline->arena, &path, err)
                  : revision_create(&offline->settings, &with_id, offline->arena, &path, err);
    if (!is_done)
        return false;
    answer = wrap("id", json_of_text(with_id.id));
    json_put(&answer, "path", json_of_text(path));
    return finish(answer, ret_answer, err);
}

static void offline_close(void *data)
{
    struct offline *offline = data;

    reader_free(offline->reader);
    script_directory_unref(offline->directory);
    free(offline);
}

bool offline_open(const struct options *options, struct arena *arena,
                  struct transport *ret_transport, struct error *err)
{
    struct engine_settings settings = {
        .database = options->database,
        .scripts = options->scripts,
        .state_directory = options->state,
        .allows_loss = options->allows_loss,
    };
    struct offline *offline = NULL;

    if (options->database != NULL && !settings_complete(&settings, arena, err))
        return false;
    offline = xcalloc(1, sizeof(*offline));
    offline->settings = settings;
    offline->has_database = options->database != NULL;
    offline->arena = arena;
    *ret_transport = (struct transport){
        .data = offline,
        .ask = offline_ask,
        .run = offline_run,
        .write = offline_write,
        .close = offline_close,
    };
    return true;
}
