/*
 * test_run.c - the verbs as stories: what is there afterwards, what is said, and what is not
 * touched.
 */
#include "support.h"

#include "engine/lock.h"
#include "engine/script_directory.h"

#include <unistd.h>

static const char sql_tables[] = "SELECT group_concat(name, ' ') FROM (SELECT name FROM "
                                 "sqlite_schema WHERE type = 'table' ORDER BY name)";

static const char *tables(struct site *site)
{
    return sql_text(site->place, site->place->path, sql_tables);
}

static unsigned backups(struct site *site)
{
    struct backup_infos infos = { 0 };
    struct error err = { 0 };

    assert_ok(engine_backups(&site->settings, &site->place->arena, &infos, &err), &err);
    return (unsigned) infos.count;
}

/* Steps as "+aaaa +bbbb" or "-bbbb". */
static const char *steps_text(struct site *site, const struct run_report *report)
{
    struct arena *arena = &site->place->arena;
    struct str_list steps = { 0 };

    for (size_t i = 0; i < report->step_count; i++)
        str_list_add(&steps, arena,
                     arena_printf(arena, "%c%s",
                                  report->steps[i].direction == DIRECTION_UP ? '+' : '-',
                                  report->steps[i].revision));
    return str_list_join(&steps, " ", arena);
}

static void expect_nothing_made(struct site *site)
{
    assert_int_equal(place_count(site->place->directory), 1); /* versions/ */
}

/* ---- Up and down ---- */

static void test_an_upgrade_makes_the_database_and_tells_its_steps(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    assert_ok(site_run(site, VERB_UPGRADE, NULL, &report, &err), &err);
    assert_int_equal(report.outcome, RUN_SUCCEEDED);
    assert_string_equal(steps_text(site, &report), "+aaaa +bbbb +cccc");
    assert_string_equal(report.steps[1].line, "Running upgrade aaaa -> bbbb, step bbbb");
    assert_int_equal(report.steps[1].statement_count, 2);
    assert_rows(site, &report.rows_before, "");
    assert_rows(site, &report.rows_after, "cccc");
    assert_null(report.backup); /* there was nothing to lose */
    assert_null(report.warning);
    assert_int_equal(strlen(report.id), 16);
    assert_string_equal(version_text(site->place), "cccc");
    assert_string_equal(tables(site), "a alembic_version b");
}

static void test_down_and_up_again(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };
    const char *before = NULL;

    site_three(site);
    site_upgrade(site, "head");
    before = sql_dump(site->place, site->place->path);

    assert_ok(site_run(site, VERB_DOWNGRADE, NULL, &report, &err), &err);
    assert_string_equal(steps_text(site, &report), "-cccc");
    assert_non_null(report.backup);

    assert_ok(site_run(site, VERB_DOWNGRADE, "base", &report, &err), &err);
    assert_string_equal(steps_text(site, &report), "-bbbb -aaaa");
    assert_string_equal(tables(site), "alembic_version");

    site_upgrade(site, "+2");
    assert_string_equal(version_text(site->place), "bbbb");
    site_upgrade(site, "head");
    assert_string_equal(sql_dump(site->place, site->place->path), before);
}

static void test_a_stamp_moves_rows_and_nothing_else(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    sql_run(site->place->path, "CREATE TABLE a (id INTEGER PRIMARY KEY)");
    assert_ok(site_run(site, VERB_STAMP, "aaaa", &report, &err), &err);
    assert_int_equal(report.outcome, RUN_SUCCEEDED);
    assert_string_equal(version_text(site->place), "aaaa");
    assert_string_equal(tables(site), "a alembic_version");
    assert_int_equal(backups(site), 1);

    site_upgrade(site, "head");
    assert_string_equal(tables(site), "a alembic_version b");
}

static void test_a_purging_stamp_forgets_unknown_rows(void **state)
{
    struct site *site = *state;
    struct run_request request = { .verb = VERB_STAMP, .target = "base", .purge = true };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    sql_run(site->place->path, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL "
                               "PRIMARY KEY); INSERT INTO alembic_version VALUES ('gone')");
    assert_ok(site_ask(site, &request, &report, &err), &err);
    assert_int_equal(report.outcome, RUN_SUCCEEDED);
    assert_string_equal(version_text(site->place), "NULL");
}

