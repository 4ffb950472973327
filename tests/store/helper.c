/*
 * helper.c - the other process of the store tests: `helper VERB DATABASE [DIRECTORY]`.
 *
 * Says "ready" on its standard output when the test may go on, and ends when its standard input
 * does (or when it is killed). A fork would share SQLite's bookkeeping of locks with the test, so
 * this is a program of its own.
 */
#include "base/arena.h"
#include "store/backup.h"

#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_told_to_end(int timeout_ms)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

    return poll(&input, 1, timeout_ms) > 0;
}

static void say_ready(void)
{
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        _exit(3);
}

static int open_database(const char *path, sqlite3 **ret)
{
    int code = sqlite3_open(path, ret);

    sqlite3_busy_timeout(*ret, 10000);
    return code;
}

/* Commits all the time. */
static int write_on(const char *path)
{
    sqlite3 *handle = NULL;
    bool is_first = true;

    open_database(path, &handle);
    while (!is_told_to_end(1)) {
        if (sqlite3_exec(handle, "INSERT INTO log (text) VALUES (hex(randomblob(100)))", NULL, NULL,
                         NULL) != SQLITE_OK)
            return 1;
        if (is_first)
            say_ready();
        is_first = false;
    }
    sqlite3_close(handle);
    return 0;
}

/* Runs SQL and keeps its transaction open. */
static int hold(const char *path, const char *sql)
{
    sqlite3 *handle = NULL;

    open_database(path, &handle);
    if (sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return 1;
    say_ready();
    while (!is_told_to_end(1000))
        continue;
    sqlite3_close(handle);
    return 0;
}

/* In the middle of its copy: ready to be killed. */
static void stop_in_the_middle(void *data, const struct run_progress *progress)
{
    (void) data;
    if (progress->permille == 0)
        return;
    say_ready();
    while (!is_told_to_end(1000))
        continue;
}

static int back_up(const char *path, const char *directory)
{
    struct run_hooks hooks = { .progress = stop_in_the_middle };
    struct backup_options options = {
        .directory = directory,
        .version_table = "alembic_version",
        .prefix = "content",
        .hooks = &hooks,
    };
    struct arena arena = { 0 };
    struct backup_info info = { 0 };
    struct error err = { 0 };

    return backup_run(path, &options, &arena, &info, &err) ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "write") == 0)
        return write_on(argv[2]);
    if (argc == 4 && strcmp(argv[1], "hold") == 0)
        return hold(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "backup") == 0)
        return back_up(argv[2], argv[3]);
    return 2;
}
