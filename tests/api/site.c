/*
 * site.c - a real server, and a client that sends whatever bytes a test wants.
 */
#include "tests/api/site.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/oom.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLY_MAX  ((size_t) 4 * 1024 * 1024)
#define PATIENCE_S 30

static void keep_log(void *data, int priority, const char *message)
{
    struct site *site = data;

    pthread_mutex_lock(&site->lock);
    strbuf_printf(&site->log, "%d %s\n", priority, message);
    pthread_mutex_unlock(&site->lock);
}

struct site *site_new(void)
{
    struct site *site = xcalloc(1, sizeof(*site));

    fake_init(&site->fake);
    pthread_mutex_init(&site->lock, NULL);
    strbuf_init(&site->log, REPLY_MAX);
    digest_sha256(SITE_TOKEN, strlen(SITE_TOKEN), site->token.digest);
    site->token.name = "ci";
    site->token.access = ACCESS_DESTROY;
    (void) snprintf(site->directory, sizeof(site->directory), "/tmp/schemad-api-XXXXXX");
    assert_non_null(mkdtemp(site->directory));
    assert_int_equal(chmod(site->directory, 0755), 0);
    (void) snprintf(site->path, sizeof(site->path), "%s/s", site->directory);
    site->options = (struct server_options){
        .backend = &site->fake.backend,
        .tcp_reads_openly = true,
        /* Longer than a client is patient: no deadline closes what a test says is closed. */
        .request_timeout_ms = 4 * PATIENCE_S * 1000,
        .connections_max = 64,
        .log_data = site,
        .log = keep_log,
    };
    return site;
}

int site_listen_unix(struct site *site)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", site->path);
    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(chmod(site->path, 0666), 0);
    assert_int_equal(listen(fd, 128), 0);
    return fd;
}

int site_listen_tcp(struct site *site, uint32_t ip)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip) };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &size), 0);
    site->port = ntohs(address.sin_port);
    return fd;
}

static void expect_done(bool is_done, const struct error *err)
{
    if (!is_done)
        fail_msg("%s", err->detail);
}

void site_start(struct site *site)
{
    struct error err = { 0 };

    expect_done(server_new(&site->options, &site->server, &err), &err);
    server_tokens_set(site->server, &site->token, 1);
    expect_done(server_listen(site->server, site_listen_unix(site), LISTEN_UNIX, &err), &err);
    expect_done(server_listen(site->server, site_listen_tcp(site, INADDR_LOOPBACK), LISTEN_TCP,
                              &err),
                &err);
}

void site_free(struct site *site)
{
    if (site->server != NULL)
        server_stop(site->server, 1000);
    server_free(site->server);
    fake_release(&site->fake);
    strbuf_release(&site->log);
    pthread_mutex_destroy(&site->lock);
    (void) unlink(site->path);
    assert_int_equal(rmdir(site->directory), 0);
    free(site);
}

int site_setup(void **state)
{
    struct site *site = site_new();

    site_start(site);
    *state = site;
    return 0;
}

int site_teardown(void **state)
{
    site_free(*state);
    return 0;
}

const char *site_log(struct site *site, struct arena *arena)
{
    const char *text = NULL;

    pthread_mutex_lock(&site->lock);
    text = arena_strdup(arena, strbuf_text(&site->log));
    pthread_mutex_unlock(&site->lock);
    return text;
}

/* ---- The client ---- */