/* ---- Touching nothing ---- */

static void test_nothing_to_do_leaves_no_trace(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };

    assert_ok(site_run(site, VERB_UPGRADE, "heads", &report, &err), &err);
    assert_int_equal(report.outcome, RUN_NOTHING_TO_DO);
    expect_nothing_made(site);

    site_three(site);
    assert_ok(site_run(site, VERB_DOWNGRADE, "base", &report, &err), &err);
    assert_int_equal(report.outcome, RUN_NOTHING_TO_DO);
    expect_nothing_made(site);
}

static void test_an_upgrade_of_a_current_database_is_no_run(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_upgrade(site, "head");
    assert_ok(site_run(site, VERB_UPGRADE, "head", &report, &err), &err);
    assert_int_equal(report.outcome, RUN_NOTHING_TO_DO);
    assert_rows(site, &report.rows_after, "cccc");
    assert_int_equal(backups(site), 0);
    assert_string_equal(site_journal(site), "succeeded upgrade head:  -> cccc");
}

static void test_a_plan_that_cannot_be_made_leaves_no_trace(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    assert_error(site_run(site, VERB_UPGRADE, "nothing", &report, &err), &err, ERR_REVISION_UNKNOWN,
                 "nothing");
    assert_int_equal(report.outcome, RUN_FAILED);
    assert_int_equal(report.error.code, ERR_REVISION_UNKNOWN);
    expect_nothing_made(site);
}

static void test_a_dry_run_tells_the_steps_and_makes_nothing(void **state)
{
    struct site *site = *state;
    struct run_request request = { .verb = VERB_UPGRADE, .target = "bbbb", .is_dry_run = true };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    assert_ok(site_ask(site, &request, &report, &err), &err);
    assert_int_equal(report.outcome, RUN_PLANNED);
    assert_string_equal(steps_text(site, &report), "+aaaa +bbbb");
    assert_rows(site, &report.rows_after, "bbbb");
    expect_nothing_made(site);
}

static void test_asking_for_a_plan_makes_nothing(void **state)
{
    struct site *site = *state;
    struct run_request request = { .verb = VERB_UPGRADE };
    struct script_directory *directory = NULL;
    struct plan *plan = NULL;
    struct error err = { 0 };

    site_three(site);
    assert_ok(engine_plan(&site->settings, &request, &site->place->arena, &directory, &plan, &err),
              &err);
    assert_int_equal(plan->count, 3);
    assert_rows(site, &plan->rows_after, "cccc");
    script_directory_unref(directory);
    expect_nothing_made(site);

    request.verb = VERB_BACKUP;
    assert_error(engine_plan(&site->settings, &request, &site->place->arena, &directory, &plan,
                             &err),
                 &err, ERR_ARGUMENT_INVALID, "a backup has no plan");
}

/* ---- Refusals ---- */

static void test_an_expectation_that_does_not_hold_is_refused(void **state)
{
    struct site *site = *state;
    struct run_request request = { .verb = VERB_UPGRADE, .has_expect = true };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_upgrade(site, "aaaa");
    assert_error(site_ask(site, &request, &report, &err), &err, ERR_PRECONDITION_FAILED,
                 "the database is at aaaa, and no revision was expected");
    assert_string_equal(version_text(site->place), "aaaa");
    error_clear(&err);

    str_list_add(&request.expect, &site->place->arena, "aaaa");
    assert_ok(site_ask(site, &request, &report, &err), &err);
    assert_string_equal(version_text(site->place), "cccc");
}

static void test_a_backup_keeps_to_the_expectation_too(void **state)
{
    struct site *site = *state;
    struct run_request request = { .verb = VERB_BACKUP, .has_expect = true };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_upgrade(site, "aaaa");
    assert_error(site_ask(site, &request, &report, &err), &err, ERR_PRECONDITION_FAILED, "aaaa");
    assert_int_equal(backups(site), 0);
}

