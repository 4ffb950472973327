/*
 * test_server.c - connections, waiting and stopping: a real server, a fake backend, raw sockets.
 */
#include "tests/api/site.h"

#include "base/clock.h"
#include "base/file.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define END       "\r\n\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHOST" END
#define UPGRADE   "POST /upgrade HTTP/1.1\r\nHOST" END

static void expect_text(const struct reply *reply, unsigned status, const char *text)
{
    if (reply->status != status || strstr(reply->body, text) == NULL)
        fail_msg("answered %u %s, not %u with %s", reply->status, reply->body, status, text);
}

/* A POST over the unix socket that waits for job number `count`; its connection. */
static int begin_upgrade(struct site *site, size_t count)
{
    int fd = site_connect(site, LISTEN_UNIX);

    site_send(site, fd, LISTEN_UNIX, UPGRADE);
    fake_wait_jobs(&site->fake, count);
    return fd;
}

/* ---- Connections ---- */

static void a_connection_serves_many_requests(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = site_connect(site, LISTEN_UNIX);
    static const struct {
        const char *bytes;
        unsigned status;
    } rows[] = {
        { GET("/healthz"), 200 },
        { GET("/nothing"), 404 },
        { GET("/healthz?a=b"), 400 },
        { "PUT /healthz HTTP/1.1\r\nHOST" END, 405 },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 3\r\n"
          "Content-Type: application/json" END "[1]",
          400 },
        { UPGRADE, 200 },
        { GET("/current"), 200 },
    };

    site->fake.ends_at_once = true;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct reply reply cleanup_reply = { 0 };

        site_send(site, fd, LISTEN_UNIX, rows[i].bytes);
        reply = reply_read(fd, true);
        assert_int_equal(reply.status, rows[i].status);
    }
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = site_connect(site, LISTEN_UNIX);
    struct reply first cleanup_reply = { 0 };
    struct reply second cleanup_reply = { 0 };

    site_send(site, fd, LISTEN_UNIX, GET("/healthz") GET("/nothing"));
    first = reply_read(fd, true);
    second = reply_read(fd, true);
    expect_text(&first, 200, "healthy");
    expect_text(&second, 404, "not-found");
}

static void a_header_of_10_kilobytes_is_taken_and_one_of_40_is_not(void **state)
{
    struct site *site = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    static const struct {
        size_t bytes;
        unsigned status;
    } rows[] = { { 10000, 200 }, { 40000, 431 } };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct reply reply cleanup_reply = { 0 };
        int fd cleanup_fd = site_connect(site, LISTEN_UNIX);
        char *header = arena_alloc(&arena, rows[i].bytes + 1);

        memset(header, 'x', rows[i].bytes);
        site_send(site, fd, LISTEN_UNIX, "GET /healthz HTTP/1.1\r\nHOST\r\nX: ");
        site_send(site, fd, LISTEN_UNIX, header);
        site_send(site, fd, LISTEN_UNIX, END);
        reply = reply_read(fd, true);
        assert_int_equal(reply.status, rows[i].status);
    }
}

static void slow_and_silent_clients_are_cut_off(void **state)
{
    static const char *const beginnings[] = {
        "",
        "GET /healthz HTTP/1.1\r\nHos",
        "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 100\r\n"
        "Content-Type: application/json" END "{",
        /* Idle after an answer. */
        GET("/healthz"),
    };
    struct site *site = site_new();

    (void) state;
    site->options.request_timeout_ms = 100;
    site_start(site);
    for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++) {
        int fd cleanup_fd = site_connect(site, LISTEN_UNIX);

        site_send(site, fd, LISTEN_UNIX, beginnings[i]);
        if (i == 3) {
            struct reply reply cleanup_reply = reply_read(fd, true);

            assert_int_equal(reply.status, 200);
        }
        assert_true(is_closed_by_server(fd));
    }
    assert_int_equal(site->fake.job_count, 0);
    site_free(site);
}

