/*
 * lock.c - the schema lock, and telling the loser who holds it.
 *
 * F_OFD_SETLK rather than F_SETLK: an ordinary POSIX lock belongs to the process and is dropped
 * when any descriptor of the file is closed (fcntl(2)); two threads would not exclude each other
 * either. The lock stands on a file of its own: SQLite's locks on the database are none of our
 * business.
 *
 * Waiting is polling: F_OFD_SETLKW has no timeout, and a timer signal would be the process's.
 */
#include "engine/lock.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/oom.h"
#include "base/str.h"
#include "engine/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    POLL_INTERVAL_MS = 10,
    HOLDER_TEXT_MAX = 4096,
};

struct schema_lock {
    int fd;
};

/* ---- The file ---- */

static bool lock_file_open(const char *path, const char *database, int *ret_fd, struct error *err)
{
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    cleanup_fd int fd = open(path, flags | O_CREAT | O_EXCL, 0660);
    struct stat st;

    if (fd >= 0) { /* like the database: whoever may migrate it must be able to lock */
        (void) fchmod(fd, 0660);
        owner_adopt(path, database);
    } else if (errno == EEXIST) {
        fd = open(path, flags);
    }
    if (fd < 0) {
        error_set_errno(err, ERR_IO, errno, "could not open lock file \"%s\"", path);
        return error_hint(err, "The lock file stands beside the database; whoever changes the "
                               "schema must be able to write it and to create files there.");
    }
    if (fstat(fd, &st) != 0)
        return error_set_errno(err, ERR_IO, errno, "could not stat lock file \"%s\"", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERR_IO, "could not use lock file \"%s\": it is no regular file",
                         path);
    *ret_fd = fd;
    fd = -1;
    return true;
}

/* Whether the name still leads to what we locked: somebody may have removed the file meanwhile, and
 * the next one would lock another. */
static bool is_still_named(int fd, const char *path)
{
    struct stat ours;
    struct stat named;

    return fstat(fd, &ours) == 0 && lstat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

/* ---- The holder's text ---- */

/* A target is the user's: a line break in it must not forge another line. */
static void add_line(struct strbuf *text, const char *word, const char *value)
{
    strbuf_printf(text, "%s: ", word);
    for (const char *c = value; *c != '\0'; c++)
        strbuf_add_char(text, (unsigned char) *c < ' ' || *c == 0x7f ? '?' : *c);
    strbuf_add_char(text, '\n');
}

/* Nothing depends on it, so that a full disk does not stop a run here. */
static void holder_write(int fd, const char *purpose)
{
    cleanup(strbuf_release) struct strbuf text;
    char since[CLOCK_TEXT_SIZE];
    int64_t now_us = clock_wall_us();

    strbuf_init(&text, HOLDER_TEXT_MAX);
    clock_format_rfc3339(now_us, since);
    strbuf_printf(&text, "pid: %ld\n", (long) getpid());
    add_line(&text, "program", program_invocation_short_name);
    add_line(&text, "since", since);
    strbuf_printf(&text, "since-us: %" PRId64 "\n", now_us);
    add_line(&text, "purpose", purpose);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, strbuf_text(&text), text.len, 0) < 0)
        return;
}

/* The value of the line that starts with `word: `; empty when there is none. */
static struct str line_value(struct str text, const char *word)
{
    while (text.len > 0) {
        size_t end = str_find_char(text, '\n', 0);
        struct str line = str_sub(text, 0, end);
        size_t colon = str_find_char(line, ':', 0);

        if (str_is(str_sub(line, 0, colon), word))
            return str_trim(str_sub(line, colon + 1, line.len));
        text = str_sub(text, end + 1, text.len);
    }
    return str_of("");
}

/* The text may be half written, or a dead holder's for an instant: what is missing is left out. */
static bool raise_locked(int fd, struct error *err)
{
    char bytes[HOLDER_TEXT_MAX];
    ssize_t len = pread(fd, bytes, sizeof(bytes), 0);
    struct str text = { bytes, len > 0 ? (size_t) len : 0 };
    struct str pid = line_value(text, "pid");
    struct str since = line_value(text, "since");
    struct str program = line_value(text, "program");
    struct str purpose = line_value(text, "purpose");
    int64_t since_us = 0;
    int64_t now_us = clock_wall_us();

    if (pid.len == 0 || purpose.len == 0 ||
        !str_to_i64(line_value(text, "since-us"), 0, INT64_MAX, &since_us)) {
        error_set(err, ERR_LOCKED, "the schema lock is held by another process");
    } else {
        error_set(err, ERR_LOCKED,
                  "the schema lock is held by pid " STR_FORMAT " (" STR_FORMAT "), for " STR_FORMAT
                  ", since " STR_FORMAT " (%" PRId64 " s)",
                  STR_ARGS(pid), STR_ARGS(program), STR_ARGS(purpose), STR_ARGS(since),
                  now_us > since_us ? (now_us - since_us) / 1000000 : 0);
    }
    return error_hint(err, "Wait until it has ended and ask again, or allow a longer wait. The "
                           "lock frees itself when its holder ends, however it ends.");
}

/* ---- Taking and giving back ---- */

static bool set_lock(int fd, bool *ret_is_taken, struct error *err)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    *ret_is_taken = fcntl(fd, F_OFD_SETLK, &lock) == 0;
    if (*ret_is_taken || errno == EAGAIN || errno == EACCES || errno == EINTR)
        return true;
    return error_set_errno(err, ERR_IO, errno, "could not lock the schema lock file");
}

/* One attempt. A file that lost its name between open and lock is as good as not taken. */
static bool lock_try(const char *path, const char *database, int *ret_fd, bool *ret_is_taken,
                     struct error *err)
{
    cleanup_fd int fd = -1;

    if (!lock_file_open(path, database, &fd, err) || !set_lock(fd, ret_is_taken, err))
        return false;
    *ret_is_taken = *ret_is_taken && is_still_named(fd, path);
    *ret_fd = fd;
    fd = -1;
    return true;
}

static bool lock_wait(const char *path, const char *database, uint32_t timeout_ms, int *ret_fd,
                      struct error *err)
{
    int64_t deadline_us = clock_monotonic_us() + (int64_t) timeout_ms * 1000;

    for (;;) {
        cleanup_fd int fd = -1;
        bool is_taken = false;

        if (!lock_try(path, database, &fd, &is_taken, err))
            return false;
        if (is_taken) {
            *ret_fd = fd;
            fd = -1;
            return true;
        }
        if (clock_monotonic_us() >= deadline_us)
            return raise_locked(fd, err);
        (void) poll(NULL, 0, POLL_INTERVAL_MS);
    }
}

bool schema_lock_take(const char *database, const char *purpose, uint32_t timeout_ms,
                      struct schema_lock **ret_lock, struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    const char *path = arena_printf(&arena, "%s.schemad-lock", database);
    int fd = -1;

    if (!lock_wait(path, database, timeout_ms, &fd, err))
        return false;
    holder_write(fd, purpose);
    *ret_lock = xmalloc(sizeof(**ret_lock));
    **ret_lock = (struct schema_lock){ .fd = fd };
    return true;
}

/* A text that stays is like that of a killed holder: nobody reads it while the lock is free. */
static void holder_erase(int fd)
{
    if (ftruncate(fd, 0) != 0)
        return;
}

void schema_lock_release(struct schema_lock *lock)
{
    if (lock == NULL)
        return;
    holder_erase(lock->fd);
    fd_close(&lock->fd);
    free(lock);
}

void schema_lock_cleanup(struct schema_lock **lock)
{
    schema_lock_release(*lock);
}
