/*
 * test_file.c - whole files in and out, in a directory of their own that is removed afterwards.
 */
#include "tests/unit/unit.h"

#include "base/file.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
    struct arena arena;
    char directory[64];
};

static int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *tmp = getenv("TMPDIR");

    assert_non_null(f);
    (void) snprintf(f->directory, sizeof(f->directory), "%.40s/schemad-file-XXXXXX",
                    tmp != NULL && strlen(tmp) <= 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->directory));
    *state = f;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void) st;
    (void) kind;
    (void) where;
    return remove(path);
}

static int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    int rc = nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

    arena_release(&f->arena);
    free(f);
    return rc;
}

static char *path_of(struct fixture *f, const char *name)
{
    return arena_printf(&f->arena, "%s/%s", f->directory, name);
}

static void put(struct fixture *f, const char *name, const char *bytes, size_t len)
{
    struct error err = { 0 };

    assert_true(file_write_new(path_of(f, name), bytes, len, 0600, &err));
}

static void expect_error(const struct error *err, enum error_code code, const char *words)
{
    assert_int_equal(err->code, code);
    if (strstr(err->detail, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err->detail, words);
}

static void what_was_written_is_read(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct str got;
    struct stat st;

    put(f, "a", "one\0two", 7);
    assert_true(file_read(AT_FDCWD, path_of(f, "a"), 7, &f->arena, &got, &err));
    assert_int_equal(got.len, 7);
    assert_memory_equal(got.ptr, "one\0two", 8);
    assert_int_equal(stat(path_of(f, "a"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void an_empty_file_is_an_empty_text(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct str got = { NULL, 99 };

    put(f, "empty", "", 0);
    assert_true(file_read(AT_FDCWD, path_of(f, "empty"), 0, &f->arena, &got, &err));
    assert_int_equal(got.len, 0);
    assert_string_equal(got.ptr, "");
}

static void a_name_is_looked_up_in_the_given_directory(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct str got;
    cleanup_fd int dir_fd = open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    put(f, "a", "here", 4);
    assert_true(file_read(dir_fd, "a", 100, &f->arena, &got, &err));
    assert_true(str_is(got, "here"));
}

static void a_file_above_the_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct str got;

    put(f, "big", "12345678", 8);
    assert_false(file_read(AT_FDCWD, path_of(f, "big"), 7, &f->arena, &got, &err));
    expect_error(&err, ERR_IO, "/big\": it has 8 bytes, at most 7 are allowed");
}

static void a_missing_file_is_named(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct str got;

    assert_false(file_read(AT_FDCWD, path_of(f, "none"), 7, &f->arena, &got, &err));
    expect_error(&err, ERR_IO, "/none\": No such file or directory");
}

static void only_regular_files_are_read_and_a_fifo_does_not_hang(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        const char *words;
    } cases[] = {
        { "directory", "/directory\": it is a directory" },
        { "fifo", "/fifo\": it is a FIFO" },
        { "device", "/device\": it is a device" },
        { "socket", "/socket\"" },
    };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", f->directory);
    assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
    assert_int_equal(mkdir(path_of(f, "directory"), 0700), 0);
    assert_int_equal(mkfifo(path_of(f, "fifo"), 0600), 0);
    assert_int_equal(symlink("/dev/null", path_of(f, "device")), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = { 0 };
        struct str got;

        assert_false(file_read(AT_FDCWD, path_of(f, cases[i].name), 100, &f->arena, &got, &err));
        expect_error(&err, ERR_IO, cases[i].words);
    }
}

static void an_existing_file_is_never_overwritten(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct str got;

    put(f, "a", "old", 3);
    assert_false(file_write_new(path_of(f, "a"), "new", 3, 0600, &err));
    expect_error(&err, ERR_IO, "/a\": File exists");
    assert_true(file_read(AT_FDCWD, path_of(f, "a"), 3, &f->arena, &got, &err));
    assert_true(str_is(got, "old"));
}

static void a_partly_written_file_is_removed(void **state)
{
    struct fixture *f = *state;
    static const char bytes[8192];
    struct error err = { 0 };
    struct rlimit before;
    struct rlimit small;
    bool ok;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){ .rlim_cur = 4096, .rlim_max = before.rlim_max };
    (void) signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    ok = file_write_new(path_of(f, "cut"), bytes, sizeof(bytes), 0600, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

    assert_false(ok);
    expect_error(&err, ERR_IO, "could not write file");
    expect_error(&err, ERR_IO, "/cut\": File too large");
    assert_int_equal(access(path_of(f, "cut"), F_OK), -1);
}

static void missing_parents_are_created(void **state)
{
    struct fixture *f = *state;
    struct error err = { 0 };
    struct stat st;

    assert_true(directory_ensure(path_of(f, "a/b/c"), 0700, &err));
    assert_int_equal(stat(path_of(f, "a/b/c"), &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_true(directory_ensure(path_of(f, "a/b"), 0755, &err));
    assert_true(directory_ensure(path_of(f, "a//x/"), 0700, &err));
    assert_true(directory_ensure("/", 0700, &err));
    assert_true(directory_ensure(".", 0700, &err));
    assert_true(directory_sync(path_of(f, "a/x"), &err));
}

static void what_cannot_become_a_directory_is_told(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        const char *words;
    } cases[] = {
        { "plain", "/plain\": a file of that name exists" },
        { "plain/below", "/plain/below\": Not a directory" },
    };
    struct error empty = { 0 };
    struct error missing = { 0 };

    put(f, "plain", "", 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = { 0 };

        assert_false(directory_ensure(path_of(f, cases[i].name), 0700, &err));
        expect_error(&err, ERR_IO, cases[i].words);
    }
    assert_false(directory_ensure("", 0700, &empty));
    expect_error(&empty, ERR_IO, "No such file or directory");
    assert_false(directory_sync(path_of(f, "none"), &missing));
    expect_error(&missing, ERR_IO, "/none\"");
}

static void paths_are_split_at_the_last_slash(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path;
        const char *directory;
        const char *base;
    } cases[] = {
        { "/var/lib/content.db", "/var/lib", "content.db" },
        { "content.db", ".", "content.db" },
        { "/content.db", "/", "content.db" },
        { "a/", "a", "" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(path_directory(cases[i].path, &f->arena), cases[i].directory);
        assert_string_equal(path_base(cases[i].path), cases[i].base);
    }
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fixture(what_was_written_is_read),
        with_fixture(an_empty_file_is_an_empty_text),
        with_fixture(a_name_is_looked_up_in_the_given_directory),
        with_fixture(a_file_above_the_limit_is_refused),
        with_fixture(a_missing_file_is_named),
        with_fixture(only_regular_files_are_read_and_a_fifo_does_not_hang),
        with_fixture(an_existing_file_is_never_overwritten),
        with_fixture(a_partly_written_file_is_removed),
        with_fixture(missing_parents_are_created),
        with_fixture(what_cannot_become_a_directory_is_told),
        with_fixture(paths_are_split_at_the_last_slash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
