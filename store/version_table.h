/*
 * version_table.h - reading alembic_version. (Writing it is the runner's business alone.)
 *
 * Always `main.` qualified; any odd shape is refused with what is there, never guessed.
 */
#pragma once

#include "migrations/target.h"
#include "store/db.h"

#define VERSION_TABLE_DEFAULT "alembic_version"

/*
 * Read the version rows in one statement, so that they are one committed state.
 *
 * table      usually VERSION_TABLE_DEFAULT.
 * ret_rows   sorted, in the arena; empty when the table is empty or absent.
 * ret_exists whether the table is there.
 * Fails      ERR_VERSION_TABLE_ODD (a view, no version_num column, NULL, BLOB or integer values,
 *            duplicates, a value with spaces), ERR_DATABASE_BUSY, ERR_DATABASE_UNUSABLE, ERR_IO.
 */
must_check bool version_rows_read(struct db *db, const char *table, struct arena *arena,
                                  version_rows *ret_rows, bool *ret_exists, struct error *err);
