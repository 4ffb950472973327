/*
 * stmt.c - our own SQL statements; every return is looked at once, here.
 */
#include "store/stmt.h"

#include <assert.h>
#include <string.h>

bool stmt_prepare(struct db *db, const char *sql, struct stmt *ret, struct error *err)
{
    *ret = (struct stmt){ .db = db };
    if (sqlite3_prepare_v2(db->handle, sql, -1, &ret->handle, NULL) != SQLITE_OK)
        return db_error(err, db, ERR_DATABASE_UNUSABLE, "could not use database \"%s\"", db->path);
    return true;
}

void stmt_release(struct stmt *stmt)
{
    sqlite3_finalize(stmt->handle);
    stmt->handle = NULL;
}

static int parameter_index(const struct stmt *stmt, const char *name)
{
    int index = sqlite3_bind_parameter_index(stmt->handle, name);

    assert(index > 0);
    return index;
}

static void keep_first(struct stmt *stmt, int code)
{
    if (stmt->bind_code == SQLITE_OK)
        stmt->bind_code = code;
}

void stmt_bind_text(struct stmt *stmt, const char *name, const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);

    keep_first(stmt, sqlite3_bind_text64(stmt->handle, parameter_index(stmt, name), text, len,
                                         SQLITE_STATIC, SQLITE_UTF8));
}

void stmt_bind_bytes(struct stmt *stmt, const char *name, const void *bytes, size_t len)
{
    keep_first(stmt, sqlite3_bind_blob64(stmt->handle, parameter_index(stmt, name), bytes, len,
                                         SQLITE_STATIC));
}

void stmt_bind_i64(struct stmt *stmt, const char *name, int64_t value)
{
    keep_first(stmt, sqlite3_bind_int64(stmt->handle, parameter_index(stmt, name), value));
}

bool stmt_step(struct stmt *stmt, bool *ret_has_row, struct error *err)
{
    int code = SQLITE_OK;

    if (stmt->bind_code != SQLITE_OK)
        return db_error_code(err, stmt->bind_code, ERR_INTERNAL,
                             "could not bind a statement's parameter");
    code = sqlite3_step(stmt->handle);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return db_error(err, stmt->db, ERR_DATABASE_UNUSABLE, "could not use database \"%s\"",
                        stmt->db->path);
    *ret_has_row = code == SQLITE_ROW;
    return true;
}

bool stmt_run(struct stmt *stmt, struct error *err)
{
    bool has_row = true;

    while (has_row) {
        if (!stmt_step(stmt, &has_row, err))
            return false;
    }
    return true;
}

void stmt_rewind(struct stmt *stmt)
{
    sqlite3_reset(stmt->handle);
}

const char *stmt_text(const struct stmt *stmt, int column, struct arena *arena)
{
    const unsigned char *text = sqlite3_column_text(stmt->handle, column);

    if (text == NULL)
        return NULL;
    return arena_strndup(arena, (const char *) text,
                         (size_t) sqlite3_column_bytes(stmt->handle, column));
}

int64_t stmt_i64(const struct stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt->handle, column);
}

bool db_exec(struct db *db, const char *sql, struct error *err)
{
    cleanup_stmt struct stmt stmt = { 0 };

    return stmt_prepare(db, sql, &stmt, err) && stmt_run(&stmt, err);
}

bool db_read_i64(struct db *db, const char *sql, int64_t *ret, struct error *err)
{
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(db, sql, &stmt, err) || !stmt_step(&stmt, &has_row, err))
        return false;
    if (has_row)
        *ret = stmt_i64(&stmt, 0);
    return true;
}

const char *sql_quote_ident(const char *name, struct arena *arena)
{
    size_t len = strlen(name);
    char *quoted = arena_alloc(arena, 2 * len + 3);
    char *end = quoted;

    *end++ = '"';
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '"')
            *end++ = '"';
        *end++ = name[i];
    }
    *end = '"';
    return quoted;
}
