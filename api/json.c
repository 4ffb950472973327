/*
 * json.c - runs, jobs, backups, problems, /current and /status as JSON.
 *
 * The order of members is the order of the calls. Revisions and plans are in json_revision.c.
 */
#include "api/json.h"

#include "api/json_text.h"
#include "base/clock.h"
#include "config.h"
#include "migrations/format.h"

static json_t *json_or_null(const char *text)
{
    return text[0] != '\0' ? json_of_text(text) : json_null();
}

/* ---- Problems ---- */

/* What is not known is left out: null would say that there is none. */
static void put_known_text(json_t **object, const char *name, const char *text)
{
    if (text[0] != '\0')
        json_put(object, name, json_of_text(text));
}

static void put_known_number(json_t **object, const char *name, json_int_t number)
{
    if (number != 0)
        json_put(object, name, json_integer(number));
}

static json_t *json_of_type(enum error_code code)
{
    struct arena arena cleanup(arena_release) = { 0 };

    return json_of_text(arena_printf(&arena, "/problems/%s", error_slug(code)));
}

json_t *json_of_problem(const struct error *err, unsigned status, const char *instance)
{
    json_t *object = json_object();

    json_put(&object, "type", json_of_type(err->code));
    json_put(&object, "title", json_of_text(error_title(err->code)));
    put_known_number(&object, "status", status);
    json_put(&object, "detail", json_of_text(err->detail));
    if (instance != NULL)
        json_put(&object, "instance", json_of_text(instance));
    json_put(&object, "code", json_of_text(error_slug(err->code)));
    put_known_text(&object, "revision", err->revision);
    put_known_text(&object, "file", err->file);
    put_known_number(&object, "line", err->line);
    put_known_number(&object, "column", err->column);
    put_known_text(&object, "statement", err->statement);
    put_known_number(&object, "sqlite_code", err->sqlite_code);
    put_known_text(&object, "hint", err->hint);
    return object;
}

json_t *json_of_error(const struct error *err)
{
    return json_of_problem(err, 0, NULL);
}

json_t *json_of_findings(const struct findings *findings)
{
    json_t *object = json_object();
    json_t *array = json_array();

    for (size_t i = 0; i < findings->count; i++)
        json_push(&array, json_of_error(&findings->items[i]));
    json_put(&object, "ok", json_boolean(findings->count == 0));
    json_put(&object, "findings", array);
    return object;
}

static json_t *json_of_error_or_null(const struct error *err)
{
    return err->code != ERR_OK ? json_of_error(err) : json_null();
}

/* ---- Runs, jobs, backups ---- */

static json_t *json_of_step_report(const struct step_report *step)
{
    json_t *object = json_object();

    json_put(&object, "revision", json_of_text(step->revision));
    json_put(&object, "direction", json_of_text(step->direction == DIRECTION_UP ? "up" : "down"));
    json_put(&object, "message", json_of_text(step->message));
    json_put(&object, "line", json_of_text(step->line));
    json_put(&object, "duration_ms", json_of_milliseconds(step->duration_us));
    return object;
}

json_t *json_of_run(const struct run_report *report)
{
    json_t *object = json_object();
    json_t *steps = json_array();

    for (size_t i = 0; i < report->step_count; i++)
        json_push(&steps, json_of_step_report(&report->steps[i]));
    json_put(&object, "id", json_of_text(report->id));
    json_put(&object, "verb", json_of_text(verb_name(report->verb)));
    json_put(&object, "outcome", json_of_text(run_outcome_name(report->outcome)));
    json_put(&object, "target", json_of_text(report->target));
    json_put(&object, "actor", json_of_text(report->actor));
    json_put(&object, "reason", json_of_text(report->reason));
    json_put(&object, "from", json_of_rows(&report->rows_before));
    json_put(&object, "to", json_of_rows(&report->rows_after));
    json_put(&object, "steps", steps);
    json_put(&object, "backup", json_of_text(report->backup));
    json_put(&object, "warning", json_of_text(report->warning));
    json_put(&object, "started_at", json_of_time(report->started_us));
    json_put(&object, "duration_ms", json_of_milliseconds(report->duration_us));
    json_put(&object, "lock_wait_ms", json_of_milliseconds(report->lock_wait_us));
    json_put(&object, "error", json_of_error_or_null(&report->error));
    return object;
}

