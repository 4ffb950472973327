/*
 * test_journal_upgrade.c - a journal of version 1 becomes one of version 2, whole or not at all,
 * whoever opens it.
 */
#include "support.h"

#include "store/journal.h"

#include <pthread.h>

/* What version 1 made of a new file. */
static const char sql_version_1[] =
    "PRAGMA journal_mode = WAL;\n"
    "BEGIN;\n"
    "CREATE TABLE scripts (\n"
    "    sha256 TEXT NOT NULL PRIMARY KEY,\n"
    "    revision TEXT NOT NULL,\n"
    "    path TEXT NOT NULL,\n"
    "    text BLOB NOT NULL,\n"
    "    first_seen_us INTEGER NOT NULL\n"
    ") STRICT;\n"
    "CREATE TABLE runs (\n"
    "    number INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "    id TEXT NOT NULL UNIQUE,\n"
    "    verb TEXT NOT NULL,\n"
    "    target TEXT,\n"
    "    actor TEXT NOT NULL,\n"
    "    reason TEXT,\n"
    "    rows_before TEXT NOT NULL,\n"
    "    rows_planned TEXT,\n"
    "    rows_after TEXT,\n"
    "    outcome TEXT NOT NULL,\n"
    "    backup TEXT,\n"
    "    started_us INTEGER NOT NULL,\n"
    "    duration_us INTEGER NOT NULL DEFAULT 0,\n"
    "    error_code TEXT,\n"
    "    error_sqlite_code INTEGER NOT NULL DEFAULT 0,\n"
    "    error_line INTEGER NOT NULL DEFAULT 0,\n"
    "    error_column INTEGER NOT NULL DEFAULT 0,\n"
    "    error_revision TEXT NOT NULL DEFAULT '',\n"
    "    error_file TEXT NOT NULL DEFAULT '',\n"
    "    error_statement TEXT NOT NULL DEFAULT '',\n"
    "    error_detail TEXT NOT NULL DEFAULT '',\n"
    "    error_hint TEXT NOT NULL DEFAULT ''\n"
    ") STRICT;\n"
    "CREATE TABLE run_steps (\n"
    "    run_number INTEGER NOT NULL REFERENCES runs,\n"
    "    position INTEGER NOT NULL,\n"
    "    revision TEXT NOT NULL,\n"
    "    direction TEXT NOT NULL,\n"
    "    message TEXT NOT NULL DEFAULT '',\n"
    "    line TEXT NOT NULL DEFAULT '',\n"
    "    rows_after TEXT,\n"
    "    script_sha256 TEXT REFERENCES scripts,\n"
    "    is_done INTEGER NOT NULL DEFAULT 0,\n"
    "    statement_count INTEGER NOT NULL DEFAULT 0,\n"
    "    duration_us INTEGER NOT NULL DEFAULT 0,\n"
    "    PRIMARY KEY (run_number, position)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX run_steps_by_revision ON run_steps (revision, run_number);\n"
    "PRAGMA application_id = 1935895140;\n"
    "PRAGMA user_version = 1;\n"
    "COMMIT;\n";

/* An upgrade that succeeded, one that was cut off, and a failure without an intent. */
static const char sql_content[] =
    "INSERT INTO scripts VALUES ('5ha', 'a1', 'a1.sql', x'00ff', 5);\n"
    "INSERT INTO runs (id, verb, target, actor, reason, rows_before, rows_planned, rows_after,\n"
    "                  outcome, backup, started_us, duration_us)\n"
    "VALUES ('0000000000000001', 'upgrade', 'a1', 'startup', 'why', '', 'a1', 'a1', 'succeeded',\n"
    "        'b.db', 100, 7);\n"
    "INSERT INTO run_steps\n"
    "VALUES (1, 0, 'a1', 'up', 'step a1', 'Running upgrade  -> a1, step a1', 'a1', '5ha', 1, 2, "
    "6);\n"
    "INSERT INTO runs (id, verb, actor, rows_before, rows_planned, outcome, started_us)\n"
    "VALUES ('0000000000000002', 'upgrade', 'startup', 'a1', 'b2', 'unfinished', 200);\n"
    "INSERT INTO run_steps (run_number, position, revision, direction, rows_after)\n"
    "VALUES (2, 0, 'b2', 'up', 'b2');\n"
    "INSERT INTO runs (id, verb, actor, rows_before, rows_after, outcome, started_us, "
    "duration_us,\n"
    "                  error_code, error_line, error_detail)\n"
    "VALUES ('0000000000000003', 'downgrade', 'startup', '', '', 'failed', 300, 1, 'locked', 4,\n"
    "        'held');\n";

