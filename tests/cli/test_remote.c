/*
 * test_remote.c - requests as the bodies that openapi.yaml describes, and jobs as progress.
 */
#include "tests/unit/unit.h"

#include "api/json.h"
#include "cli/remote.h"

#include <stdlib.h>

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
    };
    struct run_progress again;
    json_t *json = NULL;

    (void) state;
    job.report.actor = "uid 0";
    json = json_of_job(&job);
    again = remote_progress_of(json);
    assert_memory_equal(&again, &job.progress, sizeof(again));
    json_decref(json);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_was_asked_is_sent),
        cmocka_unit_test(progress_comes_back_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
