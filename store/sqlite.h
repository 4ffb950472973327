/*
 * sqlite.h - what the modules of store/ share of a connection. Internal to store/.
 *
 * The rest of the program sees `struct db` closed (db.h) and errors in words; SQLite's result codes
 * end here.
 */
#pragma once

#include "store/db.h"

#include <sqlite3.h>

struct db {
    sqlite3 *handle;
    char *path; /* resolved */
};

/*
 * Raise what SQLite just reported on `db`: "<format>: <SQLite's words>", with the extended result
 * code and a hint.
 *
 * fallback  the code for result codes that have no own meaning (SQLITE_ERROR, SQLITE_CONSTRAINT,
 *           ...).
 * Raises    ERR_DATABASE_BUSY, ERR_DATABASE_UNUSABLE, ERR_SPACE_SHORT, ERR_IO, ERR_INTERNAL (out of
 *           memory) or fallback. Returns false.
 */
cold_path bool db_error(struct error *err, const struct db *db, enum error_code fallback,
                        const char *format, ...) format_printf(4, 5);

/* As db_error for a result code that was returned without a connection that remembers it. */
cold_path bool db_error_code(struct error *err, int code, enum error_code fallback,
                             const char *what);

/*
 * `name` as an SQL identifier, in double quotes, quotes doubled; in the arena. The only place that
 * quotes.
 */
const char *sql_quote_ident(const char *name, struct arena *arena);

/* Whether SQLite is outside a transaction. */
bool db_is_autocommit(const struct db *db);
