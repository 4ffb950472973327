/*
 * test_stamp.c - a stamp without a target: the version table is made sure of.
 */
#include "support.h"

static const char *tables(struct site *site)
{
    return sql_text(site->place, site->place->path,
                    "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
}

static void test_a_stamp_without_a_target_makes_the_version_table_and_moves_nothing(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    assert_ok(site_run(site, VERB_STAMP, NULL, &report, &err), &err); /* makes the database, too */
    assert_int_equal(report.outcome, RUN_SUCCEEDED);
    assert_string_equal(tables(site), "alembic_version");
    assert_rows(site, &report.rows_after, "");
    assert_string_equal(site_journal(site), "succeeded stamp -:  -> ");

    sql_run(site->place->path, "INSERT INTO alembic_version VALUES ('unknown')");
    assert_ok(site_run(site, VERB_STAMP, NULL, &report, &err), &err);
    assert_int_equal(report.outcome, RUN_NOTHING_TO_DO);
    assert_rows(site, &report.rows_after, "unknown");
}

static void test_a_version_table_is_added_to_a_database_after_a_backup(void **state)
{
    struct site *site = *state;
    struct run_request dry = { .verb = VERB_STAMP, .actor = "a test", .is_dry_run = true };
    struct run_report report = { 0 };
    struct error err = { 0 };

    sql_run(site->place->path, "CREATE TABLE users (id)");
    assert_ok(site_ask(site, &dry, &report, &err), &err);
    assert_int_equal(report.outcome, RUN_PLANNED);
    assert_string_equal(tables(site), "users");
    assert_ok(site_run(site, VERB_STAMP, NULL, &report, &err), &err);
    assert_string_equal(tables(site), "alembic_version\nusers");
    assert_non_null(report.backup);
}

static void test_a_stamp_that_purges_needs_a_target(void **state)
{
    struct site *site = *state;
    struct run_request request = { .verb = VERB_STAMP, .actor = "a test", .purge = true };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    assert_error(site_ask(site, &request, &report, &err), &err, ERR_ARGUMENT_INVALID,
                 "at least one target");
    assert_int_equal(place_count(site->place->directory), 1); /* versions/ */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        site_test(test_a_stamp_without_a_target_makes_the_version_table_and_moves_nothing),
        site_test(test_a_version_table_is_added_to_a_database_after_a_backup),
        site_test(test_a_stamp_that_purges_needs_a_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
