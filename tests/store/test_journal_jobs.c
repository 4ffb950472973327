/*
 * test_journal_jobs.c - accepted jobs: their keys, those that never began, and what is forgotten of
 * them.
 */
#include "support.h"

#include "store/journal.h"

#include <stdio.h>

#define NOON INT64_C(1795176184000000)

static struct registered_job job_of(unsigned number, const char *actor, const char *key,
                                    unsigned char fingerprint, int64_t queued_us)
{
    struct registered_job job = {
        .verb = VERB_UPGRADE,
        .target = "head",
        .actor = actor,
        .key = key,
        .queued_us = queued_us,
    };

    snprintf(job.id, sizeof(job.id), "%016u", number);
    memset(job.fingerprint, fingerprint, sizeof(job.fingerprint));
    return job;
}

static void add_at(struct journal *journal, const struct registered_job *job, int64_t since_us)
{
    struct error err = { 0 };

    assert_ok(journal_job_add(journal, job, since_us, &err), &err);
}

static void add(struct journal *journal, unsigned number, const char *key)
{
    struct registered_job job = job_of(number, "uid 1", key, 1, NOON + number);

    add_at(journal, &job, 0);
}

static void end(struct journal *journal, unsigned number, enum run_outcome outcome)
{
    struct run_report report = {
        .verb = VERB_UPGRADE, .outcome = outcome, .actor = "uid 1", .started_us = NOON + 1000
    };
    struct error err = { 0 };

    snprintf(report.id, sizeof(report.id), "%016u", number);
    assert_ok(journal_outcome_add(journal, &report, &err), &err);
}

/* The number of the job; 0 when the key is new. */
static unsigned find(struct journal *journal, const char *actor, const char *key, int64_t since_us)
{
    struct registered_job asked = job_of(0, actor, key, 1, 0);
    char id[RUN_ID_SIZE] = "untouched";
    struct error err = { 0 };
    uint64_t number = 0;

    assert_ok(journal_key_find(journal, &asked, since_us, id, &err), &err);
    assert_true(id[0] == '\0' || str_to_u64(str_of(id), UINT32_MAX, &number));
    return (unsigned) number;
}

/* --- keys ------------------------------------------------------------------------------------- */

static void test_a_key_finds_its_job_after_a_restart(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);

    add(journal, 1, "deploy-7");
    add(journal, 2, NULL);
    journal_close(journal);
    journal = journal_open_ok(place);
    assert_int_equal(find(journal, "uid 1", "deploy-7", 0), 1);
    assert_int_equal(find(journal, "uid 1", "deploy-8", 0), 0);
    assert_int_equal(find(journal, "uid 1", "DEPLOY-7", 0), 0);
    journal_close(journal);
}

static void test_a_key_is_its_actors_own(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct registered_job other = job_of(2, "uid 2", "deploy-7", 9, NOON);

    add(journal, 1, "deploy-7");
    assert_int_equal(find(journal, "uid 2", "deploy-7", 0), 0);
    add_at(journal, &other, 0);
    assert_int_equal(find(journal, "uid 1", "deploy-7", 0), 1);
    journal_close(journal);
}

static void test_a_key_is_for_one_request(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct registered_job asked = job_of(0, "uid 1", "deploy-7", 1, 0);
    char id[RUN_ID_SIZE];
    struct error err = { 0 };

    add(journal, 1, "deploy-7");
    asked.fingerprint[31] ^= 1;
    assert_error(journal_key_find(journal, &asked, 0, id, &err), &err, ERR_IDEMPOTENCY_KEY_REUSED,
                 "\"deploy-7\"");
    assert_contains(err.hint, "job 0000000000000001");
    journal_close(journal);
}

static void test_a_key_is_taken_once(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct registered_job again = job_of(2, "uid 1", "deploy-7", 1, NOON);
    struct error err = { 0 };

    add(journal, 1, "deploy-7");
    assert_error(journal_job_add(journal, &again, 0, &err), &err, ERR_JOURNAL, "UNIQUE");
    assert_int_equal(find(journal, "uid 1", "deploy-7", 0), 1);
    journal_close(journal);
}

