/*
 * test_answers.c - what the routes answer: statuses, headers and the heart of every body. The JSON
 * forms themselves are test_json.c's.
 */
#include "tests/api/site.h"

#include "api/routes.h"
#include "base/file.h"

#include <string.h>

#define END "\r\n\r\n"

static void expect_text(const struct reply *reply, const char *text)
{
    if (strstr(reply->body, text) == NULL)
        fail_msg("not in the answer: %s\n%s", text, reply->body);
}

static void every_reading_route_answers(void **state)
{
    static const struct {
        const char *target;
        unsigned status;
        const char *text;
    } rows[] = {
        { "/current", 200, "\"verdict\": \"behind\"" },
        { "/status", 200, "\"name\": \"schemad\"" },
        { "/healthz", 200, "\"healthy\": true" },
        { "/readyz", 200, "\"ready\": true" },
        { "/history", 200, "\"id\": \"aaaa1111\"" },
        { "/history?range=current:", 200, "\"id\": \"cccc3333\"" },
        { "/history?range=x", 409, "\"code\": \"target-invalid\"" },
        { "/history?range=nothing:", 404, "\"code\": \"revision-unknown\"" },
        { "/heads", 200, "\"head_line\": \"cccc3333 (blog) (head)\"" },
        { "/revisions/bbbb2222", 200, "\"sql\": \"CREATE TABLE posts (id INTEGER)\"" },
        { "/revisions/bb", 200, "\"id\": \"bbbb2222\"" },
        { "/revisions/head", 200, "\"id\": \"cccc3333\"" },
        { "/revisions/blog@head", 200, "\"id\": \"cccc3333\"" },
        { "/revisions/blog%40head", 200, "\"id\": \"cccc3333\"" },
        { "/revisions/ffff", 404, "\"code\": \"revision-unknown\"" },
        { "/revisions/gone", 404, "\"text\": \"-- Revision ID: gone\\n\"" },
        { "/revisions/base", 404, "\"detail\": \"'base' names no revision\"" },
        { "/plan", 200, "\"line\": \"Running upgrade bbbb2222 -> cccc3333, Drop users\"" },
        { "/plan?target=bbbb2222", 200, "\"steps\": []" },
        { "/plan?verb=downgrade", 200, "\"target\": \"-1\"" },
        { "/plan?verb=downgrade&target=base", 200, "\"destructive\": true" },
        { "/plan?verb=stamp&target=head", 200, "\"verb\": \"stamp\"" },
        { "/plan?target=nothing", 404, "\"code\": \"revision-unknown\"" },
        { "/plan?verb=restore", 400, "\"code\": \"argument-invalid\"" },
        { "/jobs", 200, "\"jobs\": []" },
        { "/jobs?limit=0", 400, "must be a whole number from 1 to 1000" },
        { "/jobs?limit=x", 400, "must be a whole number from 1 to 1000" },
        { "/jobs?before=x", 404, "\"code\": \"job-unknown\"" },
        { "/jobs/0000000000000001", 404, "\"code\": \"job-unknown\"" },
        { "/jobs/x", 404, "\"detail\": \"'x' is not the id of a job\"" },
        { "/backups", 200, "\"name\": \"content-20261120T150304Z-aaaa1111.db\"" },
        { "/metrics", 200, "schemad_verdict{verdict=\"behind\"} 1\n" },
        { "/openapi.yaml", 200, "openapi: 3.1.0\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct reply reply cleanup_reply = site_do(*state, "GET", rows[i].target);

        if (reply.status != rows[i].status)
            fail_msg("%s: %u %s", rows[i].target, reply.status, reply.body);
        expect_text(&reply, rows[i].text);
    }
}

static void every_answer_says_what_it_is(void **state)
{
    static const struct {
        const char *target;
        const char *type;
        const char *cache;
    } rows[] = {
        { "/current", "application/json", "no-store" },
        { "/healthz", "application/json", "no-store" },
        { "/nothing", "application/problem+json", "no-store" },
        { "/metrics", "text/plain; version=0.0.4", "no-store" },
        { "/openapi.yaml", "application/yaml", "max-age=300" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct reply reply cleanup_reply = site_do(*state, "GET", rows[i].target);

        assert_string_equal(reply_header(&reply, "Content-Type", &arena), rows[i].type);
        assert_string_equal(reply_header(&reply, "Cache-Control", &arena), rows[i].cache);
        assert_string_equal(reply_header(&reply, "X-Content-Type-Options", &arena), "nosniff");
        assert_int_equal(reply.body[reply.body_len - 1], '\n');
    }
}

static void head_is_get_without_the_body(void **state)
{
    static const char *const targets[] = { "/current", "/healthz", "/status", "/nothing" };

    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct reply get cleanup_reply = site_do(*state, "GET", targets[i]);
        struct reply head cleanup_reply = site_do(*state, "HEAD", targets[i]);

        assert_int_equal(head.status, get.status);
        assert_string_equal(reply_header(&head, "Content-Length", &arena),
                            reply_header(&get, "Content-Length", &arena));
        assert_null(head.body);
    }
}

/* GET /current with one more header line. */
static struct reply current_with(struct site *site, const char *header)
{
    struct arena arena cleanup(arena_release) = { 0 };
    int fd cleanup_fd = site_connect(site, LISTEN_UNIX);
    struct reply reply = { 0 };

    site_send(site, fd, LISTEN_UNIX,
              arena_printf(&arena, "GET /current HTTP/1.1\r\nHOST\r\n%s" END, header));
    reply = reply_read(fd, strstr(header, "If-None-Match") == NULL);
    return reply;
}

static struct reply current_unless(struct site *site, const char *etag)
{
    struct arena arena cleanup(arena_release) = { 0 };

    return current_with(site, arena_printf(&arena, "If-None-Match: %s", etag));
}

static void current_is_not_sent_again_while_it_is_the_same(void **state)
{
    struct site *site = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply first cleanup_reply = site_do(site, "GET", "/current");
    const char *etag = reply_header(&first, "ETag", &arena);
    struct reply same cleanup_reply = current_unless(site, arena_printf(&arena, "\"x\", %s", etag));
    struct reply other cleanup_reply = { 0 };

    assert_true(str_starts_with(str_of(etag), "\"00000000000000b2."));
    assert_int_equal(same.status, 304);
    assert_string_equal(reply_header(&same, "ETag", &arena), etag);
    assert_string_equal(reply_header(&same, "Vary", &arena), "Accept");
    fake_move(&site->fake, "cccc3333");
    other = current_unless(site, etag);
    assert_int_equal(other.status, 200);
    assert_true(
        str_starts_with(str_of(reply_header(&other, "ETag", &arena)), "\"00000000000000b3."));
}

/* RFC 9110 section 8.8.1: a strong tag changes whenever the bytes do. */
static void the_same_tag_means_the_same_bytes(void **state)
{
    struct site *site = *state;
    struct snapshot *snapshot = &site->fake.snapshot;
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply replies[7];

    replies[0] = site_do(site, "GET", "/current");
    snapshot->observed_us += 1000;
    replies[1] = site_do(site, "GET", "/current");
    snapshot->is_stale = true;
    replies[2] = site_do(site, "GET", "/current");
    snapshot->observed_us += 1000;
    replies[3] = site_do(site, "GET", "/current");
    snapshot->has_running = true;
    replies[4] = site_do(site, "GET", "/current");
    snapshot->running.elapsed_us += 1;
    replies[5] = site_do(site, "GET", "/current");
    replies[6] = current_with(site, "Accept: text/plain");
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(replies); j++) {
            bool has_same_bytes = strcmp(replies[i].body, replies[j].body) == 0;
            bool has_same_tag = strcmp(reply_header(&replies[i], "ETag", &arena),
                                       reply_header(&replies[j], "ETag", &arena)) == 0;

            assert_int_equal(has_same_tag, has_same_bytes);
        }
    }
    /* While it is fresh, nothing in it moves by itself. */
    assert_string_equal(replies[0].body, replies[1].body);
    expect_text(&replies[0], "\"observed_at\": null");
    expect_text(&replies[3], "\"observed_at\": \"2026-11-20T15:03:04.808Z\"");
    assert_string_not_equal(replies[4].body, replies[5].body);
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++)
        reply_release(&replies[i]);
}

