/*
 * test_version_table.c - version rows: read as Alembic left them, refused when anything is odd.
 */
#include "support.h"

#include "store/version_table.h"

#define ALEMBIC_TABLE                                                             \
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT " \
    "alembic_version_pkc PRIMARY KEY (version_num));"
#define LOOSE_TABLE "CREATE TABLE alembic_version (version_num);"

static bool read_rows(struct place *place, const char *table, version_rows *rows, bool *exists,
                      struct error *err)
{
    struct db_options options = { .access = DB_READ };
    struct db *db = NULL;
    bool is_read = false;

    assert_ok(db_open(place->path, &options, &db, err), err);
    is_read = version_rows_read(db, table, &place->arena, rows, exists, err);
    db_close(db);
    return is_read;
}

static void expect_rows(struct place *place, const char *sql, const char *expected,
                        bool expect_exists)
{
    version_rows rows = { 0 };
    struct error err = { 0 };
    bool exists = false;

    sql_run(place->path, sql);
    assert_ok(read_rows(place, VERSION_TABLE_DEFAULT, &rows, &exists, &err), &err);
    assert_string_equal(rows.count == 0 ? "" : str_list_join(&rows, " ", &place->arena), expected);
    assert_int_equal(exists, expect_exists);
}

static void expect_odd(struct place *place, const char *sql, const char *what)
{
    version_rows rows = { 0 };
    struct error err = { 0 };
    bool exists = false;

    sql_run(place->path, sql);
    assert_error(read_rows(place, VERSION_TABLE_DEFAULT, &rows, &exists, &err), &err,
                 ERR_VERSION_TABLE_ODD, what);
    assert_contains(err.detail, "\"alembic_version\"");
}

static void test_absent_table_has_no_rows(void **state)
{
    expect_rows(*state, "CREATE TABLE other (a)", "", false);
}

static void test_empty_table_has_no_rows(void **state)
{
    expect_rows(*state, ALEMBIC_TABLE, "", true);
}

static void test_rows_are_sorted(void **state)
{
    expect_rows(*state, ALEMBIC_TABLE "INSERT INTO alembic_version VALUES ('b2'), ('a1'), ('c3')",
                "a1 b2 c3", true);
}

static void test_table_without_key_and_with_more_columns_is_fine(void **state)
{
    expect_rows(*state,
                "CREATE TABLE Alembic_Version (note TEXT, Version_Num TEXT);"
                "INSERT INTO alembic_version VALUES (NULL, 'a1')",
                "a1", true);
}

static void test_temporary_or_other_table_does_not_stand_in_front(void **state)
{
    expect_rows(*state, "CREATE TEMP TABLE alembic_version (version_num TEXT); CREATE TABLE t (a)",
                "", false);
}

static void test_view_is_odd(void **state)
{
    expect_odd(*state, "CREATE VIEW alembic_version AS SELECT 'a1' AS version_num", "it is a view");
}

static void test_virtual_table_is_odd(void **state)
{
    expect_odd(*state, "CREATE VIRTUAL TABLE alembic_version USING fts5(version_num)",
               "it is a virtual table");
}

static void test_missing_column_is_odd(void **state)
{
    expect_odd(
        *state,
        "CREATE TABLE alembic_version (version TEXT); INSERT INTO alembic_version VALUES ('a1')",
        "no column version_num");
}

static void test_null_is_odd(void **state)
{
    expect_odd(*state, LOOSE_TABLE "INSERT INTO alembic_version VALUES (NULL)", "NULL");
}

static void test_blob_is_odd(void **state)
{
    expect_odd(*state, LOOSE_TABLE "INSERT INTO alembic_version VALUES (x'6131')", "a blob");
}

static void test_number_is_odd(void **state)
{
    expect_odd(*state, LOOSE_TABLE "INSERT INTO alembic_version VALUES (12)", "a number");
}

static void test_duplicate_is_odd(void **state)
{
    expect_odd(*state, LOOSE_TABLE "INSERT INTO alembic_version VALUES ('a1'), ('a1')", "twice");
}

static void test_white_space_is_odd(void **state)
{
    expect_odd(*state, ALEMBIC_TABLE "INSERT INTO alembic_version VALUES ('a1 ')", "white space");
}

static void test_empty_text_is_odd(void **state)
{
    expect_odd(*state, ALEMBIC_TABLE "INSERT INTO alembic_version VALUES ('')", "empty");
}

static void test_nul_is_odd(void **state)
{
    expect_odd(*state, ALEMBIC_TABLE "INSERT INTO alembic_version VALUES ('a1' || char(0) || 'b2')",
               "NUL");
}

static void test_name_is_quoted(void **state)
{
    struct place *place = *state;
    version_rows rows = { 0 };
    struct error err = { 0 };
    bool exists = false;

    sql_run(place->path, "CREATE TABLE \"my \"\"table\" (version_num TEXT); INSERT INTO \"my "
                         "\"\"table\" VALUES ('a1')");
    assert_ok(read_rows(place, "my \"table", &rows, &exists, &err), &err);
    assert_true(exists);
    assert_string_equal(rows.items[0], "a1");
}

static void test_a_plan_without_steps_makes_the_table(void **state)
{
    struct place *place = *state;
    const struct plan plan = { .verb = VERB_STAMP };
    struct runner_options options = { .version_table = VERSION_TABLE_DEFAULT };
    struct runner_result result = { 0 };
    struct error err = { 0 };

    sql_run(place->path, "CREATE TABLE users (id)");
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(runner_run(place->path, &plan, &options, &place->arena, &result, &err), &err);
        assert_int_equal(result.step_count + result.rows_after.count, 0);
        assert_string_equal(version_text(place), "NULL");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_absent_table_has_no_rows),
        place_test(test_empty_table_has_no_rows),
        place_test(test_rows_are_sorted),
        place_test(test_table_without_key_and_with_more_columns_is_fine),
        place_test(test_temporary_or_other_table_does_not_stand_in_front),
        place_test(test_view_is_odd),
        place_test(test_virtual_table_is_odd),
        place_test(test_missing_column_is_odd),
        place_test(test_null_is_odd),
        place_test(test_blob_is_odd),
        place_test(test_number_is_odd),
        place_test(test_duplicate_is_odd),
        place_test(test_white_space_is_odd),
        place_test(test_empty_text_is_odd),
        place_test(test_nul_is_odd),
        place_test(test_name_is_quoted),
        place_test(test_a_plan_without_steps_makes_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
