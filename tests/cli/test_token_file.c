/*
 * test_token_file.c - token files are changed as a whole, by one at a time, and stay private.
 */
#include "tests/unit/unit.h"

#include "base/arena.h"
#include "base/file.h"
#include "cli/token_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HASH_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct arena arena;
static char directory[64];
static const char *path;

static int make_directory(void **state)
{
    (void) state;
    (void) snprintf(directory, sizeof(directory), "%s", "/tmp/schemad-token-XXXXXX");
    assert_non_null(mkdtemp(directory));
    path = arena_printf(&arena, "%s/tokens", directory);
    return 0;
}

/* Also: nothing but what a test made by name is in it. */
static int remove_directory(void **state)
{
    (void) state;
    (void) unlink(path);
    (void) unlink(arena_printf(&arena, "%s/link", directory));
    assert_int_equal(rmdir(directory), 0);
    arena_release(&arena);
    return 0;
}

static void put(const char *text, mode_t mode)
{
    struct error err = { 0 };

    assert_true(file_write_new(path, text, strlen(text), mode, &err));
    assert_int_equal(chmod(path, mode), 0);
}

static const char *text_of_file(void)
{
    struct str text;
    struct error err = { 0 };

    assert_true(file_read(AT_FDCWD, path, 65536, &arena, &text, &err));
    return text.ptr;
}

static const char *names(void)
{
    struct token_list tokens;
    struct str_list list = { 0 };
    struct error err = { 0 };

    if (!token_file_read(path, &arena, &tokens, &err))
        fail_msg("%s", err.detail);
    for (size_t i = 0; i < tokens.count; i++)
        str_list_add(&list, &arena, tokens.items[i].name);
    return str_list_join(&list, " ", &arena);
}

static void add(const char *name)
{
    char line[TOKEN_LINE_SIZE];
    struct error err = { 0 };

    token_line_format(name, ACCESS_OPERATE, "secret", line);
    if (!token_file_add(path, name, line, &err))
        fail_msg("%s", err.detail);
}

static void the_first_token_makes_a_private_file(void **state)
{
    struct stat st;

    (void) state;
    add("ci");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    add("deploy");
    assert_string_equal(names(), "ci deploy");
}

static void comments_and_the_lines_of_others_stay(void **state)
{
    static const char before[] =
        "# ours\n\na:read:sha256:" HASH_A "\n  # b:\nab:operate:sha256:" HASH_A
        "\nb:destroy:sha256:" HASH_A; /* no line end */
    struct error err = { 0 };

    (void) state;
    put(before, 0600);
    add("c");
    assert_int_equal(strncmp(text_of_file(), before, strlen(before)), 0);
    assert_string_equal(names(), "a ab b c");
    assert_true(token_file_remove(path, "a", &err));
    assert_true(token_file_remove(path, "c", &err));
    assert_string_equal(text_of_file(), "# ours\n\n  # b:\nab:operate:sha256:" HASH_A
                                        "\nb:destroy:sha256:" HASH_A "\n");
}