static void current_is_text_for_whoever_prefers_it(void **state)
{
    struct site *site = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply text cleanup_reply = current_with(site, "Accept: text/plain");
    struct reply json cleanup_reply = current_with(site, "Accept: */*");
    struct reply unmodified cleanup_reply = { 0 };

    assert_string_equal(text.body, "bbbb2222\n");
    assert_string_equal(reply_header(&text, "Content-Type", &arena), "text/plain; charset=utf-8");
    assert_string_equal(reply_header(&text, "Vary", &arena), "Accept");
    assert_string_equal(reply_header(&json, "Content-Type", &arena), "application/json");
    assert_string_equal(reply_header(&json, "Vary", &arena), "Accept");
    unmodified = current_with(site, arena_printf(&arena, "Accept: text/plain\r\nIf-None-Match: %s",
                                                 reply_header(&text, "ETag", &arena)));
    assert_int_equal(unmodified.status, 304);
}

static void current_follows_the_snapshot(void **state)
{
    struct site *site = *state;
    struct snapshot *snapshot = &site->fake.snapshot;
    struct reply first cleanup_reply = site_do(site, "GET", "/current");
    struct reply changed cleanup_reply = { 0 };

    expect_text(&first, "\"ready\": true");
    snapshot->is_ready = false;
    snapshot->etag++;
    changed = site_do(site, "GET", "/current");
    expect_text(&changed, "\"ready\": false");
}

