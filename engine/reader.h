/*
 * reader.h - asking where the database is, cheaply and often, without ever waiting (G5).
 *
 * A reader keeps a read connection open and notices commits of others (PRAGMA data_version), a
 * moved or replaced file, and a file that appears. It never waits for a lock: when SQLite is busy
 * it says so and the caller uses what it knew. One thread at a time; callers guard it.
 */
#pragma once

#include "engine/settings.h"
#include "migrations/target.h"
#include "store/db.h"

struct reader;

/* Never touches the disk; settings must outlive the reader. reader_free frees it. */
struct reader *reader_new(const struct engine_settings *settings);

/* Close the connection and free the reader; NULL is fine. */
void reader_free(struct reader *reader);

/* reader_free for a variable that leaves its scope. */
void reader_cleanup(struct reader **reader);
#define cleanup_reader cleanup(reader_cleanup)

/* What a look at the database gave. */
struct reader_look {
    bool exists; /* the file is there */
    bool has_version_table;
    bool is_changed;   /* since the last look that succeeded; true for the first */
    version_rows rows; /* in the arena */
    struct db_facts facts;
};

/*
 * Look at the version rows. A missing file is not an error (exists = false, no rows).
 *
 * Fails ERR_DATABASE_BUSY (ask again later), ERR_DATABASE_UNUSABLE, ERR_VERSION_TABLE_ODD, ERR_IO.
 */
must_check bool reader_look(struct reader *reader, struct arena *arena, struct reader_look *ret,
                            struct error *err);
