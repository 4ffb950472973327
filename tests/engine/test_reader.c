/*
 * test_reader.c - what a reader notices, and that it never waits.
 */
#include "support.h"

#include "base/clock.h"
#include "engine/reader.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char sql_version_table[] =
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)";

static struct reader_look look(struct site *site, struct reader *reader)
{
    struct reader_look result = { 0 };
    struct error err = { 0 };

    assert_ok(reader_look(reader, &site->place->arena, &result, &err), &err);
    return result;
}

static void expect_look(struct site *site, struct reader *reader, const char *rows, bool is_changed)
{
    struct reader_look seen = look(site, reader);

    assert_true(seen.exists);
    assert_rows(site, &seen.rows, rows);
    assert_int_equal(seen.is_changed, is_changed);
}

static void migrate(struct site *site, const char *id)
{
    sql_run(site->place->path,
            arena_printf(&site->place->arena,
                         "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT "
                         "NULL PRIMARY KEY);"
                         "DELETE FROM alembic_version; INSERT INTO alembic_version VALUES ('%s')",
                         id));
}

static void test_a_missing_file_is_no_error_and_may_appear(void **state)
{
    struct site *site = *state;
    cleanup_reader struct reader *reader = reader_new(&site->settings);

    assert_false(look(site, reader).exists);
    assert_false(look(site, reader).is_changed);
    assert_false(site_has(site, "content.db"));

    migrate(site, "aaaa");
    expect_look(site, reader, "aaaa", true);
    assert_true(look(site, reader).has_version_table);
}

static void test_a_file_without_version_table_has_no_rows(void **state)
{
    struct site *site = *state;
    cleanup_reader struct reader *reader = reader_new(&site->settings);

    sql_run(site->place->path, "CREATE TABLE t (id)");
    expect_look(site, reader, "", true);
    assert_false(look(site, reader).has_version_table);
    assert_int_equal(look(site, reader).facts.page_size, 4096);
    assert_string_equal(look(site, reader).facts.journal_mode, "delete");
}

static void test_commits_of_others_are_seen_at_once(void **state)
{
    struct site *site = *state;
    static const char *const modes[] = { "delete", "wal" };

    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        cleanup_reader struct reader *reader = reader_new(&site->settings);

        sql_run(site->place->path,
                arena_printf(&site->place->arena, "PRAGMA journal_mode = %s", modes[i]));
        migrate(site, "aaaa");
        expect_look(site, reader, "aaaa", true);
        expect_look(site, reader, "aaaa", false);
        migrate(site, "bbbb");
        expect_look(site, reader, "bbbb", true);
        expect_look(site, reader, "bbbb", false);
    }
}

static void test_a_replaced_file_is_noticed(void **state)
{
    struct site *site = *state;
    cleanup_reader struct reader *reader = reader_new(&site->settings);
    const char *other = place_file(site->place, "other.db");

    migrate(site, "aaaa");
    expect_look(site, reader, "aaaa", true);
    sql_run(other, arena_printf(&site->place->arena,
                                "%s; INSERT INTO alembic_version VALUES "
                                "('cccc')",
                                sql_version_table));
    assert_int_equal(rename(other, site->place->path), 0);
    expect_look(site, reader, "cccc", true);
}

static void test_a_removed_file_is_noticed(void **state)
{
    struct site *site = *state;
    cleanup_reader struct reader *reader = reader_new(&site->settings);

    migrate(site, "aaaa");
    expect_look(site, reader, "aaaa", true);
    assert_int_equal(unlink(site->place->path), 0);
    assert_false(look(site, reader).exists);
    migrate(site, "bbbb");
    expect_look(site, reader, "bbbb", true);
}

static void test_a_locked_database_is_busy_at_once_and_readable_later(void **state)
{
    struct site *site = *state;
    cleanup_reader struct reader *reader = reader_new(&site->settings);
    struct reader_look seen = { 0 };
    struct error err = { 0 };
    struct helper helper = { 0 };
    int64_t started_us = 0;

    migrate(site, "aaaa");
    expect_look(site, reader, "aaaa", true);
    helper = helper_start("hold", site->place->path, "BEGIN EXCLUSIVE");
    started_us = clock_monotonic_us();
    assert_error(reader_look(reader, &site->place->arena, &seen, &err), &err, ERR_DATABASE_BUSY,
                 "");
    assert_true(clock_monotonic_us() - started_us < 1000000);
    helper_end(&helper);
    expect_look(site, reader, "aaaa", false);
}

static void test_what_cannot_be_used_is_told_and_can_be_mended(void **state)
{
    struct site *site = *state;
    cleanup_reader struct reader *reader = reader_new(&site->settings);
    struct reader_look seen = { 0 };
    struct error err = { 0 };

    site_write(site, "content.db",
               "this is a text, and longer than the hundred bytes that SQLite "
               "wants to see of a header before it says what it thinks of it.");
    assert_error(reader_look(reader, &site->place->arena, &seen, &err), &err, ERR_DATABASE_UNUSABLE,
                 "not a database");
    error_clear(&err);
    assert_int_equal(unlink(site->place->path), 0);

    assert_int_equal(mkfifo(site->place->path, 0600), 0);
    assert_error(reader_look(reader, &site->place->arena, &seen, &err), &err, ERR_DATABASE_UNUSABLE,
                 "FIFO");
    error_clear(&err);
    assert_int_equal(unlink(site->place->path), 0);

    sql_run(site->place->path, "CREATE VIEW alembic_version AS SELECT 'aaaa' AS version_num");
    assert_error(reader_look(reader, &site->place->arena, &seen, &err), &err, ERR_VERSION_TABLE_ODD,
                 "view");

    sql_run(site->place->path, "DROP VIEW alembic_version");
    migrate(site, "aaaa");
    expect_look(site, reader, "aaaa", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        site_test(test_a_missing_file_is_no_error_and_may_appear),
        site_test(test_a_file_without_version_table_has_no_rows),
        site_test(test_commits_of_others_are_seen_at_once),
        site_test(test_a_replaced_file_is_noticed),
        site_test(test_a_removed_file_is_noticed),
        site_test(test_a_locked_database_is_busy_at_once_and_readable_later),
        site_test(test_what_cannot_be_used_is_told_and_can_be_mended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
