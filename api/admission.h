/*
 * admission.h - whether a request comes in at all, decided in one place before its body is read.
 */
#pragma once

#include "api/request.h"

/*
 * Look at a request's peer, headers and target, in this order, each a function in admission.c:
 *
 *  1. framing    header names are tokens, values plain; one Host, at most one Content-Length,
 *                Content-Type and Authorization; Transfer-Encoding is "chunked" and not with
 *                Content-Length                                         ERR_REQUEST_MALFORMED
 *  2. peer       unix: user and groups are let in                       ERR_FORBIDDEN
 *  3. token      TCP: whatever changes anything needs one, and reading
 *                too if so configured                                   ERR_UNAUTHORIZED
 *  4. host       TCP: our own name                                      ERR_FORBIDDEN
 *  5. origin     not from a web page                                    ERR_FORBIDDEN
 *  6. target     uri_parse                                              ERR_REQUEST_MALFORMED
 *  7. route      path, method                                           ERR_NOT_FOUND,
 *                                                                       ERR_METHOD_NOT_ALLOWED
 *  8. parameters known by the route                                     ERR_ARGUMENT_INVALID
 *  9. body       only where one is taken, application/json, not longer
 *                than BODY_BYTES_MAX                                    ERR_REQUEST_MALFORMED,
 *                                                                       ERR_MEDIA_TYPE,
 *                                                                       ERR_BODY_TOO_LARGE
 *
 * Sets the request's uri, route, id, allow and token_name, as far as it came; and closes, when
 * what follows on the connection cannot be trusted to be a request.
 */
must_check bool admission_check(struct request *request, struct error *err);

/* Whether a TCP socket is bound to a loopback address, and the values of Host that mean it, in the
 * arena. Fails ERR_CONFIG_INVALID, ERR_IO. */
must_check bool admission_hosts(int fd, struct arena *arena, struct str_list *ret,
                                struct error *err);