int site_connect(const struct site *site, enum listen_kind kind)
{
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct sockaddr_in loopback = { .sin_family = AF_INET,
                                    .sin_port = htons((uint16_t) site->port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    bool is_unix = kind == LISTEN_UNIX;
    int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = { .tv_sec = PATIENCE_S };

    (void) snprintf(local.sun_path, sizeof(local.sun_path), "%s", site->path);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(fd,
                             is_unix ? (struct sockaddr *) &local : (struct sockaddr *) &loopback,
                             is_unix ? sizeof(local) : sizeof(loopback)),
                     0);
    return fd;
}

static void add_expanded(struct strbuf *out, const struct site *site, enum listen_kind kind,
                         const char *text)
{
    while (*text != '\0') {
        if (strncmp(text, "HOST", 4) == 0) {
            strbuf_add_text(out, "Host: localhost");
            if (kind == LISTEN_TCP)
                strbuf_printf(out, ":%u", site->port);
            text += 4;
        } else if (strncmp(text, "PORT", 4) == 0) {
            strbuf_printf(out, "%u", site->port);
            text += 4;
        } else if (strncmp(text, "TOKEN", 5) == 0) {
            strbuf_add_text(out, SITE_TOKEN);
            text += 5;
        } else {
            strbuf_add_char(out, *text++);
        }
    }
}

void site_send(const struct site *site, int fd, enum listen_kind kind, const char *text)
{
    struct strbuf out cleanup(strbuf_release);
    size_t sent = 0;

    strbuf_init(&out, REPLY_MAX);
    add_expanded(&out, site, kind, text);
    while (sent < out.len) {
        ssize_t n = send(fd, out.ptr + sent, out.len - sent, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* It answered early and closed; the reply says what. */
        sent += (size_t) n;
    }
}

/* Whether the text ends like this. */
static bool ends_with(const struct strbuf *text, const char *end)
{
    return str_ends_with((struct str){ text->ptr, text->len }, end);
}

/* Read up to this text, which is read too; false when the connection ended before. */
static bool read_until(int fd, const char *end, struct strbuf *out)
{
    char c = '\0';

    while (!ends_with(out, end)) {
        ssize_t n = recv(fd, &c, 1, 0);

        if (n < 0 && errno == EAGAIN)
            fail_msg("no answer in %d s", PATIENCE_S);
        if (n <= 0)
            return false;
        strbuf_add_char(out, c);
    }
    return true;
}

static bool read_head(int fd, struct strbuf *head)
{
    return read_until(fd, "\r\n\r\n", head);
}

static size_t hex_number(const char *text)
{
    size_t number = 0;

    for (; strchr("\r;", *text) == NULL; text++) {
        unsigned digit = (unsigned) (*text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10);

        assert_true(digit < 16);
        number = number * 16 + digit;
    }
    return number;
}

bool chunk_read(int fd, struct strbuf *out)
{
    struct strbuf line cleanup(strbuf_release);
    size_t len = 0;
    char *bytes = NULL;

    strbuf_init(&line, 100);
    if (!read_until(fd, "\r\n", &line))
        fail_msg("the connection ended before the body");
    len = hex_number(line.ptr);
    bytes = xcalloc(1, len + 2);
    assert_int_equal(recv(fd, bytes, len + 2, MSG_WAITALL), len + 2);
    assert_memory_equal(bytes + len, "\r\n", 2);
    strbuf_add(out, bytes, len);
    free(bytes);
    return len > 0;
}

static void read_body(int fd, struct reply *reply)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const char *length = reply_header(reply, "Content-Length", &arena);
    uint64_t len = 0;

    assert_non_null(length);
    assert_true(str_to_u64(str_of(length), REPLY_MAX, &len));
    reply->body = xcalloc(1, len + 1);
    reply->body_len = len;
    if (len > 0)
        assert_int_equal(recv(fd, reply->body, len, MSG_WAITALL), len);
}

struct reply reply_read(int fd, bool has_body)
{
    struct strbuf head cleanup(strbuf_release);
    struct reply reply = { 0 };
    uint64_t status = 0;

    strbuf_init(&head, REPLY_MAX);
    if (!read_head(fd, &head))
        return reply;
    if (str_starts_with(str_of(head.ptr), "HTTP/1.1 100")) {
        strbuf_reset(&head);
        if (!read_head(fd, &head))
            return reply;
    }
    assert_true(str_to_u64(str_sub(str_of(head.ptr), 9, 12), 999, &status));
    reply.status = (unsigned) status;
    reply.head = take_ptr(head.ptr);
    if (has_body)
        read_body(fd, &reply);
    return reply;
}

void reply_release(struct reply *reply)
{
    free(reply->head);
    free(reply->body);
    *reply = (struct reply){ 0 };
}

const char *reply_header(const struct reply *reply, const char *name, struct arena *arena)
{
    struct str rest = str_of(reply->head);

    while (rest.len > 0) {
        size_t end = str_find_char(rest, '\n', 0);
        struct str line = str_trim(str_sub(rest, 0, end));
        size_t colon = str_find_char(line, ':', 0);
        struct str value = str_trim(str_sub(line, colon + 1, line.len));

        if (str_is_nocase(str_sub(line, 0, colon), name))
            return arena_strndup(arena, value.ptr, value.len);
        rest = str_sub(rest, end + 1, rest.len);
    }
    return NULL;
}

struct reply site_ask(const struct site *site, enum listen_kind kind, const char *text)
{
    int fd cleanup_fd = site_connect(site, kind);

    site_send(site, fd, kind, text);
    return reply_read(fd, strncmp(text, "HEAD ", 5) != 0);
}

struct reply site_do(const struct site *site, const char *method, const char *target)
{
    struct arena arena cleanup(arena_release) = { 0 };

    return site_ask(site, LISTEN_UNIX,
                    arena_printf(&arena, "%s %s HTTP/1.1\r\nHOST\r\n\r\n", method, target));
}

void site_expect(const struct site *site, enum listen_kind kind, const struct site_row *rows,
                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct reply reply cleanup_reply = site_ask(site, kind, rows[i].bytes);
        const char *code = arena_printf(&arena, "\"code\": \"%s\"", rows[i].code);

        if (reply.status != rows[i].status)
            fail_msg("row %zu: %s\nanswered %u, not %u: %s", i, rows[i].bytes, reply.status,
                     rows[i].status, reply.body);
        if (rows[i].code != NULL && strstr(reply.body, code) == NULL)
            fail_msg("row %zu: %s\nis not %s: %s", i, rows[i].bytes, rows[i].code, reply.body);
    }
}

void site_submit(const struct site *site)
{
    struct reply reply cleanup_reply =
        site_ask(site, LISTEN_UNIX,
                 "POST /upgrade HTTP/1.1\r\nHOST\r\nPrefer: respond-async\r\n\r\n");

    assert_int_equal(reply.status, 202);
}

bool is_readable(int fd, int timeout_ms)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };

    return poll(&ready, 1, timeout_ms) == 1;
}

bool is_closed_by_server(int fd)
{
    char byte = '\0';
    ssize_t n = recv(fd, &byte, 1, 0);

    return n == 0 || (n < 0 && errno == ECONNRESET);
}
