/*
 * test_runner.c - a plan is run whole or not at all, and the version rows say which (G1).
 */
#include "support.h"

#include "store/db.h"

#include <stdio.h>
#include <unistd.h>

#define TABLE_SQL(name) "CREATE TABLE " name " (id INTEGER PRIMARY KEY, text TEXT);"

static struct history linear(struct place *place)
{
    struct history history = { .place = place };

    history_add(&history, "a1", NULL, TABLE_SQL("users") "\n" TABLE_SQL("posts"),
                "DROP TABLE posts;\nDROP TABLE users;");
    history_add(&history, "b2 <- a1", NULL, "ALTER TABLE posts ADD COLUMN title TEXT;",
                "ALTER TABLE posts DROP COLUMN title;");
    history_add(&history, "c3 <- b2", NULL, TABLE_SQL("jobs"), "DROP TABLE jobs;");
    return history;
}

/* As linear(), with a script that fails in its second statement. */
static struct history broken(struct place *place)
{
    struct history history = linear(place);

    history_add(&history, "d4 <- c3", NULL,
                "CREATE TABLE half (a);\n\nINSERT INTO nowhere\nVALUES (1);", "DROP TABLE half;");
    return history;
}

/* --- rows ------------------------------------------------------------------------------------- */

static void test_upgrade_and_downgrade_keep_the_version_rows(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);

    upgrade_ok(&history, "b2");
    assert_string_equal(version_text(place), "b2");
    upgrade_ok(&history, "head");
    assert_string_equal(version_text(place), "c3");
    downgrade_ok(&history, "a1");
    assert_string_equal(version_text(place), "a1");
    downgrade_ok(&history, "base");
    assert_string_equal(version_text(place), "NULL");
    assert_string_equal(sql_text(place, place->path,
                                 "SELECT name FROM sqlite_schema WHERE sql IS NOT NULL"),
                        "alembic_version");
}

static void test_version_table_is_alembics_letter_by_letter(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);

    upgrade_ok(&history, "a1");
    assert_string_equal(sql_text(place, place->path,
                                 "SELECT sql FROM sqlite_schema WHERE name = 'alembic_version'"),
                        "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n"
                        "\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)");
}

static void test_branches_and_merges_have_their_rows(void **state)
{
    struct place *place = *state;
    struct history history = { .place = place };

    history_add(&history, "a1", NULL, "CREATE TABLE a (x);", "DROP TABLE a;");
    history_add(&history, "b1 <- a1", NULL, "CREATE TABLE b (x);", "DROP TABLE b;");
    history_add(&history, "c1 <- a1", NULL, "CREATE TABLE c (x);", "DROP TABLE c;");
    history_add(&history, "m1 <- b1, c1", NULL, "", "");
    upgrade_ok(&history, "b1");
    upgrade_ok(&history, "c1");
    assert_string_equal(version_text(place), "b1 c1");
    upgrade_ok(&history, "head");
    assert_string_equal(version_text(place), "m1");
    downgrade_ok(&history, "b1");
    assert_string_equal(version_text(place), "b1 c1");
    downgrade_ok(&history, "base");
    assert_string_equal(version_text(place), "NULL");
}

static void test_stamp_changes_rows_only(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct runner_options options = { .version_table = "alembic_version" };
    struct runner_result result = { 0 };
    struct error err = { 0 };
    version_rows rows = { 0 };
    struct str_list targets = { 0 };
    struct plan *plan = NULL;

    sql_run(place->path, TABLE_SQL("users"));
    str_list_add(&targets, &place->arena, "b2");
    assert_ok(plan_stamp(history_graph(&history), &rows, &(struct stamp_options){ targets, false },
                         &place->arena, &plan, &err),
              &err);
    assert_ok(runner_run(place->path, plan, &options, &place->arena, &result, &err), &err);
    assert_string_equal(version_text(place), "b2");
    assert_int_equal(sql_number(place->path,
                                "SELECT count(*) FROM sqlite_schema WHERE name = 'posts'"),
                     0);
    assert_string_equal(result.rows_after.items[0], "b2");
}

