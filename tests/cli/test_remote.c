/*
 * test_remote.c - requests as openapi.yaml describes them, and a daemon that hangs up, is busy,
 * restarts or has no stream to give: the run is asked for once, and its end is found.
 */
#include "tests/unit/unit.h"

#include "api/json.h"
#include "cli/follow.h"
#include "cli/remote.h"
#include "tests/cli/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Bodies, progress, paths ---- */

static void expect_body(const struct run_request *request, const char *expected)
{
    json_t *body = remote_body_of(request);
    char *text = json_dumps(body, JSON_COMPACT);

    assert_string_equal(text, expected);
    free(text);
    json_decref(body);
}

static void only_what_was_asked_is_sent(void **state)
{
    static const char *ids[] = { "a", "b" };
    struct run_request plain = { .verb = VERB_UPGRADE, .actor = "uid 0" };
    struct run_request full = {
        .verb = VERB_DOWNGRADE,
        .target = "-1",
        .transaction = TRANSACTION_REVISION,
        .has_transaction = true,
        .backup = BACKUP_NEVER,
        .has_backup = true,
        .has_expect = true,
        .expect = { .items = ids, .count = 2, .capacity = 2 },
        .is_dry_run = true,
        .reason = "why",
        .lock_timeout_ms = 5,
        .timeout_ms = 6,
    };
    struct run_request empty = { .verb = VERB_UPGRADE, .has_expect = true };
    struct run_request stamp = {
        .verb = VERB_STAMP,
        .stamps = { .items = ids, .count = 2, .capacity = 2 },
        .purge = true,
    };

    (void) state;
    expect_body(&plain, "{}");
    expect_body(&full, "{\"target\":\"-1\",\"expect\":[\"a\",\"b\"],\"transaction\":\"revision\","
                       "\"backup\":\"never\",\"reason\":\"why\",\"dry_run\":true,"
                       "\"lock_timeout_ms\":5,\"timeout_ms\":6}");
    expect_body(&empty, "{\"expect\":[]}");
    expect_body(&stamp, "{\"targets\":[\"a\",\"b\"],\"purge\":true}");
}

static void progress_comes_back_as_it_was(void **state)
{
    struct job_view job = {
        .state = JOB_RUNNING,
        .progress = { .phase = PHASE_RUNNING,
                      .revision = "c7f8a9b0d1e2",
                      .step = 3,
                      .step_count = 5,
                      .statement = 2,
                      .statement_count = 7,
                      .permille = 480 },
        .elapsed_us = 12345000,
        .remaining_us = 9000000,
    };
    struct run_moment again;
    json_t *json = NULL;

    (void) state;
    job.report.actor = "uid 0";
    json = json_of_job(&job);
    again = follow_moment_of(json);
    assert_memory_equal(&again.progress, &job.progress, sizeof(again.progress));
    assert_int_equal(again.elapsed_us, job.elapsed_us);
    assert_int_equal(again.remaining_us, job.remaining_us);
    json_decref(json);
    assert_int_equal(follow_moment_of(NULL).remaining_us, -1);
}

static void a_page_of_jobs_has_its_path(void **state)
{
    static const struct {
        struct job_filter filter;
        const char *path;
    } cases[] = {
        { { .limit = 50 }, "/jobs?limit=50" },
        { { .limit = 1, .has_state = true, .state = JOB_FAILED }, "/jobs?state=failed&limit=1" },
        { { .limit = 2, .has_state = true, .has_verb = true, .verb = VERB_STAMP, .before = "0a" },
          "/jobs?state=queued&verb=stamp&limit=2&before=0a" },
    };
    struct arena arena cleanup(arena_release) = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(transport_jobs_path(&cases[i].filter, &arena), cases[i].path);
}

/* ---- Runs ---- */

#define JOB(state, rest) "{'id': '0a', 'state': '" state "'" rest "}"
#define RUN              "'run': {'id': '0a', 'outcome': 'succeeded', 'error': null}"
#define EVENT(id, job)   "id: " id "\nevent: job\ndata: " job "\n\n"
#define PROBLEM(code)    "{'code': '" code "', 'detail': 'so it is'}"

#define POST   "POST /upgrade HTTP"
#define STREAM "GET /jobs/0a/events HTTP"
#define LOOK   "GET /jobs/0a HTTP"
#define CANCEL "DELETE /jobs/0a HTTP"
#define ACCEPTED                                       \
    {                                                  \
        POST, .status = 202, .body = JOB("queued", "") \
    }
#define DONE JOB("succeeded", ", " RUN)

