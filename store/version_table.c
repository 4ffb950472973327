/*
 * version_table.c - reading and writing alembic_version, so that Alembic finds it exactly as it
 * would have left it.
 *
 * It must not guess: a table of another shape is refused with what is there. Always main.
 * qualified, since a temporary table of that name would otherwise stand in front of it.
 */
#include "store/version_table.h"

#include "store/stmt.h"
#include "store/txn.h"
#include "store/version_write.h"

#include <string.h>

#define VERSION_ROWS_MAX \
    1000 /* real histories have a handful; a table of millions is not a version table */

/* What can be odd, and the way out; %s is the table's quoted name. */
struct oddity {
    const char *what;
    const char *hint;
};

static const struct oddity oddity_view = {
    "it is a view",
    "Drop or rename the view, and stamp where the database is; or name another table as "
    "version_table.",
};
static const struct oddity oddity_virtual_table = {
    "it is a virtual table",
    "Make an ordinary table of it, with one text column version_num; or name another table as "
    "version_table.",
};
static const struct oddity oddity_column = {
    "it has no column version_num",
    "It is another program's table: rename it, or name another table as version_table.",
};
static const struct oddity oddity_null = {
    "a row holds NULL",
    "To Alembic it is base. `DELETE FROM %s WHERE version_num IS NULL` in the sqlite3 shell "
    "removes "
    "it.",
};
static const struct oddity oddity_blob = {
    "a row holds a blob",
    "`UPDATE %s SET version_num = CAST(version_num AS TEXT)` in the sqlite3 shell makes text of "
    "it.",
};
static const struct oddity oddity_number = {
    "a row holds a number",
    "Declare the column version_num as VARCHAR(32), as Alembic does, so that ids of digits stay "
    "text.",
};
static const struct oddity oddity_empty = {
    "a row is empty",
    "`DELETE FROM %s WHERE version_num = ''` in the sqlite3 shell removes it.",
};
static const struct oddity oddity_nul = {
    "a row holds a NUL character",
    "Nobody wrote it by intention: look at the table with the sqlite3 shell, and write the id "
    "anew.",
};
static const struct oddity oddity_space = {
    "a row holds white space",
    "`UPDATE %s SET version_num = trim(version_num, char(9, 10, 11, 12, 13, 32))` in the sqlite3 "
    "shell removes it from the ends of ids.",
};
static const struct oddity oddity_twice = {
    "a revision stands there twice",
    "`DELETE FROM %s WHERE rowid NOT IN (SELECT min(rowid) FROM %s GROUP BY version_num)` in the "
    "sqlite3 shell leaves one row of each.",
};
static const struct oddity oddity_rows = {
    "it has too many rows",
    "It is no table of revisions: rename it, or name another table as version_table.",
};

/* The hint, the name put in wherever it says so. */
static const char *oddity_hint(const struct oddity *oddity, const char *table, struct arena *arena)
{
    const char *name = sql_quote_ident(table, arena);
    const char *hint = "";
    const char *rest = oddity->hint;

    for (const char *at = strstr(rest, "%s"); at != NULL; at = strstr(rest, "%s")) {
        hint = arena_printf(arena, "%s%.*s%s", hint, (int) (at - rest), rest, name);
        rest = at + 2;
    }
    return arena_printf(arena, "%s%s", hint, rest);
}

static bool odd(struct error *err, const char *table, const struct oddity *oddity)
{
    cleanup(arena_release) struct arena arena = { 0 };

    error_set(err, ERR_VERSION_TABLE_ODD, "version table \"%s\" is not as expected: %s", table,
              oddity->what);
    return error_hint(err, "%s", oddity_hint(oddity, table, &arena));
}

/* What stands under the table's name: "table", "view", "virtual table", or NULL. */
static bool read_kind(struct db *db, const char *table, struct arena *arena, const char **ret_kind,
                      struct error *err)
{
    static const char sql_kind[] =
        "SELECT iif(type = 'table' AND rootpage = 0, 'virtual table', type)\n"
        "FROM main.sqlite_schema\n"
        "WHERE type IN ('table', 'view') AND name = :name COLLATE NOCASE";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(db, sql_kind, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":name", table);
    if (!stmt_step(&stmt, &has_row, err))
        return false;
    *ret_kind = has_row ? stmt_text(&stmt, 0, arena) : NULL;
    return true;
}

static bool read_has_column(struct db *db, const char *table, bool *ret, struct error *err)
{
    static const char sql_column[] = "SELECT 1\n"
                                     "FROM pragma_table_info(:name, 'main')\n"
                                     "WHERE name = 'version_num' COLLATE NOCASE";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(db, sql_column, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":name", table);
    return stmt_step(&stmt, ret, err);
}

/* What is wrong with a value, or NULL. */
static const struct oddity *value_oddity(const struct stmt *stmt, const version_rows *rows)
{
    const char *value = NULL;

    switch (sqlite3_column_type(stmt->handle, 0)) {
    case SQLITE_NULL:
        return &oddity_null;
    case SQLITE_BLOB:
        return &oddity_blob;
    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
        return &oddity_number;
    default:
        break;
    }
    value = (const char *) sqlite3_column_text(stmt->handle, 0);
    if (value == NULL || *value == '\0')
        return &oddity_empty;
    if (strlen(value) != (size_t) sqlite3_column_bytes(stmt->handle, 0))
        return &oddity_nul;
    if (strpbrk(value, " \t\r\n\f\v") != NULL)
        return &oddity_space;
    if (str_list_has(rows, value))
        return &oddity_twice;
    return rows->count >= VERSION_ROWS_MAX ? &oddity_rows : NULL;
}

