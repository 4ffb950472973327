/*
 * test_json.c - the JSON forms of the values, compared with the files in golden/.
 *
 * With SCHEMAD_WRITE_GOLDEN set the files are written instead; `git diff` then shows what changed.
 */
#include "tests/unit/unit.h"

#include "api/json.h"
#include "api/json_text.h"
#include "tests/api/fake.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define FILE_MAX ((size_t) 1024 * 1024)

static void write_golden(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void expect_golden(const char *name, json_t *value)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct error err = { 0 };
    const char *path = arena_printf(&arena, "tests/api/golden/%s.json", name);
    struct str golden = { 0 };
    char *text = json_format(value);

    json_decref(value);
    assert_non_null(text);
    if (getenv("SCHEMAD_WRITE_GOLDEN") != NULL)
        write_golden(path, text);
    if (!file_read(AT_FDCWD, path, FILE_MAX, &arena, &golden, &err))
        fail_msg("%s", err.detail);
    assert_string_equal(text, golden.ptr);
    free(text);
}

static struct run_report a_report(struct fake *fake)
{
    static struct step_report step = { .revision = "cccc3333",
                                       .message = "Drop users",
                                       .line = "Running upgrade bbbb2222 -> cccc3333, Drop users",
                                       .direction = DIRECTION_UP,
                                       .duration_us = 1234,
                                       .statement_count = 1 };
    struct run_report report = {
        .id = "0f1e2d3c4b5a6978",
        .verb = VERB_UPGRADE,
        .outcome = RUN_SUCCEEDED,
        .target = "head",
        .actor = "uid 1000 (deploy)",
        .reason = "release 42",
        .steps = &step,
        .step_count = 1,
        .backup = "content-20261120T150304Z-bbbb2222.db",
        .started_us = INT64_C(1795186984806000),
        .duration_us = 100000,
        .lock_wait_us = 2500,
    };

    str_list_add(&report.rows_before, &fake->arena, "bbbb2222");
    str_list_add(&report.rows_after, &fake->arena, "cccc3333");
    return report;
}

static struct run_report a_failed_report(struct fake *fake)
{
    struct run_report report = a_report(fake);

    report.outcome = RUN_FAILED;
    report.rows_after = report.rows_before;
    report.reason = NULL;
    (void) error_set(&report.error, ERR_STATEMENT_FAILED, "no such table: users");
    (void) error_at(&report.error, &(struct source_pos){ "scripts/cccc3333_drop.sql", 8, 1 });
    (void) error_of_revision(&report.error, "cccc3333");
    (void) error_of_statement(&report.error, "DROP TABLE users", strlen("DROP TABLE users"));
    (void) error_hint(&report.error, "Look at the script.");
    report.error.sqlite_code = 1;
    return report;
}

static struct job_view a_running_job(struct fake *fake)
{
    struct job_view job = {
        .state = JOB_RUNNING,
        .report = a_report(fake),
        .progress = { .phase = PHASE_RUNNING,
                      .revision = "cccc3333",
                      .step = 1,
                      .step_count = 2,
                      .statement = 3,
                      .statement_count = 4,
                      .permille = 512 },
        .queued_us = INT64_C(1795186984000000),
        .elapsed_us = 1500,
        .remaining_us = 1400,
        .is_cancel_requested = true,
        .is_interruptible = true,
    };

    job.report.outcome = RUN_UNFINISHED;
    job.report.step_count = 0;
    job.report.rows_after = job.report.rows_before;
    return job;
}

static int setup(void **state)
{
    static struct fake fake;

    fake_init(&fake);
    *state = &fake;
    return 0;
}

static int teardown(void **state)
{
    fake_release(*state);
    return 0;
}

static void current_in_its_forms(void **state)
{
    struct fake *fake = *state;
    struct snapshot snapshot = fake->snapshot;

    expect_golden("current", json_of_current(&snapshot));
    snapshot.has_running = true;
    snapshot.running = a_running_job(fake);
    snapshot.is_stale = true;
    expect_golden("current_running", json_of_current(&snapshot));

    snapshot = (struct snapshot){ .database = "/var/lib/content/content.db" };
    (void) error_set(&snapshot.problem, ERR_GRAPH_CYCLE, "revisions form a cycle: a -> b -> a");
    expect_golden("current_unknown", json_of_current(&snapshot));
}