/* What a run through a fake daemon came to. */
struct story {
    char told[1024];
    unsigned moves;
    unsigned cancel_at; /* interrupted after so many moves; 0: never */
    bool is_done;
    struct error err;
    json_t *run;
    char *requests;
};

static void on_moved(void *data, const struct run_moment *moment)
{
    struct story *story = data;

    (void) moment;
    story->moves++;
}

static void on_told(void *data, const char *text)
{
    struct story *story = data;
    size_t len = strlen(story->told);

    (void) snprintf(story->told + len, sizeof(story->told) - len, "%s\n", text);
}

static bool on_question(void *data)
{
    const struct story *story = data;

    return story->cancel_at > 0 && story->moves >= story->cancel_at;
}

enum deed {
    RUN_IT,
    SUBMIT_IT,
    FOLLOW_IT,
};

static void act(struct story *story, const struct options *options, enum deed deed)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct transport transport cleanup_transport = { .data = NULL };
    struct run_request request = { .verb = VERB_UPGRADE };
    struct run_watch watch = {
        .data = story,
        .moved = on_moved,
        .told = on_told,
        .is_cancelled = on_question,
    };

    assert_true(remote_open(options, &arena, &transport, &story->err));
    if (deed == RUN_IT)
        story->is_done = transport.run(transport.data, &request, &watch, &story->run, &story->err);
    else if (deed == SUBMIT_IT)
        story->is_done =
            transport.submit(transport.data, &request, &watch, &story->run, &story->err);
    else
        story->is_done = transport.follow(transport.data, "0a", &watch, &story->run, &story->err);
}

static void tell(struct story *story, const struct fake_answer *answers, size_t count,
                 enum deed deed)
{
    struct fake *fake = fake_start(answers, count);
    struct options options = { .socket = fake_socket(fake), .retry_ms = 5000 };

    act(story, &options, deed);
    story->requests = fake_end(fake);
}

static void end(struct story *story)
{
    json_decref(story->run);
    free(story->requests);
}

#define TELL(story, answers, deed) tell((story), (answers), ARRAY_SIZE(answers), (deed))

static void expect_done(struct story *story, const struct fake_answer *answers, size_t count)
{
    tell(story, answers, count, RUN_IT);
    if (!story->is_done)
        fail_msg("%s", story->err.detail);
    assert_string_equal(json_string_value(json_object_get(story->run, "outcome")), "succeeded");
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;

    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

static void a_run_is_queued_under_a_key_and_followed(void **state)
{
    static const struct fake_answer answers[] = {
        ACCEPTED,
        { STREAM, FAKE_EVENTS,
          .body = "retry: 1000\n\n" EVENT("1", JOB("running",
                                                   "")) ": alive\n\n" EVENT("2", JOB("running", ""))
              EVENT("3", DONE) },
    };
    struct story story = { .moves = 0 };

    (void) state;
    expect_done(&story, answers, ARRAY_SIZE(answers));
    assert_int_equal(story.moves, 2);
    assert_string_equal(story.told, "");
    assert_non_null(strstr(story.requests, "\r\nPrefer: respond-async\r\n"));
    assert_non_null(strstr(story.requests, "\r\nIdempotency-Key: "));
    assert_non_null(strstr(story.requests, "\r\nAccept: text/event-stream"));
    assert_int_equal(count_of(story.requests, "Last-Event-ID"), 0);
    end(&story);
}

/* The 32 digits of the nth key that was sent. */
static const char *key_in(const char *requests, unsigned nth)
{
    const char *at = requests;

    for (; nth > 0; nth--)
        at = strstr(at + 1, "Idempotency-Key: ");
    return at + strlen("Idempotency-Key: ");
}

static void a_lost_answer_is_asked_for_again_with_the_same_key(void **state)
{
    static const struct fake_answer answers[] = {
        { POST, FAKE_HANG_UP },
        { POST, FAKE_HANG_UP },
        ACCEPTED,
        { STREAM, FAKE_EVENTS, .body = EVENT("3", DONE) },
    };
    struct story story = { .moves = 0 };

    (void) state;
    expect_done(&story, answers, ARRAY_SIZE(answers));
    assert_int_equal(strspn(key_in(story.requests, 1), "0123456789abcdef"), 32);
    assert_memory_equal(key_in(story.requests, 1), key_in(story.requests, 2), 33);
    assert_memory_equal(key_in(story.requests, 1), key_in(story.requests, 3), 33);
    assert_non_null(strstr(story.told, "trying again for up to 5 s"));
    assert_int_equal(count_of(story.told, "\n"), 1);
    end(&story);
}

static void each_invocation_has_a_key_of_its_own_unless_one_is_given(void **state)
{
    static const struct fake_answer answers[] = {
        { POST, .status = 202, .body = JOB("queued", "") },
        { POST, .status = 202, .body = JOB("queued", "") },
        { POST, .status = 202, .body = JOB("queued", "") },
    };
    struct fake *fake = fake_start(answers, ARRAY_SIZE(answers));
    struct options options = { .socket = fake_socket(fake) };
    struct story story = { .moves = 0 };

    (void) state;
    for (int i = 0; i < 3; i++) {
        options.idempotency_key = i == 2 ? "release-42" : NULL;
        act(&story, &options, SUBMIT_IT);
        assert_true(story.is_done);
        json_decref(story.run);
        story.run = NULL;
    }
    story.requests = fake_end(fake);
    assert_memory_not_equal(key_in(story.requests, 1), key_in(story.requests, 2), 32);
    assert_memory_equal(key_in(story.requests, 3), "release-42\r\n", 12);
    end(&story);
}

static void a_daemon_that_is_busy_or_stopping_is_asked_again(void **state)
{
    static const char *const codes[] = { PROBLEM("stopping"), PROBLEM("queue-full"),
                                         PROBLEM("not-ready") };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        const struct fake_answer answers[] = {
            { POST, .status = 503, .headers = "Retry-After: 0\r\n", .body = codes[i] },
            ACCEPTED,
            { STREAM, FAKE_EVENTS, .body = EVENT("3", DONE) },
        };
        struct story story = { .moves = 0 };

        expect_done(&story, answers, ARRAY_SIZE(answers));
        end(&story);
    }
}

