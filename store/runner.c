/*
 * runner.c - a plan becomes transactions; here the guarantee "before or after, never between" is
 * made.
 *
 * The order is the argument:
 *   1. BEGIN IMMEDIATE: from here on nobody else writes.
 *   2. The version rows are read again; a plan made for other rows is not run.
 *   3. What must not get lost is noted: objects, rows, foreign key violations.
 *   4. Each step: its statements under the guard, then its version rows.
 *   5. What was noted is compared.
 *   6. COMMIT, synchronous = EXTRA: the rows and the schema appear together, and survive a power
 *      loss.
 *   7. When COMMIT reports an error, a fresh connection's version rows say what is true.
 * Anything that fails before 6 rolls all of it back. A step that says Transaction: none runs alone,
 * its rows right after it.
 *
 * It must not know where plans come from, take the schema lock or make backups: engine/ does.
 */
#include "store/runner.h"

#include "base/clock.h"
#include "migrations/format.h"
#include "store/exec.h"
#include "store/foreign_keys.h"
#include "store/loss.h"
#include "store/reach.h"
#include "store/stmt.h"
#include "store/txn.h"
#include "store/version_write.h"

#include <stdio.h>

struct runner {
    const char *path;
    const struct plan *plan;
    const struct runner_options *options;
    struct arena *arena;
    struct runner_result *result;
    struct db *db;
    struct guard guard;
    struct watch watch;
    const version_rows
        *rows; /* as they must be in the database now: of the last write, committed or not */
    const version_rows *committed_rows;
    size_t statements_done;
    size_t statement_total;
    size_t finished; /* steps in result->steps, of which result->step_count are committed */
};

/* --- connection ------------------------------------------------------------------------------- */

/*
 * EXTRA is FULL in WAL mode; in a rollback-journal mode it also syncs the directory after the
 * journal is deleted, without which a power loss can take an acknowledged commit back. FAST:
 * Debian's SQLite overwrites deleted content by default and would write a dropped table's every
 * page into the WAL; FAST still clears what lies on pages that are written anyway. Scripts get a
 * connection of their own, whose temporary objects and settings end with the run.
 */
static bool runner_connect(struct runner *runner, struct error *err)
{
    struct db_options options = { .access = DB_WRITE,
                                  .busy_timeout_ms = runner->watch.busy_timeout_ms };

    if (!db_open(runner->path, &options, &runner->db, err))
        return false;
    watch_install(&runner->watch, runner->db);
    guard_install(&runner->guard, runner->db);
    return db_exec(runner->db, "PRAGMA synchronous = EXTRA", err) &&
           db_exec(runner->db, "PRAGMA secure_delete = FAST", err);
}

static bool runner_rows_read(struct runner *runner, version_rows *ret_rows, struct error *err)
{
    bool exists = false;

    return version_rows_read(runner->db, runner->options->version_table, runner->arena, ret_rows,
                             &exists, err);
}

/* --- progress --------------------------------------------------------------------------------- */

static void runner_report(struct runner *runner, enum run_phase phase)
{
    struct run_progress *progress = &runner->watch.progress;
    unsigned from = runner->options->permille_from;
    unsigned to = runner->options->permille_to == 0 ? 1000 : runner->options->permille_to;
    size_t total = runner->statement_total + runner->plan->count + 1;
    size_t done = runner->statements_done + runner->finished;

    progress->phase = phase;
    progress->permille = from + (unsigned) ((to - from) * done / total);
    watch_report(&runner->watch);
}

static const struct statements *step_statements(const struct step *step, enum verb verb)
{
    static const struct statements none = { 0 };

    if (verb == VERB_STAMP)
        return &none;
    return step->direction == DIRECTION_UP ? &step->revision->script->up
                                           : &step->revision->script->down;
}

static void runner_progress_step(struct runner *runner, size_t index)
{
    struct run_progress *progress = &runner->watch.progress;
    const struct step *step = &runner->plan->steps[index];

    progress->direction = step->direction;
    progress->step = (unsigned) index + 1;
    progress->statement = 0;
    progress->statement_count = (unsigned) step_statements(step, runner->plan->verb)->count;
    snprintf(progress->revision, sizeof(progress->revision), "%s", step->revision->id);
    runner_report(runner, PHASE_RUNNING);
}

