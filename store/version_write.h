/*
 * version_write.h - writing alembic_version. Internal to store/: the runner's business alone,
 * inside its transaction.
 */
#pragma once

#include "store/sqlite.h"
#include "store/version_table.h"

/* Create the version table as Alembic does, when nothing has its name. Fails as db_error. */
must_check bool version_table_ensure(struct db *db, const char *table, struct error *err);

/*
 * Turn the rows `before` into `after` as Alembic does: pairs are updated, the rest is deleted or
 * inserted, each exactly one row.
 *
 * Fails ERR_DATABASE_CHANGED (another number of rows), and as db_error.
 */
must_check bool version_rows_write(struct db *db, const char *table, const version_rows *before,
                                   const version_rows *after, struct error *err);
