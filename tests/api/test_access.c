/*
 * test_access.c - who comes in, and what they may do: peers of a unix socket by user and group,
 * clients over TCP by token; and what becomes of those who may not.
 */
#include "tests/api/site.h"

#include "api/peer.h"
#include "base/digest.h"
#include "base/file.h"

#include <grp.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define END "\r\n\r\n"

/* Tokens of the three classes; a test's site knows them besides its own. */
#define AS_WATCHER "\r\nAuthorization: Bearer secret-of-watcher"
#define AS_CI      "\r\nAuthorization: Bearer secret-of-ci"
#define AS_ADMIN   "\r\nAuthorization: Bearer secret-of-admin"

static struct api_token token_of(const char *name, enum access access, const char *secret)
{
    struct api_token token = { .name = name, .access = access };

    digest_sha256(secret, strlen(secret), token.digest);
    return token;
}

/* Let a site serve. */
static void start(struct site *site)
{
    const struct api_token tokens[] = {
        token_of("watcher", ACCESS_READ, "secret-of-watcher"),
        token_of("ci", ACCESS_OPERATE, "secret-of-ci"),
        token_of("admin", ACCESS_DESTROY, "secret-of-admin"),
    };

    site_start(site);
    server_tokens_set(site->server, tokens, ARRAY_SIZE(tokens));
}

static int setup(void **state)
{
    struct site *site = site_new();

    site->options.tcp_reads_openly = false;
    site->fake.ends_at_once = true;
    start(site);
    *state = site;
    return 0;
}

/* ---- By name ---- */

static void classes_have_names(void **state)
{
    static const char *const names[] = { "none", "read", "operate", "destroy" };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        enum access found = ACCESS_NONE;

        assert_string_equal(access_name((enum access) i), names[i]);
        assert_true(access_find(names[i], &found));
        assert_int_equal(found, i);
    }
}

static void no_other_name_is_a_class(void **state)
{
    static const char *const names[] = { "", "Read", "read ", "admin", "rea", "reads" };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        enum access found = ACCESS_OPERATE;

        assert_false(access_find(names[i], &found));
        assert_int_equal(found, ACCESS_OPERATE);
    }
}

/* A list of names, from a text in which spaces separate them. */
static struct str_list names_of(const char *text, struct arena *arena)
{
    struct str_list list = { 0 };

    for (char *name = arena_strdup(arena, text); name != NULL && *name != '\0';) {
        char *space = strchr(name, ' ');

        if (space != NULL)
            *space++ = '\0';
        str_list_add(&list, arena, name);
        name = space;
    }
    return list;
}

static void a_peer_is_in_the_highest_class_that_names_it(void **state)
{
    static const struct {
        const char *read;
        const char *operate;
        const char *destroy;
        uid_t uid;
        gid_t gid;
        enum access access;
    } rows[] = {
        { "", "", "", 1234, 1234, ACCESS_NONE },
        { "", "", "", 0, 0, ACCESS_DESTROY },
        { "*", "", "", 1234, 1234, ACCESS_READ },
        { "*", "", "", 0, 0, ACCESS_DESTROY },
        { "", "*", "", 1234, 1234, ACCESS_OPERATE },
        { "1234", "", "", 1234, 1234, ACCESS_READ },
        { "1234", "", "", 1235, 1234, ACCESS_NONE },
        { "1 1234 2", "", "", 1234, 1234, ACCESS_READ },
        { "@4321", "", "", 1234, 4321, ACCESS_READ },
        { "@4321", "", "", 4321, 1234, ACCESS_NONE },
        { "4321", "", "", 1234, 4321, ACCESS_NONE },
        { "daemon", "@daemon", "", 1, 1234, ACCESS_READ },
        { "daemon", "@daemon", "", 1234, 1, ACCESS_OPERATE },
        { "*", "@4321", "1234", 1234, 4321, ACCESS_DESTROY },
        { "*", "@4321", "1234", 1235, 4321, ACCESS_OPERATE },
        { "*", "@4321", "1234", 1235, 1234, ACCESS_READ },
        { "", "", "1234", 1234, 1234, ACCESS_DESTROY },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        const struct access_lists lists = { names_of(rows[i].read, &arena),
                                            names_of(rows[i].operate, &arena),
                                            names_of(rows[i].destroy, &arena) };
        const struct peer peer = { .uid = rows[i].uid, .gid = rows[i].gid };
        struct peer_rules rules;
        struct error err = { 0 };

        if (!peer_rules_resolve(&lists, &arena, &rules, &err))
            fail_msg("row %zu: %s", i, err.detail);
        if (peer_access(&rules, &peer, -1) != rows[i].access)
            fail_msg("row %zu: %s", i, access_name(peer_access(&rules, &peer, -1)));
    }
}

