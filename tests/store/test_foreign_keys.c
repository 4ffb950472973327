/*
 * test_foreign_keys.c - foreign keys are off around a run and checked before its commit: new
 * violations fail, old ones are none of its business.
 */
#include "support.h"

#define FAMILY                                                                                     \
    "CREATE TABLE parents (id INTEGER PRIMARY KEY);\nINSERT INTO parents VALUES (1), (2), (3);\n"  \
    "CREATE TABLE children (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parents (id));\n" \
    "INSERT INTO children VALUES (1, 1), (2, 2), (3, 3), (4, 99);" /* 4 was an orphan all along */

static struct history history_with(struct place *place, const char *extra, const char *up)
{
    struct history history = { .place = place };

    history_add(&history, "a1", NULL, "CREATE TABLE first (a);", "");
    history_add(&history, "b2 <- a1", extra, up, "");
    upgrade_ok(&history, "a1");
    sql_run(place->path, FAMILY);
    return history;
}

static void expect_kept(struct place *place, const char *extra, const char *up)
{
    struct history history = history_with(place, extra, up);

    upgrade_ok(&history, "head");
    assert_string_equal(version_text(place), "b2");
}

static void expect_error(struct place *place, const char *extra, const char *up,
                         enum error_code code, const char *detail)
{
    struct history history = history_with(place, extra, up);
    struct runner_result result = { 0 };
    struct error err = { 0 };
    const char *before = sql_dump(place, place->path);

    assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, code, detail);
    assert_string_equal(sql_dump(place, place->path), before);
}

static void test_old_violation_is_left_alone(void **state)
{
    expect_kept(*state, NULL, "UPDATE children SET parent_id = 2 WHERE id = 1;");
}

static void test_new_violations_are_listed(void **state)
{
    expect_error(*state, NULL, "DELETE FROM parents WHERE id < 3;", ERR_FOREIGN_KEYS_VIOLATED,
                 "2 new foreign key violations: row 1 of \"children\" has no parent in "
                 "\"parents\"; row 2 of \"children\"");
}

static void test_one_mended_and_one_broken_is_one_broken(void **state)
{
    expect_error(*state, NULL,
                 "UPDATE children SET parent_id = 1 WHERE id = 4;\nUPDATE children SET parent_id = "
                 "98 WHERE id = 1;",
                 ERR_FOREIGN_KEYS_VIOLATED, "1 new foreign key violation: row 1 of \"children\"");
}

static void test_parent_table_dropped(void **state)
{
    expect_error(*state, NULL, "DROP TABLE parents;", ERR_FOREIGN_KEYS_VIOLATED,
                 "3 new foreign key violations");
}

static void test_old_violation_stays_old_through_renames(void **state)
{
    expect_kept(*state, NULL,
                "ALTER TABLE parents RENAME TO elders;\nALTER TABLE children RENAME TO "
                "kids;\nDELETE FROM kids WHERE id = 1;");
}

static void test_old_violation_stays_old_when_a_rebuild_numbers_rows_anew(void **state)
{
    expect_kept(
        *state, NULL,
        "CREATE TABLE kids (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parents (id));\n"
        "INSERT INTO kids (id, parent_id) SELECT id + 10, parent_id FROM children;\n"
        "DROP TABLE children;\nALTER TABLE kids RENAME TO children;");
}

static void test_plain_rebuild_of_the_parent_keeps_children(void **state)
{
    struct place *place = *state;

    expect_kept(place, NULL,
                "CREATE TABLE elders (id INTEGER PRIMARY KEY, name TEXT);\nINSERT INTO elders "
                "SELECT id, NULL FROM parents;\n"
                "DROP TABLE parents;\nALTER TABLE elders RENAME TO parents;");
    assert_int_equal(sql_number(place->path, "SELECT count(*) FROM children"), 4);
}