static void a_byte_now_and_then_does_not_move_the_deadline(void **state)
{
    struct site *site = site_new();
    int64_t begun_us = 0;
    int fd cleanup_fd = -1;
    bool is_closed = false;

    (void) state;
    site->options.request_timeout_ms = 200;
    site_start(site);
    begun_us = clock_monotonic_us();
    fd = site_connect(site, LISTEN_UNIX);
    site_send(site, fd, LISTEN_UNIX, "GET /healthz HTTP/1.1\r\nHOST\r\nX: ");
    /* A byte whenever nothing was heard for 20 ms. */
    while (!is_closed && clock_monotonic_us() - begun_us < 20 * INT64_C(1000000)) {
        site_send(site, fd, LISTEN_UNIX, "y");
        is_closed = is_readable(fd, 20) && is_closed_by_server(fd);
    }
    assert_true(is_closed);
    assert_true(clock_monotonic_us() - begun_us >= 200000);
    site_free(site);
}

static void connections_are_bounded_and_others_wait_their_turn(void **state)
{
    struct site *site = site_new();
    int held[4];
    int next cleanup_fd = -1;
    struct reply reply cleanup_reply = { 0 };

    (void) state;
    site->options.connections_max = ARRAY_SIZE(held);
    site_start(site);
    for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
        struct reply one cleanup_reply = { 0 };

        held[i] = site_connect(site, LISTEN_UNIX);
        site_send(site, held[i], LISTEN_UNIX, GET("/healthz"));
        one = reply_read(held[i], true);
        assert_int_equal(one.status, 200);
    }
    next = site_connect(site, LISTEN_UNIX);
    site_send(site, next, LISTEN_UNIX, GET("/healthz"));
    assert_false(is_readable(next, 100));
    fd_close(&held[0]);
    reply = reply_read(next, true);
    assert_int_equal(reply.status, 200);
    for (size_t i = 1; i < ARRAY_SIZE(held); i++)
        fd_close(&held[i]);
    site_free(site);
}

/* ---- Waiting ---- */

static void a_post_is_answered_when_its_job_ends(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = begin_upgrade(site, 1);
    struct reply current cleanup_reply = site_do(site, "GET", "/current");
    struct reply reply cleanup_reply = { 0 };

    /* Others are served meanwhile, and this one is not yet. */
    assert_int_equal(current.status, 200);
    assert_false(is_readable(fd, 50));
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    reply = reply_read(fd, true);
    expect_text(&reply, 200, "\"outcome\": \"succeeded\"");
    expect_text(&reply, 200, "\"id\": \"0000000000000001\"");
}

static void a_job_may_end_before_submit_returns(void **state)
{
    struct site *site = *state;

    site->fake.ends_at_once = true;
    for (size_t i = 0; i < FAKE_JOBS_MAX; i++) {
        struct reply reply cleanup_reply = site_do(site, "POST", "/upgrade");

        assert_int_equal(reply.status, 200);
    }
}

static void many_wait_at_once_and_each_gets_its_own_answer(void **state)
{
    struct site *site = *state;
    int fds[32];

    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fds[i] = begin_upgrade(site, i + 1);
    for (size_t i = ARRAY_SIZE(fds); i > 0; i--) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct reply reply cleanup_reply = { 0 };

        fake_end_job(&site->fake, i - 1, ERR_OK, NULL);
        reply = reply_read(fds[i - 1], true);
        expect_text(&reply, 200, arena_printf(&arena, "\"id\": \"%016zx\"", i));
        fd_close(&fds[i - 1]);
    }
}

static void the_connection_goes_on_after_waiting(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = begin_upgrade(site, 1);
    struct reply run cleanup_reply = { 0 };
    struct reply health cleanup_reply = { 0 };

    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    run = reply_read(fd, true);
    assert_int_equal(run.status, 200);
    site_send(site, fd, LISTEN_UNIX, GET("/healthz"));
    health = reply_read(fd, true);
    assert_int_equal(health.status, 200);
}

static void waiting_has_no_deadline(void **state)
{
    struct site *site = site_new();
    int waiting cleanup_fd = -1;
    struct reply reply cleanup_reply = { 0 };

    (void) state;
    site->options.request_timeout_ms = 50;
    site_start(site);
    waiting = begin_upgrade(site, 1);
    /* Others, silent, come and go by their deadlines. */
    for (size_t i = 0; i < 4; i++) {
        int silent cleanup_fd = site_connect(site, LISTEN_UNIX);

        assert_true(is_closed_by_server(silent));
    }
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    reply = reply_read(waiting, true);
    assert_int_equal(reply.status, 200);
    site_free(site);
}

