/*
 * http.c - libcurl's easy interface, wrapped.
 */
#include "cli/http.h"

#include "api/json_text.h"
#include "base/clock.h"
#include "base/oom.h"
#include "base/str.h"
#include "cli/json_read.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>

#define ANSWER_BYTES_MAX   ((size_t) 256 * 1024 * 1024)
#define CONNECT_TIMEOUT_MS 5000L
#define ANSWER_TIMEOUT_MS  60000
#define EVENT_BYTES_MAX    ((size_t) 16 * 1024 * 1024)
#define ACCEPT_BYTES_MAX   128
#define SILENCE_MAX_US     45000000 /* a stream says ": alive" every 15 s */
#define SOCKET_PATH_MAX    107      /* sun_path without its NUL, unix(7) */

struct http {
    CURL *curl;
    const struct http_options *options;
    char *authorization; /* NULL: none */
    bool was_connected;
    struct strbuf answer;
    char words[CURL_ERROR_SIZE];
};

/* One request on its way. */
struct transfer {
    struct http *http;
    const struct http_request *request;
    struct sse_parser *events; /* NULL: not asked for a stream */
    bool has_stopped;          /* the parser had enough */
    bool is_over;              /* the request's is_over said so */
    int64_t heard_us;          /* monotonic clock */
};

static void free_headers(struct curl_slist **headers)
{
    curl_slist_free_all(*headers);
}

static void free_text(char **text)
{
    free(*text);
}

static long status_of(const struct http *http)
{
    long status = 0;

    (void) curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* A problem in place of a stream is an answer like any other. */
static bool is_stream(const struct transfer *transfer)
{
    const char *type = NULL;

    (void) curl_easy_getinfo(transfer->http->curl, CURLINFO_CONTENT_TYPE, &type);
    return transfer->events != NULL && status_of(transfer->http) == 200 && type != NULL &&
           str_starts_with(str_of(type), "text/event-stream");
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    struct http *http = transfer->http;

    transfer->heard_us = clock_monotonic_us();
    if (is_stream(transfer)) {
        transfer->has_stopped = !sse_feed(transfer->events, bytes, size * count);
        return transfer->has_stopped ? 0 : size * count;
    }
    strbuf_add(&http->answer, bytes, size * count);
    return http->answer.is_overflowed ? 0 : size * count;
}

/* libcurl calls it whenever something moves or a signal came, and once a second. Not 0 ends the
 * transfer. */
static int on_tick(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct transfer *transfer = data;
    const struct http_request *request = transfer->request;

    (void) a, (void) b, (void) c, (void) d;
    transfer->is_over = request->is_over != NULL && request->is_over(request->is_over_data);
    return transfer->is_over ||
           (transfer->events != NULL && clock_monotonic_us() - transfer->heard_us > SILENCE_MAX_US);
}

/* Options that a wrong value can refuse are checked before; what remains is out of memory. */
static bool configure(struct http *http)
{
    CURL *curl = http->curl;

    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_tick) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->words) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes) == CURLE_OK &&
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

bool http_was_connected(const struct http *http)
{
    return http->was_connected;
}

void http_answer_release(struct http_answer *answer)
{
    json_release(&answer->body);
}

/* A name that cannot be added is out of memory. */
static void add_header(struct curl_slist **headers, const char *header)
{
    struct curl_slist *longer = curl_slist_append(*headers, header);

    if (longer == NULL)
        oom();
    *headers = longer;
}

static void add_value(struct curl_slist **headers, const char *name, const char *value)
{
    struct arena arena cleanup(arena_release) = { 0 };

    if (value != NULL)
        add_header(headers, arena_printf(&arena, "%s: %s", name, value));
}

static struct curl_slist *headers_of(const struct transfer *transfer)
{
    const struct http_request *request = transfer->request;
    struct curl_slist *headers = NULL;
    const char *accept = request->accept != NULL ? request->accept : "application/json";
    char line[ACCEPT_BYTES_MAX];

    if (transfer->events != NULL)
        accept = "text/event-stream";
    (void) snprintf(line, sizeof(line), "Accept: %s, application/problem+json", accept);
    add_header(&headers, line);
    add_header(&headers,
               request->body != NULL ? "Content-Type: application/json" : "Content-Type:");
    add_header(&headers, "Expect:");
    if (request->is_async)
        add_header(&headers, "Prefer: respond-async");
    add_value(&headers, "Idempotency-Key", request->idempotency_key);
    add_value(&headers, "Last-Event-ID", request->last_event_id);
    if (transfer->http->authorization != NULL)
        add_header(&headers, transfer->http->authorization);
    return headers;
}

static const char *place_of(const struct http *http)
{
    return http->options->socket != NULL ? http->options->socket : http->options->url;
}

/* What libcurl says, in our words. */
static bool refuse_transfer(const struct http *http, CURLcode code, struct error *err)
{
    const char *words = http->words[0] != '\0' ? http->words : curl_easy_strerror(code);
    const char *where = place_of(http);
    long os_error = 0;

    (void) curl_easy_getinfo(http->curl, CURLINFO_OS_ERRNO, &os_error);
    if (code == CURLE_COULDNT_CONNECT && os_error == EACCES) {
        error_set_errno(err, ERR_FORBIDDEN, EACCES, "could not open the daemon's socket \"%s\"",
                        where);
        return error_hint(err, "The socket is for root, the daemon's user and its group.");
    }
    if (http->was_connected && code != CURLE_COULDNT_CONNECT)
        error_set(err, ERR_DAEMON_UNREACHABLE, "lost the daemon at \"%s\": %s", where, words);
    else if (code == CURLE_COULDNT_CONNECT && os_error != 0)
        error_set_errno(err, ERR_DAEMON_UNREACHABLE, (int) os_error,
                        "could not reach the daemon at \"%s\"", where);
    else
        error_set(err, ERR_DAEMON_UNREACHABLE, "could not reach the daemon at \"%s\": %s", where,
                  words);
    return error_hint(err, "Is schemad running? Name its socket with --socket, or work without it "
                           "with --database.");
}

