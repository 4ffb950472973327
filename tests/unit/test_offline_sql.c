/*
 * test_offline_sql.c - plans as scripts for the sqlite3 shell. That such a script does what a run
 * does is shown by tests/e2e/test_offline_sql.py.
 */
#include "tests/unit/unit.h"

#include "migrations/offline_sql.h"
#include "tests/unit/graph_text.h"

#include <string.h>

/* A script with a header line more and an up and a down part. */
struct source {
    const char *id;
    const char *revises;
    const char *header;
    const char *up;
    const char *down;
};

static struct graph *graph_of_sources(const struct source *sources, size_t count,
                                      struct arena *arena)
{
    const struct script **scripts = arena_array(arena, const struct script *, count);
    struct graph *graph = NULL;
    struct error err = { 0 };

    for (size_t i = 0; i < count; i++) {
        const struct source *source = &sources[i];
        const char *text = arena_printf(arena,
                                        "-- The %s\n-- Revision ID: %s\n-- Revises: %s\n%s"
                                        "-- migrate:up\n%s\n-- migrate:down\n%s\n",
                                        source->id, source->id, source->revises, source->header,
                                        source->up, source->down);
        struct script *script = NULL;

        if (!script_parse(str_of(text), arena_printf(arena, "%s.sql", source->id), arena, &script,
                          &err))
            fail_msg("%s: %s", source->id, err.detail);
        scripts[i] = script;
    }
    if (!graph_build(scripts, count, arena, &graph, &err))
        fail_msg("%s", err.detail);
    return graph;
}

static bool write_sql(const struct graph *graph, const struct offline_request *request,
                      const struct offline_options *options, struct arena *arena, const char **ret,
                      struct error *err)
{
    struct plan *plan = NULL;

    return offline_plan(graph, request, arena, &plan, err) &&
           offline_sql(plan, options, arena, ret, err);
}

static const char *sql_of(const struct graph *graph, enum verb verb, const char *range,
                          struct arena *arena)
{
    version_rows rows = rows_of("cccc", arena);
    struct offline_request request = { verb, range, &rows };
    const char *sql = NULL;
    struct error err = { 0 };

    if (!write_sql(graph, &request, &(struct offline_options){ 0 }, arena, &sql, &err))
        fail_msg("%s: %s", range, err.detail);
    return sql;
}

