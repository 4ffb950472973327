/*
 * test_faults.c - for every k: the k-th write, sync, truncation or deletion fails (once, or from
 * then on), or the process is killed before it. The database is always as before the run or as
 * after it, the answer says which, and the next run succeeds (G1).
 */
#include "support.h"

#include "fault_vfs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPERATIONS_MAX 5000 /* no sweep may need more */

/*
 * Rows, a rebuild, an index and a full-text table: several pages, so that there is something to
 * half-write.
 */
static struct history history_of(struct place *place)
{
    struct history history = { .place = place };

    history_add(&history, "a1", NULL,
                "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n"
                "CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id) "
                "ON DELETE CASCADE, text TEXT);\n"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)\n"
                "INSERT INTO users SELECT i, 'user ' || i FROM n;\n"
                "INSERT INTO posts SELECT id, id, printf('%.200c', 'x') FROM users;",
                "");
    history_add(&history, "b2 <- a1", NULL,
                "CREATE TABLE users_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, mail TEXT);\n"
                "INSERT INTO users_new SELECT id, name, NULL FROM users;\nDROP TABLE users;\n"
                "ALTER TABLE users_new RENAME TO users;\nCREATE INDEX ix_name ON users (name);",
                "");
    history_add(
        &history, "c3 <- b2", NULL,
        "CREATE VIRTUAL TABLE docs USING fts5(text);\nINSERT INTO docs SELECT text FROM posts;\n"
        "ALTER TABLE posts ADD COLUMN title TEXT;\nUPDATE posts SET title = 'post ' || id;",
        "");
    return history;
}

struct sweep {
    struct place *place;
    struct history history;
    struct plan *plan;   /* from a1 to head */
    struct str template; /* bytes of the database file before the run */
    const char *before;
    const char *after;
};

static struct str read_bytes(struct place *place)
{
    int fd = open(place->path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *bytes = NULL;

    assert_int_equal(fstat(fd, &st), 0);
    bytes = arena_alloc(&place->arena, (size_t) st.st_size);
    assert_int_equal(read(fd, bytes, (size_t) st.st_size), st.st_size);
    close(fd);
    return (struct str){ .ptr = bytes, .len = (size_t) st.st_size };
}

/* The database as it was before, without journals. No connection is open in this process now. */
static void restore(const struct sweep *sweep)
{
    static const char *const beside[] = { "-journal", "-wal", "-shm" };
    char path[128];
    int fd = -1;

    for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
        snprintf(path, sizeof(path), "%s%s", sweep->place->path, beside[i]);
        unlink(path);
    }
    fd = open(sweep->place->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, sweep->template.ptr, sweep->template.len),
                     (ssize_t) sweep->template.len);
    close(fd);
}

static struct sweep sweep_begin(struct place *place, const char *journal_mode)
{
    struct sweep sweep = { .place = place, .history = history_of(place) };
    struct error err = { 0 };
    version_rows rows = { 0 };

    str_list_add(&rows, &place->arena, "a1");
    assert_ok(plan_upgrade(history_graph(&sweep.history), &rows, "head", &place->arena, &sweep.plan,
                           &err),
              &err);
    upgrade_ok(&sweep.history, "a1");
    sql_run(place->path, arena_printf(&place->arena, "PRAGMA journal_mode = %s", journal_mode));
    sweep.template = read_bytes(place);
    sweep.before = sql_dump(place, place->path);
    upgrade_ok(&sweep.history, "head");
    sweep.after = sql_dump(place, place->path);
    assert_string_not_equal(sweep.before, sweep.after);
    return sweep;
}

static void expect_whole_and_repeatable(struct sweep *sweep, int at)
{
    const char *dump = sql_dump(sweep->place, sweep->place->path);

    if (strcmp(dump, sweep->before) != 0 && strcmp(dump, sweep->after) != 0)
        fail_msg("operation %d: the database is neither as before nor as after: %s", at, dump);
    upgrade_ok(&sweep->history, "head");
    assert_string_equal(sql_dump(sweep->place, sweep->place->path), sweep->after);
}

static bool run(struct sweep *sweep, struct runner_result *result, struct error *err)
{
    struct runner_options options = { .version_table = "alembic_version" };

    return runner_run(sweep->place->path, sweep->plan, &options, &sweep->place->arena, result, err);
}

