/*
 * test_events.c - GET /events and GET /jobs/{id}/events: which events a client gets, in which form.
 */
#include "tests/api/stream.h"

#include "base/clock.h"
#include "base/file.h"

#include <string.h>
#include <sys/socket.h>

#define END         "\r\n\r\n"
#define JOB_1       "/jobs/0000000000000001/events"
#define GET(target) "GET " target " HTTP/1.1\r\nHOST" END
#define LAST(id)    "\r\nLast-Event-ID: " id

/* ---- What is sent ---- */

static void a_stream_says_what_it_is(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;

    stream_begin(&stream, site, GET("/events"));
    expect_stream_header(&stream, "Content-Type", "text/event-stream");
    expect_stream_header(&stream, "Cache-Control", "no-store");
    expect_stream_header(&stream, "X-Accel-Buffering", "no");
    expect_stream_header(&stream, "X-Content-Type-Options", "nosniff");
    expect_stream_header(&stream, "Transfer-Encoding", "chunked");
}

static void everything_begins_with_how_things_are(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;

    site_submit(site);
    site_submit(site);
    site_submit(site);
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    fake_run_job(&site->fake, 1, 250);
    stream_begin(&stream, site, GET("/events"));
    EXPECT(&stream, "1005 current behind", "1005 job running 250", "1005 job queued 0");
}

static void everything_goes_on_as_it_happens(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;

    stream_begin(&stream, site, GET("/events"));
    EXPECT(&stream, "1000 current behind");
    assert_false(is_readable(stream.fd, 50));
    site_submit(site);
    EXPECT(&stream, "1001 job queued 0");
    fake_run_job(&site->fake, 0, 500);
    fake_move(&site->fake, "cccc3333");
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    EXPECT(&stream, "1002 job running 500", "1003 current equal", "1004 job succeeded 1000");
}

static void data_is_one_line_of_json(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;
    const char *block = NULL;

    site_submit(site);
    fake_end_job(&site->fake, 0, ERR_STATEMENT_FAILED, "two\nlines");
    stream_begin(&stream, site, GET(JOB_1));
    block = stream_block(&stream);
    assert_true(str_starts_with(str_of(block),
                                "id: 1002\nevent: job\ndata: {\"id\":\"0000000000000001\","
                                "\"state\":\"failed\",\"phase\":\"done\",\"permille\":1000,"));
    assert_non_null(strstr(block, "\"outcome\":\"failed\""));
    assert_non_null(strstr(block, "\"detail\":\"two\\nlines\""));
    assert_int_equal(block[strlen(block) - 1], '}');
}

static void a_job_is_followed_to_its_end(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;
    struct reply health cleanup_reply = { 0 };

    site_submit(site);
    site_submit(site);
    stream_begin(&stream, site, GET(JOB_1));
    EXPECT(&stream, "1002 job queued 0");
    fake_run_job(&site->fake, 0, 1);
    /* Of others it hears nothing. */
    fake_run_job(&site->fake, 1, 2);
    fake_change(&site->fake);
    fake_run_job(&site->fake, 0, 3);
    EXPECT(&stream, "1003 job running 1", "1006 job running 3");
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    EXPECT(&stream, "1007 job succeeded 1000");
    expect_over(&stream);
    /* And the connection can be used again. */
    site_send(site, stream.fd, LISTEN_UNIX, GET("/healthz"));
    health = reply_read(stream.fd, true);
    assert_int_equal(health.status, 200);
}

static void a_job_that_ended_is_told_of_once(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;

    site_submit(site);
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    stream_begin(&stream, site, GET(JOB_1));
    EXPECT(&stream, "1002 job succeeded 1000");
    expect_over(&stream);
}

/* What came of a run is not known while it runs, though the client hears of that later. */
static void an_event_is_as_it_was_then(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;
    const char *running = NULL;
    const char *ended = NULL;

    site_submit(site);
    fake_run_job(&site->fake, 0, 7);
    fake_end_job(&site->fake, 0, ERR_STATEMENT_FAILED, "no such table");
    stream_begin(&stream, site, "GET " JOB_1 " HTTP/1.1\r\nHOST" LAST("1001") END);
    running = stream_block(&stream);
    assert_non_null(strstr(running, "\"state\":\"running\""));
    assert_non_null(strstr(running, "\"permille\":7,"));
    assert_non_null(strstr(running, "\"outcome\":\"unfinished\""));
    assert_null(strstr(running, "no such table"));
    ended = stream_block(&stream);
    assert_non_null(strstr(ended, "\"state\":\"failed\""));
    assert_non_null(strstr(ended, "no such table"));
    expect_over(&stream);
}