/* --- a step ----------------------------------------------------------------------------------- */

static bool require_empty(struct runner *runner, const struct script *script, const char *table,
                          struct error *err)
{
    struct source_pos pos = { .file = script->path, .line = script->id_line, .column = 1 };
    const char *name = sql_quote_ident(table, runner->arena);
    int64_t has_rows = 0;

    if (!db_read_i64(runner->db,
                     arena_printf(runner->arena, "SELECT EXISTS (SELECT 1 FROM main.%s)", name),
                     &has_rows, err)) {
        if (err->code == ERR_DATABASE_UNUSABLE)
            err->code = ERR_NOT_EMPTY;
        error_hint(err, "The header word Requires Empty names a table that cannot be read.");
    } else if (has_rows != 0) {
        error_set(err, ERR_NOT_EMPTY,
                  "table \"%s\" has rows, and the script requires it to be empty", table);
        error_hint(err, "Move or delete its rows first; the script's header says Requires Empty.");
    } else {
        return true;
    }
    error_at(err, &pos);
    return error_of_revision(err, script->id);
}

static bool require_all_empty(struct runner *runner, const struct step *step, struct error *err)
{
    const struct script *script = step->revision->script;

    if (runner->plan->verb == VERB_STAMP || step->direction == DIRECTION_DOWN)
        return true;
    for (size_t i = 0; i < script->requires_empty.count; i++) {
        if (!require_empty(runner, script, script->requires_empty.items[i], err))
            return false;
    }
    return true;
}

static bool run_statements(struct runner *runner, const struct step *step, struct error *err)
{
    const struct statements *statements = step_statements(step, runner->plan->verb);
    struct exec exec = {
        .db = runner->db,
        .guard = &runner->guard,
        .watch = &runner->watch,
        .script = step->revision->script,
    };

    for (size_t i = 0; i < statements->count; i++) {
        runner->watch.progress.statement = (unsigned) i + 1;
        runner_report(runner, PHASE_RUNNING);
        if (watch_must_stop(&runner->watch) && !watch_check(&runner->watch, err))
            return error_of_revision(err, exec.script->id);
        if (!exec_statement(&exec, &statements->items[i], err))
            return false;
        runner->statements_done++;
    }
    return true;
}

/*
 * PRAGMA foreign_keys does nothing inside a transaction, because violations that were not counted
 * could not be taken back from the counter of deferred ones. The interface below sets it anyway,
 * and is safe here: a script that says `on` must leave that counter at zero, and foreign_key_check
 * looks at every row before the commit. So scripts of both kinds can share a transaction.
 */
static void set_foreign_keys(struct runner *runner, bool on)
{
    sqlite3_db_config(runner->db->handle, SQLITE_DBCONFIG_ENABLE_FKEY, on ? 1 : 0, NULL);
}

/* A deferred violation is due at the end of the script that made it, not at the end of the run. */
static bool check_deferred(struct runner *runner, const struct script *script, struct error *err)
{
    int is_violated = 0;
    int high = 0;

    sqlite3_db_status(runner->db->handle, SQLITE_DBSTATUS_DEFERRED_FKS, &is_violated, &high, 0);
    if (is_violated == 0)
        return true;
    error_set(err, ERR_FOREIGN_KEYS_VIOLATED,
              "deferred foreign keys are still violated at the end of the script");
    error_hint(err, "The script says Foreign Keys: on; its last statement must leave no row "
                    "without its parent.");
    error_of_revision(err, script->id);
    return error_at(err, &(struct source_pos){ .file = script->path });
}

/*
 * What a script set for itself must not reach the next one: settings, and temporary objects that
 * could hide real tables.
 */
