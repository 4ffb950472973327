/*
 * test_tokens.c - token files, good and bad.
 */
#include "tests/daemon/directory.h"

#include "base/attr.h"
#include "base/digest.h"
#include "daemon/tokens.h"

#define TOKEN_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb="

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

static void assert_token(const struct api_token *token, const char *name, const char *text)
{
    unsigned char digest[DIGEST_SIZE];

    digest_sha256(text, strlen(text), digest);
    assert_string_equal(token->name, name);
    assert_memory_equal(token->digest, digest, sizeof(digest));
}

static void lines_are_names_and_tokens(void **state)
{
    struct error err;
    struct tokens tokens;

    (void) state;
    assert_true(read_text("# deploys\n\nci: " TOKEN_A "\r\n" TOKEN_B, 0600, &tokens, &err));
    assert_int_equal(tokens.count, 2);
    assert_token(&tokens.items[0], "ci", TOKEN_A);
    assert_token(&tokens.items[1], "default", TOKEN_B);
}

static void a_mistake_is_told_without_the_token(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *detail;
    } cases[] = {
        { "\nci:secret\n", 2, "token has 6 bytes and needs 32" },
        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1, "token has 31 bytes and needs 32" },
        { "c i:" TOKEN_A, 1, "token has no valid name" },
        { ":" TOKEN_A, 1, "token has no valid name" },
        { "ci:" TOKEN_A " x", 1, "token holds a character that no token has" },
        { "ci:" TOKEN_A "\nci:" TOKEN_B, 2, "token 'ci' is there twice" },
        { TOKEN_A "\n" TOKEN_B, 2, "token 'default' is there twice" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err;
        struct tokens tokens;

        assert_false(read_text(cases[i].text, 0600, &tokens, &err));
        assert_int_equal(err.code, ERR_CONFIG_INVALID);
        assert_string_equal(err.detail, cases[i].detail);
        assert_string_equal(err.file, "t");
        assert_int_equal(err.line, cases[i].line);
        assert_null(strstr(err.hint, TOKEN_A));
    }
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0610, 0644 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        struct error err;
        struct tokens tokens;

        assert_false(read_text(TOKEN_A, modes[i], &tokens, &err));
        assert_int_equal(err.code, ERR_CONFIG_INVALID);
        assert_non_null(strstr(err.hint, "chmod 600"));
    }
}

static void a_configured_file_holds_a_token(void **state)
{
    struct config missing = { .token_file = "missing" };
    struct config directory = { .token_file = "." };
    struct error err;
    struct tokens tokens;

    (void) state;
    assert_false(read_text("# none\n", 0600, &tokens, &err));
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
    err = (struct error){ .code = ERR_OK };
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
    directory_write("token", TOKEN_A "\n", 0400);
    assert_true(tokens_read(&config, &arena, &tokens, &err));
    assert_int_equal(tokens.count, 1);
    assert_token(&tokens.items[0], "default", TOKEN_A);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

#define token_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        token_test(lines_are_names_and_tokens),
        token_test(a_mistake_is_told_without_the_token),
        token_test(a_file_that_others_can_read_is_refused),
        token_test(a_configured_file_holds_a_token),
        token_test(the_credential_is_used_when_no_file_is_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
