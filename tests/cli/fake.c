/*
 * fake.c - a thread that accepts, reads one request, answers and hangs up.
 */
#include "tests/unit/unit.h"

#include "tests/cli/fake.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS    20000
#define REQUESTS_BYTES ((size_t) 256 * 1024)

struct fake {
    const struct fake_answer *answers;
    size_t count;
    size_t given;
    char directory[64];
    char path[96];
    int listener;
    int end[2]; /* a pipe: closed when nothing more will be asked */
    pthread_t thread;
    char *requests;
    size_t len;
    bool is_odd; /* a request was not the expected one */
};

static bool is_readable(const struct fake *fake, int fd)
{
    struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = fake->end[0] } };

    return poll(fds, 2, PATIENCE_MS) > 0 && (fds[0].revents & (POLLIN | POLLHUP)) != 0;
}

static size_t body_bytes(const char *request)
{
    static const char name[] = "\r\nContent-Length: ";
    const char *length = strcasestr(request, name);
    size_t bytes = 0;

    for (const char *at = length != NULL ? length + strlen(name) : ""; *at >= '0' && *at <= '9';
         at++)
        bytes = bytes * 10 + (size_t) (*at - '0');
    return bytes;
}

static bool is_whole(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");

    return end != NULL && strlen(end + 4) >= body_bytes(request);
}

static void read_request(struct fake *fake, int fd)
{
    char *request = fake->requests + fake->len;

    while (!is_whole(request) && is_readable(fake, fd)) {
        ssize_t count = read(fd, fake->requests + fake->len, REQUESTS_BYTES - fake->len - 1);

        if (count <= 0)
            break;
        fake->len += (size_t) count;
        fake->requests[fake->len] = '\0';
    }
    if (strncmp(request, fake->answers[fake->given].request,
                strlen(fake->answers[fake->given].request)) != 0)
        fake->is_odd = true;
}

static void answer(const struct fake *fake, int fd, const struct fake_answer *answer)
{
    bool is_json = answer->kind == FAKE_JSON;
    char *body = strdup(answer->body != NULL ? answer->body : "");
    char *text = NULL;
    int len = 0;

    for (char *at = body; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    len =
        asprintf(&text, "HTTP/1.1 %u Whatever\r\n%sContent-Type: %s\r\nConnection: close\r\n%s\r\n",
                 answer->status != 0 ? answer->status : 200,
                 answer->headers != NULL ? answer->headers : "",
                 is_json ? "application/json" : "text/event-stream",
                 is_json ? "" : "Transfer-Encoding: chunked\r\n");
    (void) send(fd, text, (size_t) len, MSG_NOSIGNAL);
    free(text);
    len = is_json ? asprintf(&text, "%s", body)
                  : asprintf(&text, "%zx\r\n%s\r\n%s", strlen(body), body,
                             answer->kind == FAKE_EVENTS ? "0\r\n\r\n" : "");
    (void) send(fd, text, (size_t) len, MSG_NOSIGNAL);
    if (answer->kind == FAKE_HELD_EVENTS)
        (void) is_readable(fake, fd);
    free(text);
    free(body);
}

static void *serve(void *data)
{
    struct fake *fake = data;

    while (fake->given < fake->count && is_readable(fake, fake->listener)) {
        int fd = accept(fake->listener, NULL, NULL);

        read_request(fake, fd);
        if (fake->answers[fake->given].kind != FAKE_HANG_UP)
            answer(fake, fd, &fake->answers[fake->given]);
        (void) close(fd);
        fake->given++;
    }
    (void) close(fake->listener);
    return NULL;
}

struct fake *fake_start(const struct fake_answer *answers, size_t count)
{
    struct fake *fake = calloc(1, sizeof(*fake));
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    fake->answers = answers;
    fake->count = count;
    fake->requests = calloc(1, REQUESTS_BYTES);
    (void) snprintf(fake->directory, sizeof(fake->directory), "%s", "/tmp/schemad-fake-XXXXXX");
    assert_non_null(mkdtemp(fake->directory));
    (void) snprintf(fake->path, sizeof(fake->path), "%s/s", fake->directory);
    (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", fake->path);
    fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fake->listener, (struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(listen(fake->listener, 8), 0);
    assert_int_equal(pipe(fake->end), 0);
    assert_int_equal(pthread_create(&fake->thread, NULL, serve, fake), 0);
    return fake;
}

const char *fake_socket(const struct fake *fake)
{
    return fake->path;
}

char *fake_end(struct fake *fake)
{
    char *requests = fake->requests;
    size_t missing = 0;
    bool is_odd = false;

    (void) close(fake->end[1]);
    (void) pthread_join(fake->thread, NULL);
    (void) close(fake->end[0]);
    missing = fake->count - fake->given;
    is_odd = fake->is_odd;
    (void) unlink(fake->path);
    (void) rmdir(fake->directory);
    free(fake);
    if (missing > 0 || is_odd)
        fail_msg("%zu answers were not asked for; asked was:\n%s", missing, requests);
    return requests;
}
