/*
 * backup.h - verified online backups, through SQLite only.
 *
 * The copy is taken under a read transaction of ours, in bounded steps, so that it finishes while
 * an application commits all the time; written to a temporary name with the database's owner and
 * mode, synced in small portions (one big fsync stalls writers), verified, its version rows read
 * back, renamed without replacing, directory synced. In a rollback-journal mode a long reader
 * blocks every commit, so there it is synced only after it.
 */
#pragma once

#include "migrations/run.h"
#include "store/db.h"

struct backup_options {
    const char *directory; /* made (0750) when missing */
    const char *version_table;
    const char *prefix; /* of the names: "content" */
    uint32_t busy_timeout_ms;
    const struct run_hooks *hooks; /* PHASE_BACKUP progress and cancel; or NULL */
    unsigned permille_from;        /* the part of the whole run's progress that is the backup's: */
    unsigned permille_to;          /* 0: 1000 */
};

/*
 * Back the database at `path` up: `<prefix>-<UTC time>-<version rows joined by '+', or base>.db`.
 *
 * Fails ERR_BACKUP_FAILED (verification), ERR_SPACE_SHORT, ERR_CANCELLED, ERR_DATABASE_*, ERR_IO.
 *       Whatever fails, or kills the process, leaves no file that
 * backup_list would list.
 */
must_check bool backup_run(const char *path, const struct backup_options *options,
                           struct arena *arena, struct backup_info *ret, struct error *err);

/*
 * Backups in a directory, newest first; a missing directory has none. Only complete names of
 * `prefix` count. Fails ERR_IO.
 */
must_check bool backup_list(const char *directory, const char *prefix, struct arena *arena,
                            struct backup_infos *ret, struct error *err);

/*
 * Remove the oldest backups beyond `keep` (0: keep all), never the newest, never `protect` (NULL:
 * none); and temporary files that a killed process left. Fails ERR_IO. The caller holds the schema
 * lock.
 */
must_check bool backup_prune(const char *directory, const char *prefix, unsigned keep,
                             const char *protect, struct error *err);
