/*
 * test_token.c - tokens: their secrets, their lines, and whose a secret is.
 */
#include "tests/unit/unit.h"

#include "api/token.h"
#include "api/token_set.h"
#include "base/digest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* printf %s secret | sha256sum */
#define DIGEST_OF_SECRET "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

static void secrets_are_long_and_never_the_same(void **state)
{
    char one[TOKEN_SECRET_SIZE];
    char other[TOKEN_SECRET_SIZE];
    struct error err = { 0 };

    (void) state;
    assert_true(token_secret_new(one, &err));
    assert_true(token_secret_new(other, &err));
    assert_int_equal(strlen(one), TOKEN_SECRET_SIZE - 1);
    assert_true(str_starts_with(str_of(one), TOKEN_SECRET_PREFIX));
    assert_int_equal(strspn(one + strlen(TOKEN_SECRET_PREFIX), "0123456789abcdef"), 64);
    assert_string_not_equal(one, other);
}

static void a_line_knows_its_secret_by_the_digest_only(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct api_token token = { 0 };
    struct error err = { 0 };
    char line[TOKEN_LINE_SIZE];
    unsigned char digest[DIGEST_SIZE];

    (void) state;
    token_line_format("ci", ACCESS_OPERATE, "secret", line);
    assert_string_equal(line, "ci:operate:sha256:" DIGEST_OF_SECRET);
    assert_true(token_line_parse(str_of(line), &arena, &token, &err));
    assert_string_equal(token.name, "ci");
    assert_int_equal(token.access, ACCESS_OPERATE);
    digest_sha256("secret", strlen("secret"), digest);
    assert_memory_equal(token.digest, digest, DIGEST_SIZE);
}

static void the_longest_line_fits(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct api_token token = { 0 };
    struct error err = { 0 };
    char name[TOKEN_NAME_MAX + 2];
    char line[TOKEN_LINE_SIZE];

    (void) state;
    memset(name, 'n', sizeof(name));
    name[TOKEN_NAME_MAX + 1] = '\0';
    assert_false(token_name_is_valid(name));
    name[TOKEN_NAME_MAX] = '\0';
    assert_true(token_name_is_valid(name));
    token_line_format(name, ACCESS_DESTROY, "secret", line);
    assert_int_equal(strlen(line), TOKEN_LINE_SIZE - 1);
    assert_true(token_line_parse(str_of(line), &arena, &token, &err));
    assert_string_equal(token.name, name);
}