static void no_other_refusal_is_asked_again(void **state)
{
    static const struct {
        unsigned status;
        const char *body;
        enum error_code code;
    } cases[] = {
        { 403, PROBLEM("forbidden"), ERR_FORBIDDEN },
        { 401, PROBLEM("unauthorized"), ERR_UNAUTHORIZED },
        { 404, PROBLEM("revision-unknown"), ERR_REVISION_UNKNOWN },
        { 412, PROBLEM("precondition-failed"), ERR_PRECONDITION_FAILED },
        { 422, PROBLEM("idempotency-key-reused"), ERR_IDEMPOTENCY_KEY_REUSED },
        { 423, PROBLEM("locked"), ERR_LOCKED },
        { 503, "not JSON", ERR_INTERNAL },
        { 200, "[]", ERR_INTERNAL },
        { 200, "{}", ERR_INTERNAL },
        { 202, "{}", ERR_INTERNAL },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct fake_answer answers[] = {
            { POST, .status = cases[i].status, .body = cases[i].body },
        };
        struct story story = { .moves = 0 };

        TELL(&story, answers, RUN_IT);
        assert_false(story.is_done);
        assert_int_equal(story.err.code, cases[i].code);
        assert_null(story.run);
        end(&story);
    }
}

static void what_a_known_key_made_is_taken_as_the_answer(void **state)
{
    static const struct fake_answer done[] = {
        { POST, .body = "{'id': '0a', 'outcome': 'succeeded'}" },
    };
    static const struct fake_answer failed[] = {
        { POST, .status = 503,
          .body = "{'code': 'stopping', 'detail': 'so it is', 'run': {'id': '0a'}}" },
    };
    struct story story = { .moves = 0 };
    struct story other = { .moves = 0 };

    (void) state;
    expect_done(&story, done, ARRAY_SIZE(done));
    end(&story);
    TELL(&other, failed, RUN_IT);
    assert_int_equal(other.err.code, ERR_STOPPING);
    assert_string_equal(json_string_value(json_object_get(other.run, "id")), "0a");
    end(&other);
}

static void a_run_that_failed_says_why(void **state)
{
    static const struct fake_answer answers[] = {
        ACCEPTED,
        { STREAM, FAKE_EVENTS,
          .body = EVENT("3", JOB("failed", ", 'run': {'id': '0a', 'error': {'code': "
                                           "'statement-failed', 'detail': 'no such table'}}")) },
    };
    struct story story = { .moves = 0 };

    (void) state;
    TELL(&story, answers, RUN_IT);
    assert_int_equal(story.err.code, ERR_STATEMENT_FAILED);
    assert_string_equal(story.err.detail, "no such table");
    assert_non_null(story.run);
    end(&story);
}

