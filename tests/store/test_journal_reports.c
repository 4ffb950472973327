/*
 * test_journal_reports.c - what the journal says of a run later is what was said of it then, and
 * lists of runs hold what was asked for.
 */
#include "support.h"

#include "store/journal.h"

#include <stdio.h>

#define NOON INT64_C(1795176184000000)

static version_rows rows_of(struct place *place, const char *id)
{
    version_rows rows = { 0 };

    if (*id != '\0')
        str_list_add(&rows, &place->arena, id);
    return rows;
}

/* Along a1 <- b2 <- c3: up to the head, or down to a1. */
static const struct plan *plan_of(struct place *place, enum verb verb, const char *from)
{
    struct history history = { .place = place };
    version_rows rows = rows_of(place, from);
    struct plan *plan = NULL;
    struct error err = { 0 };

    history_add(&history, "a1", NULL, "CREATE TABLE a (x);", "DROP TABLE a;");
    history_add(&history, "b2 <- a1", NULL, "CREATE TABLE b (x);", "DROP TABLE b;");
    history_add(&history, "c3 <- b2", NULL, "CREATE TABLE c (x);", "DROP TABLE c;");
    if (verb == VERB_DOWNGRADE)
        assert_ok(plan_downgrade(history_graph(&history), &rows, "a1", &place->arena, &plan, &err),
                  &err);
    else
        assert_ok(plan_upgrade(history_graph(&history), &rows, "head", &place->arena, &plan, &err),
                  &err);
    return plan;
}

/* --- one run ---------------------------------------------------------------------------------- */

/* Which way a run came into the journal. */
enum way {
    WITH_INTENT, /* the engine's: intent, then outcome */
    WITHOUT,     /* the engine's: failed before its intent */
    BY_JOB,      /* nothing of it was journalled when its job ended */
};

struct told {
    enum way way;
    enum verb verb;
    enum run_outcome outcome;
    const char *before;
    const char *after;
    size_t steps;
    const char *backup;
    const char *warning;
    enum error_code error;
    bool is_bare; /* nothing that can be left out was said */
};

static const struct told tellings[] = {
    { WITH_INTENT, VERB_UPGRADE, RUN_SUCCEEDED, "a1", "c3", 2, "content-a1.db",
      "old backups could not be removed: \"x\"; ümlaut", ERR_OK, false },
    { WITH_INTENT, VERB_UPGRADE, RUN_SUCCEEDED, "", "c3", 3, NULL, NULL, ERR_OK, true },
    { WITH_INTENT, VERB_DOWNGRADE, RUN_SUCCEEDED, "c3", "a1", 2, "b.db", NULL, ERR_OK, false },
    { WITH_INTENT, VERB_STAMP, RUN_SUCCEEDED, "a1", "c3", 0, NULL, NULL, ERR_OK, false },
    { WITH_INTENT, VERB_BACKUP, RUN_SUCCEEDED, "a1", "a1", 0, "content-a1.db", NULL, ERR_OK,
      false },
    { WITH_INTENT, VERB_UPGRADE, RUN_FAILED, "a1", "a1", 0, "content-a1.db",
      "the journal was damaged: set aside", ERR_STATEMENT_FAILED, false },
    { WITH_INTENT, VERB_UPGRADE, RUN_FAILED, "a1", "b2", 1, NULL, NULL, ERR_STATEMENT_FAILED,
      false },
    { WITH_INTENT, VERB_UPGRADE, RUN_CANCELLED, "a1", "b2", 1, NULL, NULL, ERR_CANCELLED, false },
    { WITHOUT, VERB_UPGRADE, RUN_FAILED, "", "", 0, NULL, NULL, ERR_LOCKED, true },
    { WITHOUT, VERB_DOWNGRADE, RUN_FAILED, "c3", "c3", 0, NULL, "a warning", ERR_SCRIPT_CHANGED,
      false },
    { WITHOUT, VERB_UPGRADE, RUN_CANCELLED, "a1", "a1", 0, NULL, NULL, ERR_CANCELLED, false },
    { BY_JOB, VERB_UPGRADE, RUN_NOTHING_TO_DO, "c3", "c3", 0, NULL, NULL, ERR_OK, false },
    { BY_JOB, VERB_UPGRADE, RUN_PLANNED, "a1", "c3", 2, NULL, "a warning", ERR_OK, false },
    { BY_JOB, VERB_DOWNGRADE, RUN_PLANNED, "c3", "a1", 2, NULL, NULL, ERR_OK, true },
    { BY_JOB, VERB_UPGRADE, RUN_FAILED, "", "", 0, NULL, NULL, ERR_REVISION_UNKNOWN, false },
    { BY_JOB, VERB_BACKUP, RUN_CANCELLED, "", "", 0, NULL, NULL, ERR_CANCELLED, true },
    { BY_JOB, VERB_STAMP, RUN_INTERRUPTED, "a1", "a1", 0, NULL, NULL, ERR_INTERRUPTED, false },
};

