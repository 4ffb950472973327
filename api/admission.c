/*
 * admission.c - whether a request comes in at all.
 *
 * libmicrohttpd 0.9.75 lets through what a proxy in front would read differently (two
 * Content-Lengths, a space before the colon, Transfer-Encoding beside Content-Length), and hands
 * out the path decoded. So the headers are looked at again here, and the target raw.
 */
#include "api/admission.h"

#include "api/routes.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define HTTP_PORT 80

/* As much of a method or a path as a journal keeps. */
#define METHOD_BYTES_MAX 16
#define PATH_BYTES_MAX   200

/* The headers that admission asks about. */
enum header {
    HEADER_HOST,
    HEADER_CONTENT_LENGTH,
    HEADER_CONTENT_TYPE,
    HEADER_AUTHORIZATION,
    HEADER_TRANSFER_ENCODING,
    HEADER_EXPECT,
    HEADER_SEC_FETCH_SITE,
    HEADER_ORIGIN,
};

static const char *const header_names[] = {
    [HEADER_HOST] = "Host",
    [HEADER_CONTENT_LENGTH] = "Content-Length",
    [HEADER_CONTENT_TYPE] = "Content-Type",
    [HEADER_AUTHORIZATION] = "Authorization",
    [HEADER_TRANSFER_ENCODING] = "Transfer-Encoding",
    [HEADER_EXPECT] = "Expect",
    [HEADER_SEC_FETCH_SITE] = "Sec-Fetch-Site",
    [HEADER_ORIGIN] = "Origin",
};

struct headers {
    const char *values[ARRAY_SIZE(header_names)]; /* NULL: absent */
    const char *repeated;                         /* one that came twice and must not */
    const char *odd;                              /* what is wrong with a header, or NULL */
};

struct admission {
    struct request *request;
    struct headers headers;
};

/* ---- Headers ---- */

/* RFC 9110 section 5.6.2. */
static bool is_token(const char *text)
{
    static const char others[] = "-!#$%&'*+.^_`|~";
    const char *c = text;

    while ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
           (*c != '\0' && strchr(others, *c) != NULL))
        c++;
    return *c == '\0' && c > text;
}

static bool is_field_value(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char) *text;

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static void keep_value(struct headers *headers, enum header header, const char *value)
{
    /* Every Origin is refused, however many there are. */
    if (headers->values[header] != NULL && header != HEADER_ORIGIN)
        headers->repeated = header_names[header];
    headers->values[header] = value;
}

static enum MHD_Result note_header(void *data, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct headers *headers = data;

    (void) kind;
    if (!is_token(name))
        headers->odd = "a header's name is not a token";
    if (value == NULL)
        return MHD_YES;
    if (!is_field_value(value))
        headers->odd = "a header's value holds a control character";
    for (size_t i = 0; i < ARRAY_SIZE(header_names); i++) {
        /* The first letters differ mostly, and comparing them is cheap. */
        if ((name[0] ^ header_names[i][0]) % 0x20 == 0 && strcasecmp(name, header_names[i]) == 0)
            keep_value(headers, (enum header) i, value);
    }
    return MHD_YES;
}

static bool is_well_framed(const struct headers *headers, struct error *err)
{
    if (headers->odd != NULL)
        return error_set(err, ERR_REQUEST_MALFORMED, "%s", headers->odd);
    if (headers->repeated != NULL)
        return error_set(err, ERR_REQUEST_MALFORMED, "header %s comes twice", headers->repeated);
    if (headers->values[HEADER_HOST] == NULL)
        return error_set(err, ERR_REQUEST_MALFORMED, "header Host is missing");
    if (headers->values[HEADER_TRANSFER_ENCODING] != NULL &&
        headers->values[HEADER_CONTENT_LENGTH] != NULL)
        return error_set(err, ERR_REQUEST_MALFORMED,
                         "headers Transfer-Encoding and Content-Length come together");
    if (headers->values[HEADER_TRANSFER_ENCODING] != NULL &&
        !str_is_nocase(str_of(headers->values[HEADER_TRANSFER_ENCODING]), "chunked"))
        return error_set(err, ERR_REQUEST_MALFORMED, "Transfer-Encoding must be 'chunked'");
    return true;
}

