/*
 * test_polls.c - GET /current?wait=: answered as soon as the database is where the client wants it.
 */
#include "tests/api/site.h"

#include "base/clock.h"
#include "base/file.h"

#include <string.h>
#include <unistd.h>

#define END "\r\n\r\n"

static void expect_text(const struct reply *reply, unsigned status, const char *text)
{
    if (reply->status != status || strstr(reply->body, text) == NULL)
        fail_msg("answered %u %s, not %u with %s", reply->status, reply->body, status, text);
}

static size_t snapshots_taken(struct site *site)
{
    size_t count = 0;

    pthread_mutex_lock(&site->fake.lock);
    count = site->fake.snapshots_taken;
    pthread_mutex_unlock(&site->fake.lock);
    return count;
}

/* GET this target; its connection, once the database was looked at for it. */
static int begin_poll(struct site *site, const char *target)
{
    struct arena arena cleanup(arena_release) = { 0 };
    int fd = site_connect(site, LISTEN_UNIX);
    size_t before = snapshots_taken(site);

    site_send(site, fd, LISTEN_UNIX, arena_printf(&arena, "GET %s HTTP/1.1\r\nHOST" END, target));
    while (snapshots_taken(site) == before && !is_readable(fd, 1))
        continue;
    return fd;
}

static void set_ready(struct site *site, bool is_ready)
{
    pthread_mutex_lock(&site->fake.lock);
    site->fake.snapshot.is_ready = is_ready;
    site->fake.snapshot.etag++;
    pthread_mutex_unlock(&site->fake.lock);
}

/* The database is at bbbb2222, of aaaa1111 <- bbbb2222 <- cccc3333. */
static void who_is_there_already_does_not_wait(void **state)
{
    static const char *const targets[] = {
        "/current?wait=ready",
        "/current?wait=aaaa1111",
        "/current?wait=bbbb2222",
        "/current?wait=bb",
        "/current?wait=base",
        "/current?wait=current",
        "/current?wait=bbbb2222&timeout=0",
    };
    struct site *site = *state;

    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        struct reply reply cleanup_reply = site_do(site, "GET", targets[i]);

        expect_text(&reply, 200, "\"verdict\": \"behind\"");
    }
}

static void others_are_answered_when_the_database_is_there(void **state)
{
    static const char *const targets[] = {
        "/current?wait=head",
        "/current?wait=cccc3333",
        "/current?wait=blog@head&timeout=1h",
        "/current?wait=heads&timeout=60",
    };
    struct site *site = *state;

    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        int fd cleanup_fd = begin_poll(site, targets[i]);
        struct reply reply cleanup_reply = { 0 };

        /* News of something else. */
        fake_change(&site->fake);
        assert_false(is_readable(fd, 50));
        fake_move(&site->fake, "cccc3333");
        reply = reply_read(fd, true);
        expect_text(&reply, 200, "\"verdict\": \"equal\"");
        fake_move(&site->fake, "bbbb2222");
    }
}

static void ready_is_waited_for(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = -1;
    struct reply reply cleanup_reply = { 0 };

    set_ready(site, false);
    fd = begin_poll(site, "/current?wait=ready");
    assert_false(is_readable(fd, 50));
    set_ready(site, true);
    fake_change(&site->fake);
    reply = reply_read(fd, true);
    expect_text(&reply, 200, "\"ready\": true");
}

static void what_others_commit_is_noticed_without_an_event(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = begin_poll(site, "/current?wait=head");
    struct reply reply cleanup_reply = { 0 };

    fake_move_silently(&site->fake, "cccc3333");
    reply = reply_read(fd, true);
    expect_text(&reply, 200, "\"verdict\": \"equal\"");
}

/* Without events each round would take as long as a look takes to come: 125 ms on average. */
static void an_event_is_faster_than_the_next_look(void **state)
{
    enum {
        ROUNDS = 40
    };
    struct site *site = *state;
    int64_t begun_us = clock_monotonic_us();

    for (size_t i = 0; i < ROUNDS; i++) {
        int fd cleanup_fd = begin_poll(site, "/current?wait=head");
        struct reply reply cleanup_reply = { 0 };

        fake_move(&site->fake, "cccc3333");
        reply = reply_read(fd, true);
        assert_int_equal(reply.status, 200);
        fake_move(&site->fake, "bbbb2222");
    }
    assert_true(clock_monotonic_us() - begun_us < ROUNDS * INT64_C(80000));
}

