/*
 * test_revisions.c - what Alembic can say of revisions, over HTTP: branches, heads, SQL as a
 * script, a check, new scripts.
 */
#include "tests/api/site.h"

#include "base/file.h"

#include <string.h>

#define END  "\r\n\r\n"
#define TEXT "Accept: text/plain"

static void expect_text(const struct reply *reply, unsigned status, const char *text)
{
    if (reply->status != status || strstr(reply->body, text) == NULL)
        fail_msg("answered %u %s, not %u with %s", reply->status, reply->body, status, text);
}

/* Sent, and not read yet. headers: each with its line end. */
static int ask(const struct site *site, const char *method, const char *target, const char *headers)
{
    struct arena arena cleanup(arena_release) = { 0 };
    int fd = site_connect(site, LISTEN_UNIX);

    site_send(site, fd, LISTEN_UNIX,
              arena_printf(&arena, "%s %s HTTP/1.1\r\nHOST\r\n%s\r\n", method, target, headers));
    return fd;
}

static struct reply get(const struct site *site, const char *target, const char *headers)
{
    int fd cleanup_fd = ask(site, "GET", target, headers);

    return reply_read(fd, strstr(headers, "If-None-Match") == NULL);
}

/* A server whose scripts have branches. */
static int branched_setup(void **state)
{
    struct site *site = site_new();

    fake_branch(&site->fake);
    site_start(site);
    *state = site;
    return 0;
}

/* ---- Reading ---- */

static void lists_are_as_alembic_prints_them(void **state)
{
    static const struct {
        const char *target;
        const char *text;
    } rows[] = {
        { "/branches", "bbbb2222 (blog) (branchpoint)\n"
                       "         -> cccc3333 (blog) (head)\n"
                       "         -> eeee5555 (blog) (head)\n"
                       "aaaa1111 (branchpoint)\n"
                       "         -> bbbb2222 (blog) (branchpoint)\n"
                       "         -> dddd4444 (effective head)\n" },
        { "/heads", "cccc3333 (blog) (head)\ndddd4444 (effective head)\neeee5555 (blog) (head)\n" },
        { "/heads?resolve_dependencies=false",
          "cccc3333 (blog) (head)\ndddd4444 (effective head)\neeee5555 (blog) (head)\n" },
        { "/heads?resolve_dependencies=true", "cccc3333 (blog) (head)\neeee5555 (blog) (head)\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct reply reply cleanup_reply = get(*state, rows[i].target, TEXT "\r\n");

        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body, rows[i].text);
    }
}

static void branches_are_branch_points_with_their_children(void **state)
{
    struct reply reply cleanup_reply = get(*state, "/branches", "");

    expect_text(&reply, 200, "\"branches\": [\n    {\n      \"id\": \"bbbb2222\"");
    expect_text(&reply, 200,
                "\"children\": [\n        \"bbbb2222\",\n        \"dddd4444\"\n      ],\n"
                "      \"entry\": \"aaaa1111 (branchpoint)\\n         -> bbbb2222");
    expect_text(&reply, 200, "\"detail\": \"Rev: aaaa1111 (branchpoint)\\n");
    assert_null(strstr(reply.body, "\"id\": \"cccc3333\""));
}

static void a_line_of_scripts_has_no_branches(void **state)
{
    struct reply json cleanup_reply = get(*state, "/branches", "");
    struct reply text cleanup_reply = get(*state, "/branches", TEXT "\r\n");

    expect_text(&json, 200, "\"branches\": []");
    assert_int_equal(text.status, 200);
    assert_string_equal(text.body, "");
}

static void what_is_known_is_not_sent_again(void **state)
{
    static const char *const targets[] = { "/branches", "/heads?resolve_dependencies=true" };

    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct reply first cleanup_reply = get(*state, targets[i], "");
        const char *etag = reply_header(&first, "ETag", &arena);
        struct reply same cleanup_reply =
            get(*state, targets[i], arena_printf(&arena, "If-None-Match: %s\r\n", etag));

        assert_int_equal(same.status, 304);
        assert_string_equal(reply_header(&same, "Vary", &arena), "Accept");
    }
}

static void what_is_not_understood_is_refused(void **state)
{
    static const struct site_row rows[] = {
        { "GET /heads?resolve_dependencies=yes HTTP/1.1\r\nHOST" END, 400, "argument-invalid" },
        { "GET /branches?verbose=true HTTP/1.1\r\nHOST" END, 400, "argument-invalid" },
        { "GET /sql?verb=backup HTTP/1.1\r\nHOST" END, 400, "argument-invalid" },
        { "GET /sql?target=head HTTP/1.1\r\nHOST" END, 400, "argument-invalid" },
        { "GET /sql?range=a:b:c HTTP/1.1\r\nHOST" END, 409, "target-invalid" },
        { "GET /sql?range=nothing HTTP/1.1\r\nHOST" END, 404, "revision-unknown" },
        { "GET /sql?verb=downgrade&range=base HTTP/1.1\r\nHOST" END, 409, "target-invalid" },
        { "GET /revisions HTTP/1.1\r\nHOST" END, 405, "method-not-allowed" },
        { "POST /merge HTTP/1.1\r\nHOST" END, 400, "argument-invalid" },
        { "POST /revisions?sql=x HTTP/1.1\r\nHOST" END, 400, "argument-invalid" },
    };

    site_expect(*state, LISTEN_UNIX, rows, ARRAY_SIZE(rows));
}

