/*
 * journal_read.c - what was done: runs, one run, and which script a revision had.
 */
#include "store/journal_db.h"
#include "store/stmt.h"
#include "store/txn.h"

#include <stdio.h>

#define RUN_COLUMNS                                                                         \
    "number, id, verb, target, actor, reason, rows_before, rows_after, outcome, backup, "   \
    "started_us, duration_us,\n"                                                            \
    "error_code, error_sqlite_code, error_line, error_column, error_revision, error_file, " \
    "error_statement,\n"                                                                    \
    "error_detail, error_hint\n"

/* The order of RUN_COLUMNS. */
enum run_column {
    RUN_NUMBER,
    RUN_ID,
    RUN_VERB,
    RUN_TARGET,
    RUN_ACTOR,
    RUN_REASON,
    RUN_ROWS_BEFORE,
    RUN_ROWS_AFTER,
    RUN_OUTCOME,
    RUN_BACKUP,
    RUN_STARTED_US,
    RUN_DURATION_US,
    RUN_ERROR_CODE,
    RUN_ERROR_SQLITE_CODE,
    RUN_ERROR_LINE,
    RUN_ERROR_COLUMN,
    RUN_ERROR_REVISION,
    RUN_ERROR_FILE,
    RUN_ERROR_STATEMENT,
    RUN_ERROR_DETAIL,
    RUN_ERROR_HINT,
};

static void copy_text(const struct stmt *stmt, int column, char *target, size_t size)
{
    const char *text = (const char *) sqlite3_column_text(stmt->handle, column);

    snprintf(target, size, "%s", text == NULL ? "" : text);
}

static void read_error(const struct stmt *stmt, struct error *error)
{
    const char *slug = (const char *) sqlite3_column_text(stmt->handle, RUN_ERROR_CODE);

    if (slug == NULL)
        return;
    error->code = error_code_find(slug);
    if (error->code == ERROR_CODE_COUNT) /* a slug of a newer program */
        error->code = ERR_INTERNAL;
    error->sqlite_code = (int) stmt_i64(stmt, RUN_ERROR_SQLITE_CODE);
    error->line = (unsigned) stmt_i64(stmt, RUN_ERROR_LINE);
    error->column = (unsigned) stmt_i64(stmt, RUN_ERROR_COLUMN);
    copy_text(stmt, RUN_ERROR_REVISION, error->revision, sizeof(error->revision));
    copy_text(stmt, RUN_ERROR_FILE, error->file, sizeof(error->file));
    copy_text(stmt, RUN_ERROR_STATEMENT, error->statement, sizeof(error->statement));
    copy_text(stmt, RUN_ERROR_DETAIL, error->detail, sizeof(error->detail));
    copy_text(stmt, RUN_ERROR_HINT, error->hint, sizeof(error->hint));
}

static bool read_steps(struct journal *journal, int64_t run_number, struct arena *arena,
                       struct run_report *report, struct error *err)
{
    static const char sql_steps[] =
        "SELECT revision, message, line, direction = 'down', duration_us, statement_count,\n"
        "       count(*) OVER ()\n"
        "FROM run_steps\n"
        "WHERE run_number = :run_number AND is_done\n"
        "ORDER BY position";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(journal->db, sql_steps, &stmt, err))
        return false;
    stmt_bind_i64(&stmt, ":run_number", run_number);
    if (!stmt_step(&stmt, &has_row, err))
        return false;
    if (has_row)
        report->steps = arena_array(arena, struct step_report, (size_t) stmt_i64(&stmt, 6));
    while (has_row) {
        report->steps[report->step_count++] = (struct step_report){
            .revision = stmt_text(&stmt, 0, arena),
            .message = stmt_text(&stmt, 1, arena),
            .line = stmt_text(&stmt, 2, arena),
            .direction = stmt_i64(&stmt, 3) != 0 ? DIRECTION_DOWN : DIRECTION_UP,
            .duration_us = (uint64_t) stmt_i64(&stmt, 4),
            .statement_count = (unsigned) stmt_i64(&stmt, 5),
        };
        if (!stmt_step(&stmt, &has_row, err))
            return false;
    }
    return true;
}