static struct step_report *steps_of(struct place *place, const struct told *told)
{
    struct step_report *steps = arena_array(&place->arena, struct step_report, told->steps);
    const struct plan *plan = told->steps == 0 ? NULL : plan_of(place, told->verb, told->before);

    for (size_t i = 0; i < told->steps; i++)
        steps[i] = (struct step_report){
            .revision = plan->steps[i].revision->id,
            .message = plan->steps[i].revision->script->doc,
            .line = "Running it, \"so\"",
            .direction = plan->steps[i].direction,
            .duration_us = told->outcome == RUN_PLANNED ? 0 : 10 + i,
            .statement_count = (unsigned) i,
        };
    return steps;
}

static struct run_report report_of(struct place *place, const struct told *told)
{
    struct run_report report = {
        .id = "0000000000000001",
        .verb = told->verb,
        .outcome = told->outcome,
        .target = told->is_bare ? NULL : "head, \"x\"",
        .actor = "uid 1000 (deploy)",
        .reason = told->is_bare ? NULL : "release 7; it's time",
        .rows_before = rows_of(place, told->before),
        .rows_after = rows_of(place, told->after),
        .steps = steps_of(place, told),
        .step_count = told->steps,
        .backup = told->backup,
        .warning = told->warning,
        .started_us = NOON,
        .duration_us = told->is_bare ? 0 : 1234567,
        .lock_wait_us = told->is_bare ? 0 : 99999,
    };

    if (told->error == ERR_OK)
        return report;
    error_set(&report.error, told->error, "what is wrong with \"%s\"", told->before);
    if (told->is_bare)
        return report;
    report.error.sqlite_code = 787;
    error_at(&report.error, &(struct source_pos){ .file = "b2.sql", .line = 7, .column = 3 });
    error_of_revision(&report.error, "b2");
    error_of_statement(&report.error, "SELECT 'x'", 10);
    error_hint(&report.error, "Do something.");
    return report;
}

static void write_report(struct place *place, struct journal *journal, const struct told *told,
                         const struct run_report *report)
{
    const struct plan *plan = told->verb == VERB_BACKUP || told->way != WITH_INTENT
                                  ? NULL
                                  : plan_of(place, told->verb, told->before);
    struct error err = { 0 };

    if (told->way == WITH_INTENT) {
        struct run_report intent = *report;

        intent.steps = NULL;
        intent.step_count = 0;
        intent.backup = told->verb == VERB_BACKUP ? NULL : report->backup;
        intent.warning = NULL;
        assert_ok(journal_intent_write(journal, &intent, plan, &err), &err);
    }
    assert_ok(told->way == BY_JOB ? journal_outcome_add(journal, report, &err)
                                  : journal_outcome_write(journal, report, &err),
              &err);
}

static void test_a_run_is_read_as_it_was_written(void **state)
{
    struct place *place = *state;

    for (size_t i = 0; i < ARRAY_SIZE(tellings); i++) {
        struct journal *journal = journal_open_ok(place);
        struct run_report report = report_of(place, &tellings[i]);
        struct run_report found = { 0 };
        struct error err = { 0 };

        tell("%zu: %s", i, run_outcome_name(tellings[i].outcome));
        write_report(place, journal, &tellings[i], &report);
        journal_close(journal);
        journal = journal_open_ok(place);
        assert_ok(journal_run_read(journal, report.id, &place->arena, &found, &err), &err);
        assert_string_equal(report_text(place, &found), report_text(place, &report));
        journal_close(journal);
        assert_int_equal(remove(journal_path(place)), 0);
    }
}

