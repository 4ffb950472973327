/*
 * bench_current.c - GET /current through the whole of api/, against a fixed reply from the same
 * libmicrohttpd set-up.
 *
 *     bench_current [CONNECTIONS [MILLISECONDS]]
 *
 * Both servers run in this process on loopback, with the same flags and the same body; a client
 * thread with epoll keeps CONNECTIONS (default 16) requests in flight on keep-alive connections.
 * The two take turns, MILLISECONDS (default 500) each, and the median of their ratios is printed.
 * Not a test: it depends on the machine.
 */
#include "api/server.h"
#include "base/clock.h"
#include "tests/api/fake.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS          11
#define CONNECTIONS_MAX 256
#define REPLY_MAX       8192

static const char request[] = "GET /current HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n";

static void check(bool is_fine, const char *what)
{
    if (is_fine)
        return;
    perror(what);
    abort();
}

/* ---- The client ---- */

struct connection {
    int fd;
    size_t received; /* of the current reply */
    size_t expected; /* its whole length; 0 until the head was read */
    char reply[REPLY_MAX];
};

static int connect_to(unsigned port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t) port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    check(connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0, "connect");
    return fd;
}

static void ask(const struct connection *connection, const char *text)
{
    check(send(connection->fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t) strlen(text), "send");
}

/* Length of head and body, once the head is there. */
static size_t reply_length(const char *reply)
{
    const char *end = strstr(reply, "\r\n\r\n");
    const char *length = strcasestr(reply, "Content-Length: ");
    uint64_t body = 0;

    if (end == NULL)
        return 0;
    length += strlen("Content-Length: ");
    check(str_to_u64((struct str){ length, strcspn(length, "\r") }, REPLY_MAX, &body), "length");
    check(strncmp(reply, "HTTP/1.1 200", 12) == 0, reply);
    return (size_t) (end - reply) + 4 + body;
}

/* Whether the reply is complete. */
static bool receive(struct connection *connection)
{
    ssize_t n = recv(connection->fd, connection->reply + connection->received,
                     REPLY_MAX - 1 - connection->received, 0);

    check(n > 0, "recv");
    connection->received += (size_t) n;
    connection->reply[connection->received] = '\0';
    if (connection->expected == 0)
        connection->expected = reply_length(connection->reply);
    return connection->expected != 0 && connection->received >= connection->expected;
}

static void open_all(struct connection *connections, size_t count, unsigned port, int epoll)
{
    for (size_t i = 0; i < count; i++) {
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &connections[i] };

        connections[i].fd = connect_to(port);
        check(epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event) == 0, "epoll_ctl");
    }
}

/* Requests a second, for that long. */
static double measure(unsigned port, size_t count, double seconds)
{
    static struct connection connections[CONNECTIONS_MAX];
    struct epoll_event ready[CONNECTIONS_MAX];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int64_t begun_us = 0;
    int64_t took_us = 0;
    uint64_t replies = 0;
    char text[sizeof(request) + 8];

    memset(connections, 0, sizeof(connections));
    (void) snprintf(text, sizeof(text), request, port);
    open_all(connections, count, port, epoll);
    begun_us = clock_monotonic_us();
    for (size_t i = 0; i < count; i++)
        ask(&connections[i], text);
    while ((double) took_us < seconds * 1e6) {
        int n = epoll_wait(epoll, ready, CONNECTIONS_MAX, 1000);

        for (int i = 0; i < n; i++) {
            struct connection *connection = ready[i].data.ptr;

            if (!receive(connection))
                continue;
            replies++;
            connection->received = connection->expected = 0;
            ask(connection, text);
        }
        took_us = clock_monotonic_us() - begun_us;
    }
    for (size_t i = 0; i < count; i++)
        close(connections[i].fd);
    close(epoll);
    return (double) replies * 1e6 / (double) took_us;
}

/* ---- The servers ---- */

