/*
 * test_lock.c - one holder at a time, and the loser is told who it is.
 *
 * OFD locks conflict between open files, so that two takes in one process stand for two processes;
 * only death needs a real one.
 */
#include "support.h"

#include "engine/lock.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool take(struct site *site, const char *purpose, uint32_t timeout_ms,
                 struct schema_lock **ret, struct error *err)
{
    return schema_lock_take(site->settings.database, purpose, timeout_ms, ret, err);
}

static void test_the_loser_is_told_who_holds_it_and_for_what(void **state)
{
    struct site *site = *state;
    cleanup_schema_lock struct schema_lock *first = NULL;
    cleanup_schema_lock struct schema_lock *second = NULL;
    struct error err = { 0 };

    assert_ok(take(site, "upgrade to head", 0, &first, &err), &err);
    assert_error(take(site, "downgrade to -1", 0, &second, &err), &err, ERR_LOCKED,
                 arena_printf(&site->place->arena,
                              "held by pid %ld (test_engine_lock), for upgrade to head, since 20",
                              (long) getpid()));
    assert_contains(err.detail, "Z (0 s)");
    assert_contains(err.hint, "Wait");
}

static void test_a_released_lock_is_free_and_its_file_empty(void **state)
{
    struct site *site = *state;
    cleanup_schema_lock struct schema_lock *second = NULL;
    struct schema_lock *first = NULL;
    struct error err = { 0 };
    struct stat st;

    assert_ok(take(site, "upgrade to head", 0, &first, &err), &err);
    schema_lock_release(first);
    assert_int_equal(stat(place_file(site->place, "content.db.schemad-lock"), &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_ok(take(site, "upgrade to head", 0, &second, &err), &err);
}

static void *release_at_once(void *lock)
{
    schema_lock_release(lock);
    return NULL;
}

static void test_a_waiting_one_gets_it_when_it_is_released(void **state)
{
    struct site *site = *state;
    cleanup_schema_lock struct schema_lock *second = NULL;
    struct schema_lock *first = NULL;
    struct error err = { 0 };
    pthread_t thread;

    assert_ok(take(site, "first", 0, &first, &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, release_at_once, first), 0);
    assert_ok(take(site, "second", 60000, &second, &err), &err);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_the_kernel_frees_the_lock_of_a_killed_holder(void **state)
{
    struct site *site = *state;
    cleanup_schema_lock struct schema_lock *lock = NULL;
    struct error err = { 0 };
    int ready[2];
    char byte = 0;
    pid_t pid = 0;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        if (!take(site, "a run that dies", 0, &lock, &err) || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_error(take(site, "mine", 0, &lock, &err), &err, ERR_LOCKED, "for a run that dies");
    error_clear(&err);

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_ok(take(site, "mine", 0, &lock, &err), &err);
    close(ready[0]);
    close(ready[1]);
}

static void test_a_removed_lock_file_is_made_again(void **state)
{
    struct site *site = *state;
    cleanup_schema_lock struct schema_lock *second = NULL;
    cleanup_schema_lock struct schema_lock *third = NULL;
    struct schema_lock *first = NULL;
    struct error err = { 0 };

    assert_ok(take(site, "first", 0, &first, &err), &err);
    schema_lock_release(first);
    assert_int_equal(unlink(place_file(site->place, "content.db.schemad-lock")), 0);
    assert_ok(take(site, "second", 0, &second, &err), &err);
    assert_error(take(site, "third", 0, &third, &err), &err, ERR_LOCKED, "for second");
}

static void test_a_line_break_in_the_purpose_forges_nothing(void **state)
{
    struct site *site = *state;
    cleanup_schema_lock struct schema_lock *first = NULL;
    cleanup_schema_lock struct schema_lock *second = NULL;
    struct error err = { 0 };

    assert_ok(take(site, "upgrade to x\npid: 1\nprogram: init", 0, &first, &err), &err);
    assert_error(take(site, "mine", 0, &second, &err), &err, ERR_LOCKED,
                 "for upgrade to x?pid: 1?program: init, since");
}

static void test_a_text_that_says_nothing_is_not_believed(void **state)
{
    struct site *site = *state;
    cleanup_schema_lock struct schema_lock *first = NULL;
    cleanup_schema_lock struct schema_lock *second = NULL;
    struct error err = { 0 };

    assert_ok(take(site, "first", 0, &first, &err), &err);
    site_write(site, "content.db.schemad-lock", "pid 4711\nsince-us: yesterday\n");
    assert_error(take(site, "second", 0, &second, &err), &err, ERR_LOCKED,
                 "held by another process");
}

static void test_what_is_no_file_is_refused_without_hanging(void **state)
{
    struct site *site = *state;
    cleanup_schema_lock struct schema_lock *lock = NULL;
    const char *path = place_file(site->place, "content.db.schemad-lock");
    struct error err = { 0 };

    assert_int_equal(mkfifo(path, 0600), 0);
    assert_error(take(site, "mine", 0, &lock, &err), &err, ERR_IO, "no regular file");
    error_clear(&err);
    assert_int_equal(unlink(path), 0);

    assert_int_equal(symlink("elsewhere", path), 0);
    assert_error(take(site, "mine", 0, &lock, &err), &err, ERR_IO, "could not open lock file");
    assert_false(site_has(site, "elsewhere"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        site_test(test_the_loser_is_told_who_holds_it_and_for_what),
        site_test(test_a_released_lock_is_free_and_its_file_empty),
        site_test(test_a_waiting_one_gets_it_when_it_is_released),
        site_test(test_the_kernel_frees_the_lock_of_a_killed_holder),
        site_test(test_a_removed_lock_file_is_made_again),
        site_test(test_a_line_break_in_the_purpose_forges_nothing),
        site_test(test_a_text_that_says_nothing_is_not_believed),
        site_test(test_what_is_no_file_is_refused_without_hanging),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
