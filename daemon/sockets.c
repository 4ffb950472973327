/*
 * sockets.c - taking sockets from systemd, or binding them without stepping on anybody's.
 */
#include "daemon/sockets.h"

#include "base/file.h"
#include "base/str.h"
#include "daemon/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define BACKLOG             1024
#define DIRECTORY_LOCK_MS   2000
#define DIRECTORY_LOCK_STEP 10

static struct listening *sockets_add(struct sockets *sockets, int fd, enum listen_kind kind)
{
    struct listening *listening = &sockets->items[sockets->count++];

    *listening = (struct listening){ .fd = fd, .kind = kind };
    return listening;
}

static bool has_kind(const struct sockets *sockets, enum listen_kind kind)
{
    for (size_t i = 0; i < sockets->count; i++)
        if (sockets->items[i].kind == kind)
            return true;
    return false;
}

/* ---- From systemd ---- */

/* systemd tells for whom the sockets are. A wrapper that forks takes the name away, and silently
 * binding other sockets would hide that. */
static bool check_addressee(struct error *err)
{
    uint64_t pid;

    if (getenv("LISTEN_FDS") == NULL ||
        !str_to_u64(str_of(getenv("LISTEN_PID")), INT32_MAX, &pid) || (pid_t) pid == getpid())
        return true;
    (void) error_set(err, ERR_IO, "sockets were passed to process %ju, but this is process %d",
                     (uintmax_t) pid, getpid());
    return error_hint(err, "Start schemad by exec from wrappers, or unset LISTEN_FDS.");
}

static bool check_passed_tcp(int fd, struct error *err)
{
    struct tcp_address address = { .len = sizeof(address.addr) };

    if (getsockname(fd, &address.addr.any, &address.len) < 0)
        return error_set_errno(err, ERR_IO, errno, "could not look at the socket 'tcp'");
    if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
        !tcp_address_is_loopback(&address.addr.any)) {
        (void) error_set(err, ERR_CONFIG_INVALID,
                         "socket 'tcp' from systemd does not listen on a loopback address");
        return error_hint(err, "Write ListenStream=127.0.0.1:8420 in the socket unit.");
    }
    return true;
}

static bool add_passed(struct sockets *sockets, int fd, const char *name, struct error *err)
{
    bool is_unix = strcmp(name, "unix") == 0;

    if (!is_unix && strcmp(name, "tcp") != 0) {
        (void) error_set(err, ERR_CONFIG_INVALID, "socket from systemd has the name '%s'", name);
        return error_hint(err, "Write FileDescriptorName=unix or tcp in the socket unit.");
    }
    if (sockets->count == SOCKETS_MAX)
        return error_set(err, ERR_CONFIG_INVALID, "more than %d sockets from systemd", SOCKETS_MAX);
    if (is_unix && sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) <= 0)
        return error_set(err, ERR_CONFIG_INVALID,
                         "socket 'unix' from systemd is not a listening unix stream socket");
    if (!is_unix && !check_passed_tcp(fd, err))
        return false;
    (void) snprintf(sockets_add(sockets, fd, is_unix ? LISTEN_UNIX : LISTEN_TCP)->name,
                    sizeof(sockets->items[0].name), "%s from systemd", name);
    return true;
}

static bool take_passed(struct sockets *sockets, struct error *err)
{
    char **names = NULL;
    int count;
    bool is_done = true;

    if (!check_addressee(err))
        return false;
    count = sd_listen_fds_with_names(1, &names);
    if (count < 0)
        return error_set_errno(err, ERR_IO, -count, "could not take the sockets from systemd");
    for (int i = 0; i < count; i++) {
        if (is_done)
            is_done = add_passed(sockets, SD_LISTEN_FDS_START + i, names[i], err);
        free(names[i]);
    }
    free(names);
    return is_done;
}

/* ---- Unix socket ---- */

/* Two daemons that start at once must not take the same stale socket for theirs: whoever looks and
 * binds holds the directory. */
