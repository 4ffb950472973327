/*
 * test_readiness.c - GET /readyz: ready as startup means it, and as an application does; GET
 * /status, /history and /heads in the form that the client likes.
 */
#include "tests/api/site.h"

#include "base/file.h"

#include <string.h>

static void ready_is_what_startup_asks_for(void **state)
{
    struct site *site = *state;
    struct reply ready cleanup_reply = site_do(site, "GET", "/readyz");
    struct reply unready cleanup_reply = { 0 };
    struct arena arena cleanup(arena_release) = { 0 };

    assert_int_equal(ready.status, 200);
    assert_string_equal(ready.body, "{\n  \"ready\": true,\n  \"status\": \"at bbbb2222\",\n"
                                    "  \"revisions\": [\n    \"bbbb2222\"\n  ]\n}\n");
    pthread_mutex_lock(&site->fake.lock);
    site->fake.snapshot.is_ready = false;
    pthread_mutex_unlock(&site->fake.lock);
    unready = site_do(site, "GET", "/readyz");
    assert_int_equal(unready.status, 503);
    assert_non_null(strstr(unready.body, "\"code\": \"not-ready\""));
    assert_non_null(strstr(unready.body, "\"detail\": \"at bbbb2222\""));
    assert_string_equal(reply_header(&unready, "Retry-After", &arena), "1");
}

/* The database is at bbbb2222, between aaaa1111 and cccc3333. */
static void an_application_asks_whether_it_can_run_on_the_schema(void **state)
{
    static const struct {
        const char *accepts;
        unsigned status;
        const char *detail; /* of the problem; NULL: it is ready */
    } rows[] = {
        { "bbbb2222..bbbb2222", 200, NULL },
        { "aaaa1111..cccc3333", 200, NULL },
        { "bbbb..", 200, NULL },
        { "..head", 200, NULL },
        { "cccc3333..", 503, "database is at bbbb2222, and cccc3333.. is accepted" },
        { "..aaaa1111", 503, "database is at bbbb2222, and ..aaaa1111 is accepted" },
        { "dddd4444..", 404, NULL },
        { "..", 400, NULL },
        { "", 400, NULL },
        { "bbbb2222", 400, NULL },
        { "aaaa1111..bbbb2222..cccc3333", 400, NULL },
    };
    struct site *site = *state;

    /* Whatever startup thinks of it. */
    pthread_mutex_lock(&site->fake.lock);
    site->fake.snapshot.is_ready = false;
    pthread_mutex_unlock(&site->fake.lock);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct reply reply cleanup_reply =
            site_do(site, "GET", arena_printf(&arena, "/readyz?accepts=%s", rows[i].accepts));

        if (reply.status != rows[i].status)
            fail_msg("%s: %u, %s", rows[i].accepts, reply.status, reply.body);
        if (reply.status == 200)
            assert_non_null(strstr(reply.body, "\"ready\": true"));
        if (rows[i].detail != NULL && strstr(reply.body, rows[i].detail) == NULL)
            fail_msg("%s: %s", rows[i].accepts, reply.body);
    }
}

static void a_database_without_rows_is_at_base(void **state)
{
    struct site *site = site_new();
    struct reply upwards cleanup_reply = { 0 };
    struct reply downwards cleanup_reply = { 0 };
    version_rows none = { 0 };

    (void) state;
    site->fake.snapshot.current = current_of(site->fake.snapshot.graph, &none, &site->fake.arena);
    site_start(site);
    upwards = site_do(site, "GET", "/readyz?accepts=aaaa1111..");
    downwards = site_do(site, "GET", "/readyz?accepts=..aaaa1111");
    assert_int_equal(upwards.status, 503);
    assert_non_null(strstr(upwards.body, "database is at base, and aaaa1111.. is accepted"));
    assert_int_equal(downwards.status, 200);
    site_free(site);
}

static void nobody_is_told_yes_while_it_is_not_known(void **state)
{
    struct site *site = site_new();
    struct reply no_rows cleanup_reply = { 0 };
    struct reply no_graph cleanup_reply = { 0 };

    (void) state;
    site->fake.snapshot.current = (struct current){ .verdict = VERDICT_UNKNOWN };
    site->fake.snapshot.status = "database is locked";
    site_start(site);
    no_rows = site_do(site, "GET", "/readyz?accepts=..head");
    assert_int_equal(no_rows.status, 503);
    assert_non_null(
        strstr(no_rows.body, "it is not known where the database is (database is locked)"));
    pthread_mutex_lock(&site->fake.lock);
    site->fake.snapshot.graph = NULL;
    pthread_mutex_unlock(&site->fake.lock);
    no_graph = site_do(site, "GET", "/readyz?accepts=..head");
    assert_int_equal(no_graph.status, 503);
    assert_non_null(strstr(no_graph.body, "\"code\": \"not-ready\""));
    site_free(site);
}

