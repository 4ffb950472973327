/*
 * peer.h - who is at the other end of a unix socket, as the kernel says it, and whether they may
 * come in.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <sys/types.h>

/* Users and groups as numbers. Plain value. */
struct peer_rules {
    uid_t *uids;
    size_t uid_count;
    gid_t *gids;
    size_t gid_count;
};

struct peer {
    uid_t uid;
    gid_t gid;
    pid_t pid; /* for logs only: it can be another process by now */
};

/*
 * Turn names (or numbers) of users and groups into rules; root and our own user are always among
 * them.
 *
 * users, groups  may be NULL.
 * ret            in the arena.
 * Fails          ERR_CONFIG_INVALID for a name that nobody has.
 * Thread         any; asks the user database, which can be slow.
 */
must_check bool peer_rules_resolve(const struct str_list *users, const struct str_list *groups,
                                   struct arena *arena, struct peer_rules *ret, struct error *err);

/* The peer of a connected unix socket. Fails ERR_FORBIDDEN: not a unix socket (SO_PEERCRED succeeds
 * on others too, and says nothing), or the kernel does not know. Any thread. */
must_check bool peer_read(int fd, struct peer *ret, struct error *err);

/* Whether the rules let this peer of socket `fd` in: by user, by group, or by a supplementary group
 * it had when it connected (SO_PEERGROUPS). Never asks the user database. Any thread. */
bool peer_is_allowed(const struct peer_rules *rules, const struct peer *peer, int fd);

/* "uid 1000 (deploy)", in the arena. Asks the user database. Any thread. */
const char *peer_actor(const struct peer *peer, struct arena *arena);
