/*
 * test_events.c - a daemon's events over connections that break, and waiting that is left to it.
 */
#include "tests/unit/unit.h"

#include "api/json.h"
#include "cli/remote.h"
#include "tests/cli/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;

    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

struct diary {
    char text[512];
    unsigned count;
    unsigned count_max;
    unsigned told;
};

static void on_event(void *data, const char *name, uint64_t number, const json_t *content)
{
    struct diary *diary = data;
    size_t len = strlen(diary->text);

    (void) snprintf(diary->text + len, sizeof(diary->text) - len, "%llu %s %d\n",
                    (unsigned long long) number, name,
                    (int) json_integer_value(json_object_get(content, "n")));
    diary->count++;
}

static void on_note(void *data, const char *text)
{
    struct diary *diary = data;

    (void) text;
    diary->told++;
}

static bool is_full(void *data)
{
    const struct diary *diary = data;

    return diary->count >= diary->count_max;
}

static bool listen_to(const struct options *options, struct diary *diary, struct error *err)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct transport transport cleanup_transport = { .data = NULL };
    struct event_watch watch = {
        .data = diary,
        .event = on_event,
        .told = on_note,
        .is_over = is_full,
    };

    return remote_open(options, &arena, &transport, err) &&
           transport.events(transport.data, &watch, err);
}

static void events_go_on_over_broken_connections(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET /events HTTP", FAKE_CUT_EVENTS,
          .body =
              "id: 7\nevent: current\ndata: {'n': 1}\n\nid: 8\nevent: job\ndata: {'n': 2}\n\n" },
        { "GET /events HTTP", .status = 503, .body = "{'code': 'stopping', 'detail': 'so it is'}" },
        { "GET /events HTTP", FAKE_EVENTS, .body = "id: 9\nevent: gap\ndata: {'n': 3}\n\n" },
        { "GET /events HTTP", FAKE_HELD_EVENTS, .body = "id: 10\nevent: job\ndata: {'n': 4}\n\n" },
    };
    struct fake *fake = fake_start(answers, ARRAY_SIZE(answers));
    struct options options = { .socket = fake_socket(fake), .retry_ms = 5000 };
    struct diary diary = { .count_max = 4 };
    struct error err = { 0 };
    char *requests = NULL;

    (void) state;
    assert_true(listen_to(&options, &diary, &err));
    assert_int_equal(err.code, ERR_OK);
    requests = fake_end(fake);
    assert_string_equal(diary.text, "7 current 1\n8 job 2\n9 gap 3\n10 job 4\n");
    assert_int_equal(count_of(requests, "\r\nLast-Event-ID: 8\r\n"), 2);
    assert_int_equal(count_of(requests, "\r\nLast-Event-ID: 9\r\n"), 1);
    assert_int_equal(diary.told, 2); /* once for each row of failures */
    free(requests);
}

static void events_of_nobody_are_an_error(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET /events", .status = 403, .body = "{'code': 'forbidden', 'detail': 'so it is'}" }
    };
    struct fake *fake = fake_start(answers, ARRAY_SIZE(answers));
    struct options options = { .socket = fake_socket(fake), .retry_ms = 5000 };
    struct options nowhere = { .socket = "/nonexistent/s", .retry_ms = 5000 };
    struct diary diary = { .count_max = 1 };
    struct error err = { 0 };

    (void) state;
    assert_false(listen_to(&options, &diary, &err));
    assert_int_equal(err.code, ERR_FORBIDDEN);
    free(fake_end(fake));
    error_clear(&err);
    assert_false(listen_to(&nowhere, &diary, &err));
    assert_int_equal(err.code, ERR_DAEMON_UNREACHABLE);
    assert_int_equal(diary.told, 0);
}

static void waiting_is_left_to_the_daemon(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET /current?wait=c7%2B1&timeout=250ms HTTP", .body = "{'verdict': 'equal'}" },
    };
    struct fake *fake = fake_start(answers, ARRAY_SIZE(answers));
    struct options options = { .socket = fake_socket(fake) };
    struct arena arena cleanup(arena_release) = { 0 };
    struct transport transport cleanup_transport = { .data = NULL };
    struct question question = { .kind = ASK_REACHED, .text = "c7+1", .timeout_ms = 250 };
    json_t *answer = NULL;
    struct error err = { 0 };

    (void) state;
    assert_true(remote_open(&options, &arena, &transport, &err));
    assert_true(transport.ask(transport.data, &question, &answer, &err));
    json_decref(answer);
    free(fake_end(fake));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_go_on_over_broken_connections),
        cmocka_unit_test(events_of_nobody_are_an_error),
        cmocka_unit_test(waiting_is_left_to_the_daemon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