static void names_are_plain(void **state)
{
    static const char *const good[] = { "a", "0", "ci-2.prod_EU", ".", "-" };
    static const char *const bad[] = { "", " ", "a b", "a:b", "a/b", "\xc3\xa4", "a\n" };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(token_name_is_valid(good[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(token_name_is_valid(bad[i]));
}

static void malformed_lines_are_refused_without_being_quoted(void **state)
{
    static const struct {
        const char *line;
        const char *detail;
    } rows[] = {
        { "", "line of a token is not NAME:ACCESS:sha256:DIGEST" },
        { "HUSH", "line of a token is not NAME:ACCESS:sha256:DIGEST" },
        { "ci:HUSH", "line of a token is not NAME:ACCESS:sha256:DIGEST" },
        { "ci:read:HUSH", "line of a token is not NAME:ACCESS:sha256:DIGEST" },
        { "ci:read:sha256:" DIGEST_OF_SECRET ":HUSH",
          "line of a token is not NAME:ACCESS:sha256:DIGEST" },
        { ":read:sha256:" DIGEST_OF_SECRET,
          "name of a token is not 1 to 64 letters, digits, '-', '.' and '_'" },
        { "HUSH HUSH:read:sha256:" DIGEST_OF_SECRET,
          "name of a token is not 1 to 64 letters, digits, '-', '.' and '_'" },
        { "HUSH:none:sha256:" DIGEST_OF_SECRET,
          "access of a token is not 'read', 'operate' or 'destroy'" },
        { "ci::sha256:" DIGEST_OF_SECRET,
          "access of a token is not 'read', 'operate' or 'destroy'" },
        { "ci:HUSH:sha256:" DIGEST_OF_SECRET,
          "access of a token is not 'read', 'operate' or 'destroy'" },
        { "ci:read:HUSH:" DIGEST_OF_SECRET,
          "digest of a token is not 'sha256:' and 64 lower-case hexadecimal digits" },
        { "HUSH:read:sha256:HUSH",
          "digest of a token is not 'sha256:' and 64 lower-case hexadecimal digits" },
        { "HUSH:read:sha256:",
          "digest of a token is not 'sha256:' and 64 lower-case hexadecimal digits" },
        { "ci:read:sha256:" DIGEST_OF_SECRET "0",
          "digest of a token is not 'sha256:' and 64 lower-case hexadecimal digits" },
        { "ci:read:sha256: " DIGEST_OF_SECRET,
          "digest of a token is not 'sha256:' and 64 lower-case hexadecimal digits" },
        { "ci:read:sha256:2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B",
          "digest of a token is not 'sha256:' and 64 lower-case hexadecimal digits" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct api_token token = { .name = "untouched" };
        struct error err = { 0 };

        if (token_line_parse(str_of(rows[i].line), &arena, &token, &err))
            fail_msg("row %zu was taken", i);
        assert_int_equal(err.code, ERR_CONFIG_INVALID);
        assert_string_equal(err.detail, rows[i].detail);
        assert_null(strstr(err.hint, "HUSH"));
        assert_string_equal(token.name, "untouched");
    }
}

static void a_nul_ends_no_part_early(void **state)
{
    static const char line[] = "ci\0x:read:sha256:" DIGEST_OF_SECRET;
    static const char other[] = "ci:read\0x:sha256:" DIGEST_OF_SECRET;
    struct arena arena cleanup(arena_release) = { 0 };
    struct api_token token = { 0 };
    struct error err = { 0 };

    (void) state;
    assert_false(token_line_parse((struct str){ line, sizeof(line) - 1 }, &arena, &token, &err));
    error_clear(&err);
    assert_false(token_line_parse((struct str){ other, sizeof(other) - 1 }, &arena, &token, &err));
}

static void a_bare_secret_is_told_how_to_become_a_line(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct api_token token = { 0 };
    struct error err = { 0 };

    (void) state;
    assert_false(token_line_parse(str_of("0123456789abcdef"), &arena, &token, &err));
    assert_non_null(strstr(err.hint, "schemadctl token create"));
    assert_non_null(strstr(err.hint, "printf %s SECRET | sha256sum"));
}

/* ---- Sets ---- */

static struct api_token token_of(const char *name, enum access access, const char *secret)
{
    struct api_token token = { .name = name, .access = access };

    digest_sha256(secret, strlen(secret), token.digest);
    return token;
}

static void a_secret_is_its_tokens_and_nobody_elses(void **state)
{
    const struct api_token tokens[] = { token_of("watcher", ACCESS_READ, "one"),
                                        token_of("ci", ACCESS_OPERATE, "two"),
                                        token_of("admin", ACCESS_DESTROY, "three") };
    static const struct {
        const char *secret;
        const char *name; /* NULL: nobody's */
        enum access access;
    } rows[] = {
        { "one", "watcher", ACCESS_READ },    { "two", "ci", ACCESS_OPERATE },
        { "three", "admin", ACCESS_DESTROY }, { "", NULL, ACCESS_NONE },
        { "four", NULL, ACCESS_NONE },        { "one ", NULL, ACCESS_NONE },
        { "On", NULL, ACCESS_NONE },
    };
    struct token_set set cleanup(token_set_release);

    (void) state;
    token_set_init(&set);
    token_set_replace(&set, tokens, ARRAY_SIZE(tokens));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char name[TOKEN_NAME_MAX + 1] = "nobody";
        enum access access = ACCESS_NONE;

        assert_int_equal(token_set_find(&set, str_of(rows[i].secret), name, &access),
                         rows[i].name != NULL);
        assert_string_equal(name, rows[i].name != NULL ? rows[i].name : "nobody");
        assert_int_equal(access, rows[i].access);
    }
}

static void replacing_forgets_what_was_there(void **state)
{
    const struct api_token old = token_of("ci", ACCESS_OPERATE, "old");
    struct token_set set cleanup(token_set_release);
    char name[TOKEN_NAME_MAX + 1];
    enum access access = ACCESS_NONE;

    (void) state;
    token_set_init(&set);
    assert_false(token_set_find(&set, str_of("old"), name, &access));
    token_set_replace(&set, &old, 1);
    assert_true(token_set_find(&set, str_of("old"), name, &access));
    token_set_replace(&set, &(struct api_token){ .name = "" }, 0);
    assert_false(token_set_find(&set, str_of("old"), name, &access));
    assert_false(token_set_find(&set, str_of(""), name, &access));
}

struct asking {
    struct token_set set;
    atomic_bool is_over;
    atomic_uint found;
};

static void *ask(void *data)
{
    struct asking *asking = data;

    while (!atomic_load(&asking->is_over)) {
        char name[TOKEN_NAME_MAX + 1];
        enum access access = ACCESS_NONE;

        if (token_set_find(&asking->set, str_of("secret"), name, &access))
            atomic_fetch_add(&asking->found, strcmp(name, "ci") == 0);
    }
    return NULL;
}

static void tokens_are_replaced_while_others_ask(void **state)
{
    const struct api_token token = token_of("ci", ACCESS_OPERATE, "secret");
    struct asking asking = { .is_over = false };
    pthread_t threads[2];

    (void) state;
    token_set_init(&asking.set);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &asking), 0);
    while (atomic_load(&asking.found) < 100)
        token_set_replace(&asking.set, &token, 1);
    atomic_store(&asking.is_over, true);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    token_set_release(&asking.set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_long_and_never_the_same),
        cmocka_unit_test(a_line_knows_its_secret_by_the_digest_only),
        cmocka_unit_test(the_longest_line_fits),
        cmocka_unit_test(names_are_plain),
        cmocka_unit_test(malformed_lines_are_refused_without_being_quoted),
        cmocka_unit_test(a_nul_ends_no_part_early),
        cmocka_unit_test(a_bare_secret_is_told_how_to_become_a_line),
        cmocka_unit_test(a_secret_is_its_tokens_and_nobody_elses),
        cmocka_unit_test(replacing_forgets_what_was_there),
        cmocka_unit_test(tokens_are_replaced_while_others_ask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