static void waiting_looks_four_times_a_second(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = begin_poll(site, "/current?wait=head");
    size_t before = snapshots_taken(site);
    size_t looks = 0;

    assert_false(is_readable(fd, 1000));
    looks = snapshots_taken(site) - before;
    assert_in_range(looks, 1, 5);
}

static void when_the_time_is_over_the_status_is_said(void **state)
{
    struct site *site = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    int64_t begun_us = clock_monotonic_us();
    struct reply reply cleanup_reply = site_do(site, "GET", "/current?wait=cccc3333&timeout=300ms");

    assert_true(clock_monotonic_us() - begun_us >= 300000);
    expect_text(&reply, 503, "\"code\": \"not-ready\"");
    expect_text(&reply, 503, "\"detail\": \"at bbbb2222\"");
    assert_string_equal(reply_header(&reply, "Retry-After", &arena), "1");
}

static void what_makes_no_sense_is_refused_at_once(void **state)
{
    static const struct {
        const char *target;
        unsigned status;
        const char *text;
    } rows[] = {
        { "/current?wait=dddd4444", 404, "\"code\": \"revision-unknown\"" },
        { "/current?timeout=1s", 400, "argument 'timeout' needs an argument 'wait'" },
        { "/current?wait=head&timeout=soon", 400, "argument 'timeout' must be a duration" },
        { "/current?wait=head&timeout=61m", 400, "of at most 1h" },
        { "/current?wait=head&timeout=-1", 400, "argument 'timeout' must be a duration" },
        { "/current?wait=head&timeout=", 400, "argument 'timeout' must be a duration" },
        { "/current?for=head", 400, "does not take an argument 'for'" },
    };
    struct site *site = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct reply reply cleanup_reply = site_do(site, "GET", rows[i].target);

        expect_text(&reply, rows[i].status, rows[i].text);
    }
}

static void scripts_that_cannot_be_read_are_waited_with(void **state)
{
    struct site *site = *state;
    const struct graph *graph = site->fake.snapshot.graph;
    int fd cleanup_fd = -1;
    struct reply reply cleanup_reply = { 0 };

    site->fake.snapshot.graph = NULL;
    fd = begin_poll(site, "/current?wait=aaaa1111");
    assert_false(is_readable(fd, 50));
    pthread_mutex_lock(&site->fake.lock);
    site->fake.snapshot.graph = graph;
    pthread_mutex_unlock(&site->fake.lock);
    reply = reply_read(fd, true);
    assert_int_equal(reply.status, 200);
}

static void the_answer_heeds_what_the_client_knows(void **state)
{
    struct site *site = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply known cleanup_reply = { 0 };
    struct reply reply cleanup_reply = { 0 };
    int fd cleanup_fd = site_connect(site, LISTEN_UNIX);

    known = site_do(site, "GET", "/current");
    site_send(site, fd, LISTEN_UNIX,
              arena_printf(&arena,
                           "GET /current?wait=ready HTTP/1.1\r\nHOST\r\nIf-None-Match: %s" END,
                           reply_header(&known, "ETag", &arena)));
    reply = reply_read(fd, false);
    assert_int_equal(reply.status, 304);
}

static void the_connection_goes_on_after_a_poll(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = begin_poll(site, "/current?wait=head");
    struct reply poll_reply cleanup_reply = { 0 };
    struct reply health cleanup_reply = { 0 };

    fake_move(&site->fake, "cccc3333");
    poll_reply = reply_read(fd, true);
    assert_int_equal(poll_reply.status, 200);
    site_send(site, fd, LISTEN_UNIX, "GET /healthz HTTP/1.1\r\nHOST" END);
    health = reply_read(fd, true);
    assert_int_equal(health.status, 200);
}

static bool metrics_have(struct site *site, const char *line)
{
    struct reply reply cleanup_reply = site_do(site, "GET", "/metrics");

    return strstr(reply.body, line) != NULL;
}

static void waiting_is_counted_but_not_as_time_spent(void **state)
{
    struct site *site = *state;
    int64_t begun_us = 0;
    int fd cleanup_fd = begin_poll(site, "/current?wait=head");
    struct reply reply cleanup_reply = { 0 };

    assert_true(metrics_have(site, "schemad_http_waiting 1\n"));
    assert_false(is_readable(fd, 300));
    fake_move(&site->fake, "cccc3333");
    reply = reply_read(fd, true);
    assert_int_equal(reply.status, 200);
    assert_true(metrics_have(
        site, "schemad_http_request_duration_seconds_bucket{route=\"/current\",le=\"0.1\"} 1\n"));
    /* The connection is done with its answer a little after the client has it. */
    begun_us = clock_monotonic_us();
    while (!metrics_have(site, "schemad_http_waiting 0\n"))
        assert_true(clock_monotonic_us() - begun_us < 20 * INT64_C(1000000));
}