/* ---- Coming back ---- */

static void a_client_that_comes_back_gets_what_it_missed(void **state)
{
    static const char *const requests[] = {
        "GET /events HTTP/1.1\r\nHOST" LAST("1001") END,
        "GET /events?last_event_id=1001 HTTP/1.1\r\nHOST" END,
        /* The header is newer: the client's own doing. */
        "GET /events?last_event_id=1000 HTTP/1.1\r\nHOST" LAST("1001") END,
    };
    struct site *site = *state;

    site_submit(site);
    fake_run_job(&site->fake, 0, 1);
    fake_run_job(&site->fake, 0, 2);
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        struct stream stream cleanup_stream;

        stream_begin(&stream, site, requests[i]);
        EXPECT(&stream, "1002 job running 1", "1003 job running 2");
        assert_false(is_readable(stream.fd, 20));
    }
}

static void more_than_one_batch_is_made_up_for(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;
    unsigned count = 5 * EVENT_BATCH_MAX;

    site_submit(site);
    for (unsigned i = 1; i <= count; i++)
        fake_run_job(&site->fake, 0, i);
    stream_begin(&stream, site, "GET " JOB_1 " HTTP/1.1\r\nHOST" LAST("1001") END);
    for (unsigned i = 1; i <= count; i++) {
        struct arena arena cleanup(arena_release) = { 0 };

        EXPECT(&stream, arena_printf(&arena, "%u job running %u", 1001 + i, i));
    }
}

static void what_is_forgotten_is_a_gap(void **state)
{
    struct site *site = *state;
    struct stream all cleanup_stream;
    struct stream one cleanup_stream;
    struct stream future cleanup_stream;

    site_submit(site);
    fake_run_job(&site->fake, 0, 1);
    fake_forget_events(&site->fake);
    fake_run_job(&site->fake, 0, 2);
    stream_begin(&all, site, "GET /events HTTP/1.1\r\nHOST" LAST("1001") END);
    EXPECT(&all, "1003 gap 1001", "1003 current behind", "1003 job running 2");
    stream_begin(&one, site, "GET " JOB_1 " HTTP/1.1\r\nHOST" LAST("1001") END);
    EXPECT(&one, "1003 gap 1001", "1003 job running 2");
    stream_begin(&future, site, "GET " JOB_1 " HTTP/1.1\r\nHOST" LAST("9999") END);
    EXPECT(&future, "1003 gap 9999", "1003 job running 2");
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    EXPECT(&one, "1004 job succeeded 1000");
    expect_over(&one);
}

static void who_knows_the_end_is_told_to_stop(void **state)
{
    static const struct {
        const char *last;
        unsigned status;
    } rows[] = {
        { "1001", 200 }, { "1002", 204 }, { "1003", 204 }, { "1004", 200 }, { "7", 200 },
    };
    struct site *site = *state;

    site_submit(site);
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    fake_change(&site->fake);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        int fd cleanup_fd = site_connect(site, LISTEN_UNIX);
        struct reply reply cleanup_reply = { 0 };

        site_send(site, fd, LISTEN_UNIX,
                  arena_printf(&arena, "GET " JOB_1 " HTTP/1.1\r\nHOST" LAST("%s") END,
                               rows[i].last));
        reply = reply_read(fd, false);
        assert_int_equal(reply.status, rows[i].status);
        /* RFC 9110 section 8.6: no content has no length. */
        assert_null(reply_header(&reply, "Content-Length", &arena));
    }
}