static bool reset_connection(struct runner *runner, struct error *err)
{
    static const char sql_temp[] =
        "SELECT type, name\n"
        "FROM temp.sqlite_schema\n"
        "WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'\n"
        "ORDER BY rootpage"; /* a virtual table, at 0, before the shadow tables that go with it */
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    set_foreign_keys(runner, false);
    sqlite3_db_config(runner->db->handle, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, 0, NULL);
    if (!stmt_prepare(runner->db, sql_temp, &stmt, err) || !stmt_step(&stmt, &has_row, err))
        return false;
    while (has_row) {
        const char *type = stmt_text(&stmt, 0, runner->arena);
        const char *name = sql_quote_ident(stmt_text(&stmt, 1, runner->arena), runner->arena);

        stmt_release(&stmt);
        if (!db_exec(runner->db,
                     arena_printf(runner->arena, "DROP %s IF EXISTS temp.%s", type, name), err) ||
            !stmt_prepare(runner->db, sql_temp, &stmt, err) || !stmt_step(&stmt, &has_row, err))
            return false;
    }
    stmt_release(&stmt);
    return db_exec(runner->db, "PRAGMA recursive_triggers = OFF", err) &&
           db_exec(runner->db, "PRAGMA secure_delete = FAST", err);
}

static bool write_rows(struct runner *runner, const version_rows *rows, struct error *err)
{
    if (!version_rows_write(runner->db, runner->options->version_table, runner->rows, rows, err))
        return false;
    runner->rows = rows;
    return true;
}

static void report_step(struct runner *runner, const struct step *step, int64_t started_us)
{
    runner->result->steps[runner->finished++] = (struct step_report){
        .revision = step->revision->id,
        .message = step->revision->script->doc,
        .line = format_step_line(step->revision, step->direction, runner->arena),
        .direction = step->direction,
        .duration_us = (uint64_t) (clock_monotonic_us() - started_us),
        .statement_count = (unsigned) step_statements(step, runner->plan->verb)->count,
    };
}

static bool run_step(struct runner *runner, size_t index, struct error *err)
{
    const struct step *step = &runner->plan->steps[index];
    const struct script *script = step->revision->script;
    bool foreign_keys_on = script->foreign_keys_on && runner->plan->verb != VERB_STAMP;
    int64_t started_us = clock_monotonic_us();

    runner_progress_step(runner, index);
    if (!require_all_empty(runner, step, err))
        return false;
    set_foreign_keys(runner, foreign_keys_on);
    if (!run_statements(runner, step, err) ||
        (foreign_keys_on && !check_deferred(runner, script, err)) ||
        !reset_connection(runner, err) || !write_rows(runner, &step->rows_after, err))
        return false;
    report_step(runner, step, started_us);
    return true;
}

/* --- a transaction ---------------------------------------------------------------------------- */

/* Steps [from, to) of the plan. */
struct span {
    size_t from;
    size_t to;
};

static bool check_rows(struct runner *runner, struct error *err)
{
    version_rows rows = { 0 };

    if (!runner_rows_read(runner, &rows, err))
        return false;
    if (str_list_equal(&rows, runner->rows))
        return true;
    error_set(err, ERR_DATABASE_CHANGED, "the plan starts at [%s], but the database is at [%s]",
              str_list_join(runner->rows, ", ", runner->arena),
              str_list_join(&rows, ", ", runner->arena));
    return error_hint(err, "Something else migrated the database meanwhile. Plan again.");
}

static void keep_committed(struct runner *runner)
{
    const struct run_hooks *hooks = runner->options->hooks;
    struct error ignored = { 0 };
    version_rows rows = *runner->rows;

    runner->committed_rows = runner->rows;
    runner->result->step_count = runner->finished;
    if (hooks == NULL || hooks->committed == NULL)
        return;
    if (!runner_rows_read(runner, &rows, &ignored))
        rows = *runner->rows;
    hooks->committed(hooks->data, &rows);
}

/*
 * COMMIT failed, and its error does not say whether the transaction is in the file: a sync can fail
 * after the commit record was written. A fresh connection sees what every other process will see.
 */
