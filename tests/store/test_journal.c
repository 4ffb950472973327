/*
 * test_journal.c - who did what, when and why, with which script (G9), and what a crash left open.
 */
#include "support.h"

#include "base/file.h"
#include "store/journal.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOON INT64_C(1795176184000000)

static struct history linear(struct place *place)
{
    struct history history = { .place = place };

    history_add(&history, "a1", NULL, "CREATE TABLE a (x);", "DROP TABLE a;");
    history_add(&history, "b2 <- a1", NULL, "CREATE TABLE b (x);", "DROP TABLE b;");
    history_add(&history, "c3 <- b2", NULL, "CREATE TABLE c (x);", "DROP TABLE c;");
    return history;
}

static version_rows rows_of(struct place *place, const char *id)
{
    version_rows rows = { 0 };

    if (id != NULL)
        str_list_add(&rows, &place->arena, id);
    return rows;
}

static const struct plan *plan_to(struct place *place, const char *from, const char *target)
{
    struct history history = linear(place);
    version_rows rows = rows_of(place, from);
    struct plan *plan = NULL;
    struct error err = { 0 };

    assert_ok(plan_upgrade(history_graph(&history), &rows, target, &place->arena, &plan, &err),
              &err);
    return plan;
}

static struct run_report report_of(const char *id, const struct plan *plan)
{
    struct run_report report = {
        .verb = VERB_UPGRADE,
        .outcome = RUN_UNFINISHED,
        .target = "head",
        .actor = "uid 1000 (deploy)",
        .rows_before = plan->rows_before,
        .started_us = NOON,
    };

    snprintf(report.id, sizeof(report.id), "%s", id);
    return report;
}

/* As a run that was killed leaves it. */
static void write_intent(struct place *place, struct journal *journal, const char *id,
                         const char *from, const char *target)
{
    const struct plan *plan = plan_to(place, from, target);
    struct run_report report = report_of(id, plan);
    struct error err = { 0 };

    assert_ok(journal_intent_write(journal, &report, plan, &err), &err);
}

static void write_plan(struct place *place, struct journal *journal, const char *id,
                       const struct plan *plan)
{
    struct run_report report = report_of(id, plan);
    struct error err = { 0 };

    assert_ok(journal_intent_write(journal, &report, plan, &err), &err);
    report.outcome = RUN_SUCCEEDED;
    report.rows_after = plan->rows_after;
    report.duration_us = 1234;
    report.steps = arena_array(&place->arena, struct step_report, plan->count);
    for (size_t i = 0; i < plan->count; i++)
        report.steps[report.step_count++] = (struct step_report){
            .revision = plan->steps[i].revision->id,
            .message = plan->steps[i].revision->script->doc,
            .line = "Running upgrade",
            .duration_us = 10 * (i + 1),
            .statement_count = 1,
        };
    assert_ok(journal_outcome_write(journal, &report, &err), &err);
}

static void write_success(struct place *place, struct journal *journal, const char *id,
                          const char *from, const char *target)
{
    write_plan(place, journal, id, plan_to(place, from, target));
}

static struct run_report read_ok(struct place *place, struct journal *journal, const char *id)
{
    struct run_report report = { 0 };
    struct error err = { 0 };

    assert_ok(journal_run_read(journal, id, &place->arena, &report, &err), &err);
    return report;
}

static unsigned reconcile(struct place *place, struct journal *journal, const char *rows_text)
{
    version_rows rows = rows_of(place, rows_text);
    struct error err = { 0 };
    unsigned settled = 0;

    assert_ok(journal_reconcile(journal, &rows, &settled, &err), &err);
    return settled;
}

/* --- runs ------------------------------------------------------------------------------------- */

static void test_run_survives_a_restart_with_all_its_facts(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct run_report report = { 0 };

    write_success(place, journal, "0000000000000001", "a1", "c3");
    journal_close(journal);
    journal = journal_open_ok(place);
    report = read_ok(place, journal, "0000000000000001");
    assert_int_equal(report.verb, VERB_UPGRADE);
    assert_int_equal(report.outcome, RUN_SUCCEEDED);
    assert_string_equal(report.target, "head");
    assert_string_equal(report.actor, "uid 1000 (deploy)");
    assert_null(report.reason);
    assert_null(report.backup);
    assert_string_equal(report.rows_before.items[0], "a1");
    assert_string_equal(report.rows_after.items[0], "c3");
    assert_int_equal(report.started_us, NOON);
    assert_int_equal(report.duration_us, 1234);
    assert_int_equal(report.step_count, 2);
    assert_string_equal(report.steps[1].revision, "c3");
    assert_string_equal(report.steps[1].message, "step c3");
    assert_int_equal(report.steps[1].duration_us, 20);
    assert_int_equal(report.error.code, ERR_OK);
    journal_close(journal);
}

