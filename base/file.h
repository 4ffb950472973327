/*
 * file.h - reading and writing whole files safely. Any thread.
 *
 * Never to be used on the database itself: closing any descriptor of it drops this process's locks
 * (sqlite.org/howtocorrupt.html section 2.2).
 */
#pragma once

#include "base/arena.h"
#include "base/attr.h"
#include "base/error.h"
#include "base/str.h"

#include <stdint.h>
#include <sys/types.h>

/* close() as a cleanup: nothing for a negative descriptor. */
void fd_close(int *fd);
#define cleanup_fd cleanup(fd_close)

/*
 * Read a regular file of at most max_bytes into the arena.
 *
 * dir_fd, name   as for openat(2); AT_FDCWD for plain paths. Opened O_NONBLOCK, so that a FIFO does
 *                not hang.
 * ret_bytes      the whole content; a NUL follows it in memory but is not counted.
 * Fails          ERR_IO: missing, unreadable, not a regular file (says what it is), larger than
 *                max_bytes; the message quotes name.
 */
must_check bool file_read(int dir_fd, const char *name, size_t max_bytes, struct arena *arena,
                          struct str *ret_bytes, struct error *err);

/*
 * Write a new file durably: created exclusively with `mode`, written, fsynced, and the directory
 * fsynced.
 *
 * Fails ERR_IO; an existing file is never touched, a partly written one is removed.
 */
must_check bool file_write_new(const char *path, const void *bytes, size_t len, mode_t mode,
                               struct error *err);

/* Create a directory and its missing parents with `mode`; existing ones are left as they are. Fails
 * ERR_IO. */
must_check bool directory_ensure(const char *path, mode_t mode, struct error *err);

/* fsync a directory, so that a rename or a new name in it survives power loss. Fails ERR_IO. */
must_check bool directory_sync(const char *path, struct error *err);

/* What a file of this st_mode is, with its article: "a directory", "a FIFO", ... Static text. */
const char *file_kind(mode_t mode);

/* The part after the last '/', or all of it; points into path. */
const char *path_base(const char *path);

/* The part before the last '/', "." when there is none, "/" for the root. */
char *path_directory(const char *path, struct arena *arena);