/* ---- SQL ---- */

static void sql_is_a_script(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply up cleanup_reply = get(*state, "/sql?range=current:head", "");
    struct reply all cleanup_reply = get(*state, "/sql?range=head", "");
    struct reply down cleanup_reply = get(*state, "/sql?verb=downgrade&range=bbbb:base", "");
    struct reply stamp cleanup_reply = get(*state, "/sql?verb=stamp&range=head", "");

    expect_text(&up, 200, "DROP TABLE users;");
    assert_string_equal(reply_header(&up, "Content-Type", &arena), "application/sql");
    assert_null(strstr(up.body, "CREATE TABLE posts"));
    expect_text(&all, 200, "CREATE TABLE posts (id INTEGER);");
    expect_text(&down, 200, "DROP TABLE posts;");
    expect_text(&stamp, 200, "cccc3333");
    assert_null(strstr(stamp.body, "users"));
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

static void sql_is_made_as_the_daemon_is_configured(void **state)
{
    struct site *site = *state;
    struct reply configured cleanup_reply = { 0 };
    struct reply asked cleanup_reply = { 0 };

    site->fake.backend.version_table = "content_version";
    site->fake.backend.transaction = TRANSACTION_REVISION;
    configured = get(site, "/sql?range=head", "");
    asked = get(site, "/sql?range=head&transaction=run", "");
    expect_text(&configured, 200, "content_version");
    assert_null(strstr(configured.body, "alembic_version"));
    assert_int_equal(count_of(configured.body, "COMMIT;"), 3);
    assert_int_equal(count_of(asked.body, "COMMIT;"), 1);
}

/* Where the database is must be known only to those who ask from there. */
static void sql_needs_no_database(void **state)
{
    struct site *site = *state;
    struct reply all cleanup_reply = { 0 };

    site->fake.snapshot.current = (struct current){ .verdict = VERDICT_UNKNOWN };
    all = get(site, "/sql?range=base:head", "");
    expect_text(&all, 200, "CREATE TABLE users (id INTEGER);");
}

/* ---- A check ---- */

static void a_check_tells_what_is_amiss(void **state)
{
    struct site *site = *state;
    struct reply good cleanup_reply = get(site, "/check", "");
    struct reply bad cleanup_reply = { 0 };

    expect_text(&good, 200, "\"ok\": true,\n  \"findings\": []");
    (void) error_set(&site->fake.findings[0], ERR_NOT_READY, "database is behind by one");
    (void) error_hint(&site->fake.findings[0], "Upgrade it.");
    (void) error_set(&site->fake.findings[1], ERR_HEADS_MULTIPLE, "there are two heads");
    site->fake.finding_count = 2;
    bad = get(site, "/check", "");
    expect_text(&bad, 200, "\"ok\": false");
    expect_text(&bad, 200, "\"code\": \"not-ready\",\n      \"hint\": \"Upgrade it.\"");
    expect_text(&bad, 200, "\"detail\": \"there are two heads\"");
}

/* Scripts that cannot be read are a finding, too: the backend's. */
static void a_check_is_made_without_readable_scripts(void **state)
{
    struct site *site = *state;
    struct reply reply cleanup_reply = { 0 };

    site->fake.snapshot.graph = NULL;
    site->fake.snapshot.current = (struct current){ 0 };
    (void) error_set(&site->fake.findings[0], ERR_PARENT_MISSING, "parent 'x' is missing");
    site->fake.finding_count = 1;
    reply = get(site, "/check", "");
    expect_text(&reply, 200, "\"code\": \"parent-missing\"");
}

/* ---- New scripts ---- */

static void a_new_script_is_created(void **state)
{
    static const struct {
        const char *target;
        const char *body;
        const char *script; /* as the backend is told */
    } rows[] = {
        { "/revisions", "", "revision" },
        { "/revisions?message=Add%20tags&rev_id=ab&splice=true", "",
          "revision message=Add tags rev_id=ab splice" },
        { "/revisions",
          "{\"message\":\"m\",\"head\":\"blog@head\",\"branch_labels\":[\"x\",\"y\"],"
          "\"depends_on\":[\"a\"],\"version_path\":\"/srv/v\"}",
          "revision message=m head=blog@head branch_labels=x,y depends_on=a version_path=/srv/v" },
        { "/merge?revisions=heads", "", "merge revisions=heads" },
        { "/merge", "{\"revisions\":[\"a\",\"b\"],\"message\":\"m\",\"rev_id\":\"ab\"}",
          "merge revisions=a,b message=m rev_id=ab" },
    };
    struct site *site = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct reply reply cleanup_reply =
            site_ask(site, LISTEN_UNIX,
                     arena_printf(&arena,
                                  "POST %s HTTP/1.1\r\nHOST\r\nContent-Type: application/json\r\n"
                                  "Content-Length: %zu" END "%s",
                                  rows[i].target, strlen(rows[i].body), rows[i].body));

        assert_int_equal(reply.status, 201);
        assert_string_equal(reply.body, "{\n  \"id\": \"dddd4444\",\n"
                                        "  \"path\": \"scripts/dddd4444_new.sql\"\n}\n");
        assert_string_equal(reply_header(&reply, "Location", &arena), "/revisions/dddd4444");
        assert_string_equal(site->fake.script, rows[i].script);
        assert_true(str_starts_with(str_of(site->fake.script_actor), "uid "));
    }
}

