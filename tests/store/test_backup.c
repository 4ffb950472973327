/*
 * test_backup.c - a backup is whole, of one moment, finishes under constant writing, and never half
 * there (G4).
 */
#include "support.h"

#include "base/file.h"
#include "store/backup.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA                                                                               \
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);"           \
    "INSERT INTO alembic_version VALUES ('c7f8a9b0d1e2');"                                   \
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, text TEXT); CREATE INDEX ix_text ON posts " \
    "(text);"                                                                                \
    "CREATE TABLE log (id INTEGER PRIMARY KEY, text TEXT);"
#define POSTS(count)                                                                       \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " #count ")" \
    "INSERT INTO posts (text) SELECT hex(randomblob(500)) FROM n;"

static const char *backups_of(struct place *place)
{
    return place_file(place, "backups");
}

static bool back_up(struct place *place, const struct run_hooks *hooks, struct backup_info *info,
                    struct error *err)
{
    struct backup_options options = {
        .directory = backups_of(place),
        .version_table = "alembic_version",
        .prefix = "content",
        .busy_timeout_ms = 5000,
        .hooks = hooks,
    };

    return backup_run(place->path, &options, &place->arena, info, err);
}

static struct backup_info back_up_ok(struct place *place)
{
    struct backup_info info = { 0 };
    struct error err = { 0 };

    assert_ok(back_up(place, NULL, &info, &err), &err);
    return info;
}

static struct backup_infos list(struct place *place)
{
    struct backup_infos infos = { 0 };
    struct error err = { 0 };

    assert_ok(backup_list(backups_of(place), "content", &place->arena, &infos, &err), &err);
    return infos;
}