static void test_script_with_foreign_keys_on_fails_at_once(void **state)
{
    struct place *place = *state;
    struct history history =
        history_with(place, "Foreign Keys: on",
                     "CREATE TABLE t (a);\nINSERT INTO children VALUES (5, 77);");
    struct runner_result result = { 0 };
    struct error err = { 0 };

    assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, ERR_STATEMENT_FAILED,
                 "FOREIGN KEY constraint failed");
    assert_int_equal(err.line, 9);
}

static void test_scripts_of_both_kinds_share_a_transaction(void **state)
{
    struct place *place = *state;
    struct history history =
        history_with(place, "Foreign Keys: on", "INSERT INTO children VALUES (5, 1);");
    struct runner_result result = { 0 };
    struct error err = { 0 };

    history_add(&history, "c3 <- b2", NULL,
                "INSERT INTO children VALUES (6, 500);\nINSERT INTO parents VALUES (500);", "");
    history_add(&history, "d4 <- c3", "Foreign Keys: on", "DELETE FROM parents WHERE id = 500;",
                "");
    assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, ERR_STATEMENT_FAILED,
                 "FOREIGN KEY constraint failed");
    assert_string_equal(err.revision, "d4");
    assert_string_equal(version_text(place), "a1");
    upgrade_ok(&history, "c3");
    assert_int_equal(sql_number(place->path, "SELECT count(*) FROM children"), 6);
}

static void test_deferred_violation_is_due_at_the_end_of_its_script(void **state)
{
    expect_error(*state, "Foreign Keys: on",
                 "PRAGMA defer_foreign_keys = ON;\nINSERT INTO children VALUES (5, 77);",
                 ERR_FOREIGN_KEYS_VIOLATED, "deferred foreign keys are still violated");
}

static void test_deferred_violation_that_is_mended_in_time(void **state)
{
    expect_kept(*state, "Foreign Keys: on",
                "PRAGMA defer_foreign_keys = ON;\nINSERT INTO children VALUES (5, 77);\nINSERT "
                "INTO parents VALUES (77);");
}

static void test_orphan_removed_with_foreign_keys_on(void **state)
{
    expect_kept(*state, "Foreign Keys: on", "DELETE FROM children WHERE id = 4;");
}

static void test_key_that_cannot_be_checked_is_new(void **state)
{
    expect_error(*state, NULL,
                 "CREATE TABLE loose (a);\nCREATE TABLE bad (b REFERENCES loose (a));\nINSERT INTO "
                 "bad VALUES (1);",
                 ERR_FOREIGN_KEYS_VIOLATED,
                 "table \"bad\" refers to columns that no unique index covers");
}

static void test_key_that_could_not_be_checked_before_is_left_alone(void **state)
{
    struct place *place = *state;
    struct history history = history_with(place, NULL, "UPDATE parents SET id = 4 WHERE id = 5;");

    sql_run(place->path, "CREATE TABLE loose (a); CREATE TABLE bad (b REFERENCES loose (a)); "
                         "INSERT INTO bad VALUES (1)");
    upgrade_ok(&history, "head");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_old_violation_is_left_alone),
        place_test(test_new_violations_are_listed),
        place_test(test_one_mended_and_one_broken_is_one_broken),
        place_test(test_parent_table_dropped),
        place_test(test_old_violation_stays_old_through_renames),
        place_test(test_old_violation_stays_old_when_a_rebuild_numbers_rows_anew),
        place_test(test_plain_rebuild_of_the_parent_keeps_children),
        place_test(test_script_with_foreign_keys_on_fails_at_once),
        place_test(test_scripts_of_both_kinds_share_a_transaction),
        place_test(test_deferred_violation_is_due_at_the_end_of_its_script),
        place_test(test_deferred_violation_that_is_mended_in_time),
        place_test(test_orphan_removed_with_foreign_keys_on),
        place_test(test_key_that_cannot_be_checked_is_new),
        place_test(test_key_that_could_not_be_checked_before_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
