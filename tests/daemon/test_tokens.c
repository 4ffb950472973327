/*
 * test_tokens.c - token files, good and bad.
 */
#include "tests/daemon/directory.h"

#include "base/attr.h"
#include "daemon/tokens.h"

/* 64 digits of what some secret's SHA-256 might be. */
#define SHA_A  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define LINE_A "ci:operate:sha256:" SHA_A
#define LINE_B "grafana:read:sha256:" SHA_B

static struct arena arena;

static int setup(void **state)
{
    (void) unsetenv("CREDENTIALS_DIRECTORY");
    return directory_make(state);
}

static int teardown(void **state)
{
    arena_release(&arena);
    return directory_remove(state);
}

static bool read_text(const char *text, mode_t mode, struct tokens *tokens, struct error *err)
{
    struct config config = { .token_file = "t" };

    *err = (struct error){ .code = ERR_OK };
    directory_write("t", text, mode);
    return tokens_read(&config, &arena, tokens, err);
}

static void lines_are_names_access_and_digests(void **state)
{
    struct error err;
    struct tokens tokens;

    (void) state;
    assert_true(read_text("# deploys\n\n" LINE_A "\r\n  " LINE_B, 0600, &tokens, &err));
    assert_int_equal(tokens.count, 2);
    assert_string_equal(tokens.items[0].name, "ci");
    assert_int_equal(tokens.items[0].access, ACCESS_OPERATE);
    assert_int_equal(tokens.items[0].digest[31], 0xaa);
    assert_string_equal(tokens.items[1].name, "grafana");
    assert_int_equal(tokens.items[1].access, ACCESS_READ);
    assert_int_equal(tokens.items[1].digest[15], 0xff);
}

static void a_mistake_is_told_with_its_line_and_without_its_text(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
    } cases[] = {
        { "\nschemad_" SHA_A "\n", 2 },
        { "ci:schemad_" SHA_A, 1 },
        { LINE_B "\n# ci\nci:all:sha256:" SHA_A "\n", 3 },
        { LINE_A "\n" LINE_B "\n" LINE_A "\n", 3 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err;
        struct tokens tokens;

        assert_false(read_text(cases[i].text, 0600, &tokens, &err));
        assert_int_equal(err.code, ERR_CONFIG_INVALID);
        assert_string_equal(err.file, "t");
        assert_int_equal(err.line, cases[i].line);
        assert_null(strstr(err.detail, SHA_A));
        assert_null(strstr(err.hint, SHA_A));
    }
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0610, 0644 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        struct error err;
        struct tokens tokens;

        assert_false(read_text(LINE_A, modes[i], &tokens, &err));
        assert_int_equal(err.code, ERR_CONFIG_INVALID);
        assert_non_null(strstr(err.hint, "chmod 600"));
    }
}

/* The last token was revoked: nobody comes in by one, but the daemon starts and reloads. */
static void a_file_may_hold_no_token(void **state)
{
    struct error err;
    struct tokens tokens;

    (void) state;
    assert_true(read_text("# none\n", 0600, &tokens, &err));
    assert_int_equal(tokens.count, 0);
}

static void a_configured_file_is_there(void **state)
{
    struct config missing = { .token_file = "missing" };
    struct config directory = { .token_file = "." };
    struct error err = { .code = ERR_OK };
    struct tokens tokens;

    (void) state;
    assert_false(tokens_read(&missing, &arena, &tokens, &err));
    assert_int_equal(err.code, ERR_IO);
    err = (struct error){ .code = ERR_OK };
    assert_false(tokens_read(&directory, &arena, &tokens, &err));
    assert_int_equal(err.code, ERR_IO);
}

static void the_credential_is_used_when_no_file_is_set(void **state)
{
    struct config config = { .token_file = NULL };
    struct error err = { .code = ERR_OK };
    struct tokens tokens;

    (void) state;
    assert_true(tokens_read(&config, &arena, &tokens, &err));
    assert_int_equal(tokens.count, 0);

    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", ".", 1), 0);
    assert_true(tokens_read(&config, &arena, &tokens, &err));
    assert_int_equal(tokens.count, 0);
    directory_write("token", "", 0400);
    assert_true(tokens_read(&config, &arena, &tokens, &err));
    assert_int_equal(tokens.count, 0);
    assert_int_equal(remove("token"), 0);
    directory_write("token", LINE_A "\n", 0400);
    assert_true(tokens_read(&config, &arena, &tokens, &err));
    assert_int_equal(tokens.count, 1);
    assert_string_equal(tokens.items[0].name, "ci");
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

#define token_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        token_test(lines_are_names_access_and_digests),
        token_test(a_mistake_is_told_with_its_line_and_without_its_text),
        token_test(a_file_that_others_can_read_is_refused),
        token_test(a_configured_file_is_there),
        token_test(a_file_may_hold_no_token),
        token_test(the_credential_is_used_when_no_file_is_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