static void test_backup_means_the_same_and_is_listed(void **state)
{
    struct place *place = *state;
    struct backup_info info = { 0 };
    struct backup_infos infos = { 0 };
    struct stat st;

    sql_run(place->path, SCHEMA POSTS(2000));
    assert_int_equal(chmod(place->path, 0640), 0);
    info = back_up_ok(place);

    assert_string_equal(sql_dump(place, info.path), sql_dump(place, place->path));
    infos = list(place);
    assert_int_equal(infos.count, 1);
    assert_string_equal(infos.items[0].name, info.name);
    assert_int_equal(infos.items[0].bytes, info.bytes);
    assert_int_equal(infos.items[0].created_us, info.created_us);
    assert_string_equal(infos.items[0].rows.items[0], "c7f8a9b0d1e2");
    assert_int_equal(stat(info.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal((uint64_t) st.st_size, info.bytes);
}

static void test_backup_of_a_wal_database_is_a_single_file(void **state)
{
    struct place *place = *state;
    struct helper application;
    struct backup_info info = { 0 };

    sql_run(place->path, "PRAGMA journal_mode = WAL;" SCHEMA);
    application = helper_start(
        "hold", place->path,
        "INSERT INTO posts (text) VALUES ('only in the WAL'); BEGIN; SELECT * FROM posts");
    info = back_up_ok(place);
    assert_int_equal(place_count(backups_of(place)), 1);
    assert_string_equal(sql_text(place, info.path, "PRAGMA journal_mode"), "delete");
    assert_string_equal(sql_text(place, info.path, "SELECT text FROM posts"), "only in the WAL");
    helper_end(&application);
}

static void test_backups_of_one_second_do_not_meet(void **state)
{
    struct place *place = *state;
    const char *first = NULL;
    const char *second = NULL;
    struct backup_infos infos = { 0 };

    sql_run(place->path, SCHEMA);
    first = back_up_ok(place).name;
    second = back_up_ok(place).name;
    assert_string_not_equal(first, second);
    infos = list(place);
    assert_int_equal(infos.count, 2);
    assert_string_equal(infos.items[0].name, second);
}

static void backup_under_writes(struct place *place, const char *mode)
{
    struct helper writer;
    struct backup_info info = { 0 };
    int64_t before = 0;
    int64_t inside = 0;

    sql_run(place->path,
            arena_printf(&place->arena, "PRAGMA journal_mode = %s;" SCHEMA POSTS(20000), mode));
    writer = helper_start("write", place->path, NULL);
    before = sql_number(place->path, "SELECT count(*) FROM log");
    info = back_up_ok(place);
    helper_end(&writer);

    inside = sql_number(info.path, "SELECT count(*) FROM log");
    assert_true(inside >= before);
    assert_true(inside <= sql_number(place->path, "SELECT count(*) FROM log"));
    assert_int_equal(sql_number(info.path, "SELECT count(*) FROM posts"), 20000);
    assert_int_equal(sql_number(info.path, "SELECT max(id) - count(*) FROM log"), 0);
    assert_string_equal(sql_text(place, info.path, "PRAGMA integrity_check"), "ok");
}

static void test_finishes_while_an_application_commits_all_the_time_in_wal_mode(void **state)
{
    backup_under_writes(*state, "WAL");
}

static void test_finishes_while_an_application_commits_all_the_time_in_delete_mode(void **state)
{
    backup_under_writes(*state, "DELETE");
}

struct watcher {
    unsigned calls;
    unsigned cancel_at; /* permille; 0: never */
    unsigned last;
    bool went_back;
    bool is_other_phase;
};

static void on_progress(void *data, const struct run_progress *progress)
{
    struct watcher *watcher = data;

    watcher->calls++;
    watcher->went_back = watcher->went_back || progress->permille < watcher->last;
    watcher->last = progress->permille;
    watcher->is_other_phase = watcher->is_other_phase || progress->phase != PHASE_BACKUP;
}

static bool is_cancelled(void *data)
{
    const struct watcher *watcher = data;

    return watcher->cancel_at > 0 && watcher->last >= watcher->cancel_at;
}

static void test_progress_goes_from_nothing_to_all(void **state)
{
    struct place *place = *state;
    struct watcher watcher = { 0 };
    struct run_hooks hooks = { .data = &watcher, .progress = on_progress };
    struct backup_info info = { 0 };
    struct error err = { 0 };

    sql_run(place->path, SCHEMA POSTS(10000));
    assert_ok(back_up(place, &hooks, &info, &err), &err);
    assert_true(watcher.calls > 4);
    assert_false(watcher.went_back);
    assert_false(watcher.is_other_phase);
    assert_int_equal(watcher.last, 1000);
}

static void test_cancelled_while_copying_or_verifying_leaves_nothing(void **state)
{
    static const unsigned moments[] = { 1, 300, 700 };
    struct place *place = *state;

    sql_run(place->path, SCHEMA POSTS(20000));
    for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
        struct watcher watcher = { .cancel_at = moments[i] };
        struct run_hooks hooks = { .data = &watcher,
                                   .progress = on_progress,
                                   .is_cancelled = is_cancelled };
        struct backup_info info = { 0 };
        struct error err = { 0 };

        assert_error(back_up(place, &hooks, &info, &err), &err, ERR_CANCELLED, "cancelled");
        assert_int_equal(place_count(backups_of(place)), 0);
    }
}

static void test_killed_backup_leaves_nothing_that_looks_like_one(void **state)
{
    struct place *place = *state;
    struct helper helper;
    struct error err = { 0 };

    sql_run(place->path, SCHEMA POSTS(20000));
    helper = helper_start("backup", place->path, backups_of(place));
    helper_kill(&helper);

    assert_int_equal(list(place).count, 0);
    assert_true(place_count(backups_of(place)) > 0);
    assert_ok(backup_prune(backups_of(place), "content", 3, NULL, &err), &err);
    assert_int_equal(place_count(backups_of(place)), 0);
    back_up_ok(place);
}

static void test_damaged_database_makes_no_backup(void **state)
{
    struct place *place = *state;
    struct backup_info info = { 0 };
    struct error err = { 0 };
    char junk[1024];
    int fd = -1;

    sql_run(place->path, SCHEMA POSTS(2000));
    memset(junk, 0x5a, sizeof(junk));
    fd = open(place->path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, junk, sizeof(junk), 4096 * 100), sizeof(junk));
    close(fd);

    assert_error(back_up(place, NULL, &info, &err), &err, ERR_BACKUP_FAILED, "integrity check");
    assert_int_equal(place_count(backups_of(place)), 0);
}

static void test_rows_that_break_a_check_are_backed_up_all_the_same(void **state)
{
    struct place *place = *state;

    sql_run(place->path, SCHEMA "CREATE TABLE c (a INTEGER CHECK (a > 0) NOT NULL);"
                                "PRAGMA ignore_check_constraints = ON; INSERT INTO c VALUES (-1);");
    back_up_ok(place);
    assert_int_equal(list(place).count, 1);
}