static void what_is_no_stream_is_a_problem(void **state)
{
    static const struct {
        const char *request;
        unsigned status;
        const char *text;
    } rows[] = {
        { GET(JOB_1), 404, "\"code\": \"job-unknown\"" },
        { GET("/jobs/x/events"), 404, "'x' is not the id of a job" },
        { GET("/jobs//events"), 404, "\"code\": \"not-found\"" },
        { GET("/jobs/0000000000000001/event"), 404, "\"code\": \"not-found\"" },
        { GET("/events/1"), 404, "\"code\": \"not-found\"" },
        { GET("/events?last_event_id=x"), 400, "Last-Event-ID must be the number of an event" },
        { GET("/events?last_event_id="), 400, "Last-Event-ID must be the number of an event" },
        { "GET /events HTTP/1.1\r\nHOST" LAST("-1") END, 400, "must be the number of an event" },
        { GET("/events?x=y"), 400, "does not take an argument 'x'" },
        { "POST /events HTTP/1.1\r\nHOST" END, 405, "only GET, HEAD" },
    };
    struct site *site = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct reply reply cleanup_reply = site_ask(site, LISTEN_UNIX, rows[i].request);

        if (reply.status != rows[i].status || strstr(reply.body, rows[i].text) == NULL)
            fail_msg("%s: %u %s", rows[i].request, reply.status, reply.body);
    }
}

/* ---- HTTP ---- */

static void head_gives_the_headers_only(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;

    stream_open(&stream, site, LISTEN_UNIX, "HEAD /events HTTP/1.1\r\nHOST" END);
    expect_stream_header(&stream, "Content-Type", "text/event-stream");
    assert_true(is_closed_by_server(stream.fd));
}

/* Read on until this text came, or to the end when it is NULL. */
static void read_plain(int fd, struct strbuf *out, const char *text)
{
    char piece[1024];

    while (text == NULL || strstr(strbuf_text(out), text) == NULL) {
        ssize_t n = recv(fd, piece, sizeof(piece), 0);

        assert_true(n >= 0 && (n > 0 || text == NULL));
        if (n == 0)
            return;
        strbuf_add(out, piece, (size_t) n);
    }
}

static void with_http_1_0_the_connection_is_the_end(void **state)
{
    struct site *site = *state;
    struct stream stream cleanup_stream;
    struct strbuf *text = &stream.text;

    site_submit(site);
    stream_open(&stream, site, LISTEN_UNIX, "GET " JOB_1 " HTTP/1.0\r\nHOST" END);
    expect_stream_header(&stream, "Transfer-Encoding", "(none)");
    read_plain(stream.fd, text, "id: 1001\nevent: job\n");
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    read_plain(stream.fd, text, NULL);
    assert_true(str_starts_with(str_of(text->ptr), "retry: 1000\n\nid: 1001\nevent: job\n"));
    assert_non_null(strstr(text->ptr, "\n\nid: 1002\nevent: job\n"));
}

/* Headers and chunks leave at once: were they held back for more, each would take 200 ms. */
static void over_tcp_an_event_is_not_held_back(void **state)
{
    enum {
        ROUNDS = 20
    };
    struct site *site = *state;
    struct stream stream cleanup_stream;
    int64_t begun_us = 0;

    site_submit(site);
    stream_open(&stream, site, LISTEN_TCP, GET(JOB_1));
    assert_string_equal(stream_block(&stream), "retry: 1000");
    EXPECT(&stream, "1001 job queued 0");
    begun_us = clock_monotonic_us();
    for (unsigned i = 1; i <= ROUNDS; i++) {
        struct arena arena cleanup(arena_release) = { 0 };

        fake_run_job(&site->fake, 0, i);
        EXPECT(&stream, arena_printf(&arena, "%u job running %u", 1001 + i, i));
    }
    assert_true(clock_monotonic_us() - begun_us < ROUNDS * INT64_C(100000));
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, site_setup, site_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(a_stream_says_what_it_is),
        WITH_SITE(everything_begins_with_how_things_are),
        WITH_SITE(everything_goes_on_as_it_happens),
        WITH_SITE(data_is_one_line_of_json),
        WITH_SITE(a_job_is_followed_to_its_end),
        WITH_SITE(a_job_that_ended_is_told_of_once),
        WITH_SITE(an_event_is_as_it_was_then),
        WITH_SITE(a_client_that_comes_back_gets_what_it_missed),
        WITH_SITE(more_than_one_batch_is_made_up_for),
        WITH_SITE(what_is_forgotten_is_a_gap),
        WITH_SITE(who_knows_the_end_is_told_to_stop),
        WITH_SITE(what_is_no_stream_is_a_problem),
        WITH_SITE(head_gives_the_headers_only),
        WITH_SITE(with_http_1_0_the_connection_is_the_end),
        WITH_SITE(over_tcp_an_event_is_not_held_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