/* ---- How many ---- */

static struct site *site_of_two(void)
{
    struct site *site = site_new();

    site->options.connections_max = 4;
    site_start(site);
    return site;
}

static void half_of_the_connections_may_wait(void **state)
{
    struct site *site = site_of_two();
    struct arena arena cleanup(arena_release) = { 0 };
    int first cleanup_fd = begin_poll(site, "/current?wait=head");
    int second cleanup_fd = begin_poll(site, "/current?wait=head");
    struct reply third cleanup_reply = site_do(site, "GET", "/current?wait=head");
    struct reply one cleanup_reply = { 0 };
    struct reply other cleanup_reply = { 0 };

    (void) state;
    expect_text(&third, 503, "too many requests wait already");
    expect_text(&third, 503, "\"code\": \"queue-full\"");
    assert_string_equal(reply_header(&third, "Retry-After", &arena), "1");
    fake_move(&site->fake, "cccc3333");
    one = reply_read(first, true);
    other = reply_read(second, true);
    assert_int_equal(one.status, 200);
    assert_int_equal(other.status, 200);
    site_free(site);
}

static void who_hangs_up_makes_room(void **state)
{
    struct site *site = site_of_two();
    int first = begin_poll(site, "/current?wait=head&timeout=1h");
    int second = begin_poll(site, "/current?wait=head&timeout=1h");
    unsigned status = 503;

    (void) state;
    fd_close(&first);
    fd_close(&second);
    for (int64_t begun_us = clock_monotonic_us();
         status == 503 && clock_monotonic_us() - begun_us < 20 * INT64_C(1000000);) {
        struct reply reply cleanup_reply = site_do(site, "GET", "/current?wait=aaaa1111");
        struct reply third cleanup_reply = site_do(site, "GET", "/current?wait=head&timeout=0");

        assert_int_equal(reply.status, 200);
        status = strstr(third.body, "queue-full") != NULL ? 503 : 200;
        fake_change(&site->fake);
    }
    assert_int_equal(status, 200);
    site_free(site);
}

/* ---- Stopping ---- */

static void *stop(void *data)
{
    struct site *site = data;

    /* Longer than a client's patience. */
    server_stop(site->server, 120000);
    return NULL;
}

static void stopping_does_not_wait_for_polls(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = begin_poll(site, "/current?wait=head&timeout=1h");
    int64_t begun_us = clock_monotonic_us();
    struct reply reply cleanup_reply = { 0 };

    server_stop(site->server, 120000);
    assert_true(clock_monotonic_us() - begun_us < 20 * INT64_C(1000000));
    reply = reply_read(fd, true);
    expect_text(&reply, 503, "\"code\": \"stopping\"");
}

static void a_job_under_way_can_still_bring_it(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = -1;
    struct reply reply cleanup_reply = { 0 };
    pthread_t thread;

    site_submit(site);
    fd = begin_poll(site, "/current?wait=head&timeout=1h");
    assert_int_equal(pthread_create(&thread, NULL, stop, site), 0);
    assert_false(is_readable(fd, 100));
    fake_run_job(&site->fake, 0, 500);
    assert_false(is_readable(fd, 100));
    fake_move(&site->fake, "cccc3333");
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    reply = reply_read(fd, true);
    expect_text(&reply, 200, "\"verdict\": \"equal\"");
    assert_int_equal(pthread_join(thread, NULL), 0);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, site_setup, site_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(who_is_there_already_does_not_wait),
        WITH_SITE(others_are_answered_when_the_database_is_there),
        WITH_SITE(ready_is_waited_for),
        WITH_SITE(what_others_commit_is_noticed_without_an_event),
        WITH_SITE(an_event_is_faster_than_the_next_look),
        WITH_SITE(waiting_looks_four_times_a_second),
        WITH_SITE(when_the_time_is_over_the_status_is_said),
        WITH_SITE(what_makes_no_sense_is_refused_at_once),
        WITH_SITE(scripts_that_cannot_be_read_are_waited_with),
        WITH_SITE(the_answer_heeds_what_the_client_knows),
        WITH_SITE(the_connection_goes_on_after_a_poll),
        WITH_SITE(waiting_is_counted_but_not_as_time_spent),
        cmocka_unit_test(half_of_the_connections_may_wait),
        cmocka_unit_test(who_hangs_up_makes_room),
        WITH_SITE(stopping_does_not_wait_for_polls),
        WITH_SITE(a_job_under_way_can_still_bring_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