static void test_missing_database_is_told(void **state)
{
    struct place *place = *state;
    struct backup_info info = { 0 };
    struct error err = { 0 };

    assert_error(back_up(place, NULL, &info, &err), &err, ERR_DATABASE_MISSING, "does not exist");
    assert_int_equal(list(place).count, 0);
}

static void test_link_in_the_way_is_not_followed(void **state)
{
    struct place *place = *state;
    struct backup_info info = { 0 };

    sql_run(place->path, SCHEMA);
    info = back_up_ok(place);
    assert_int_equal(unlink(info.path), 0);
    assert_int_equal(symlink(place_file(place, "elsewhere"), info.path), 0);
    back_up_ok(place);
    assert_int_not_equal(access(place_file(place, "elsewhere"), F_OK), 0);
    assert_int_equal(list(place).count, 1);
}

static void put(struct place *place, const char *name, const char *content)
{
    struct error err = { 0 };

    assert_ok(directory_ensure(backups_of(place), 0750, &err), &err);
    assert_ok(file_write_new(arena_printf(&place->arena, "%s/%s", backups_of(place), name), content,
                             strlen(content), 0600, &err),
              &err);
}

static void put_four(struct place *place)
{
    put(place, "content-20260101T000000Z-a1.db", "x");
    put(place, "content-20260103T000000Z-a1.db", "x");
    put(place, "content-20260102T000000Z-a1.db", "x");
    put(place, "content-20260103T000000Z-a1-2.db", "x");
}

static void test_list_is_newest_first_and_passes_over_the_rest(void **state)
{
    struct place *place = *state;
    struct backup_infos infos = { 0 };

    assert_int_equal(list(place).count, 0);
    put_four(place);
    put(place, "content-20260104T000000Z-a1.db", "");
    put(place, "notes.txt", "x");
    assert_int_equal(mkdir(arena_printf(&place->arena, "%s/content-20260105T000000Z-a1.db",
                                        backups_of(place)),
                           0700),
                     0);
    infos = list(place);
    assert_int_equal(infos.count, 4);
    assert_string_equal(infos.items[0].name, "content-20260103T000000Z-a1-2.db");
    assert_string_equal(infos.items[1].name, "content-20260103T000000Z-a1.db");
    assert_string_equal(infos.items[3].name, "content-20260101T000000Z-a1.db");
}

static void test_prune_keeps_the_newest_and_the_protected(void **state)
{
    struct place *place = *state;
    struct error err = { 0 };
    struct backup_infos infos = { 0 };

    put_four(place);
    assert_ok(backup_prune(backups_of(place), "content", 1, "content-20260101T000000Z-a1.db", &err),
              &err);
    infos = list(place);
    assert_int_equal(infos.count, 2);
    assert_string_equal(infos.items[0].name, "content-20260103T000000Z-a1-2.db");
    assert_string_equal(infos.items[1].name, "content-20260101T000000Z-a1.db");
}

static void test_prune_of_zero_keeps_all(void **state)
{
    struct place *place = *state;
    struct error err = { 0 };

    put_four(place);
    assert_ok(backup_prune(backups_of(place), "content", 0, NULL, &err), &err);
    assert_int_equal(list(place).count, 4);
    assert_ok(backup_prune(place_file(place, "none"), "content", 1, NULL, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_backup_means_the_same_and_is_listed),
        place_test(test_backup_of_a_wal_database_is_a_single_file),
        place_test(test_backups_of_one_second_do_not_meet),
        place_test(test_finishes_while_an_application_commits_all_the_time_in_wal_mode),
        place_test(test_finishes_while_an_application_commits_all_the_time_in_delete_mode),
        place_test(test_progress_goes_from_nothing_to_all),
        place_test(test_cancelled_while_copying_or_verifying_leaves_nothing),
        place_test(test_killed_backup_leaves_nothing_that_looks_like_one),
        place_test(test_damaged_database_makes_no_backup),
        place_test(test_rows_that_break_a_check_are_backed_up_all_the_same),
        place_test(test_missing_database_is_told),
        place_test(test_link_in_the_way_is_not_followed),
        place_test(test_list_is_newest_first_and_passes_over_the_rest),
        place_test(test_prune_keeps_the_newest_and_the_protected),
        place_test(test_prune_of_zero_keeps_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