static void what_is_no_job_is_no_success(void **state)
{
    static const char *const bodies[] = { "{}", JOB("odd", ""), JOB("failed", ", 'run': null") };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        const struct fake_answer answers[] = { ACCEPTED,
                                               { STREAM, FAKE_EVENTS },
                                               { LOOK, .body = bodies[i] } };
        struct story story = { .moves = 0 };

        TELL(&story, answers, RUN_IT);
        assert_false(story.is_done);
        assert_int_equal(story.err.code, ERR_INTERNAL);
        end(&story);
    }
}

static void a_stream_that_breaks_is_taken_up_where_it_broke(void **state)
{
    static const struct fake_answer answers[] = {
        ACCEPTED,
        { STREAM, FAKE_CUT_EVENTS,
          .body = EVENT("7", JOB("running", "")) "id: 8\nevent: job\ndata: {'cut" },
        { LOOK, .body = JOB("running", "") },
        { STREAM, FAKE_EVENTS, .body = EVENT("9", JOB("running", "")) }, /* ends too early */
        { LOOK, .body = JOB("running", "") },
        { STREAM, .status = 503, .body = PROBLEM("queue-full") },
        { LOOK, .body = DONE },
    };
    struct story story = { .moves = 0 };

    (void) state;
    expect_done(&story, answers, ARRAY_SIZE(answers));
    assert_int_equal(story.moves, 4);
    assert_non_null(strstr(story.requests, "\r\nLast-Event-ID: 7\r\n"));
    assert_non_null(strstr(story.requests, "\r\nLast-Event-ID: 9\r\n"));
    assert_int_equal(count_of(story.requests, "Last-Event-ID"), 2);
    end(&story);
}

static void what_is_heard_gives_new_patience(void **state)
{
    static const struct fake_answer answers[] = {
        ACCEPTED,
        { STREAM, FAKE_CUT_EVENTS, .body = EVENT("7", JOB("running", "")) },
        { LOOK, FAKE_HANG_UP },
        { STREAM, FAKE_CUT_EVENTS, .body = EVENT("8", JOB("running", "")) },
        { LOOK, FAKE_HANG_UP },
        { STREAM, FAKE_EVENTS, .body = EVENT("9", DONE) },
    };
    struct story story = { .moves = 0 };

    (void) state;
    expect_done(&story, answers, ARRAY_SIZE(answers));
    assert_int_equal(count_of(story.told, "trying again"), 2);
    end(&story);
}

static void whatever_the_stream_says_the_job_itself_is_believed(void **state)
{
    static const struct fake_answer streams[] = {
        { STREAM, FAKE_EVENTS, .body = "data: 1\n\nevent: job\ndata: nonsense\n\n" },
        { STREAM, FAKE_EVENTS, .body = "event: job\ndata: {}\n\n" },
        { STREAM, FAKE_EVENTS, .body = "event: job\ndata: {'state': 'odd'}\n\n" },
        { STREAM, .body = "{}" },
        { STREAM, FAKE_HANG_UP },
        { STREAM, .status = 204 },
        { STREAM, .status = 404, .body = PROBLEM("not-found") },
        { STREAM, FAKE_EVENTS, .body = "id: 5\nevent: gap\ndata: {'after': 4}\n\n" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
        const struct fake_answer answers[] = { ACCEPTED, streams[i], { LOOK, .body = DONE } };
        struct story story = { .moves = 0 };

        expect_done(&story, answers, ARRAY_SIZE(answers));
        end(&story);
    }
}

static void a_daemon_that_stays_away_is_given_up_and_the_run_is_named(void **state)
{
    static const struct fake_answer answers[] = {
        ACCEPTED,
        { STREAM, FAKE_CUT_EVENTS, .body = EVENT("7", JOB("running", "")) },
    };
    struct fake *fake = fake_start(answers, ARRAY_SIZE(answers));
    struct options options = { .socket = fake_socket(fake), .retry_ms = 100 };
    struct story story = { .moves = 0 };

    (void) state;
    act(&story, &options, RUN_IT);
    story.requests = fake_end(fake);
    assert_int_equal(story.err.code, ERR_DAEMON_UNREACHABLE);
    assert_non_null(strstr(story.err.hint, "schemadctl jobs 0a"));
    assert_int_equal(count_of(story.told, "trying again for up to 0.1 s"), 1);
    end(&story);
}

static void without_patience_the_first_failure_is_the_answer(void **state)
{
    static const struct fake_answer lost[] = { { POST, FAKE_HANG_UP } };
    static const struct fake_answer full[] = {
        { POST, .status = 503, .body = PROBLEM("queue-full") },
    };
    const struct fake_answer *const cases[] = { lost, full };
    static const enum error_code codes[] = { ERR_DAEMON_UNREACHABLE, ERR_QUEUE_FULL };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fake *fake = fake_start(cases[i], 1);
        struct options options = { .socket = fake_socket(fake), .idempotency_key = "k1" };
        struct story story = { .moves = 0 };

        act(&story, &options, RUN_IT);
        story.requests = fake_end(fake);
        assert_int_equal(story.err.code, codes[i]);
        assert_int_equal(strstr(story.err.hint, "--idempotency-key k1") != NULL, i == 0);
        assert_string_equal(story.told, "");
        end(&story);
    }
}