/* Tables with their columns, and indexes, however they were written down. */
static const char sql_shape[] =
    "SELECT m.type, m.name, x.name, x.type, x.\"notnull\", x.dflt_value, x.pk\n"
    "FROM sqlite_schema AS m LEFT JOIN pragma_table_xinfo(m.name) AS x\n"
    "WHERE m.type = 'table'\n"
    "UNION ALL\n"
    "SELECT type, name, replace(sql, char(10), ' '), '', '', '', ''\n"
    "FROM sqlite_schema WHERE type = 'index'\n"
    "ORDER BY 1, 2, 3";

static const char *path_of(struct place *place)
{
    return place_file(place, "journal.db");
}

static void make_version_1(const char *path)
{
    sql_run(path, sql_version_1);
    sql_run(path, sql_content);
}

static struct journal *open_ok(const char *path)
{
    struct journal *journal = NULL;
    struct error err = { 0 };

    assert_ok(journal_open(path, &journal, &err), &err);
    return journal;
}

static const char *run_text(struct place *place, struct journal *journal, const char *id)
{
    struct run_report report = { 0 };
    struct error err = { 0 };

    assert_ok(journal_run_read(journal, id, &place->arena, &report, &err), &err);
    return report_text(place, &report);
}

static void test_what_was_journalled_is_kept(void **state)
{
    struct place *place = *state;
    struct journal *journal = NULL;
    version_rows rows = { 0 };
    const char *digest = NULL;
    struct error err = { 0 };
    unsigned settled = 0;

    make_version_1(path_of(place));
    journal = open_ok(path_of(place));
    assert_null(journal_notice(journal));
    assert_string_equal(run_text(place, journal, "0000000000000001"),
                        "0000000000000001 succeeded upgrade to a1 for startup because why\n"
                        "rows  -> a1\n"
                        "backup b.db, warning NULL\n"
                        "queued 0, started 100, lasted 7, waited 0\n"
                        "step up a1 \"step a1\" \"Running upgrade  -> a1, step a1\" 6 us 2 "
                        "statements\n"
                        "error ok 0 at :0:0 of  in \"\": ; ");
    assert_contains(run_text(place, journal, "0000000000000003"),
                    "error locked 0 at :4:0 of  in \"\": held; ");
    assert_ok(journal_script_digest(journal, "a1", &place->arena, &digest, &err), &err);
    assert_string_equal(digest, "5ha");

    /* The open run is settled as ever. */
    str_list_add(&rows, &place->arena, "b2");
    assert_ok(journal_reconcile(journal, &rows, &settled, &err), &err);
    assert_int_equal(settled, 1);
    assert_contains(run_text(place, journal, "0000000000000002"),
                    "0000000000000002 succeeded upgrade");
    journal_close(journal);
    assert_int_equal(sql_number(path_of(place), "SELECT count(*) FROM runs"), 3);
}

static void test_an_upgraded_journal_is_like_a_new_one(void **state)
{
    struct place *place = *state;
    const char *fresh = place_file(place, "fresh.db");

    make_version_1(path_of(place));
    journal_close(open_ok(path_of(place)));
    journal_close(open_ok(fresh));
    assert_string_equal(sql_text(place, path_of(place), sql_shape),
                        sql_text(place, fresh, sql_shape));
    assert_int_equal(sql_number(path_of(place), "PRAGMA user_version"), 2);
    assert_int_equal(sql_number(fresh, "PRAGMA user_version"), 2);
}

