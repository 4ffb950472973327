/*
 * test_announcement.c - what scripts say they take away, read from their text alone.
 */
#include "support.h"

#include "store/announcement.h"

static const struct announcement *announce(struct place *place, const char *sql)
{
    struct history history = { .place = place };
    version_rows rows = { 0 };
    struct plan *plan = NULL;
    struct error err = { 0 };

    history_add(&history, "a1", NULL, sql, "");
    assert_ok(plan_upgrade(history_graph(&history), &rows, "head", &place->arena, &plan, &err),
              &err);
    return announcement_of(plan, 0, plan->count, &place->arena);
}

/*
 * "now" of a table: its name after the run, "-" when it was dropped, "?" when no statement names
 * it.
 */
static void expect_now(const struct announcement *announcement, const char *before, const char *now)
{
    const struct table_fate *fate = announcement_find_before(announcement, before);

    assert_string_equal(fate == NULL ? "?" : fate->now == NULL ? "-" : fate->now, now);
}

static bool are_rows_announced(struct place *place, const char *sql)
{
    const struct table_fate *fate = announcement_find_before(announce(place, sql), "t");

    return fate != NULL && fate->rows_are_announced;
}

static void test_drops_and_renames_are_followed(void **state)
{
    const struct announcement *announcement =
        announce(*state, "ALTER TABLE a RENAME TO b;\nALTER TABLE main.b RENAME TO [c d];\nDROP "
                         "TABLE IF EXISTS \"x\";\nDROP INDEX i;\n"
                         "DROP TRIGGER IF EXISTS main.tr;\nDROP VIEW V;");

    expect_now(announcement, "a", "c d");
    expect_now(announcement, "A", "c d");
    expect_now(announcement, "b", "?");
    expect_now(announcement, "x", "-");
    assert_true(announcement_drops(announcement, "I"));
    assert_true(announcement_drops(announcement, "tr"));
    assert_true(announcement_drops(announcement, "v"));
    assert_false(announcement_drops(announcement, "x"));
    assert_true(announcement->drops_views);
}

static void test_rebuild_is_the_same_table_in_a_new_coat(void **state)
{
    const struct announcement *announcement =
        announce(*state, "CREATE TABLE _tmp (a);\nINSERT INTO _tmp SELECT a FROM t;\nDROP TABLE "
                         "t;\nALTER TABLE _tmp RENAME TO t;\nDROP TABLE gone;");
    const struct table_fate *rebuilt = announcement_find_rebuilt(announcement, "t");

    assert_non_null(rebuilt);
    assert_true(rebuilt->is_renamed);
    assert_true(rebuilt->gets_rows);
    assert_null(rebuilt->before);
    assert_null(announcement_find_rebuilt(announcement, "gone"));
    assert_null(announcement_find_rebuilt(announcement, "other"));
    assert_int_equal(announcement_find_before(announcement, "t")->dropped_at.line, 9);
}

static void test_rows_stay_announced_through_several_coats(void **state)
{
    const struct announcement *announcement =
        announce(*state, "CREATE TABLE n (a);\nINSERT INTO n SELECT * FROM t;\nDROP TABLE t;\n"
                         "ALTER TABLE n RENAME TO t;\nDELETE FROM t WHERE a = 1;\n"
                         "CREATE TABLE n (a);\nINSERT INTO n SELECT * FROM t;\nDROP TABLE t;\n"
                         "ALTER TABLE n RENAME TO t;");

    assert_true(announcement_find_before(announcement, "t")->rows_are_announced);
    assert_true(announcement_find_rebuilt(announcement, "t")->is_renamed);
}

static void test_what_is_made_again_is_not_announced_to_be_gone(void **state)
{
    const struct announcement *announcement =
        announce(*state,
                 "DROP INDEX i;\nDROP INDEX j;\nDROP VIEW v;\n"
                 "CREATE UNIQUE INDEX IF NOT EXISTS main.I ON t (a);\nCREATE VIEW v AS SELECT 1;");

    assert_false(announcement_drops(announcement, "i"));
    assert_true(announcement_drops(announcement, "j"));
    assert_false(announcement_drops(announcement, "v"));
}

static void test_what_announces_rows(void **state)
{
    struct place *place = *state;

    assert_true(are_rows_announced(place, "DELETE FROM t;"));
    assert_true(are_rows_announced(place, "delete from main.T where 1;"));
    assert_true(are_rows_announced(place, "REPLACE INTO t VALUES (1);"));
    assert_true(are_rows_announced(place, "INSERT OR REPLACE INTO t VALUES (1);"));
    assert_true(are_rows_announced(place, "UPDATE OR REPLACE t SET a = 1;"));
    assert_true(
        are_rows_announced(place,
                           "WITH x AS (SELECT 1), y (a) AS (DELETE) DELETE FROM t WHERE 1;"));
    assert_false(are_rows_announced(place, "INSERT INTO t VALUES (1);"));
    assert_false(are_rows_announced(place, "INSERT OR IGNORE INTO t VALUES (1);"));
    assert_false(are_rows_announced(place, "UPDATE t SET a = 'DELETE FROM t';"));
    assert_false(
        are_rows_announced(place, "CREATE TRIGGER tr AFTER INSERT ON x BEGIN DELETE FROM t; END;"));
    assert_false(are_rows_announced(place, "DELETE FROM other;"));
}

static void test_temporary_tables_are_none_of_the_databases(void **state)
{
    const struct announcement *announcement =
        announce(*state, "CREATE TEMP TABLE k (a);\nDROP TABLE temp.t;");

    expect_now(announcement, "t", "?");
    assert_false(announcement->drops_tables);
}

static void test_what_can_break_foreign_keys(void **state)
{
    struct place *place = *state;

    assert_false(announce(place, "CREATE TABLE t (a REFERENCES x);\nCREATE INDEX i ON t (a);")
                     ->can_break_foreign_keys);
    assert_false(announce(place, "ALTER TABLE t ADD COLUMN b TEXT;")->can_break_foreign_keys);
    assert_true(announce(place, "ALTER TABLE t ADD COLUMN b REFERENCES x DEFAULT 1;")
                    ->can_break_foreign_keys);
    assert_true(announce(place, "UPDATE t SET a = 1;")->can_break_foreign_keys);
    assert_true(announce(place, "DROP TABLE t;")->can_break_foreign_keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_drops_and_renames_are_followed),
        place_test(test_rebuild_is_the_same_table_in_a_new_coat),
        place_test(test_rows_stay_announced_through_several_coats),
        place_test(test_what_is_made_again_is_not_announced_to_be_gone),
        place_test(test_what_announces_rows),
        place_test(test_temporary_tables_are_none_of_the_databases),
        place_test(test_what_can_break_foreign_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