static void a_daemon_that_never_was_there_is_not_waited_for(void **state)
{
    struct options options = { .socket = "/nonexistent/s", .retry_ms = 60000 };
    struct story story = { .moves = 0 };

    (void) state;
    act(&story, &options, RUN_IT);
    assert_int_equal(story.err.code, ERR_DAEMON_UNREACHABLE);
    assert_string_equal(story.told, "");
}

static void an_interrupt_cancels_our_run_and_waits_for_its_end(void **state)
{
    static const struct fake_answer answers[] = {
        ACCEPTED,
        { STREAM, FAKE_HELD_EVENTS, .body = EVENT("7", JOB("running", "")) },
        { CANCEL, .status = 202, .body = JOB("running", ", 'cancel_requested': true") },
        { STREAM, FAKE_EVENTS,
          .body = EVENT("9", JOB("cancelled", ", 'run': {'id': '0a', 'error': {'code': "
                                              "'cancelled', 'detail': 'run was cancelled'}}")) },
    };
    struct story story = { .cancel_at = 1 };

    (void) state;
    TELL(&story, answers, RUN_IT);
    assert_int_equal(story.err.code, ERR_CANCELLED);
    assert_string_equal(story.err.detail, "run was cancelled");
    end(&story);
}

static void an_interrupt_leaves_a_job_that_is_only_watched(void **state)
{
    static const struct fake_answer answers[] = {
        { STREAM, FAKE_HELD_EVENTS, .body = EVENT("7", JOB("running", "")) },
    };
    struct story story = { .cancel_at = 1 };

    (void) state;
    TELL(&story, answers, FOLLOW_IT);
    assert_int_equal(story.err.code, ERR_CANCELLED);
    assert_non_null(strstr(story.err.detail, "the job goes on"));
    end(&story);
}

static void a_job_that_is_not_there_cannot_be_followed(void **state)
{
    static const struct fake_answer answers[] = {
        { STREAM, .status = 404, .body = PROBLEM("job-unknown") },
        { LOOK, .status = 404, .body = PROBLEM("job-unknown") },
    };
    struct story story = { .moves = 0 };

    (void) state;
    TELL(&story, answers, FOLLOW_IT);
    assert_int_equal(story.err.code, ERR_JOB_UNKNOWN);
    end(&story);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_was_asked_is_sent),
        cmocka_unit_test(progress_comes_back_as_it_was),
        cmocka_unit_test(a_page_of_jobs_has_its_path),
        cmocka_unit_test(a_run_is_queued_under_a_key_and_followed),
        cmocka_unit_test(a_lost_answer_is_asked_for_again_with_the_same_key),
        cmocka_unit_test(each_invocation_has_a_key_of_its_own_unless_one_is_given),
        cmocka_unit_test(a_daemon_that_is_busy_or_stopping_is_asked_again),
        cmocka_unit_test(no_other_refusal_is_asked_again),
        cmocka_unit_test(what_a_known_key_made_is_taken_as_the_answer),
        cmocka_unit_test(a_run_that_failed_says_why),
        cmocka_unit_test(what_is_no_job_is_no_success),
        cmocka_unit_test(a_stream_that_breaks_is_taken_up_where_it_broke),
        cmocka_unit_test(what_is_heard_gives_new_patience),
        cmocka_unit_test(whatever_the_stream_says_the_job_itself_is_believed),
        cmocka_unit_test(a_daemon_that_stays_away_is_given_up_and_the_run_is_named),
        cmocka_unit_test(without_patience_the_first_failure_is_the_answer),
        cmocka_unit_test(a_daemon_that_never_was_there_is_not_waited_for),
        cmocka_unit_test(an_interrupt_cancels_our_run_and_waits_for_its_end),
        cmocka_unit_test(an_interrupt_leaves_a_job_that_is_only_watched),
        cmocka_unit_test(a_job_that_is_not_there_cannot_be_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