/* Null: nobody knows. */
static json_t *json_of_remaining(int64_t remaining_us)
{
    return remaining_us >= 0 ? json_of_milliseconds((uint64_t) remaining_us) : json_null();
}

json_t *json_of_job(const struct job_view *job)
{
    json_t *object = json_object();
    const struct run_progress *progress = &job->progress;

    json_put(&object, "id", json_of_text(job->report.id));
    json_put(&object, "state", json_of_text(job_state_name(job->state)));
    json_put(&object, "phase", json_of_text(run_phase_name(progress->phase)));
    json_put(&object, "permille", json_of_count(progress->permille));
    json_put(&object, "revision", json_or_null(progress->revision));
    json_put(&object, "step", json_of_count(progress->step));
    json_put(&object, "step_count", json_of_count(progress->step_count));
    json_put(&object, "statement", json_of_count(progress->statement));
    json_put(&object, "statement_count", json_of_count(progress->statement_count));
    json_put(&object, "queued_at", json_of_time(job->queued_us));
    json_put(&object, "elapsed_ms", json_of_milliseconds(job->elapsed_us));
    json_put(&object, "remaining_ms", json_of_remaining(job->remaining_us));
    json_put(&object, "cancel_requested", json_boolean(job->is_cancel_requested));
    json_put(&object, "interruptible", json_boolean(job->is_interruptible));
    json_put(&object, "run", json_of_run(&job->report));
    return object;
}

json_t *json_of_jobs(const struct job_views *jobs, const char *next)
{
    json_t *object = json_object();
    json_t *array = json_array();

    for (size_t i = 0; i < jobs->count; i++)
        json_push(&array, json_of_job(&jobs->items[i]));
    json_put(&object, "jobs", array);
    json_put(&object, "next", json_of_text(next));
    return object;
}

json_t *json_of_gap(uint64_t after, const char *detail)
{
    json_t *object = json_object();

    json_put(&object, "after", json_of_count(after));
    json_put(&object, "detail", json_of_text(detail));
    return object;
}

json_t *json_of_backup(const struct backup_info *backup)
{
    json_t *object = json_object();
    int64_t age_us = clock_wall_us() - backup->created_us;

    json_put(&object, "name", json_of_text(backup->name));
    json_put(&object, "bytes", json_of_count(backup->bytes));
    json_put(&object, "created_at", json_of_time(backup->created_us));
    json_put(&object, "age_ms", json_of_milliseconds(age_us > 0 ? (uint64_t) age_us : 0));
    json_put(&object, "revisions", json_of_rows(&backup->rows));
    json_put(&object, "path", json_of_text(backup->path));
    return object;
}

/* ---- Who was not let in ---- */

static json_t *json_of_denial(const struct denial *denial)
{
    json_t *object = json_object();

    json_put(&object, "at", json_of_time(denial->at_us));
    json_put(&object, "reason", json_of_text(denial->reason));
    json_put(&object, "actor", json_of_text(denial->actor));
    json_put(&object, "method", json_of_text(denial->method));
    json_put(&object, "path", json_of_text(denial->path));
    json_put(&object, "repeated", json_of_count(denial->repeated));
    return object;
}

json_t *json_of_denials(const struct denials *denials)
{
    json_t *object = json_object();
    json_t *array = json_array();

    for (size_t i = 0; i < denials->count; i++)
        json_push(&array, json_of_denial(&denials->items[i]));
    json_put(&object, "denials", array);
    return object;
}

/* ---- Where the database is ---- */

static json_t *json_of_current_lines(const struct revision_list *revisions)
{
    struct arena arena cleanup(arena_release) = { 0 };
    json_t *lines = json_array();

    for (size_t i = 0; i < revisions->count; i++)
        json_push(&lines, json_of_text(format_current_line(revisions->items[i], &arena)));
    return lines;
}