static void test_stamp_purge_forgets_unknown_rows(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct runner_options options = { .version_table = "alembic_version" };
    struct runner_result result = { 0 };
    struct error err = { 0 };
    version_rows rows = { 0 };
    struct str_list targets = { 0 };
    struct plan *plan = NULL;

    upgrade_ok(&history, "a1");
    sql_run(place->path, "UPDATE alembic_version SET version_num = 'gone1'; INSERT INTO "
                         "alembic_version VALUES ('gone2')");
    str_list_add(&rows, &place->arena, "gone1");
    str_list_add(&rows, &place->arena, "gone2");
    str_list_add(&targets, &place->arena, "base");
    assert_ok(plan_stamp(history_graph(&history), &rows, &(struct stamp_options){ targets, true },
                         &place->arena, &plan, &err),
              &err);
    assert_ok(runner_run(place->path, plan, &options, &place->arena, &result, &err), &err);
    assert_string_equal(version_text(place), "NULL");
    assert_int_equal(result.rows_after.count, 0);
}

static void test_rows_that_moved_since_planning_stop_the_run(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct runner_options options = { .version_table = "alembic_version" };
    struct runner_result result = { 0 };
    struct error err = { 0 };
    version_rows rows = { 0 };
    struct plan *plan = NULL;
    const char *before = NULL;

    upgrade_ok(&history, "b2");
    before = sql_dump(place, place->path);
    str_list_add(&rows, &place->arena, "a1");
    assert_ok(plan_upgrade(history_graph(&history), &rows, "head", &place->arena, &plan, &err),
              &err);
    assert_error(runner_run(place->path, plan, &options, &place->arena, &result, &err), &err,
                 ERR_DATABASE_CHANGED, "starts at [a1], but the database is at [b2]");
    assert_string_equal(sql_dump(place, place->path), before);
    assert_string_equal(result.rows_after.items[0], "b2");
}

static void test_other_version_table(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct runner_options options = { .version_table = "my versions" };
    struct runner_result result = { 0 };
    struct error err = { 0 };
    version_rows rows = { 0 };
    struct plan *plan = NULL;

    sql_run(place->path, "PRAGMA user_version = 1");
    assert_ok(plan_upgrade(history_graph(&history), &rows, "head", &place->arena, &plan, &err),
              &err);
    assert_ok(runner_run(place->path, plan, &options, &place->arena, &result, &err), &err);
    assert_string_equal(sql_text(place, place->path, "SELECT version_num FROM \"my versions\""),
                        "c3");
}

/* --- all or nothing --------------------------------------------------------------------------- */

static void expect_failure_place(const struct error *err)
{
    assert_string_equal(err->revision, "d4");
    assert_string_equal(err->file, "d4.sql");
    assert_int_equal(err->line, 9);
    assert_int_equal(err->column, 1);
    assert_string_equal(err->statement, "INSERT INTO nowhere\nVALUES (1)");
    assert_int_equal(err->sqlite_code, 1);
}

static void test_failure_undoes_the_whole_run(void **state)
{
    struct place *place = *state;
    struct history history = broken(place);
    struct runner_result result = { 0 };
    struct error err = { 0 };
    const char *before = NULL;

    upgrade_ok(&history, "a1");
    before = sql_dump(place, place->path);
    assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, ERR_STATEMENT_FAILED,
                 "no such table: nowhere");
    expect_failure_place(&err);
    assert_string_equal(sql_dump(place, place->path), before);
    assert_int_equal(result.step_count, 0);
    assert_string_equal(result.rows_after.items[0], "a1");
    assert_true(result.is_outcome_known);
}

static void test_failure_keeps_earlier_revisions_when_asked(void **state)
{
    struct place *place = *state;
    struct history history = broken(place);
    struct run_setting setting = { .transaction = TRANSACTION_REVISION };
    struct runner_result result = { 0 };
    struct error err = { 0 };

    assert_error(history_upgrade(&history, "head", &setting, &result, &err), &err,
                 ERR_STATEMENT_FAILED, "no such table: nowhere");
    assert_string_equal(version_text(place), "c3");
    assert_int_equal(result.step_count, 3);
    assert_string_equal(result.steps[2].revision, "c3");
    assert_string_equal(result.rows_after.items[0], "c3");
    assert_int_equal(sql_number(place->path,
                                "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"),
                     0);
}

static void test_first_failure_leaves_not_even_the_version_table(void **state)
{
    struct place *place = *state;
    struct history history = { .place = place };
    struct runner_result result = { 0 };
    struct error err = { 0 };

    history_add(&history, "a1", NULL, "CREATE TABLE t (a);\nCREATE TABLE t (a);", "");
    assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, ERR_STATEMENT_FAILED,
                 "already exists");
    assert_int_equal(sql_number(place->path, "SELECT count(*) FROM sqlite_schema"), 0);
}