static void test_what_the_engine_journalled_is_left_as_it_is(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct run_report report = report_of(place, &tellings[0]);
    struct run_report other = report;
    struct run_report found = { 0 };
    struct error err = { 0 };

    write_report(place, journal, &tellings[0], &report);
    other.outcome = RUN_FAILED;
    other.step_count = 0;
    assert_ok(journal_outcome_add(journal, &other, &err), &err);
    assert_ok(journal_run_read(journal, report.id, &place->arena, &found, &err), &err);
    assert_string_equal(report_text(place, &found), report_text(place, &report));
    journal_close(journal);
}

/* --- what is known of the rows ---------------------------------------------------------------- */

static unsigned reconcile(struct place *place, struct journal *journal, const char *id)
{
    version_rows rows = rows_of(place, id);
    struct error err = { 0 };
    unsigned settled = 0;

    assert_ok(journal_reconcile(journal, &rows, &settled, &err), &err);
    return settled;
}

/* A run without an intent is told of after one that left a1; the database is at a1. */
static void test_rows_of_runs_without_an_intent_are_no_knowledge(void **state)
{
    static const struct told to_a1 = { WITH_INTENT, VERB_UPGRADE, RUN_SUCCEEDED, "",     "a1",
                                       0,           NULL,         NULL,          ERR_OK, false };
    struct place *place = *state;

    for (size_t i = 0; i < ARRAY_SIZE(tellings); i++) {
        struct journal *journal = NULL;
        struct run_report report = { 0 };

        if (tellings[i].way == WITH_INTENT)
            continue;
        tell("%zu: %s", i, run_outcome_name(tellings[i].outcome));
        journal = journal_open_ok(place);
        report = report_of(place, &to_a1);
        write_report(place, journal, &to_a1, &report);
        report = report_of(place, &tellings[i]);
        snprintf(report.id, sizeof(report.id), "0000000000000002");
        write_report(place, journal, &tellings[i], &report);

        assert_int_equal(reconcile(place, journal, "a1"), 0); /* nobody moved anything */
        assert_int_equal(reconcile(place, journal, "zz"), 1); /* somebody did */
        journal_close(journal);
        assert_int_equal(remove(journal_path(place)), 0);
    }
}

/* A cut off run is judged by the rows the next run with an intent found, not by a dry run's. */
static void test_a_dry_run_says_nothing_of_an_open_run(void **state)
{
    static const struct told planned = { BY_JOB, VERB_UPGRADE, RUN_PLANNED, "a1",   "c3",
                                         2,      NULL,         NULL,        ERR_OK, false };
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct run_report intent = report_of(place, &tellings[0]);
    struct run_report report = report_of(place, &planned);
    struct run_report found = { 0 };
    struct error err = { 0 };

    assert_ok(journal_intent_write(journal, &intent, plan_of(place, VERB_UPGRADE, "a1"), &err),
              &err);
    snprintf(report.id, sizeof(report.id), "0000000000000002");
    write_report(place, journal, &planned, &report);
    assert_int_equal(reconcile(place, journal, "c3"), 1);
    assert_ok(journal_run_read(journal, intent.id, &place->arena, &found, &err), &err);
    assert_int_equal(found.outcome, RUN_SUCCEEDED);
    journal_close(journal);
}

/* A dry run applies nothing: its scripts are not those that were applied. */
static void test_a_dry_run_leaves_no_script(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct run_report report = report_of(place, &tellings[12]);
    const char *digest = "";
    struct error err = { 0 };

    assert_int_equal(report.outcome, RUN_PLANNED);
    write_report(place, journal, &tellings[12], &report);
    assert_ok(journal_script_digest(journal, "c3", &place->arena, &digest, &err), &err);
    assert_null(digest);
    assert_int_equal(sql_number(journal_path(place), "SELECT sum(is_done) FROM run_steps"), 0);
    journal_close(journal);
}