static void not_ready_is_503_with_the_status(void **state)
{
    struct site *site = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply reply cleanup_reply = { 0 };
    struct reply health cleanup_reply = { 0 };

    site->fake.snapshot.is_ready = false;
    site->fake.snapshot.status = "upgrading to cccc3333: 1 of 2";
    reply = site_do(site, "GET", "/readyz");
    assert_int_equal(reply.status, 503);
    expect_text(&reply, "\"detail\": \"upgrading to cccc3333: 1 of 2\"");
    expect_text(&reply, "\"code\": \"not-ready\"");
    assert_string_equal(reply_header(&reply, "Retry-After", &arena), "1");
    health = site_do(site, "GET", "/healthz");
    assert_int_equal(health.status, 200);
}

static void scripts_that_cannot_be_read_are_a_problem_but_not_of_current(void **state)
{
    static const struct {
        const char *target;
        unsigned status;
    } rows[] = {
        { "/current", 200 }, { "/status", 200 },         { "/metrics", 200 },
        { "/history", 422 }, { "/revisions/head", 422 }, { "/heads", 422 },
        { "/plan", 422 },    { "/branches", 422 },       { "/sql", 422 },
    };
    struct site *site = *state;

    site->fake.snapshot.graph = NULL;
    site->fake.snapshot.current = (struct current){ 0 };
    site->fake.snapshot.etag++;
    (void) error_set(&site->fake.snapshot.problem, ERR_PARENT_MISSING, "parent 'x' is missing");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct reply reply cleanup_reply = site_do(site, "GET", rows[i].target);

        assert_int_equal(reply.status, rows[i].status);
        if (strcmp(rows[i].target, "/metrics") != 0)
            expect_text(&reply, "parent 'x' is missing");
        else
            expect_text(&reply, "schemad_verdict{verdict=\"unknown\"} 1\n");
    }
}

static void runs_are_asked_for_by_query_and_by_body(void **state)
{
    struct site *site = *state;
    const struct fake_job *jobs = site->fake.jobs;
    struct reply up cleanup_reply = { 0 };
    struct reply stamp cleanup_reply = { 0 };
    struct reply backup cleanup_reply = { 0 };
    struct reply down cleanup_reply = { 0 };

    site->fake.ends_at_once = true;
    up = site_do(site, "POST", "/upgrade?target=+1&expect=bbbb2222&reason=release%2042");
    assert_int_equal(up.status, 200);
    assert_int_equal(jobs[0].view.report.verb, VERB_UPGRADE);
    assert_string_equal(jobs[0].target, "+1");
    assert_string_equal(jobs[0].expect, "bbbb2222");
    assert_string_equal(jobs[0].reason, "release 42");
    assert_true(str_starts_with(str_of(jobs[0].actor), "uid "));

    stamp = site_ask(site, LISTEN_UNIX,
                     "POST /stamp?purge=true HTTP/1.1\r\nHOST\r\nContent-Length: 21\r\n"
                     "Content-Type: application/json" END "{\"targets\":[\"a\",\"b\"]}");
    assert_int_equal(stamp.status, 200);
    assert_int_equal(jobs[1].view.report.verb, VERB_STAMP);
    assert_string_equal(jobs[1].stamps, "a,b");
    assert_true(jobs[1].purge);

    backup = site_do(site, "POST", "/backup");
    assert_int_equal(backup.status, 200);
    assert_int_equal(jobs[2].view.report.verb, VERB_BACKUP);

    down = site_do(site, "POST", "/downgrade?dry_run=true&lock_timeout_ms=7");
    assert_int_equal(down.status, 200);
    assert_string_equal(jobs[3].target, "(none)");
    assert_true(jobs[3].is_dry_run);
    assert_int_equal(jobs[3].lock_timeout_ms, 7);
    assert_string_equal(jobs[3].expect, "(none)");
}

