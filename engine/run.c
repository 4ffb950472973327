/*
 * run.c - one run, whatever the verb.
 *
 * The numbers are those of docs/architecture.md, and their order is the safety argument:
 *
 *    1  the schema lock           nobody else plans or changes the schema from here on
 *    2  plan                      nothing to do: nothing is touched
 *    3  preflight                 what is certain to fail is refused
 *    4  backup, verified          before anything changes
 *    5  journal the intent        a death from here on is noticed at the next start
 *    6  BEGIN IMMEDIATE, rows again   6 to 10 are store/runner.c
 *    7  statements under the guard
 *    8  version rows
 *    9  foreign keys, losses
 *   10  COMMIT                    before it nothing happened, after it everything
 *   11  journal the outcome       cannot fail the run any more
 *
 * Before all of them stands a look ahead without the lock: a run that has nothing to do, or cannot
 * be planned, leaves no trace, not even a lock file. It decides nothing else; under the lock
 * everything is read again.
 *
 * It must not know SQL, HTTP or the daemon.
 */
#include "engine/run.h"

#include "base/clock.h"
#include "engine/check.h"
#include "engine/expect.h"
#include "engine/kept_script.h"
#include "engine/lock.h"
#include "engine/look.h"
#include "engine/owner.h"
#include "engine/preflight.h"
#include "engine/report.h"
#include "engine/script_directory.h"
#include "engine/state.h"
#include "engine/verbs.h"
#include "store/backup.h"
#include "store/runner.h"

#include <assert.h>
#include <string.h>

enum {
    LOCK_SLICE_MS = 100,   /* how often a waiting run says that it lives */
    BACKUP_PERMILLE = 300, /* a backup's part of a run's progress */
    PERMILLE_ALL = 1000,
};

struct run {
    const struct engine_settings *settings;
    const struct run_request *request;
    const struct run_hooks *hooks;
    struct arena *arena;
    struct run_report *report;
    const struct verb_rules *rules; /* NULL for a backup */
    uint32_t timeout_ms;            /* for each lock: the schema's and SQLite's */
    int64_t started_us;             /* monotonic */
    struct script_directory *directory;
    struct schema_lock *lock;
    struct journal *journal;
    struct look look;
    struct plan *plan;
    bool has_intent; /* the journal knows of this run */
    bool is_decided; /* done before step 3 */
    bool is_unknown; /* whether it was committed cannot be told */
};

static void run_release(struct run *run)
{
    journal_close(take_ptr(run->journal));
    schema_lock_release(take_ptr(run->lock));
    script_directory_unref(take_ptr(run->directory));
}

static void tell_phase(const struct run *run, enum run_phase phase)
{
    struct run_progress progress = {
        .phase = phase,
        .permille = phase == PHASE_DONE ? PERMILLE_ALL : 0,
        .step_count = run->plan == NULL ? 0 : (unsigned) run->plan->count,
    };

    if (run->hooks != NULL && run->hooks->progress != NULL)
        run->hooks->progress(run->hooks->data, &progress);
}

static bool check_cancelled(const struct run *run, struct error *err)
{
    if (run->hooks == NULL || run->hooks->is_cancelled == NULL ||
        !run->hooks->is_cancelled(run->hooks->data))
        return true;
    return error_set(err, ERR_CANCELLED, "the run was cancelled before it changed anything");
}

/* ---- 1. The lock ---- */

static const char *run_purpose(const struct run *run)
{
    const char *target = run->report->target;

    if (target == NULL && run->rules != NULL)
        target = run->rules->target_default;
    if (target == NULL)
        return verb_name(run->request->verb);
    return arena_printf(run->arena, "%s to %s", verb_name(run->request->verb), target);
}

/* In slices, so that a cancelled run does not wait on and a watchdog sees that it is alive. */
static bool wait_for_lock(struct run *run, struct error *err)
{
    int64_t deadline_us = clock_monotonic_us() + (int64_t) run->timeout_ms * 1000;

    for (;;) {
        struct error cause = { 0 };
        int64_t left_ms = (deadline_us - clock_monotonic_us()) / 1000;
        uint32_t slice_ms = (uint32_t) (left_ms < 0               ? 0
                                        : left_ms < LOCK_SLICE_MS ? left_ms
                                                                  : LOCK_SLICE_MS);

        if (schema_lock_take(run->settings->database, run_purpose(run), slice_ms, &run->lock,
                             &cause))
            return true;
        if (cause.code != ERR_LOCKED || left_ms <= 0) {
            *err = cause;
            return false;
        }
        tell_phase(run, PHASE_PLANNING);
        if (!check_cancelled(run, err))
            return false;
    }
}

