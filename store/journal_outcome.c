/*
 * journal_outcome.c - writing what came of a run, by whoever ran it, and forgetting old runs that
 * did nothing.
 */
#include "store/journal_db.h"
#include "store/stmt.h"
#include "store/txn.h"

enum {
    /* Looking for what is old costs more the more keys are remembered, so only every so many runs
     * do. A prime, so that runs which take turns do not pass it by. */
    PRUNE_EVERY = 47,
};

/*
 * A request that failed before its intent was written has no row yet; its version rows say nothing
 * about the database. *ret_new_number is 0 when the run has its row already.
 */
static bool ensure_run(struct journal *journal, const struct run_report *report,
                       struct arena *arena, int64_t *ret_new_number, struct error *err)
{
    static const char sql_ensure_run[] =
        "INSERT OR IGNORE INTO runs (id, verb, target, actor, reason, rows_before, outcome, "
        "started_us, queued_us)\n"
        "VALUES (:id, :verb, :target, :actor, :reason, :rows_before, :outcome, :started_us, "
        "(SELECT queued_us FROM jobs WHERE id = :id))";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_ensure_run, &stmt, err))
        return false;
    journal_run_bind(&stmt, report, arena);
    if (!stmt_run(&stmt, err))
        return false;
    *ret_new_number = sqlite3_changes(journal->db->handle) > 0
                          ? sqlite3_last_insert_rowid(journal->db->handle)
                          : 0;
    return true;
}

static void bind_error(struct stmt *stmt, const struct error *error)
{
    stmt_bind_text(stmt, ":error_code", error->code == ERR_OK ? NULL : error_slug(error->code));
    stmt_bind_i64(stmt, ":error_sqlite_code", error->sqlite_code);
    stmt_bind_i64(stmt, ":error_line", error->line);
    stmt_bind_i64(stmt, ":error_column", error->column);
    stmt_bind_text(stmt, ":error_revision", error->revision);
    stmt_bind_text(stmt, ":error_file", error->file);
    stmt_bind_text(stmt, ":error_statement", error->statement);
    stmt_bind_text(stmt, ":error_detail", error->detail);
    stmt_bind_text(stmt, ":error_hint", error->hint);
}

static bool update_run(struct journal *journal, const struct run_report *report,
                       struct arena *arena, struct error *err)
{
    static const char sql_update_run[] = "UPDATE runs\n"
                                         "SET outcome = :outcome,\n"
                                         "    rows_after = :rows_after,\n"
                                         "    backup = coalesce(:backup, backup),\n"
                                         "    warning = :warning,\n"
                                         "    duration_us = :duration_us,\n"
                                         "    lock_wait_us = :lock_wait_us,\n"
                                         "    error_code = :error_code,\n"
                                         "    error_sqlite_code = :error_sqlite_code,\n"
                                         "    error_line = :error_line,\n"
                                         "    error_column = :error_column,\n"
                                         "    error_revision = :error_revision,\n"
                                         "    error_file = :error_file,\n"
                                         "    error_statement = :error_statement,\n"
                                         "    error_detail = :error_detail,\n"
                                         "    error_hint = :error_hint\n"
                                         "WHERE id = :id";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_update_run, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":outcome", run_outcome_name(report->outcome));
    stmt_bind_text(&stmt, ":rows_after", journal_rows_format(&report->rows_after, arena));
    stmt_bind_text(&stmt, ":backup", report->backup);
    stmt_bind_text(&stmt, ":warning", report->warning);
    stmt_bind_i64(&stmt, ":duration_us", (int64_t) report->duration_us);
    stmt_bind_i64(&stmt, ":lock_wait_us", (int64_t) report->lock_wait_us);
    bind_error(&stmt, &report->error);
    stmt_bind_text(&stmt, ":id", report->id);
    return stmt_run(&stmt, err);
}

