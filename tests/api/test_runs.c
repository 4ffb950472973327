/*
 * test_runs.c - POST /upgrade and its like: how long the answer is waited for, what it is when it
 * is asked for twice, and what it is held against.
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

static void expect_header(const struct reply *reply, const char *name, const char *value)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const char *found = reply_header(reply, name, &arena);

    if (value == NULL)
        assert_null(found);
    else
        assert_string_equal(found != NULL ? found : "(none)", value);
}

/* A POST with these header lines ("" for none); its connection. */
static int send_post(struct site *site, const char *target, const char *headers)
{
    struct arena arena cleanup(arena_release) = { 0 };
    int fd = site_connect(site, LISTEN_UNIX);

    site_send(site, fd, LISTEN_UNIX,
              arena_printf(&arena, "POST %s HTTP/1.1\r\nHOST%s%s" END, target,
                           headers[0] != '\0' ? "\r\n" : "", headers));
    return fd;
}

static struct reply post(struct site *site, const char *target, const char *headers)
{
    int fd cleanup_fd = send_post(site, target, headers);

    return reply_read(fd, true);
}

/* ---- How long it is waited for ---- */

static void preferences_say_how_long_to_wait(void **state)
{
    static const struct {
        const char *headers;
        bool ends;
        unsigned status;
        const char *applied;
    } rows[] = {
        { "Prefer: respond-async", false, 202, "respond-async" },
        { "Prefer: wait=0", false, 202, "wait=0" },
        { "Prefer: wait=1", false, 202, "wait=1" },
        { "Prefer: respond-async, wait=0", false, 202, "wait=0" },
        { "Prefer: handling=strict\r\nPrefer: respond-async", false, 202, "respond-async" },
        { "Prefer: wait=60", true, 200, "wait=60" },
        { "Prefer: respond-async\r\nPrefer: wait=60", true, 200, "wait=60" },
        { "Prefer: wait=soon", true, 200, NULL },
        { "", true, 200, NULL },
    };
    struct site *site = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        int fd cleanup_fd = send_post(site, "/upgrade", rows[i].headers);
        struct reply reply cleanup_reply = { 0 };

        fake_wait_jobs(&site->fake, i + 1);
        if (rows[i].ends)
            fake_end_job(&site->fake, i, ERR_OK, NULL);
        reply = reply_read(fd, true);
        expect_text(&reply, rows[i].status, arena_printf(&arena, "\"id\": \"%016zx\"", i + 1));
        expect_header(&reply, "Preference-Applied", rows[i].applied);
        expect_header(&reply, "Location",
                      rows[i].ends ? NULL : arena_printf(&arena, "/jobs/%016zx", i + 1));
        expect_header(&reply, "Retry-After", rows[i].ends ? NULL : "1");
        expect_header(&reply, "Idempotent-Replayed", NULL);
    }
}

static void waiting_ends_at_its_moment_and_not_before(void **state)
{
    struct site *site = *state;
    int64_t begun_us = clock_monotonic_us();
    struct reply reply cleanup_reply = post(site, "/upgrade", "Prefer: wait=1");

    expect_text(&reply, 202, "\"state\": \"queued\"");
    assert_true(clock_monotonic_us() - begun_us >= 1000000);
    /* Nobody waits for the end, and it comes. */
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
}

static void whoever_does_not_wait_gets_202_however_quick_the_job_was(void **state)
{
    struct site *site = *state;
    struct reply reply cleanup_reply = { 0 };
    struct reply replay cleanup_reply = { 0 };

    site->fake.ends_at_once = true;
    reply = post(site, "/upgrade", "Idempotency-Key: k1\r\nPrefer: respond-async");
    expect_text(&reply, 202, "\"state\": \"succeeded\"");
    replay = post(site, "/upgrade", "Idempotency-Key: k1\r\nPrefer: respond-async");
    expect_text(&replay, 200, "\"outcome\": \"succeeded\"");
}

static void a_problem_after_waiting_says_so(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = send_post(site, "/upgrade", "Prefer: wait=60");
    struct reply reply cleanup_reply = { 0 };

    fake_wait_jobs(&site->fake, 1);
    fake_end_job(&site->fake, 0, ERR_STATEMENT_FAILED, "no such table: users");
    reply = reply_read(fd, true);
    expect_text(&reply, 422, "\"instance\": \"/jobs/0000000000000001\"");
    expect_header(&reply, "Preference-Applied", "wait=60");
}