static bool run_lock(struct run *run, struct error *err)
{
    int64_t started_us = clock_monotonic_us();
    bool is_taken = wait_for_lock(run, err);

    run->report->lock_wait_us = (uint64_t) (clock_monotonic_us() - started_us);
    return is_taken;
}

/* ---- 2. The plan ---- */

static bool run_plan(struct run *run, struct error *err)
{
    report_rows(run->report, &run->look.rows, run->arena);
    if (engine_plan_rows(script_directory_graph(run->directory), &run->look.rows, run->request,
                         run->arena, &run->plan, err))
        return true;
    kept_script_explain(run->settings, err);
    return false;
}

/* A stamp without a target makes the version table, if it is not there. */
static bool has_nothing_to_do(const struct run *run)
{
    const struct plan *plan = run->plan;
    bool makes_table = stamp_is_ensuring(run->request) && !run->look.has_version_table;

    return plan->count == 0 && str_list_equal(&plan->rows_before, &plan->rows_after) &&
           !makes_table;
}

static bool will_back_up(const struct run *run)
{
    const struct run_request *request = run->request;
    bool is_said = request->has_backup || request->backup != BACKUP_ALWAYS;

    if (run->look.facts.bytes == 0) /* missing, or a file without a page: nothing to lose */
        return false;
    switch (is_said ? request->backup : run->settings->backup) {
    case BACKUP_ALWAYS:
        return true;
    case BACKUP_DESTRUCTIVE:
        return run->rules->is_destructive(run->plan, run->arena);
    case BACKUP_NEVER:
        return false;
    }
    return true;
}

/* ---- 3. Preflight ---- */

static bool check_script(struct run *run, const struct step *step, struct error *err)
{
    const struct script *script = step->revision->script;
    const char *applied = NULL;

    return journal_script_digest(run->journal, script->id, run->arena, &applied, err) &&
           (applied == NULL || script_check(script, applied, &run->look.rows, err));
}

static bool check_scripts(struct run *run, struct error *err)
{
    for (size_t i = 0; run->rules->needs_same_scripts && i < run->plan->count; i++) {
        if (!check_script(run, &run->plan->steps[i], err))
            return false;
    }
    return true;
}

static bool run_preflight(struct run *run, struct error *err)
{
    tell_phase(run, PHASE_PREFLIGHT);
    if (run->journal != NULL && !check_scripts(run, err))
        return false;
    return preflight_check(run->settings, run->plan, will_back_up(run), &run->look.facts, err) &&
           check_cancelled(run, err);
}

/* ---- Ahead of the lock ---- */

static bool finish_dry_run(struct run *run, struct error *err)
{
    if (state_has_journal(run->settings) && !state_journal_open(run->settings, &run->journal, err))
        return false;
    if (!run_preflight(run, err))
        return false;
    report_plan(run->report, run->plan, run->arena);
    run->report->outcome = RUN_PLANNED;
    run->is_decided = true;
    return true;
}

/*
 * A database that cannot be read just now is looked at again under the lock, with patience. What
 * can be read and gives no plan is refused at once: a plan is as true as the moment it was made in.
 */
static bool look_ahead(struct run *run, struct error *err)
{
    uint32_t busy_timeout_ms = run->request->is_dry_run ? run->timeout_ms : 0;
    struct error cause = { 0 };

    if (!look_take(run->settings, busy_timeout_ms, run->arena, &run->look, &cause)) {
        if (run->request->is_dry_run)
            *err = cause;
        return !run->request->is_dry_run;
    }
    if (!run_plan(run, err))
        return false;
    run->is_decided = has_nothing_to_do(run);
    return run->is_decided || !run->request->is_dry_run || finish_dry_run(run, err);
}

/* ---- 4. Backup ---- */