static void without_lists_only_root_and_our_own_user_come_in(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct peer_rules rules;
    struct error err = { 0 };

    (void) state;
    assert_true(peer_rules_resolve(NULL, &arena, &rules, &err));
    assert_int_equal(peer_access(&rules, &(struct peer){ .uid = 0, .gid = 9 }, -1), ACCESS_DESTROY);
    assert_int_equal(peer_access(&rules, &(struct peer){ .uid = geteuid(), .gid = 9 }, -1),
                     ACCESS_DESTROY);
    assert_int_equal(peer_access(&rules, &(struct peer){ .uid = 1234, .gid = 0 }, -1), ACCESS_NONE);
}

static void a_name_that_nobody_has_is_an_error_of_its_setting(void **state)
{
    static const struct {
        const char *read;
        const char *operate;
        const char *destroy;
        const char *detail;
    } rows[] = {
        { "nobody-is-called-so", "", "", "user 'nobody-is-called-so' of [http] read is not known" },
        { "*", "@nobody-is-called-so", "",
          "group '@nobody-is-called-so' of [http] operate is not known" },
        { "*", "root", "root @", "group '@' of [http] destroy is not known" },
        { "**", "", "", "user '**' of [http] read is not known" },
        { "-1", "", "", "user '-1' of [http] read is not known" },
        /* The number that means no user. */
        { "4294967295", "", "", "user '4294967295' of [http] read is not known" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        const struct access_lists lists = { names_of(rows[i].read, &arena),
                                            names_of(rows[i].operate, &arena),
                                            names_of(rows[i].destroy, &arena) };
        struct peer_rules rules;
        struct error err = { 0 };

        assert_false(peer_rules_resolve(&lists, &arena, &rules, &err));
        assert_int_equal(err.code, ERR_CONFIG_INVALID);
        assert_string_equal(err.detail, rows[i].detail);
    }
}

/* ---- Tokens ---- */

static void tcp_asks_for_a_token_whatever_is_asked(void **state)
{
    /* No more of them fail than the limit lets fail at once. */
    static const struct site_row rows[] = {
        { "GET /current HTTP/1.1\r\nHOST" END, 401, "unauthorized" },
        { "HEAD /current HTTP/1.1\r\nHOST" END, 401, NULL },
        { "GET /nothing HTTP/1.1\r\nHOST" END, 401, "unauthorized" },
        { "POST /upgrade HTTP/1.1\r\nHOST" END, 401, "unauthorized" },
        { "POST /upgrade HTTP/1.1\r\nHOST" AS_CI "x" END, 401, "unauthorized" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nAuthorization: Bearer" END, 401, "unauthorized" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nAuthorization: Basic secret-of-ci" END, 401,
          "unauthorized" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nAuthorization: secret-of-ci" END, 401,
          "unauthorized" },
        { "GET /current HTTP/1.1\r\nHOST" AS_WATCHER END, 200, NULL },
        { "POST /upgrade HTTP/1.1\r\nHOST" AS_CI END, 200, NULL },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nAuthorization: bearer  secret-of-ci" END, 200, NULL },
    };
    struct site *site = *state;

    site_expect(site, LISTEN_TCP, rows, ARRAY_SIZE(rows));
    assert_int_equal(site->fake.job_count, 2);
    assert_string_equal(site->fake.jobs[0].actor, "token ci");
}

static void reading_over_tcp_can_be_opened(void **state)
{
    static const struct site_row rows[] = {
        { "GET /current HTTP/1.1\r\nHOST" END, 200, NULL },
        { "HEAD /current HTTP/1.1\r\nHOST" END, 200, NULL },
        { "GET /current HTTP/1.1\r\nHOST" AS_CI END, 200, NULL },
        /* Wrong is wrong, where none would have done too. */
        { "GET /current HTTP/1.1\r\nHOST\r\nAuthorization: Bearer x" END, 401, "unauthorized" },
        { "POST /upgrade HTTP/1.1\r\nHOST" END, 401, "unauthorized" },
        { "DELETE /jobs/0000000000000001 HTTP/1.1\r\nHOST" END, 401, "unauthorized" },
        /* This GET is more than reading: whoever asks is asked who it is. */
        { "GET /denials HTTP/1.1\r\nHOST" END, 401, "unauthorized" },
        { "GET /denials HTTP/1.1\r\nHOST" AS_CI END, 200, NULL },
    };
    struct site *site = site_new();

    (void) state;
    start(site);
    site_expect(site, LISTEN_TCP, rows, ARRAY_SIZE(rows));
    site_free(site);
}

static void a_missing_and_a_wrong_token_get_the_same_answer(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply missing cleanup_reply =
        site_ask(*state, LISTEN_TCP, "POST /upgrade HTTP/1.1\r\nHOST" END);
    struct reply wrong cleanup_reply =
        site_ask(*state, LISTEN_TCP,
                 "POST /upgrade HTTP/1.1\r\nHOST\r\nAuthorization: Bearer x" END);

    assert_int_equal(missing.status, 401);
    assert_int_equal(wrong.status, 401);
    assert_string_equal(missing.body, wrong.body);
    assert_string_equal(reply_header(&missing, "WWW-Authenticate", &arena),
                        "Bearer realm=\"schemad\"");
}

static void without_tokens_there_is_open_reading_at_most(void **state)
{
    static const struct site_row closed[] = {
        { "GET /current HTTP/1.1\r\nHOST" END, 401, "unauthorized" },
        { "GET /current HTTP/1.1\r\nHOST" AS_ADMIN END, 401, "unauthorized" },
        { "GET /current HTTP/1.1\r\nHOST\r\nAuthorization: Bearer " END, 401, "unauthorized" },
    };
    static const struct site_row open[] = {
        { "GET /current HTTP/1.1\r\nHOST" END, 200, NULL },
        { "POST /upgrade HTTP/1.1\r\nHOST" AS_ADMIN END, 401, "unauthorized" },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nAuthorization: Bearer " END, 401, "unauthorized" },
    };

    (void) state;
    for (unsigned is_open = 0; is_open <= 1; is_open++) {
        struct site *site = site_new();

        site->options.tcp_reads_openly = is_open;
        start(site);
        server_tokens_set(site->server, &(struct api_token){ .name = "" }, 0);
        site_expect(site, LISTEN_TCP, is_open ? open : closed,
                    is_open ? ARRAY_SIZE(open) : ARRAY_SIZE(closed));
        site_free(site);
    }
}

static void a_replaced_token_is_wrong_from_then_on(void **state)
{
    static const struct site_row before[] = {
        { "GET /current HTTP/1.1\r\nHOST" AS_CI END, 200, NULL },
        { "GET /current HTTP/1.1\r\nHOST\r\nAuthorization: Bearer new" END, 401, "unauthorized" },
    };
    static const struct site_row after[] = {
        { "GET /current HTTP/1.1\r\nHOST" AS_CI END, 401, "unauthorized" },
        { "GET /current HTTP/1.1\r\nHOST\r\nAuthorization: Bearer new" END, 200, NULL },
    };
    const struct api_token token = token_of("ci", ACCESS_OPERATE, "new");
    struct site *site = *state;

    site_expect(site, LISTEN_TCP, before, ARRAY_SIZE(before));
    server_tokens_set(site->server, &token, 1);
    site_expect(site, LISTEN_TCP, after, ARRAY_SIZE(after));
}

static void a_unix_sockets_peer_needs_no_token_and_no_right_one(void **state)
{
    static const struct site_row rows[] = {
        { "POST /upgrade HTTP/1.1\r\nHOST" END, 200, NULL },
        { "POST /upgrade HTTP/1.1\r\nHOST\r\nAuthorization: Bearer wrong" END, 200, NULL },
        { "POST /downgrade HTTP/1.1\r\nHOST" AS_WATCHER END, 200, NULL },
    };

    site_expect(*state, LISTEN_UNIX, rows, ARRAY_SIZE(rows));
}

/* ---- Classes ---- */

/* What each class gets; over TCP by token, over the unix socket by user. */
static const struct {
    const char *request;
    unsigned statuses[3]; /* of who may read, operate, destroy */
} class_rows[] = {
    { "GET /current", { 200, 200, 200 } },
    { "HEAD /status", { 200, 200, 200 } },
    { "GET /jobs", { 200, 200, 200 } },
    { "GET /metrics", { 200, 200, 200 } },
    { "GET /plan", { 200, 200, 200 } },
    { "GET /denials", { 403, 200, 200 } },
    { "POST /upgrade", { 403, 200, 200 } },
    { "POST /upgrade?dry_run=true", { 403, 200, 200 } },
    { "POST /backup", { 403, 200, 200 } },
    { "DELETE /jobs/ffffffffffffffff", { 403, 404, 404 } },
    { "POST /downgrade", { 403, 403, 200 } },
    { "POST /downgrade?dry_run=true", { 403, 403, 200 } },
    { "POST /stamp?targets=base", { 403, 403, 200 } },
    /* Who may not do it is not told what is wrong with it. */
    { "POST /downgrade?nonsense=1", { 403, 403, 400 } },
    /* Nobody needs a class to be told that there is nothing. */
    { "GET /nothing", { 404, 404, 404 } },
    { "PUT /upgrade", { 405, 405, 405 } },
};

static void tokens_open_their_class_and_those_below(void **state)
{
    static const char *const tokens[] = { AS_WATCHER, AS_CI, AS_ADMIN };

    for (size_t i = 0; i < ARRAY_SIZE(class_rows); i++) {
        for (size_t token = 0; token < ARRAY_SIZE(tokens); token++) {
            struct arena arena cleanup(arena_release) = { 0 };
            struct reply reply cleanup_reply =
                site_ask(*state, LISTEN_TCP,
                         arena_printf(&arena, "%s HTTP/1.1\r\nHOST%s" END, class_rows[i].request,
                                      tokens[token]));

            if (reply.status != class_rows[i].statuses[token])
                fail_msg("%s is answered %u%s", class_rows[i].request, reply.status, tokens[token]);
        }
    }
}

static void a_refusal_says_what_is_needed_and_where_to_get_it(void **state)
{
    struct reply reply cleanup_reply =
        site_ask(*state, LISTEN_TCP, "POST /downgrade HTTP/1.1\r\nHOST" AS_CI END);

    assert_int_equal(reply.status, 403);
    assert_non_null(strstr(reply.body, "\"POST /downgrade needs access 'destroy', and token ci has "
                                       "'operate'\""));
    assert_non_null(strstr(reply.body, "\"Use a token made with: schemadctl token create NAME "
                                       "--access destroy\""));
}

/* ---- Peers ---- */

struct somebody {
    uid_t uid;
    gid_t gid;
    gid_t supplementary;
};

/* Ask as somebody else, in a child that sends the status back. */
static unsigned status_as(struct site *site, const struct somebody *who, const char *method,
                          const char *target)
{
    unsigned asked = 0;
    int status = 0;
    int ends[2];
    pid_t child = -1;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        struct reply reply = { 0 };

        if (setgroups(1, &who->supplementary) != 0 ||
            setresgid(who->gid, who->gid, who->gid) != 0 ||
            setresuid(who->uid, who->uid, who->uid) != 0)
            _exit(1);
        reply = site_do(site, method, target);
        _exit(write(ends[1], &reply.status, sizeof(reply.status)) !=
              (ssize_t) sizeof(reply.status));
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(read(ends[0], &asked, sizeof(asked)), sizeof(asked));
    fd_close(&ends[0]);
    fd_close(&ends[1]);
    return asked;
}

static void unix_peers_come_in_by_user_and_by_group(void **state)
{
    static const struct {
        const char *reads; /* NULL: nobody is named */
        struct somebody who;
        unsigned status;
    } rows[] = {
        { NULL, { 1234, 1234, 1234 }, 403 },   { NULL, { 0, 0, 0 }, 200 },
        { "*", { 1234, 1234, 1234 }, 200 },    { "1234", { 1234, 1234, 1234 }, 200 },
        { "1234", { 1235, 1234, 1234 }, 403 }, { "daemon", { 1, 1234, 1234 }, 200 },
        { "@4321", { 1234, 4321, 1 }, 200 },   { "@4321", { 1234, 1, 4321 }, 200 },
        { "@4321", { 1234, 1, 1 }, 403 },      { "@daemon", { 1234, 1, 1 }, 200 },
    };

    (void) state;
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct site *site = site_new();
        struct access_lists peers = { 0 };

        if (rows[i].reads != NULL)
            str_list_add(&peers.read, &site->fake.arena, rows[i].reads);
        site->options.peers = &peers;
        start(site);
        assert_int_equal(status_as(site, &rows[i].who, "GET", "/healthz"), rows[i].status);
        site_free(site);
    }
}

