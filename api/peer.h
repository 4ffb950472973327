/*
 * peer.h - who is at the other end of a unix socket, as the kernel says it, and what they may
 * do.
 */
#pragma once

#include "api/access.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <sys/types.h>

struct access_lists;

/* Users and groups as numbers. Plain value. */
struct peer_list {
    uid_t *uids;
    size_t uid_count;
    gid_t *gids;
    size_t gid_count;
    bool has_everybody;
};

/* Who belongs to each class by name; index is enum access, ACCESS_NONE's is unused. */
struct peer_rules {
    struct peer_list lists[ACCESS_DESTROY + 1];
};

struct peer {
    uid_t uid;
    gid_t gid;
    pid_t pid; /* for logs only: it can be another process by now */
};

/*
 * Turn names (or numbers) of users and groups into rules.
 *
 * lists   NULL: nobody but those who may do everything anyway.
 * ret     in the arena.
 * Fails   ERR_CONFIG_INVALID for a name that nobody has, naming the setting.
 * Thread  any; asks the user database, which can be slow.
 */
must_check bool peer_rules_resolve(const struct access_lists *lists, struct arena *arena,
                                   struct peer_rules *ret, struct error *err);

/* The peer of a connected unix socket. Fails ERR_FORBIDDEN: not a unix socket (SO_PEERCRED succeeds
 * on others too, and says nothing), or the kernel does not know. Any thread. */
must_check bool peer_read(int fd, struct peer *ret, struct error *err);

/* What the peer of socket `fd` may do: everything as root or as our own user, else the highest
 * class that has it by user, by group, or by a supplementary group it had when it connected
 * (SO_PEERGROUPS); ACCESS_NONE: nothing. Never asks the user database. Any thread. */
enum access peer_access(const struct peer_rules *rules, const struct peer *peer, int fd);

/* "uid 1000 (deploy)", in the arena. Asks the user database. Any thread. */
const char *peer_actor(const struct peer *peer, struct arena *arena);