static bool read_rows(struct db *db, const char *table, struct arena *arena, version_rows *ret,
                      struct error *err)
{
    cleanup_stmt struct stmt stmt = { 0 };
    version_rows rows = { 0 };
    bool has_row = false;
    const char *sql =
        arena_printf(arena, "SELECT version_num FROM main.%s", sql_quote_ident(table, arena));

    if (!stmt_prepare(db, sql, &stmt, err) || !stmt_step(&stmt, &has_row, err))
        return false;
    while (has_row) {
        const struct oddity *oddity = value_oddity(&stmt, &rows);

        if (oddity != NULL)
            return odd(err, table, oddity);
        str_list_add(&rows, arena, stmt_text(&stmt, 0, arena));
        if (!stmt_step(&stmt, &has_row, err))
            return false;
    }
    str_list_sort(&rows);
    *ret = rows;
    return true;
}

bool version_rows_read(struct db *db, const char *table, struct arena *arena,
                       version_rows *ret_rows, bool *ret_exists, struct error *err)
{
    cleanup_txn struct txn txn = { 0 };
    version_rows rows = { 0 };
    const char *kind = NULL;
    bool has_column = false;

    if (!txn_begin(db, TXN_READ, &txn, err) || !read_kind(db, table, arena, &kind, err))
        return false;
    if (kind != NULL) {
        if (strcmp(kind, "table") != 0)
            return odd(err, table,
                       strcmp(kind, "view") == 0 ? &oddity_view : &oddity_virtual_table);
        if (!read_has_column(db, table, &has_column, err))
            return false;
        if (!has_column)
            return odd(err, table, &oddity_column);
        if (!read_rows(db, table, arena, &rows, err))
            return false;
    }
    *ret_rows = rows;
    *ret_exists = kind != NULL;
    return true;
}

/* --- writing ---------------------------------------------------------------------------------- */

bool version_table_ensure(struct db *db, const char *table, struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    const char *kind = NULL;
    const char *sql = NULL;

    if (!read_kind(db, table, &arena, &kind, err))
        return false;
    if (kind != NULL)
        return true;
    /*
     * Letter by letter what Alembic's SQLAlchemy emits, white space included; an ordinary name
     * stands there unquoted.
     */
    if (strcmp(table, VERSION_TABLE_DEFAULT) == 0)
        sql =
            "CREATE TABLE main." VERSION_TABLE_DEFAULT " (\n\tversion_num VARCHAR(32) NOT NULL, \n"
            "\tCONSTRAINT " VERSION_TABLE_DEFAULT "_pkc PRIMARY KEY (version_num)\n)";
    else
        sql = arena_printf(&arena,
                           "CREATE TABLE main.%s (\n\tversion_num VARCHAR(32) NOT NULL, \n"
                           "\tCONSTRAINT %s PRIMARY KEY (version_num)\n)",
                           sql_quote_ident(table, &arena),
                           sql_quote_ident(arena_printf(&arena, "%s_pkc", table), &arena));
    return db_exec(db, sql, err);
}

/* One row, or the table is not what was read a moment ago in this very transaction. */
static bool write_row(struct db *db, const char *table, const char *sql, const char *from,
                      const char *to, struct error *err)
{
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(db, sql, &stmt, err))
        return false;
    if (from != NULL)
        stmt_bind_text(&stmt, ":from", from);
    if (to != NULL)
        stmt_bind_text(&stmt, ":to", to);
    if (!stmt_run(&stmt, err))
        return false;
    if (sqlite3_changes(db->handle) != 1)
        return error_set(err, ERR_DATABASE_CHANGED,
                         "version table \"%s\": %d rows changed for %s instead of one", table,
                         sqlite3_changes(db->handle), from == NULL ? to : from);
    return true;
}

static void rows_without(const version_rows *rows, const version_rows *other, struct arena *arena,
                         version_rows *ret)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (!str_list_has(other, rows->items[i]))
            str_list_add(ret, arena, rows->items[i]);
    }
}

bool version_rows_write(struct db *db, const char *table, const version_rows *before,
                        const version_rows *after, struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    const char *name = sql_quote_ident(table, &arena);
    const char *sql_update =
        arena_printf(&arena, "UPDATE main.%s SET version_num = :to WHERE version_num = :from",
                     name);
    const char *sql_delete =
        arena_printf(&arena, "DELETE FROM main.%s WHERE version_num = :from", name);
    const char *sql_insert =
        arena_printf(&arena, "INSERT INTO main.%s (version_num) VALUES (:to)", name);
    version_rows gone = { 0 };
    version_rows come = { 0 };

    rows_without(before, after, &arena, &gone);
    rows_without(after, before, &arena, &come);
    for (size_t i = 0; i < gone.count || i < come.count; i++) {
        const char *from = i < gone.count ? gone.items[i] : NULL;
        const char *to = i < come.count ? come.items[i] : NULL;
        const char *sql = from == NULL ? sql_insert : to == NULL ? sql_delete : sql_update;

        if (!write_row(db, table, sql, from, to, err))
            return false;
    }
    return true;
}
