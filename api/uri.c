/*
 * uri.c - a request target, taken apart: checked raw, cut, then decoded in place, once.
 *
 * libmicrohttpd decodes %2f to '/' and cuts at %00 before a handler sees the path, so this reads
 * the raw target instead.
 */
#include "api/uri.h"

#include "base/str.h"

#include <string.h>

static bool is_allowed(unsigned char c)
{
    static const char others[] = "-._~/?=&%:@,+";

    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr(others, c) != NULL);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A decoded byte that would mean something else than it did encoded, or nothing at all. */
static bool is_treacherous(unsigned char c, bool is_path)
{
    return c < 0x20 || c == 0x7f || (is_path && (c == '/' || c == '\\'));
}

static bool decode(char *text, bool is_path, struct error *err)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        int high = 0;
        int low = 0;

        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        high = hex_value(from[1]);
        low = high >= 0 ? hex_value(from[2]) : -1;
        if (low < 0)
            return error_set(err, ERR_REQUEST_MALFORMED,
                             "'%%' in the request target is not followed by two digits");
        if (is_treacherous((unsigned char) (high * 16 + low), is_path))
            return error_set(err, ERR_REQUEST_MALFORMED,
                             "request target holds an encoded character that is not allowed, "
                             "%%%x%x",
                             (unsigned) high, (unsigned) low);
        *to++ = (char) (high * 16 + low);
        from += 2;
    }
    *to = '\0';
    if (!str_is_utf8(str_of(text)))
        return error_set(err, ERR_REQUEST_MALFORMED, "request target is not UTF-8");
    return true;
}

static bool add_segment(struct uri *uri, char *segment, struct error *err)
{
    if (uri->segment_count == URI_SEGMENTS_MAX)
        return error_set(err, ERR_REQUEST_MALFORMED, "path has more than %d segments",
                         URI_SEGMENTS_MAX);
    if (!decode(segment, true, err))
        return false;
    if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
        return error_set(err, ERR_REQUEST_MALFORMED, "path holds the segment '%s'", segment);
    uri->segments[uri->segment_count++] = segment;
    return true;
}

static bool cut_path(struct uri *uri, char *path, struct error *err)
{
    for (char *rest = path + 1; rest != NULL;) {
        char *segment = rest;
        char *slash = strchr(rest, '/');

        rest = slash != NULL ? slash + 1 : NULL;
        if (slash != NULL)
            *slash = '\0';
        if (!add_segment(uri, segment, err))
            return false;
    }
    return true;
}

static bool add_param(struct uri *uri, char *text, struct error *err)
{
    char *equals = strchr(text, '=');
    char *value = equals != NULL ? equals + 1 : text + strlen(text);

    if (equals != NULL)
        *equals = '\0';
    if (uri->param_count == URI_PARAMS_MAX)
        return error_set(err, ERR_REQUEST_MALFORMED, "query has more than %d parameters",
                         URI_PARAMS_MAX);
    if (!decode(text, false, err) || !decode(value, false, err))
        return false;
    uri->params[uri->param_count++] = (struct uri_param){ .name = text, .value = value };
    return true;
}

static bool cut_query(struct uri *uri, char *query, struct arena *arena, struct error *err)
{
    uri->params = arena_array(arena, struct uri_param, URI_PARAMS_MAX);
    for (char *rest = query; rest != NULL;) {
        char *param = rest;
        char *ampersand = strchr(rest, '&');

        rest = ampersand != NULL ? ampersand + 1 : NULL;
        if (ampersand != NULL)
            *ampersand = '\0';
        if (*param != '\0' && !add_param(uri, param, err))
            return false;
    }
    return true;
}

bool uri_parse(char *text, struct arena *arena, struct uri *ret, struct error *err)
{
    char *query = NULL;

    *ret = (struct uri){ 0 };
    if (text[0] != '/')
        return error_set(err, ERR_REQUEST_MALFORMED, "request target does not begin with '/'");
    for (const char *c = text; *c != '\0'; c++) {
        if (!is_allowed((unsigned char) *c))
            return error_set(err, ERR_REQUEST_MALFORMED,
                             "request target holds a character that must be encoded, 0x%02x",
                             (unsigned) (unsigned char) *c);
    }
    query = strchr(text, '?');
    if (query != NULL) {
        *query++ = '\0';
        if (!cut_query(ret, query, arena, err))
            return false;
    }
    return cut_path(ret, text, err);
}

const char *uri_param_find(const struct uri *uri, const char *name)
{
    for (size_t i = 0; i < uri->param_count; i++) {
        if (strcmp(uri->params[i].name, name) == 0)
            return uri->params[i].value;
    }
    return NULL;
}

const char *uri_encode(const char *text, struct arena *arena)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = arena_alloc(arena, 3 * strlen(text) + 1);
    char *to = encoded;

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char) *text;

        if (is_allowed(c) && strchr("?&=%+", c) == NULL) {
            *to++ = (char) c;
            continue;
        }
        *to++ = '%';
        *to++ = digits[c >> 4];
        *to++ = digits[c & 0xf];
    }
    return encoded;
}