/* The answer must agree with the database. */
static void expect_true_answer(struct sweep *sweep, int at, bool is_done,
                               const struct runner_result *result, const struct error *err)
{
    const char *rows = version_text(sweep->place);

    if (!result->is_outcome_known) {
        assert_int_equal(err->code, ERR_COMMIT_UNKNOWN);
        return;
    }
    if (strcmp(rows, is_done ? "c3" : "a1") != 0 || strcmp(result->rows_after.items[0], rows) != 0)
        fail_msg("operation %d: said %s and [%s], the database says [%s]", at,
                 is_done ? "done" : error_slug(err->code), result->rows_after.items[0], rows);
}

static bool strike_at(struct sweep *sweep, enum fault_kind kind, int at, bool is_sticky)
{
    struct runner_result result = { 0 };
    struct error err = { 0 };
    bool is_done = false;
    bool has_struck = false;

    restore(sweep);
    fault_arm(kind, at, is_sticky);
    is_done = run(sweep, &result, &err);
    has_struck = fault_disarm();
    expect_true_answer(sweep, at, is_done, &result, &err);
    expect_whole_and_repeatable(sweep, at);
    return has_struck;
}

static void sweep_faults(struct place *place, const char *journal_mode, enum fault_kind kind,
                         bool is_sticky)
{
    struct sweep sweep = sweep_begin(place, journal_mode);
    int at = 1;

    while (at < OPERATIONS_MAX && strike_at(&sweep, kind, at, is_sticky))
        at++;
    tell("%s, %s, %s: %d faults", journal_mode, kind == FAULT_FULL ? "full" : "I/O error",
         is_sticky ? "for ever" : "once", at - 1);
    assert_true(at > 10);
    assert_true(at < OPERATIONS_MAX);
}

static void test_io_error_once_in_delete_mode(void **state)
{
    sweep_faults(*state, "DELETE", FAULT_IO, false);
}

static void test_io_error_for_ever_in_delete_mode(void **state)
{
    sweep_faults(*state, "DELETE", FAULT_IO, true);
}

static void test_io_error_once_in_wal_mode(void **state)
{
    sweep_faults(*state, "WAL", FAULT_IO, false);
}

static void test_io_error_for_ever_in_wal_mode(void **state)
{
    sweep_faults(*state, "WAL", FAULT_IO, true);
}

static void test_full_disk_in_delete_mode(void **state)
{
    sweep_faults(*state, "DELETE", FAULT_FULL, true);
}

static void test_full_disk_in_wal_mode(void **state)
{
    sweep_faults(*state, "WAL", FAULT_FULL, true);
}

/* No connection is open when this forks, so the child has SQLite to itself. */
static bool kill_at(struct sweep *sweep, int at)
{
    int status = 0;
    pid_t child = 0;

    restore(sweep);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct runner_result result = { 0 };
        struct error err = { 0 };

        fault_arm(FAULT_KILL, at, 0);
        _exit(run(sweep, &result, &err) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    expect_whole_and_repeatable(sweep, at);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status);
}

static void sweep_kills(struct place *place, const char *journal_mode)
{
    struct sweep sweep = sweep_begin(place, journal_mode);
    int at = 1;

    while (at < OPERATIONS_MAX && kill_at(&sweep, at))
        at++;
    tell("%s: killed %d times", journal_mode, at - 1);
    assert_true(at > 10);
    assert_true(at < OPERATIONS_MAX);
}

static void test_killed_in_delete_mode(void **state)
{
    sweep_kills(*state, "DELETE");
}

static void test_killed_in_wal_mode(void **state)
{
    sweep_kills(*state, "WAL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_io_error_once_in_delete_mode),
        place_test(test_io_error_for_ever_in_delete_mode),
        place_test(test_io_error_once_in_wal_mode),
        place_test(test_io_error_for_ever_in_wal_mode),
        place_test(test_full_disk_in_delete_mode),
        place_test(test_full_disk_in_wal_mode),
        place_test(test_killed_in_delete_mode),
        place_test(test_killed_in_wal_mode),
    };

    fault_vfs_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
