/*
 * test_streams.c - streams of events as connections: idle, slow, dead, many, and stopping.
 */
#include "tests/api/stream.h"

#include "base/clock.h"
#include "base/file.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#define END         "\r\n\r\n"
#define JOB_1       "/jobs/0000000000000001/events"
#define GET(target) "GET " target " HTTP/1.1\r\nHOST" END

/* ---- With nothing to say ---- */

static int64_t cpu_us(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * INT64_C(1000000) + used.tv_nsec / 1000;
}

static void an_idle_stream_costs_nothing(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;
    size_t snapshots = 0;
    int64_t before_us = 0;

    stream_begin(&stream, site, GET("/events"));
    EXPECT(&stream, "1000 current behind");
    snapshots = site->fake.snapshots_taken;
    before_us = cpu_us();
    assert_false(is_readable(stream.fd, 1000));
    assert_true(cpu_us() - before_us < 100000);
    assert_int_equal(site->fake.snapshots_taken, snapshots);
}

static struct site *site_with_signs_of_life(void)
{
    struct site *site = site_new();

    site->options.stream_alive_ms = 20;
    site->options.connections_max = 4;
    site_start(site);
    return site;
}

static void a_silent_stream_shows_that_it_is_alive(void **state)
{
    struct site *site = site_with_signs_of_life();
    struct stream stream;

    (void) state;
    stream_begin(&stream, site, GET("/events"));
    EXPECT(&stream, "1000 current behind", ": alive", ": alive", ": alive");
    site_submit(site);
    for (const char *event = ": alive"; strcmp(event, "1001 job queued 0") != 0;) {
        event = stream_event(&stream);
        assert_true(event[0] == ':' || strcmp(event, "1001 job queued 0") == 0);
    }
    stream_end(&stream);
    site_free(site);
}

static void a_client_that_hangs_up_makes_room(void **state)
{
    struct site *site = site_with_signs_of_life();
    struct stream streams[2];
    unsigned status = 503;
    int64_t begun_us = clock_monotonic_us();

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
        stream_begin(&streams[i], site, GET("/events"));
    for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
        stream_end(&streams[i]);
    while (status == 503 && clock_monotonic_us() - begun_us < 20 * INT64_C(1000000)) {
        int fd cleanup_fd = site_connect(site, LISTEN_UNIX);
        struct reply reply cleanup_reply = { 0 };

        site_send(site, fd, LISTEN_UNIX, GET("/events"));
        reply = reply_read(fd, false);
        status = reply.status;
    }
    assert_int_equal(status, 200);
    site_free(site);
}

static void half_of_the_connections_may_be_streams(void **state)
{
    struct site *site = site_with_signs_of_life();
    struct stream streams[2];
    struct reply third cleanup_reply = { 0 };
    struct reply head cleanup_reply = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
        stream_begin(&streams[i], site, GET("/events"));
    third = site_do(site, "GET", "/events");
    assert_int_equal(third.status, 503);
    assert_non_null(strstr(third.body, "too many requests wait already"));
    assert_non_null(strstr(third.head, "Retry-After: 1"));
    /* Headers wait for nothing. */
    head = site_ask(site, LISTEN_UNIX, "HEAD /events HTTP/1.1\r\nHOST" END);
    assert_int_equal(head.status, 200);
    for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
        stream_end(&streams[i]);
    site_free(site);
}

/* ---- Many, and slow ones ---- */

static void sixty_four_hear_the_same(void **state)
{
    static struct stream streams[64];
    struct site *site = site_new();

    (void) state;
    site->options.connections_max = 130;
    site_start(site);
    for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
        stream_begin(&streams[i], site, GET("/events"));
        EXPECT(&streams[i], "1000 current behind");
    }
    site_submit(site);
    for (unsigned i = 1; i <= 100; i++)
        fake_run_job(&site->fake, 0, i);
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
        const char *event = NULL;

        for (unsigned number = 1001; number <= 1102; number++) {
            struct arena arena cleanup(arena_release) = { 0 };

            event = stream_event(&streams[i]);
            assert_true(str_starts_with(str_of(event), arena_printf(&arena, "%u job ", number)));
        }
        assert_string_equal(event, "1102 job succeeded 1000");
        stream_end(&streams[i]);
    }
    site_free(site);
}

/* More than sockets hold. */
static void say_much(struct site *site)
{
    for (unsigned i = 1; i <= 2000; i++)
        fake_run_job(&site->fake, 0, i % 1000);
}

