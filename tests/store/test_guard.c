/*
 * test_guard.c - hostile statements are refused with their reason and place, and change nothing;
 * legitimate ones of every kind run.
 */
#include "support.h"

#include "store/guard.h"

/* What every case finds in the database. */
#define BEFORE                                                                                 \
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE, meta TEXT);\n"              \
    "INSERT INTO users VALUES (1, 'ann', '{\"a\": 1}'), (2, 'bob', '{}');\n"                   \
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), text " \
    "TEXT NOT NULL);\n"                                                                        \
    "INSERT INTO posts VALUES (1, 1, 'one'), (2, 2, 'two');\n"                                 \
    "CREATE VIRTUAL TABLE docs USING fts5(text);\n"                                            \
    "CREATE TRIGGER tr_rollback BEFORE UPDATE OF text ON posts WHEN new.text = 'boom' BEGIN\n" \
    "    SELECT RAISE(ROLLBACK, 'no boom'); END;"

static struct history history_with(struct place *place, const char *extra, const char *up)
{
    struct history history = { .place = place };

    history_add(&history, "a1", NULL, BEFORE, "");
    history_add(&history, "b2 <- a1", extra, up, "");
    return history;
}

struct hostile {
    const char *sql;
    enum error_code code;
    const char *reason;
};