static void a_client_that_hangs_up_stops_nothing(void **state)
{
    struct site *site = *state;
    int fd = begin_upgrade(site, 1);
    struct reply job cleanup_reply = { 0 };

    fd_close(&fd);
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    job = site_do(site, "GET", "/jobs/0000000000000001");
    expect_text(&job, 200, "\"state\": \"succeeded\"");
    assert_int_equal(site->fake.cancel_count, 0);
}

static void a_run_that_fails_is_a_problem_with_the_run_inside(void **state)
{
    struct site *site = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    int fd cleanup_fd = begin_upgrade(site, 1);
    struct reply reply cleanup_reply = { 0 };

    fake_end_job(&site->fake, 0, ERR_STATEMENT_FAILED, "table users already exists");
    reply = reply_read(fd, true);
    expect_text(&reply, 422, "\"detail\": \"table users already exists\"");
    expect_text(&reply, 422, "\"instance\": \"/jobs/0000000000000001\"");
    expect_text(&reply, 422, "\"outcome\": \"failed\"");
    assert_string_equal(reply_header(&reply, "Content-Type", &arena), "application/problem+json");
}

static void what_cannot_be_queued_is_said_at_once(void **state)
{
    struct site *site = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply reply cleanup_reply = { 0 };
    struct reply async cleanup_reply = { 0 };

    site->fake.submit_fails = ERR_QUEUE_FULL;
    reply = site_do(site, "POST", "/upgrade");
    expect_text(&reply, 503, "queue-full");
    assert_string_equal(reply_header(&reply, "Retry-After", &arena), "1");
    async =
        site_ask(site, LISTEN_UNIX, "POST /upgrade HTTP/1.1\r\nHOST\r\nPrefer: respond-async" END);
    expect_text(&async, 503, "queue-full");
}

/* ---- Stopping ---- */

static void *stop(void *data)
{
    struct site *site = data;

    /* Longer than a client's patience. */
    server_stop(site->server, 120000);
    return NULL;
}