static void test_unfinished_run_is_told_as_such(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct run_report report = { 0 };

    write_intent(place, journal, "0000000000000001", NULL, "head");
    report = read_ok(place, journal, "0000000000000001");
    assert_int_equal(report.outcome, RUN_UNFINISHED);
    assert_int_equal(report.step_count, 0);
    assert_int_equal(report.rows_before.count, 0);
    journal_close(journal);
}

static void test_error_is_kept_whole(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    const struct plan *plan = plan_to(place, NULL, "head");
    struct run_report report = report_of("0000000000000001", plan);
    struct error err = { 0 };
    struct error kept = { 0 };

    assert_ok(journal_intent_write(journal, &report, plan, &err), &err);
    report.outcome = RUN_FAILED;
    report.reason = "because of \"quotes\"; and ümlauts";
    error_set(&report.error, ERR_STATEMENT_FAILED, "no such table: x");
    error_at(&report.error, &(struct source_pos){ .file = "a1.sql", .line = 7, .column = 3 });
    error_of_revision(&report.error, "a1");
    error_of_statement(&report.error, "SELECT x", 8);
    error_hint(&report.error, "Make it.");
    report.error.sqlite_code = 1;
    assert_ok(journal_outcome_write(journal, &report, &err), &err);
    kept = read_ok(place, journal, "0000000000000001").error;
    assert_int_equal(kept.code, ERR_STATEMENT_FAILED);
    assert_int_equal(kept.sqlite_code, 1);
    assert_int_equal(kept.line, 7);
    assert_int_equal(kept.column, 3);
    assert_string_equal(kept.file, "a1.sql");
    assert_string_equal(kept.revision, "a1");
    assert_string_equal(kept.statement, "SELECT x");
    assert_string_equal(kept.detail, "no such table: x");
    assert_string_equal(kept.hint, "Make it.");
    journal_close(journal);
}

static void test_failure_without_intent_is_journalled_too(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct run_report report = {
        .id = "0000000000000001", .verb = VERB_DOWNGRADE, .outcome = RUN_FAILED, .started_us = NOON
    };
    struct error err = { 0 };

    report.actor = "startup";
    report.reason = "why not";
    error_set(&report.error, ERR_LOCKED, "held");
    assert_ok(journal_outcome_write(journal, &report, &err), &err);
    report = read_ok(place, journal, "0000000000000001");
    assert_int_equal(report.verb, VERB_DOWNGRADE);
    assert_int_equal(report.outcome, RUN_FAILED);
    assert_string_equal(report.reason, "why not");
    assert_int_equal(report.error.code, ERR_LOCKED);
    assert_int_equal(reconcile(place, journal, "c3"),
                     0); /* it knew nothing of the database's rows */
    journal_close(journal);
}

static void test_unknown_run(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct run_report report = { 0 };
    struct error err = { 0 };

    assert_error(journal_run_read(journal, "nope", &place->arena, &report, &err), &err,
                 ERR_JOB_UNKNOWN, "no run \"nope\"");
    journal_close(journal);
}

/* --- scripts ---------------------------------------------------------------------------------- */

static const char *digest_of(struct place *place, struct journal *journal, const char *revision)
{
    const char *digest = "";
    struct error err = { 0 };

    assert_ok(journal_script_digest(journal, revision, &place->arena, &digest, &err), &err);
    return digest;
}

static void test_scripts_are_kept_by_digest(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    const struct plan *plan = plan_to(place, NULL, "a1");

    write_intent(place, journal, "0000000000000001", NULL, "head");
    assert_null(digest_of(place, journal, "a1")); /* not applied yet */
    write_success(place, journal, "0000000000000002", NULL, "b2");
    assert_string_equal(digest_of(place, journal, "a1"), plan->steps[0].revision->script->sha256);
    assert_null(digest_of(place, journal, "c3"));
    assert_int_equal(sql_number(journal_path(place), "SELECT count(*) FROM scripts"), 3);
    assert_contains(sql_text(place, journal_path(place),
                             "SELECT CAST(text AS TEXT) FROM scripts WHERE revision = 'a1'"),
                    "CREATE TABLE a (x);");
    journal_close(journal);
}