static bool announces_body(const struct headers *headers)
{
    return headers->values[HEADER_TRANSFER_ENCODING] != NULL ||
           (headers->values[HEADER_CONTENT_LENGTH] != NULL &&
            !str_is(str_trim(str_of(headers->values[HEADER_CONTENT_LENGTH])), "0"));
}

static bool check_framing(struct admission *admission, struct error *err)
{
    struct request *request = admission->request;

    (void) MHD_get_connection_values(request->connection, MHD_HEADER_KIND, note_header,
                                     &admission->headers);
    request->has_body = announces_body(&admission->headers);
    if (is_well_framed(&admission->headers, err))
        return true;
    request->closes = true;
    return false;
}

/* ---- Refusing ---- */

/* The beginning of a text from outside, fit for a journal and a terminal. */
static const char *printable(struct str text, size_t bytes_max, struct arena *arena)
{
    struct str kept = str_sub(text, 0, bytes_max);
    char *copy = arena_strndup(arena, kept.ptr, kept.len);

    for (size_t i = 0; i < kept.len; i++)
        copy[i] = copy[i] > 0x20 && copy[i] < 0x7f ? copy[i] : '?';
    return copy;
}

/* Note a refusal that is about who asks, or from where, and not about what; `err` says why. Whoever
 * fails too often is told that instead. */
static bool deny(struct request *request, enum refusal refusal, struct error *err)
{
    struct str target = str_of(request->target);
    const struct denial denial = {
        .actor = request_actor(request),
        .method = printable(str_of(request->method), METHOD_BYTES_MAX, &request->arena),
        .path = printable(str_sub(target, 0, str_find_char(target, '?', 0)), PATH_BYTES_MAX,
                          &request->arena),
    };
    struct refusal_verdict verdict =
        refusals_note(request->refusals, refusal, denial, clock_monotonic_us());

    request->is_muted = !verdict.is_logged;
    if (!verdict.is_limited)
        return false;
    error_clear(err);
    (void) error_set(err, ERR_TOO_MANY_FAILURES, "too many requests were refused just now");
    return error_hint(err, "Wait, and send what is allowed: a right token is never told this.");
}

/* ---- Who asks ---- */

static bool check_peer(struct admission *admission, struct error *err)
{
    struct request *request = admission->request;

    request->access = request->client->access;
    if (request->kind == LISTEN_TCP || request->access > ACCESS_NONE)
        return true;
    (void) error_set(err, ERR_FORBIDDEN, "uid %u is not allowed to use this socket",
                     (unsigned) request->client->peer.uid);
    (void) error_hint(err, "Add the user, or '@' and one of its groups, to [http] read, operate or "
                           "destroy in schemad.conf.");
    return deny(request, REFUSED_PEER, err);
}

