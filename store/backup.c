/*
 * backup.c - making a verified backup of a database that is in use.
 *
 *   1. Begin a read transaction and read the version rows: one committed state, held for the whole
 *      copy. Without it every commit of the application starts sqlite3_backup_step over again, and
 *      the backup never ends.
 *   2. Make the target under a hidden name, exclusively, with the database's owner and mode.
 *   3. Copy in portions. In WAL mode nobody waits for the read transaction, and each 8 MiB are
 *      synced: a single sync of a gigabyte at the end would stall the application's own. In a
 *      rollback-journal mode the read transaction keeps every commit out, so nothing is synced
 *      until it has ended.
 *   4. End the read transaction; make the copy a single file (no WAL); verify it; its version rows
 *      must be those of step 1.
 *   5. Sync, rename without replacing, sync the directory. Only now it is a backup.
 *
 * The target's descriptor is ours to open: until step 5 nobody else knows the file. The database
 * itself is never opened here but through SQLite.
 */
#include "store/backup.h"

#include "base/clock.h"
#include "base/file.h"
#include "store/backup_names.h"
#include "store/rename.h"
#include "store/stmt.h"
#include "store/txn.h"
#include "store/version_table.h"
#include "store/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKUP_STEP_PAGES    1024
#define BACKUP_SYNC_BYTES    ((uint64_t) 8 * 1024 * 1024)
#define BACKUP_NUMBER_MAX    1000 /* backups of one second */
#define BACKUP_COPY_PERMILLE 700  /* of the backup's own progress; the rest is verifying */

struct backup {
    const struct backup_options *options;
    struct arena *arena;
    struct watch watch;
    struct db *source;
    struct db_facts facts;
    version_rows rows;
    const char *name; /* what it will be called */
    const char *path;
    const char *partial; /* path while it is made; NULL before and after */
    int fd;              /* of the partial file, for syncing */
    int64_t created_us;
};

static void backup_report(struct backup *backup, unsigned permille)
{
    unsigned from = backup->options->permille_from;
    unsigned to = backup->options->permille_to == 0 ? 1000 : backup->options->permille_to;

    backup->watch.progress.permille = from + (to - from) * permille / 1000;
    watch_report(&backup->watch);
}

static bool fail(const struct backup *backup, const char *why, struct error *err)
{
    error_set(err, ERR_BACKUP_FAILED, "could not back up database \"%s\": %s", backup->source->path,
              why);
    return error_hint(err, "Nothing was changed. Check the database with PRAGMA integrity_check, "
                           "and the backup directory's file system.");
}

/* --- 1. the state to copy --------------------------------------------------------------------- */

static bool hold_state(struct backup *backup, struct txn *txn, struct error *err)
{
    bool exists = false;

    watch_install(&backup->watch, backup->source);
    return txn_begin(backup->source, TXN_READ, txn, err) &&
           version_rows_read(backup->source, backup->options->version_table, backup->arena,
                             &backup->rows, &exists, err) &&
           db_facts_read(backup->source, &backup->facts, err);
}

/* --- 2. the target ---------------------------------------------------------------------------- */

/* A group that cannot be given must not read by the mode that was meant for another. */
static bool take_owner(const struct backup *backup, struct error *err)
{
    struct stat st;
    mode_t mode = 0600;

    if (stat(backup->source->path, &st) != 0)
        return error_set_errno(err, ERR_IO, errno, "could not look at database \"%s\"",
                               backup->source->path);
    if (fchown(backup->fd, st.st_uid, st.st_gid) == 0 ||
        fchown(backup->fd, (uid_t) -1, st.st_gid) == 0)
        mode = st.st_mode & 0777;
    if (fchmod(backup->fd, mode) != 0)
        return error_set_errno(err, ERR_IO, errno, "could not set the mode of backup \"%s\"",
                               backup->name);
    return true;
}

static void take_name(struct backup *backup, unsigned number)
{
    const struct backup_options *options = backup->options;

    backup->name = backup_name_format(options->prefix, backup->created_us, &backup->rows, number,
                                      backup->arena);
    backup->path = arena_printf(backup->arena, "%s/%s", options->directory, backup->name);
}

/*
 * Numbers order the backups of one second. One that was freed by backup_prune is not used again:
 * the newest backup would be listed as the oldest, and be the next to go.
 */