/* "a1+ b2-": what was applied once, and whether it is still, when the database is at `rows`. */
static const char *applied_at(struct place *place, struct journal *journal, const char *rows_text)
{
    version_rows rows = rows_of(place, rows_text);
    struct applied_script *scripts = NULL;
    struct str_list texts = { 0 };
    struct error err = { 0 };
    size_t count = 0;

    assert_ok(journal_applied_read(journal, &rows, &place->arena, &scripts, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(scripts[i].sha256, digest_of(place, journal, scripts[i].revision));
        str_list_add(&texts, &place->arena,
                     arena_printf(&place->arena, "%s%c", scripts[i].revision,
                                  scripts[i].is_applied ? '+' : '-'));
    }
    return str_list_join(&texts, " ", &place->arena);
}

static void write_downgrade(struct place *place, struct journal *journal, const char *id,
                            const char *from, const char *target)
{
    struct history history = linear(place);
    version_rows rows = rows_of(place, from);
    struct plan *plan = NULL;
    struct error err = { 0 };

    assert_ok(plan_downgrade(history_graph(&history), &rows, target, &place->arena, &plan, &err),
              &err);
    write_plan(place, journal, id, plan);
}

static void test_what_is_applied_by_the_journals_word(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);

    assert_string_equal(applied_at(place, journal, NULL), "");
    write_success(place, journal, "0000000000000001", NULL, "b2");
    assert_string_equal(applied_at(place, journal, "b2"), "a1+ b2+");
    assert_string_equal(applied_at(place, journal, "zz"), "a1- b2-"); /* somebody moved the rows */
    write_intent(place, journal, "0000000000000002", "b2", "head");
    assert_string_equal(applied_at(place, journal, "b2"), "a1+ b2+"); /* a run that goes on */
    assert_int_equal(reconcile(place, journal, "b2"), 1);
    write_downgrade(place, journal, "0000000000000003", "b2", "a1");
    assert_string_equal(applied_at(place, journal, "a1"), "a1+ b2-");
    write_success(place, journal, "0000000000000004", "a1", "c3");
    assert_string_equal(applied_at(place, journal, "c3"), "a1+ b2+ c3+");
    assert_int_equal(reconcile(place, journal, "a1"), 1); /* applied externally */
    assert_string_equal(applied_at(place, journal, "a1"), "a1- b2- c3-");
    write_success(place, journal, "0000000000000005", "a1", "b2");
    assert_string_equal(applied_at(place, journal, "b2"), "a1- b2+ c3-");
    journal_close(journal);
}

static void test_a_script_is_kept_with_the_run_that_applied_it(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct kept_script script = { 0 };
    struct error err = { 0 };
    bool is_found = true;

    write_intent(place, journal, "0000000000000001", NULL, "head");
    assert_ok(journal_script_read(journal, "a1", &place->arena, &script, &is_found, &err), &err);
    assert_false(is_found); /* not applied yet */
    write_success(place, journal, "0000000000000002", NULL, "b2");
    assert_ok(journal_script_read(journal, "a1", &place->arena, &script, &is_found, &err), &err);
    assert_true(is_found);
    assert_string_equal(script.run_id, "0000000000000002");
    assert_string_equal(script.actor, "uid 1000 (deploy)");
    assert_int_equal(script.started_us, NOON);
    assert_contains(script.path, "a1");
    assert_contains(script.text, "CREATE TABLE a (x);");
    journal_close(journal);
}

/* --- reconciling ------------------------------------------------------------------------------ */

struct crash {
    const char *rows_now;
    enum run_outcome outcome;
    const char *rows_after;
    unsigned steps;
    unsigned settled; /* 2 when the rows are of nobody's making */
    const char *detail;
    const char *hint;
};

static void test_crashed_run_is_settled_by_the_rows_of_the_database(void **state)
{
    static const struct crash crashes[] = {
        { "c3", RUN_SUCCEEDED, "c3", 2, 1, "", "" },
        { "a1", RUN_INTERRUPTED, "a1", 0, 1,
          "the process ended before the run did; the database is at a1, as before it",
          "Run it again." },
        { "b2", RUN_INTERRUPTED, "b2", 1, 1,
          "the process ended before the run did; the database is at b2, after 1 of 2 steps",
          "Run it again, with the revision where it should end: it goes on from there." },
        { "zz", RUN_INTERRUPTED, "a1", 0, 2,
          "the process ended before the run did; the database is at zz, where no step of it leads",
          "Find out who moved it, then run it again." },
    };
    struct place *place = *state;

    for (size_t i = 0; i < ARRAY_SIZE(crashes); i++) {
        const struct crash *crash = &crashes[i];
        struct journal *journal = journal_open_ok(place);
        struct run_report report = { 0 };

        write_intent(place, journal, "0000000000000001", "a1", "c3");
        assert_int_equal(reconcile(place, journal, crash->rows_now), crash->settled);
        report = read_ok(place, journal, "0000000000000001");
        assert_int_equal(report.outcome, crash->outcome);
        assert_string_equal(report.rows_after.items[0], crash->rows_after);
        assert_int_equal(report.step_count, crash->steps);
        for (size_t k = 0; k < report.step_count; k++)
            assert_contains(report.steps[k].line, "Running upgrade");
        assert_int_equal(report.error.code,
                         crash->outcome == RUN_INTERRUPTED ? ERR_INTERRUPTED : ERR_OK);
        assert_string_equal(report.error.detail, crash->detail);
        assert_string_equal(report.error.hint, crash->hint);
        assert_int_equal(reconcile(place, journal, crash->rows_now), 0);
        journal_close(journal);
        assert_int_equal(unlink(journal_path(place)), 0);
    }
}

