/*
 * test_loss.c - nothing vanishes unannounced (G3): a run that would lose objects, rows or counters
 * without saying so is undone.
 */
#include "support.h"

#define POSTS                                                                                  \
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n"                                \
    "INSERT INTO users VALUES (1, 'ann'), (2, 'bob');\n"                                       \
    "CREATE TABLE posts (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT, note TEXT);\n"       \
    "INSERT INTO posts VALUES (1, 'one', 'n'), (2, 'two', 'n'), (9, 'nine', 'n');\n"           \
    "DELETE FROM posts WHERE id = 9;\n"                                                        \
    "CREATE INDEX ix_text ON posts (text);\n"                                                  \
    "CREATE INDEX ix_lower ON posts (lower(text));\n"                                          \
    "CREATE INDEX ix_note ON posts (note, text);\n"                                            \
    "CREATE TABLE comments (id INTEGER PRIMARY KEY, post_id INTEGER REFERENCES posts (id) ON " \
    "DELETE CASCADE);\n"                                                                       \
    "INSERT INTO comments VALUES (1, 1), (2, 1), (3, 2);\n"                                    \
    "CREATE VIEW v AS SELECT id FROM users;\n"                                                 \
    "CREATE TRIGGER tr_view INSTEAD OF INSERT ON v BEGIN SELECT 1; END;"

#define NEW_POSTS                                                                             \
    "CREATE TABLE posts_new (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, note " \
    "TEXT);\n"
#define COPY    "INSERT INTO posts_new SELECT id, text, note FROM posts;\n"
#define SWAP    "DROP TABLE posts;\nALTER TABLE posts_new RENAME TO posts;\n"
#define COUNTER "UPDATE sqlite_sequence SET seq = 9 WHERE name = 'posts';\n"
#define INDEXES                               \
    "CREATE INDEX ix_text ON posts (text);\n" \
    "CREATE INDEX ix_lower ON posts (lower(text));\nCREATE INDEX ix_note ON posts (note, text);\n"

static struct history history_with(struct place *place, const char *extra, const char *up)
{
    struct history history = { .place = place };

    history_add(&history, "a1", NULL, POSTS, "");
    history_add(&history, "b2 <- a1", extra, up, "");
    return history;
}

static void expect_kept(struct place *place, const char *up)
{
    struct history history = history_with(place, NULL, up);

    upgrade_ok(&history, "a1");
    upgrade_ok(&history, "head");
    assert_string_equal(version_text(place), "b2");
}

/* The loss is told, everything is undone, and with losses allowed the same script runs. */
static void expect_loss(struct place *place, const char *extra, const char *up, const char *lost)
{
    struct history history = history_with(place, extra, up);
    struct run_setting allowing = { .allows_loss = true };
    struct runner_result result = { 0 };
    struct error err = { 0 };
    const char *before = NULL;

    upgrade_ok(&history, "a1");
    before = sql_dump(place, place->path);
    assert_error(history_upgrade(&history, "head", NULL, &result, &err), &err, ERR_LOSS_UNANNOUNCED,
                 lost);
    assert_string_equal(sql_dump(place, place->path), before);
    error_clear(&err);
    assert_ok(history_upgrade(&history, "head", &allowing, &result, &err), &err);
}

static void test_rebuild_that_keeps_all_runs(void **state)
{
    expect_kept(*state, NEW_POSTS COPY SWAP COUNTER INDEXES);
}

static void test_rebuild_by_renaming_the_old_table_runs(void **state)
{
    expect_kept(*state,
                "PRAGMA legacy_alter_table = ON;\nALTER TABLE posts RENAME TO old;\n"
                "CREATE TABLE posts (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT, note TEXT);\n"
                "INSERT INTO posts SELECT * FROM old;\nDROP TABLE old;\n" COUNTER INDEXES);
}

static void test_rebuild_keeps_children_that_would_cascade(void **state)
{
    struct place *place = *state;

    expect_kept(place, NEW_POSTS COPY SWAP COUNTER INDEXES);
    assert_int_equal(sql_number(place->path, "SELECT count(*) FROM comments"), 3);
}

static void test_index_lost_in_a_rebuild(void **state)
{
    expect_loss(*state, NULL,
                NEW_POSTS COPY SWAP COUNTER
                "CREATE INDEX ix_text ON posts (text);\nCREATE INDEX ix_note ON posts (note);",
                "1 loss that no statement announces: index \"ix_lower\" of \"posts\"");
}

static void test_all_losses_are_listed_with_their_place(void **state)
{
    struct place *place = *state;
    struct history history = history_with(place, NULL, NEW_POSTS COPY SWAP);
    struct runner_result result = { 0 };
    struct error err = { 0 };

    assert_error(history_upgrade(&history, "a1", NULL, &result, &err) &&
                     history_upgrade(&history, "head", NULL, &result, &err),
                 &err, ERR_LOSS_UNANNOUNCED, "4 losses");
    assert_contains(err.detail, "index \"ix_text\" of \"posts\"");
    assert_contains(err.detail, "index \"ix_lower\" of \"posts\"");
    assert_contains(err.detail, "index \"ix_note\" of \"posts\"");
    assert_contains(err.detail, "the AUTOINCREMENT counter of \"posts\" (9)");
    assert_string_equal(err.revision, "b2");
    assert_string_equal(err.file, "b2.sql");
    assert_int_equal(err.line, 9);
}

static void test_index_dropped_by_name_is_announced(void **state)
{
    expect_kept(
        *state,
        "DROP INDEX ix_lower;\n" NEW_POSTS COPY SWAP COUNTER
        "CREATE INDEX ix_text ON posts (text);\nCREATE INDEX ix_note ON posts (note, text);");
}

