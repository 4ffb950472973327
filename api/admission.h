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
 *  2. peer       unix: user or a group is in one of the classes        ERR_FORBIDDEN
 *  3. token      TCP: a right one; reading needs none where that is
 *                configured, but a wrong one is wrong there too         ERR_UNAUTHORIZED
 *  4. host       TCP: our own name                                      ERR_FORBIDDEN
 *  5. origin     not from a web page                                    ERR_FORBIDDEN
 *  6. target     uri_parse                                              ERR_REQUEST_MALFORMED
 *  7. route      path, method                                           ERR_NOT_FOUND,
 *                                                                       ERR_METHOD_NOT_ALLOWED
 *  8. access     the client's class includes the route's                ERR_FORBIDDEN,
 *                (no token, where reading needs none)                   ERR_UNAUTHORIZED
 *  9. parameters known by the route                                     ERR_ARGUMENT_INVALID
 * 10. body       only where one is taken, application/json, not longer
 *                than BODY_BYTES_MAX                                    ERR_REQUEST_MALFORMED,
 *                                                                       ERR_MEDIA_TYPE,
 *                                                                       ERR_BODY_TOO_LARGE
 *
 * Refusals by 2, 3, 4, 5 and 8 are noted (api/refusals.h); those by 2 and 3 become
 * ERR_TOO_MANY_FAILURES when there are too many.
 *
 * Sets the request's access, token_name, uri, route, id and allow, as far as it came; closes, when
 * what follows on the connection cannot be trusted to be a request; and is_muted.
 */
must_check bool admission_check(struct request *request, struct error *err);

/* Whether a TCP socket is bound to a loopback address, and the values of Host that mean it, in the
 * arena. Fails ERR_CONFIG_INVALID, ERR_IO. */
must_check bool admission_hosts(int fd, struct arena *arena, struct str_list *ret,
                                struct error *err);
