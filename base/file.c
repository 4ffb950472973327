/*
 * file.c - whole files in and out, with every system call's failure told.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
    if (*fd >= 0)
        (void) close(*fd);
    *fd = -1;
}

const char *file_kind(mode_t mode)
{
    if (S_ISREG(mode))
        return "a regular file";
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISFIFO(mode))
        return "a FIFO";
    return S_ISSOCK(mode) ? "a socket" : "a device";
}

/* Fill up to size bytes; fewer at the end of the file. */
static bool read_all(int fd, const char *name, char *bytes, size_t size, size_t *ret_len,
                     struct error *err)
{
    size_t len = 0;

    while (len < size) {
        ssize_t n = read(fd, bytes + len, size - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, ERR_IO, errno, "could not read file \"%s\"", name);
        if (n == 0)
            break;
        len += (size_t) n;
    }
    *ret_len = len;
    return true;
}

bool file_read(int dir_fd, const char *name, size_t max_bytes, struct arena *arena,
               struct str *ret_bytes, struct error *err)
{
    cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    size_t size;
    size_t len = 0;
    char *bytes;

    if (fd < 0)
        return error_set_errno(err, ERR_IO, errno, "could not open file \"%s\"", name);
    if (fstat(fd, &st) != 0)
        return error_set_errno(err, ERR_IO, errno, "could not stat file \"%s\"", name);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERR_IO, "could not read file \"%s\": it is %s", name,
                         file_kind(st.st_mode));
    if ((uint64_t) st.st_size > max_bytes)
        return error_set(err, ERR_IO,
                         "could not read file \"%s\": it has %lld bytes, at most %zu are allowed",
                         name, (long long) st.st_size, max_bytes);
    size = (size_t) st.st_size;
    bytes = arena_alloc(arena, size + 1);
    if (!read_all(fd, name, bytes, size, &len, err))
        return false;
    *ret_bytes = (struct str){ bytes, len };
    return true;
}

static bool write_all(int fd, const char *path, const char *bytes, size_t len, struct error *err)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err,
                                   errno == ENOSPC || errno == EDQUOT ? ERR_SPACE_SHORT : ERR_IO,
                                   errno, "could not write file \"%s\"", path);
        bytes += n;
        len -= (size_t) n;
    }
    return true;
}

bool file_write_new(const char *path, const void *bytes, size_t len, mode_t mode, struct error *err)
{
    cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    struct arena arena = { 0 };
    bool ok;

    if (fd < 0)
        return error_set_errno(err, ERR_IO, errno, "could not create file \"%s\"", path);
    ok = write_all(fd, path, bytes, len, err);
    if (ok && fsync(fd) != 0)
        ok = error_set_errno(err, ERR_IO, errno, "could not sync file \"%s\"", path);
    ok = ok && directory_sync(path_directory(path, &arena), err);
    arena_release(&arena);
    if (!ok)
        (void) unlink(path);
    return ok;
}

bool directory_ensure(const char *path, mode_t mode, struct error *err)
{
    struct arena arena = { 0 };
    char *prefix = arena_strdup(&arena, path);
    bool ok = true;

    for (char *slash = strchr(prefix + (prefix[0] == '/'), '/'); ok;
         slash = strchr(slash + 1, '/')) {
        struct stat st;

        if (slash != NULL)
            *slash = '\0';
        if (mkdir(prefix, mode) != 0 && errno != EEXIST)
            ok = error_set_errno(err, ERR_IO, errno, "could not create directory \"%s\"", prefix);
        else if (slash == NULL && (stat(prefix, &st) != 0 || !S_ISDIR(st.st_mode)))
            ok = error_set(err, ERR_IO,
                           "could not create directory \"%s\": a file of that name exists", prefix);
        if (slash == NULL)
            break;
        *slash = '/';
    }
    arena_release(&arena);
    return ok;
}

bool directory_sync(const char *path, struct error *err)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_set_errno(err, ERR_IO, errno, "could not open directory \"%s\"", path);
    if (fsync(fd) != 0)
        return error_set_errno(err, ERR_IO, errno, "could not sync directory \"%s\"", path);
    return true;
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

char *path_directory(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return arena_strdup(arena, ".");
    if (slash == path)
        return arena_strdup(arena, "/");
    return arena_strndup(arena, path, (size_t) (slash - path));
}