static bool next_number(const struct backup *backup, unsigned *ret, struct error *err)
{
    const struct backup_options *options = backup->options;
    struct backup_infos infos = { 0 };

    *ret = 1;
    if (!backup_list(options->directory, options->prefix, backup->arena, &infos, err))
        return false;
    for (size_t i = 0; i < infos.count; i++) {
        struct backup_info info = { 0 };
        unsigned number = 0;

        if (backup_name_parse(infos.items[i].name, options->prefix, backup->arena, &info,
                              &number) &&
            info.created_us / 1000000 == backup->created_us / 1000000 && number >= *ret)
            *ret = number + 1;
    }
    return true;
}

static bool make_target(struct backup *backup, struct error *err)
{
    unsigned first = 1;
    struct stat st;

    if (!directory_ensure(backup->options->directory, 0750, err) ||
        !next_number(backup, &first, err))
        return false;
    for (unsigned number = first; number <= BACKUP_NUMBER_MAX; number++) {
        const char *partial = NULL;

        take_name(backup, number);
        if (lstat(backup->path, &st) == 0)
            continue;
        partial = arena_printf(backup->arena, "%s/%s", backup->options->directory,
                               backup_partial_name(backup->name, backup->arena));
        backup->fd = open(partial, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (backup->fd >= 0) {
            backup->partial = partial;
            return take_owner(backup, err);
        }
        if (errno != EEXIST)
            return error_set_errno(err, errno == ENOSPC ? ERR_SPACE_SHORT : ERR_IO, errno,
                                   "could not create backup \"%s\"", partial);
    }
    return fail(backup, "too many backups in one second", err);
}

/* --- 3. copying ------------------------------------------------------------------------------- */

static void finish_copy(sqlite3_backup **copy)
{
    sqlite3_backup_finish(*copy);
}

static bool sync_target(const struct backup *backup, struct error *err)
{
    if (fdatasync(backup->fd) == 0)
        return true;
    return error_set_errno(err, errno == ENOSPC ? ERR_SPACE_SHORT : ERR_IO, errno,
                           "could not sync backup \"%s\"", backup->name);
}

static bool copy_pages(struct backup *backup, sqlite3_backup *copy, struct error *err)
{
    bool syncs = strcmp(backup->facts.journal_mode, "wal") == 0;
    uint64_t portion = (uint64_t) BACKUP_STEP_PAGES * backup->facts.page_size;
    uint64_t unsynced = 0;
    int code = SQLITE_OK;

    while (code == SQLITE_OK) {
        if (watch_must_stop(&backup->watch))
            return watch_check(&backup->watch, err);
        code = sqlite3_backup_step(copy, BACKUP_STEP_PAGES);
        unsynced += portion;
        if (syncs && unsynced >= BACKUP_SYNC_BYTES) {
            if (!sync_target(backup, err))
                return false;
            unsynced = 0;
        }
        if (sqlite3_backup_pagecount(copy) > 0)
            backup_report(backup,
                          BACKUP_COPY_PERMILLE - (unsigned) ((int64_t) BACKUP_COPY_PERMILLE *
                                                             sqlite3_backup_remaining(copy) /
                                                             sqlite3_backup_pagecount(copy)));
    }
    if (code != SQLITE_DONE)
        return db_error_code(err, code, ERR_BACKUP_FAILED, "could not copy the database");
    return true;
}

/*
 * Durability is step 5's; a journal beside the target would only be one more file to leave behind.
 */
static bool copy_database(struct backup *backup, struct error *err)
{
    struct db_options options = { .access = DB_WRITE };
    cleanup_db struct db *target = NULL;
    cleanup(finish_copy) sqlite3_backup *copy = NULL;

    if (!db_open(backup->partial, &options, &target, err) ||
        !db_exec(target, "PRAGMA synchronous = OFF", err) ||
        !db_exec(target, "PRAGMA journal_mode = MEMORY", err))
        return false;
    copy = sqlite3_backup_init(target->handle, "main", backup->source->handle, "main");
    if (copy == NULL)
        return db_error(err, target, ERR_BACKUP_FAILED, "could not begin to copy the database");
    return copy_pages(backup, copy, err);
}

/* --- 4. verifying ----------------------------------------------------------------------------- */

/*
 * integrity_check also tells of values that break a constraint; such rows are the database's
 * content, and copied truly.
 */
static bool is_about_content(const char *message)
{
    return strncmp(message, "NULL value in ", 14) == 0 ||
           strncmp(message, "CHECK constraint failed in ", 27) == 0 ||
           strstr(message, " value in ") != NULL;
}

static bool check_integrity(struct backup *backup, struct db *target, struct error *err)
{
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(target, "PRAGMA main.integrity_check(10000)", &stmt, err) ||
        !stmt_step(&stmt, &has_row, err))
        return false;
    while (has_row) {
        const char *message = (const char *) sqlite3_column_text(stmt.handle, 0);

        if (strcmp(message, "ok") != 0 && !is_about_content(message))
            return fail(backup,
                        arena_printf(backup->arena, "integrity check of the copy: %s", message),
                        err);
        if (!stmt_step(&stmt, &has_row, err))
            return false;
    }
    return true;
}

