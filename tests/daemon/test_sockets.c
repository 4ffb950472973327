/*
 * test_sockets.c - binding without stepping on anybody's socket. Sockets from systemd are met in
 * tests/e2e and tests/systemd.
 */
#include "tests/daemon/directory.h"

#include "daemon/sockets.h"

#include <sys/socket.h>
#include <sys/un.h>

static int setup(void **state)
{
    (void) unsetenv("LISTEN_FDS");
    (void) unsetenv("LISTEN_PID");
    return directory_make(state);
}

static struct config config_at(const char *path)
{
    return (struct config){ .socket = path };
}

static void assert_refused(const struct config *config, enum error_code code, const char *detail)
{
    struct error err = { .code = ERR_OK };
    struct sockets sockets;

    assert_false(sockets_open(config, &sockets, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.detail, detail));
}

static mode_t mode_of(const char *path)
{
    struct stat status;

    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode;
}

static void a_socket_is_bound_for_owner_and_group_and_removed(void **state)
{
    struct config config = config_at("s");
    struct error err = { .code = ERR_OK };
    struct sockets sockets;

    (void) state;
    assert_true(sockets_open(&config, &sockets, &err));
    assert_int_equal(sockets.count, 1);
    assert_int_equal(sockets.items[0].kind, LISTEN_UNIX);
    assert_int_equal(mode_of("s"), S_IFSOCK | 0660);
    sockets_close(&sockets);
    assert_int_equal(access("s", F_OK), -1);
}

static void whoever_is_named_can_connect_and_is_asked_who_he_is(void **state)
{
    static const char *somebody[] = { "*", "@deploy" };
    const struct str_list named = { somebody, 2, 2 }, anybody = { somebody, 1, 1 };
    const struct {
        struct access_lists peers;
        mode_t mode;
    } cases[] = {
        { { .read = anybody }, 0660 },
        { { .read = named }, 0666 },
        { { .read = anybody, .operate = named }, 0666 },
        { { .read = anybody, .destroy = named }, 0666 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct config config = { .socket = "s", .peers = cases[i].peers };
        struct error err = { .code = ERR_OK };
        struct sockets sockets;

        assert_true(sockets_open(&config, &sockets, &err));
        assert_int_equal(mode_of("s"), S_IFSOCK | cases[i].mode);
        sockets_close(&sockets);
    }
}

static void a_live_daemon_is_left_alone(void **state)
{
    struct config config = config_at("s");
    struct error err = { .code = ERR_OK };
    struct sockets first, second;

    (void) state;
    assert_true(sockets_open(&config, &first, &err));
    assert_refused(&config, ERR_IO, "another process does");
    assert_int_equal(mode_of("s"), S_IFSOCK | 0660);
    sockets_close(&first);
    assert_true(sockets_open(&config, &second, &err));
    sockets_close(&second);
}

static void a_stale_socket_is_taken_over(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "s" };
    struct config config = config_at("s");
    struct error err = { .code = ERR_OK };
    struct sockets sockets;
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);

    (void) state;
    assert_int_equal(bind(dead, (const struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(close(dead), 0);
    assert_true(sockets_open(&config, &sockets, &err));
    sockets_close(&sockets);
}

static void what_is_no_socket_is_left_alone(void **state)
{
    struct config file = config_at("file"), link = config_at("link"), directory = config_at("dir");

    (void) state;
    directory_write("file", "precious", 0600);
    assert_int_equal(symlink("file", "link"), 0);
    assert_int_equal(mkdir("dir", 0700), 0);
    assert_refused(&file, ERR_IO, "a regular file is there");
    assert_refused(&link, ERR_IO, "a symbolic link is there");
    assert_refused(&directory, ERR_IO, "a directory is there");
    assert_int_equal(mode_of("file"), S_IFREG | 0600);
}

static void a_path_that_cannot_be_bound_is_told(void **state)
{
    char long_path[200];
    struct config missing = config_at("missing/s"), too_long;

    (void) state;
    assert_refused(&missing, ERR_IO, "could not open the directory of 'missing/s'");
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    too_long = config_at(long_path);
    assert_refused(&too_long, ERR_CONFIG_INVALID, "has 199 bytes, and the kernel takes 107");
}

static void a_socket_that_is_not_ours_any_more_stays(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "s" };
    struct config config = config_at("s");
    struct error err = { .code = ERR_OK };
    struct sockets sockets;
    int other = socket(AF_UNIX, SOCK_STREAM, 0);

    (void) state;
    assert_true(sockets_open(&config, &sockets, &err));
    assert_int_equal(rename("s", "aside"), 0); /* keeps the inode, so that the new one differs */
    assert_int_equal(bind(other, (const struct sockaddr *) &address, sizeof(address)), 0);
    sockets_close(&sockets);
    assert_int_equal(mode_of("s") & S_IFMT, S_IFSOCK);
    assert_int_equal(close(other), 0);
}

static void tcp_is_bound_as_well(void **state)
{
    struct config config = config_at("s");
    struct error err = { .code = ERR_OK };
    struct sockets sockets;

    (void) state;
    config.tcp = "127.0.0.1:0";
    assert_true(sockets_open(&config, &sockets, &err));
    assert_int_equal(sockets.count, 2);
    assert_int_equal(sockets.items[1].kind, LISTEN_TCP);
    assert_int_equal(strncmp(sockets.items[1].name, "127.0.0.1:", 10), 0);
    assert_int_equal(fcntl(sockets.items[1].fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);

    /* The port is in use now, and what was opened before that is found out is closed again. */
    config = config_at("other");
    config.tcp = sockets.items[1].name;
    assert_refused(&config, ERR_IO, "could not listen on '127.0.0.1:");
    assert_int_equal(access("other", F_OK), -1);
    sockets_close(&sockets);
}

static void sockets_for_another_process_are_not_ignored(void **state)
{
    struct config config = config_at("s");

    (void) state;
    assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
    assert_int_equal(setenv("LISTEN_PID", "1", 1), 0);
    assert_refused(&config, ERR_IO, "sockets were passed to process 1");
}

#define socket_test(name) cmocka_unit_test_setup_teardown(name, setup, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(a_socket_is_bound_for_owner_and_group_and_removed),
        socket_test(whoever_is_named_can_connect_and_is_asked_who_he_is),
        socket_test(a_live_daemon_is_left_alone),
        socket_test(a_stale_socket_is_taken_over),
        socket_test(what_is_no_socket_is_left_alone),
        socket_test(a_path_that_cannot_be_bound_is_told),
        socket_test(a_socket_that_is_not_ours_any_more_stays),
        socket_test(tcp_is_bound_as_well),
        socket_test(sockets_for_another_process_are_not_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