/* Steps are committed in the order of the plan: the report's are the intent's first ones. */
static bool write_steps(struct journal *journal, const struct run_report *report, struct error *err)
{
    static const char sql_step[] =
        "INSERT INTO run_steps (run_number, position, revision, direction, message, line, "
        "statement_count, duration_us, is_done)\n"
        "SELECT number, :position, :revision, :direction, :message, :line, :statement_count, "
        ":duration_us, :is_done\n"
        "FROM runs\n"
        "WHERE id = :id\n"
        "ON CONFLICT (run_number, position) DO UPDATE\n"
        "SET line = excluded.line,\n"
        "    statement_count = excluded.statement_count,\n"
        "    duration_us = excluded.duration_us,\n"
        "    is_done = excluded.is_done";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_step, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":id", report->id);
    stmt_bind_i64(&stmt, ":is_done", report->outcome != RUN_PLANNED);
    for (size_t i = 0; i < report->step_count; i++) {
        const struct step_report *step = &report->steps[i];

        stmt_bind_i64(&stmt, ":position", (int64_t) i);
        stmt_bind_text(&stmt, ":revision", step->revision);
        stmt_bind_text(&stmt, ":direction", step->direction == DIRECTION_UP ? "up" : "down");
        stmt_bind_text(&stmt, ":message", step->message == NULL ? "" : step->message);
        stmt_bind_text(&stmt, ":line", step->line == NULL ? "" : step->line);
        stmt_bind_i64(&stmt, ":statement_count", step->statement_count);
        stmt_bind_i64(&stmt, ":duration_us", (int64_t) step->duration_us);
        if (!stmt_run(&stmt, err))
            return false;
        stmt_rewind(&stmt);
    }
    return true;
}

static bool write_outcome(struct journal *journal, const struct run_report *report,
                          struct arena *arena, struct error *err)
{
    return update_run(journal, report, arena, err) && write_steps(journal, report, err);
}

bool journal_outcome_write(struct journal *journal, const struct run_report *report,
                           struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    cleanup_txn struct txn txn = { 0 };
    int64_t new_number = 0;

    return (txn_begin(journal->db, TXN_WRITE, &txn, err) &&
            ensure_run(journal, report, &arena, &new_number, err) &&
            write_outcome(journal, report, &arena, err) && txn_commit(&txn, err)) ||
           journal_error(err);
}

/*
 * Runs that did nothing, but for the newest; a run whose idempotency key is remembered stays, since
 * it is the answer to that key.
 */
#define PRUNABLE_RUNS                                                                          \
    "SELECT number FROM runs AS r\n"                                                           \
    "WHERE outcome IN ('nothing-to-do', 'planned')\n"                                          \
    "  AND number <= (SELECT number FROM runs WHERE outcome IN ('nothing-to-do', 'planned')\n" \
    "                 ORDER BY number DESC LIMIT 1 OFFSET :keep)\n"                            \
    "  AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = r.id AND idempotency_key IS NOT NULL)"

static bool prune_runs(struct journal *journal, struct error *err)
{
    static const char *const sql_prune[] = {
        "DELETE FROM run_steps WHERE run_number IN (" PRUNABLE_RUNS ")",
        "DELETE FROM jobs WHERE id IN (SELECT id FROM runs WHERE number IN (" PRUNABLE_RUNS "))",
        "DELETE FROM runs WHERE number IN (" PRUNABLE_RUNS ")",
    };

    for (size_t i = 0; i < ARRAY_SIZE(sql_prune); i++) {
        cleanup_stmt struct stmt stmt = { 0 };

        if (!stmt_prepare(journal->db, sql_prune[i], &stmt, err))
            return false;
        stmt_bind_i64(&stmt, ":keep", JOURNAL_IDLE_RUNS_MAX);
        if (!stmt_run(&stmt, err))
            return false;
    }
    return true;
}

bool journal_outcome_add(struct journal *journal, const struct run_report *report,
                         struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    cleanup_txn struct txn txn = { 0 };
    int64_t new_number = 0;

    if (!txn_begin(journal->db, TXN_WRITE, &txn, err) ||
        !ensure_run(journal, report, &arena, &new_number, err))
        return journal_error(err);
    if (new_number == 0)
        return true;
    return (write_outcome(journal, report, &arena, err) &&
            (new_number % PRUNE_EVERY != 0 || prune_runs(journal, err)) && txn_commit(&txn, err)) ||
           journal_error(err);
}