static void test_index_goes_with_its_column(void **state)
{
    expect_kept(
        *state,
        "CREATE TABLE posts_new (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT);\n"
        "INSERT INTO posts_new SELECT id, text FROM posts;\n" SWAP COUNTER
        "CREATE INDEX ix_text ON posts (text);\nCREATE INDEX ix_lower ON posts (lower(text));");
}

static void test_index_whose_work_is_taken_over_by_a_key(void **state)
{
    expect_kept(*state, "CREATE TABLE posts_new (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT,\n"
                        "note TEXT, UNIQUE (text));\n" COPY SWAP COUNTER
                        "CREATE INDEX ix_lower ON posts (lower(text));\n"
                        "CREATE INDEX ix_both ON posts (note, text, id);");
}

static void test_table_made_anew_takes_its_indexes_with_it(void **state)
{
    expect_kept(
        *state,
        "DROP TABLE posts;\nCREATE TABLE posts (id INTEGER PRIMARY KEY, text TEXT, note TEXT);\n"
        "DELETE FROM comments;");
}

static void test_dropped_table_takes_its_own_with_it(void **state)
{
    expect_kept(*state, "DROP TABLE comments;\nDROP TABLE posts;");
}

static void test_trigger_lost_with_a_recreated_view(void **state)
{
    expect_loss(*state, NULL, "DROP VIEW v;\nCREATE VIEW v AS SELECT id, name FROM users;",
                "trigger \"tr_view\" of \"v\"");
}

static void test_rows_lost_by_the_copy(void **state)
{
    expect_loss(*state, NULL,
                "DELETE FROM comments WHERE post_id = 2;\n" NEW_POSTS
                "INSERT INTO posts_new SELECT id, text, note FROM posts WHERE id < 2;\n" SWAP
                    COUNTER INDEXES,
                "1 of 2 rows of \"posts\"");
}

static void test_rows_deleted_by_name_before_the_copy_are_announced(void **state)
{
    expect_kept(
        *state,
        "DELETE FROM comments WHERE post_id = 2;\nDELETE FROM posts WHERE id = 2;\n" NEW_POSTS COPY
            SWAP COUNTER INDEXES);
}

static void test_rows_deleted_from_the_copy_are_announced(void **state)
{
    expect_kept(*state, "DELETE FROM comments WHERE post_id = 2;\n" NEW_POSTS COPY
                        "DELETE FROM posts_new WHERE id = 2;\n" SWAP COUNTER INDEXES);
}

static void test_table_made_anew_without_rows_is_announced(void **state)
{
    expect_kept(
        *state,
        "DROP TABLE users;\nCREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);");
}

static void test_rows_lost_by_a_trigger(void **state)
{
    expect_loss(*state, NULL,
                "CREATE TRIGGER tr AFTER UPDATE ON users BEGIN DELETE FROM comments WHERE id = 3; "
                "END;\nUPDATE users SET name = 'x';",
                "1 of 3 rows of \"comments\"");
}

static void test_rows_lost_by_a_cascade_with_foreign_keys_on(void **state)
{
    expect_loss(*state, "Foreign Keys: on", "DELETE FROM posts WHERE id = 1;",
                "2 of 3 rows of \"comments\"");
}

static void test_rebuild_with_foreign_keys_on_would_cascade(void **state)
{
    expect_loss(*state, "Foreign Keys: on", NEW_POSTS COPY SWAP COUNTER INDEXES,
                "3 of 3 rows of \"comments\"");
}

static void test_full_text_search_with_triggers_is_no_loss(void **state)
{
    expect_kept(
        *state,
        "CREATE VIRTUAL TABLE docs USING fts5(text);\n"
        "CREATE TRIGGER tr_docs AFTER DELETE ON users BEGIN DELETE FROM docs WHERE rowid = old.id; "
        "END;\n"
        "INSERT INTO docs (rowid, text) SELECT id, name FROM users;\nDELETE FROM users WHERE id = "
        "1;\n"
        "INSERT INTO docs (docs) VALUES ('optimize');\nDROP TABLE docs;\nDROP TRIGGER tr_docs;");
}

static void test_renamed_table_keeps_its_own(void **state)
{
    expect_kept(*state, "ALTER TABLE posts RENAME TO articles;\nUPDATE articles SET note = 'x';");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_rebuild_that_keeps_all_runs),
        place_test(test_rebuild_by_renaming_the_old_table_runs),
        place_test(test_rebuild_keeps_children_that_would_cascade),
        place_test(test_index_lost_in_a_rebuild),
        place_test(test_all_losses_are_listed_with_their_place),
        place_test(test_index_dropped_by_name_is_announced),
        place_test(test_index_goes_with_its_column),
        place_test(test_index_whose_work_is_taken_over_by_a_key),
        place_test(test_table_made_anew_takes_its_indexes_with_it),
        place_test(test_dropped_table_takes_its_own_with_it),
        place_test(test_trigger_lost_with_a_recreated_view),
        place_test(test_rows_lost_by_the_copy),
        place_test(test_rows_deleted_by_name_before_the_copy_are_announced),
        place_test(test_rows_deleted_from_the_copy_are_announced),
        place_test(test_table_made_anew_without_rows_is_announced),
        place_test(test_rows_lost_by_a_trigger),
        place_test(test_rows_lost_by_a_cascade_with_foreign_keys_on),
        place_test(test_rebuild_with_foreign_keys_on_would_cascade),
        place_test(test_full_text_search_with_triggers_is_no_loss),
        place_test(test_renamed_table_keeps_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