static void test_place_of_an_error_inside_a_statement(void **state)
{
    struct place *place = *state;
    struct history history = { .place = place };
    struct runner_result result = { 0 };
    struct error err = { 0 };

    history_add(&history, "a1", NULL,
                "CREATE TABLE t (\n    a INTEGER,\n    b TEXT CHEK (b > 1)\n);", "");
    assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, ERR_STATEMENT_FAILED,
                 "syntax error");
    assert_int_equal(err.line, 9);
    assert_int_equal(err.column, 18);
}

static void test_steps_are_reported(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct runner_result result = { 0 };
    struct error err = { 0 };

    assert_ok(history_upgrade(&history, "b2", NULL, &result, &err), &err);
    assert_int_equal(result.step_count, 2);
    assert_string_equal(result.steps[0].line, "Running upgrade  -> a1, step a1");
    assert_int_equal(result.steps[0].statement_count, 2);
    assert_string_equal(result.steps[1].revision, "b2");
    assert_int_equal(result.steps[1].direction, DIRECTION_UP);
}

/* --- headers ---------------------------------------------------------------------------------- */

static void test_requires_empty(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct runner_result result = { 0 };
    struct error err = { 0 };

    history_add(&history, "d4 <- c3", "Requires Empty: jobs, posts", "DROP TABLE posts;",
                "CREATE TABLE posts (a);");
    upgrade_ok(&history, "c3");
    sql_run(place->path, "INSERT INTO posts (text) VALUES ('dear')");
    assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, ERR_NOT_EMPTY,
                 "table \"posts\" has rows");
    assert_string_equal(err.revision, "d4");
    assert_string_equal(version_text(place), "c3");
    sql_run(place->path, "DELETE FROM posts");
    upgrade_ok(&history, "head");
    sql_run(place->path, "INSERT INTO jobs (text) VALUES (1)");
    downgrade_ok(&history, "c3");
}

static void test_requires_empty_of_a_table_that_is_not_there(void **state)
{
    struct place *place = *state;
    struct history history = { .place = place };
    struct runner_result result = { 0 };
    struct error err = { 0 };

    history_add(&history, "a1", "Requires Empty: tpyo", "CREATE TABLE t (a);", "");
    assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, ERR_NOT_EMPTY,
                 "no such table: main.tpyo");
}

static void test_vacuum_runs_outside_a_transaction(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);

    history_add(&history, "d4 <- c3", "Transaction: none", "VACUUM;", "");
    history_add(&history, "e5 <- d4", NULL, "CREATE TABLE last (a);", "DROP TABLE last;");
    upgrade_ok(&history, "head");
    assert_string_equal(version_text(place), "e5");
    downgrade_ok(&history, "base");
    assert_string_equal(version_text(place), "NULL");
}

static void test_journal_mode_can_be_changed_outside_a_transaction(void **state)
{
    struct place *place = *state;
    struct history history = { .place = place };

    history_add(&history, "a1", "Transaction: none", "PRAGMA journal_mode = WAL;",
                "PRAGMA journal_mode = DELETE;");
    upgrade_ok(&history, "head");
    assert_string_equal(sql_text(place, place->path, "PRAGMA journal_mode"), "wal");
    assert_string_equal(version_text(place), "a1");
    downgrade_ok(&history, "base");
    assert_string_equal(sql_text(place, place->path, "PRAGMA journal_mode"), "delete");
}

static void test_failure_after_a_script_outside_keeps_what_was_committed(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct runner_result result = { 0 };
    struct error err = { 0 };

    history_add(&history, "d4 <- c3", "Transaction: none", "VACUUM;", "");
    history_add(&history, "e5 <- d4", NULL, "DROP TABLE nowhere;", "");
    assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, ERR_STATEMENT_FAILED,
                 "no such table");
    assert_string_equal(version_text(place), "d4");
    assert_int_equal(result.step_count, 4);
}

/* --- what scripts set ends with them ---------------------------------------------------------- */