static bool is_reading(const struct request *request)
{
    return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

/* Whether the header holds a secret that is a token's; then the request is that token's. */
static bool has_token(struct request *request, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    struct str value = str_trim(str_of(authorization));
    struct str secret = str_trim(str_sub(value, strlen(scheme), value.len));
    char name[TOKEN_NAME_MAX + 1];
    enum access access = ACCESS_NONE;

    /* Looked for whatever the scheme is: the time it takes says nothing. */
    if (!token_set_find(request->tokens, secret, name, &access) ||
        !str_is_nocase(str_sub(value, 0, strlen(scheme)), scheme))
        return false;
    request->token_name = arena_strdup(&request->arena, name);
    request->access = access;
    return true;
}

/* The same for a missing and for a wrong one. */
static bool deny_token(struct request *request, struct error *err)
{
    (void) error_set(err, ERR_UNAUTHORIZED, "token is missing or wrong");
    (void) error_hint(err, "Send 'Authorization: Bearer TOKEN', or use the unix socket.");
    return deny(request, REFUSED_TOKEN, err);
}

/* A unix socket's peer is known already: what it sends for a token is not looked at. */
static bool check_token(struct admission *admission, struct error *err)
{
    struct request *request = admission->request;
    const char *authorization = admission->headers.values[HEADER_AUTHORIZATION];

    if (request->kind != LISTEN_TCP)
        return true;
    if (authorization == NULL && request->options->tcp_reads_openly && is_reading(request)) {
        request->access = ACCESS_READ;
        return true;
    }
    return has_token(request, authorization) || deny_token(request, err);
}

/* A page whose name resolves to 127.0.0.1 is same-origin to itself; its name gives it away
 * (DNS rebinding). */
static bool check_host(struct admission *admission, struct error *err)
{
    struct request *request = admission->request;
    struct str host = str_of(admission->headers.values[HEADER_HOST]);

    if (request->kind != LISTEN_TCP)
        return true;
    for (size_t i = 0; i < request->hosts->count; i++) {
        if (str_is_nocase(host, request->hosts->items[i]))
            return true;
    }
    (void) error_set(err, ERR_FORBIDDEN, "host '%.100s' is not this daemon",
                     admission->headers.values[HEADER_HOST]);
    return deny(request, REFUSED_HOST, err);
}

static bool check_origin(struct admission *admission, struct error *err)
{
    const char *site = admission->headers.values[HEADER_SEC_FETCH_SITE];

    if (admission->headers.values[HEADER_ORIGIN] != NULL)
        (void) error_set(err, ERR_FORBIDDEN, "requests from web pages are refused");
    else if (site != NULL && strcmp(site, "none") != 0 && strcmp(site, "same-origin") != 0)
        (void) error_set(err, ERR_FORBIDDEN, "requests from other sites are refused");
    else
        return true;
    return deny(admission->request, REFUSED_ORIGIN, err);
}

/* ---- What is asked ---- */

static bool check_target(struct admission *admission, struct error *err)
{
    struct request *request = admission->request;

    if (uri_parse(request->path, &request->arena, &request->uri, err))
        return true;
    request->closes = true;
    return false;
}

static bool check_route(struct admission *admission, struct error *err)
{
    struct request *request = admission->request;
    struct route_match match;
    bool is_found = route_find(request->method, &request->uri, &request->arena, &match, err);

    request->route = match.route;
    request->id = match.id;
    request->allow = match.allow;
    return is_found;
}

/* What the client may do against what the route needs. Nobody knows who reads without a token, so
 * that one is asked for it. */
static bool check_access(struct admission *admission, struct error *err)
{
    struct request *request = admission->request;
    const struct route *route = request->route;
    const char *needed = access_name(route->access);

    if (request->access >= route->access)
        return true;
    if (request->kind == LISTEN_TCP && request->token_name == NULL)
        return deny_token(request, err);
    (void) error_set(err, ERR_FORBIDDEN, "%s %s needs access '%s', and %s has '%s'", route->method,
                     route->path, needed, request_actor(request), access_name(request->access));
    if (request->kind == LISTEN_TCP)
        (void) error_hint(err, "Use a token made with: schemadctl token create NAME --access %s",
                          needed);
    else
        (void) error_hint(err,
                          "Add the user, or '@' and one of its groups, to [http] %s in "
                          "schemad.conf.",
                          needed);
    return deny(request, REFUSED_ACCESS, err);
}

static bool check_params(struct admission *admission, struct error *err)
{
    const struct request *request = admission->request;
    const struct route *route = request->route;

    for (size_t i = 0; i < request->uri.param_count; i++) {
        if (route_has_param(route, request->uri.params[i].name))
            continue;
        (void) error_set(err, ERR_ARGUMENT_INVALID, "%s %s does not take an argument '%.64s'",
                         route->method, route->path, request->uri.params[i].name);
        if (route->params[0] == '\0')
            return false;
        return error_hint(err, "It takes these: %s.", route->params);
    }
    return true;
}

static bool is_json(const char *content_type)
{
    struct str type = str_of(content_type);

    return str_is_nocase(str_trim(str_sub(type, 0, str_find_char(type, ';', 0))), CONTENT_JSON);
}

static bool check_body(struct admission *admission, struct error *err)
{
    const struct request *request = admission->request;
    const struct headers *headers = &admission->headers;
    uint64_t length = 0;

    if (!request->has_body)
        return true;
    if (!request->route->takes_body)
        return error_set(err, ERR_REQUEST_MALFORMED, "%s %s does not take a body",
                         request->route->method, request->route->path);
    if (!is_json(headers->values[HEADER_CONTENT_TYPE]))
        return error_set(err, ERR_MEDIA_TYPE, "body must be of type application/json");
    if (headers->values[HEADER_CONTENT_LENGTH] != NULL &&
        !str_to_u64(str_trim(str_of(headers->values[HEADER_CONTENT_LENGTH])), BODY_BYTES_MAX,
                    &length))
        return error_set(err, ERR_BODY_TOO_LARGE, "body is larger than %zu bytes", BODY_BYTES_MAX);
    return true;
}

/* Whether the body of a refused request is read and dropped before the answer. Closing on a client
 * that still writes can take the answer from it, so what is short is read; a client that asks first
 * (Expect: 100-continue) need not send it at all. */
static bool is_worth_reading(const struct headers *headers)
{
    const char *length = headers->values[HEADER_CONTENT_LENGTH];
    uint64_t bytes = 0;

    return headers->values[HEADER_EXPECT] == NULL && length != NULL &&
           str_to_u64(str_trim(str_of(length)), BODY_BYTES_MAX, &bytes);
}

bool admission_check(struct request *request, struct error *err)
{
    static bool (*const checks[])(struct admission *, struct error *) = {
        check_framing, check_peer,  check_token,  check_host,   check_origin,
        check_target,  check_route, check_access, check_params, check_body,
    };
    struct admission admission = { .request = request };

    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        if (checks[i](&admission, err))
            continue;
        /* Left unread, a body would be taken for the next request. */
        request->closes =
            request->closes || (request->has_body && !is_worth_reading(&admission.headers));
        return false;
    }
    return true;
}

