/*
 * preflight.c - space, permissions and hard links, before anything is touched; and who else is
 * there.
 *
 * What a run needs beyond its backup cannot be known before it is run: an UPDATE may touch one page
 * or all. So the room that every run needs is asked for, and all of it again only for a VACUUM,
 * which copies the whole database for certain.
 *
 * Lock holders are found in /proc/locks (proc(5)) by device and inode: opening and closing the
 * database to ask fcntl(2) would drop our own locks.
 */
#include "engine/preflight.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ROOM_BYTES_MIN ((uint64_t) 1024 * 1024) /* journal or WAL of the smallest run, with slack */

enum {
    PROC_LOCKS_BYTES_MAX = 1024 * 1024,
    HOLDERS_MAX = 8,
    FIELD_PID = 4,
    FIELD_INODE = 5,
};

/* ---- Permissions ---- */

static bool check_access(const char *path, const char *kind, struct error *err)
{
    if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0)
        return true;
    error_set_errno(err, ERR_DATABASE_UNUSABLE, errno, "could not write %s \"%s\"", kind, path);
    return error_hint(err, "Check its owner and mode, and whether its file system is mounted "
                           "read-only. SQLite writes its journal into the directory.");
}

static bool check_file(const char *database, struct error *err)
{
    struct stat st;

    if (stat(database, &st) != 0)
        return true; /* it is created later, and the directory is checked */
    if (st.st_nlink > 1) {
        error_set(err, ERR_DATABASE_UNUSABLE,
                  "could not use database \"%s\": it has %ju hard links", database,
                  (uintmax_t) st.st_nlink);
        return error_hint(err, "Remove the other names: under each name SQLite keeps another "
                               "write-ahead log, and commits get lost.");
    }
    return check_access(database, "database", err);
}

/* ---- Space ---- */

/* The nearest existing directory at or above path: where it will be created. */
static const char *existing_directory(const char *path, struct arena *arena)
{
    struct stat st;

    while (stat(path, &st) != 0 && strcmp(path, "/") != 0 && strcmp(path, ".") != 0)
        path = path_directory(path, arena);
    return path;
}

static uint64_t device_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (uint64_t) st.st_dev : 0;
}

static bool check_space(const char *directory, uint64_t needed, const char *what, struct error *err)
{
    struct statvfs fs;
    uint64_t available = 0;

    if (statvfs(directory, &fs) != 0)
        return error_set_errno(err, ERR_IO, errno, "could not read free space of \"%s\"",
                               directory);
    available = (uint64_t) (geteuid() == 0 ? fs.f_bfree : fs.f_bavail) * fs.f_frsize;
    if (available >= needed)
        return true;
    error_set(err, ERR_SPACE_SHORT, "\"%s\" has %" PRIu64 " bytes free, and %s needs %" PRIu64,
              directory, available, what, needed);
    return error_hint(err,
                      "Free %" PRIu64 " MiB there, or set the backup directory to another "
                      "file system.",
                      (needed - available) / (1024 * 1024) + 1);
}

static bool has_vacuum(const struct plan *plan, struct arena *arena)
{
    for (size_t i = 0; plan != NULL && plan->verb != VERB_STAMP && i < plan->count; i++) {
        const struct script *script = plan->steps[i].revision->script;
        const struct statements *part =
            plan->steps[i].direction == DIRECTION_UP ? &script->up : &script->down;

        for (size_t k = 0; script->transaction_none && k < part->count; k++) {
            if (strcmp(statement_summarize(part->items[k].sql, arena).verb, "VACUUM") == 0)
                return true;
        }
    }
    return false;
}

