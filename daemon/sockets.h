/*
 * sockets.h - the listening sockets: from systemd by their names, or bound here.
 *
 * Main thread only. What was bound here is removed at the end; what came from systemd stays.
 */
#pragma once

#include "api/server.h"
#include "daemon/config.h"

#include <sys/types.h>

#define SOCKETS_MAX 8

struct listening {
    int fd; /* -1 once taken */
    enum listen_kind kind;
    char name[128]; /* for people: a path, an address, "unix from systemd" */
};

struct sockets {
    struct listening items[SOCKETS_MAX];
    size_t count;
    const char *own_path; /* of the unix socket bound here; NULL: none */
    dev_t own_dev;        /* of that socket: another one at this path is left alone */
    ino_t own_ino;
};

/*
 * Open all sockets.
 *
 * With LISTEN_FDS, sockets are taken by name ("unix", "tcp"; FileDescriptorName= of the socket
 * unit); the configured address of a kind that was passed is not used.
 *
 * ret    release with sockets_close; config must outlive it.
 * Fails  ERR_CONFIG_INVALID (path too long, unknown name, not a loopback address), ERR_IO (in use,
 *        a file in the way, no permission).
 */
must_check bool sockets_open(const struct config *config, struct sockets *ret, struct error *err);

/* The descriptor, which is the caller's from now on. */
int sockets_take(struct sockets *sockets, size_t index);

/* Close what was not taken, and remove the own unix socket. */
void sockets_close(struct sockets *sockets);