static bool settle_commit(struct runner *runner, const struct error *cause, struct error *err)
{
    struct error ignored = { 0 };
    version_rows rows = { 0 };

    db_close(take_ptr(runner->db));
    if (!runner_connect(runner, &ignored) || !runner_rows_read(runner, &rows, &ignored)) {
        runner->result->is_outcome_known = false;
        error_set(err, ERR_COMMIT_UNKNOWN, "could not find out whether the run was committed: %s",
                  cause->detail);
        err->sqlite_code = cause->sqlite_code;
        return error_hint(err, "Look at the database's version rows as soon as it can be read; "
                               "they tell what is true.");
    }
    if (str_list_equal(&rows, runner->rows) && !str_list_equal(&rows, runner->committed_rows))
        return true;
    *err = *cause;
    return false;
}

/* Commits to a file that has lost its name succeed, and nobody will ever read them. */
static bool check_place(const struct runner *runner, struct error *err)
{
    if (!db_has_moved(runner->db))
        return true;
    error_set(err, ERR_DATABASE_UNUSABLE, "database \"%s\" was moved or replaced during the run",
              runner->path);
    return error_hint(err, "Nothing was committed. Leave the file in place while a run goes on.");
}

/*
 * A busy COMMIT (a reader of a database in rollback-journal mode) was waited for by the busy
 * handler; while it waits no new reader gets in, so that after the timeout it is given up.
 */