static const struct hostile hostiles[] = {
    { "BEGIN", ERR_STATEMENT_REFUSED, "BEGIN is not allowed" },
    { "BEGIN EXCLUSIVE", ERR_STATEMENT_REFUSED, "BEGIN is not allowed" },
    { "COMMIT", ERR_STATEMENT_REFUSED, "COMMIT is not allowed" },
    { "END", ERR_STATEMENT_REFUSED, "COMMIT is not allowed" },
    { "ROLLBACK", ERR_STATEMENT_REFUSED, "ROLLBACK is not allowed" },
    { "SAVEPOINT s", ERR_STATEMENT_REFUSED, "savepoints are not allowed" },
    { "RELEASE s", ERR_STATEMENT_REFUSED, "savepoints are not allowed" },
    { "ROLLBACK TO s", ERR_STATEMENT_REFUSED, "savepoints are not allowed" },
    { "INSERT OR ROLLBACK INTO users VALUES (1, 'x', NULL)", ERR_TRANSACTION_ENDED,
      "UNIQUE constraint failed" },
    { "UPDATE OR ROLLBACK users SET name = 'ann'", ERR_TRANSACTION_ENDED,
      "UNIQUE constraint failed" },
    { "UPDATE posts SET text = 'boom'", ERR_TRANSACTION_ENDED, "no boom" },
    { "PRAGMA writable_schema = ON", ERR_STATEMENT_REFUSED, "PRAGMA writable_schema" },
    { "UPDATE sqlite_schema SET sql = 'CREATE TABLE x (a)'", ERR_STATEMENT_REFUSED,
      "sqlite_master may not be modified" },
    { "DELETE FROM sqlite_master", ERR_STATEMENT_REFUSED, "sqlite_master may not be modified" },
    { "INSERT INTO docs_data VALUES (1, x'00')", ERR_STATEMENT_REFUSED,
      "docs_data may not be modified" },
    { "PRAGMA schema_version = 1", ERR_STATEMENT_REFUSED, "PRAGMA schema_version" },
    { "PRAGMA journal_mode = OFF", ERR_STATEMENT_REFUSED, "PRAGMA journal_mode" },
    { "PRAGMA journal_mode = WAL", ERR_STATEMENT_REFUSED, "PRAGMA journal_mode" },
    { "PRAGMA synchronous = OFF", ERR_STATEMENT_REFUSED, "PRAGMA synchronous" },
    { "PRAGMA main.synchronous(0)", ERR_STATEMENT_REFUSED, "PRAGMA synchronous" },
    { "PRAGMA foreign_keys = OFF", ERR_STATEMENT_REFUSED, "PRAGMA foreign_keys" },
    { "PRAGMA foreign_keys = ON", ERR_STATEMENT_REFUSED, "PRAGMA foreign_keys" },
    { "PRAGMA locking_mode = EXCLUSIVE", ERR_STATEMENT_REFUSED, "PRAGMA locking_mode" },
    { "PRAGMA ignore_check_constraints = ON", ERR_STATEMENT_REFUSED,
      "PRAGMA ignore_check_constraints" },
    { "PRAGMA trusted_schema = OFF", ERR_STATEMENT_REFUSED, "PRAGMA trusted_schema" },
    { "PRAGMA temp_store_directory = '/tmp'", ERR_STATEMENT_REFUSED,
      "PRAGMA temp_store_directory" },
    { "PRAGMA hard_heap_limit = 1000", ERR_STATEMENT_REFUSED, "PRAGMA hard_heap_limit" },
    { "PRAGMA query_only = ON", ERR_STATEMENT_REFUSED, "PRAGMA query_only" },
    { "PRAGMA foriegn_key_check", ERR_STATEMENT_REFUSED, "PRAGMA foriegn_key_check" },
    { "PRAGMA wal_checkpoint", ERR_STATEMENT_REFUSED, "PRAGMA wal_checkpoint" },
    { "ATTACH '/tmp/schemad-other.db' AS other", ERR_STATEMENT_REFUSED, "reaching another file" },
    { "ATTACH '' AS other", ERR_STATEMENT_REFUSED, "reaching another file" },
    { "ATTACH 'a' || 'b' AS other", ERR_STATEMENT_REFUSED, "reaching another file" },
    { "DETACH main", ERR_STATEMENT_REFUSED, "DETACH is not allowed" },
    { "VACUUM", ERR_STATEMENT_FAILED, "cannot VACUUM from within a transaction" },
    { "VACUUM INTO '/tmp/schemad-other.db'", ERR_STATEMENT_FAILED,
      "cannot VACUUM from within a transaction" },
    { "SELECT load_extension('/tmp/evil.so')", ERR_STATEMENT_REFUSED, "function load_extension()" },
    { "SELECT fts3_tokenizer('simple')", ERR_STATEMENT_REFUSED, "function fts3_tokenizer()" },
    { "SELECT fts3_tokenizer('x', x'4141414141414141')", ERR_STATEMENT_REFUSED,
      "function fts3_tokenizer()" },
    { "CREATE TEMP TABLE alembic_version (version_num)", ERR_STATEMENT_REFUSED, "version table" },
    { "CREATE TEMP VIEW Alembic_Version AS SELECT 1", ERR_STATEMENT_REFUSED, "version table" },
    { "UPDATE alembic_version SET version_num = 'z9'", ERR_STATEMENT_REFUSED, "version table" },
    { "UPDATE main.\"ALEMBIC_VERSION\" SET version_num = 'z9'", ERR_STATEMENT_REFUSED,
      "version table" },
    { "INSERT INTO alembic_version VALUES ('z9')", ERR_STATEMENT_REFUSED, "version table" },
    { "DELETE FROM alembic_version", ERR_STATEMENT_REFUSED, "version table" },
    { "WITH x AS (SELECT 1) DELETE FROM alembic_version", ERR_STATEMENT_REFUSED, "version table" },
    { "DROP TABLE alembic_version", ERR_STATEMENT_REFUSED, "version table" },
    { "ALTER TABLE alembic_version RENAME TO gone", ERR_STATEMENT_REFUSED, "version table" },
    { "ALTER TABLE alembic_version ADD COLUMN x", ERR_STATEMENT_REFUSED, "version table" },
    { "CREATE INDEX i ON alembic_version (version_num)", ERR_STATEMENT_REFUSED, "version table" },
    { "CREATE TRIGGER t AFTER UPDATE ON alembic_version BEGIN SELECT 1; END", ERR_STATEMENT_REFUSED,
      "version table" },
    { "CREATE TEMP TRIGGER t AFTER UPDATE ON main.alembic_version BEGIN SELECT 1; END",
      ERR_STATEMENT_REFUSED, "version table" },
    { "CREATE TRIGGER t AFTER INSERT ON posts BEGIN DELETE FROM alembic_version; END;\nINSERT INTO "
      "posts VALUES (3, 1, 'x')",
      ERR_STATEMENT_REFUSED, "version table" },
};

static void test_hostile_statements_are_refused_and_change_nothing(void **state)
{
    struct place *place = *state;

    for (size_t i = 0; i < ARRAY_SIZE(hostiles); i++) {
        const struct hostile *hostile = &hostiles[i];
        struct history history =
            history_with(place, NULL,
                         arena_printf(&place->arena, "CREATE TABLE half (a);\n%s;", hostile->sql));
        struct runner_result result = { 0 };
        struct error err = { 0 };
        const char *before = NULL;

        upgrade_ok(&history, "a1");
        before = sql_dump(place, place->path);
        tell("%s", hostile->sql);
        assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, hostile->code,
                     hostile->reason);
        assert_string_equal(err.revision, "b2");
        assert_string_equal(err.file, "b2.sql");
        assert_true(err.line >= 8);
        assert_true(strlen(err.statement) > 0);
        assert_true(strlen(err.hint) > 0 || hostile->code == ERR_STATEMENT_FAILED);
        assert_string_equal(sql_dump(place, place->path), before);
    }
}