static void jobs_are_listed_read_and_cancelled(void **state)
{
    struct site *site = *state;
    struct reply first cleanup_reply = { 0 };
    struct reply second cleanup_reply = { 0 };
    struct reply list cleanup_reply = { 0 };
    struct reply older cleanup_reply = { 0 };
    struct reply job cleanup_reply = { 0 };
    struct reply cancel cleanup_reply = { 0 };
    struct reply nothing cleanup_reply = { 0 };

    first =
        site_ask(site, LISTEN_UNIX, "POST /upgrade HTTP/1.1\r\nHOST\r\nPrefer: respond-async" END);
    second =
        site_ask(site, LISTEN_UNIX, "POST /backup HTTP/1.1\r\nHOST\r\nPrefer: respond-async" END);
    assert_int_equal(first.status, 202);
    assert_int_equal(second.status, 202);
    list = site_do(site, "GET", "/jobs?limit=1");
    expect_text(&list, "\"id\": \"0000000000000002\"");
    assert_null(strstr(list.body, "\"id\": \"0000000000000001\""));
    older = site_do(site, "GET", "/jobs?before=0000000000000002");
    expect_text(&older, "\"id\": \"0000000000000001\"");
    job = site_do(site, "GET", "/jobs/0000000000000001");
    expect_text(&job, "\"state\": \"queued\"");
    cancel = site_do(site, "DELETE", "/jobs/0000000000000001");
    assert_int_equal(cancel.status, 202);
    expect_text(&cancel, "\"cancel_requested\": true");
    assert_int_equal(site->fake.cancel_count, 1);
    nothing = site_do(site, "DELETE", "/jobs/00000000000000ff");
    assert_int_equal(nothing.status, 404);
}

/* Jobs 1 to 5: upgrade, backup, upgrade, backup, upgrade; the first two ended. */
static void submit_five(struct site *site)
{
    for (size_t i = 0; i < 5; i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct reply reply cleanup_reply =
            site_ask(site, LISTEN_UNIX,
                     arena_printf(&arena, "POST %s HTTP/1.1\r\nHOST\r\nPrefer: respond-async" END,
                                  i % 2 == 0 ? "/upgrade" : "/backup"));

        assert_int_equal(reply.status, 202);
    }
    fake_end_job(&site->fake, 0, ERR_OK, NULL);
    fake_end_job(&site->fake, 1, ERR_OK, NULL);
}

/* The last digit of the ids in a list, as "531". */
static const char *ids_of(const struct reply *reply, struct arena *arena)
{
    static const char name[] = "\"id\": \"000000000000000";
    char *ids = arena_alloc(arena, 16);
    size_t count = 0;

    /* A job and its run have the same id. */
    for (const char *at = reply->body; (at = strstr(at, name)) != NULL; at++) {
        char digit = at[sizeof(name) - 1];

        if (count == 0 || ids[count - 1] != digit)
            ids[count++] = digit;
    }
    return ids;
}

static void jobs_are_filtered(void **state)
{
    static const struct {
        const char *target;
        const char *ids;
    } rows[] = {
        { "/jobs", "54321" },
        { "/jobs?state=succeeded", "21" },
        { "/jobs?state=queued", "543" },
        { "/jobs?state=running", "" },
        { "/jobs?verb=backup", "42" },
        { "/jobs?verb=backup&state=queued", "4" },
        { "/jobs?verb=stamp", "" },
        { "/jobs?before=0000000000000003", "21" },
        { "/jobs?before=0000000000000003&verb=upgrade", "1" },
        { "/jobs?actor=nobody", "" },
        { "/jobs?since=2026-11-20T15:03:04.806Z", "54321" },
        { "/jobs?since=2026-11-20T16:03:04.806%2B01:00", "54321" },
        { "/jobs?since=2026-11-20T15:03:04.807Z", "" },
    };
    static const struct {
        const char *target;
        unsigned status;
        const char *text;
    } refused[] = {
        { "/jobs?state=done", 400, "argument 'state' is no state of a job: 'done'" },
        { "/jobs?verb=restore", 400, "argument 'verb' must be" },
        { "/jobs?since=today", 400, "argument 'since' must be a time" },
        { "/jobs?before=7", 404, "'7' is not the id of a job" },
        { "/jobs?limit=1001", 400, "argument 'limit' must be a whole number from 1 to 1000" },
    };
    struct site *site = *state;

    submit_five(site);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct reply reply cleanup_reply = site_do(site, "GET", rows[i].target);

        assert_int_equal(reply.status, 200);
        if (strcmp(ids_of(&reply, &arena), rows[i].ids) != 0)
            fail_msg("%s: %s", rows[i].target, ids_of(&reply, &arena));
    }
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct reply reply cleanup_reply = site_do(site, "GET", refused[i].target);

        assert_int_equal(reply.status, refused[i].status);
        expect_text(&reply, refused[i].text);
    }
}