static bool check_all_space(const struct engine_settings *settings, const struct plan *plan,
                            uint64_t backup_bytes, uint64_t database_bytes, struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    const char *home = path_directory(settings->database, &arena);
    const char *backups = existing_directory(settings->backup_directory, &arena);
    uint64_t room = plan == NULL ? 0 : ROOM_BYTES_MIN;

    if (has_vacuum(plan, &arena))
        room += 2 * database_bytes; /* the copy, and the journal or WAL of writing it back */
    if (backup_bytes > 0 && device_of(home) == device_of(backups))
        return check_space(backups, backup_bytes + room, "the run with its backup", err);
    return (backup_bytes == 0 || check_space(backups, backup_bytes, "the backup", err)) &&
           (room == 0 || check_space(home, room, "the run", err));
}

bool preflight_check(const struct engine_settings *settings, const struct plan *plan,
                     bool will_back_up, const struct db_facts *facts, struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    const char *home = path_directory(settings->database, &arena);
    uint64_t bytes = facts == NULL ? 0 : facts->bytes;

    if (plan != NULL && (!check_file(settings->database, err) ||
                         !check_access(home, "directory of the database", err)))
        return false;
    return check_all_space(settings, plan, will_back_up ? bytes : 0, bytes, err);
}

/* ---- Lock holders ---- */

/* The `index`-th of the fields that spaces separate; empty when there are fewer. */
static struct str field(struct str line, unsigned index)
{
    for (;;) {
        size_t end = 0;

        line = str_trim(line);
        end = str_find_char(line, ' ', 0);
        if (index-- == 0)
            return str_sub(line, 0, end);
        line = str_sub(line, end, line.len);
    }
}

/* "08:01:1234": major and minor in hexadecimal, and the inode; "" when there is no such file. */
static const char *lock_name(const char *path, struct arena *arena)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return "";
    return arena_printf(arena, "%02x:%02x:%ju", major(st.st_dev), minor(st.st_dev),
                        (uintmax_t) st.st_ino);
}

/* /proc files have no size to ask for, so file_read does not serve them. */
static struct str proc_read(const char *path, size_t size, struct arena *arena)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *bytes = arena_alloc(arena, size);
    size_t len = 0;

    while (fd >= 0 && len < size) {
        ssize_t n = read(fd, bytes + len, size - len);

        if (n <= 0)
            break;
        len += (size_t) n;
    }
    return (struct str){ bytes, len };
}

static const char *holder_name(struct str pid, struct arena *arena)
{
    const char *path = arena_printf(arena, "/proc/" STR_FORMAT "/comm", STR_ARGS(pid));
    struct str comm = str_trim(proc_read(path, 64, arena));

    if (comm.len == 0)
        return arena_printf(arena, "pid " STR_FORMAT, STR_ARGS(pid));
    return arena_printf(arena, "pid " STR_FORMAT " (" STR_FORMAT ")", STR_ARGS(pid),
                        STR_ARGS(comm));
}

const char *preflight_lock_holders(const char *database, struct arena *arena)
{
    const char *names[] = {
        lock_name(database, arena),
        lock_name(arena_printf(arena, "%s-shm", database), arena),
    };
    const char *self = arena_printf(arena, "%ld", (long) getpid());
    struct str rest = proc_read("/proc/locks", PROC_LOCKS_BYTES_MAX, arena);
    struct str_list holders = { 0 };

    while (rest.len > 0 && holders.count < HOLDERS_MAX) {
        size_t end = str_find_char(rest, '\n', 0);
        struct str line = str_sub(rest, 0, end);
        struct str pid = field(line, FIELD_PID);
        struct str inode = field(line, FIELD_INODE);

        rest = str_sub(rest, end + 1, rest.len);
        /* A waiting lock has one field more, "->"; an OFD lock names no process. */
        if (inode.len > 0 && (str_is(inode, names[0]) || str_is(inode, names[1])) &&
            !str_is(pid, self) && !str_starts_with(pid, "-")) {
            const char *holder = holder_name(pid, arena);

            if (!str_list_has(&holders, holder))
                str_list_add(&holders, arena, holder);
        }
    }
    return str_list_join(&holders, ", ", arena);
}