static void test_an_old_key_is_new_again(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct registered_job again = job_of(3, "uid 1", "ended", 1, NOON + 100);
    struct registered_job other = job_of(4, "uid 1", "waiting", 1, NOON + 101);
    int64_t queued_us = 0;
    struct error err = { 0 };

    add(journal, 1, "ended");
    add(journal, 2, "waiting");
    end(journal, 1, RUN_SUCCEEDED);
    assert_int_equal(find(journal, "uid 1", "ended", NOON + 1), 1);
    assert_int_equal(find(journal, "uid 1", "ended", NOON + 2), 0);

    add_at(journal, &again, NOON + 50);
    add_at(journal, &other, NOON + 50);
    assert_int_equal(find(journal, "uid 1", "ended", 0), 3);
    assert_int_equal(find(journal, "uid 1", "waiting", 0), 4);

    /* Job 1 has its run, which knows when it was queued; job 2 is still to begin. */
    assert_string_equal(sql_text(place, journal_path(place), "SELECT id + 0 FROM jobs ORDER BY 1"),
                        "2\n3\n4");
    assert_ok(journal_queued_us(journal, "0000000000000001", &queued_us, &err), &err);
    assert_int_equal(queued_us, NOON + 1);
    journal_close(journal);
}

static void test_a_job_that_was_refused_leaves_nothing(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct error err = { 0 };
    unsigned settled = 9;

    add(journal, 1, "deploy-7");
    assert_ok(journal_job_remove(journal, "0000000000000001", &err), &err);
    assert_int_equal(find(journal, "uid 1", "deploy-7", 0), 0);
    assert_ok(journal_jobs_settle(journal, NULL, &settled, &err), &err);
    assert_int_equal(settled, 0);
    add(journal, 1, "deploy-7");
    journal_close(journal);
}

/* --- from queue to run ------------------------------------------------------------------------ */

static int64_t queued_us(struct journal *journal, const char *id)
{
    int64_t result = -1;
    struct error err = { 0 };

    assert_ok(journal_queued_us(journal, id, &result, &err), &err);
    return result;
}

static void test_a_run_knows_when_its_job_was_queued(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct run_report report = { .id = "0000000000000003", .actor = "uid 1", .started_us = NOON };
    struct run_report found = { 0 };
    struct error err = { 0 };

    add(journal, 1, NULL);
    add(journal, 3, NULL);
    assert_int_equal(queued_us(journal, "0000000000000001"), NOON + 1);
    end(journal, 1, RUN_FAILED);
    assert_ok(journal_intent_write(journal, &report, NULL, &err), &err);
    end(journal, 4, RUN_FAILED); /* nobody registered it */

    assert_ok(journal_run_read(journal, "0000000000000001", &place->arena, &found, &err), &err);
    assert_int_equal(found.queued_us, NOON + 1);
    assert_ok(journal_run_read(journal, "0000000000000003", &place->arena, &found, &err), &err);
    assert_int_equal(found.queued_us, NOON + 3);
    assert_ok(journal_run_read(journal, "0000000000000004", &place->arena, &found, &err), &err);
    assert_int_equal(found.queued_us, 0);
    assert_int_equal(queued_us(journal, "0000000000000004"), 0);
    assert_int_equal(queued_us(journal, "nope"), 0);
    journal_close(journal);
}

static void test_jobs_that_never_began_are_interrupted_runs(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    struct registered_job job = job_of(1, "uid 1", "deploy-7", 1, NOON);
    version_rows rows = { 0 };
    struct run_reports runs = { 0 };
    struct error err = { 0 };
    unsigned settled = 0;

    job.verb = VERB_STAMP;
    job.reason = "release 7";
    add_at(journal, &job, 0);
    add(journal, 2, NULL);
    add(journal, 3, NULL);
    end(journal, 2, RUN_NOTHING_TO_DO);
    str_list_add(&rows, &place->arena, "b2");
    str_list_add(&rows, &place->arena, "c3");
    assert_ok(journal_jobs_settle(journal, &rows, &settled, &err), &err);
    assert_int_equal(settled, 2);

    assert_ok(journal_runs_read(journal, &(struct run_filter){ .limit = 9 }, &place->arena, &runs,
                                &err),
              &err);
    assert_int_equal(runs.count, 3);
    assert_string_equal(runs.items[0].id, "0000000000000003"); /* in the order of the queue */
    assert_string_equal(
        report_text(place, &runs.items[1]),
        "0000000000000001 interrupted stamp to head for uid 1 because release 7\n"
        "rows b2 c3 -> b2 c3\n"
        "backup NULL, warning NULL\n"
        "queued 1795176184000000, started 1795176184000000, lasted 0, waited 0\n"
        "error interrupted 0 at :0:0 of  in \"\": daemon ended before the job began; nothing was "
        "run; database is at b2, c3; Run it again.");
    assert_int_equal(find(journal, "uid 1", "deploy-7", 0), 1); /* the key has its answer */

    assert_ok(journal_jobs_settle(journal, &rows, &settled, &err), &err);
    assert_int_equal(settled, 0);
    assert_ok(journal_reconcile(journal, &rows, &settled, &err), &err);
    assert_int_equal(settled, 0); /* and says nothing of the database's rows */
    journal_close(journal);
}