static void test_who_holds_the_lock_is_told(void **state)
{
    struct site *site = *state;
    cleanup_schema_lock struct schema_lock *lock = NULL;
    struct run_request request = { .verb = VERB_UPGRADE, .lock_timeout_ms = 1 };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    assert_ok(schema_lock_take(site->settings.database, "a long story", 0, &lock, &err), &err);
    assert_error(site_ask(site, &request, &report, &err), &err, ERR_LOCKED, "for a long story");
    assert_int_equal(report.outcome, RUN_FAILED);
    assert_false(site_has(site, "content.db"));
}

static bool always(void *data)
{
    (void) data;
    return true;
}

static void test_waiting_for_the_lock_can_be_cancelled(void **state)
{
    struct site *site = *state;
    cleanup_schema_lock struct schema_lock *lock = NULL;
    struct run_request request = { .verb = VERB_UPGRADE, .lock_timeout_ms = 600000 };
    struct run_hooks hooks = { .is_cancelled = always };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    assert_ok(schema_lock_take(site->settings.database, "a long story", 0, &lock, &err), &err);
    assert_error(engine_run(&site->settings, &request, &hooks, &site->place->arena, &report, &err),
                 &err, ERR_CANCELLED, "before it changed anything");
    assert_int_equal(report.outcome, RUN_CANCELLED);
    assert_false(site_has(site, "content.db"));
}

/* ---- How long the lock was waited for ---- */

enum {
    SLICE_US = 100000 /* a waiting run looks about so often */
};

static void test_a_wait_for_the_lock_in_vain_is_told(void **state)
{
    struct site *site = *state;
    cleanup_schema_lock struct schema_lock *lock = NULL;
    struct run_request request = { .verb = VERB_UPGRADE,
                                   .id = "00000000job00001",
                                   .lock_timeout_ms = 30 };
    struct run_report report = { 0 };
    struct run_report found = { 0 };
    struct error err = { 0 };

    site_three(site);
    assert_ok(schema_lock_take(site->settings.database, "a long story", 0, &lock, &err), &err);
    assert_error(site_ask(site, &request, &report, &err), &err, ERR_LOCKED, "for a long story");
    assert_in_range(report.lock_wait_us, 30000, report.duration_us);
    error_clear(&err);
    assert_ok(engine_run_find(&site->settings, request.id, &site->place->arena, &found, &err),
              &err);
    assert_int_equal(found.lock_wait_us, report.lock_wait_us);
}

struct holder {
    struct schema_lock *lock;
    unsigned calls;
};

/* The first call comes before the lock is tried, the second from the wait. */
static void let_go(void *data, const struct run_progress *progress)
{
    struct holder *holder = data;

    if (progress->phase == PHASE_PLANNING && ++holder->calls == 2)
        schema_lock_release(take_ptr(holder->lock));
}

static void test_a_run_tells_how_long_it_waited_for_the_lock(void **state)
{
    struct site *site = *state;
    struct holder holder = { 0 };
    struct run_hooks hooks = { .data = &holder, .progress = let_go };
    struct run_request request = { .verb = VERB_UPGRADE };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    assert_ok(schema_lock_take(site->settings.database, "a story", 0, &holder.lock, &err), &err);
    assert_ok(engine_run(&site->settings, &request, &hooks, &site->place->arena, &report, &err),
              &err);
    assert_null(holder.lock);
    assert_int_equal(report.outcome, RUN_SUCCEEDED);
    assert_in_range(report.lock_wait_us, SLICE_US, report.duration_us);

    /* Who has nothing to do does not ask for it. */
    assert_ok(engine_run(&site->settings, &request, NULL, &site->place->arena, &report, &err),
              &err);
    assert_int_equal(report.outcome, RUN_NOTHING_TO_DO);
    assert_int_equal(report.lock_wait_us, 0);
}

