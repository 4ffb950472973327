/*
 * journal_read.c - what was done: runs that match, and the last one.
 */
#include "store/journal_db.h"
#include "store/stmt.h"
#include "store/txn.h"

#include <stdio.h>
#include <string.h>

#define RUN_COLUMNS                                                                         \
    "number, id, verb, target, actor, reason, rows_before, rows_after, outcome, backup, "   \
    "started_us, duration_us,\n"                                                            \
    "error_code, error_sqlite_code, error_line, error_column, error_revision, error_file, " \
    "error_statement,\n"                                                                    \
    "error_detail, error_hint, warning, lock_wait_us, queued_us\n"

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
    RUN_WARNING,
    RUN_LOCK_WAIT_US,
    RUN_QUEUED_US,
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
        "WHERE run_number = :run_number AND (is_done OR :is_planned)\n"
        "ORDER BY position";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(journal->db, sql_steps, &stmt, err))
        return false;
    stmt_bind_i64(&stmt, ":run_number", run_number);
    stmt_bind_i64(&stmt, ":is_planned", report->outcome == RUN_PLANNED);
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
        .warning = stmt_text(stmt, RUN_WARNING, arena),
        .queued_us = stmt_i64(stmt, RUN_QUEUED_US),
        .started_us = stmt_i64(stmt, RUN_STARTED_US),
        .duration_us = (uint64_t) stmt_i64(stmt, RUN_DURATION_US),
        .lock_wait_us = (uint64_t) stmt_i64(stmt, RUN_LOCK_WAIT_US),
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

/* Literals of our own names, which need no quoting. */
static const char *outcomes_text(const struct run_filter *filter, struct arena *arena)
{
    struct str_list names = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(filter->outcomes); i++) {
        if (filter->outcomes[i])
            str_list_add(&names, arena,
                         arena_printf(arena, "'%s'", run_outcome_name((enum run_outcome) i)));
    }
    return str_list_join(&names, ", ", arena);
}

/*
 * The query of a filter, made of what is asked, so that a long journal is not read for a short
 * page. A plus keeps an index out: verbs are few, and several outcomes are most of the journal,
 * which is found faster from its end than sorted out of an index. Numbers follow the wall clock but
 * for its jumps: the first run since then bounds the search, the time decides.
 */
static const char *runs_sql(const struct run_filter *filter, struct arena *arena)
{
    const char *outcomes = outcomes_text(filter, arena);
    bool is_one = filter->has_outcomes && strchr(outcomes, ',') == NULL;
    struct str_list clauses = { 0 };

    str_list_add(&clauses, arena, "true");
    if (filter->before != NULL)
        str_list_add(&clauses, arena, "number < (SELECT number FROM runs WHERE id = :before)");
    if (filter->has_outcomes)
        str_list_add(&clauses, arena,
                     arena_printf(arena, "%soutcome IN (%s)", is_one ? "" : "+", outcomes));
    if (filter->actor != NULL)
        str_list_add(&clauses, arena, "actor = :actor");
    if (filter->has_verb)
        str_list_add(&clauses, arena,
                     is_one || filter->actor != NULL ? "+verb = :verb" : "verb = :verb");
    if (filter->since_us != 0)
        str_list_add(&clauses, arena,
                     "number >= (SELECT min(+number) FROM runs\n"
                     "           WHERE coalesce(queued_us, started_us) >= :since_us)\n"
                     "AND +coalesce(queued_us, started_us) >= :since_us");
    return arena_printf(arena,
                        "SELECT " RUN_COLUMNS "FROM runs\n"
                        "WHERE %s\n"
                        "ORDER BY number DESC\n"
                        "LIMIT :limit",
                        str_list_join(&clauses, "\nAND ", arena));
}

static void runs_bind(struct stmt *stmt, const struct run_filter *filter)
{
    if (filter->before != NULL)
        stmt_bind_text(stmt, ":before", filter->before);
    if (filter->has_verb)
        stmt_bind_text(stmt, ":verb", verb_name(filter->verb));
    if (filter->actor != NULL)
        stmt_bind_text(stmt, ":actor", filter->actor);
    if (filter->since_us != 0)
        stmt_bind_i64(stmt, ":since_us", filter->since_us);
    stmt_bind_i64(stmt, ":limit", filter->limit);
}

/* Room for one more, whatever the limit is. */
static struct run_report *reports_add(struct run_reports *reports, size_t *capacity,
                                      struct arena *arena)
{
    if (reports->count == *capacity) {
        struct run_report *items = NULL;

        *capacity = *capacity == 0 ? 16 : 2 * *capacity;
        items = arena_array(arena, struct run_report, *capacity);
        for (size_t i = 0; i < reports->count; i++)
            items[i] = reports->items[i];
        reports->items = items;
    }
    return &reports->items[reports->count++];
}

static bool read_runs(struct journal *journal, const struct run_filter *filter, struct arena *arena,
                      struct run_reports *ret, struct error *err)
{
    cleanup_txn struct txn txn = { 0 };
    cleanup_stmt struct stmt stmt = { 0 };
    struct run_reports reports = { 0 };
    size_t capacity = 0;
    bool has_row = false;

    if (!txn_begin(journal->db, TXN_READ, &txn, err) ||
        !stmt_prepare(journal->db, runs_sql(filter, arena), &stmt, err))
        return false;
    runs_bind(&stmt, filter);
    if (!stmt_step(&stmt, &has_row, err))
        return false;
    while (has_row) {
        if (!read_run(journal, &stmt, arena, reports_add(&reports, &capacity, arena), err) ||
            !stmt_step(&stmt, &has_row, err))
            return false;
    }
    *ret = reports;
    return true;
}

bool journal_runs_read(struct journal *journal, const struct run_filter *filter,
                       struct arena *arena, struct run_reports *ret, struct error *err)
{
    return read_runs(journal, filter, arena, ret, err) || journal_error(err);
}

bool journal_run_last(struct journal *journal, struct arena *arena, struct run_report *ret,
                      bool *ret_found, struct error *err)
{
    static const char sql_last[] =
        "SELECT " RUN_COLUMNS "FROM runs\n"
        "WHERE +outcome IN ('succeeded', 'failed', 'cancelled', 'interrupted')\n"
        "  AND (rows_planned IS NOT NULL OR duration_us > 0)\n"
        "ORDER BY number DESC\n"
        "LIMIT 1";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_last, &stmt, err) || !stmt_step(&stmt, ret_found, err))
        return journal_error(err);
    return !*ret_found || read_run(journal, &stmt, arena, ret, err) || journal_error(err);
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