static bool read_run(struct journal *journal, const struct stmt *stmt, struct arena *arena,
                     struct run_report *ret, struct error *err)
{
    struct run_report report = {
        .target = stmt_text(stmt, RUN_TARGET, arena),
        .actor = stmt_text(stmt, RUN_ACTOR, arena),
        .reason = stmt_text(stmt, RUN_REASON, arena),
        .rows_before = journal_rows_parse(stmt_text(stmt, RUN_ROWS_BEFORE, arena), arena),
        .rows_after = journal_rows_parse(stmt_text(stmt, RUN_ROWS_AFTER, arena), arena),
        .backup = stmt_text(stmt, RUN_BACKUP, arena),
        .started_us = stmt_i64(stmt, RUN_STARTED_US),
        .duration_us = (uint64_t) stmt_i64(stmt, RUN_DURATION_US),
    };

    copy_text(stmt, RUN_ID, report.id, sizeof(report.id));
    if (!verb_find(stmt_text(stmt, RUN_VERB, arena), &report.verb) ||
        !run_outcome_find(stmt_text(stmt, RUN_OUTCOME, arena), &report.outcome))
        return error_set(err, ERR_JOURNAL, "run %s of the journal has an unknown verb or outcome",
                         report.id);
    read_error(stmt, &report.error);
    *ret = report;
    return read_steps(journal, stmt_i64(stmt, RUN_NUMBER), arena, ret, err);
}

static bool read_runs(struct journal *journal, unsigned limit, const char *before,
                      struct arena *arena, struct run_reports *ret, struct error *err)
{
    static const char sql_runs[] =
        "SELECT " RUN_COLUMNS "FROM runs\n"
        "WHERE :before IS NULL OR number < (SELECT number FROM runs WHERE id = :before)\n"
        "ORDER BY number DESC\n"
        "LIMIT :limit";
    cleanup_txn struct txn txn = { 0 };
    cleanup_stmt struct stmt stmt = { 0 };
    struct run_reports reports = { 0 };
    int64_t total = 0;
    bool has_row = false;

    if (!txn_begin(journal->db, TXN_READ, &txn, err) ||
        !db_read_i64(journal->db, "SELECT count(*) FROM runs", &total, err) ||
        !stmt_prepare(journal->db, sql_runs, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":before", before);
    stmt_bind_i64(&stmt, ":limit", limit);
    if (!stmt_step(&stmt, &has_row, err))
        return false;
    reports.items = arena_array(arena, struct run_report, total < limit ? (size_t) total : limit);
    while (has_row) {
        if (!read_run(journal, &stmt, arena, &reports.items[reports.count++], err) ||
            !stmt_step(&stmt, &has_row, err))
            return false;
    }
    *ret = reports;
    return true;
}

bool journal_runs_read(struct journal *journal, unsigned limit, const char *before,
                       struct arena *arena, struct run_reports *ret, struct error *err)
{
    return read_runs(journal, limit, before, arena, ret, err) || journal_error(err);
}

bool journal_run_read(struct journal *journal, const char *id, struct arena *arena,
                      struct run_report *ret, struct error *err)
{
    static const char sql_run[] = "SELECT " RUN_COLUMNS "FROM runs\n"
                                  "WHERE id = :id";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(journal->db, sql_run, &stmt, err))
        return journal_error(err);
    stmt_bind_text(&stmt, ":id", id);
    if (!stmt_step(&stmt, &has_row, err))
        return journal_error(err);
    if (!has_row)
        return error_set(err, ERR_JOB_UNKNOWN, "the journal has no run \"%s\"", id);
    return read_run(journal, &stmt, arena, ret, err) || journal_error(err);
}

bool journal_script_digest(struct journal *journal, const char *revision, struct arena *arena,
                           const char **ret, struct error *err)
{
    static const char sql_digest[] =
        "SELECT s.script_sha256\n"
        "FROM run_steps AS s JOIN runs AS r ON r.number = s.run_number\n"
        "WHERE s.revision = :revision AND s.direction = 'up' AND s.is_done\n"
        "  AND s.script_sha256 IS NOT NULL AND r.verb IN ('upgrade', 'stamp')\n"
        "ORDER BY s.run_number DESC, s.position DESC\n"
        "LIMIT 1";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(journal->db, sql_digest, &stmt, err))
        return journal_error(err);
    stmt_bind_text(&stmt, ":revision", revision);
    if (!stmt_step(&stmt, &has_row, err))
        return journal_error(err);
    *ret = has_row ? stmt_text(&stmt, 0, arena) : NULL;
    return true;
}