static void test_who_holds_the_database_is_told(void **state)
{
    struct site *site = *state;
    struct run_request request = { .verb = VERB_UPGRADE, .lock_timeout_ms = 50 };
    struct run_report report = { 0 };
    struct error err = { 0 };
    struct helper helper = { 0 };
    const char *before = NULL;

    site_three(site);
    site_upgrade(site, "aaaa");
    before = sql_dump(site->place, site->place->path);
    helper = helper_start("hold", site->place->path, "BEGIN IMMEDIATE");
    assert_error(site_ask(site, &request, &report, &err), &err, ERR_DATABASE_BUSY, "locked");
    assert_contains(err.hint,
                    arena_printf(&site->place->arena, "held by pid %d (store_helper)", helper.pid));
    helper_end(&helper);
    assert_string_equal(sql_dump(site->place, site->place->path), before);
}

static void test_a_script_that_changed_is_not_taken_down(void **state)
{
    struct site *site = *state;
    struct run_request purge = {
        .verb = VERB_STAMP, .target = "bbbb", .purge = true, .actor = "a test"
    };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_upgrade(site, "head");
    site_script(site, "bbbb", "aaaa", "CREATE TABLE b (id);", "DELETE FROM b; DROP TABLE b; --");
    assert_ok(site_run(site, VERB_DOWNGRADE, "-1", &report, &err), &err); /* cccc is as it was */

    assert_error(site_run(site, VERB_DOWNGRADE, "-1", &report, &err), &err, ERR_SCRIPT_CHANGED,
                 "\"bbbb\" changed since it was applied");
    assert_string_equal(err.revision, "bbbb");
    assert_contains(err.file, "versions/bbbb.sql");
    assert_int_equal(err.line, 3);
    assert_contains(err.hint, "`stamp --purge bbbb` accepts it.");
    assert_string_equal(version_text(site->place), "bbbb");
    error_clear(&err);

    /* the way out that the hint names */
    assert_ok(site_ask(site, &purge, &report, &err), &err);
    assert_ok(site_run(site, VERB_DOWNGRADE, "-1", &report, &err), &err);
    assert_string_equal(tables(site), "a alembic_version");
}

static void test_a_script_that_alembic_applied_has_no_text_to_compare(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    sql_run(site->place->path,
            "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE alembic_version (version_num "
            "VARCHAR(32) NOT NULL PRIMARY KEY); INSERT INTO alembic_version VALUES ('aaaa')");
    assert_ok(site_run(site, VERB_DOWNGRADE, "base", &report, &err), &err);
    assert_string_equal(tables(site), "alembic_version");
}

/* ---- Failing ---- */

static void test_a_failing_script_leaves_everything_as_it_was(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };
    const char *before = NULL;

    site_three(site);
    site_script(site, "dddd", "cccc", "CREATE TABLE d (id);\nINSERT INTO missing VALUES (1);", "");
    site_upgrade(site, "aaaa");
    before = sql_dump(site->place, site->place->path);

    assert_error(site_run(site, VERB_UPGRADE, "head", &report, &err), &err, ERR_STATEMENT_FAILED,
                 "no such table: missing");
    assert_string_equal(err.revision, "dddd");
    assert_contains(err.file, "versions/dddd.sql");
    assert_int_equal(err.line, 8);
    assert_contains(err.statement, "INSERT INTO missing");
    assert_int_equal(report.outcome, RUN_FAILED);
    assert_int_equal(report.step_count, 0);
    assert_rows(site, &report.rows_after, "aaaa");
    assert_non_null(report.backup);
    assert_string_equal(sql_dump(site->place, site->place->path), before);
    assert_string_equal(site_journal(site), "failed upgrade head: aaaa -> aaaa\n"
                                            "succeeded upgrade aaaa:  -> aaaa");
}

static void test_a_commit_for_each_revision_keeps_what_worked(void **state)
{
    struct site *site = *state;
    struct run_request request = { .verb = VERB_UPGRADE, .transaction = TRANSACTION_REVISION };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_script(site, "dddd", "cccc", "INSERT INTO missing VALUES (1);", "");
    assert_error(site_ask(site, &request, &report, &err), &err, ERR_STATEMENT_FAILED, "missing");
    assert_string_equal(steps_text(site, &report), "+aaaa +bbbb +cccc");
    assert_rows(site, &report.rows_after, "cccc");
    assert_string_equal(version_text(site->place), "cccc");
}