static void stopping_waits_for_the_answers_in_flight(void **state)
{
    struct site *site = *state;
    int waiting cleanup_fd = begin_upgrade(site, 1);
    int idle cleanup_fd = site_connect(site, LISTEN_UNIX);
    struct reply health cleanup_reply = { 0 };
    struct reply run cleanup_reply = { 0 };
    pthread_t thread;

    site_send(site, idle, LISTEN_UNIX, GET("/healthz"));
    health = reply_read(idle, true);
    assert_int_equal(pthread_create(&thread, NULL, stop, site), 0);
    /* Who is idle is sent away; who waits is not. */
    assert_true(is_closed_by_server(idle));
    assert_false(is_readable(waiting, 50));
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    run = reply_read(waiting, true);
    expect_text(&run, 200, "succeeded");
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_request_that_was_begun_is_served_while_stopping(void **state)
{
    struct site *site = *state;
    int waiting cleanup_fd = begin_upgrade(site, 1);
    int begun cleanup_fd = site_connect(site, LISTEN_UNIX);
    int idle cleanup_fd = site_connect(site, LISTEN_UNIX);
    struct reply health cleanup_reply = { 0 };
    struct reply reply cleanup_reply = { 0 };
    pthread_t thread;

    site_send(site, begun, LISTEN_UNIX, "GET /heal");
    site_send(site, idle, LISTEN_UNIX, GET("/healthz"));
    health = reply_read(idle, true);
    assert_int_equal(pthread_create(&thread, NULL, stop, site), 0);
    assert_true(is_closed_by_server(idle));
    site_send(site, begun, LISTEN_UNIX, "thz HTTP/1.1\r\nHOST" END);
    reply = reply_read(begun, true);
    assert_int_equal(reply.status, 200);
    /* It is sent away then, while others still wait. */
    assert_true(is_closed_by_server(begun));
    assert_false(is_readable(waiting, 0));
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void stopping_gives_up_with_an_answer_and_the_job_may_end_later(void **state)
{
    struct site *site = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    int fd cleanup_fd = begin_upgrade(site, 1);
    int other cleanup_fd = begin_upgrade(site, 2);
    struct reply reply cleanup_reply = { 0 };

    assert_true(other >= 0);
    server_stop(site->server, 20);
    reply = reply_read(fd, true);
    expect_text(&reply, 503, "\"code\": \"stopping\"");
    expect_text(&reply, 503, "\"instance\": \"/jobs/0000000000000001\"");
    assert_string_equal(reply_header(&reply, "Retry-After", &arena), "5");
    /* One ends, one never does. */
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
}

static void *stop_soon(void *data)
{
    struct site *site = data;

    server_stop(site->server, 20);
    return NULL;
}

static void a_run_asked_for_after_giving_up_is_not_waited_for(void **state)
{
    struct site *site = *state;
    int waiting cleanup_fd = begin_upgrade(site, 1);
    int begun cleanup_fd = site_connect(site, LISTEN_UNIX);
    struct reply health cleanup_reply = { 0 };
    struct reply first cleanup_reply = { 0 };
    struct reply second cleanup_reply = { 0 };
    pthread_t thread;

    site_send(site, begun, LISTEN_UNIX, "POST /upg");
    /* Connections are accepted in order: once a later one was served, this one was accepted. */
    health = site_do(site, "GET", "/healthz");
    assert_int_equal(health.status, 200);
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, site), 0);
    first = reply_read(waiting, true);
    expect_text(&first, 503, "\"code\": \"stopping\"");
    site_send(site, begun, LISTEN_UNIX, "rade HTTP/1.1\r\nHOST" END);
    second = reply_read(begun, true);
    expect_text(&second, 503, "\"code\": \"stopping\"");
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_listening_socket_outlives_its_server(void **state)
{
    struct site *site = site_new();
    int fd = -1;
    struct error err = { 0 };
    struct reply reply cleanup_reply = { 0 };
    int client cleanup_fd = -1;

    (void) state;
    site_start(site);
    server_stop(site->server, 1000);
    server_free(site->server);
    /* As systemd does: it keeps a descriptor of its own, and hands it to the next process. */
    (void) unlink(site->path);
    fd = site_listen_unix(site);
    assert_true(server_new(&site->options, &site->server, &err));
    assert_true(server_listen(site->server, dup(fd), LISTEN_UNIX, &err));
    server_quiesce(site->server);
    client = site_connect(site, LISTEN_UNIX);
    site_send(site, client, LISTEN_UNIX, GET("/healthz"));
    assert_false(is_readable(client, 50));
    server_stop(site->server, 1000);
    server_free(site->server);
    assert_true(server_new(&site->options, &site->server, &err));
    assert_true(server_listen(site->server, fd, LISTEN_UNIX, &err));
    reply = reply_read(client, true);
    assert_int_equal(reply.status, 200);
    site_free(site);
}

static void tcp_listens_on_loopback_only(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };
    int fd = site_listen_tcp(site, INADDR_ANY);

    assert_false(server_listen(site->server, fd, LISTEN_TCP, &err));
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
    assert_string_equal(err.detail, "TCP socket is not on a loopback address");
    /* The socket was taken all the same. */
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, site_setup, site_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(a_connection_serves_many_requests),
        WITH_SITE(pipelined_requests_are_answered_in_order),
        WITH_SITE(a_header_of_10_kilobytes_is_taken_and_one_of_40_is_not),
        cmocka_unit_test(slow_and_silent_clients_are_cut_off),
        cmocka_unit_test(a_byte_now_and_then_does_not_move_the_deadline),
        cmocka_unit_test(connections_are_bounded_and_others_wait_their_turn),
        WITH_SITE(a_post_is_answered_when_its_job_ends),
        WITH_SITE(a_job_may_end_before_submit_returns),
        WITH_SITE(many_wait_at_once_and_each_gets_its_own_answer),
        WITH_SITE(the_connection_goes_on_after_waiting),
        cmocka_unit_test(waiting_has_no_deadline),
        WITH_SITE(a_client_that_hangs_up_stops_nothing),
        WITH_SITE(a_run_that_fails_is_a_problem_with_the_run_inside),
        WITH_SITE(what_cannot_be_queued_is_said_at_once),
        WITH_SITE(stopping_waits_for_the_answers_in_flight),
        WITH_SITE(a_request_that_was_begun_is_served_while_stopping),
        WITH_SITE(stopping_gives_up_with_an_answer_and_the_job_may_end_later),
        WITH_SITE(a_run_asked_for_after_giving_up_is_not_waited_for),
        cmocka_unit_test(a_listening_socket_outlives_its_server),
        WITH_SITE(tcp_listens_on_loopback_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