static bool run_backup(struct run *run, unsigned permille_to, struct error *err)
{
    struct backup_options options = {
        .directory = run->settings->backup_directory,
        .version_table = run->settings->version_table,
        .prefix = state_backup_prefix(run->settings, run->arena),
        .busy_timeout_ms = run->timeout_ms,
        .hooks = run->hooks,
        .permille_to = permille_to,
    };
    struct backup_info info = { 0 };

    if (!backup_run(run->settings->database, &options, run->arena, &info, err))
        return false;
    run->report->backup = info.name;
    return true;
}

/* ---- 5. The intent ---- */

/* Settling first: what a killed run left open must not look like this run's doing. */
static bool run_journal_open(struct run *run, struct error *err)
{
    unsigned settled = 0;

    return state_journal_open(run->settings, &run->journal, err) &&
           journal_reconcile(run->journal, &run->look.rows, &settled, err);
}

static bool run_intent(struct run *run, struct error *err)
{
    run->has_intent = journal_intent_write(run->journal, run->report, run->plan, err);
    return run->has_intent;
}

/* ---- 6 to 10. The change ---- */

static bool create_database(const struct run *run, struct error *err)
{
    struct db_options options = { .access = DB_CREATE, .busy_timeout_ms = run->timeout_ms };
    cleanup_db struct db *db = NULL;

    if (run->look.exists || !run->rules->creates_database)
        return true;
    if (!db_open(run->settings->database, &options, &db, err))
        return false;
    owner_adopt(run->settings->database, run->settings->database);
    return true;
}

static enum transaction_mode transaction_of(const struct run *run)
{
    const struct run_request *request = run->request;
    bool is_said = request->has_transaction || request->transaction != TRANSACTION_RUN;

    return is_said ? request->transaction : run->settings->transaction;
}

static void name_lock_holders(const struct run *run, struct error *err)
{
    const char *holders = preflight_lock_holders(run->settings->database, run->arena);

    if (err->code != ERR_DATABASE_BUSY || *holders == '\0')
        return;
    err->hint[0] = '\0'; /* the general hint is worth less than a name */
    error_hint(err,
               "Locks on the database are held by %s. Try again when they are gone, or allow "
               "a longer wait.",
               holders);
}

static bool run_change(struct run *run, struct error *err)
{
    struct runner_options options = {
        .version_table = run->settings->version_table,
        .transaction = transaction_of(run),
        .busy_timeout_ms = run->timeout_ms,
        .timeout_ms = run->request->timeout_ms,
        .allows_loss = run->settings->allows_loss,
        .hooks = run->hooks,
        .permille_from = run->report->backup == NULL ? 0 : BACKUP_PERMILLE,
    };
    struct runner_result result = { 0 };
    bool is_done = false;

    if (!create_database(run, err))
        return false;
    is_done = runner_run(run->settings->database, run->plan, &options, run->arena, &result, err);
    run->is_unknown = !result.is_outcome_known;
    report_result(run->report, &result, run->arena);
    if (!is_done)
        name_lock_holders(run, err);
    return is_done;
}

/* ---- 11. The outcome ---- */

static enum run_outcome outcome_of(const struct run *run, enum error_code code)
{
    if (code == ERR_OK)
        return run->is_decided ? run->report->outcome : RUN_SUCCEEDED;
    return code == ERR_CANCELLED ? RUN_CANCELLED : RUN_FAILED;
}

/*
 * A run with an intent gets its outcome, unless nobody knows it: then it stays open and is settled
 * by the version rows at the next look. A job that failed before its intent is written down too,
 * since somebody may ask for it later.
 */
static bool has_journalled_outcome(const struct run *run)
{
    bool is_failed_job = run->report->error.code != ERR_OK && run->request->id[0] != '\0';

    return !run->is_unknown && (run->has_intent || is_failed_job);
}

static void run_prune(struct run *run)
{
    struct error cause = { 0 };

    if (run->report->backup == NULL || run->report->outcome != RUN_SUCCEEDED)
        return;
    if (!backup_prune(run->settings->backup_directory,
                      state_backup_prefix(run->settings, run->arena), run->settings->backup_keep,
                      run->report->backup, &cause))
        report_warn(run->report, "old backups could not be removed", &cause, run->arena);
}