static void test_an_upgrade_that_fails_changes_nothing(void **state)
{
    struct place *place = *state;
    struct journal *journal = NULL;
    const char *before = NULL;
    struct error err = { 0 };

    make_version_1(path_of(place));
    sql_run(path_of(place), "CREATE TABLE denials (in_the_way)");
    before = sql_dump(place, path_of(place));
    assert_error(journal_open(path_of(place), &journal, &err), &err, ERR_JOURNAL,
                 "could not upgrade journal");
    assert_contains(err.detail, "table denials already exists");
    assert_string_equal(sql_dump(place, path_of(place)), before);
    assert_int_equal(sql_number(path_of(place), "PRAGMA user_version"), 1);

    sql_run(path_of(place), "DROP TABLE denials");
    journal_close(open_ok(path_of(place)));
}

static void test_another_programs_version_1_is_refused(void **state)
{
    struct place *place = *state;
    struct journal *journal = NULL;
    struct error err = { 0 };

    sql_run(path_of(place), "CREATE TABLE runs (a); PRAGMA user_version = 1");
    assert_error(journal_open(path_of(place), &journal, &err), &err, ERR_JOURNAL,
                 "another program's database");
    assert_string_equal(sql_text(place, path_of(place), "SELECT sql FROM sqlite_schema"),
                        "CREATE TABLE runs (a)");
}

/* --- several at once -------------------------------------------------------------------------- */

enum {
    OPENERS = 4,
    ROUNDS = 8,
};

struct opener {
    const char *path;
    pthread_barrier_t *start;
    bool is_done;
    struct error err;
};

static void *open_with_the_others(void *data)
{
    struct opener *opener = data;
    struct journal *journal = NULL;

    pthread_barrier_wait(opener->start);
    opener->is_done = journal_open(opener->path, &journal, &opener->err);
    journal_close(journal);
    return NULL;
}

static void open_all_at_once(const char *path)
{
    struct opener openers[OPENERS] = { 0 };
    pthread_t threads[OPENERS];
    pthread_barrier_t start;

    pthread_barrier_init(&start, NULL, OPENERS);
    for (size_t i = 0; i < OPENERS; i++) {
        openers[i] = (struct opener){ .path = path, .start = &start };
        assert_int_equal(pthread_create(&threads[i], NULL, open_with_the_others, &openers[i]), 0);
    }
    for (size_t i = 0; i < OPENERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    for (size_t i = 0; i < OPENERS; i++)
        assert_ok(openers[i].is_done, &openers[i].err);
}

static void test_all_who_open_it_at_once_find_it_upgraded_once(void **state)
{
    struct place *place = *state;

    for (unsigned i = 0; i < ROUNDS; i++) {
        const char *path = place_file(place, arena_printf(&place->arena, "old%u.db", i));

        make_version_1(path);
        open_all_at_once(path);
        assert_int_equal(sql_number(path, "PRAGMA user_version"), 2);
        assert_int_equal(sql_number(path, "SELECT count(warning) + count(*) FROM runs"), 3);
    }
}

static void test_who_comes_during_an_upgrade_waits_for_it(void **state)
{
    struct place *place = *state;
    struct opener opener = { .path = path_of(place) };
    struct helper writer = { 0 };
    pthread_barrier_t start;
    pthread_t thread;

    make_version_1(path_of(place));
    writer = helper_start("hold", path_of(place),
                          "BEGIN IMMEDIATE; INSERT INTO scripts VALUES "
                          "('lost', 'z9', 'z9.sql', x'00', 9)");
    pthread_barrier_init(&start, NULL, 2);
    opener.start = &start;
    assert_int_equal(pthread_create(&thread, NULL, open_with_the_others, &opener), 0);
    pthread_barrier_wait(&start);
    helper_kill(&writer); /* as an upgrading process that dies: its transaction is gone */
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&start);
    assert_ok(opener.is_done, &opener.err);
    assert_int_equal(sql_number(path_of(place), "PRAGMA user_version"), 2);
    assert_int_equal(sql_number(path_of(place), "SELECT count(*) FROM scripts"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_what_was_journalled_is_kept),
        place_test(test_an_upgraded_journal_is_like_a_new_one),
        place_test(test_an_upgrade_that_fails_changes_nothing),
        place_test(test_another_programs_version_1_is_refused),
        place_test(test_all_who_open_it_at_once_find_it_upgraded_once),
        place_test(test_who_comes_during_an_upgrade_waits_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