static bool verify(struct backup *backup, struct error *err)
{
    struct db_options options = { .access = DB_WRITE };
    cleanup_db struct db *target = NULL;
    version_rows rows = { 0 };
    bool exists = false;

    backup_report(backup, BACKUP_COPY_PERMILLE);
    if (!db_open(backup->partial, &options, &target, err))
        return false;
    watch_install(&backup->watch, target);
    if (!db_exec(target, "PRAGMA journal_mode = DELETE", err) ||
        !check_integrity(backup, target, err) ||
        !version_rows_read(target, backup->options->version_table, backup->arena, &rows, &exists,
                           err))
        return false;
    return str_list_equal(&rows, &backup->rows) ||
           fail(backup, "the copy has other version rows", err);
}

/* --- 5. publishing ---------------------------------------------------------------------------- */

static bool publish(struct backup *backup, struct backup_info *ret, struct error *err)
{
    struct stat st;

    if (!sync_target(backup, err))
        return false;
    if (fstat(backup->fd, &st) != 0 || !rename_new(backup->partial, backup->path))
        return error_set_errno(err, ERR_IO, errno, "could not rename backup \"%s\"", backup->name);
    backup->partial = NULL;
    if (!directory_sync(backup->options->directory, err))
        return false;
    *ret = (struct backup_info){
        .name = backup->name,
        .path = backup->path,
        .bytes = (uint64_t) st.st_size,
        .created_us = backup->created_us,
        .rows = backup->rows,
    };
    backup_report(backup, 1000);
    return true;
}

static void remove_partial(const struct backup *backup)
{
    static const char *const endings[] = { "", "-journal", "-wal", "-shm" };

    for (size_t i = 0; backup->partial != NULL && i < ARRAY_SIZE(endings); i++)
        unlink(arena_printf(backup->arena, "%s%s", backup->partial, endings[i]));
}

static bool run(struct backup *backup, const char *path, struct error *err)
{
    struct db_options options = { .access = DB_READ,
                                  .busy_timeout_ms = backup->options->busy_timeout_ms };
    cleanup_txn struct txn txn = { 0 };
    bool is_copied = false;

    if (!db_open(path, &options, &backup->source, err))
        return false;
    is_copied =
        hold_state(backup, &txn, err) && make_target(backup, err) && copy_database(backup, err);
    txn_rollback(&txn);
    if (is_copied && db_has_moved(backup->source))
        return fail(backup, "it was moved or replaced meanwhile", err);
    return is_copied && verify(backup, err);
}

static void backup_release(struct backup *backup)
{
    remove_partial(backup);
    fd_close(&backup->fd);
    db_close(take_ptr(backup->source));
}

bool backup_run(const char *path, const struct backup_options *options, struct arena *arena,
                struct backup_info *ret, struct error *err)
{
    cleanup(backup_release) struct backup backup = {
        .options = options,
        .arena = arena,
        .fd = -1,
        .created_us = clock_wall_us() / 1000000 * 1000000, /* as its name will tell */
    };
    struct error stop = { 0 };

    watch_init(&backup.watch, options->hooks, options->busy_timeout_ms, 0);
    backup.watch.progress.phase = PHASE_BACKUP;
    backup_report(&backup, 0);
    if (run(&backup, path, err) && publish(&backup, ret, err))
        return true;
    if (err->code != ERR_CANCELLED && !watch_check(&backup.watch, &stop))
        *err = stop;
    return false;
}
