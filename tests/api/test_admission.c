/*
 * test_admission.c - what comes in: raw bytes on a real socket, and the status they get.
 *
 * HOST, PORT and TOKEN in the bytes are put in by site_send().
 * Who comes in is in test_access.c.
 */
#include "tests/api/site.h"

#include "base/clock.h"
#include "base/file.h"

#include <string.h>

#define END "\r\n\r\n"

static void framing_that_two_parsers_could_read_differently_is_refused(void **state)
{
    static const struct site_row rows[] = {
        { "GET /healthz HTTP/1.1\r\nHOST" END, 200, NULL },
        { "GET /healthz HTTP/1.1" END, 400, "request-malformed" },
        { "GET /healthz HTTP/1.1\r\nHOST\r\nHOST" END, 400, "request-malformed" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 2\r\nContent-Length: 3\r\n"
          "Content-Type: application/json" END "{} ",
          400, "request-malformed" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length : 2\r\n"
          "Content-Type: application/json" END "{}",
          400, "request-malformed" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
          "Content-Type: application/json" END "0\r\n\r\n",
          400, "request-malformed" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nTransfer-Encoding: gzip, chunked\r\n"
          "Content-Type: application/json" END "0\r\n\r\n",
          400, "request-malformed" },
        { "GET /healthz HTTP/1.1\r\nHOST\r\nAuthorization: Bearer a\r\n"
          "Authorization: Bearer b" END,
          400, "request-malformed" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 2\r\n"
          "Content-Type: application/json\r\nContent-Type: text/plain" END "{}",
          400, "request-malformed" },
        { "GET /healthz HTTP/1.1\r\nHOST\r\nX(y): z" END, 400, "request-malformed" },
        { "GET /healthz HTTP/1.1\r\nHOST\r\nX: a\x01z" END, 400, "request-malformed" },
    };

    site_expect(*state, LISTEN_UNIX, rows, ARRAY_SIZE(rows));
}

static void malformed_requests_end_their_connection(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = site_connect(site, LISTEN_UNIX);
    struct reply reply cleanup_reply = { 0 };

    /* The second "request" is the body of the first, to whoever reads the odd header. */
    site_send(site, fd, LISTEN_UNIX,
              "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length : 40" END
              "GET /healthz HTTP/1.1\r\nHOST" END);
    reply = reply_read(fd, true);
    assert_int_equal(reply.status, 400);
    assert_true(is_closed_by_server(fd));
}