static void status_with_and_without_a_past(void **state)
{
    struct fake *fake = *state;
    struct snapshot snapshot = fake->snapshot;
    struct backend_counters counters = { .started_us = INT64_C(1795186984000000) };

    expect_golden("status_fresh", json_of_status(&snapshot, &counters));
    snapshot.accept = "aaaa1111..";
    counters.jobs[JOB_SUCCEEDED] = 7;
    counters.jobs[JOB_FAILED] = 2;
    counters.queue_length = 3;
    counters.queue_max = 32;
    counters.last_run_us = INT64_C(1795186984806000);
    counters.last_run_duration_us = 12345;
    counters.last_run_succeeded = true;
    counters.last_run_verb = VERB_UPGRADE;
    counters.last_run_outcome = RUN_NOTHING_TO_DO;
    counters.last_backup_us = INT64_C(1795186984000000);
    counters.last_backup_bytes = 40960;
    str_list_add(&counters.last_backup_rows, &fake->arena, "aaaa1111");
    expect_golden("status", json_of_status(&snapshot, &counters));
    expect_golden("readiness", json_of_readiness(&snapshot));
}

static void revisions_in_short_and_in_full(void **state)
{
    struct fake *fake = *state;
    const struct graph *graph = fake->snapshot.graph;
    const version_rows *rows = &fake->snapshot.current.rows;

    expect_golden("revision", json_of_revision(graph_find(graph, "bbbb2222"), rows));
    expect_golden("revision_rows_unknown", json_of_revision(graph_find(graph, "aaaa1111"), NULL));
    expect_golden("revision_full", json_of_revision_full(graph_find(graph, "bbbb2222"), rows));
    expect_golden("revision_full_irreversible",
                  json_of_revision_full(graph_find(graph, "cccc3333"), rows));
}

static void branches_and_new_scripts(void **state)
{
    struct fake *fake = *state;

    fake_branch(fake);
    expect_golden("branch", json_of_branch(graph_find(fake->snapshot.graph, "aaaa1111"),
                                           &fake->snapshot.current.rows));
    expect_golden("script", json_of_new_script("dddd4444", "scripts/dddd4444_new.sql"));
}

static void findings_are_problems(void **state)
{
    struct run_report report = a_failed_report(*state);
    struct findings findings = { 0 };

    expect_golden("check_ok", json_of_findings(&findings));
    findings = (struct findings){ &report.error, 1 };
    expect_golden("check", json_of_findings(&findings));
}

static void plans_with_and_without_sql(void **state)
{
    struct fake *fake = *state;
    const struct graph *graph = fake->snapshot.graph;
    const version_rows *rows = &fake->snapshot.current.rows;
    struct str_list stamps = { 0 };
    struct error err = { 0 };
    struct plan *plan = NULL;

    assert_true(plan_upgrade(graph, rows, "head", &fake->arena, &plan, &err));
    expect_golden("plan_upgrade", json_of_plan(plan, "head", true));
    expect_golden("plan_upgrade_short", json_of_plan(plan, "head", false));
    assert_true(plan_downgrade(graph, rows, "base", &fake->arena, &plan, &err));
    expect_golden("plan_downgrade", json_of_plan(plan, "base", true));
    str_list_add(&stamps, &fake->arena, "base");
    assert_true(plan_stamp(graph, rows, &(struct stamp_options){ stamps, true }, &fake->arena,
                           &plan, &err));
    expect_golden("plan_stamp", json_of_plan(plan, "base", true));
}

static void runs_and_jobs(void **state)
{
    struct fake *fake = *state;
    struct run_report report = a_report(fake);
    struct job_view job = a_running_job(fake);

    expect_golden("run", json_of_run(&report));
    report.warning = "could not remove an old backup";
    report.backup = NULL;
    report.step_count = 0;
    report.outcome = RUN_NOTHING_TO_DO;
    expect_golden("run_nothing_to_do", json_of_run(&report));
    report = a_failed_report(fake);
    expect_golden("run_failed", json_of_run(&report));
    expect_golden("job", json_of_job(&job));
    job.remaining_us = -1;
    job.is_cancel_requested = false;
    expect_golden("jobs", json_of_jobs(&(struct job_views){ &job, 1, true },
                                       "/jobs?limit=1&before=0f1e2d3c4b5a6978"));
    expect_golden("jobs_none", json_of_jobs(&(struct job_views){ 0 }, NULL));
}

static void denials(void **state)
{
    struct denial items[] = {
        { .at_us = INT64_C(1795186984806000),
          .reason = "token",
          .actor = "tcp",
          .method = "POST",
          .path = "/upgrade",
          .repeated = 41 },
        { .at_us = INT64_C(1795186984000000),
          .reason = "access",
          .actor = "uid 1000 (deploy)",
          .method = "POST",
          .path = "/downgrade" },
    };

    (void) state;
    expect_golden("denials", json_of_denials(&(struct denials){ items, ARRAY_SIZE(items) }));
    expect_golden("denials_none", json_of_denials(&(struct denials){ 0 }));
}