static int listen_somewhere(unsigned *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    check(bind(fd, (struct sockaddr *) &address, sizeof(address)) == 0, "bind");
    check(listen(fd, 512) == 0, "listen");
    check(getsockname(fd, (struct sockaddr *) &address, &size) == 0, "getsockname");
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static enum MHD_Result answer_fixed(void *data, struct MHD_Connection *connection, const char *url,
                                    const char *method, const char *version, const char *bytes,
                                    size_t *size, void **context)
{
    static int seen;

    (void) url;
    (void) method;
    (void) version;
    (void) bytes;
    (void) size;
    if (*context == NULL) {
        *context = &seen;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, data);
}

static struct MHD_Daemon *start_fixed(struct MHD_Response *response, unsigned *ret_port)
{
    int fd = listen_somewhere(ret_port);

    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
                                MHD_USE_ERROR_LOG,
                            0, NULL, NULL, answer_fixed, response, MHD_OPTION_CONNECTION_LIMIT,
                            CONNECTIONS_MAX, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_END);
}

/* As many bytes and headers as /current has. */
static struct MHD_Response *fixed_response(unsigned current_port)
{
    static struct connection connection;
    static char body[REPLY_MAX];
    char text[sizeof(request) + 8];
    struct MHD_Response *response = NULL;

    connection.fd = connect_to(current_port);
    (void) snprintf(text, sizeof(text), request, current_port);
    ask(&connection, text);
    while (!receive(&connection))
        continue;
    close(connection.fd);
    (void) snprintf(body, sizeof(body), "%s", strstr(connection.reply, "\r\n\r\n") + 4);
    response = MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_PERSISTENT);
    (void) MHD_add_response_header(response, "Content-Type", "application/json");
    (void) MHD_add_response_header(response, "Cache-Control", "no-store");
    (void) MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void) MHD_add_response_header(response, "ETag", "\"00000000000000b2.64f685952a703d1f\"");
    (void) MHD_add_response_header(response, "Vary", "Accept");
    return response;
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;

    return (*x > *y) - (*x < *y);
}

static void take_turns(unsigned fixed_port, unsigned current_port, size_t count, double seconds)
{
    double ratios[ROUNDS];
    double fixed[ROUNDS];
    double current[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++) {
        fixed[i] = measure(fixed_port, count, seconds);
        current[i] = measure(current_port, count, seconds);
        ratios[i] = current[i] / fixed[i];
    }
    qsort(ratios, ROUNDS, sizeof(*ratios), compare);
    qsort(fixed, ROUNDS, sizeof(*fixed), compare);
    qsort(current, ROUNDS, sizeof(*current), compare);
    (void) printf("%3zu connections: fixed %.0f/s, /current %.0f/s, ratio %.2f (%.2f to %.2f)\n",
                  count, fixed[ROUNDS / 2], current[ROUNDS / 2], ratios[ROUNDS / 2], ratios[0],
                  ratios[ROUNDS - 1]);
}

int main(int argc, char **argv)
{
    static struct fake fake;
    const struct server_options options = { .backend = &fake.backend,
                                            .tcp_reads_openly = true,
                                            .request_timeout_ms = 10000,
                                            .connections_max = CONNECTIONS_MAX };
    uint64_t count = 16;
    uint64_t milliseconds = 500;
    struct server *server = NULL;
    struct error err = { 0 };
    unsigned current_port = 0;
    unsigned fixed_port = 0;
    struct MHD_Response *response = NULL;
    struct MHD_Daemon *daemon = NULL;
    int fd = listen_somewhere(&current_port);

    if ((argc > 1 && !str_to_u64(str_of(argv[1]), CONNECTIONS_MAX, &count)) ||
        (argc > 2 && !str_to_u64(str_of(argv[2]), 60000, &milliseconds)) || count == 0) {
        (void) fprintf(stderr, "usage: bench_current [CONNECTIONS [MILLIMILLISECONDS]]\n");
        return EXIT_FAILURE;
    }
    fake_init(&fake);
    check(server_new(&options, &server, &err), "server_new");
    check(server_listen(server, fd, LISTEN_TCP, &err), "server_listen");
    response = fixed_response(current_port);
    daemon = start_fixed(response, &fixed_port);
    check(daemon != NULL, "MHD_start_daemon");
    take_turns(fixed_port, current_port, (size_t) count, (double) milliseconds / 1e3);
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    server_stop(server, 1000);
    server_free(server);
    fake_release(&fake);
    return EXIT_SUCCESS;
}