static void test_where_the_database_is_is_said_as_far_as_it_is_known(void **state)
{
    static const version_rows no_row = { 0 };
    static const struct {
        const version_rows *rows;
        const char *detail;
    } cases[] = {
        { NULL, "daemon ended before the job began; nothing was run" },
        { &no_row, "daemon ended before the job began; nothing was run; database is at base" },
    };
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct registered_job job = job_of(i + 1, "uid 1", NULL, 0, NOON);
        struct run_report found = { 0 };
        struct error err = { 0 };
        unsigned settled = 0;

        add_at(journal, &job, 0);
        assert_ok(journal_jobs_settle(journal, cases[i].rows, &settled, &err), &err);
        assert_ok(journal_run_read(journal, job.id, &place->arena, &found, &err), &err);
        assert_string_equal(found.error.detail, cases[i].detail);
    }
    journal_close(journal);
}

/* --- what is forgotten ------------------------------------------------------------------------ */

/*
 * Runs 2 to 1080 did nothing, the fourth of them is a dry run with a step; the first three were
 * jobs, the third with a key. Every 47th run looks for what is old.
 */
static const char sql_crowd[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1079)\n"
    "INSERT INTO runs (id, verb, actor, rows_before, rows_after, outcome, started_us)\n"
    "SELECT printf('%016d', i), 'upgrade', 'uid 1', 'a1', 'a1',\n"
    "       iif(i = 4, 'planned', 'nothing-to-do'), i\n"
    "FROM n;\n"
    "INSERT INTO run_steps (run_number, position, revision, direction)\n"
    "SELECT number, 0, 'b2', 'up' FROM runs WHERE outcome = 'planned';\n";

static void test_runs_that_did_nothing_are_forgotten_but_for_the_newest(void **state)
{
    struct place *place = *state;
    struct journal *journal = journal_open_ok(place);
    const char *path = journal_path(place);

    end(journal, 2001, RUN_FAILED); /* older than all of them */
    add(journal, 1, NULL);
    add(journal, 2, NULL);
    add(journal, 3, "deploy-7");
    sql_run(path, sql_crowd);
    assert_int_equal(sql_number(path, "SELECT max(number) FROM runs"), 1080);
    end(journal, 2002, RUN_NOTHING_TO_DO); /* the 1081st, the 1080th of them */

    assert_string_equal(sql_text(place, path,
                                 "SELECT group_concat(id + 0, ' ') FROM (SELECT id FROM runs\n"
                                 "ORDER BY number LIMIT 4)"),
                        "2001 3 81 82"); /* the third's key is remembered */
    assert_int_equal(sql_number(path, "SELECT count(*) FROM runs"), 1002);
    assert_int_equal(sql_number(path, "SELECT count(*) FROM run_steps"), 0);
    assert_string_equal(sql_text(place, path, "SELECT id + 0 FROM jobs"), "3");
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_a_key_finds_its_job_after_a_restart),
        place_test(test_a_key_is_its_actors_own),
        place_test(test_a_key_is_for_one_request),
        place_test(test_a_key_is_taken_once),
        place_test(test_an_old_key_is_new_again),
        place_test(test_a_job_that_was_refused_leaves_nothing),
        place_test(test_a_run_knows_when_its_job_was_queued),
        place_test(test_jobs_that_never_began_are_interrupted_runs),
        place_test(test_where_the_database_is_is_said_as_far_as_it_is_known),
        place_test(test_runs_that_did_nothing_are_forgotten_but_for_the_newest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