static void nothing_is_answered_before_the_job_is_recorded(void **state)
{
    static const char *const headers[] = { "Prefer: respond-async", "Prefer: wait=0", "" };
    struct site *site = *state;

    site->fake.accepts_later = true;
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        int fd cleanup_fd = send_post(site, "/upgrade", headers[i]);
        struct reply reply cleanup_reply = { 0 };

        fake_wait_jobs(&site->fake, i + 1);
        assert_false(is_readable(fd, 50));
        fake_accept_job(&site->fake, i);
        if (headers[i][0] == '\0') {
            assert_false(is_readable(fd, 50));
            fake_end_job(&site->fake, i, ERR_OK, NULL);
        }
        reply = reply_read(fd, true);
        assert_int_equal(reply.status, headers[i][0] != '\0' ? 202 : 200);
    }
}

static void a_client_may_be_gone_before_its_job_is_recorded(void **state)
{
    struct site *site = *state;
    int fd = -1;
    struct reply job cleanup_reply = { 0 };

    site->fake.accepts_later = true;
    fd = send_post(site, "/upgrade", "");
    fake_wait_jobs(&site->fake, 1);
    fd_close(&fd);
    fake_accept_job(&site->fake, 0);
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    job = site_do(site, "GET", "/jobs/0000000000000001");
    expect_text(&job, 200, "\"state\": \"succeeded\"");
}

static void giving_up_before_the_job_is_recorded_is_said(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = -1;
    struct reply reply cleanup_reply = { 0 };

    site->fake.accepts_later = true;
    fd = send_post(site, "/upgrade", "Prefer: respond-async");
    fake_wait_jobs(&site->fake, 1);
    server_stop(site->server, 20);
    reply = reply_read(fd, true);
    expect_text(&reply, 503, "daemon stops before the run was accepted");
    assert_null(strstr(reply.body, "instance"));
    /* It is recorded, and ends, when nobody waits. */
    fake_accept_job(&site->fake, 0);
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
}

/* ---- Asked for twice ---- */

static void a_key_gets_the_answer_of_the_first_time(void **state)
{
    struct site *site = *state;
    struct reply first cleanup_reply = { 0 };
    struct reply again cleanup_reply = { 0 };
    struct reply quoted cleanup_reply = { 0 };

    site->fake.ends_at_once = true;
    first = post(site, "/upgrade?target=head", "Idempotency-Key: k1");
    assert_int_equal(first.status, 200);
    expect_header(&first, "Idempotent-Replayed", NULL);
    again = post(site, "/upgrade?target=head", "Idempotency-Key: k1");
    assert_int_equal(again.status, 200);
    assert_string_equal(again.body, first.body);
    expect_header(&again, "Idempotent-Replayed", "true");
    /* From a body, in quotes, with a preference: it is the same request. */
    quoted = site_ask(site, LISTEN_UNIX,
                      "POST /upgrade HTTP/1.1\r\nHOST\r\nIdempotency-Key: \"k1\"\r\nPrefer: "
                      "respond-async\r\nContent-Length: 17\r\n"
                      "Content-Type: application/json" END "{\"target\":\"head\"}");
    assert_int_equal(quoted.status, 200);
    assert_string_equal(quoted.body, first.body);
    assert_int_equal(site->fake.job_count, 1);
}

static void a_failure_is_repeated_as_well(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = send_post(site, "/upgrade", "Idempotency-Key: k1");
    struct reply first cleanup_reply = { 0 };
    struct reply again cleanup_reply = { 0 };

    fake_wait_jobs(&site->fake, 1);
    fake_end_job(&site->fake, 0, ERR_STATEMENT_FAILED, "no such table: users");
    first = reply_read(fd, true);
    again = post(site, "/upgrade", "Idempotency-Key: k1");
    expect_text(&again, 422, "no such table: users");
    assert_string_equal(again.body, first.body);
    expect_header(&again, "Idempotent-Replayed", "true");
}

static void a_key_whose_job_goes_on_waits_for_it_too(void **state)
{
    struct site *site = *state;
    int first cleanup_fd = send_post(site, "/upgrade", "Idempotency-Key: k1");
    int second cleanup_fd = -1;
    struct reply async cleanup_reply = { 0 };
    struct reply first_reply cleanup_reply = { 0 };
    struct reply second_reply cleanup_reply = { 0 };

    fake_wait_jobs(&site->fake, 1);
    async = post(site, "/upgrade", "Idempotency-Key: k1\r\nPrefer: respond-async");
    expect_text(&async, 202, "\"id\": \"0000000000000001\"");
    expect_header(&async, "Idempotent-Replayed", "true");
    second = send_post(site, "/upgrade", "Idempotency-Key: k1");
    assert_false(is_readable(second, 50));
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    first_reply = reply_read(first, true);
    second_reply = reply_read(second, true);
    assert_int_equal(first_reply.status, 200);
    assert_string_equal(first_reply.body, second_reply.body);
    expect_header(&first_reply, "Idempotent-Replayed", NULL);
    expect_header(&second_reply, "Idempotent-Replayed", "true");
    assert_int_equal(site->fake.job_count, 1);
}