static void targets_are_taken_raw_and_decoded_once(void **state)
{
    static const struct site_row rows[] = {
        { "GET /%68ealthz HTTP/1.1\r\nHOST" END, 200, NULL },
        { "GET /%2568ealthz HTTP/1.1\r\nHOST" END, 404, "not-found" },
        { "GET http://localhost/healthz HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
        { "GET * HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
        { "GET /jobs/a%00b HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
        { "GET /jobs%2fa HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
        { "GET /jobs/%5C HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
        { "GET /jobs/../healthz HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
        { "GET /jobs/%2e%2E HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
        { "GET /jobs/%0d%0aX:y HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
        { "GET /jobs/%c3%28 HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
        { "GET /jobs/\xc3\xa4 HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
        { "GET /healthz#a HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
        { "GET /jobs/%4 HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
        { "GET /a/b/c/d/e HTTP/1.1\r\nHOST" END, 400, "request-malformed" },
    };

    site_expect(*state, LISTEN_UNIX, rows, ARRAY_SIZE(rows));
}

static void paths_methods_and_parameters_are_looked_up_whole(void **state)
{
    static const struct site_row rows[] = {
        { "GET / HTTP/1.1\r\nHOST" END, 404, "not-found" },
        { "GET /healthz/ HTTP/1.1\r\nHOST" END, 404, "not-found" },
        { "GET /healthzz HTTP/1.1\r\nHOST" END, 404, "not-found" },
        { "GET /jobs/ HTTP/1.1\r\nHOST" END, 404, "not-found" },
        { "GET //healthz HTTP/1.1\r\nHOST" END, 404, "not-found" },
        { "POST /healthz HTTP/1.1\r\nHOST" END, 405, "method-not-allowed" },
        { "get /healthz HTTP/1.1\r\nHOST" END, 405, "method-not-allowed" },
        { "OPTIONS /upgrade HTTP/1.1\r\nHOST" END, 405, "method-not-allowed" },
        { "BREW /upgrade HTTP/1.1\r\nHOST" END, 405, "method-not-allowed" },
        { "GET /healthz?a=b HTTP/1.1\r\nHOST" END, 400, "argument-invalid" },
        { "GET /jobs?limit=5&limits=6 HTTP/1.1\r\nHOST" END, 400, "argument-invalid" },
    };

    site_expect(*state, LISTEN_UNIX, rows, ARRAY_SIZE(rows));
}

static void allow_names_the_methods_of_the_path(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply one cleanup_reply = site_do(*state, "PUT", "/jobs/0000000000000001");
    struct reply other cleanup_reply = site_do(*state, "GET", "/upgrade");

    assert_string_equal(reply_header(&one, "Allow", &arena), "DELETE, GET, HEAD");
    assert_string_equal(reply_header(&other, "Allow", &arena), "POST");
}

static void bodies_are_json_small_and_only_where_one_is_taken(void **state)
{
    static const struct site_row rows[] = {
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 0" END, 200, NULL },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 2\r\n"
          "Content-Type: application/json" END "{}",
          200, NULL },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 2\r\n"
          "Content-Type: Application/JSON; charset=utf-8" END "{}",
          200, NULL },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nTransfer-Encoding: chunked\r\n"
          "Content-Type: application/json" END "2\r\n{}\r\n0\r\n\r\n",
          200, NULL },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 2\r\n"
          "Content-Type: text/plain" END "{}",
          415, "media-type" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 2" END "{}", 415, "media-type" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 2\r\n"
          "Content-Type: application/jsonx" END "{}",
          415, "media-type" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 65537\r\n"
          "Content-Type: application/json" END,
          413, "body-too-large" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 999999999999\r\n"
          "Content-Type: application/json\r\nExpect: 100-continue" END,
          413, "body-too-large" },
        { "GET /healthz HTTP/1.1\r\nHOST\r\nContent-Length: 2\r\n"
          "Content-Type: application/json" END "{}",
          400, "request-malformed" },
        { "DELETE /jobs/0000000000000001 HTTP/1.1\r\nHOST\r\nTransfer-Encoding: chunked" END
          "0\r\n\r\n",
          400, "request-malformed" },
    };
    struct site *site = *state;

    site->fake.ends_at_once = true;
    site_expect(site, LISTEN_UNIX, rows, ARRAY_SIZE(rows));
}

static void a_refused_body_is_not_read(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = site_connect(site, LISTEN_TCP);
    struct reply reply cleanup_reply = { 0 };

    /* Neither asked for (100) nor waited for. */
    site_send(site, fd, LISTEN_TCP,
              "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 1000\r\n"
              "Content-Type: application/json\r\nExpect: 100-continue" END);
    reply = reply_read(fd, true);
    assert_int_equal(reply.status, 401);
    assert_true(is_closed_by_server(fd));
}

/* Closing on a client that still writes can take the answer from it; a body that is short enough to
 * be taken is read and dropped, and the connection lives on. */
static void a_refused_body_that_is_short_is_read_and_dropped(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = site_connect(site, LISTEN_TCP);
    struct reply reply cleanup_reply = { 0 };
    struct reply second cleanup_reply = { 0 };

    site_send(site, fd, LISTEN_TCP,
              "POST /upgrade HTTP/1.1\r\nHOST\r\nContent-Length: 2\r\n"
              "Content-Type: text/plain" END);
    site_send(site, fd, LISTEN_TCP, "{}");
    reply = reply_read(fd, true);
    assert_int_equal(reply.status, 401);
    site_send(site, fd, LISTEN_TCP, "GET /healthz HTTP/1.1\r\nHOST" END);
    second = reply_read(fd, true);
    assert_int_equal(second.status, 200);
    assert_int_equal(site->fake.job_count, 0);
}

static void bodies_without_a_length_are_counted(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = site_connect(site, LISTEN_UNIX);
    struct reply reply cleanup_reply = { 0 };
    struct arena arena cleanup(arena_release) = { 0 };
    char *spaces = arena_alloc(&arena, 0x8001);

    memset(spaces, ' ', 0x8000);
    site_send(site, fd, LISTEN_UNIX,
              "POST /upgrade HTTP/1.1\r\nHOST\r\nTransfer-Encoding: chunked\r\n"
              "Content-Type: application/json" END);
    for (size_t i = 0; i < 3; i++) {
        site_send(site, fd, LISTEN_UNIX, "8000\r\n");
        site_send(site, fd, LISTEN_UNIX, spaces);
        site_send(site, fd, LISTEN_UNIX, "\r\n");
    }
    site_send(site, fd, LISTEN_UNIX, "0\r\n\r\n");
    reply = reply_read(fd, true);
    assert_int_equal(reply.status, 413);
    assert_int_equal(site->fake.job_count, 0);
}

/* ---- Where from ---- */

static void tcp_answers_to_its_own_name_only(void **state)
{
    static const struct site_row rows[] = {
        { "GET /current HTTP/1.1\r\nHost: localhost:PORT" END, 200, NULL },
        { "GET /current HTTP/1.1\r\nHost: LocalHost:PORT" END, 200, NULL },
        { "GET /current HTTP/1.1\r\nHost: 127.0.0.1:PORT" END, 200, NULL },
        { "GET /current HTTP/1.1\r\nHost: [::1]:PORT" END, 200, NULL },
        { "GET /current HTTP/1.1\r\nHost: localhost" END, 403, "forbidden" },
        { "GET /current HTTP/1.1\r\nHost: localhost:1" END, 403, "forbidden" },
        { "GET /current HTTP/1.1\r\nHost: evil.example:PORT" END, 403, "forbidden" },
        { "POST /upgrade HTTP/1.1\r\nHost: evil.example:PORT\r\n"
          "Authorization: Bearer TOKEN" END,
          403, "forbidden" },
        { "GET /current HTTP/1.1\r\nHost: localhost:PORT.evil.example" END, 403, "forbidden" },
    };

    site_expect(*state, LISTEN_TCP, rows, ARRAY_SIZE(rows));
}

static void web_pages_are_refused(void **state)
{
    static const struct site_row rows[] = {
        { "GET /current HTTP/1.1\r\nHOST\r\nOrigin: https://evil.example" END, 403, "forbidden" },
        { "GET /current HTTP/1.1\r\nHOST\r\nOrigin: null" END, 403, "forbidden" },
        { "GET /current HTTP/1.1\r\nHOST\r\nOrigin: http://localhost:PORT" END, 403, "forbidden" },
        { "GET /current HTTP/1.1\r\nHOST\r\nSec-Fetch-Site: cross-site" END, 403, "forbidden" },
        { "GET /current HTTP/1.1\r\nHOST\r\nSec-Fetch-Site: same-site" END, 403, "forbidden" },
        { "GET /current HTTP/1.1\r\nHOST\r\nSec-Fetch-Site: none" END, 200, NULL },
        { "GET /current HTTP/1.1\r\nHOST\r\nSec-Fetch-Site: same-origin" END, 200, NULL },
    };
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply reply cleanup_reply = { 0 };

    site_expect(*state, LISTEN_TCP, rows, ARRAY_SIZE(rows));
    site_expect(*state, LISTEN_UNIX, rows, ARRAY_SIZE(rows));
    reply = site_ask(*state, LISTEN_TCP, rows[0].bytes);
    assert_null(reply_header(&reply, "Access-Control-Allow-Origin", &arena));
}

/* ---- The log ---- */

static void refusals_are_logged_on_one_line_without_the_token(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct site *site = *state;
    struct reply refused cleanup_reply =
        site_ask(site, LISTEN_TCP,
                 "POST /upgrade?reason=a%0aFORGED HTTP/1.1\r\nHOST\r\n"
                 "Authorization: Bearer wrong-secret" END);
    struct reply odd cleanup_reply =
        site_ask(site, LISTEN_UNIX, "GET /\x1b[31m\xff\\ HTTP/1.1\r\nHOST" END);
    struct reply read cleanup_reply = site_do(site, "GET", "/current");
    struct reply unknown cleanup_reply = site_do(site, "GET", "/revisions/nothing");
    const char *log = site_log(site, &arena);

    assert_int_equal(refused.status, 401);
    assert_int_equal(odd.status, 400);
    assert_int_equal(read.status, 200);
    assert_int_equal(unknown.status, 404);
    assert_non_null(strstr(log, "5 POST /upgrade?reason=a%0aFORGED: 401 after "));
    assert_non_null(strstr(log, "6 GET /\\x1b[31m\\xff\\x5c: 400 after "));
    assert_null(strstr(log, "secret"));
    assert_null(strstr(log, "/current"));
    assert_null(strstr(log, "/revisions"));
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        count++;
    }
    return count;
}

static void the_log_is_not_filled_with_refusals(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    int64_t begun_us = clock_monotonic_us();
    size_t logged = 0;
    size_t allowed = 0;

    for (unsigned i = 0; i < 100; i++) {
        struct reply reply cleanup_reply =
            site_ask(*state, LISTEN_UNIX, "GET /current HTTP/1.1\r\nHOST\r\nOrigin: null" END);

        assert_int_equal(reply.status, 403);
    }
    logged = count_of(site_log(*state, &arena), "5 GET /current: 403 after ");
    /* Ten at once, and one for each second that this took. */
    allowed = 10 + (size_t) ((clock_monotonic_us() - begun_us) / 1000000);
    assert_in_range(logged, 10, allowed);
}

static void reads_are_logged_if_asked_for(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct site *site = site_new();
    struct reply read cleanup_reply = { 0 };

    (void) state;
    site->options.logs_reads = true;
    site_start(site);
    read = site_do(site, "GET", "/current");
    assert_int_equal(read.status, 200);
    assert_non_null(strstr(site_log(site, &arena), "7 GET /current: 200 after "));
    site_free(site);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, site_setup, site_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(framing_that_two_parsers_could_read_differently_is_refused),
        WITH_SITE(malformed_requests_end_their_connection),
        WITH_SITE(targets_are_taken_raw_and_decoded_once),
        WITH_SITE(paths_methods_and_parameters_are_looked_up_whole),
        WITH_SITE(allow_names_the_methods_of_the_path),
        WITH_SITE(bodies_are_json_small_and_only_where_one_is_taken),
        WITH_SITE(a_refused_body_is_not_read),
        WITH_SITE(a_refused_body_that_is_short_is_read_and_dropped),
        WITH_SITE(bodies_without_a_length_are_counted),
        WITH_SITE(tcp_answers_to_its_own_name_only),
        WITH_SITE(web_pages_are_refused),
        WITH_SITE(refusals_are_logged_on_one_line_without_the_token),
        WITH_SITE(the_log_is_not_filled_with_refusals),
        cmocka_unit_test(reads_are_logged_if_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
