/*
 * http.c - libcurl's easy interface, wrapped.
 */
#include "cli/http.h"

#include "api/json_text.h"
#include "base/oom.h"
#include "base/str.h"
#include "cli/json_read.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>

#define ANSWER_BYTES_MAX   ((size_t) 256 * 1024 * 1024)
#define CONNECT_TIMEOUT_MS 5000L
#define ANSWER_TIMEOUT_MS  60000L
#define SOCKET_PATH_MAX    107 /* sun_path without its NUL, unix(7) */

struct http {
    CURL *curl;
    const struct http_options *options;
    char *authorization; /* NULL: none */
    struct strbuf answer;
    char words[CURL_ERROR_SIZE];
};

static void free_headers(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
}

static void free_text(char **text)
{
    free(*text);
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *data)
{
    struct http *http = data;

    strbuf_add(&http->answer, bytes, size * count);
    return http->answer.is_overflowed ? 0 : size * count;
}

/* Options that a wrong value can refuse are checked before; what remains is out of memory. */
static bool configure(struct http *http)
{
    CURL *curl = http->curl;

    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ANSWER_TIMEOUT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->words) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, http) == CURLE_OK &&
           (http->options->socket == NULL ||
            curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, http->options->socket) == CURLE_OK);
}

static bool check_options(const struct http_options *options, struct error *err)
{
    assert((options->socket == NULL) != (options->url == NULL));
    if (options->socket != NULL && strlen(options->socket) > SOCKET_PATH_MAX)
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "socket path \"%s\" is longer than the %d bytes that the kernel allows",
                         options->socket, SOCKET_PATH_MAX);
    if (options->url != NULL && !str_starts_with(str_of(options->url), "http://")) {
        error_set(err, ERR_ARGUMENT_INVALID, "url \"%s\" is not http://HOST:PORT", options->url);
        return error_hint(err, "A daemon listens on loopback only, for example at "
                               "http://127.0.0.1:8420.");
    }
    return true;
}

bool http_open(const struct http_options *options, struct http **ret_http, struct error *err)
{
    struct http *http = NULL;

    if (!check_options(options, err))
        return false;
    if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
        return error_set(err, ERR_INTERNAL, "could not initialise libcurl");
    http = xcalloc(1, sizeof(*http));
    http->options = options;
    strbuf_init(&http->answer, ANSWER_BYTES_MAX);
    if (options->token != NULL) {
        struct strbuf header cleanup(strbuf_release);

        strbuf_init(&header, 8192);
        strbuf_printf(&header, "Authorization: Bearer %s", options->token);
        http->authorization = xstrdup(strbuf_text(&header));
    }
    http->curl = curl_easy_init();
    if (http->curl == NULL || !configure(http)) {
        http_close(http);
        return error_set(err, ERR_INTERNAL, "could not set up libcurl");
    }
    *ret_http = http;
    return true;
}

void http_close(struct http *http)
{
    if (http == NULL)
        return;
    curl_easy_cleanup(http->curl);
    strbuf_release(&http->answer);
    free(http->authorization);
    free(http);
    curl_global_cleanup();
}

/* A name that cannot be added is out of memory. */
static void add_header(struct curl_slist **headers, const char *header)
{
    struct curl_slist *longer = curl_slist_append(*headers, header);

    if (longer == NULL)
        oom();
    *headers = longer;
}

static struct curl_slist *headers_of(const struct http *http, const struct http_request *request)
{
    struct curl_slist *headers = NULL;

    add_header(&headers, "Accept: application/json, application/problem+json");
    add_header(&headers,
               request->body != NULL ? "Content-Type: application/json" : "Content-Type:");
    add_header(&headers, "Expect:");
    if (request->is_async)
        add_header(&headers, "Prefer: respond-async");
    if (http->authorization != NULL)
        add_header(&headers, http->authorization);
    return headers;
}

/* What libcurl says, in our words. */
static bool refuse_transfer(const struct http *http, CURLcode code, struct error *err)
{
    const char *where = http->options->socket != NULL ? http->options->socket : http->options->url;
    long os_error = 0;

    (void) curl_easy_getinfo(http->curl, CURLINFO_OS_ERRNO, &os_error);
    if (code == CURLE_COULDNT_CONNECT && os_error == EACCES) {
        error_set_errno(err, ERR_FORBIDDEN, EACCES, "could not open the daemon's socket \"%s\"",
                        where);
        return error_hint(err, "The socket is for root, the daemon's user and its group.");
    }
    if (code == CURLE_COULDNT_CONNECT && os_error != 0)
        error_set_errno(err, ERR_DAEMON_UNREACHABLE, (int) os_error,
                        "could not reach the daemon at \"%s\"", where);
    else
        error_set(err, ERR_DAEMON_UNREACHABLE, "could not reach the daemon at \"%s\": %s", where,
                  http->words[0] != '\0' ? http->words : curl_easy_strerror(code));
    return error_hint(err, "Is schemad running? Name its socket with --socket, or work without it "
                           "with --database.");
}

static bool decode(struct http *http, json_t **ret_answer, struct error *err)
{
    json_t *answer cleanup_json =
        json_loadb(http->answer.ptr != NULL ? http->answer.ptr : "", http->answer.len, 0, NULL);
    long status = 0;

    (void) curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status <= 299 && json_is_object(answer)) {
        *ret_answer = take_ptr(answer);
        return true;
    }
    if (json_has(answer, "code")) {
        error_of_json(answer, err);
        return false;
    }
    error_set(err, ERR_INTERNAL, "%s answered with status %ld and no JSON",
              http->options->socket != NULL ? http->options->socket : http->options->url, status);
    return error_hint(err, "Is that schemad?");
}

static bool perform(struct http *http, const struct http_request *request, const char *body,
                    struct error *err)
{
    struct curl_slist *headers cleanup(free_headers) = headers_of(http, request);
    struct arena arena cleanup(arena_release) = { 0 };
    const char *base = http->options->url != NULL ? http->options->url : "http://localhost";
    size_t len = strlen(base);
    CURLcode code = CURLE_OK;
    const char *url = NULL;

    if (len > 0 && base[len - 1] == '/')
        len--;
    url = arena_printf(&arena, "%.*s%s", (int) len, base, request->path);
    strbuf_reset(&http->answer);
    http->words[0] = '\0';
    if (curl_easy_setopt(http->curl, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
        curl_easy_setopt(http->curl, CURLOPT_CUSTOMREQUEST, request->method) != CURLE_OK ||
        curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, body) != CURLE_OK ||
        (body == NULL && curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L) != CURLE_OK))
        return error_set(err, ERR_INTERNAL, "could not set up libcurl");
    code = curl_easy_perform(http->curl);
    return code == CURLE_OK || refuse_transfer(http, code, err);
}

bool http_ask(struct http *http, const struct http_request *request, json_t **ret_answer,
              struct error *err)
{
    char *body cleanup(free_text) = NULL;

    if (request->body != NULL) {
        body = json_dumps(request->body, JSON_COMPACT);
        if (body == NULL)
            return error_set(err, ERR_INTERNAL, "could not encode a request");
    }
    return perform(http, request, body, err) && decode(http, ret_answer, err);
}

const char *http_escape(const char *text, struct arena *arena)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    char *escaped = arena_alloc(arena, strlen(text) * 3 + 1);
    char *at = escaped;

    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char) *text;

        if (strchr(plain, byte) != NULL) {
            *at++ = (char) byte;
            continue;
        }
        *at++ = '%';
        *at++ = digits[byte >> 4];
        *at++ = digits[byte & 15];
    }
    return escaped;
}