static void pages_lead_from_one_to_the_next(void **state)
{
    struct site *site = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    const char *actor = NULL;
    const char *next = NULL;
    const char *ids = "";

    submit_five(site);
    actor = uri_encode(site->fake.jobs[0].actor, &arena);
    next = arena_printf(&arena, "/jobs?verb=upgrade&limit=2&actor=%s", actor);
    for (size_t pages = 0; next != NULL; pages++) {
        struct reply reply cleanup_reply = site_do(site, "GET", next);
        const char *link = reply_header(&reply, "Link", &arena);

        assert_int_equal(reply.status, 200);
        ids = arena_printf(&arena, "%s %s", ids, ids_of(&reply, &arena));
        next = pages == 0 ? arena_printf(&arena,
                                         "/jobs?verb=upgrade&limit=2&actor=%s&before="
                                         "0000000000000003",
                                         actor)
                          : NULL;
        if (next == NULL) {
            assert_null(link);
            expect_text(&reply, "\"next\": null");
            continue;
        }
        assert_string_equal(link, arena_printf(&arena, "<%s>; rel=\"next\"", next));
        expect_text(&reply, arena_printf(&arena, "\"next\": \"%s\"", next));
    }
    assert_string_equal(ids, " 53 1");
}

static bool is_metric_line(struct str line)
{
    size_t space = str_find_char(line, ' ', 0);

    return str_starts_with(line, "# HELP schemad_") || str_starts_with(line, "# TYPE schemad_") ||
           (str_starts_with(line, "schemad_") && space + 1 < line.len);
}

static void metrics_are_prometheus_text(void **state)
{
    struct reply reply cleanup_reply = site_do(*state, "GET", "/metrics");
    struct str rest = str_of(reply.body);

    while (rest.len > 0) {
        size_t end = str_find_char(rest, '\n', 0);
        struct str line = str_sub(rest, 0, end);

        if (!is_metric_line(line))
            fail_msg("'" STR_FORMAT "' is no metric", STR_ARGS(line));
        rest = str_sub(rest, end + 1, rest.len);
    }
    expect_text(&reply, "schemad_jobs_total{state=\"succeeded\"} 7\n");
    expect_text(&reply, "schemad_pending_revisions 1\n");
    expect_text(&reply, "schemad_last_run_duration_seconds 0.012345\n");
    expect_text(&reply, "schemad_last_run_timestamp_seconds 1795186984.806\n");
}

static void the_route_table_is_sorted(void **state)
{
    size_t count = 0;
    const struct route *all = routes(&count);

    (void) state;
    assert_true(count > 0);
    for (size_t i = 1; i < count; i++) {
        int order = strcmp(all[i - 1].path, all[i].path);

        assert_true(order < 0 || (order == 0 && strcmp(all[i - 1].method, all[i].method) < 0));
    }
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, site_setup, site_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(every_reading_route_answers),
        WITH_SITE(every_answer_says_what_it_is),
        WITH_SITE(head_is_get_without_the_body),
        WITH_SITE(current_is_not_sent_again_while_it_is_the_same),
        WITH_SITE(the_same_tag_means_the_same_bytes),
        WITH_SITE(current_is_text_for_whoever_prefers_it),
        WITH_SITE(current_follows_the_snapshot),
        WITH_SITE(not_ready_is_503_with_the_status),
        WITH_SITE(scripts_that_cannot_be_read_are_a_problem_but_not_of_current),
        WITH_SITE(runs_are_asked_for_by_query_and_by_body),
        WITH_SITE(jobs_are_listed_read_and_cancelled),
        WITH_SITE(jobs_are_filtered),
        WITH_SITE(pages_lead_from_one_to_the_next),
        WITH_SITE(metrics_are_prometheus_text),
        cmocka_unit_test(the_route_table_is_sorted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
