/*
 * test_http.c - what can be known without a server: escaping, options, nobody there.
 */
#include "tests/unit/unit.h"

#include "base/arena.h"
#include "cli/http.h"

static void whatever_is_no_plain_letter_is_escaped(void **state)
{
    static const struct {
        const char *text;
        const char *escaped;
    } cases[] = {
        { "c7f8a9b0d1e2", "c7f8a9b0d1e2" },
        { "+2", "%2B2" },
        { "-1", "-1" },
        { "left@head", "left%40head" },
        { "a:b", "a%3Ab" },
        { "a/../b?c&d=e#f", "a%2F..%2Fb%3Fc%26d%3De%23f" },
        { "\xc3\xbc %", "%C3%BC%20%25" },
        { "", "" },
    };
    struct arena arena cleanup(arena_release) = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(http_escape(cases[i].text, &arena), cases[i].escaped);
}

static enum error_code open_fails(const struct http_options *options, struct error *err)
{
    struct http *http = NULL;

    assert_false(http_open(options, &http, err));
    assert_null(http);
    return err->code;
}

static void a_url_is_plain_http(void **state)
{
    static const char *const urls[] = { "https://127.0.0.1:1", "ftp://x", "127.0.0.1:8420", "" };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        struct http_options options = { .url = urls[i] };
        struct error err = { 0 };

        assert_int_equal(open_fails(&options, &err), ERR_ARGUMENT_INVALID);
        assert_string_not_equal(err.hint, "");
    }
}

static void a_socket_path_has_107_bytes_at_most(void **state)
{
    char path[109];
    struct http_options options = { .socket = path };
    struct http *http = NULL;
    struct error err = { 0 };

    (void) state;
    memset(path, 'a', sizeof(path));
    path[108] = '\0';
    assert_int_equal(open_fails(&options, &err), ERR_ARGUMENT_INVALID);
    path[107] = '\0';
    error_clear(&err);
    assert_true(http_open(&options, &http, &err));
    http_close(http);
}

static void nobody_there_is_said_with_the_place(void **state)
{
    struct http_options options = { .socket = "/nonexistent/schemad.sock" };
    struct http_request request = { .method = "GET", .path = "/current" };
    struct http *http = NULL;
    struct http_answer answer;
    struct error err = { 0 };

    (void) state;
    assert_true(http_open(&options, &http, &err));
    assert_false(http_ask(http, &request, &answer, &err));
    assert_int_equal(err.code, ERR_DAEMON_UNREACHABLE);
    assert_non_null(strstr(err.detail, "/nonexistent/schemad.sock"));
    assert_non_null(strstr(err.hint, "--database"));
    assert_int_equal(answer.status, 0);
    assert_false(http_was_connected(http));
    http_close(http);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_no_plain_letter_is_escaped),
        cmocka_unit_test(a_url_is_plain_http),
        cmocka_unit_test(a_socket_path_has_107_bytes_at_most),
        cmocka_unit_test(nobody_there_is_said_with_the_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