static void test_temporary_objects_end_with_their_script(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);

    history_add(
        &history, "d4 <- c3", NULL,
        "CREATE TEMP TABLE users (id INTEGER PRIMARY KEY, text TEXT);\nCREATE TEMP VIEW jobs AS "
        "SELECT 1;\n"
        "CREATE TEMP TRIGGER tr AFTER INSERT ON main.posts BEGIN SELECT RAISE(ABORT, 'no'); END;\n"
        "CREATE VIRTUAL TABLE temp.ft USING fts5(a);",
        "");
    history_add(&history, "e5 <- d4", NULL,
                "INSERT INTO users (text) VALUES ('x');\nINSERT INTO posts (text) VALUES ('y');",
                "");
    upgrade_ok(&history, "head");
    assert_int_equal(sql_number(place->path, "SELECT count(*) FROM users"), 1);
    assert_int_equal(sql_number(place->path, "SELECT count(*) FROM posts"), 1);
}

static void test_legacy_alter_table_works_and_ends_with_its_script(void **state)
{
    struct place *place = *state;
    struct history history = { .place = place };
    const char *rebuild = "CREATE TABLE p2 (id INTEGER PRIMARY KEY);\nALTER TABLE p RENAME TO "
                          "p_old;\nALTER TABLE p2 RENAME TO p;\n"
                          "DROP TABLE p_old;";

    history_add(&history, "a1", NULL,
                "CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE c (p REFERENCES p (id));",
                "");
    history_add(&history, "b2 <- a1", NULL,
                arena_printf(&place->arena, "PRAGMA legacy_alter_table = ON;\n%s", rebuild), "");
    history_add(&history, "c3 <- b2", NULL,
                "CREATE TABLE q (p REFERENCES p (id));\nALTER TABLE p RENAME TO r;", "");
    upgrade_ok(&history, "b2");
    assert_string_equal(sql_text(place, place->path,
                                 "SELECT sql FROM sqlite_schema WHERE name = 'c'"),
                        "CREATE TABLE c (p REFERENCES p (id))");
    downgrade_ok(&history, "base");
    sql_run(place->path, "DROP TABLE c; DROP TABLE p");
    upgrade_ok(&history, "head");
    assert_string_equal(sql_text(place, place->path,
                                 "SELECT sql FROM sqlite_schema WHERE name = 'q'"),
                        "CREATE TABLE q (p REFERENCES \"r\" (id))");
}

/* --- progress, cancel, timeout ---------------------------------------------------------------- */

struct observer {
    unsigned calls;
    unsigned last_permille;
    bool went_back;
    char trace[1000];
    unsigned commits;
    char committed[64];
    unsigned cancel_after; /* calls of is_cancelled; 0: never */
    unsigned asked;
};

static void on_progress(void *data, const struct run_progress *progress)
{
    struct observer *observer = data;
    size_t len = strlen(observer->trace);
    char entry[64];

    observer->calls++;
    observer->went_back = observer->went_back || progress->permille < observer->last_permille;
    observer->last_permille = progress->permille;
    snprintf(entry, sizeof(entry), "%s %u/%u %s %u/%u;", run_phase_name(progress->phase),
             progress->step, progress->step_count, progress->revision, progress->statement,
             progress->statement_count);
    snprintf(observer->trace + len, sizeof(observer->trace) - len, "%s", entry);
}

static void on_committed(void *data, const version_rows *rows)
{
    struct observer *observer = data;

    observer->commits++;
    snprintf(observer->committed, sizeof(observer->committed), "%s",
             rows->count > 0 ? rows->items[0] : "");
}

static bool is_cancelled(void *data)
{
    struct observer *observer = data;

    return observer->cancel_after > 0 && ++observer->asked >= observer->cancel_after;
}

static struct run_hooks hooks_of(struct observer *observer)
{
    return (struct run_hooks){ .data = observer,
                               .progress = on_progress,
                               .is_cancelled = is_cancelled,
                               .committed = on_committed };
}

static void test_progress_tells_steps_and_statements(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct observer observer = { 0 };
    struct run_hooks hooks = hooks_of(&observer);
    struct run_setting setting = { .hooks = &hooks };
    struct runner_result result = { 0 };
    struct error err = { 0 };

    assert_ok(history_upgrade(&history, "b2", &setting, &result, &err), &err);
    assert_contains(observer.trace, "running 1/2 a1 1/2;");
    assert_contains(observer.trace, "running 1/2 a1 2/2;running 2/2 b2 0/1;running 2/2 b2 1/1;");
    assert_contains(observer.trace, "checking");
    assert_contains(observer.trace, "committing");
    assert_false(observer.went_back);
    assert_int_equal(observer.commits, 1);
    assert_string_equal(observer.committed, "b2");
}