static void test_rows_moved_by_others_become_a_run(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct run_reports runs = { 0 };
    struct error err = { 0 };

    write_success(place, journal, "0000000000000001", NULL, "a1");
    assert_int_equal(reconcile(place, journal, "a1"), 0);
    assert_int_equal(reconcile(place, journal, "b2"), 1);
    assert_int_equal(reconcile(place, journal, "b2"), 0);
    assert_ok(journal_runs_read(journal, &(struct run_filter){ .limit = 10 }, &place->arena, &runs,
                                &err),
              &err);
    assert_int_equal(runs.count, 2);
    assert_int_equal(runs.items[0].outcome, RUN_APPLIED_EXTERNALLY);
    assert_string_equal(runs.items[0].rows_before.items[0], "a1");
    assert_string_equal(runs.items[0].rows_after.items[0], "b2");
    journal_close(journal);
}

static void test_new_journal_beside_an_old_database_knows_nothing(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);

    assert_int_equal(reconcile(place, journal, "b2"), 0);
    journal_close(journal);
}

/* --- files ------------------------------------------------------------------------------------ */

static void test_damaged_journal_is_set_aside(void **state)
{
    struct place *place = *state;
    struct error err = { 0 };
    struct journal *journal = NULL;

    assert_ok(file_write_new(journal_path(place), "this is no journal, and it is long enough", 41,
                             0600, &err),
              &err);
    journal = journal_open_ok(place);
    assert_contains(journal_notice(journal), ".damaged-");
    write_success(place, journal, "0000000000000001", NULL, "a1");
    journal_close(journal);
    assert_int_equal(place_count(place->directory), 2);
    journal = journal_open_ok(place);
    assert_null(journal_notice(journal));
    journal_close(journal);
}

static void test_foreign_and_newer_files_are_refused(void **state)
{
    struct place *place = *state;
    struct journal *journal = NULL;
    struct error err = { 0 };

    sql_run(journal_path(place), "CREATE TABLE precious (a)");
    assert_error(journal_open(journal_path(place), &journal, &err), &err, ERR_JOURNAL,
                 "another program's database");
    sql_run(journal_path(place), "PRAGMA user_version = 99");
    error_clear(&err);
    assert_error(journal_open(journal_path(place), &journal, &err), &err, ERR_JOURNAL,
                 "version 99 is newer");
    assert_int_equal(sql_number(journal_path(place), "SELECT count(*) FROM precious"), 0);
}

static void test_journal_is_created_with_its_mode(void **state)
{
    struct place *place = *state;
    struct stat st;

    journal_close(journal_open_ok(place));
    assert_int_equal(stat(journal_path(place), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
}

static void test_journal_in_a_missing_directory(void **state)
{
    struct place *place = *state;
    struct journal *journal = NULL;
    struct error err = { 0 };

    assert_error(journal_open(place_file(place, "none/journal.db"), &journal, &err), &err,
                 ERR_JOURNAL, "none/journal.db");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_run_survives_a_restart_with_all_its_facts),
        place_test(test_unfinished_run_is_told_as_such),
        place_test(test_error_is_kept_whole),
        place_test(test_failure_without_intent_is_journalled_too),
        place_test(test_unknown_run),
        place_test(test_scripts_are_kept_by_digest),
        place_test(test_what_is_applied_by_the_journals_word),
        place_test(test_a_script_is_kept_with_the_run_that_applied_it),
        place_test(test_crashed_run_is_settled_by_the_rows_of_the_database),
        place_test(test_rows_moved_by_others_become_a_run),
        place_test(test_new_journal_beside_an_old_database_knows_nothing),
        place_test(test_damaged_journal_is_set_aside),
        place_test(test_foreign_and_newer_files_are_refused),
        place_test(test_journal_is_created_with_its_mode),
        place_test(test_journal_in_a_missing_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