static void a_slow_reader_hears_of_what_it_missed(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;
    struct reply health cleanup_reply = { 0 };
    uint64_t gaps = 0;
    uint64_t last = 0;
    const char *event = NULL;

    site_submit(site);
    stream_begin(&stream, site, GET(JOB_1));
    say_much(site);
    /* Others are served meanwhile. */
    health = site_do(site, "GET", "/healthz");
    assert_int_equal(health.status, 200);
    fake_forget_events(&site->fake);
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    while ((event = stream_event(&stream)) != NULL) {
        uint64_t number = 0;

        assert_true(str_to_u64(str_sub(str_of(event), 0, 4), UINT64_MAX, &number));
        assert_true(number >= last);
        last = number;
        gaps += strstr(event, " gap ") != NULL;
        if (gaps > 0)
            break;
    }
    assert_int_equal(gaps, 1);
    EXPECT(&stream, "3002 job succeeded 1000");
    expect_over(&stream);
}

static void a_dead_reader_is_cut_off(void **state)
{
    struct site *site = site_new();
    struct stream stream;
    struct pollfd hangup = { 0 };

    (void) state;
    site->options.request_timeout_ms = 200;
    site_start(site);
    site_submit(site);
    stream_begin(&stream, site, GET(JOB_1));
    EXPECT(&stream, "1001 job queued 0");
    /* Silence is no reason, ... */
    hangup = (struct pollfd){ .fd = stream.fd, .events = POLLRDHUP };
    assert_int_equal(poll(&hangup, 1, 500), 0);
    /* ... not reading is. */
    say_much(site);
    assert_int_equal(poll(&hangup, 1, 20000), 1);
    stream_end(&stream);
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

static void stopping_does_not_wait_for_idle_streams(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;
    int64_t begun_us = 0;

    stream_begin(&stream, site, GET("/events"));
    EXPECT(&stream, "1000 current behind");
    begun_us = clock_monotonic_us();
    server_stop(site->server, 120000);
    assert_true(clock_monotonic_us() - begun_us < 20 * INT64_C(1000000));
    expect_over(&stream);
}

static void stopping_does_not_wait_for_who_has_gone(void **state)
{
    struct site *site = *state;
    struct stream stream;
    int64_t begun_us = 0;

    site_submit(site);
    stream_begin(&stream, site, GET(JOB_1));
    EXPECT(&stream, "1001 job queued 0");
    stream_end(&stream);
    /* The job goes on. */
    begun_us = clock_monotonic_us();
    server_stop(site->server, 120000);
    assert_true(clock_monotonic_us() - begun_us < 20 * INT64_C(1000000));
}

static void a_stream_sees_the_end_of_the_last_job(void **state)
{
    static const char *const requests[] = { GET("/events"), GET(JOB_1) };
    struct site *site = *state;
    struct stream streams[ARRAY_SIZE(requests)];
    pthread_t thread;

    site_submit(site);
    fake_run_job(&site->fake, 0, 1);
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
        stream_begin(&streams[i], site, requests[i]);
    EXPECT(&streams[0], "1002 current behind");
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
        EXPECT(&streams[i], "1002 job running 1");
    assert_int_equal(pthread_create(&thread, NULL, stop, site), 0);
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
        assert_false(is_readable(streams[i].fd, 150));
    fake_run_job(&site->fake, 0, 2);
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        EXPECT(&streams[i], "1003 job running 2", "1004 job succeeded 1000");
        expect_over(&streams[i]);
        stream_end(&streams[i]);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void giving_up_ends_streams_properly(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;

    site_submit(site);
    stream_begin(&stream, site, GET(JOB_1));
    EXPECT(&stream, "1001 job queued 0");
    server_stop(site->server, 20);
    expect_over(&stream);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, site_setup, site_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(an_idle_stream_costs_nothing),
        cmocka_unit_test(a_silent_stream_shows_that_it_is_alive),
        cmocka_unit_test(a_client_that_hangs_up_makes_room),
        cmocka_unit_test(half_of_the_connections_may_be_streams),
        cmocka_unit_test(sixty_four_hear_the_same),
        WITH_SITE(a_slow_reader_hears_of_what_it_missed),
        cmocka_unit_test(a_dead_reader_is_cut_off),
        WITH_SITE(stopping_does_not_wait_for_idle_streams),
        WITH_SITE(stopping_does_not_wait_for_who_has_gone),
        WITH_SITE(a_stream_sees_the_end_of_the_last_job),
        WITH_SITE(giving_up_ends_streams_properly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