/* --- lists ------------------------------------------------------------------------------------ */

/* Runs 1 to 8: what the lists below choose from. Times are seconds after noon; a queue of 0 is
 * none. */
static const struct {
    enum verb verb;
    enum run_outcome outcome;
    const char *actor;
    int queued;
    int started;
} listed[] = {
    { VERB_UPGRADE, RUN_SUCCEEDED, "startup", 0, 10 },
    { VERB_UPGRADE, RUN_FAILED, "uid 1", 20, 21 },
    { VERB_STAMP, RUN_SUCCEEDED, "uid 2", 30, 35 },
    { VERB_UPGRADE, RUN_NOTHING_TO_DO, "uid 1", 31, 36 },
    { VERB_BACKUP, RUN_SUCCEEDED, "uid 1", 40, 41 },
    { VERB_UPGRADE, RUN_CANCELLED, "uid 2", 50, 51 },
    { VERB_UPGRADE, RUN_PLANNED, "uid 1", 25, 52 }, /* the clock was set back */
    { VERB_DOWNGRADE, RUN_FAILED, "uid 2", 60, 61 },
};

#define SECONDS(n) (NOON + (n) *INT64_C(1000000))

static void fill_list(struct journal *journal)
{
    for (size_t i = 0; i < ARRAY_SIZE(listed); i++) {
        struct registered_job job = {
            .verb = listed[i].verb,
            .actor = listed[i].actor,
            .queued_us = SECONDS(listed[i].queued),
        };
        struct run_report report = {
            .verb = listed[i].verb,
            .outcome = listed[i].outcome,
            .actor = listed[i].actor,
            .started_us = SECONDS(listed[i].started),
            .duration_us = 1000,
        };
        struct error err = { 0 };

        snprintf(job.id, sizeof(job.id), "%016zu", i + 1);
        snprintf(report.id, sizeof(report.id), "%016zu", i + 1);
        if (listed[i].queued != 0)
            assert_ok(journal_job_add(journal, &job, 0, &err), &err);
        assert_ok(journal_outcome_add(journal, &report, &err), &err);
    }
}

/* "8 7 6": the last digit of each id. */
static const char *list_text(struct place *place, struct journal *journal,
                             const struct run_filter *filter)
{
    struct run_reports runs = { 0 };
    struct str_list ids = { 0 };
    struct error err = { 0 };

    assert_ok(journal_runs_read(journal, filter, &place->arena, &runs, &err), &err);
    for (size_t i = 0; i < runs.count; i++)
        str_list_add(&ids, &place->arena, runs.items[i].id + RUN_ID_SIZE - 2);
    return str_list_join(&ids, " ", &place->arena);
}

#define ID(n) "000000000000000" #n

static void test_lists_hold_what_was_asked_for(void **state)
{
    static const struct {
        struct run_filter filter;
        const char *ids;
    } cases[] = {
        { { .limit = 100 }, "8 7 6 5 4 3 2 1" },
        { { .limit = 3 }, "8 7 6" },
        { { .limit = 2, .before = ID(6) }, "5 4" },
        { { .limit = 2, .before = ID(1) }, "" },
        { { .limit = 2, .before = "none" }, "" },
        { { .limit = 9, .has_outcomes = true, .outcomes = { [RUN_FAILED] = true } }, "8 2" },
        { { .limit = 1, .has_outcomes = true, .outcomes = { [RUN_FAILED] = true } }, "8" },
        { { .limit = 1,
            .before = ID(8),
            .has_outcomes = true,
            .outcomes = { [RUN_FAILED] = true } },
          "2" },
        { { .limit = 9,
            .has_outcomes = true,
            .outcomes = { [RUN_SUCCEEDED] = true,
                          [RUN_NOTHING_TO_DO] = true,
                          [RUN_PLANNED] = true } },
          "7 5 4 3 1" },
        { { .limit = 9, .has_outcomes = true }, "" }, /* none of all */
        { { .limit = 9, .has_verb = true, .verb = VERB_UPGRADE }, "7 6 4 2 1" },
        { { .limit = 9, .has_verb = true, .verb = VERB_BACKUP }, "5" },
        { { .limit = 9, .actor = "uid 2" }, "8 6 3" },
        { { .limit = 9, .actor = "uid" }, "" },
        { { .limit = 9, .actor = "uid 1' OR 1 --" }, "" },
        { { .limit = 9, .actor = "uid 1", .has_verb = true, .verb = VERB_UPGRADE }, "7 4 2" },
        { { .limit = 9,
            .actor = "uid 2",
            .has_verb = true,
            .verb = VERB_DOWNGRADE,
            .has_outcomes = true,
            .outcomes = { [RUN_FAILED] = true } },
          "8" },
        { { .limit = 9, .since_us = SECONDS(31) }, "8 6 5 4" },
        { { .limit = 9, .since_us = SECONDS(10) }, "8 7 6 5 4 3 2 1" },
        { { .limit = 9, .since_us = SECONDS(10) + 1 }, "8 7 6 5 4 3 2" },
        { { .limit = 9, .since_us = SECONDS(61) }, "" },
        { { .limit = 2, .since_us = SECONDS(31), .before = ID(6) }, "5 4" },
        { { .limit = 9, .since_us = SECONDS(31), .actor = "uid 1" }, "5 4" },
    };
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);

    fill_list(journal);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        tell("list %zu", i);
        assert_string_equal(list_text(place, journal, &cases[i].filter), cases[i].ids);
    }
    journal_close(journal);
}

