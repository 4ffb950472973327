/*
 * test_db.c - opening: every kind of file that is not a usable database is refused in words, and
 * nothing is done to it.
 */
#include "support.h"

#include "base/file.h"
#include "store/db.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct db *open_ok(const char *path, enum db_access access)
{
    struct db_options options = { .access = access, .busy_timeout_ms = 100 };
    struct db *db = NULL;
    struct error err = { 0 };

    assert_ok(db_open(path, &options, &db, &err), &err);
    return db;
}

static void expect_refused(const char *path, enum db_access access, enum error_code code,
                           const char *detail)
{
    struct db_options options = { .access = access, .busy_timeout_ms = 100 };
    struct db *db = NULL;
    struct error err = { 0 };

    assert_error(db_open(path, &options, &db, &err), &err, code, detail);
    assert_null(db);
    assert_contains(err.detail, path);
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    struct error err = { 0 };

    assert_ok(file_write_new(path, bytes, len, 0644, &err), &err);
}

static void test_missing_is_told_and_not_created(void **state)
{
    struct place *place = *state;

    expect_refused(place->path, DB_READ, ERR_DATABASE_MISSING, "does not exist");
    expect_refused(place->path, DB_WRITE, ERR_DATABASE_MISSING, "does not exist");
    expect_refused(place_file(place, "none/content.db"), DB_WRITE, ERR_DATABASE_MISSING,
                   "does not exist");
    assert_int_equal(place_count(place->directory), 0);
}

