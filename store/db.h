/*
 * db.h - connections to SQLite databases, opened safely.
 *
 * The only way in: the file is checked by path before SQLite opens it (never opened and closed by
 * us: that would drop this process's locks, sqlite.org/howtocorrupt.html section 2.2), created with
 * the right mode when asked, and every error is told in words. A connection belongs to one thread
 * at a time (SQLITE_OPEN_NOMUTEX).
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

enum db_access {
    DB_READ,   /* no SQL can write; a killed writer's journal is still rolled back */
    DB_WRITE,  /* must exist */
    DB_CREATE, /* created (mode 0660, whatever the umask) when missing */
};

struct db_options {
    enum db_access access;
    uint32_t busy_timeout_ms; /* how long SQLite waits for its locks; 0: not at all */
};

/*
 * Open a database.
 *
 * Fails ERR_DATABASE_MISSING (hint: how to create it), ERR_DATABASE_UNUSABLE (directory, FIFO,
 *       device, not a database, corrupt, second hard link, wrong mode), ERR_DATABASE_BUSY, ERR_IO.
 *       An empty file is an empty database.
 */
must_check bool db_open(const char *path, const struct db_options *options, struct db **ret_db,
                        struct error *err);

/* NULL is fine. Rolls back what is open. */
void db_close(struct db *db);
void db_cleanup(struct db **db);
#define cleanup_db cleanup(db_cleanup)

/*
 * The path symbolic links lead to, in the arena: lock, journal and backups stand beside the real
 * file. A missing file keeps its name in its resolved directory. Fails ERR_IO.
 */
must_check bool db_resolve_path(const char *path, struct arena *arena, const char **ret_path,
                                struct error *err);

/*
 * A number that changes whenever another connection committed (PRAGMA data_version). Fails
 * ERR_DATABASE_BUSY and as db_open.
 */
must_check bool db_data_version(struct db *db, uint32_t *ret, struct error *err);

/*
 * Whether the file was renamed, replaced or unlinked since it was opened (SQLITE_FCNTL_HAS_MOVED).
 */
bool db_has_moved(struct db *db);

/* The version of the SQLite library in use: "3.40.1". Any thread. */
const char *db_sqlite_version(void);

struct db_facts {
    char journal_mode[16]; /* "delete", "wal", ... */
    uint64_t bytes;        /* page_count * page_size */
    uint64_t wal_bytes;    /* size of the -wal file, by stat; 0 when there is none */
    uint32_t page_size;
};

/* Fails as db_data_version. */
must_check bool db_facts_read(struct db *db, struct db_facts *ret, struct error *err);
