/*
 * routes.h - every route of the HTTP interface, in one table; openapi.yaml is compared with it.
 */
#pragma once

#include "api/request.h"

struct route {
    const char *method;
    const char *path; /* "/jobs/{id}": at most one variable segment */
    const char *operation_id;
    operation run;
    const char *params; /* names of the query parameters it takes, separated by spaces */
    enum access access; /* what a client must be allowed */
    bool changes;       /* changes something: POST and DELETE */
    bool takes_body;    /* a JSON object with members of the same names as `params` */
};

/* All routes, sorted by path, then method. Static. */
const struct route *routes(size_t *ret_count);

struct route_match {
    const struct route *route;
    const char *id;    /* the variable segment, or NULL */
    const char *allow; /* when the method was not one of the path's: the value of Allow */
};

/*
 * Find the route of a request; HEAD is allowed where GET is.
 *
 * ret     in the arena; filled as far as known on failure too.
 * Fails   ERR_NOT_FOUND, ERR_METHOD_NOT_ALLOWED.
 * Thread  any.
 */
must_check bool route_find(const char *method, const struct uri *uri, struct arena *arena,
                           struct route_match *ret, struct error *err);

/* Whether a route takes a query parameter of this name. Any thread. */
bool route_has_param(const struct route *route, const char *name);