/* How often a text stands in another. */
static unsigned times(const char *text, const char *part)
{
    unsigned count = 0;

    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

static const struct offline_request to_head = { VERB_UPGRADE, "head", NULL };

static const struct source three[] = {
    { "aaaa", "", "", "CREATE TABLE a (x);", "DROP TABLE a;" },
    { "bbbb", "aaaa", "", "CREATE TABLE b (x);\nINSERT INTO b VALUES (';');", "DROP TABLE b;" },
    { "cccc", "bbbb", "", "", "" },
};

static void a_script_looks_like_this(void **state)
{
    struct arena arena = { 0 };
    struct graph *graph = graph_of_sources(three, ARRAY_SIZE(three), &arena);

    (void) state;
    assert_string_equal(
        sql_of(graph, VERB_UPGRADE, "aaaa:bbbb", &arena),
        "-- The upgrade from aaaa to bbbb,\n"
        "-- for the sqlite3 shell: sqlite3 DATABASE <FILE\n"
        ".bail on\n"
        ".timeout 5000\n"
        "PRAGMA foreign_keys = OFF;\n"
        "PRAGMA synchronous = EXTRA;\n"
        "\n"
        "BEGIN IMMEDIATE;\n"
        "CREATE TABLE IF NOT EXISTS main.alembic_version (\n"
        "\tversion_num VARCHAR(32) NOT NULL, \n"
        "\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n"
        ");\n"
        "CREATE TEMP TABLE schemad_check (is_so,\n"
        "    CONSTRAINT \"the database must be at aaaa\" CHECK (is_so));\n"
        "INSERT INTO temp.schemad_check\n"
        "    SELECT count(*) = 1 AND count(DISTINCT version_num) = 1\n"
        "        AND min(version_num IN ('aaaa')) FROM main.\"alembic_version\";\n"
        "DROP TABLE temp.schemad_check;\n"
        "CREATE TEMP TABLE schemad_foreign_keys AS\n"
        "    SELECT count(*) AS violations FROM pragma_foreign_key_check;\n"
        "\n"
        "-- Running upgrade aaaa -> bbbb, The bbbb\n"
        "\n"
        "CREATE TABLE b (x);\n"
        "INSERT INTO b VALUES (';');\n"
        "UPDATE main.\"alembic_version\" SET version_num = 'bbbb' WHERE version_num = 'aaaa';\n"
        "\n"
        "CREATE TEMP TABLE schemad_check (is_so,\n"
        "    CONSTRAINT \"every row must have its parent\" CHECK (is_so));\n"
        "INSERT INTO temp.schemad_check\n"
        "    SELECT count(*) <= (SELECT violations FROM temp.schemad_foreign_keys)\n"
        "        FROM pragma_foreign_key_check;\n"
        "DROP TABLE temp.schemad_check;\n"
        "DROP TABLE temp.schemad_foreign_keys;\n"
        "COMMIT;\n");
    assert_string_equal(sql_of(graph, VERB_UPGRADE, "head:bbbb", &arena),
                        "-- The upgrade from cccc to cccc,\n"
                        "-- for the sqlite3 shell: sqlite3 DATABASE <FILE\n"
                        "-- There is nothing to do.\n");
    arena_release(&arena);
}

static void ranges(void **state)
{
    static const struct {
        enum verb verb;
        const char *range;
        const char *plan; /* or the error's detail */
        enum error_code code;
    } cases[] = {
        { VERB_UPGRADE, "head", "+aaaa=aaaa +bbbb=bbbb +cccc=cccc => cccc", ERR_OK },
        { VERB_UPGRADE, "base:bbbb", "+aaaa=aaaa +bbbb=bbbb => bbbb", ERR_OK },
        { VERB_UPGRADE, ":+1", "+aaaa=aaaa => aaaa", ERR_OK },
        { VERB_UPGRADE, "aaaa:+1", "+bbbb=bbbb => bbbb", ERR_OK },
        { VERB_UPGRADE, "current:head", "=> cccc", ERR_OK },
        { VERB_DOWNGRADE, "bbbb:base", "-bbbb=aaaa -aaaa= =>", ERR_OK },
        { VERB_DOWNGRADE, "current:-1", "-cccc=bbbb => bbbb", ERR_OK },
        { VERB_STAMP, "head", "+cccc=cccc => cccc", ERR_OK },
        { VERB_STAMP, "cccc:base", "-cccc= =>", ERR_OK },
        { VERB_DOWNGRADE, "base", "downgrade with --sql requires <fromrev>:<torev>",
          ERR_TARGET_INVALID },
        { VERB_UPGRADE, "aaaa:bbbb:cccc", "a range with --sql is <fromrev>:<torev>",
          ERR_TARGET_INVALID },
        { VERB_UPGRADE, "aaaa:", "the range has no end", ERR_TARGET_INVALID },
        { VERB_UPGRADE, "dddd:head", "can't locate revision identified by 'dddd'",
          ERR_REVISION_UNKNOWN },
        { VERB_DOWNGRADE, "aaaa:bbbb",
          "destination bbbb is not a valid downgrade target from current head(s)",
          ERR_TARGET_INVALID },
    };
    struct arena arena = { 0 };
    struct graph *graph = graph_of_sources(three, ARRAY_SIZE(three), &arena);
    version_rows rows = rows_of("cccc", &arena);

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = { 0 };
        struct plan *plan = NULL;
        struct offline_request request = { cases[i].verb, cases[i].range, &rows };
        bool is_done = offline_plan(graph, &request, &arena, &plan, &err);

        assert_string_equal(is_done ? text_of_plan(plan, &arena) : err.detail, cases[i].plan);
        assert_int_equal(err.code, cases[i].code);
    }
    arena_release(&arena);
}

static void what_scripts_say_is_done(void **state)
{
    static const struct source sources[] = {
        { "aaaa", "", "-- Foreign Keys: on\n-- Requires Empty: it's \"t\"\n",
          "CREATE TEMP TABLE x (a);\nCREATE VIEW temp.\"v w\" AS SELECT 1;\n"
          "CREATE TABLE temporary (a);\nCREATE INDEX temp.i ON x (a);",
          "" },
        { "bbbb", "aaaa", "", "PRAGMA legacy_alter_table = ON;", "" },
        { "cccc", "bbbb", "-- Transaction: none\n", "VACUUM;", "" },
        { "dddd", "cccc", "", "SELECT 1 AS\n go \nFROM b -- c\n/\n2;\nSELECT 'a\ngo\n;';", "" },
    };
    static const struct {
        const char *range;
        const char *part;
        unsigned times;
    } cases[] = {
        { "aaaa", ".dbconfig enable_fkey on\nCREATE TEMP TABLE x (a);\n", 1 },
        { "aaaa",
          "CREATE INDEX temp.i ON x (a);\n.dbconfig enable_fkey off\n"
          "DROP VIEW IF EXISTS temp.\"v w\";\nDROP TABLE IF EXISTS temp.\"x\";\nINSERT",
          1 },
        { "aaaa", "CONSTRAINT \"table it's \"\"t\"\" must be empty\" CHECK (is_so)", 1 },
        { "aaaa", "SELECT NOT EXISTS (SELECT 1 FROM main.\"it's \"\"t\"\"\");\n", 1 },
        { "aaaa:bbbb",
          "PRAGMA legacy_alter_table = ON;\nPRAGMA legacy_alter_table = OFF;\n"
          "PRAGMA recursive_triggers = OFF;\nUPDATE",
          1 },
        { "aaaa:bbbb", ".dbconfig", 0 },
        { "bbbb:cccc", "COMMIT;\n\n-- Running upgrade bbbb -> cccc, The cccc\n\nVACUUM;\n\nBEGIN",
          1 },
        { "bbbb:cccc", "the database must be at bbbb", 2 },
        { "cccc:dddd", "SELECT 1 AS go FROM b   / 2;\nSELECT 'a\ngo\n;';\n", 1 },
        { "head", "BEGIN IMMEDIATE;", 4 },
        { "head", "COMMIT;", 4 },
    };
    struct arena arena = { 0 };
    struct graph *graph = graph_of_sources(sources, ARRAY_SIZE(sources), &arena);

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *sql = sql_of(graph, VERB_UPGRADE, cases[i].range, &arena);

        if (times(sql, cases[i].part) != cases[i].times)
            fail_msg("%u times \"%s\" in\n%s", times(sql, cases[i].part), cases[i].part, sql);
    }
    arena_release(&arena);
}