static void test_the_setting_holds_unless_the_request_says_otherwise(void **state)
{
    struct site *site = *state;
    struct run_request said = { .verb = VERB_UPGRADE, .has_transaction = true };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site->settings.transaction = TRANSACTION_REVISION;
    site_three(site);
    site_script(site, "dddd", "cccc", "INSERT INTO missing VALUES (1);", "");
    assert_error(site_ask(site, &said, &report, &err), &err, ERR_STATEMENT_FAILED, "missing");
    assert_rows(site, &report.rows_after, "");
    error_clear(&err);

    assert_error(site_run(site, VERB_UPGRADE, "head", &report, &err), &err, ERR_STATEMENT_FAILED,
                 "missing");
    assert_rows(site, &report.rows_after, "cccc");
}

static void test_a_job_that_could_not_begin_is_journalled_too(void **state)
{
    struct site *site = *state;
    struct run_request request = { .verb = VERB_UPGRADE,
                                   .target = "nothing",
                                   .id = "00000000job00001" };
    struct run_report report = { 0 };
    struct run_report found = { 0 };
    struct error err = { 0 };

    site_three(site);
    assert_error(site_ask(site, &request, &report, &err), &err, ERR_REVISION_UNKNOWN, "nothing");
    error_clear(&err);
    assert_ok(engine_run_find(&site->settings, "00000000job00001", &site->place->arena, &found,
                              &err),
              &err);
    assert_int_equal(found.outcome, RUN_FAILED);
    assert_int_equal(found.error.code, ERR_REVISION_UNKNOWN);
}

static void test_a_journal_that_cannot_be_written_stops_a_run_before_it_begins(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_write(site, "content.db.schemad", "a file in the way");
    assert_error(site_run(site, VERB_UPGRADE, "head", &report, &err), &err, ERR_JOURNAL,
                 "content.db.schemad");
    assert_false(site_has(site, "content.db"));
}

/* ---- Backups ---- */

static void test_a_backup_precedes_a_change_as_the_policy_says(void **state)
{
    struct site *site = *state;
    struct run_request never = { .verb = VERB_UPGRADE, .target = "+1", .backup = BACKUP_NEVER };
    struct run_request destructive = { .verb = VERB_UPGRADE,
                                       .target = "+1",
                                       .backup = BACKUP_DESTRUCTIVE };
    struct run_request down = { .verb = VERB_DOWNGRADE, .backup = BACKUP_DESTRUCTIVE };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_upgrade(site, "aaaa");
    assert_ok(site_ask(site, &never, &report, &err), &err);
    assert_int_equal(backups(site), 0);
    assert_ok(site_ask(site, &destructive, &report, &err), &err);
    assert_int_equal(backups(site), 0);
    assert_ok(site_ask(site, &down, &report, &err), &err);
    assert_int_equal(backups(site), 1);
    assert_string_equal(version_text(site->place), "bbbb");
    assert_string_equal(sql_text(site->place,
                                 arena_printf(&site->place->arena, "%s/%s",
                                              site->settings.backup_directory, report.backup),
                                 "SELECT version_num FROM alembic_version"),
                        "cccc");
}

static void test_a_request_can_insist_on_a_backup(void **state)
{
    struct site *site = *state;
    struct run_request request = { .verb = VERB_UPGRADE,
                                   .backup = BACKUP_ALWAYS,
                                   .has_backup = true };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site->settings.backup = BACKUP_NEVER;
    site_three(site);
    site_upgrade(site, "aaaa");
    site_upgrade(site, "bbbb");
    assert_int_equal(backups(site), 0);
    assert_ok(site_ask(site, &request, &report, &err), &err);
    assert_int_equal(backups(site), 1);
}

static void test_a_backup_alone_is_a_run_without_steps(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    assert_error(site_run(site, VERB_BACKUP, NULL, &report, &err), &err, ERR_DATABASE_MISSING,
                 "does not exist");
    assert_false(site_has(site, "content.db"));
    error_clear(&err);

    site_upgrade(site, "bbbb");
    assert_ok(site_run(site, VERB_BACKUP, NULL, &report, &err), &err);
    assert_int_equal(report.outcome, RUN_SUCCEEDED);
    assert_int_equal(report.step_count, 0);
    assert_contains(report.backup, "-bbbb.db");
    assert_rows(site, &report.rows_after, "bbbb");
    assert_int_equal(backups(site), 1);
}

