/*
 * admission.c - whether a request comes in at all.
 *
 * libmicrohttpd 0.9.75 lets through what a proxy in front would read differently (two
 * Content-Lengths, a space before the colon, Transfer-Encoding beside Content-Length), and hands
 * out the path decoded. So the headers are looked at again here, and the target raw.
 */
#include "api/admission.h"

#include "api/routes.h"
#include "base/digest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define HTTP_PORT 80

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

/* ---- Who asks ---- */

static bool check_peer(struct admission *admission, struct error *err)
{
    const struct request *request = admission->request;

    if (request->client->is_peer_allowed)
        return true;
    (void) error_set(err, ERR_FORBIDDEN, "uid %u is not allowed to use this socket",
                     (unsigned) request->client->peer.uid);
    return error_hint(err, "Add the user to [http] users or one of its groups to [http] groups.");
}

static bool is_reading(const struct request *request)
{
    return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

/* The name of the token, or NULL. All tokens are compared, and a missing one is hashed too, so that
 * the time it takes says nothing. */
static const char *token_find(const struct server_options *options, const char *authorization)
{
    struct str value = str_trim(str_of(authorization));
    unsigned char digest[DIGEST_SIZE];
    const char *name = NULL;
    struct str token;

    token = str_trim(str_sub(value, strlen("Bearer "), value.len));
    digest_sha256(token.ptr, token.len, digest);
    for (size_t i = 0; i < options->token_count; i++) {
        if (digest_equal(digest, options->tokens[i].digest))
            name = options->tokens[i].name;
    }
    return str_is_nocase(str_sub(value, 0, strlen("Bearer ")), "Bearer ") ? name : NULL;
}

static bool check_token(struct admission *admission, struct error *err)
{
    struct request *request = admission->request;
    const struct server_options *options = request->options;

    if (request->kind != LISTEN_TCP)
        return true;
    if (is_reading(request) && !options->tcp_read_needs_token &&
        admission->headers.values[HEADER_AUTHORIZATION] == NULL)
        return true;
    request->token_name = token_find(options, admission->headers.values[HEADER_AUTHORIZATION]);
    if (request->token_name != NULL)
        return true;
    (void) error_set(err, ERR_UNAUTHORIZED, "token is missing or wrong");
    return error_hint(err, "Send 'Authorization: Bearer TOKEN', or use the unix socket.");
}

/* A page whose name resolves to 127.0.0.1 is same-origin to itself; its name gives it away
 * (DNS rebinding). */
static bool check_host(struct admission *admission, struct error *err)
{
    const struct request *request = admission->request;
    struct str host = str_of(admission->headers.values[HEADER_HOST]);

    if (request->kind != LISTEN_TCP)
        return true;
    for (size_t i = 0; i < request->hosts->count; i++) {
        if (str_is_nocase(host, request->hosts->items[i]))
            return true;
    }
    return error_set(err, ERR_FORBIDDEN, "host '%.100s' is not this daemon",
                     admission->headers.values[HEADER_HOST]);
}

static bool check_origin(struct admission *admission, struct error *err)
{
    const char *site = admission->headers.values[HEADER_SEC_FETCH_SITE];

    if (admission->headers.values[HEADER_ORIGIN] != NULL)
        return error_set(err, ERR_FORBIDDEN, "requests from web pages are refused");
    if (site != NULL && strcmp(site, "none") != 0 && strcmp(site, "same-origin") != 0)
        return error_set(err, ERR_FORBIDDEN, "requests from other sites are refused");
    return true;
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
        check_framing, check_peer,  check_token,  check_host, check_origin,
        check_target,  check_route, check_params, check_body,
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