static void test_every_commit_is_told(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct observer observer = { 0 };
    struct run_hooks hooks = hooks_of(&observer);
    struct run_setting setting = { .hooks = &hooks, .transaction = TRANSACTION_REVISION };
    struct runner_result result = { 0 };
    struct error err = { 0 };

    assert_ok(history_upgrade(&history, "head", &setting, &result, &err), &err);
    assert_int_equal(observer.commits, 3);
    assert_string_equal(observer.committed, "c3");
}

static struct history endless(struct place *place)
{
    struct history history = linear(place);

    history_add(&history, "d4 <- c3", NULL,
                "INSERT INTO jobs (text)\nWITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                "FROM n)\nSELECT max(i) FROM n;",
                "");
    return history;
}

static void test_cancelled_run_is_undone(void **state)
{
    struct place *place = *state;
    struct history history = endless(place);
    struct observer observer = { .cancel_after = 10 };
    struct run_hooks hooks = hooks_of(&observer);
    struct run_setting setting = { .hooks = &hooks };
    struct runner_result result = { 0 };
    struct error err = { 0 };

    upgrade_ok(&history, "a1");
    assert_error(history_upgrade(&history, "head", &setting, &result, &err), &err, ERR_CANCELLED,
                 "cancelled");
    assert_string_equal(err.revision, "d4");
    assert_string_equal(version_text(place), "a1");
    assert_string_equal(result.rows_after.items[0], "a1");
    assert_int_equal(result.step_count, 0);
    assert_true(observer.calls >= 8);
}

static void test_run_that_takes_too_long_is_undone(void **state)
{
    struct place *place = *state;
    struct history history = endless(place);
    struct run_setting setting = { .timeout_ms = 150 };
    struct runner_result result = { 0 };
    struct error err = { 0 };

    assert_error(history_upgrade(&history, "head", &setting, &result, &err), &err, ERR_CANCELLED,
                 "longer than 150 ms");
    assert_int_equal(sql_number(place->path, "SELECT count(*) FROM sqlite_schema"), 0);
}

/* --- other processes -------------------------------------------------------------------------- */

static void test_locked_database_is_told(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct run_setting setting = { .busy_timeout_ms = 50 };
    struct runner_result result = { 0 };
    struct error err = { 0 };
    struct helper writer;

    upgrade_ok(&history, "a1");
    writer = helper_start("hold", place->path, "BEGIN IMMEDIATE");
    assert_error(history_upgrade(&history, "head", &setting, &result, &err), &err,
                 ERR_DATABASE_BUSY, "locked");
    helper_end(&writer);
    assert_string_equal(version_text(place), "a1");
}

/*
 * In rollback-journal mode a reader keeps COMMIT out; it has to be given up, or no new reader would
 * ever get in.
 */
static void test_reader_in_delete_mode_makes_the_commit_give_up(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct run_setting setting = { .busy_timeout_ms = 50 };
    struct runner_result result = { 0 };
    struct error err = { 0 };
    struct helper reader;

    upgrade_ok(&history, "a1");
    reader = helper_start("hold", place->path, "BEGIN; SELECT * FROM users");
    assert_error(history_upgrade(&history, "head", &setting, &result, &err), &err,
                 ERR_DATABASE_BUSY, "could not commit");
    assert_int_equal(sql_number(place->path, "SELECT count(*) FROM users"), 0);
    assert_string_equal(version_text(place), "a1");
    assert_string_equal(result.rows_after.items[0], "a1");
    helper_end(&reader);
    upgrade_ok(&history, "head");
}

static bool is_cancelled_while_committing(void *data)
{
    const struct observer *observer = data;

    return strstr(observer->trace, "committing") != NULL;
}

static void test_commit_that_began_is_not_cancelled(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct observer observer = { 0 };
    struct run_hooks hooks = { .data = &observer,
                               .progress = on_progress,
                               .is_cancelled = is_cancelled_while_committing };
    struct run_setting setting = { .hooks = &hooks, .busy_timeout_ms = 100 };
    struct runner_result result = { 0 };
    struct error err = { 0 };
    struct helper reader;

    upgrade_ok(&history, "a1");
    reader = helper_start("hold", place->path, "BEGIN; SELECT * FROM users");
    assert_error(history_upgrade(&history, "b2", &setting, &result, &err), &err, ERR_DATABASE_BUSY,
                 "could not commit");
    helper_end(&reader);
}

