/*
 * uri.h - a request target, taken apart: path segments and query parameters, decoded exactly once.
 *
 * Stricter than RFC 3986 on purpose: what two parsers could read differently is refused. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define URI_SEGMENTS_MAX 4 /* more than any route has */
#define URI_PARAMS_MAX   32

struct uri_param {
    const char *name;
    const char *value; /* "" when there is none */
};

/* Plain value; points into the target it was parsed from. */
struct uri {
    const char *segments[URI_SEGMENTS_MAX]; /* "/jobs/7" has two; "/" has one that is empty */
    size_t segment_count;
    struct uri_param *params; /* in the order they stand, NULL when there is none */
    size_t param_count;
};

/*
 * Take a request target apart.
 *
 * text   the raw target; it is cut and decoded in place, and must outlive *ret.
 * arena  for the parameters; untouched when there are none.
 *
 * A '+' is a plus sign, not a space: targets like +2 are written with it, and forms are not taken.
 *
 * Fails ERR_REQUEST_MALFORMED: not in origin form ("/..."), a character outside unreserved and
 *       "/?=&%:@,+", a broken escape, an encoded NUL, control character, '/' or '\', "." or ".." as
 *       a segment, text that is not UTF-8, more than URI_SEGMENTS_MAX or URI_PARAMS_MAX.
 * Thread: any.
 */
must_check bool uri_parse(char *text, struct arena *arena, struct uri *ret, struct error *err);

/* The value of the parameter with this name; NULL when there is none. The first, if twice. */
const char *uri_param_find(const struct uri *uri, const char *name);

/* Text as the value of a query parameter, as uri_parse() reads it back; in the arena. Any
 * thread. */
const char *uri_encode(const char *text, struct arena *arena);
