/*
 * address.h - "127.0.0.1:8420" as a socket address. Loopback only: whoever can reach the port can
 * read, and nothing here speaks TLS.
 */
#pragma once

#include "base/error.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* Plain value. */
struct tcp_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } addr;
    socklen_t len;
};

/*
 * Parse HOST:PORT.
 *
 * text  the host is in 127.0.0.0/8, ::1 (in brackets) or "localhost"; with port 0 the kernel
 *       chooses.
 * Fails ERR_CONFIG_INVALID.
 */
must_check bool tcp_address_parse(const char *text, struct tcp_address *ret, struct error *err);

/* Whether nobody but this machine can reach it. False for other families. */
bool tcp_address_is_loopback(const struct sockaddr *address);