static void test_reader_in_wal_mode_does_not_disturb(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct helper reader;

    upgrade_ok(&history, "a1");
    sql_run(place->path, "PRAGMA journal_mode = WAL");
    reader = helper_start("hold", place->path, "BEGIN; SELECT * FROM users");
    upgrade_ok(&history, "head");
    helper_end(&reader);
    assert_string_equal(version_text(place), "c3");
}

static void replace_database(void *data, const struct run_progress *progress)
{
    struct place *place = data;

    if (progress->statement != 1 || access(place_file(place, "away.db"), F_OK) == 0)
        return;
    assert_int_equal(rename(place->path, place_file(place, "away.db")), 0);
    sql_run(place->path, "CREATE TABLE other (a)");
}

static void replace_during_run(struct place *place, const char *journal_mode)
{
    struct history history = linear(place);
    struct run_hooks hooks = { .data = place, .progress = replace_database };
    struct run_setting setting = { .hooks = &hooks };
    struct runner_result result = { 0 };
    struct error err = { 0 };

    upgrade_ok(&history, "a1");
    sql_run(place->path, arena_printf(&place->arena, "PRAGMA journal_mode = %s", journal_mode));
    assert_false(history_upgrade(&history, "head", &setting, &result, &err));
    assert_int_equal(err.code, ERR_DATABASE_UNUSABLE);
    assert_int_equal(result.step_count, 0);
    assert_int_equal(sql_number(place->path, "SELECT count(*) FROM sqlite_schema"), 1);
}

static void test_database_replaced_during_the_run_in_wal_mode(void **state)
{
    replace_during_run(*state, "WAL");
}

static void test_database_replaced_during_the_run_in_delete_mode(void **state)
{
    replace_during_run(*state, "DELETE");
}

static void test_missing_database_is_not_made(void **state)
{
    struct place *place = *state;
    struct history history = linear(place);
    struct runner_options options = { .version_table = "alembic_version" };
    struct runner_result result = { 0 };
    struct error err = { 0 };
    version_rows rows = { 0 };
    struct plan *plan = NULL;

    assert_ok(plan_upgrade(history_graph(&history), &rows, "head", &place->arena, &plan, &err),
              &err);
    assert_error(runner_run(place->path, plan, &options, &place->arena, &result, &err), &err,
                 ERR_DATABASE_MISSING, "does not exist");
    assert_int_not_equal(access(place->path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_upgrade_and_downgrade_keep_the_version_rows),
        place_test(test_version_table_is_alembics_letter_by_letter),
        place_test(test_branches_and_merges_have_their_rows),
        place_test(test_stamp_changes_rows_only),
        place_test(test_stamp_purge_forgets_unknown_rows),
        place_test(test_rows_that_moved_since_planning_stop_the_run),
        place_test(test_other_version_table),
        place_test(test_failure_undoes_the_whole_run),
        place_test(test_failure_keeps_earlier_revisions_when_asked),
        place_test(test_first_failure_leaves_not_even_the_version_table),
        place_test(test_place_of_an_error_inside_a_statement),
        place_test(test_steps_are_reported),
        place_test(test_requires_empty),
        place_test(test_requires_empty_of_a_table_that_is_not_there),
        place_test(test_vacuum_runs_outside_a_transaction),
        place_test(test_journal_mode_can_be_changed_outside_a_transaction),
        place_test(test_failure_after_a_script_outside_keeps_what_was_committed),
        place_test(test_temporary_objects_end_with_their_script),
        place_test(test_legacy_alter_table_works_and_ends_with_its_script),
        place_test(test_progress_tells_steps_and_statements),
        place_test(test_every_commit_is_told),
        place_test(test_cancelled_run_is_undone),
        place_test(test_run_that_takes_too_long_is_undone),
        place_test(test_locked_database_is_told),
        place_test(test_reader_in_delete_mode_makes_the_commit_give_up),
        place_test(test_commit_that_began_is_not_cancelled),
        place_test(test_reader_in_wal_mode_does_not_disturb),
        place_test(test_database_replaced_during_the_run_in_wal_mode),
        place_test(test_database_replaced_during_the_run_in_delete_mode),
        place_test(test_missing_database_is_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