static void unix_peers_get_what_their_class_may(void **state)
{
    static const struct somebody classes[] = { { 1234, 1, 1 }, { 1235, 1, 4321 }, { 1236, 1, 1 } };
    struct site *site = site_new();
    struct access_lists peers = { 0 };

    (void) state;
    str_list_add(&peers.read, &site->fake.arena, "*");
    str_list_add(&peers.operate, &site->fake.arena, "@4321");
    str_list_add(&peers.destroy, &site->fake.arena, "1236");
    site->options.peers = &peers;
    site->fake.ends_at_once = true;
    if (geteuid() != 0) {
        site_free(site);
        skip();
    }
    start(site);
    for (size_t i = 0; i < ARRAY_SIZE(class_rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        char *method = arena_strdup(&arena, class_rows[i].request);
        char *target = strchr(method, ' ');

        *target++ = '\0';
        for (size_t class = 0; class < ARRAY_SIZE(classes); class ++) {
            unsigned status = status_as(site, &classes[class], method, target);

            if (status != class_rows[i].statuses[class])
                fail_msg("%s %s is answered %u to uid %u", method, target, status,
                         (unsigned) classes[class].uid);
        }
    }
    site_free(site);
}

static void a_server_does_not_start_with_unknown_names(void **state)
{
    struct site *site = site_new();
    struct access_lists peers = { 0 };
    struct error err = { 0 };

    (void) state;
    str_list_add(&peers.operate, &site->fake.arena, "no-such-name");
    site->options.peers = &peers;
    assert_false(server_new(&site->options, &site->server, &err));
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
    assert_string_equal(err.detail, "user 'no-such-name' of [http] operate is not known");
    site_free(site);
}

/* ---- Failing too often ---- */

#define FAILURES_AT_ONCE 10
#define TRIES_MAX        1000

static void whoever_fails_too_often_is_told_to_wait(void **state)
{
    static const char wrong[] = "GET /current HTTP/1.1\r\nHOST\r\nAuthorization: Bearer x" END;
    static const struct site_row others[] = {
        /* Neither a right token meets the limit, nor who is refused for something else. */
        { "GET /current HTTP/1.1\r\nHOST" AS_WATCHER END, 200, NULL },
        { "POST /upgrade HTTP/1.1\r\nHOST" AS_WATCHER END, 403, "forbidden" },
        { "GET /current HTTP/1.1\r\nHost: evil.example" AS_WATCHER END, 403, "forbidden" },
    };
    struct arena arena cleanup(arena_release) = { 0 };
    struct reply reply cleanup_reply = site_ask(*state, LISTEN_TCP, wrong);
    unsigned failed = 0;

    for (; reply.status == 401 && failed < TRIES_MAX; failed++) {
        reply_release(&reply);
        reply = site_ask(*state, LISTEN_TCP, wrong);
    }
    assert_in_range(failed, FAILURES_AT_ONCE, TRIES_MAX - 1);
    assert_int_equal(reply.status, 429);
    assert_non_null(strstr(reply.body, "\"code\": \"too-many-failures\""));
    assert_string_equal(reply_header(&reply, "Retry-After", &arena), "5");
    assert_null(reply_header(&reply, "WWW-Authenticate", &arena));
    site_expect(*state, LISTEN_TCP, others, ARRAY_SIZE(others));
}

/* ---- What is told of it ---- */

static void the_backend_hears_who_was_refused_what_and_why(void **state)
{
    static const struct {
        enum listen_kind kind;
        const char *bytes;
        const char *denial; /* "REASON ACTOR METHOD PATH"; NULL: none */
    } rows[] = {
        { LISTEN_TCP, "POST /upgrade?reason=secret HTTP/1.1\r\nHOST" END,
          "token tcp POST /upgrade" },
        { LISTEN_TCP, "POST /stamp HTTP/1.1\r\nHOST" AS_CI END, "access token ci POST /stamp" },
        { LISTEN_TCP, "GET /current HTTP/1.1\r\nHost: evil.example" AS_CI END,
          "host token ci GET /current" },
        { LISTEN_TCP, "GET /current HTTP/1.1\r\nHOST\r\nOrigin: null" AS_CI END,
          "origin token ci GET /current" },
        { LISTEN_TCP, "AMETHODLONGERTHANANYOTHER /\x1b[31m\xff HTTP/1.1\r\nHOST" END,
          "token tcp AMETHODLONGERTHA /?[31m?" },
        { LISTEN_TCP, "GET /nothing HTTP/1.1\r\nHOST" AS_CI END, NULL },
        { LISTEN_TCP, "GET /current?nonsense=1 HTTP/1.1\r\nHOST" AS_CI END, NULL },
        { LISTEN_TCP, "GET /current HTTP/1.1\r\nHOST" AS_CI END, NULL },
    };
    struct site *site = *state;
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct reply reply cleanup_reply = site_ask(site, rows[i].kind, rows[i].bytes);
        struct denials denials = { 0 };
        struct error err = { 0 };

        assert_int_not_equal(reply.status, 0);
        count += rows[i].denial != NULL;
        assert_true(site->fake.backend.denial_list(&site->fake, 100, &arena, &denials, &err));
        assert_int_equal(denials.count, count);
        if (rows[i].denial != NULL)
            assert_string_equal(arena_printf(&arena, "%s %s %s %s", denials.items[0].reason,
                                             denials.items[0].actor, denials.items[0].method,
                                             denials.items[0].path),
                                rows[i].denial);
    }
}

