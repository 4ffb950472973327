/*
 * child.c - posix_spawn(3) of a shell.
 */
#include "cli/child.h"

#include "base/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What the child's descriptor 0 shall be; -1: what it is. */
static bool spawn(const char *const *words, int input, pid_t *ret_pid, struct error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t usual;
    int result = 0;

    if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attributes) != 0)
        oom();
    (void) sigemptyset(&usual);
    (void) sigaddset(&usual, SIGINT);
    (void) sigaddset(&usual, SIGQUIT);
    (void) sigaddset(&usual, SIGPIPE);
    (void) posix_spawnattr_setsigdefault(&attributes, &usual);
    (void) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (input >= 0 && posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO) != 0)
        oom();
    result = posix_spawn(ret_pid, "/bin/sh", &actions, &attributes,
                         (char *const *) (uintptr_t) words, environ);
    (void) posix_spawn_file_actions_destroy(&actions);
    (void) posix_spawnattr_destroy(&attributes);
    return result == 0 || error_set_errno(err, ERR_IO, result, "could not begin /bin/sh");
}

static int wait_for(pid_t pid)
{
    int status = 0;
    pid_t ended = 0;

    do
        ended = waitpid(pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The keyboard's signals are the child's while it is waited for. */
struct deafness {
    struct sigaction on_interrupt;
    struct sigaction on_quit;
};

static void deafness_begin(struct deafness *deafness)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    (void) sigaction(SIGINT, &ignore, &deafness->on_interrupt);
    (void) sigaction(SIGQUIT, &ignore, &deafness->on_quit);
}

static void deafness_end(const struct deafness *deafness)
{
    (void) sigaction(SIGINT, &deafness->on_interrupt, NULL);
    (void) sigaction(SIGQUIT, &deafness->on_quit, NULL);
}

bool child_run(const char *command, const struct str_list *words, struct arena *arena,
               int *ret_status, struct error *err)
{
    const char **all = arena_array(arena, const char *, words->count + 5);
    size_t count = 0;
    struct deafness deafness;
    pid_t pid = 0;
    bool is_done = false;

    all[count++] = "sh";
    all[count++] = "-c";
    all[count++] = arena_printf(arena, "%s \"$@\"", command);
    all[count++] = command;
    for (size_t i = 0; i < words->count; i++)
        all[count++] = words->items[i];
    all[count] = NULL;
    deafness_begin(&deafness);
    is_done = spawn(all, -1, &pid, err);
    if (is_done)
        *ret_status = wait_for(pid);
    deafness_end(&deafness);
    return is_done;
}

bool child_reader_open(const char *command, struct child_reader *ret, struct error *err)
{
    const char *const words[] = { "sh", "-c", command, NULL };
    int ends[2] = { -1, -1 };
    bool is_done = false;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, ERR_IO, errno, "could not make a pipe");
    is_done = spawn(words, ends[0], &ret->pid, err);
    (void) close(ends[0]);
    ret->in = is_done ? fdopen(ends[1], "w") : NULL;
    if (ret->in == NULL)
        (void) close(ends[1]);
    return is_done;
}

void child_reader_close(struct child_reader *reader)
{
    struct deafness deafness;

    if (reader->in == NULL)
        return;
    deafness_begin(&deafness);
    (void) fclose(reader->in);
    reader->in = NULL;
    (void) wait_for(reader->pid);
    deafness_end(&deafness);
}
