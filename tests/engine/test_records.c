/*
 * test_records.c - what the journal and the backup directory tell later.
 */
#include "support.h"

static void test_without_a_journal_nothing_ran_and_nothing_is_made(void **state)
{
    struct site *site = *state;
    struct run_reports runs = { 0 };
    struct run_report run = { 0 };
    struct backup_infos backups = { 0 };
    struct error err = { 0 };
    unsigned settled = 1;

    assert_ok(engine_runs(&site->settings, &(struct run_filter){ .limit = 10 }, &site->place->arena,
                          &runs, &err),
              &err);
    assert_int_equal(runs.count, 0);
    assert_ok(engine_backups(&site->settings, &site->place->arena, &backups, &err), &err);
    assert_int_equal(backups.count, 0);
    assert_ok(engine_recover(&site->settings, &settled, &err), &err);
    assert_int_equal(settled, 0);
    assert_error(engine_run_find(&site->settings, "0123456789abcdef", &site->place->arena, &run,
                                 &err),
                 &err, ERR_JOB_UNKNOWN, "0123456789abcdef");
    assert_int_equal(place_count(site->place->directory), 1); /* versions/ */
}

static void test_a_run_is_found_as_it_was_reported(void **state)
{
    struct site *site = *state;
    struct run_request request = {
        .verb = VERB_UPGRADE, .target = "head", .actor = "uid 1000 (deploy)", .reason = "release 7"
    };
    struct run_report report = { 0 };
    struct run_report found = { 0 };
    struct error err = { 0 };

    site_three(site);
    assert_ok(site_ask(site, &request, &report, &err), &err);
    assert_ok(engine_run_find(&site->settings, report.id, &site->place->arena, &found, &err), &err);
    assert_int_equal(found.verb, VERB_UPGRADE);
    assert_int_equal(found.outcome, RUN_SUCCEEDED);
    assert_string_equal(found.target, "head");
    assert_string_equal(found.actor, "uid 1000 (deploy)");
    assert_string_equal(found.reason, "release 7");
    assert_rows(site, &found.rows_after, "cccc");
    assert_int_equal(found.started_us, report.started_us);
    assert_int_equal(found.duration_us, report.duration_us);
    assert_int_equal(found.step_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(found.steps[i].line, report.steps[i].line);
        assert_int_equal(found.steps[i].statement_count, report.steps[i].statement_count);
    }
}

static void test_an_error_is_found_with_its_place(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct run_report found = { 0 };
    struct error err = { 0 };

    site_script(site, "aaaa", "", "SELECT missing;", "");
    assert_false(site_run(site, VERB_UPGRADE, "head", &report, &err));
    assert_ok(engine_run_find(&site->settings, report.id, &site->place->arena, &found,
                              &(struct error){ 0 }),
              &err);
    assert_int_equal(found.error.code, ERR_STATEMENT_FAILED);
    assert_string_equal(found.error.revision, "aaaa");
    assert_int_equal(found.error.line, 7);
    assert_int_equal(found.error.column, report.error.column);
    assert_string_equal(found.error.detail, report.error.detail);
    assert_string_equal(found.error.statement, "SELECT missing");
}

static void test_what_alembic_did_meanwhile_is_noticed_by_the_next_run(void **state)
{
    struct site *site = *state;

    site_three(site);
    site_upgrade(site, "aaaa");
    sql_run(site->place->path, "CREATE TABLE b (id INTEGER PRIMARY KEY);"
                               "UPDATE alembic_version SET version_num = 'bbbb'");
    site_upgrade(site, "head");
    assert_string_equal(site_journal(site), "succeeded upgrade head: bbbb -> cccc\n"
                                            "applied-externally stamp -: aaaa -> bbbb\n"
                                            "succeeded upgrade aaaa:  -> aaaa");
}

static void test_runs_come_in_pages(void **state)
{
    struct site *site = *state;
    struct arena *arena = &site->place->arena;
    struct run_reports first = { 0 };
    struct run_reports second = { 0 };
    struct run_filter filter = { .limit = 2 };
    struct error err = { 0 };

    site_three(site);
    site_upgrade(site, "+1");
    site_upgrade(site, "+1");
    site_upgrade(site, "+1");
    assert_ok(engine_runs(&site->settings, &filter, arena, &first, &err), &err);
    assert_int_equal(first.count, 2);
    assert_rows(site, &first.items[0].rows_after, "cccc");
    filter.before = first.items[1].id;
    assert_ok(engine_runs(&site->settings, &filter, arena, &second, &err), &err);
    assert_int_equal(second.count, 1);
    assert_rows(site, &second.items[0].rows_after, "aaaa");
}

static void test_a_damaged_journal_is_replaced_and_the_run_says_so(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct run_report found = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_write(site, "content.db.schemad/journal.db",
               "this is a text, and longer than the hundred bytes that SQLite wants to see of a "
               "header before it says what it thinks of it.");
    assert_ok(site_run(site, VERB_UPGRADE, "head", &report, &err), &err);
    assert_int_equal(report.outcome, RUN_SUCCEEDED);
    assert_non_null(report.warning);
    assert_contains(report.warning, "the journal was damaged");
    assert_ok(engine_run_find(&site->settings, report.id, &site->place->arena, &found, &err), &err);
    assert_string_equal(report_text(site->place, &found), report_text(site->place, &report));
    assert_string_equal(site_journal(site), "succeeded upgrade head:  -> cccc");
}

/* A directory with the name of a killed backup's file cannot be removed as one. */
static void test_what_went_wrong_beside_a_run_is_found_with_it(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct run_report found = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_upgrade(site, "aaaa");
    site_write(site, "content.db.schemad/backups/.content-x.db.partial/file", "in the way");
    assert_ok(site_run(site, VERB_UPGRADE, "head", &report, &err), &err);
    assert_contains(report.warning, "old backups could not be removed");
    assert_ok(engine_run_find(&site->settings, report.id, &site->place->arena, &found, &err), &err);
    assert_string_equal(report_text(site->place, &found), report_text(site->place, &report));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        site_test(test_without_a_journal_nothing_ran_and_nothing_is_made),
        site_test(test_a_run_is_found_as_it_was_reported),
        site_test(test_an_error_is_found_with_its_place),
        site_test(test_what_alembic_did_meanwhile_is_noticed_by_the_next_run),
        site_test(test_runs_come_in_pages),
        site_test(test_a_damaged_journal_is_replaced_and_the_run_says_so),
        site_test(test_what_went_wrong_beside_a_run_is_found_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