static void denials_are_listed_newest_first(void **state)
{
    struct reply first cleanup_reply =
        site_ask(*state, LISTEN_TCP, "POST /upgrade HTTP/1.1\r\nHOST" END);
    struct reply second cleanup_reply =
        site_ask(*state, LISTEN_TCP, "POST /stamp HTTP/1.1\r\nHOST" AS_CI END);
    struct reply all cleanup_reply = site_do(*state, "GET", "/denials");
    struct reply one cleanup_reply = site_do(*state, "GET", "/denials?limit=1");
    struct reply none cleanup_reply = site_do(*state, "GET", "/denials?limit=0");
    const char *stamp = strstr(all.body, "\"path\": \"/stamp\"");

    assert_int_equal(first.status, 401);
    assert_int_equal(second.status, 403);
    assert_int_equal(all.status, 200);
    assert_non_null(stamp);
    assert_non_null(strstr(stamp, "\"path\": \"/upgrade\""));
    assert_int_equal(one.status, 200);
    assert_null(strstr(one.body, "/upgrade"));
    assert_int_equal(none.status, 400);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, setup, site_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_have_names),
        cmocka_unit_test(no_other_name_is_a_class),
        cmocka_unit_test(a_peer_is_in_the_highest_class_that_names_it),
        cmocka_unit_test(without_lists_only_root_and_our_own_user_come_in),
        cmocka_unit_test(a_name_that_nobody_has_is_an_error_of_its_setting),
        WITH_SITE(tcp_asks_for_a_token_whatever_is_asked),
        cmocka_unit_test(reading_over_tcp_can_be_opened),
        WITH_SITE(a_missing_and_a_wrong_token_get_the_same_answer),
        cmocka_unit_test(without_tokens_there_is_open_reading_at_most),
        WITH_SITE(a_replaced_token_is_wrong_from_then_on),
        WITH_SITE(a_unix_sockets_peer_needs_no_token_and_no_right_one),
        WITH_SITE(tokens_open_their_class_and_those_below),
        WITH_SITE(a_refusal_says_what_is_needed_and_where_to_get_it),
        cmocka_unit_test(unix_peers_come_in_by_user_and_by_group),
        cmocka_unit_test(unix_peers_get_what_their_class_may),
        cmocka_unit_test(a_server_does_not_start_with_unknown_names),
        WITH_SITE(whoever_fails_too_often_is_told_to_wait),
        WITH_SITE(the_backend_hears_who_was_refused_what_and_why),
        WITH_SITE(denials_are_listed_newest_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