static void the_owner_stays(void **state)
{
    struct stat st;
    struct error err = { 0 };

    (void) state;
    if (geteuid() != 0)
        skip();
    put("a:read:sha256:" HASH_A "\n", 0600);
    assert_int_equal(chown(path, 12345, 54321), 0);
    add("b");
    assert_true(token_file_remove(path, "a", &err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 12345);
    assert_int_equal(st.st_gid, 54321);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void what_cannot_be_done_says_why(void **state)
{
    static const char good[] = "a:read:sha256:" HASH_A "\n";
    static const struct {
        const char *text; /* NULL: no file */
        mode_t mode;
        const char *adds;    /* or */
        const char *removes; /* or neither: reads */
        enum error_code code;
        unsigned line;
        const char *detail;
        const char *hint;
    } cases[] = {
        { NULL, 0, NULL, NULL, ERR_IO, 0, "No such file", "" },
        { NULL, 0, NULL, "a", ERR_IO, 0, "No such file", "" },
        { good, 0600, "a", NULL, ERR_ARGUMENT_INVALID, 0, "\"a\" is in", "Revoke" },
        { good, 0600, NULL, "ab", ERR_NOT_FOUND, 0, "no token \"ab\"", "" },
        { good, 0640, NULL, NULL, ERR_CONFIG_INVALID, 0, "mode 0640", "chmod 600" },
        { good, 0604, "b", NULL, ERR_CONFIG_INVALID, 0, "mode 0604", "chmod 600" },
        { good, 0660, NULL, "a", ERR_CONFIG_INVALID, 0, "mode 0660", "chmod 600" },
        { "# x\nnonsense\n", 0600, NULL, NULL, ERR_CONFIG_INVALID, 2, "", "" },
        { "# x\n\nnonsense\n", 0600, "b", NULL, ERR_CONFIG_INVALID, 3, "", "" },
        { "nonsense\n", 0600, NULL, "a", ERR_CONFIG_INVALID, 1, "", "" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct token_list tokens;
        struct error err = { 0 };
        bool is_done = false;

        if (cases[i].text != NULL)
            put(cases[i].text, cases[i].mode);
        if (cases[i].adds != NULL)
            is_done = token_file_add(path, cases[i].adds, "b:read:sha256:" HASH_A, &err);
        else if (cases[i].removes != NULL)
            is_done = token_file_remove(path, cases[i].removes, &err);
        else
            is_done = token_file_read(path, &arena, &tokens, &err);
        if (is_done || err.code != cases[i].code || err.line != cases[i].line ||
            strstr(err.detail, cases[i].detail) == NULL || strstr(err.hint, cases[i].hint) == NULL)
            fail_msg("case %zu: %s / %s", i, err.detail, err.hint);
        if (cases[i].text != NULL)
            assert_string_equal(text_of_file(), cases[i].text);
        (void) unlink(path);
    }
}

static void links_and_other_things_are_not_written_through(void **state)
{
    const char *link = arena_printf(&arena, "%s/link", directory);
    struct error err = { 0 };

    (void) state;
    put("", 0600);
    assert_int_equal(symlink(path, link), 0);
    assert_false(token_file_add(link, "a", "a:read:sha256:" HASH_A, &err));
    assert_non_null(strstr(err.detail, "symbolic link"));
    assert_string_equal(text_of_file(), "");
    assert_int_equal(unlink(link), 0);
    assert_int_equal(mkfifo(link, 0600), 0);
    error_clear(&err);
    assert_false(token_file_add(link, "a", "a:read:sha256:" HASH_A, &err));
    assert_non_null(strstr(err.detail, "FIFO"));
}

/* Two processes, each adding and revoking its own: no change of either is lost. */
static void changes_at_the_same_time_wait_for_each_other(void **state)
{
    enum {
        PROCESSES = 2,
        ROUNDS = 40
    };
    pid_t pids[PROCESSES];

    (void) state;
    for (int process = 0; process < PROCESSES; process++) {
        pids[process] = fork();
        assert_true(pids[process] >= 0);
        if (pids[process] != 0)
            continue;
        for (int round = 0; round < ROUNDS; round++) {
            struct error err = { 0 };
            const char *name = arena_printf(&arena, "p%d-%02d", process, round);
            const char *line = arena_printf(&arena, "%s:read:sha256:" HASH_A, name);

            if (!token_file_add(path, name, line, &err) ||
                (round % 2 == 1 && !token_file_remove(path, name, &err)))
                _exit(1);
        }
        _exit(0);
    }
    for (int process = 0; process < PROCESSES; process++) {
        int status = -1;

        assert_int_equal(waitpid(pids[process], &status, 0), pids[process]);
        assert_int_equal(status, 0);
    }
    for (int process = 0; process < PROCESSES; process++) {
        for (int round = 0; round < ROUNDS; round++)
            assert_int_equal(strstr(names(), arena_printf(&arena, "p%d-%02d", process, round)) !=
                                 NULL,
                             round % 2 == 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_token_makes_a_private_file, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(comments_and_the_lines_of_others_stay, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(the_owner_stays, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(what_cannot_be_done_says_why, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(links_and_other_things_are_not_written_through,
                                        make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(changes_at_the_same_time_wait_for_each_other,
                                        make_directory, remove_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