static void test_a_statement_that_needs_no_transaction_is_told_where_it_may_stand(void **state)
{
    struct place *place = *state;
    struct history history = history_with(place, NULL, "VACUUM;");
    struct runner_result result = { 0 };
    struct error err = { 0 };

    upgrade_ok(&history, "a1");
    assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, ERR_STATEMENT_FAILED,
                 "cannot VACUUM from within a transaction");
    assert_non_null(strstr(err.hint, "Transaction: none"));
}

static void test_hostile_statements_outside_a_transaction(void **state)
{
    static const struct hostile outside[] = {
        { "BEGIN", ERR_STATEMENT_REFUSED, "BEGIN is not allowed" },
        { "VACUUM INTO '/tmp/schemad-other.db'", ERR_STATEMENT_REFUSED, "reaching another file" },
        { "ATTACH '/tmp/schemad-other.db' AS other", ERR_STATEMENT_REFUSED,
          "reaching another file" },
        { "PRAGMA journal_mode = OFF", ERR_STATEMENT_REFUSED, "PRAGMA journal_mode" },
        { "PRAGMA journal_mode = MEMORY", ERR_STATEMENT_REFUSED, "PRAGMA journal_mode" },
        { "PRAGMA synchronous = OFF", ERR_STATEMENT_REFUSED, "PRAGMA synchronous" },
        { "UPDATE alembic_version SET version_num = 'z9'", ERR_STATEMENT_REFUSED, "version table" },
    };
    struct place *place = *state;

    for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
        struct history history = history_with(place, "Transaction: none",
                                              arena_printf(&place->arena, "%s;", outside[i].sql));
        struct runner_result result = { 0 };
        struct error err = { 0 };
        const char *before = NULL;

        upgrade_ok(&history, "a1");
        before = sql_dump(place, place->path);
        tell("%s", outside[i].sql);
        assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, outside[i].code,
                     outside[i].reason);
        assert_string_equal(sql_dump(place, place->path), before);
    }
}

static void test_place_of_a_refusal(void **state)
{
    struct place *place = *state;
    struct history history =
        history_with(place, NULL, "CREATE TABLE half (a);\n\n  /* so */ COMMIT;");
    struct runner_result result = { 0 };
    struct error err = { 0 };

    assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err,
                 ERR_STATEMENT_REFUSED, "COMMIT");
    assert_int_equal(err.line, 9);
    assert_int_equal(err.column, 12);
    assert_string_equal(err.statement, "COMMIT");
    assert_contains(err.hint, "Remove BEGIN, COMMIT");
}