static void test_created_with_its_mode_whatever_the_umask(void **state)
{
    struct place *place = *state;
    mode_t old = umask(0077);
    struct stat st;

    db_close(open_ok(place->path, DB_CREATE));
    umask(old);
    assert_int_equal(stat(place->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(place_count(place->directory), 1);
}

static void test_creating_needs_the_directory(void **state)
{
    struct place *place = *state;
    struct db_options options = { .access = DB_CREATE };
    struct db *db = NULL;
    struct error err = { 0 };

    assert_error(db_open(place_file(place, "none/content.db"), &options, &db, &err), &err, ERR_IO,
                 "none/content.db");
}

static void test_files_that_are_no_database(void **state)
{
    struct place *place = *state;
    char header[100] = "SQLite format 3";

    write_file(place_file(place, "text.db"), "hello, this is not a database at all", 36);
    write_file(place_file(place, "torn.db"), header, sizeof(header));
    assert_int_equal(mkdir(place_file(place, "directory.db"), 0700), 0);
    assert_int_equal(mkfifo(place_file(place, "fifo.db"), 0600), 0);

    expect_refused(place_file(place, "text.db"), DB_WRITE, ERR_DATABASE_UNUSABLE, "not a database");
    expect_refused(place_file(place, "torn.db"), DB_READ, ERR_DATABASE_UNUSABLE, "not a database");
    expect_refused(place_file(place, "directory.db"), DB_CREATE, ERR_DATABASE_UNUSABLE,
                   "a directory");
    expect_refused(place_file(place, "fifo.db"), DB_READ, ERR_DATABASE_UNUSABLE, "a FIFO");
    expect_refused("/dev/null", DB_READ, ERR_DATABASE_UNUSABLE, "a device");
}

static void test_second_hard_link_is_refused(void **state)
{
    struct place *place = *state;

    sql_run(place->path, "CREATE TABLE t (a)");
    assert_int_equal(link(place->path, place_file(place, "other.db")), 0);
    expect_refused(place->path, DB_WRITE, ERR_DATABASE_UNUSABLE, "2 hard links");
}

static void test_symbolic_link_leads_to_the_real_file(void **state)
{
    struct place *place = *state;
    const char *link_path = place_file(place, "link.db");
    const char *resolved = NULL;
    struct error err = { 0 };

    sql_run(place->path, "CREATE TABLE t (a)");
    assert_int_equal(symlink(place->path, link_path), 0);
    db_close(open_ok(link_path, DB_WRITE));
    assert_ok(db_resolve_path(link_path, &place->arena, &resolved, &err), &err);
    assert_string_equal(resolved, place->path);

    assert_int_equal(unlink(place->path), 0);
    assert_error(db_resolve_path(link_path, &place->arena, &resolved, &err), &err, ERR_IO,
                 "leads nowhere");
}

static void test_name_that_looks_like_a_uri_is_a_file(void **state)
{
    struct place *place = *state;
    char here[512];

    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(place->directory), 0);
    db_close(open_ok("file:x?mode=memory", DB_CREATE));
    assert_int_equal(access("file:x?mode=memory", F_OK), 0);
    assert_int_equal(chdir(here), 0);
}

static void test_empty_file_is_an_empty_database(void **state)
{
    struct place *place = *state;
    struct db_facts facts = { 0 };
    struct error err = { 0 };
    struct db *db = NULL;

    write_file(place->path, "", 0);
    db = open_ok(place->path, DB_READ);
    assert_ok(db_facts_read(db, &facts, &err), &err);
    assert_int_equal(facts.bytes, 0);
    assert_string_equal(facts.journal_mode, "delete");
    db_close(db);
}

static void test_facts_of_a_database_in_wal_mode(void **state)
{
    struct place *place = *state;
    struct db_facts facts = { 0 };
    struct error err = { 0 };
    struct db *db = NULL;

    sql_run(place->path, "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; CREATE TABLE t (a)");
    db = open_ok(place->path, DB_WRITE);
    sql_run(place->path, "INSERT INTO t VALUES (1)");
    assert_ok(db_facts_read(db, &facts, &err), &err);
    assert_string_equal(facts.journal_mode, "wal");
    assert_int_equal(facts.page_size, 4096);
    assert_int_equal(facts.bytes, 8192);
    assert_true(facts.wal_bytes > 4096);
    db_close(db);
}

static void test_commits_of_others_are_noticed(void **state)
{
    struct place *place = *state;
    struct error err = { 0 };
    uint32_t first = 0;
    uint32_t second = 0;
    struct db *db = NULL;

    sql_run(place->path, "CREATE TABLE t (a)");
    db = open_ok(place->path, DB_READ);
    assert_ok(db_data_version(db, &first, &err), &err);
    assert_ok(db_data_version(db, &second, &err), &err);
    assert_int_equal(first, second);
    sql_run(place->path, "INSERT INTO t VALUES (1)");
    assert_ok(db_data_version(db, &second, &err), &err);
    assert_int_not_equal(first, second);
    db_close(db);
}

/* A reader that could not roll back would see nothing until somebody writes. */
static void test_reader_rolls_a_killed_writers_journal_back(void **state)
{
    struct place *place = *state;
    struct helper writer;
    struct db *db = NULL;

    sql_run(place->path, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    writer = helper_start(
        "hold", place->path,
        "PRAGMA cache_size = 1; BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t SELECT randomblob(500) FROM n");
    helper_kill(&writer);
    assert_int_equal(access(place_file(place, "content.db-journal"), F_OK), 0);
    db = open_ok(place->path, DB_READ);
    assert_int_not_equal(access(place_file(place, "content.db-journal"), F_OK), 0);
    db_close(db);
    assert_int_equal(sql_number(place->path, "SELECT count(*) FROM t"), 1);
}

static void test_replaced_file_is_noticed(void **state)
{
    struct place *place = *state;
    struct db *db = NULL;

    sql_run(place->path, "CREATE TABLE t (a)");
    db = open_ok(place->path, DB_READ);
    assert_false(db_has_moved(db));
    assert_int_equal(rename(place->path, place_file(place, "away.db")), 0);
    assert_true(db_has_moved(db));
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_missing_is_told_and_not_created),
        place_test(test_created_with_its_mode_whatever_the_umask),
        place_test(test_creating_needs_the_directory),
        place_test(test_files_that_are_no_database),
        place_test(test_second_hard_link_is_refused),
        place_test(test_symbolic_link_leads_to_the_real_file),
        place_test(test_name_that_looks_like_a_uri_is_a_file),
        place_test(test_empty_file_is_an_empty_database),
        place_test(test_facts_of_a_database_in_wal_mode),
        place_test(test_commits_of_others_are_noticed),
        place_test(test_reader_rolls_a_killed_writers_journal_back),
        place_test(test_replaced_file_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