static bool judge_transfer(const struct transfer *transfer, CURLcode code, struct error *err)
{
    struct http *http = transfer->http;
    curl_off_t connect_us = 0;

    (void) curl_easy_getinfo(http->curl, CURLINFO_CONNECT_TIME_T, &connect_us);
    if (connect_us > 0)
        http->was_connected = true;
    if (code == CURLE_OK)
        return true;
    if (transfer->has_stopped && sse_is_overflowed(transfer->events))
        return error_set(err, ERR_INTERNAL, "the daemon's event is larger than %zu bytes",
                         EVENT_BYTES_MAX);
    if (transfer->has_stopped)
        return true;
    if (transfer->is_over)
        return error_set(err, ERR_CANCELLED, "interrupted");
    return refuse_transfer(http, code, err);
}

static bool set_request(const struct transfer *transfer, const char *url, const char *body,
                        struct curl_slist *headers)
{
    const struct http_request *request = transfer->request;
    uint32_t timeout_ms = request->timeout_ms != 0 ? request->timeout_ms : ANSWER_TIMEOUT_MS;
    CURL *curl = transfer->http->curl;

    if (transfer->events != NULL)
        timeout_ms = 0;
    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long) timeout_ms) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) == CURLE_OK &&
           (body != NULL || curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) == CURLE_OK);
}

static bool perform(struct transfer *transfer, struct error *err)
{
    struct http *http = transfer->http;
    struct curl_slist *headers cleanup(free_headers) = headers_of(transfer);
    struct arena arena cleanup(arena_release) = { 0 };
    const char *base = http->options->url != NULL ? http->options->url : "http://localhost";
    char *body cleanup(free_text) = NULL;
    size_t len = strlen(base);
    const char *url = NULL;

    if (transfer->request->body != NULL) {
        body = json_dumps(transfer->request->body, JSON_COMPACT);
        if (body == NULL)
            return error_set(err, ERR_INTERNAL, "could not encode a request");
    }
    if (len > 0 && base[len - 1] == '/')
        len--;
    url = arena_printf(&arena, "%.*s%s", (int) len, base, transfer->request->path);
    strbuf_reset(&http->answer);
    http->words[0] = '\0';
    transfer->heard_us = clock_monotonic_us();
    if (!set_request(transfer, url, body, headers))
        return error_set(err, ERR_INTERNAL, "could not set up libcurl");
    return judge_transfer(transfer, curl_easy_perform(http->curl), err);
}

static void decode(const struct http *http, struct http_answer *ret)
{
    curl_off_t retry_after_s = 0;

    (void) curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (retry_after_s > 0 && retry_after_s < 86400)
        ret->retry_after_ms = (uint32_t) retry_after_s * 1000;
    ret->status = (unsigned) status_of(http);
    ret->body = json_loadb(strbuf_text(&http->answer), http->answer.len, 0, NULL);
}

/* Whether it is what was asked for; text becomes the body as it is. */
static bool take_answer(const struct http *http, const struct http_request *request,
                        struct http_answer *ret)
{
    if (ret->status < 200 || ret->status > 299)
        return false;
    if (request->accept == NULL)
        return json_is_object(ret->body);
    json_release(&ret->body);
    ret->body = json_of_str((struct str){ strbuf_text(&http->answer), http->answer.len });
    return ret->body != NULL;
}

static bool refuse_answer(const struct http *http, const struct http_answer *answer,
                          const char *wanted, struct error *err)
{
    if (json_has(answer->body, "code")) {
        error_of_json(answer->body, err);
        return false;
    }
    error_set(err, ERR_INTERNAL, "%s answered with status %u and no %s", place_of(http),
              answer->status, wanted);
    return error_hint(err, "Is that schemad?");
}

bool http_ask(struct http *http, const struct http_request *request, struct http_answer *ret,
              struct error *err)
{
    struct transfer transfer = { .http = http, .request = request };

    *ret = (struct http_answer){ .status = 0 };
    if (!perform(&transfer, err))
        return false;
    decode(http, ret);
    return take_answer(http, request, ret) ||
           refuse_answer(http, ret, request->accept != NULL ? request->accept : "JSON", err);
}

bool http_stream(struct http *http, const struct http_request *request,
                 bool (*take)(void *data, const struct sse_event *event), void *data,
                 struct error *err)
{
    struct sse_parser events cleanup(sse_release);
    struct transfer transfer = { .http = http, .request = request, .events = &events };
    struct http_answer answer cleanup_http_answer = { .status = 0 };

    sse_init(&events, EVENT_BYTES_MAX, take, data);
    if (!perform(&transfer, err))
        return false;
    if (is_stream(&transfer) || status_of(http) == 204)
        return true;
    decode(http, &answer);
    return refuse_answer(http, &answer, "events", err);
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