static void run_tell_notice(struct run *run)
{
    struct error notice = { 0 };

    if (run->journal == NULL || journal_notice(run->journal) == NULL)
        return;
    error_set(&notice, ERR_JOURNAL, "%s", journal_notice(run->journal));
    report_warn(run->report, "the journal was damaged", &notice, run->arena);
}

/* The warnings so far are part of it. */
static bool write_outcome(struct run *run, struct error *err)
{
    if (run->journal == NULL && !state_journal_open(run->settings, &run->journal, err))
        return false;
    run_tell_notice(run);
    return journal_outcome_write(run->journal, run->report, err);
}

static void run_journal_outcome(struct run *run)
{
    struct error cause = { 0 };

    if (!has_journalled_outcome(run))
        run_tell_notice(run);
    else if (!write_outcome(run, &cause))
        report_warn(run->report, "the outcome could not be journalled", &cause, run->arena);
}

static void run_end(struct run *run, const struct error *err)
{
    run->report->error = *err;
    run->report->outcome = outcome_of(run, err->code);
    run->report->duration_us = (uint64_t) (clock_monotonic_us() - run->started_us);
    run_prune(run);
    run_journal_outcome(run);
    tell_phase(run, PHASE_DONE);
}

/* ---- The runs ---- */

static bool change_schema(struct run *run, struct error *err)
{
    if (!script_directory_load(&run->settings->scripts, &run->directory, err) ||
        !look_ahead(run, err))
        return false;
    if (run->is_decided)
        return true;

    /* 1 */
    if (!run_lock(run, err))
        return false;
    /* 2 */
    if (!look_take(run->settings, run->timeout_ms, run->arena, &run->look, err)) {
        name_lock_holders(run, err);
        return false;
    }
    if (!run_plan(run, err))
        return false;
    run->is_decided = has_nothing_to_do(run);
    if (run->is_decided)
        return true;
    /* 3 */
    if (!run_journal_open(run, err) || !run_preflight(run, err))
        return false;
    /* 4 */
    if (will_back_up(run) && !run_backup(run, BACKUP_PERMILLE, err))
        return false;
    /* 5 */
    if (!run_intent(run, err))
        return false;
    /* 6 to 10 */
    return run_change(run, err);
}

/* The same steps, without a plan and a change; the intent comes first, so that a backup that was
 * killed is told of. */
static bool back_up(struct run *run, struct error *err)
{
    if (!run_lock(run, err))
        return false;
    if (!look_take(run->settings, run->timeout_ms, run->arena, &run->look, err)) {
        name_lock_holders(run, err);
        return false;
    }
    report_rows(run->report, &run->look.rows, run->arena);
    if (!run->look.exists) {
        error_set(err, ERR_DATABASE_MISSING, "database \"%s\" does not exist",
                  run->settings->database);
        return error_hint(err, "There is nothing to back up yet. An upgrade creates the database.");
    }
    if (!expect_check(run->request, &run->look.rows, run->arena, err) ||
        !run_journal_open(run, err) ||
        !preflight_check(run->settings, NULL, true, &run->look.facts, err))
        return false;
    return run_intent(run, err) && run_backup(run, PERMILLE_ALL, err);
}

bool engine_run(const struct engine_settings *settings, const struct run_request *request,
                const struct run_hooks *hooks, struct arena *arena, struct run_report *ret_report,
                struct error *err)
{
    cleanup(run_release) struct run run = {
        .settings = settings,
        .request = request,
        .hooks = hooks,
        .arena = arena,
        .report = ret_report,
        .rules = verb_rules_find(request->verb),
        .timeout_ms =
            request->lock_timeout_ms == 0 ? settings->lock_timeout_ms : request->lock_timeout_ms,
        .started_us = clock_monotonic_us(),
    };
    bool is_done = false;

    assert(err->code == ERR_OK);
    report_begin(ret_report, request, arena);
    tell_phase(&run, PHASE_PLANNING);
    is_done = run.rules == NULL ? back_up(&run, err) : change_schema(&run, err);
    assert(is_done || err->code != ERR_OK);
    if (is_done)
        error_clear(err); /* what was tried in vain on the way is nobody's business */
    run_end(&run, err);
    return is_done;
}