static const char *const legitimate[] = {
    "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT COLLATE NOCASE DEFAULT 'x', CHECK "
    "(b <> ''))",
    "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) STRICT",
    "CREATE TABLE t (a TEXT PRIMARY KEY, b TEXT) WITHOUT ROWID",
    "CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a * 2) STORED, c AS (a + 1))",
    "CREATE TABLE t (a TEXT, b TEXT GENERATED ALWAYS AS (json_extract(a, '$.b')))",
    "CREATE TABLE t AS SELECT * FROM users",
    "CREATE INDEX i ON posts (user_id) WHERE text <> ''",
    "CREATE UNIQUE INDEX i ON users (lower(name))",
    "CREATE INDEX i ON users (json_extract(meta, '$.a'))",
    "CREATE VIEW v AS SELECT name, json_extract(meta, '$.a') AS a FROM users",
    "CREATE TRIGGER tr AFTER INSERT ON posts BEGIN UPDATE users SET name = name WHERE id = "
    "new.user_id; END;\n"
    "INSERT INTO posts VALUES (3, 1, 'x')",
    "CREATE VIEW v AS SELECT 1 AS a;\nCREATE TRIGGER tr INSTEAD OF INSERT ON v BEGIN SELECT CASE "
    "WHEN 1 THEN 2 END; END;\n"
    "INSERT INTO v VALUES (1)",
    "ALTER TABLE posts ADD COLUMN extra TEXT DEFAULT 'x'",
    "ALTER TABLE posts RENAME COLUMN text TO body",
    "ALTER TABLE posts RENAME TO articles",
    "ALTER TABLE users DROP COLUMN meta",
    "DROP TABLE posts",
    "DROP TRIGGER tr_rollback",
    "CREATE TABLE users_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, meta TEXT);\n"
    "INSERT INTO users_new SELECT id, name, meta FROM users;\nDROP TABLE users;\nALTER TABLE "
    "users_new RENAME TO users",
    "CREATE VIRTUAL TABLE f USING fts4(text, tokenize=porter);\nINSERT INTO f VALUES ('hello "
    "world');\n"
    "INSERT INTO f(f) VALUES ('optimize');\nINSERT INTO f(f) VALUES ('rebuild')",
    "INSERT INTO docs VALUES ('hello');\nINSERT INTO docs(docs) VALUES ('optimize');\nINSERT INTO "
    "docs(docs) VALUES ('integrity-check')",
    "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1);\nINSERT INTO r VALUES (1, 0, 1)",
    "DROP TABLE docs",
    "ALTER TABLE docs RENAME TO documents",
    "INSERT INTO users VALUES (1, 'ann', NULL) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    "INSERT INTO users (name) VALUES ('cy') RETURNING id",
    "INSERT OR REPLACE INTO users VALUES (1, 'anna', NULL)",
    "INSERT OR IGNORE INTO users VALUES (1, 'x', NULL)",
    "UPDATE users SET name = upper(name) WHERE id IN (SELECT user_id FROM posts)",
    "UPDATE posts SET text = u.name FROM users AS u WHERE u.id = posts.user_id",
    "DELETE FROM posts WHERE id = 1",
    "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) INSERT INTO users (name) "
    "SELECT 'n' || i FROM n",
    "SELECT count(*), group_concat(name) FROM users",
    "SELECT version_num FROM alembic_version",
    "REINDEX",
    "ANALYZE",
    "CREATE TEMP TABLE t AS SELECT * FROM users;\nINSERT INTO users (name) SELECT name || '2' FROM "
    "t;\nDROP TABLE t",
    "PRAGMA user_version = 7",
    "PRAGMA application_id = 7",
    "PRAGMA table_info(users)",
    "PRAGMA foreign_keys",
    "PRAGMA journal_mode",
    "PRAGMA foreign_key_check",
    "PRAGMA integrity_check",
    "PRAGMA defer_foreign_keys = ON",
    "PRAGMA legacy_alter_table = ON",
    "PRAGMA optimize",
    "SELECT * FROM pragma_table_info('users')",
    "VALUES (1), (2)",
};

static void test_legitimate_statements_run(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(legitimate); i++) {
        void *inner = NULL;
        struct history history;

        (void) state;
        place_setup(&inner);
        history =
            history_with(inner, NULL,
                         arena_printf(&((struct place *) inner)->arena, "%s;", legitimate[i]));
        tell("%s", legitimate[i]);
        upgrade_ok(&history, "head");
        assert_string_equal(version_text(inner), "b2");
        place_teardown(&inner);
    }
}

static void test_legitimate_statements_outside_a_transaction(void **state)
{
    static const char *const outside[] = {
        "VACUUM",
        "PRAGMA journal_mode = wal",
        "PRAGMA auto_vacuum = FULL",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA foreign_keys = OFF",
        "REINDEX",
        "ANALYZE",
        "CREATE INDEX i ON posts (user_id)",
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
        void *inner = NULL;
        struct history history;

        place_setup(&inner);
        history = history_with(inner, "Transaction: none",
                               arena_printf(&((struct place *) inner)->arena, "%s;", outside[i]));
        tell("%s", outside[i]);
        upgrade_ok(&history, "head");
        assert_string_equal(version_text(inner), "b2");
        place_teardown(&inner);
    }
}

static void test_pragmas_by_name_argument_and_place(void **state)
{
    (void) state;
    assert_true(pragma_judge("USER_VERSION", "3", false).is_allowed);
    assert_true(pragma_judge("journal_mode", NULL, false).is_allowed);
    assert_false(pragma_judge("journal_mode", "wal", false).is_allowed);
    assert_true(pragma_judge("journal_mode", "WAL", true).is_allowed);
    assert_false(pragma_judge("journal_mode", "off", true).is_allowed);
    assert_false(pragma_judge("synchronous", "off", true).is_allowed);
    assert_true(pragma_judge("synchronous", NULL, false).is_allowed);
    assert_false(pragma_judge("no_such_pragma", NULL, true).is_allowed);
    assert_contains(pragma_judge("foreign_keys", "off", false).hint, "Foreign Keys: on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_hostile_statements_are_refused_and_change_nothing),
        place_test(test_a_statement_that_needs_no_transaction_is_told_where_it_may_stand),
        place_test(test_hostile_statements_outside_a_transaction),
        place_test(test_place_of_a_refusal),
        place_test(test_legitimate_statements_run),
        place_test(test_legitimate_statements_outside_a_transaction),
        place_test(test_pragmas_by_name_argument_and_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
