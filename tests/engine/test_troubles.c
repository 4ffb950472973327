/*
 * test_troubles.c - what people are told when something is wrong: every kind of trouble with its
 * code, its words and the way out; and the ways out lead out.
 *
 * The site: aaaa1111 <- bbbb2222 <- cccc3333 and cccd4444. The database is at bbbb2222.
 */
#include "support.h"

#include <unistd.h>

struct trouble {
    const char *sql; /* what happened to the database; NULL: nothing */
    enum verb verb;
    const char *target;
    enum error_code code;
    const char *detail;
    const char *hint;
};

#define DATABASE_AT(rows) \
    "DELETE FROM alembic_version; INSERT INTO alembic_version VALUES " rows "; "
#define TABLE_OF(column, rows)                                  \
    "DROP TABLE alembic_version; CREATE TABLE alembic_version " \
    "(" column "); INSERT INTO alembic_version VALUES " rows "; "

static void make_site(struct site *site)
{
    site_script(site, "aaaa1111", "", "CREATE TABLE a (id);", "DROP TABLE a;");
    site_script(site, "bbbb2222", "aaaa1111", "CREATE TABLE b (id);", "DROP TABLE b;");
    site_script(site, "cccc3333", "bbbb2222", "CREATE TABLE c (id);", "DROP TABLE c;");
    site_script(site, "cccd4444", "bbbb2222", "CREATE TABLE d (id);", "DROP TABLE d;");
    site_upgrade(site, "bbbb2222");
}

/* ---- The request ---- */

static const struct trouble of_requests[] = {
    { NULL, VERB_UPGRADE, "bbbb2223", ERR_REVISION_UNKNOWN,
      "can't locate revision identified by 'bbbb2223'", "Did you mean \"bbbb2222\"?" },
    { NULL, VERB_UPGRADE, "nothing", ERR_REVISION_UNKNOWN,
      "can't locate revision identified by 'nothing'", "`history` lists all revisions." },
    { NULL, VERB_UPGRADE, "nosuch@head", ERR_REVISION_UNKNOWN,
      "can't locate revision identified by 'nosuch'", "`history` lists all revisions." },
    { NULL, VERB_STAMP, "ccc", ERR_REVISION_AMBIGUOUS,
      "several revisions or labels begin with 'ccc': cccc3333, cccd4444",
      "Write more of the one that is meant." },
    { NULL, VERB_UPGRADE, "head", ERR_HEADS_MULTIPLE,
      "multiple head revisions are present for given argument 'head': cccc3333, cccd4444",
      "Name one of them, or a branch's with '<branch>@head', or 'heads' for all; or merge them: "
      "`merge heads`." },
    { NULL, VERB_DOWNGRADE, "cccc3333", ERR_TARGET_INVALID,
      "destination cccc3333 is not a valid downgrade target from current head(s)",
      "It is not applied: the database is at bbbb2222. `upgrade cccc3333` leads to it." },
    { NULL, VERB_UPGRADE, "+9", ERR_TARGET_INVALID,
      "ambiguous walk: from bbbb2222 the next may be cccc3333, cccd4444",
      "Name the revision that is meant, or a branch: '<branch>@+1'." },
    { NULL, VERB_DOWNGRADE, "-9", ERR_TARGET_INVALID,
      "relative revision -9 didn't produce 9 migrations",
      "From where the database is, there are not that many revisions in that direction." },
    { NULL, VERB_DOWNGRADE, "a b", ERR_TARGET_INVALID, "target \"a b\" is not understood",
      "A target is an id, the beginning of one, a branch label, head, heads or base; with +N or -N "
      "behind it, or that alone; with <branch>@ before it." },
};

/* ---- Version rows ---- */

