/*
 * look.h - one look at the database: is it there, where does it stand, how big is it.
 *
 * Internal to engine/. The reader looks through a connection that it keeps, a run through one of
 * its own; both want the same things.
 */
#pragma once

#include "engine/settings.h"
#include "store/db.h"

struct look {
    bool exists; /* the file is there */
    bool has_version_table;
    version_rows rows;
    struct db_facts facts;
};

/* Whether the file is there; following links. Anything but "no such file" is for SQLite to tell. */
bool look_exists(const char *database);

/*
 * Read version rows and facts through an open connection. look->exists becomes true.
 * Fails ERR_DATABASE_BUSY, ERR_DATABASE_UNUSABLE, ERR_VERSION_TABLE_ODD, ERR_IO.
 */
must_check bool look_read(struct db *db, const char *version_table, struct arena *arena,
                          struct look *ret, struct error *err);

/* Open, read, close. A missing file is not an error: no rows. Fails as look_read and db_open. */
must_check bool look_take(const struct engine_settings *settings, uint32_t busy_timeout_ms,
                          struct arena *arena, struct look *ret, struct error *err);
