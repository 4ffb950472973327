/*
 * exec.c - one statement of a script.
 *
 * SQLite answers "ok" to several things that are not: parameters left unbound run as NULL, EXPLAIN
 * does nothing, text behind the first statement is not run, and INSERT OR ROLLBACK ends the run's
 * transaction without asking the authorizer. Each is looked for here.
 */
#include "store/exec.h"

#include "base/str.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

static void cleanup_handle(sqlite3_stmt **handle)
{
    sqlite3_finalize(*handle);
}

/*
 * The place of byte `offset` of the statement; sqlite3_error_offset is often unknown (-1), then of
 * its first token.
 */
static struct source_pos place_of(const struct exec *exec, const struct statement *statement,
                                  int offset)
{
    struct source_pos pos = { .file = exec->script->path,
                              .line = statement->line,
                              .column = statement->column };

    for (int i = 0; i < offset && (size_t) i < statement->sql.len; i++) {
        if (statement->sql.ptr[i] == '\n') {
            pos.line++;
            pos.column = 1;
        } else {
            pos.column++;
        }
    }
    return pos;
}

static bool fail_at(const struct exec *exec, const struct statement *statement, int offset,
                    struct error *err)
{
    struct source_pos pos = place_of(exec, statement, offset);

    error_at(err, &pos);
    error_of_revision(err, exec->script->id);
    return error_of_statement(err, statement->sql.ptr, statement->sql.len);
}

static bool refuse(const struct exec *exec, const struct statement *statement, const char *reason,
                   const char *hint, struct error *err)
{
    error_set(err, ERR_STATEMENT_REFUSED, "statement refused: %s", reason);
    error_hint(err, "%s", hint);
    return fail_at(exec, statement, -1, err);
}

/* SQLite's own refusals under SQLITE_DBCONFIG_DEFENSIVE: sqlite_schema and shadow tables. */
static bool is_defended(const struct exec *exec)
{
    return str_ends_with(str_of(sqlite3_errmsg(exec->db->handle)), "may not be modified");
}

static bool fail_prepare(const struct exec *exec, const struct statement *statement,
                         struct error *err)
{
    sqlite3 *handle = exec->db->handle;
    int offset = sqlite3_error_offset(handle);

    if (!watch_check(exec->watch, err))
        return fail_at(exec, statement, -1, err);
    if (*exec->guard->reason != '\0')
        return refuse(exec, statement, exec->guard->reason, exec->guard->hint, err);
    if (is_defended(exec))
        return refuse(exec, statement, sqlite3_errmsg(handle),
                      "Change the schema by DDL only; SQLite's own tables are not a script's.",
                      err);
    db_error(err, exec->db, ERR_STATEMENT_FAILED, "statement failed");
    return fail_at(exec, statement, offset, err);
}

static bool prepare(const struct exec *exec, const struct statement *statement, sqlite3_stmt **ret,
                    struct error *err)
{
    const char *sql = statement->sql.ptr;
    const char *tail = NULL;
    struct str rest = { 0 };
    int code = SQLITE_OK;

    assert(statement->sql.len <= INT_MAX);
    exec->guard->is_preparing = true;
    code = sqlite3_prepare_v3(exec->db->handle, sql, (int) statement->sql.len, 0, ret, &tail);
    exec->guard->is_preparing = false;
    if (code != SQLITE_OK)
        return fail_prepare(exec, statement, err);

    rest = str_sub(statement->sql, (size_t) (tail - sql), statement->sql.len);
    if (*ret == NULL || str_trim(rest).len > 0)
        return refuse(exec, statement, "it is not exactly one statement for SQLite",
                      "Separate statements by semicolons.", err);
    if (sqlite3_bind_parameter_count(*ret) > 0)
        return refuse(exec, statement, "it has parameters, and nothing binds them",
                      "Write the values into the statement.", err);
    if (sqlite3_stmt_isexplain(*ret) != 0)
        return refuse(exec, statement, "EXPLAIN does nothing", "Remove it.", err);
    return true;
}

/* VACUUM, and whatever else SQLite runs outside of a transaction only. */
static bool needs_no_transaction(const struct exec *exec)
{
    return str_ends_with(str_of(sqlite3_errmsg(exec->db->handle)), "from within a transaction");
}

/* Why a statement that was running did not come to its end. */
static bool fail_step(const struct exec *exec, const struct statement *statement, bool ended,
                      struct error *err)
{
    int primary = sqlite3_errcode(exec->db->handle) & 0xff;

    if (!watch_check(exec->watch, err))
        return fail_at(exec, statement, -1, err);
    if (*exec->guard->reason != '\0')
        return refuse(exec, statement, exec->guard->reason, exec->guard->hint, err);
    if (ended && (primary == SQLITE_CONSTRAINT || primary == SQLITE_ERROR)) {
        db_error(
            err, exec->db, ERR_TRANSACTION_ENDED,
            "the statement ended the run's transaction (ON CONFLICT ROLLBACK or RAISE(ROLLBACK))");
        error_hint(err, "Everything was rolled back. Use OR ABORT or RAISE(ABORT), or remove what "
                        "conflicts first.");
        return fail_at(exec, statement, -1, err);
    }
    db_error(err, exec->db, ERR_STATEMENT_FAILED, "statement failed");
    if (needs_no_transaction(exec))
        error_hint(err, "Put it alone into a script that says `Transaction: none` in its header.");
    return fail_at(exec, statement, -1, err);
}

static bool run(const struct exec *exec, const struct statement *statement, struct error *err)
{
    cleanup(cleanup_handle) sqlite3_stmt *handle = NULL;
    bool was_autocommit = db_is_autocommit(exec->db);
    int code = SQLITE_ROW;

    if (!prepare(exec, statement, &handle, err))
        return false;
    while (code == SQLITE_ROW)
        code = sqlite3_step(handle);
    if (code != SQLITE_DONE)
        return fail_step(exec, statement, db_is_autocommit(exec->db) && !was_autocommit, err);
    if (db_is_autocommit(exec->db) != was_autocommit) {
        error_set(err, ERR_TRANSACTION_ENDED, "the statement ended the run's transaction");
        return fail_at(exec, statement, -1, err);
    }
    return true;
}

bool exec_statement(const struct exec *exec, const struct statement *statement, struct error *err)
{
    bool is_done = false;

    exec->guard->reason[0] = '\0';
    exec->guard->is_on = true;
    is_done = run(exec, statement, err);
    exec->guard->is_on = false;
    return is_done;
}