static const struct trouble of_rows[] = {
    { DATABASE_AT("('zzzz9999')"), VERB_UPGRADE, "heads", ERR_DATABASE_REVISION_UNKNOWN,
      "the database records revision \"zzzz9999\", which no script declares",
      "The database is ahead of these scripts, or belongs to others: use the scripts that it was "
      "upgraded with, restore a backup, or stamp with purge if the schema is known." },
    { DATABASE_AT("('bbbb2222'), ('zzzz9999')"), VERB_DOWNGRADE, "base",
      ERR_DATABASE_REVISION_UNKNOWN,
      "the database records revision \"zzzz9999\", which no script declares",
      "Bring its script back, restore a backup, or stamp with purge if the schema is known." },
    { DATABASE_AT("('bbbb2223')"), VERB_STAMP, "bbbb2222", ERR_DATABASE_REVISION_UNKNOWN,
      "the database records revision \"bbbb2223\", which no script declares",
      "The scripts have \"bbbb2222\". If the id was changed there, change it back; if the database "
      "is at that one, `stamp --purge bbbb2222` says so." },
    { DATABASE_AT("('aaaa1111'), ('bbbb2222')"), VERB_UPGRADE, "heads", ERR_VERSION_ROWS_OVERLAP,
      "the database records revision \"aaaa1111\" and also \"bbbb2222\", which implies it",
      "If \"bbbb2222\" is applied, `stamp --purge bbbb2222` leaves its row alone." },
    { DATABASE_AT("('cccc3333'), ('cccd4444')"), VERB_DOWNGRADE, "-1", ERR_TARGET_INVALID,
      "ambiguous downgrade from multiple current revisions: \"cccc3333\" and \"cccd4444\"",
      "Name a branch ('<branch>@-1') or the revision to stay at." },
};

/* ---- The version table ---- */

#define ODD "version table \"alembic_version\" is not as expected: "

static const struct trouble of_tables[] = {
    { "DROP TABLE alembic_version; CREATE VIEW alembic_version AS SELECT 'a' AS version_num",
      VERB_UPGRADE, "heads", ERR_VERSION_TABLE_ODD, ODD "it is a view",
      "Drop or rename the view, and stamp where the database is; or name another table as "
      "version_table." },
    { "DROP TABLE alembic_version; CREATE VIRTUAL TABLE alembic_version USING fts5(version_num)",
      VERB_UPGRADE, "heads", ERR_VERSION_TABLE_ODD, ODD "it is a virtual table",
      "Make an ordinary table of it, with one text column version_num; or name another table as "
      "version_table." },
    { "ALTER TABLE alembic_version RENAME version_num TO version", VERB_UPGRADE, "heads",
      ERR_VERSION_TABLE_ODD, ODD "it has no column version_num",
      "It is another program's table: rename it, or name another table as version_table." },
    { TABLE_OF("version_num VARCHAR(32)", "(NULL), ('bbbb2222')"), VERB_UPGRADE, "heads",
      ERR_VERSION_TABLE_ODD, ODD "a row holds NULL",
      "To Alembic it is base. `DELETE FROM \"alembic_version\" WHERE version_num IS NULL` in the "
      "sqlite3 shell removes it." },
    { TABLE_OF("version_num VARCHAR(32)", "(CAST('bbbb2222' AS BLOB))"), VERB_UPGRADE, "heads",
      ERR_VERSION_TABLE_ODD, ODD "a row holds a blob",
      "`UPDATE \"alembic_version\" SET version_num = CAST(version_num AS TEXT)` in the sqlite3 "
      "shell makes text of it." },
    { TABLE_OF("version_num", "(2222)"), VERB_UPGRADE, "heads", ERR_VERSION_TABLE_ODD,
      ODD "a row holds a number",
      "Declare the column version_num as VARCHAR(32), as Alembic does, so that ids of digits stay "
      "text." },
    { DATABASE_AT("(''), ('bbbb2222')"), VERB_UPGRADE, "heads", ERR_VERSION_TABLE_ODD,
      ODD "a row is empty",
      "`DELETE FROM \"alembic_version\" WHERE version_num = ''` in the sqlite3 shell removes it." },
    { DATABASE_AT("('bbbb' || char(0) || '2222')"), VERB_UPGRADE, "heads", ERR_VERSION_TABLE_ODD,
      ODD "a row holds a NUL character",
      "Nobody wrote it by intention: look at the table with the sqlite3 shell, and write the id "
      "anew." },
    { DATABASE_AT("('bbbb2222' || char(13, 10))"), VERB_UPGRADE, "heads", ERR_VERSION_TABLE_ODD,
      ODD "a row holds white space",
      "`UPDATE \"alembic_version\" SET version_num = trim(version_num, char(9, 10, 11, 12, 13, "
      "32))` in the sqlite3 shell removes it from the ends of ids." },
    { TABLE_OF("version_num VARCHAR(32)", "('bbbb2222'), ('bbbb2222')"), VERB_UPGRADE, "heads",
      ERR_VERSION_TABLE_ODD, ODD "a revision stands there twice",
      "`DELETE FROM \"alembic_version\" WHERE rowid NOT IN (SELECT min(rowid) FROM "
      "\"alembic_version\" GROUP BY version_num)` in the sqlite3 shell leaves one row of each." },
};

/* ---- Telling ---- */

static bool ask(struct site *site, const struct trouble *trouble, struct error *err)
{
    struct run_report report = { 0 };

    return site_run(site, trouble->verb, trouble->target, &report, err);
}

