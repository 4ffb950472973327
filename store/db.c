/*
 * db.c - opening SQLite files safely, and telling SQLite's errors in words.
 *
 * It must not open the database's file by itself, ever: closing any descriptor of it would drop all
 * POSIX locks this process holds on it (sqlite.org/howtocorrupt.html section 2.2). Checks are made
 * by stat(2); a new database is made under another name and renamed.
 */
#include "store/db.h"

#include "base/file.h"
#include "base/oom.h"
#include "store/rename.h"
#include "store/sqlite.h"
#include "store/stmt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- errors ----------------------------------------------------------------------------------- */

struct code_meaning {
    int primary; /* primary result code */
    enum error_code code;
    const char *hint;
};

static const struct code_meaning code_meanings[] = {
    { SQLITE_BUSY, ERR_DATABASE_BUSY,
      "Another process holds a lock on the database; try again, or allow a longer wait." },
    { SQLITE_PROTOCOL, ERR_DATABASE_BUSY,
      "Another process holds a lock on the database; try again." },
    { SQLITE_FULL, ERR_SPACE_SHORT, "Free space on the database's file system, then try again." },
    { SQLITE_NOTADB, ERR_DATABASE_UNUSABLE,
      "The file is not a SQLite database; check the path, or restore a backup." },
    { SQLITE_CORRUPT, ERR_DATABASE_UNUSABLE, "The file is damaged; restore a backup." },
    { SQLITE_CANTOPEN, ERR_DATABASE_UNUSABLE,
      "Check the permissions of the file and of its directory." },
    { SQLITE_READONLY, ERR_DATABASE_UNUSABLE,
      "Check the permissions of the file and of its directory." },
    { SQLITE_PERM, ERR_DATABASE_UNUSABLE,
      "Check the permissions of the file and of its directory." },
    { SQLITE_IOERR, ERR_IO, NULL },
    { SQLITE_NOMEM, ERR_INTERNAL, NULL },
};

static const struct code_meaning *code_meaning_find(int code)
{
    for (size_t i = 0; i < ARRAY_SIZE(code_meanings); i++) {
        if (code_meanings[i].primary == (code & 0xff))
            return &code_meanings[i];
    }
    return NULL;
}

static bool raise(struct error *err, int code, enum error_code fallback, const char *what,
                  const char *words)
{
    const struct code_meaning *meaning = code_meaning_find(code);
    bool is_first = err->code == ERR_OK;

    error_set(err, meaning == NULL ? fallback : meaning->code, "%s: %s", what, words);
    if (is_first)
        err->sqlite_code = code;
    if (meaning != NULL && meaning->hint != NULL)
        error_hint(err, "%s", meaning->hint);
    return false;
}

bool db_error(struct error *err, const struct db *db, enum error_code fallback, const char *format,
              ...)
{
    char what[512];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return raise(err, sqlite3_extended_errcode(db->handle), fallback, what,
                 sqlite3_errmsg(db->handle));
}

bool db_error_code(struct error *err, int code, enum error_code fallback, const char *what)
{
    return raise(err, code, fallback, what, sqlite3_errstr(code));
}

/* --- paths ------------------------------------------------------------------------------------ */

bool db_resolve_path(const char *path, struct arena *arena, const char **ret_path,
                     struct error *err)
{
    char resolved[PATH_MAX];
    struct stat st;

    if (realpath(path, resolved) != NULL) {
        *ret_path = arena_strdup(arena, resolved);
        return true;
    }
    if (errno != ENOENT)
        return error_set_errno(err, ERR_IO, errno, "could not resolve path \"%s\"", path);
    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
        return error_set(err, ERR_IO,
                         "could not resolve path \"%s\": the symbolic link leads nowhere", path);
    if (*path_base(path) == '\0')
        return error_set(err, ERR_IO, "could not resolve path \"%s\": it names no file", path);
    if (realpath(path_directory(path, arena), resolved) == NULL)
        return error_set_errno(err, ERR_IO, errno, "could not resolve directory of \"%s\"", path);
    *ret_path =
        arena_printf(arena, "%s/%s", strcmp(resolved, "/") == 0 ? "" : resolved, path_base(path));
    return true;
}

/*
 * A file of two names would have two write-ahead logs: acknowledged commits of one are invisible
 * under the other and get lost (sqlite.org/howtocorrupt.html section 2.5). Symbolic links are
 * harmless, since the path is resolved first.
 */
static bool check_file(const char *path, const struct stat *st, struct error *err)
{
    if (!S_ISREG(st->st_mode)) {
        error_set(err, ERR_DATABASE_UNUSABLE, "could not use database \"%s\": it is %s", path,
                  file_kind(st->st_mode));
        return error_hint(err, "Give the path of a SQLite database file.");
    }
    if (st->st_nlink > 1) {
        error_set(err, ERR_DATABASE_UNUSABLE,
                  "could not use database \"%s\": it has %lu hard links", path,
                  (unsigned long) st->st_nlink);
        return error_hint(err, "Remove the other names; a database with two names loses commits. "
                               "Symbolic links are fine.");
    }
    return true;
}

/*
 * The name appears complete: the descriptor is closed before anybody can have opened the database.
 */