static void test_only_so_many_backups_are_kept(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };

    site->settings.backup_keep = 2;
    site_three(site);
    site_upgrade(site, "head");
    for (int i = 0; i < 4; i++)
        assert_ok(site_run(site, VERB_BACKUP, NULL, &report, &err), &err);
    assert_int_equal(backups(site), 2);
    assert_int_equal(access(arena_printf(&site->place->arena, "%s/%s",
                                         site->settings.backup_directory, report.backup),
                            F_OK),
                     0);
}

/* ---- Progress ---- */

struct watch_notes {
    unsigned permille;
    unsigned phases; /* bits */
    unsigned committed;
    bool went_back;
};

static void note_progress(void *data, const struct run_progress *progress)
{
    struct watch_notes *notes = data;

    if (progress->permille < notes->permille)
        notes->went_back = true;
    notes->permille = progress->permille;
    notes->phases |= 1u << progress->phase;
}

static void note_commit(void *data, const version_rows *rows)
{
    struct watch_notes *notes = data;

    (void) rows;
    notes->committed++;
}

static void test_progress_goes_through_all_phases_and_never_back(void **state)
{
    struct site *site = *state;
    struct watch_notes notes = { 0 };
    struct run_hooks hooks = { .data = &notes,
                               .progress = note_progress,
                               .committed = note_commit };
    struct run_request request = { .verb = VERB_UPGRADE };
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_upgrade(site, "aaaa");
    assert_ok(engine_run(&site->settings, &request, &hooks, &site->place->arena, &report, &err),
              &err);
    assert_false(notes.went_back);
    assert_int_equal(notes.permille, 1000);
    assert_int_equal(notes.committed, 1);
    assert_int_equal(notes.phases, 1u << PHASE_PLANNING | 1u << PHASE_PREFLIGHT |
                                       1u << PHASE_BACKUP | 1u << PHASE_RUNNING |
                                       1u << PHASE_CHECKING | 1u << PHASE_COMMITTING |
                                       1u << PHASE_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        site_test(test_an_upgrade_makes_the_database_and_tells_its_steps),
        site_test(test_down_and_up_again),
        site_test(test_a_stamp_moves_rows_and_nothing_else),
        site_test(test_a_purging_stamp_forgets_unknown_rows),
        site_test(test_nothing_to_do_leaves_no_trace),
        site_test(test_an_upgrade_of_a_current_database_is_no_run),
        site_test(test_a_plan_that_cannot_be_made_leaves_no_trace),
        site_test(test_a_dry_run_tells_the_steps_and_makes_nothing),
        site_test(test_asking_for_a_plan_makes_nothing),
        site_test(test_an_expectation_that_does_not_hold_is_refused),
        site_test(test_a_backup_keeps_to_the_expectation_too),
        site_test(test_who_holds_the_lock_is_told),
        site_test(test_waiting_for_the_lock_can_be_cancelled),
        site_test(test_a_wait_for_the_lock_in_vain_is_told),
        site_test(test_a_run_tells_how_long_it_waited_for_the_lock),
        site_test(test_who_holds_the_database_is_told),
        site_test(test_a_script_that_changed_is_not_taken_down),
        site_test(test_a_script_that_alembic_applied_has_no_text_to_compare),
        site_test(test_a_failing_script_leaves_everything_as_it_was),
        site_test(test_a_commit_for_each_revision_keeps_what_worked),
        site_test(test_the_setting_holds_unless_the_request_says_otherwise),
        site_test(test_a_job_that_could_not_begin_is_journalled_too),
        site_test(test_a_journal_that_cannot_be_written_stops_a_run_before_it_begins),
        site_test(test_a_backup_precedes_a_change_as_the_policy_says),
        site_test(test_a_request_can_insist_on_a_backup),
        site_test(test_a_backup_alone_is_a_run_without_steps),
        site_test(test_only_so_many_backups_are_kept),
        site_test(test_progress_goes_through_all_phases_and_never_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