static void a_transaction_each_and_another_table(void **state)
{
    struct offline_options options = { .version_table = "ver'\"s", TRANSACTION_REVISION };
    struct arena arena = { 0 };
    struct graph *graph = graph_of_sources(three, ARRAY_SIZE(three), &arena);
    const char *sql = NULL;
    struct error err = { 0 };

    (void) state;
    assert_true(write_sql(graph, &to_head, &options, &arena, &sql, &err));
    assert_int_equal(times(sql, "BEGIN IMMEDIATE;"), 3);
    assert_int_equal(times(sql, "CONSTRAINT \"the database must be at aaaa\""), 1);
    assert_int_equal(times(sql, "CREATE TABLE IF NOT EXISTS main.\"ver'\"\"s\" ("), 3);
    assert_int_equal(times(sql, "CONSTRAINT \"ver'\"\"s_pkc\" PRIMARY KEY"), 3);
    assert_int_equal(times(sql, "INSERT INTO main.\"ver'\"\"s\" (version_num) VALUES ('aaaa');"),
                     1);
    assert_int_equal(times(sql, "alembic_version"), 0);
    arena_release(&arena);
}

static void rows_of_branches(void **state)
{
    static const struct source sources[] = {
        { "aaaa", "", "", "", "" },
        { "bbbb", "aaaa", "", "", "" },
        { "cccc", "aaaa", "", "", "" },
        { "dddd", "bbbb, cccc", "", "", "" },
    };
    struct arena arena = { 0 };
    struct graph *graph = graph_of_sources(sources, ARRAY_SIZE(sources), &arena);
    const char *sql = sql_of(graph, VERB_DOWNGRADE, "dddd:aaaa", &arena);

    (void) state;
    assert_int_equal(times(sql, "-- Running downgrade dddd -> bbbb, cccc, The dddd"), 1);
    assert_int_equal(times(sql, "UPDATE main.\"alembic_version\" SET version_num = 'bbbb' "
                                "WHERE version_num = 'dddd';\n"
                                "INSERT INTO main.\"alembic_version\" (version_num) "
                                "VALUES ('cccc');\n"),
                     1);
    sql = sql_of(graph, VERB_STAMP, "current:base", &arena);
    assert_int_equal(times(sql, "-- Running stamp_revision cccc -> \n\n"
                                "DELETE FROM main.\"alembic_version\" "
                                "WHERE version_num = 'cccc';\n"),
                     1);
    assert_int_equal(times(sql, "foreign_key_check"), 0);
    arena_release(&arena);
}

static void what_the_shell_would_change_is_refused(void **state)
{
    static const struct source sources[] = {
        { "aaaa", "", "", "SELECT 1;\r\nSELECT '\r';\r\n  SELECT 'a\r\nb';", "" },
    };
    struct arena arena = { 0 };
    struct graph *graph = graph_of_sources(sources, 1, &arena);
    const char *sql = NULL;
    struct error err = { 0 };

    (void) state;
    assert_false(write_sql(graph, &to_head, &(struct offline_options){ 0 }, &arena, &sql, &err));
    assert_int_equal(err.code, ERR_SCRIPT_INVALID);
    assert_string_equal(err.revision, "aaaa");
    assert_string_equal(err.file, "aaaa.sql");
    assert_int_equal(err.line, 7);
    assert_int_equal(err.column, 3);
    assert_null(sql);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_looks_like_this),
        cmocka_unit_test(ranges),
        cmocka_unit_test(what_scripts_say_is_done),
        cmocka_unit_test(a_transaction_each_and_another_table),
        cmocka_unit_test(rows_of_branches),
        cmocka_unit_test(what_the_shell_would_change_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
