/*
 * test_statement.c - verb, object and danger of a statement.
 */
#include "tests/unit/unit.h"

#include "migrations/scan.h"

struct summary_case {
    const char *sql;
    const char *verb;
    const char *object;
    bool is_destructive;
};

static void expect_summaries(const struct summary_case *cases, size_t count)
{
    struct arena arena = { 0 };

    for (size_t i = 0; i < count; i++) {
        struct statement_summary summary = statement_summarize(str_of(cases[i].sql), &arena);

        assert_string_equal(summary.verb, cases[i].verb);
        if (cases[i].object == NULL)
            assert_null(summary.object);
        else
            assert_string_equal(summary.object, cases[i].object);
        assert_int_equal(summary.is_destructive, cases[i].is_destructive);
    }
    arena_release(&arena);
}

static void what_makes_or_changes_schema(void **state)
{
    static const struct summary_case cases[] = {
        { "CREATE TABLE users (id)", "CREATE TABLE", "users", false },
        { "create temp table if not exists main.\"us ers\" (id)", "CREATE TABLE", "us ers", false },
        { "CREATE UNIQUE INDEX ix ON a (b)", "CREATE INDEX", "ix", false },
        { "CREATE VIRTUAL TABLE f USING fts5 (a)", "CREATE TABLE", "f", false },
        { "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END", "CREATE TRIGGER", "t",
          false },
        { "CREATE VIEW v AS SELECT 1", "CREATE VIEW", "v", false },
        { "ALTER TABLE a ADD COLUMN b", "ALTER TABLE", "a", false },
        { "ALTER TABLE a RENAME TO b", "ALTER TABLE", "a", false },
        { "ALTER TABLE main.a DROP COLUMN b", "ALTER TABLE", "a", true },
        { "DROP TABLE IF EXISTS a", "DROP TABLE", "a", true },
        { "DROP INDEX ix", "DROP INDEX", "ix", true },
        { "DROP VIEW v", "DROP VIEW", "v", true },
        { "/* c */ drop trigger [t]", "DROP TRIGGER", "t", true },
    };

    (void) state;
    expect_summaries(cases, ARRAY_SIZE(cases));
}

static void what_changes_rows(void **state)
{
    static const struct summary_case cases[] = {
        { "INSERT INTO a VALUES (1)", "INSERT", "a", false },
        { "INSERT OR IGNORE INTO a VALUES (1)", "INSERT", "a", false },
        { "INSERT OR REPLACE INTO a VALUES (1)", "INSERT", "a", true },
        { "REPLACE INTO a VALUES (1)", "REPLACE", "a", true },
        { "UPDATE a SET b = 1", "UPDATE", "a", false },
        { "UPDATE OR REPLACE a SET b = 1", "UPDATE", "a", true },
        { "DELETE FROM main.a", "DELETE", "a", true },
        { "WITH x AS (SELECT 1 FROM (SELECT 2)), y AS (SELECT 3) DELETE FROM a", "DELETE", "a",
          true },
        { "WITH x AS (DELETE) SELECT 1", "SELECT", NULL, false },
    };

    (void) state;
    expect_summaries(cases, ARRAY_SIZE(cases));
}

static void anything_else_is_its_first_word(void **state)
{
    static const struct summary_case cases[] = {
        { "PRAGMA legacy_alter_table = ON", "PRAGMA", NULL, false },
        { "vacuum", "VACUUM", NULL, false },
        { "SELECT 1", "SELECT", NULL, false },
        { "CREATE", "CREATE", NULL, false },
        { "DROP", "DROP", NULL, true },
        { "", "", NULL, false },
    };

    (void) state;
    expect_summaries(cases, ARRAY_SIZE(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_makes_or_changes_schema),
        cmocka_unit_test(what_changes_rows),
        cmocka_unit_test(anything_else_is_its_first_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
