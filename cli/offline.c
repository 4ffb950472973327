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
#include "base/oom.h"
#include "cli/interrupt.h"
#include "engine/reader.h"
#include "engine/run.h"
#include "engine/script_directory.h"
#include "engine/settings.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define JOBS_MAX        50
#define BUSY_TIMEOUT_US 5000000
#define BUSY_PAUSE_MS   5

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
    if (current->verdict == VERDICT_CURRENT)
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
    snapshot.is_ready = snapshot.current.verdict == VERDICT_CURRENT;
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
    struct run_reports runs = { 0 };
    struct backup_infos backups = { 0 };

    if (!engine_runs(&offline->settings, 1, NULL, offline->arena, &runs, err) ||
        !engine_backups(&offline->settings, offline->arena, &backups, err))
        return false;
    if (runs.count > 0) {
        ret->last_run_us = runs.items[0].started_us + (int64_t) runs.items[0].duration_us;
        ret->last_run_duration_us = runs.items[0].duration_us;
        ret->last_run_succeeded = runs.items[0].outcome == RUN_SUCCEEDED;
    }
    if (backups.count > 0) {
        ret->last_backup_us = backups.items[0].created_us;
        ret->last_backup_bytes = backups.items[0].bytes;
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

static bool answer_ready(struct offline *offline, json_t **ret_answer, struct error *err)
{
    struct snapshot snapshot = snapshot_of(offline);
    json_t *answer = NULL;

    if (!snapshot.is_ready && snapshot.problem.code != ERR_OK) {
        *err = snapshot.problem;
        return false;
    }
    if (!snapshot.is_ready)
        return error_set(err, ERR_NOT_READY, "%s", snapshot.status);
    answer = wrap("ready", json_true());
    json_put(&answer, "status", json_of_text(snapshot.status));
    return finish(answer, ret_answer, err);
}

static json_t *json_of_list(const struct revision_list *revisions, const version_rows *rows)
{
    json_t *array = json_array();

    for (size_t i = 0; i < revisions->count; i++)
        json_push(&array, json_of_revision(revisions->items[i], rows));
    return array;
}

static bool answer_revisions(struct offline *offline, const struct question *question,
                             json_t **ret_answer, struct error *err)
{
    static const version_rows none;
    struct revision_list revisions = { 0 };
    const struct graph *graph = NULL;
    const version_rows *rows = NULL;

    if (!load_scripts(offline, &graph, err) || !rows_if_any(offline, &rows, err))
        return false;
    if (question->kind == ASK_HEADS)
        return finish(wrap("heads", json_of_list(graph_heads(graph), rows)), ret_answer, err);
    return target_history(graph, rows != NULL ? rows : &none, question->text, offline->arena,
                          &revisions, err) &&
           finish(wrap("revisions", json_of_list(&revisions, rows)), ret_answer, err);
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
    static const version_rows none;
    struct revision_list found = { 0 };
    const struct graph *graph = NULL;
    const version_rows *rows = NULL;

    return load_scripts(offline, &graph, err) && rows_if_any(offline, &rows, err) &&
           target_revisions(graph, rows != NULL ? rows : &none, question->text, offline->arena,
                            &found, err) &&
           check_one(&found, question->text, offline->arena, err) &&
           finish(json_of_revision_full(found.items[0], rows), ret_answer, err);
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

static json_t *json_of_journalled(const struct run_report *report)
{
    struct job_view job = job_view_of_run(report);

    return json_of_job(&job);
}

static bool answer_jobs(struct offline *offline, json_t **ret_answer, struct error *err)
{
    struct run_reports runs = { 0 };
    json_t *array = NULL;

    if (!engine_runs(&offline->settings, JOBS_MAX, NULL, offline->arena, &runs, err))
        return false;
    array = json_array();
    for (size_t i = 0; i < runs.count; i++)
        json_push(&array, json_of_journalled(&runs.items[i]));
    return finish(wrap("jobs", array), ret_answer, err);
}

static bool answer_job(struct offline *offline, const struct question *question,
                       json_t **ret_answer, struct error *err)
{
    struct run_report run = { .id = "" };

    return engine_run_find(&offline->settings, question->text, offline->arena, &run, err) &&
           finish(json_of_journalled(&run), ret_answer, err);
}

/* ---- The transport ---- */

static bool offline_ask(void *data, const struct question *question, json_t **ret_answer,
                        struct error *err)
{
    struct offline *offline = data;

    switch (question->kind) {
    case ASK_BACKUPS:
        return answer_backups(offline, ret_answer, err);
    case ASK_CURRENT:
        return answer_current(offline, ret_answer, err);
    case ASK_HEADS:
    case ASK_HISTORY:
        return answer_revisions(offline, question, ret_answer, err);
    case ASK_JOB:
        return answer_job(offline, question, ret_answer, err);
    case ASK_JOBS:
        return answer_jobs(offline, ret_answer, err);
    case ASK_PLAN:
        return answer_plan(offline, question, ret_answer, err);
    case ASK_READY:
        return answer_ready(offline, ret_answer, err);
    case ASK_REVISION:
        return answer_revision(offline, question, ret_answer, err);
    case ASK_STATUS:
        return answer_status(offline, ret_answer, err);
    }
    assert(false);
    return false;
}

static bool offline_run(void *data, const struct run_request *request,
                        const struct run_hooks *hooks, json_t **ret_run, struct error *err)
{
    struct offline *offline = data;
    struct run_report report = { .verb = request->verb };
    bool is_done = engine_run(&offline->settings, request, hooks, offline->arena, &report, err);

    *ret_run = report.actor != NULL ? json_of_run(&report) : NULL;
    return is_done;
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
        .close = offline_close,
    };
    return true;
}
