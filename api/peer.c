/*
 * peer.c - who is at the other end of a unix socket (unix(7): SO_PEERCRED, SO_PEERGROUPS).
 *
 * Supplementary groups are the peer process's own, asked of the kernel. The user database could
 * only say what a new login would get, and asking it can block.
 */
#include "api/peer.h"

#include "base/oom.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
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

bool peer_rules_resolve(const struct str_list *users, const struct str_list *groups,
                        struct arena *arena, struct peer_rules *ret, struct error *err)
{
    size_t user_count = users != NULL ? users->count : 0;
    size_t group_count = groups != NULL ? groups->count : 0;
    char *buffer = arena_alloc(arena, ENTRY_BYTES);

    ret->uids = arena_array(arena, uid_t, user_count + 2);
    ret->gids = arena_array(arena, gid_t, group_count);
    ret->uids[0] = 0;
    ret->uids[1] = geteuid();
    ret->uid_count = 2;
    ret->gid_count = 0;
    for (size_t i = 0; i < user_count; i++) {
        if (!user_find(users->items[i], buffer, &ret->uids[ret->uid_count++]))
            return error_set(err, ERR_CONFIG_INVALID, "user '%s' is not known", users->items[i]);
    }
    for (size_t i = 0; i < group_count; i++) {
        if (!group_find(groups->items[i], buffer, &ret->gids[ret->gid_count++]))
            return error_set(err, ERR_CONFIG_INVALID, "group '%s' is not known", groups->items[i]);
    }
    return true;
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

static bool gid_is_allowed(const struct peer_rules *rules, gid_t gid)
{
    for (size_t i = 0; i < rules->gid_count; i++) {
        if (rules->gids[i] == gid)
            return true;
    }
    return false;
}

static bool groups_are_allowed(const struct peer_rules *rules, int fd)
{
    socklen_t size = 0;
    gid_t *groups = NULL;
    bool is_allowed = false;

    /* Without room the kernel answers ERANGE and says how much it needs. */
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE)
        return false;
    groups = xmalloc(size);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0) {
        for (size_t i = 0; i < size / sizeof(*groups) && !is_allowed; i++)
            is_allowed = gid_is_allowed(rules, groups[i]);
    }
    free(groups);
    return is_allowed;
}

bool peer_is_allowed(const struct peer_rules *rules, const struct peer *peer, int fd)
{
    for (size_t i = 0; i < rules->uid_count; i++) {
        if (rules->uids[i] == peer->uid)
            return true;
    }
    if (rules->gid_count == 0)
        return false;
    return gid_is_allowed(rules, peer->gid) || groups_are_allowed(rules, fd);
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