/* ---- Forms ---- */

static struct reply ask_for(struct site *site, const char *path, const char *headers)
{
    struct arena arena cleanup(arena_release) = { 0 };

    return site_ask(site, LISTEN_UNIX,
                    arena_printf(&arena, "GET %s HTTP/1.1\r\nHOST\r\n%s\r\n", path, headers));
}

static void reports_come_as_text_when_that_is_liked_better(void **state)
{
    static const struct {
        const char *path;
        const char *text; /* its beginning */
    } rows[] = {
        { "/status", "at bbbb2222\nready: yes\nverdict: behind\n" },
        { "/history", "bbbb2222 -> cccc3333 (blog) (head), Drop users\n" },
        { "/history?range=:aaaa1111", "<base> -> aaaa1111 (blog), Base\n" },
        { "/heads", "cccc3333 (blog) (head)\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct reply text cleanup_reply = ask_for(*state, rows[i].path, "Accept: text/plain\r\n");
        struct reply json cleanup_reply = ask_for(*state, rows[i].path, "Accept: */*\r\n");

        assert_int_equal(text.status, 200);
        assert_string_equal(reply_header(&text, "Content-Type", &arena),
                            "text/plain; charset=utf-8");
        if (strncmp(text.body, rows[i].text, strlen(rows[i].text)) != 0)
            fail_msg("%s: %s", rows[i].path, text.body);
        assert_int_equal(json.status, 200);
        assert_string_equal(reply_header(&json, "Content-Type", &arena), "application/json");
        assert_int_equal(json.body[0], '{');
        /* A cache must know that there are two. */
        assert_string_equal(reply_header(&text, "Vary", &arena), "Accept");
        assert_string_equal(reply_header(&json, "Vary", &arena), "Accept");
        assert_string_not_equal(reply_header(&text, "ETag", &arena),
                                reply_header(&json, "ETag", &arena));
    }
}

static void problems_are_json_whatever_is_liked(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply reply cleanup_reply =
        ask_for(*state, "/history?range=nothing:", "Accept: text/plain\r\n");

    assert_int_equal(reply.status, 404);
    assert_string_equal(reply_header(&reply, "Content-Type", &arena), "application/problem+json");
}

static void what_a_client_has_already_is_not_sent_again(void **state)
{
    static const char *const paths[] = { "/status", "/history", "/heads" };
    static const char *const accepts[] = { "text/plain", "application/json" };

    for (size_t i = 0; i < ARRAY_SIZE(paths) * ARRAY_SIZE(accepts); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        const char *path = paths[i / ARRAY_SIZE(accepts)];
        const char *accept = accepts[i % ARRAY_SIZE(accepts)];
        struct reply first cleanup_reply =
            ask_for(*state, path, arena_printf(&arena, "Accept: %s\r\n", accept));
        const char *etag = reply_header(&first, "ETag", &arena);
        int fd cleanup_fd = site_connect(*state, LISTEN_UNIX);
        struct reply again cleanup_reply = { 0 };

        site_send(*state, fd, LISTEN_UNIX,
                  arena_printf(&arena,
                               "GET %s HTTP/1.1\r\nHOST\r\nAccept: %s\r\nIf-None-Match: %s\r\n\r\n",
                               path, accept, etag));
        again = reply_read(fd, false);
        assert_int_equal(again.status, 304);
        assert_string_equal(reply_header(&again, "ETag", &arena), etag);
        assert_string_equal(reply_header(&again, "Vary", &arena), "Accept");
    }
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, site_setup, site_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(ready_is_what_startup_asks_for),
        WITH_SITE(an_application_asks_whether_it_can_run_on_the_schema),
        cmocka_unit_test(a_database_without_rows_is_at_base),
        cmocka_unit_test(nobody_is_told_yes_while_it_is_not_known),
        WITH_SITE(reports_come_as_text_when_that_is_liked_better),
        WITH_SITE(problems_are_json_whatever_is_liked),
        WITH_SITE(what_a_client_has_already_is_not_sent_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