static void a_key_for_something_else_is_refused(void **state)
{
    static const char *const targets[] = {
        "/upgrade?target=head",
        "/upgrade?reason=x",
        "/downgrade",
        "/upgrade?dry_run=true",
    };
    struct site *site = *state;
    struct reply first cleanup_reply = { 0 };

    site->fake.ends_at_once = true;
    first = post(site, "/upgrade", "Idempotency-Key: k1");
    assert_int_equal(first.status, 200);
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        struct reply other cleanup_reply = post(site, targets[i], "Idempotency-Key: k1");

        expect_text(&other, 422, "\"code\": \"idempotency-key-reused\"");
        expect_text(&other, 422, "It made job 0000000000000001.");
        expect_header(&other, "Idempotent-Replayed", NULL);
    }
    assert_int_equal(site->fake.job_count, 1);
}

static void what_was_refused_uses_up_no_key(void **state)
{
    struct site *site = *state;
    struct reply malformed cleanup_reply = { 0 };
    struct reply full cleanup_reply = { 0 };
    struct reply unmet cleanup_reply = { 0 };
    struct reply taken cleanup_reply = { 0 };

    site->fake.ends_at_once = true;
    malformed = post(site, "/upgrade?target=", "Idempotency-Key: k1");
    assert_int_equal(malformed.status, 400);
    site->fake.submit_fails = ERR_QUEUE_FULL;
    full = post(site, "/upgrade?target=head", "Idempotency-Key: k1");
    assert_int_equal(full.status, 503);
    expect_header(&full, "Retry-After", "1");
    site->fake.submit_fails = ERR_OK;
    unmet = post(site, "/upgrade?target=+1", "Idempotency-Key: k1\r\nIf-Match: \"x\"");
    assert_int_equal(unmet.status, 412);
    taken = post(site, "/upgrade", "Idempotency-Key: k1");
    assert_int_equal(taken.status, 200);
    expect_header(&taken, "Idempotent-Replayed", NULL);
}

static void a_key_must_be_one(void **state)
{
    static const struct {
        const char *headers;
        const char *text;
    } rows[] = {
        { "Idempotency-Key: a b", "header Idempotency-Key holds a character" },
        { "Idempotency-Key: \"a", "header Idempotency-Key is not a quoted string" },
        { "Idempotency-Key: \"\"", "header Idempotency-Key is empty" },
        { "Idempotency-Key: a\r\nIdempotency-Key: a", "header Idempotency-Key comes twice" },
    };
    struct site *site = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct reply reply cleanup_reply = post(site, "/upgrade", rows[i].headers);

        expect_text(&reply, 400, rows[i].text);
        expect_text(&reply, 400, "\"code\": \"argument-invalid\"");
    }
    assert_int_equal(site->fake.job_count, 0);
}

/* ---- Held against ---- */

static void if_match_is_about_the_version_rows(void **state)
{
    static const struct {
        const char *tag;
        unsigned status;
        const char *expect;
    } rows[] = {
        { "\"00000000000000b2.0000000000000001\"", 200, "bbbb2222" },
        { "\"x\", \"00000000000000b2.0000000000000001\"", 200, "bbbb2222" },
        { "*", 200, "(none)" },
        { "\"00000000000000b1.0000000000000001\"", 412, NULL },
        { "\"00000000000000b2\"", 412, NULL },
        { "x", 412, NULL },
    };
    struct site *site = *state;
    size_t jobs = 0;

    site->fake.ends_at_once = true;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct reply reply cleanup_reply =
            post(site, "/upgrade", arena_printf(&arena, "If-Match: %s", rows[i].tag));

        assert_int_equal(reply.status, rows[i].status);
        if (rows[i].expect != NULL)
            assert_string_equal(site->fake.jobs[jobs++].expect, rows[i].expect);
        else
            expect_text(&reply, 412, "\"code\": \"precondition-failed\"");
    }
    assert_int_equal(site->fake.job_count, jobs);
}

