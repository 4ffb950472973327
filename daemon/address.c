/*
 * address.c - parsing loopback addresses without asking a name server.
 */
#include "daemon/address.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define HOST_BYTES_MAX 64

bool tcp_address_is_loopback(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    }
    return false;
}

/* The host's bytes into ret->addr; false when it is not an address. */
static bool set_host(struct str host, struct tcp_address *ret)
{
    char text[HOST_BYTES_MAX];
    bool is_v6 = host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';

    if (is_v6)
        host = str_sub(host, 1, host.len - 1);
    if (host.len == 0 || host.len >= sizeof(text))
        return false;
    (void) snprintf(text, sizeof(text), STR_FORMAT, STR_ARGS(host));
    if (is_v6) {
        ret->addr.v6.sin6_family = AF_INET6;
        ret->len = sizeof(ret->addr.v6);
        return inet_pton(AF_INET6, text, &ret->addr.v6.sin6_addr) == 1;
    }
    ret->addr.v4.sin_family = AF_INET;
    ret->len = sizeof(ret->addr.v4);
    return inet_pton(AF_INET, strcmp(text, "localhost") == 0 ? "127.0.0.1" : text,
                     &ret->addr.v4.sin_addr) == 1;
}

static bool fail_syntax(const char *text, struct error *err)
{
    (void) error_set(err, ERR_CONFIG_INVALID, "'%s' is not an address with a port", text);
    return error_hint(err, "Write 127.0.0.1:8420, [::1]:8420 or localhost:8420.");
}

bool tcp_address_parse(const char *text, struct tcp_address *ret, struct error *err)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;

    *ret = (struct tcp_address){ .len = 0 };
    if (colon == NULL || !set_host((struct str){ text, (size_t) (colon - text) }, ret) ||
        !str_to_u64(str_of(colon + 1), UINT16_MAX, &port))
        return fail_syntax(text, err);
    if (!tcp_address_is_loopback(&ret->addr.any)) {
        (void) error_set(err, ERR_CONFIG_INVALID, "'%s' is not a loopback address", text);
        return error_hint(err, "Listen on 127.0.0.1 and put a proxy with TLS in front.");
    }
    if (ret->addr.any.sa_family == AF_INET6)
        ret->addr.v6.sin6_port = htons((uint16_t) port);
    else
        ret->addr.v4.sin_port = htons((uint16_t) port);
    return true;
}
