/*
 * test_oom.c - allocation that cannot fail, and the one line it says when it does.
 */
#include "tests/unit/unit.h"

#include "base/oom.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void even_nothing_is_allocated(void **state)
{
    char *nothing = xmalloc(0);
    char *zeroes = xcalloc(3, 4);
    char *none = xcalloc(0, 4);

    (void) state;
    assert_non_null(nothing);
    assert_non_null(none);
    assert_memory_equal(zeroes, "\0\0\0\0\0\0\0\0\0\0\0", 12);
    free(nothing);
    free(zeroes);
    free(none);
}

static void growing_keeps_what_is_there(void **state)
{
    char *text = xstrdup("content.db");

    (void) state;
    text = xrealloc(text, 100000);
    assert_string_equal(text, "content.db");
    text = xrealloc(text, 0);
    assert_non_null(text);
    free(text);
}

/* In a child, with stderr in a pipe and no core file. Returns its wait status. */
static int run_out_of_memory(char *said, size_t size)
{
    int ends[2];
    int status = 0;
    ssize_t len;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void) setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        (void) signal(SIGABRT, SIG_DFL);
        (void) dup2(ends[1], STDERR_FILENO);
        oom();
    }
    (void) close(ends[1]);
    len = read(ends[0], said, size - 1);
    said[len > 0 ? len : 0] = '\0';
    (void) close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void running_out_is_said_and_aborts(void **state)
{
    char said[64];
    int status = run_out_of_memory(said, sizeof(said));

    (void) state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_string_equal(said, "<2>out of memory, aborting\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(even_nothing_is_allocated),
        cmocka_unit_test(growing_keeps_what_is_there),
        cmocka_unit_test(running_out_is_said_and_aborts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