/* What stands between backquotes in a hint: a command of ours, or SQL for the shell. */
static const char *way_out(struct site *site, const struct error *err)
{
    const char *from = strchr(err->hint, '`');
    const char *to = from == NULL ? NULL : strchr(from + 1, '`');

    return to == NULL ? NULL
                      : arena_strndup(&site->place->arena, from + 1, (size_t) (to - from - 1));
}

/* Do what the hint says, if it says what can be done at once; then there is no trouble any more. */
static void take_way_out(struct site *site, const struct trouble *trouble,
                         const struct error *trouble_err)
{
    static const char purge[] = "stamp --purge ";
    const char *way = way_out(site, trouble_err);
    struct run_report report = { 0 };
    struct error err = { 0 };

    if (way == NULL)
        return;
    if (strncmp(way, purge, strlen(purge)) == 0) {
        struct run_request request = {
            .verb = VERB_STAMP, .target = way + strlen(purge), .purge = true, .actor = "a test"
        };

        assert_ok(site_ask(site, &request, &report, &err), &err);
    } else if (trouble_err->code == ERR_VERSION_TABLE_ODD) {
        sql_run(site->place->path, way);
    } else {
        return;
    }
    assert_ok(ask(site, trouble, &err), &err);
}

static void expect_trouble(const struct trouble *trouble)
{
    void *state = NULL;
    struct site *site = NULL;
    struct error err = { 0 };

    assert_int_equal(site_setup(&state), 0);
    site = state;
    make_site(site);
    if (trouble->sql != NULL)
        sql_run(site->place->path, trouble->sql);
    tell("%s", trouble->detail);
    assert_false(ask(site, trouble, &err));
    assert_string_equal(error_slug(err.code), error_slug(trouble->code));
    assert_string_equal(err.detail, trouble->detail);
    assert_string_equal(err.hint, trouble->hint);
    take_way_out(site, trouble, &err);
    assert_int_equal(site_teardown(&state), 0);
}

static void test_requests(void **state)
{
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(of_requests); i++)
        expect_trouble(&of_requests[i]);
}

static void test_version_rows(void **state)
{
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(of_rows); i++)
        expect_trouble(&of_rows[i]);
}

static void test_version_tables(void **state)
{
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(of_tables); i++)
        expect_trouble(&of_tables[i]);
}

/* ---- What the journal knows ---- */

static void test_a_revision_whose_script_is_gone(void **state)
{
    struct site *site = *state;
    struct arena *arena = &site->place->arena;
    struct run_reports runs = { 0 };
    struct run_report report = { 0 };
    struct error err = { 0 };

    make_site(site);
    site_upgrade(site, "cccc3333");
    assert_int_equal(unlink(place_file(site->place, "versions/cccc3333.sql")), 0);
    assert_ok(engine_runs(&site->settings, &(struct run_filter){ .limit = 1 }, arena, &runs, &err),
              &err);
    assert_false(site_run(site, VERB_UPGRADE, "heads", &report, &err));
    assert_string_equal(error_slug(err.code), "database-revision-unknown");
    assert_string_equal(err.revision, "cccc3333");
    assert_string_equal(err.detail,
                        "the database records revision \"cccc3333\", which no script declares");
    assert_contains(err.hint, "It was applied on 20");
    assert_contains(
        err.hint, arena_printf(arena,
                               " from \"cccc3333.sql\", in run %s of a test. The journal kept that "
                               "script: `show cccc3333` prints it. Put it back, or restore a "
                               "backup from before that run.",
                               runs.items[0].id));
}

static void test_a_script_that_changed_since_it_was_applied(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };

    make_site(site);
    site_script(site, "bbbb2222", "aaaa1111", "CREATE TABLE b (id);", "DROP TABLE a;");
    assert_false(site_run(site, VERB_DOWNGRADE, "aaaa1111", &report, &err));
    assert_string_equal(error_slug(err.code), "script-changed");
    assert_contains(err.detail, "script of revision \"bbbb2222\" changed since it was applied "
                                "(SHA-256 ");
    assert_contains(err.file, "versions/bbbb2222.sql");
    assert_int_equal(err.line, 3);
    assert_string_equal(err.hint, "Bring the script back as it was applied. If the new text is "
                                  "meant, `stamp --purge bbbb2222` accepts it.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_version_rows),
        cmocka_unit_test(test_version_tables),
        site_test(test_a_revision_whose_script_is_gone),
        site_test(test_a_script_that_changed_since_it_was_applied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