static bool commit(struct runner *runner, struct txn *txn, struct error *err)
{
    struct error cause = { 0 };
    bool is_committed = false;

    if (!check_place(runner, err))
        return false;
    runner->watch.is_committing = true;
    runner_report(runner, PHASE_COMMITTING);
    is_committed = sqlite3_exec(runner->db->handle, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    if (!is_committed) {
        db_error(&cause, runner->db, ERR_IO, "could not commit");
        txn_rollback(txn);
        if (cause.code == ERR_DATABASE_BUSY)
            *err = cause;
        else
            is_committed = settle_commit(runner, &cause, err);
    }
    txn->db = NULL;
    runner->watch.is_committing = false;
    if (is_committed)
        keep_committed(runner);
    return is_committed;
}

/* What is noted at the start of a transaction and compared at its end. */
struct notes {
    const struct announcement *announcement;
    struct foreign_key_note foreign_keys;
    struct loss_note losses;
};

static bool take_notes(struct runner *runner, const struct span *span, struct notes *notes,
                       struct error *err)
{
    bool is_everywhere = false;

    notes->announcement = announcement_of(runner->plan, span->from, span->to, runner->arena);
    return reach_is_everywhere(runner->db, notes->announcement, &is_everywhere, err) &&
           foreign_keys_note(runner->db, notes->announcement, is_everywhere, runner->arena,
                             &notes->foreign_keys, err) &&
           (runner->options->allows_loss ||
            loss_note(runner->db, notes->announcement, is_everywhere, runner->arena, &notes->losses,
                      err));
}

static bool compare_notes(struct runner *runner, const struct notes *notes, struct error *err)
{
    runner_report(runner, PHASE_CHECKING);
    return foreign_keys_compare(runner->db, notes->announcement, &notes->foreign_keys,
                                runner->arena, err) &&
           (runner->options->allows_loss ||
            loss_compare(runner->db, notes->announcement, &notes->losses, runner->arena, err));
}

/* SQLite may have shown no sign of life since somebody asked: this is the last moment. */
static bool check_asked_to_stop(struct runner *runner, struct error *err)
{
    return !watch_must_stop(&runner->watch) || watch_check(&runner->watch, err);
}

static bool run_transaction(struct runner *runner, const struct span *span, struct error *err)
{
    cleanup_txn struct txn txn = { 0 };
    struct notes notes = { 0 };

    runner_report(runner, PHASE_RUNNING);
    if (!txn_begin(runner->db, TXN_WRITE, &txn, err) || !check_rows(runner, err) ||
        !version_table_ensure(runner->db, runner->options->version_table, err) ||
        !take_notes(runner, span, &notes, err))
        return false;
    for (size_t i = span->from; i < span->to; i++) {
        if (!run_step(runner, i, err))
            return false;
    }
    /* stamp --purge can end at base without any step */
    if (span->to == runner->plan->count && !write_rows(runner, &runner->plan->rows_after, err))
        return false;
    return compare_notes(runner, &notes, err) && check_asked_to_stop(runner, err) &&
           commit(runner, &txn, err);
}

/*
 * Transaction: none. The statement commits by itself; when its version rows cannot be written
 * afterwards, it runs again next time.
 */
static bool run_outside(struct runner *runner, size_t index, struct error *err)
{
    cleanup_txn struct txn txn = { 0 };
    const struct step *step = &runner->plan->steps[index];
    int64_t started_us = clock_monotonic_us();

    runner_progress_step(runner, index);
    if (!check_rows(runner, err) || !require_all_empty(runner, step, err))
        return false;
    set_foreign_keys(runner, step->revision->script->foreign_keys_on);
    runner->guard.outside_transaction = true;
    if (!run_statements(runner, step, err))
        return false;
    runner->guard.outside_transaction = false;
    if (!reset_connection(runner, err) || !txn_begin(runner->db, TXN_WRITE, &txn, err) ||
        !check_rows(runner, err) ||
        !version_table_ensure(runner->db, runner->options->version_table, err) ||
        !write_rows(runner, &step->rows_after, err))
        return false;
    report_step(runner, step, started_us);
    return commit(runner, &txn, err);
}

/* --- the run ---------------------------------------------------------------------------------- */

/* The steps from `from` on that share a transaction. */
static struct span span_from(const struct runner *runner, size_t from)
{
    struct span span = { .from = from, .to = from };

    while (span.to < runner->plan->count &&
           !step_is_transaction_none(&runner->plan->steps[span.to], runner->plan->verb)) {
        span.to++;
        if (runner->options->transaction == TRANSACTION_REVISION)
            break;
    }
    return span;
}

static bool run_plan(struct runner *runner, struct error *err)
{
    struct span span = { 0 };

    do {
        bool is_outside = false;

        span = span_from(runner, span.to);
        is_outside = span.from == span.to && span.to < runner->plan->count;
        if (is_outside ? !run_outside(runner, span.to++, err)
                       : !run_transaction(runner, &span, err))
            return false;
    } while (span.to < runner->plan->count);
    return true;
}

static void runner_begin(struct runner *runner)
{
    const struct plan *plan = runner->plan;
    const struct runner_options *options = runner->options;

    watch_init(&runner->watch, options->hooks, options->busy_timeout_ms, options->timeout_ms);
    runner->watch.progress.step_count = (unsigned) plan->count;
    runner->guard.version_table = runner->options->version_table;
    runner->rows = &plan->rows_before;
    runner->committed_rows = &plan->rows_before;
    for (size_t i = 0; i < plan->count; i++)
        runner->statement_total += step_statements(&plan->steps[i], plan->verb)->count;
    *runner->result = (struct runner_result){
        .steps = arena_array(runner->arena, struct step_report, plan->count + 1),
        .rows_after = plan->rows_before,
        .is_outcome_known = true,
    };
}

/* An interrupted statement of our own says "interrupted"; the reason is better. */
static void tell_stop(const struct runner *runner, struct error *err)
{
    struct error stop = { 0 };

    if (err->code == ERR_CANCELLED || watch_check(&runner->watch, &stop))
        return;
    error_of_revision(&stop, err->revision);
    *err = stop;
}

/*
 * What is true now, for whoever asks after a failure; the last known rows when it cannot be read.
 */
static void runner_end(struct runner *runner)
{
    struct error ignored = { 0 };
    version_rows rows = *runner->committed_rows;

    runner->watch.is_committing = true; /* nothing to stop any more */
    if (runner->db == NULL || !runner_rows_read(runner, &rows, &ignored))
        rows = *runner->committed_rows;
    runner->result->rows_after = rows;
    db_close(take_ptr(runner->db));
}

bool runner_run(const char *path, const struct plan *plan, const struct runner_options *options,
                struct arena *arena, struct runner_result *ret_result, struct error *err)
{
    struct runner runner = {
        .path = path, .plan = plan, .options = options, .arena = arena, .result = ret_result
    };
    bool is_done = false;

    runner_begin(&runner);
    is_done = runner_connect(&runner, err) && run_plan(&runner, err);
    if (!is_done)
        tell_stop(&runner, err);
    runner_end(&runner);
    return is_done;
}
