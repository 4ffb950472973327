/*
 * stmt.h - our own SQL statements: prepare, bind by name, step, released with their scope. Internal
 * to store/.
 *
 * Statements are not cached; nothing here is hot. A failed bind is remembered and told by the next
 * step. SQL of scripts does not come here (exec.h).
 */
#pragma once

#include "store/sqlite.h"

struct stmt {
    sqlite3_stmt *handle;
    struct db *db;
    int bind_code; /* first failure of a stmt_bind_*, SQLITE_OK when none */
};

/*
 * Prepare one statement; ret is released by stmt_release (also as cleanup). Fails as db_error with
 * ERR_DATABASE_UNUSABLE.
 */
must_check bool stmt_prepare(struct db *db, const char *sql, struct stmt *ret, struct error *err);
void stmt_release(struct stmt *stmt);
#define cleanup_stmt cleanup(stmt_release)

/*
 * Bind the parameter `name` (":run_id"). Text and bytes must stay valid until the last step; NULL
 * binds NULL.
 */
void stmt_bind_text(struct stmt *stmt, const char *name, const char *text);
void stmt_bind_bytes(struct stmt *stmt, const char *name, const void *bytes, size_t len);
void stmt_bind_i64(struct stmt *stmt, const char *name, int64_t value);

/* The next row; *ret_has_row is false at the end. Fails as stmt_prepare. */
must_check bool stmt_step(struct stmt *stmt, bool *ret_has_row, struct error *err);

/* Step to the end, rows discarded. Fails as stmt_prepare. */
must_check bool stmt_run(struct stmt *stmt, struct error *err);

/* Back to before the first row; bindings stay until they are bound anew. */
void stmt_rewind(struct stmt *stmt);

/* Column of the current row: text in the arena, NULL for NULL; a number, 0 for NULL. */
const char *stmt_text(const struct stmt *stmt, int column, struct arena *arena);
int64_t stmt_i64(const struct stmt *stmt, int column);

/* Run one statement without parameters, rows discarded. Fails as stmt_prepare. */
must_check bool db_exec(struct db *db, const char *sql, struct error *err);

/* First column of the first row; *ret is untouched when there is none. Fails as stmt_prepare. */
must_check bool db_read_i64(struct db *db, const char *sql, int64_t *ret, struct error *err);