static void a_script_that_is_not_written_is_a_problem(void **state)
{
    static const struct {
        enum error_code code;
        unsigned status;
    } rows[] = {
        { ERR_FORBIDDEN, 403 }, { ERR_HEADS_MULTIPLE, 409 }, { ERR_REVISION_DUPLICATE, 422 },
        { ERR_IO, 500 },        { ERR_STOPPING, 503 },
    };
    struct site *site = *state;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct reply revision cleanup_reply = { 0 };
        struct reply merge cleanup_reply = { 0 };

        site->fake.script_fails = rows[i].code;
        revision = site_do(site, "POST", "/revisions");
        merge = site_do(site, "POST", "/merge?revisions=heads");
        expect_text(&revision, rows[i].status, error_slug(rows[i].code));
        expect_text(&merge, rows[i].status, "the script could not be written");
    }
}

static void nothing_is_answered_before_the_script_is_there(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = -1;
    struct reply other cleanup_reply = { 0 };
    struct reply reply cleanup_reply = { 0 };

    site->fake.writes_later = true;
    fd = ask(site, "POST", "/revisions", "");
    fake_wait_scripts(&site->fake, 1);
    assert_false(is_readable(fd, 50));
    /* Nobody else waits for it. */
    other = get(site, "/heads", "");
    assert_int_equal(other.status, 200);
    fake_write_script(&site->fake);
    reply = reply_read(fd, true);
    assert_int_equal(reply.status, 201);
}

static void a_client_may_be_gone_before_its_script_is_there(void **state)
{
    struct site *site = *state;
    int fd = -1;
    struct reply other cleanup_reply = { 0 };

    site->fake.writes_later = true;
    fd = ask(site, "POST", "/revisions", "");
    fake_wait_scripts(&site->fake, 1);
    fd_close(&fd);
    fake_write_script(&site->fake);
    other = get(site, "/heads", "");
    assert_int_equal(other.status, 200);
}

static void giving_up_before_the_script_is_there_is_said(void **state)
{
    struct site *site = *state;
    int fd cleanup_fd = -1;
    struct reply reply cleanup_reply = { 0 };

    site->fake.writes_later = true;
    fd = ask(site, "POST", "/revisions", "");
    fake_wait_scripts(&site->fake, 1);
    server_stop(site->server, 20);
    reply = reply_read(fd, true);
    expect_text(&reply, 503, "daemon stops before the script was written");
    /* It is written when nobody waits. */
    fake_write_script(&site->fake);
}

#define WITH_SITE(test)     cmocka_unit_test_setup_teardown(test, site_setup, site_teardown)
#define WITH_BRANCHES(test) cmocka_unit_test_setup_teardown(test, branched_setup, site_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BRANCHES(lists_are_as_alembic_prints_them),
        WITH_BRANCHES(branches_are_branch_points_with_their_children),
        WITH_SITE(a_line_of_scripts_has_no_branches),
        WITH_BRANCHES(what_is_known_is_not_sent_again),
        WITH_SITE(what_is_not_understood_is_refused),
        WITH_SITE(sql_is_a_script),
        WITH_SITE(sql_is_made_as_the_daemon_is_configured),
        WITH_SITE(sql_needs_no_database),
        WITH_SITE(a_check_tells_what_is_amiss),
        WITH_SITE(a_check_is_made_without_readable_scripts),
        WITH_SITE(a_new_script_is_created),
        WITH_SITE(a_script_that_is_not_written_is_a_problem),
        WITH_SITE(nothing_is_answered_before_the_script_is_there),
        WITH_SITE(a_client_may_be_gone_before_its_script_is_there),
        WITH_SITE(giving_up_before_the_script_is_there_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