static bool create_file(const char *path, struct arena *arena, struct error *err)
{
    const char *directory = path_directory(path, arena);
    const char *fresh =
        arena_printf(arena, "%s/.%s.new-%d", directory, path_base(path), (int) gettid());
    int fd = -1;
    bool is_ready = false;

    unlink(fresh);
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_set_errno(err, ERR_IO, errno, "could not create database \"%s\"", path);
        return error_hint(err, "The directory must exist and be writable.");
    }
    is_ready = fchmod(fd, 0660) == 0;
    fd_close(&fd);
    if (is_ready && rename_new(fresh, path))
        return directory_sync(directory, err);
    if (errno == EEXIST) { /* somebody else was faster, which is as good */
        unlink(fresh);
        return true;
    }
    error_set_errno(err, ERR_IO, errno, "could not create database \"%s\"", path);
    unlink(fresh);
    return false;
}

static bool prepare_file(const char *path, enum db_access access, struct arena *arena,
                         const char **ret_path, struct error *err)
{
    struct stat st;

    if (stat(path, &st) == 0)
        return check_file(path, &st, err) && db_resolve_path(path, arena, ret_path, err);
    if (errno != ENOENT && errno != ENOTDIR)
        return error_set_errno(err, ERR_DATABASE_UNUSABLE, errno, "could not use database \"%s\"",
                               path);
    if (access != DB_CREATE) {
        error_set(err, ERR_DATABASE_MISSING, "database \"%s\" does not exist", path);
        return error_hint(err,
                          "Check the path. An upgrade creates a database that does not exist.");
    }
    return db_resolve_path(path, arena, ret_path, err) && create_file(*ret_path, arena, err);
}

/* --- connections ------------------------------------------------------------------------------ */

/*
 * Every connection: SQL that comes from the database's own schema (triggers, views) must not be
 * able to damage the file or this process. fts3_tokenizer() takes a pointer as a blob;
 * load_extension() runs code.
 */
static void harden(sqlite3 *handle)
{
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
}

/* Reads the first page: only then does SQLite notice what file it has. */
static bool probe(struct db *db, const struct db_options *options, struct error *err)
{
    int64_t ignored = 0;

    if (!db_read_i64(db, "PRAGMA schema_version", &ignored, err))
        return false;
    if (options->access == DB_READ)
        return db_exec(db, "PRAGMA query_only = ON", err);
    if (sqlite3_db_readonly(db->handle, "main") == 1) {
        error_set(err, ERR_DATABASE_UNUSABLE, "could not use database \"%s\": it is not writable",
                  db->path);
        return error_hint(err, "Check the owner and mode of the file, and whether its file system "
                               "is mounted read-only.");
    }
    return true;
}

/*
 * Readers open the file writable where they may, with query_only: a journal that a killed writer
 * left can only be rolled back by a connection that may write, and without that nothing could be
 * read. SQLite falls back to read-only by itself. The path is absolute, so that Debian's
 * SQLITE_USE_URI takes no "file:" name.
 */
bool db_open(const char *path, const struct db_options *options, struct db **ret_db,
             struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    cleanup_db struct db *db = NULL;
    const char *resolved = NULL;

    if (!prepare_file(path, options->access, &arena, &resolved, err))
        return false;

    db = xcalloc(1, sizeof(*db));
    db->path = xstrdup(resolved);
    if (sqlite3_open_v2(resolved, &db->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                        NULL) != SQLITE_OK)
        return db_error(err, db, ERR_DATABASE_UNUSABLE, "could not open database \"%s\"", resolved);

    harden(db->handle);
    sqlite3_busy_timeout(db->handle,
                         (int) (options->busy_timeout_ms > INT_MAX ? INT_MAX
                                                                   : options->busy_timeout_ms));
    if (!probe(db, options, err))
        return false;
    *ret_db = take_ptr(db);
    return true;
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    sqlite3_close_v2(db->handle);
    free(db->path);
    free(db);
}

void db_cleanup(struct db **db)
{
    db_close(*db);
}

bool db_is_autocommit(const struct db *db)
{
    return sqlite3_get_autocommit(db->handle) != 0;
}

/* --- facts ------------------------------------------------------------------------------------ */

bool db_data_version(struct db *db, uint32_t *ret, struct error *err)
{
    int64_t version = 0;

    if (!db_read_i64(db, "PRAGMA main.data_version", &version, err))
        return false;
    *ret = (uint32_t) version;
    return true;
}

bool db_has_moved(struct db *db)
{
    int has_moved = 0;

    return sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved) ==
               SQLITE_OK &&
           has_moved != 0;
}

static bool read_journal_mode(struct db *db, char mode[16], struct error *err)
{
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(db, "PRAGMA main.journal_mode", &stmt, err) ||
        !stmt_step(&stmt, &has_row, err))
        return false;
    if (has_row)
        snprintf(mode, 16, "%s", (const char *) sqlite3_column_text(stmt.handle, 0));
    return true;
}

bool db_facts_read(struct db *db, struct db_facts *ret, struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    struct db_facts facts = { 0 };
    int64_t pages = 0;
    int64_t page_size = 0;
    struct stat st;

    if (!read_journal_mode(db, facts.journal_mode, err) ||
        !db_read_i64(db, "PRAGMA main.page_count", &pages, err) ||
        !db_read_i64(db, "PRAGMA main.page_size", &page_size, err))
        return false;
    facts.page_size = (uint32_t) page_size;
    facts.bytes = (uint64_t) pages * (uint64_t) page_size;
    if (stat(arena_printf(&arena, "%s-wal", db->path), &st) == 0)
        facts.wal_bytes = (uint64_t) st.st_size;
    *ret = facts;
    return true;
}

const char *db_sqlite_version(void)
{
    return sqlite3_libversion();
}