json_t *json_of_current(const struct snapshot *snapshot)
{
    const struct current *current = &snapshot->current;
    enum verdict verdict = snapshot->graph != NULL ? current->verdict : VERDICT_UNKNOWN;
    json_t *object = json_object();

    json_put(&object, "verdict", json_of_text(verdict_name(verdict)));
    json_put(&object, "revisions", json_of_rows(&current->rows));
    json_put(&object, "lines", json_of_current_lines(&current->revisions));
    json_put(&object, "unknown", json_of_rows(&current->unknown));
    json_put(&object, "heads", json_of_revision_ids(&current->heads));
    json_put(&object, "pending", json_of_count(current->pending));
    json_put(&object, "ready", json_boolean(snapshot->is_ready));
    json_put(&object, "stale", json_boolean(snapshot->is_stale));
    /* A fresh answer is of now, and says the same as long as nothing changes. */
    json_put(&object, "observed_at",
             snapshot->is_stale ? json_of_time(snapshot->observed_us) : json_null());
    json_put(&object, "running",
             snapshot->has_running ? json_of_job(&snapshot->running) : json_null());
    json_put(&object, "database", json_of_text(snapshot->database));
    json_put(&object, "problem", json_of_error_or_null(&snapshot->problem));
    return object;
}

static json_t *json_of_database(const struct snapshot *snapshot)
{
    json_t *object = json_object();

    json_put(&object, "path", json_of_text(snapshot->database));
    json_put(&object, "exists", json_boolean(snapshot->database_exists));
    json_put(&object, "journal_mode", json_or_null(snapshot->journal_mode));
    json_put(&object, "bytes", json_of_count(snapshot->database_bytes));
    json_put(&object, "wal_bytes", json_of_count(snapshot->wal_bytes));
    return object;
}

static json_t *json_of_queue(const struct backend_counters *counters)
{
    json_t *object = json_object();

    json_put(&object, "length", json_of_count(counters->queue_length));
    json_put(&object, "max", json_of_count(counters->queue_max));
    return object;
}

static json_t *json_of_job_counters(const struct backend_counters *counters)
{
    json_t *object = json_object();

    for (unsigned state = JOB_SUCCEEDED; state <= JOB_INTERRUPTED; state++)
        json_put(&object, job_state_name((enum job_state) state),
                 json_of_count(counters->jobs[state]));
    return object;
}

static json_t *json_of_last_run(const struct backend_counters *counters)
{
    json_t *object = NULL;

    if (counters->last_run_us == 0)
        return json_null();
    object = json_object();
    json_put(&object, "ended_at", json_of_time(counters->last_run_us));
    json_put(&object, "duration_ms", json_of_milliseconds(counters->last_run_duration_us));
    json_put(&object, "succeeded", json_boolean(counters->last_run_succeeded));
    json_put(&object, "verb", json_of_text(verb_name(counters->last_run_verb)));
    json_put(&object, "outcome", json_of_text(run_outcome_name(counters->last_run_outcome)));
    return object;
}

static json_t *json_of_last_backup(const struct backend_counters *counters)
{
    json_t *object = NULL;

    if (counters->last_backup_us == 0)
        return json_null();
    object = json_object();
    json_put(&object, "created_at", json_of_time(counters->last_backup_us));
    json_put(&object, "bytes", json_of_count(counters->last_backup_bytes));
    json_put(&object, "revisions", json_of_rows(&counters->last_backup_rows));
    return object;
}

json_t *json_of_status(const struct snapshot *snapshot, const struct backend_counters *counters)
{
    static const struct str_list none;
    json_t *object = json_object();

    json_put(&object, "name", json_of_text("schemad"));
    json_put(&object, "version", json_of_text(SCHEMAD_VERSION));
    json_put(&object, "status", json_of_text(snapshot->status));
    json_put(&object, "ready", json_boolean(snapshot->is_ready));
    json_put(&object, "required", json_of_text(snapshot->required));
    json_put(&object, "accept", json_of_text(snapshot->accept));
    json_put(&object, "current", json_of_current(snapshot));
    json_put(&object, "database", json_of_database(snapshot));
    json_put(&object, "scripts",
             json_of_texts(snapshot->scripts != NULL ? snapshot->scripts : &none));
    json_put(&object, "queue", json_of_queue(counters));
    json_put(&object, "jobs", json_of_job_counters(counters));
    json_put(&object, "last_run", json_of_last_run(counters));
    json_put(&object, "last_backup", json_of_last_backup(counters));
    json_put(&object, "started_at", json_of_time(counters->started_us));
    return object;
}

json_t *json_of_readiness(const struct snapshot *snapshot)
{
    json_t *object = json_object();

    json_put(&object, "ready", json_true());
    json_put(&object, "status", json_of_text(snapshot->status));
    json_put(&object, "revisions", json_of_rows(&snapshot->current.rows));
    return object;
}
