/*
 * peer.c - who is at the other end of a unix socket (unix(7): SO_PEERCRED, SO_PEERGROUPS).
 *
 * Supplementary groups are the peer process's own, asked of the kernel. The user database could
 * only say what a new login would get, and asking it can block.
 */
#include "api/peer.h"

#include "api/server.h"
#include "base/oom.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Enough for an entry with thousands of members; getgrnam_r says ERANGE for more. */
#define ENTRY_BYTES ((size_t) 256 * 1024)

static bool user_find(const char *name, char *buffer, uid_t *ret)
{
    struct passwd entry;
    struct passwd *found = NULL;
    uint64_t number = 0;

    if (str_to_u64(str_of(name), UINT32_MAX - 1, &number)) {
        *ret = (uid_t) number;
        return true;
    }
    if (getpwnam_r(name, &entry, buffer, ENTRY_BYTES, &found) != 0 || found == NULL)
        return false;
    *ret = found->pw_uid;
    return true;
}

static bool group_find(const char *name, char *buffer, gid_t *ret)
{
    struct group entry;
    struct group *found = NULL;
    uint64_t number = 0;

    if (str_to_u64(str_of(name), UINT32_MAX - 1, &number)) {
        *ret = (gid_t) number;
        return true;
    }
    if (getgrnam_r(name, &entry, buffer, ENTRY_BYTES, &found) != 0 || found == NULL)
        return false;
    *ret = found->gr_gid;
    return true;
}

/* "*", "deploy", "@deployers", "1000", "@1000". */
static bool add_name(struct peer_list *list, const char *name, char *buffer)
{
    if (strcmp(name, "*") == 0) {
        list->has_everybody = true;
        return true;
    }
    if (name[0] == '@')
        return group_find(name + 1, buffer, &list->gids[list->gid_count++]);
    return user_find(name, buffer, &list->uids[list->uid_count++]);
}

static bool resolve_list(const struct str_list *names, enum access access, struct arena *arena,
                         struct peer_list *ret, struct error *err)
{
    struct arena scratch cleanup(arena_release) = { 0 };
    char *buffer = arena_alloc(&scratch, ENTRY_BYTES);

    ret->uids = arena_array(arena, uid_t, names->count);
    ret->gids = arena_array(arena, gid_t, names->count);
    for (size_t i = 0; i < names->count; i++) {
        if (add_name(ret, names->items[i], buffer))
            continue;
        (void) error_set(err, ERR_CONFIG_INVALID, "%s '%s' of [http] %s is not known",
                         names->items[i][0] == '@' ? "group" : "user", names->items[i],
                         access_name(access));
        return error_hint(err, "Name users, groups as '@group', or '*' for whoever can connect.");
    }
    return true;
}

bool peer_rules_resolve(const struct access_lists *lists, struct arena *arena,
                        struct peer_rules *ret, struct error *err)
{
    *ret = (struct peer_rules){ 0 };
    return lists == NULL ||
           (resolve_list(&lists->read, ACCESS_READ, arena, &ret->lists[ACCESS_READ], err) &&
            resolve_list(&lists->operate, ACCESS_OPERATE, arena, &ret->lists[ACCESS_OPERATE],
                         err) &&
            resolve_list(&lists->destroy, ACCESS_DESTROY, arena, &ret->lists[ACCESS_DESTROY], err));
}

bool peer_read(int fd, struct peer *ret, struct error *err)
{
    struct ucred credentials = { 0 };
    socklen_t size = sizeof(credentials);
    int domain = 0;
    socklen_t domain_size = sizeof(domain);

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) != 0 || domain != AF_UNIX)
        return error_set(err, ERR_FORBIDDEN, "connection is not a unix socket's");
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return error_set_errno(err, ERR_FORBIDDEN, errno, "could not ask who the peer is");
    *ret = (struct peer){ .uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid };
    return true;
}

/* What the kernel knows of a peer's groups: the primary one and the others. */
struct peer_groups {
    gid_t primary;
    gid_t *others; /* heap; NULL for none */
    size_t count;
};

static void peer_groups_read(const struct peer *peer, int fd, struct peer_groups *ret)
{
    socklen_t size = 0;

    *ret = (struct peer_groups){ .primary = peer->gid };
    /* Without room the kernel answers ERANGE and says how much it needs. */
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE)
        return;
    ret->others = xmalloc(size);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, ret->others, &size) == 0)
        ret->count = size / sizeof(*ret->others);
}

static bool is_member(const struct peer_groups *groups, gid_t gid)
{
    bool is_in = groups->primary == gid;

    for (size_t i = 0; i < groups->count && !is_in; i++)
        is_in = groups->others[i] == gid;
    return is_in;
}

static bool list_has(const struct peer_list *list, uid_t uid, const struct peer_groups *groups)
{
    bool is_in = list->has_everybody;

    for (size_t i = 0; i < list->uid_count && !is_in; i++)
        is_in = list->uids[i] == uid;
    for (size_t i = 0; i < list->gid_count && !is_in; i++)
        is_in = is_member(groups, list->gids[i]);
    return is_in;
}

enum access peer_access(const struct peer_rules *rules, const struct peer *peer, int fd)
{
    struct peer_groups groups;
    unsigned access = ACCESS_DESTROY;

    if (peer->uid == 0 || peer->uid == geteuid())
        return ACCESS_DESTROY;
    peer_groups_read(peer, fd, &groups);
    while (access > ACCESS_NONE && !list_has(&rules->lists[access], peer->uid, &groups))
        access--;
    free(groups.others);
    return (enum access) access;
}

const char *peer_actor(const struct peer *peer, struct arena *arena)
{
    struct arena scratch cleanup(arena_release) = { 0 };
    char *buffer = arena_alloc(&scratch, ENTRY_BYTES);
    struct passwd entry;
    struct passwd *found = NULL;

    if (getpwuid_r(peer->uid, &entry, buffer, ENTRY_BYTES, &found) != 0 || found == NULL)
        return arena_printf(arena, "uid %u", (unsigned) peer->uid);
    return arena_printf(arena, "uid %u (%s)", (unsigned) peer->uid, found->pw_name);
}
