/*
 * test_uri.c - request targets taken apart, and entity tags.
 */
#include "tests/unit/unit.h"

#include "api/etag.h"
#include "api/uri.h"

#include <string.h>

/* "a|b|c? x=1 y=" : segments, then parameters. */
static const char *shown(const struct uri *uri, struct arena *arena)
{
    const char *text = "";

    for (size_t i = 0; i < uri->segment_count; i++)
        text = arena_printf(arena, "%s%s%s", text, i > 0 ? "|" : "", uri->segments[i]);
    for (size_t i = 0; i < uri->param_count; i++)
        text = arena_printf(arena, "%s %s=%s", text, uri->params[i].name, uri->params[i].value);
    return text;
}

static void targets_are_cut_and_decoded(void **state)
{
    static const struct {
        const char *raw;
        const char *shown;
    } rows[] = {
        { "/", "" },
        { "/current", "current" },
        { "/jobs/7", "jobs|7" },
        { "/jobs/", "jobs|" },
        { "//", "|" },
        { "/revisions/blog%40head", "revisions|blog@head" },
        { "/revisions/blog@head", "revisions|blog@head" },
        { "/plan?target=%2B2", "plan target=+2" },
        { "/plan?target=+2&verb=upgrade", "plan target=+2 verb=upgrade" },
        { "/plan?target", "plan target=" },
        { "/plan?target=a=b", "plan target=a=b" },
        { "/plan?", "plan" },
        { "/plan?&&", "plan" },
        { "/plan?a=%2541", "plan a=%41" },
        { "/plan?a=/b/../c", "plan a=/b/../c" },
        { "/plan?a=%26%3D%25", "plan a=&=%" },
        { "/plan?a=b?c", "plan a=b?c" },
        { "/r/%C3%A4", "r|\xc3\xa4" },
        { "/.../..a", "...|..a" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct error err = { 0 };
        struct uri uri;

        if (!uri_parse(arena_strdup(&arena, rows[i].raw), &arena, &uri, &err))
            fail_msg("%s: %s", rows[i].raw, err.detail);
        assert_string_equal(shown(&uri, &arena), rows[i].shown);
    }
}

static void what_could_be_read_differently_is_refused(void **state)
{
    static const struct {
        const char *raw;
        const char *detail;
    } rows[] = {
        { "", "request target does not begin with '/'" },
        { "current", "request target does not begin with '/'" },
        { "*", "request target does not begin with '/'" },
        { "http://x/", "request target does not begin with '/'" },
        { "/a b", "request target holds a character that must be encoded, 0x20" },
        { "/a\\b", "request target holds a character that must be encoded, 0x5c" },
        { "/a#b", "request target holds a character that must be encoded, 0x23" },
        { "/a;b", "request target holds a character that must be encoded, 0x3b" },
        { "/a\x80", "request target holds a character that must be encoded, 0x80" },
        { "/%", "'%' in the request target is not followed by two digits" },
        { "/%4", "'%' in the request target is not followed by two digits" },
        { "/%4g", "'%' in the request target is not followed by two digits" },
        { "/a?b=%zz", "'%' in the request target is not followed by two digits" },
        { "/%00", "request target holds an encoded character that is not allowed, %00" },
        { "/a%2Fb", "request target holds an encoded character that is not allowed, %2f" },
        { "/a%5cb", "request target holds an encoded character that is not allowed, %5c" },
        { "/a?b=%0A", "request target holds an encoded character that is not allowed, %0a" },
        { "/a%7f", "request target holds an encoded character that is not allowed, %7f" },
        { "/.", "path holds the segment '.'" },
        { "/a/..", "path holds the segment '..'" },
        { "/a/%2e%2e/b", "path holds the segment '..'" },
        { "/%c0%af", "request target is not UTF-8" },
        { "/a?%ed%a0%80=x", "request target is not UTF-8" },
        { "/a/b/c/d/e", "path has more than 4 segments" },
        { "/?a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a",
          "query has more than 32 parameters" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct error err = { 0 };
        struct uri uri;

        assert_false(uri_parse(arena_strdup(&arena, rows[i].raw), &arena, &uri, &err));
        assert_int_equal(err.code, ERR_REQUEST_MALFORMED);
        assert_string_equal(err.detail, rows[i].detail);
    }
}

static void parameters_are_found_by_name(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct error err = { 0 };
    struct uri uri;

    (void) state;
    assert_true(
        uri_parse(arena_strdup(&arena, "/jobs?limit=5&before=&limit=6"), &arena, &uri, &err));
    assert_string_equal(uri_param_find(&uri, "limit"), "5");
    assert_string_equal(uri_param_find(&uri, "before"), "");
    assert_null(uri_param_find(&uri, "lim"));
}

static void a_value_is_encoded_so_that_it_is_read_back(void **state)
{
    static const struct {
        const char *value;
        const char *encoded;
    } rows[] = {
        { "", "" },
        { "succeeded", "succeeded" },
        { "uid 0 (root)", "uid%200%20%28root%29" },
        { "2026-11-20T15:03:04.806+01:00", "2026-11-20T15:03:04.806%2B01:00" },
        { "a=b&c?d%e", "a%3Db%26c%3Fd%25e" },
        { "\xc3\xa9", "%C3%A9" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct error err = { 0 };
        struct uri uri;
        const char *encoded = uri_encode(rows[i].value, &arena);

        assert_string_equal(encoded, rows[i].encoded);
        assert_true(uri_parse(arena_printf(&arena, "/jobs?x=%s", encoded), &arena, &uri, &err));
        assert_string_equal(uri_param_find(&uri, "x"), rows[i].value);
    }
}

#define ROWS UINT64_C(0xa7)

static void a_tag_is_of_rows_and_body(void **state)
{
    static const struct {
        uint64_t rows;
        const char *body;
        const char *etag;
    } rows[] = {
        { 0, "", "\"0000000000000000.cbf29ce484222325\"" },
        { ROWS, "", "\"00000000000000a7.cbf29ce484222325\"" },
        { ROWS, "a", "\"00000000000000a7.af63dc4c8601ec8c\"" },
        { UINT64_MAX, "foobar", "\"ffffffffffffffff.85944171f73967e8\"" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char etag[ETAG_SIZE];

        etag_of_body(rows[i].rows, rows[i].body, strlen(rows[i].body), etag);
        assert_string_equal(etag, rows[i].etag);
    }
}

static void tags_are_found_in_lists(void **state)
{
    static const char tag[] = "\"00000000000000a7.cbf29ce484222325\"";
    static const struct {
        const char *list;
        bool is_found;
        bool are_rows_found;
    } rows[] = {
        { "\"00000000000000a7.cbf29ce484222325\"", true, true },
        { " W/\"00000000000000a7.cbf29ce484222325\" ", true, false },
        { "\"x\", \"00000000000000a7.cbf29ce484222325\"", true, true },
        { "*", true, true },
        { "\"00000000000000a7.0000000000000001\"", false, true },
        { "\"x\",\"00000000000000a7.0000000000000001\",\"y\"", false, true },
        { "\"00000000000000a8.cbf29ce484222325\"", false, false },
        { "\"0000000000000000.cbf29ce484222325\"", false, false },
        { "\"00000000000000a7.\"", false, false },
        { "\"00000000000000a7\"", false, false },
        { "00000000000000a7.cbf29ce484222325", false, false },
        { "\"00000000000000a7.cbf29ce484222325", false, false },
        { "\"x\",\"y\"", false, false },
        { ",,", false, false },
        { "", false, false },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(etag_list_has(rows[i].list, tag), rows[i].is_found);
        assert_int_equal(etag_list_has_rows(rows[i].list, ROWS), rows[i].are_rows_found);
        /* Rows that are not known are nobody's. */
        assert_false(etag_list_has_rows(rows[i].list, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_cut_and_decoded),
        cmocka_unit_test(what_could_be_read_differently_is_refused),
        cmocka_unit_test(parameters_are_found_by_name),
        cmocka_unit_test(a_value_is_encoded_so_that_it_is_read_back),
        cmocka_unit_test(a_tag_is_of_rows_and_body),
        cmocka_unit_test(tags_are_found_in_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
