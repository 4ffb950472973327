/*
 * settings.h - what the engine must know about one database: where things are and what is policy.
 * Plain value.
 *
 * The daemon fills it from its configuration, the command line from its options; settings_complete
 * gives every member that was left out its default, in one place.
 */
#pragma once

#include "migrations/run.h"

struct engine_settings {
    const char *database;              /* path; required. Symbolic links are followed */
    struct str_list scripts;           /* directories of scripts; required */
    const char *version_table;         /* default "alembic_version" */
    const char *state_directory;       /* journal and backups; default "<database>.schemad" */
    const char *backup_directory;      /* default "<state_directory>/backups" */
    unsigned backup_keep;              /* newest backups to keep; 0: all. Default 10 */
    bool has_backup_keep;              /* says that 0 was meant */
    enum backup_policy backup;         /* for requests that do not say. Default always */
    enum transaction_mode transaction; /* for requests that do not say. Default run */
    uint32_t lock_timeout_ms;          /* default 5000 */
    bool allows_loss;                  /* loss = allow; default false */
};

/* The version of the SQLite library that the engine works with: "3.40.1". Any thread. */
const char *engine_sqlite_version(void);

/*
 * Resolve the database's path and fill the defaults; strings are made in the arena, which must
 * outlive the settings.
 *
 * Fails ERR_CONFIG_INVALID (no database, no scripts), ERR_IO (the database's directory is missing).
 */
must_check bool settings_complete(struct engine_settings *settings, struct arena *arena,
                                  struct error *err);