static void a_tag_of_current_holds_while_only_progress_moves(void **state)
{
    struct site *site = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply current cleanup_reply = site_do(site, "GET", "/current");
    const char *header =
        arena_printf(&arena, "If-Match: %s", reply_header(&current, "ETag", &arena));
    struct reply same cleanup_reply = { 0 };
    struct reply moved cleanup_reply = { 0 };

    site->fake.ends_at_once = true;
    site->fake.snapshot.is_stale = true;
    same = post(site, "/upgrade", header);
    assert_int_equal(same.status, 200);
    fake_move(&site->fake, "cccc3333");
    moved = post(site, "/upgrade", header);
    assert_int_equal(moved.status, 412);
}

static void unknown_rows_match_nothing(void **state)
{
    struct site *site = *state;
    struct reply any cleanup_reply = { 0 };
    struct reply zero cleanup_reply = { 0 };

    site->fake.snapshot.rows_tag = 0;
    any = post(site, "/upgrade", "If-Match: *");
    assert_int_equal(any.status, 412);
    zero = post(site, "/upgrade", "If-Match: \"0000000000000000.0000000000000001\"");
    assert_int_equal(zero.status, 412);
}

static void expect_goes_before_if_match(void **state)
{
    struct site *site = *state;
    struct reply reply cleanup_reply = { 0 };

    site->fake.ends_at_once = true;
    reply =
        post(site, "/upgrade?expect=aaaa1111", "If-Match: \"00000000000000b2.0000000000000001\"");
    assert_int_equal(reply.status, 200);
    assert_string_equal(site->fake.jobs[0].expect, "aaaa1111");
}

static void a_failed_precondition_says_what_is_there_instead(void **state)
{
    struct site *site = *state;
    struct reply header cleanup_reply = post(site, "/upgrade", "If-Match: \"x\"");
    int fd cleanup_fd = send_post(site, "/upgrade?expect=aaaa1111", "");
    struct reply run cleanup_reply = { 0 };

    expect_text(&header, 412, "\"current\": {\n    \"verdict\": \"behind\"");
    assert_null(strstr(header.body, "instance"));
    fake_wait_jobs(&site->fake, 1);
    fake_end_job(&site->fake, 0, ERR_PRECONDITION_FAILED, "version rows are 'bbbb2222'");
    run = reply_read(fd, true);
    expect_text(&run, 412, "\"current\": {\n    \"verdict\": \"behind\"");
    expect_text(&run, 412, "\"instance\": \"/jobs/0000000000000001\"");
    expect_text(&run, 412, "\"outcome\": \"failed\"");
}

static void a_known_key_goes_before_a_failed_if_match(void **state)
{
    static const char headers[] =
        "Idempotency-Key: k1\r\nIf-Match: \"00000000000000b2.0000000000000001\"";
    struct site *site = *state;
    struct reply first cleanup_reply = { 0 };
    struct reply again cleanup_reply = { 0 };

    site->fake.ends_at_once = true;
    first = post(site, "/upgrade", headers);
    assert_int_equal(first.status, 200);
    /* What it did moved the rows, so that the tag is of the past. */
    fake_move(&site->fake, "cccc3333");
    again = post(site, "/upgrade", headers);
    assert_int_equal(again.status, 200);
    assert_string_equal(again.body, first.body);
    expect_header(&again, "Idempotent-Replayed", "true");
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, site_setup, site_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(preferences_say_how_long_to_wait),
        WITH_SITE(waiting_ends_at_its_moment_and_not_before),
        WITH_SITE(a_problem_after_waiting_says_so),
        WITH_SITE(whoever_does_not_wait_gets_202_however_quick_the_job_was),
        WITH_SITE(nothing_is_answered_before_the_job_is_recorded),
        WITH_SITE(a_client_may_be_gone_before_its_job_is_recorded),
        WITH_SITE(giving_up_before_the_job_is_recorded_is_said),
        WITH_SITE(a_key_gets_the_answer_of_the_first_time),
        WITH_SITE(a_failure_is_repeated_as_well),
        WITH_SITE(a_key_whose_job_goes_on_waits_for_it_too),
        WITH_SITE(a_key_for_something_else_is_refused),
        WITH_SITE(what_was_refused_uses_up_no_key),
        WITH_SITE(a_key_must_be_one),
        WITH_SITE(if_match_is_about_the_version_rows),
        WITH_SITE(a_tag_of_current_holds_while_only_progress_moves),
        WITH_SITE(unknown_rows_match_nothing),
        WITH_SITE(expect_goes_before_if_match),
        WITH_SITE(a_failed_precondition_says_what_is_there_instead),
        WITH_SITE(a_known_key_goes_before_a_failed_if_match),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