static bool directory_lock(int directory, const char *path, struct error *err)
{
    const struct timespec step = { .tv_nsec = DIRECTORY_LOCK_STEP * 1000000L };

    for (int waited = 0; waited < DIRECTORY_LOCK_MS; waited += DIRECTORY_LOCK_STEP) {
        if (flock(directory, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK)
            return error_set_errno(err, ERR_IO, errno, "could not lock the directory of '%s'",
                                   path);
        (void) ppoll(NULL, 0, &step, NULL);
    }
    return error_set(err, ERR_IO, "could not lock the directory of '%s': another process holds it",
                     path);
}

static bool fail_in_the_way(const char *path, mode_t mode, struct error *err)
{
    const char *what = S_ISREG(mode)   ? "regular file"
                       : S_ISDIR(mode) ? "directory"
                       : S_ISLNK(mode) ? "symbolic link"
                                       : "special file";

    (void) error_set(err, ERR_IO, "could not listen on '%s': a %s is there", path, what);
    return error_hint(err, "Move it away, or choose another path for the socket.");
}

/* Remove what a dead daemon left; anything else at the path is somebody's. */
static bool remove_stale(const struct sockaddr_un *address, struct error *err)
{
    const char *path = address->sun_path;
    struct stat status;
    cleanup_fd int probe = -1;

    if (lstat(path, &status) < 0)
        return errno == ENOENT
                   ? true
                   : error_set_errno(err, ERR_IO, errno, "could not look at '%s'", path);
    if (!S_ISSOCK(status.st_mode))
        return fail_in_the_way(path, status.st_mode, err);
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return error_set_errno(err, ERR_IO, errno, "could not make a socket");
    if (connect(probe, (const struct sockaddr *) address, sizeof(*address)) == 0 ||
        errno == EAGAIN) {
        (void) error_set(err, ERR_IO, "could not listen on '%s': another process does", path);
        return error_hint(err, "Stop the other daemon, or choose another path for the socket.");
    }
    if (errno != ECONNREFUSED)
        return error_set_errno(err, ERR_IO, errno, "could not ask who listens on '%s'", path);
    if (unlink(path) < 0 && errno != ENOENT)
        return error_set_errno(err, ERR_IO, errno, "could not remove the stale socket '%s'", path);
    return true;
}

static bool names_somebody(const struct str_list *peers)
{
    for (size_t i = 0; i < peers->count; i++)
        if (strcmp(peers->items[i], "*") != 0)
            return true;
    return false;
}

/* With users or groups named, the kernel lets everybody connect and api/admission.c asks who it is;
 * without, owner and group of the process are enough. */
static mode_t socket_mode(const struct config *config)
{
    const struct access_lists *peers = &config->peers;

    return names_somebody(&peers->read) || names_somebody(&peers->operate) ||
                   names_somebody(&peers->destroy)
               ? 0666
               : 0660;
}

static bool bind_and_listen(int fd, const struct sockaddr_un *address, mode_t mode,
                            struct error *err)
{
    mode_t umask_before = umask(0777 & ~mode);
    int rc = bind(fd, (const struct sockaddr *) address, sizeof(*address));
    int bind_errno = errno;

    (void) umask(umask_before);
    if (rc < 0)
        return error_set_errno(err, ERR_IO, bind_errno, "could not bind '%s'", address->sun_path);
    if (listen(fd, BACKLOG) < 0)
        return error_set_errno(err, ERR_IO, errno, "could not listen on '%s'", address->sun_path);
    return true;
}

static bool path_to_address(const char *path, struct sockaddr_un *ret, struct error *err)
{
    size_t len = strlen(path);

    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (len >= sizeof(ret->sun_path)) {
        (void) error_set(err, ERR_CONFIG_INVALID,
                         "path of the socket '%s' has %zu bytes, and the kernel takes %zu", path,
                         len, sizeof(ret->sun_path) - 1);
        return error_hint(err, "Choose a shorter path, or a relative one.");
    }
    memcpy(ret->sun_path, path, len + 1);
    return true;
}

static bool ensure_default_directory(const struct config *config, const char *directory,
                                     struct error *err)
{
    return config->is_socket_default
               ? directory_ensure(directory, geteuid() == 0 ? 0755 : 0700, err)
               : true;
}

/* Takes fd over. */
static void add_own(struct sockets *sockets, int fd, const char *path)
{
    struct stat status;

    (void) snprintf(sockets_add(sockets, fd, LISTEN_UNIX)->name, sizeof(sockets->items[0].name),
                    "%s", path);
    if (lstat(path, &status) < 0)
        return;
    sockets->own_path = path;
    sockets->own_dev = status.st_dev;
    sockets->own_ino = status.st_ino;
}

static bool bind_unix(const struct config *config, struct sockets *sockets, struct error *err)
{
    struct sockaddr_un address;
    char parent[sizeof(address.sun_path)];
    const char *path = config->socket;
    cleanup_fd int directory = -1;
    cleanup_fd int fd = -1;

    if (!path_to_address(path, &address, err))
        return false;
    (void) snprintf(parent, sizeof(parent), "%.*s", (int) (path_base(path) - path), path);
    if (!ensure_default_directory(config, parent, err))
        return false;
    directory = open(parent[0] == '\0' ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return error_set_errno(err, ERR_IO, errno, "could not open the directory of '%s'", path);
    if (!directory_lock(directory, path, err) || !remove_stale(&address, err))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(err, ERR_IO, errno, "could not make a socket");
    if (!bind_and_listen(fd, &address, socket_mode(config), err))
        return false;
    add_own(sockets, fd, path);
    fd = -1;
    return true;
}

/* ---- TCP socket ---- */

static void name_tcp(int fd, char *name, size_t size)
{
    struct tcp_address address = { .len = sizeof(address.addr) };
    char host[INET6_ADDRSTRLEN] = "?";

    (void) getsockname(fd, &address.addr.any, &address.len);
    if (address.addr.any.sa_family == AF_INET6) {
        (void) inet_ntop(AF_INET6, &address.addr.v6.sin6_addr, host, sizeof(host));
        (void) snprintf(name, size, "[%s]:%u", host, ntohs(address.addr.v6.sin6_port));
        return;
    }
    (void) inet_ntop(AF_INET, &address.addr.v4.sin_addr, host, sizeof(host));
    (void) snprintf(name, size, "%s:%u", host, ntohs(address.addr.v4.sin_port));
}

static bool bind_tcp(const char *text, struct sockets *sockets, struct error *err)
{
    struct tcp_address address;
    const int on = 1;
    cleanup_fd int fd = -1;
    struct listening *listening;

    if (!tcp_address_parse(text, &address, err))
        return false;
    fd = socket(address.addr.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        (void) error_set_errno(err, ERR_IO, errno, "could not make a socket for '%s'", text);
        return error_hint(err, "Under systemd, enable the unit schemad-tcp@.socket instead.");
    }
    (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, &address.addr.any, address.len) < 0 || listen(fd, BACKLOG) < 0)
        return error_set_errno(err, ERR_IO, errno, "could not listen on '%s'", text);
    listening = sockets_add(sockets, fd, LISTEN_TCP);
    name_tcp(fd, listening->name, sizeof(listening->name));
    fd = -1;
    return true;
}

/* ---- All ---- */

static bool open_all(const struct config *config, struct sockets *sockets, struct error *err)
{
    if (!take_passed(sockets, err))
        return false;
    if (!has_kind(sockets, LISTEN_UNIX) && !bind_unix(config, sockets, err))
        return false;
    return config->tcp == NULL || has_kind(sockets, LISTEN_TCP) ||
           bind_tcp(config->tcp, sockets, err);
}

bool sockets_open(const struct config *config, struct sockets *ret, struct error *err)
{
    *ret = (struct sockets){ .count = 0 };
    if (open_all(config, ret, err))
        return true;
    sockets_close(ret);
    return false;
}

int sockets_take(struct sockets *sockets, size_t index)
{
    int fd = sockets->items[index].fd;

    sockets->items[index].fd = -1;
    return fd;
}

void sockets_close(struct sockets *sockets)
{
    struct stat status;

    for (size_t i = 0; i < sockets->count; i++)
        fd_close(&sockets->items[i].fd);
    if (sockets->own_path != NULL && lstat(sockets->own_path, &status) == 0 &&
        status.st_dev == sockets->own_dev && status.st_ino == sockets->own_ino)
        (void) unlink(sockets->own_path);
    *sockets = (struct sockets){ .count = 0 };
}