static void problems_with_and_without_a_status(void **state)
{
    struct run_report report = a_failed_report(*state);
    struct error err = { 0 };

    expect_golden("problem", json_of_problem(&report.error, 422, "/jobs/0f1e2d3c4b5a6978"));
    expect_golden("problem_inside", json_of_error(&report.error));
    (void) error_set(&err, ERR_NOT_FOUND, "there is no such path");
    expect_golden("problem_short", json_of_problem(&err, 404, NULL));
}

static void backups(void **state)
{
    struct fake *fake = *state;
    struct backup_infos infos = { 0 };
    struct error err = { 0 };

    assert_true(fake->backend.backup_list(fake, &fake->arena, &infos, &err));
    expect_golden("backup", json_of_backup(&infos.items[0]));
}

/* ---- Texts ---- */

static void expect_dump(json_t *value, const char *text)
{
    char *got = json_format(value);

    json_decref(value);
    assert_non_null(got);
    assert_string_equal(got, text);
    free(got);
}

static void texts_are_made_utf8(void **state)
{
    static const struct {
        const char *bytes;
        const char *json;
    } rows[] = {
        { "", "\"\"\n" },
        { "plain", "\"plain\"\n" },
        { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x98", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x98\"\n" },
        { "a\xff"
          "b",
          "\"a\xef\xbf\xbd"
          "b\"\n" },
        { "\xc3", "\"\xef\xbf\xbd\"\n" },
        { "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"\n" },
        { "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n" },
        { "\xe2\x82\xc3\xa4", "\"\xef\xbf\xbd\xef\xbf\xbd\xc3\xa4\"\n" },
        { "\"\\\n\x1b", "\"\\\"\\\\\\n\\u001B\"\n" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        expect_dump(json_of_text(rows[i].bytes), rows[i].json);
    expect_dump(json_of_text(NULL), "null\n");
    expect_dump(json_of_str((struct str){ "a\0b", 3 }), "\"a\\u0000b\"\n");
    expect_dump(json_of_str((struct str){ NULL, 0 }), "\"\"\n");
}

static void numbers_and_times(void **state)
{
    (void) state;
    expect_dump(json_of_milliseconds(0), "0.0\n");
    expect_dump(json_of_milliseconds(1), "0.001\n");
    expect_dump(json_of_milliseconds(100), "0.1\n");
    expect_dump(json_of_milliseconds(1234567), "1234.567\n");
    expect_dump(json_of_count(UINT64_MAX), "9223372036854775807\n");
    expect_dump(json_of_time(0), "null\n");
    expect_dump(json_of_time(INT64_C(1795186984806123)), "\"2026-11-20T15:03:04.806Z\"\n");
}

static void an_event_is_one_line(void **state)
{
    json_t *gap = json_of_gap(UINT64_C(1795186984806123), "events were\nforgotten");
    char *line = json_format_line(gap);

    (void) state;
    json_decref(gap);
    assert_non_null(line);
    assert_string_equal(line,
                        "{\"after\":1795186984806123,\"detail\":\"events were\\nforgotten\"}");
    free(line);
}

static void formatting_can_take_the_value(void **state)
{
    char *text = json_format_new(json_of_text("a"));

    (void) state;
    assert_string_equal(text, "\"a\"\n");
    free(text);
    assert_null(json_format_new(NULL));
}

static void a_failure_in_the_middle_fails_the_whole(void **state)
{
    json_t *object = json_object();
    json_t *array = json_array();

    (void) state;
    json_put(&object, "a", json_true());
    json_put(&object, "b", NULL);
    json_put(&object, "c", json_of_text("taken all the same"));
    assert_null(object);
    json_push(&array, NULL);
    json_push(&array, json_of_text("taken all the same"));
    assert_null(array);
    json_put(&array, "d", json_null());
    assert_null(array);
}

#define WITH_FAKE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FAKE(current_in_its_forms),
        WITH_FAKE(status_with_and_without_a_past),
        WITH_FAKE(revisions_in_short_and_in_full),
        WITH_FAKE(branches_and_new_scripts),
        WITH_FAKE(findings_are_problems),
        WITH_FAKE(plans_with_and_without_sql),
        WITH_FAKE(runs_and_jobs),
        WITH_FAKE(problems_with_and_without_a_status),
        WITH_FAKE(backups),
        cmocka_unit_test(denials),
        cmocka_unit_test(texts_are_made_utf8),
        cmocka_unit_test(numbers_and_times),
        cmocka_unit_test(an_event_is_one_line),
        cmocka_unit_test(formatting_can_take_the_value),
        cmocka_unit_test(a_failure_in_the_middle_fails_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