/* ---- Our own name ---- */

static bool is_loopback(const struct sockaddr_storage *address)
{
    const struct sockaddr_in *v4 = (const void *) address;
    const struct sockaddr_in6 *v6 = (const void *) address;

    if (address->ss_family == AF_INET)
        return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static const char *own_address(const struct sockaddr_storage *address, struct arena *arena)
{
    const struct sockaddr_in *v4 = (const void *) address;
    char text[INET_ADDRSTRLEN];

    if (address->ss_family == AF_INET6)
        return "[::1]";
    (void) inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    return arena_strdup(arena, text);
}

bool admission_hosts(int fd, struct arena *arena, struct str_list *ret, struct error *err)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof(address);
    const struct sockaddr_in *v4 = (const void *) &address;
    const struct sockaddr_in6 *v6 = (const void *) &address;
    unsigned port = 0;

    if (getsockname(fd, (struct sockaddr *) &address, &size) != 0)
        return error_set_errno(err, ERR_IO, errno, "could not ask for the address of a socket");
    if (!is_loopback(&address))
        return error_set(err, ERR_CONFIG_INVALID, "TCP socket is not on a loopback address");
    port = ntohs(address.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
    const char *const names[] = { own_address(&address, arena), "127.0.0.1", "[::1]", "localhost" };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        str_list_add(ret, arena, arena_printf(arena, "%s:%u", names[i], port));
        if (port == HTTP_PORT)
            str_list_add(ret, arena, names[i]);
    }
    return true;
}