static void test_a_list_can_be_long(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct run_reports runs = { 0 };
    struct error err = { 0 };

    sql_run(journal_path(place),
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)\n"
            "INSERT INTO runs (id, verb, actor, rows_before, rows_after, outcome, started_us)\n"
            "SELECT printf('%016d', i), 'upgrade', 'x', '', '', 'failed', i FROM n");
    assert_ok(journal_runs_read(journal, &(struct run_filter){ .limit = UINT32_MAX }, &place->arena,
                                &runs, &err),
              &err);
    assert_int_equal(runs.count, 300);
    for (size_t i = 0; i < runs.count; i++)
        assert_int_equal(runs.items[i].started_us, 300 - i);
    journal_close(journal);
}

/* --- the last run ----------------------------------------------------------------------------- */

static const char *last_id(struct place *place, struct journal *journal)
{
    struct run_report *report = arena_new(&place->arena, struct run_report);
    struct error err = { 0 };
    bool is_found = false;

    assert_ok(journal_run_last(journal, &place->arena, report, &is_found, &err), &err);
    return is_found ? report->id : "none";
}

static void test_the_last_run_is_one_that_did_something(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct registered_job waiting = { .id = ID(9), .actor = "uid 1", .queued_us = NOON };
    struct error err = { 0 };
    unsigned settled = 0;

    assert_string_equal(last_id(place, journal), "none");
    fill_list(journal);
    assert_string_equal(last_id(place, journal), ID(8));
    sql_run(journal_path(place), "UPDATE runs SET outcome = 'planned' WHERE number = 8");
    assert_string_equal(last_id(place, journal), ID(6)); /* 7 was a dry run, too */

    /* Nor one whose job never began, nor one that runs, nor somebody else's doing. */
    assert_ok(journal_job_add(journal, &waiting, 0, &err), &err);
    assert_ok(journal_jobs_settle(journal, NULL, &settled, &err), &err);
    assert_int_equal(settled, 1);
    sql_run(journal_path(place),
            "UPDATE runs SET outcome = 'unfinished', rows_planned = '' WHERE number = 6;"
            "UPDATE runs SET outcome = 'applied-externally', rows_planned = '' WHERE number = 5");
    assert_string_equal(last_id(place, journal), ID(3));
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_a_run_is_read_as_it_was_written),
        place_test(test_what_the_engine_journalled_is_left_as_it_is),
        place_test(test_rows_of_runs_without_an_intent_are_no_knowledge),
        place_test(test_a_dry_run_says_nothing_of_an_open_run),
        place_test(test_a_dry_run_leaves_no_script),
        place_test(test_lists_hold_what_was_asked_for),
        place_test(test_a_list_can_be_long),
        place_test(test_the_last_run_is_one_that_did_something),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
