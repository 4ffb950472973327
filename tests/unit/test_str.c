/*
 * test_str.c - views, numbers, lists and the bounded buffer.
 */
#include "tests/unit/unit.h"

#include "base/str.h"

#include <string.h>

static void expect_view(struct str got, const char *expected)
{
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.ptr, expected, got.len);
}

static void sub_is_clamped_to_the_view(void **state)
{
    static const struct {
        size_t from;
        size_t to;
        const char *got;
    } cases[] = {
        { 0, 4, "head" }, { 1, 3, "ea" }, { 4, 4, "" },
        { 3, 99, "d" },   { 99, 99, "" }, { 3, 1, "" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        expect_view(str_sub(str_of("head"), cases[i].from, cases[i].to), cases[i].got);
    expect_view(str_of(NULL), "");
}

static void trim_takes_white_space_at_both_ends_only(void **state)
{
    (void) state;
    expect_view(str_trim(str_of(" \t\r\n a b \v\f")), "a b");
    expect_view(str_trim(str_of("ab")), "ab");
    expect_view(str_trim(str_of("  \n ")), "");
    expect_view(str_trim(str_of("")), "");
}

static void comparing_looks_at_the_whole_text(void **state)
{
    (void) state;
    assert_true(str_is(str_of("head"), "head"));
    assert_false(str_is(str_of("head"), "heads"));
    assert_false(str_is(str_of("heads"), "head"));
    assert_false(str_is(str_of("Head"), "head"));
    assert_true(str_is_nocase(str_of("HeAd"), "head"));
    assert_false(str_is_nocase(str_of("heads"), "head"));
    assert_false(str_is_nocase(str_of("tail"), "head"));
    assert_true(str_is(str_of(""), ""));
    assert_false(str_is((struct str){ "a\0b", 3 }, "a"));

    assert_true(str_starts_with(str_of("head@1"), "head"));
    assert_true(str_starts_with(str_of("head"), "head"));
    assert_false(str_starts_with(str_of("tail@1"), "head"));
    assert_false(str_starts_with(str_of("hea"), "head"));
    assert_true(str_ends_with(str_of("a.sql"), ".sql"));
    assert_true(str_ends_with(str_of(".sql"), ".sql"));
    assert_false(str_ends_with(str_of("a.py"), ".sql"));
    assert_false(str_ends_with(str_of("sql"), ".sql"));
}

static void find_char_gives_the_index_or_the_length(void **state)
{
    struct str s = str_of("a@b@c");

    (void) state;
    assert_int_equal(str_find_char(s, '@', 0), 1);
    assert_int_equal(str_find_char(s, '@', 1), 1);
    assert_int_equal(str_find_char(s, '@', 2), 3);
    assert_int_equal(str_find_char(s, '@', 4), 5);
    assert_int_equal(str_find_char(s, '@', 99), 5);
    assert_int_equal(str_find_char(str_of(""), '@', 0), 0);
}

static void utf8_is_what_rfc_3629_says(void **state)
{
    static const struct {
        const char *bytes;
        bool is_utf8;
    } cases[] = {
        { "", true },
        { "plain", true },
        { "\x7f", true },
        { "\xc2\x80", true },
        { "\xdf\xbf", true },
        { "\xe0\xa0\x80", true },
        { "\xed\x9f\xbf", true },
        { "\xee\x80\x80", true },
        { "\xef\xbf\xbf", true },
        { "\xf0\x90\x80\x80", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "\x80", false },             /* continuation alone */
        { "\xc3", false },             /* cut */
        { "\xc3(", false },            /* not continued */
        { "\xe2\x82", false },         /* cut */
        { "\xc1\xbf", false },         /* overlong */
        { "\xe0\x9f\xbf", false },     /* overlong */
        { "\xf0\x8f\xbf\xbf", false }, /* overlong */
        { "\xed\xa0\x80", false },     /* surrogate */
        { "\xed\xbf\xbf", false },     /* surrogate */
        { "\xf4\x90\x80\x80", false }, /* above U+10FFFF */
        { "\xf8\x88\x80\x80\x80", false },
        { "\xff", false },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(str_is_utf8(str_of(cases[i].bytes)), cases[i].is_utf8);
    assert_true(str_is_utf8((struct str){ "a\0b", 3 }));
}

static void unsigned_numbers_are_digits_within_the_bound(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool ok;
        uint64_t value;
    } cases[] = {
        { "0", 0, true, 0 },
        { "007", 10, true, 7 },
        { "10", 10, true, 10 },
        { "11", 10, false, 0 },
        { "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
        { "18446744073709551616", UINT64_MAX, false, 0 },
        { "99999999999999999999", UINT64_MAX, false, 0 },
        { "", UINT64_MAX, false, 0 },
        { "+1", UINT64_MAX, false, 0 },
        { "-0", UINT64_MAX, false, 0 },
        { " 1", UINT64_MAX, false, 0 },
        { "1x", UINT64_MAX, false, 0 },
        { "1/", UINT64_MAX, false, 0 },
        { "1:", UINT64_MAX, false, 0 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t value = 4711;

        assert_int_equal(str_to_u64(str_of(cases[i].text), cases[i].max, &value), cases[i].ok);
        assert_true(value == (cases[i].ok ? cases[i].value : 4711));
    }
}

static void signed_numbers_reach_both_ends(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "-1", true, -1 },
        { "9223372036854775807", true, INT64_MAX },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775808", true, INT64_MIN },
        { "-9223372036854775809", false, 0 },
        { "-", false, 0 },
        { "--1", false, 0 },
        { "+1", false, 0 },
        { "", false, 0 },
    };
    int64_t bounded = 4711;

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t value = 4711;

        assert_int_equal(str_to_i64(str_of(cases[i].text), INT64_MIN, INT64_MAX, &value),
                         cases[i].ok);
        assert_true(value == (cases[i].ok ? cases[i].value : 4711));
    }
    assert_false(str_to_i64(str_of("-6"), -5, 5, &bounded));
    assert_false(str_to_i64(str_of("6"), -5, 5, &bounded));
    assert_true(str_to_i64(str_of("-5"), -5, 5, &bounded));
    assert_true(bounded == -5);
}

static void lists_grow_sort_join_and_compare(void **state)
{
    struct arena arena = { 0 };
    struct str_list a = { 0 };
    struct str_list b = { 0 };

    (void) state;
    assert_string_equal(str_list_join(&a, ", ", &arena), "");
    assert_true(str_list_equal(&a, &b));
    for (const char *letter = "fedcba"; *letter != '\0'; letter++)
        str_list_add(&a, &arena, arena_strndup(&arena, letter, 1));
    assert_string_equal(str_list_join(&a, ", ", &arena), "f, e, d, c, b, a");
    assert_true(str_list_has(&a, "c"));
    assert_false(str_list_has(&a, "x"));

    str_list_sort(&a);
    assert_string_equal(str_list_join(&a, "", &arena), "abcdef");
    for (const char *letter = "abcdef"; *letter != '\0'; letter++) {
        assert_false(str_list_equal(&a, &b));
        str_list_add(&b, &arena, arena_strndup(&arena, letter, 1));
    }
    assert_true(str_list_equal(&a, &b));
    b.items[5] = "x";
    assert_false(str_list_equal(&a, &b));
    arena_release(&arena);
}

static void a_buffer_holds_what_was_written(void **state)
{
    struct strbuf buffer cleanup(strbuf_release);

    (void) state;
    strbuf_init(&buffer, 100000);
    assert_string_equal(strbuf_text(&buffer), "");
    strbuf_add_text(&buffer, "one ");
    strbuf_add_char(&buffer, '2');
    strbuf_add(&buffer, " three", 4);
    strbuf_printf(&buffer, " %d", 4);
    assert_string_equal(strbuf_text(&buffer), "one 2 thr 4");
    assert_int_equal(buffer.len, 11);

    strbuf_printf(&buffer, "%2000s", "end");
    assert_int_equal(buffer.len, 2011);
    assert_string_equal(strbuf_text(&buffer) + 2008, "end");
    assert_false(buffer.is_overflowed);
}

static void every_length_is_terminated(void **state)
{
    struct strbuf bytewise cleanup(strbuf_release);
    struct strbuf printed cleanup(strbuf_release);

    (void) state;
    strbuf_init(&bytewise, 2000);
    strbuf_init(&printed, 2000);
    for (int len = 1; len <= 1100; len++) {
        strbuf_add_char(&bytewise, 'x');
        strbuf_reset(&printed);
        strbuf_printf(&printed, "%*s", len, "x");
        assert_int_equal(strlen(strbuf_text(&bytewise)), len);
        assert_int_equal(strlen(strbuf_text(&printed)), len);
    }
}

static void what_exceeds_the_maximum_is_dropped_and_told_once_at_the_end(void **state)
{
    struct strbuf buffer cleanup(strbuf_release);

    (void) state;
    strbuf_init(&buffer, 4);
    strbuf_add_text(&buffer, "abcd");
    assert_false(buffer.is_overflowed);
    strbuf_add_text(&buffer, "");
    assert_false(buffer.is_overflowed);
    strbuf_add_text(&buffer, "e");
    assert_true(buffer.is_overflowed);
    assert_string_equal(strbuf_text(&buffer), "abcd");

    strbuf_reset(&buffer);
    assert_false(buffer.is_overflowed);
    assert_string_equal(strbuf_text(&buffer), "");
    strbuf_add_text(&buffer, "abcde");
    assert_true(buffer.is_overflowed);
    assert_int_equal(buffer.len, 0);
    strbuf_add_text(&buffer, "ab");
    assert_true(buffer.is_overflowed);
}

static void a_buffer_may_hold_nul(void **state)
{
    struct strbuf buffer cleanup(strbuf_release);

    (void) state;
    strbuf_init(&buffer, 100);
    strbuf_add(&buffer, "a\0b", 3);
    assert_int_equal(buffer.len, 3);
    assert_memory_equal(strbuf_text(&buffer), "a\0b", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sub_is_clamped_to_the_view),
        cmocka_unit_test(trim_takes_white_space_at_both_ends_only),
        cmocka_unit_test(comparing_looks_at_the_whole_text),
        cmocka_unit_test(find_char_gives_the_index_or_the_length),
        cmocka_unit_test(utf8_is_what_rfc_3629_says),
        cmocka_unit_test(unsigned_numbers_are_digits_within_the_bound),
        cmocka_unit_test(signed_numbers_reach_both_ends),
        cmocka_unit_test(lists_grow_sort_join_and_compare),
        cmocka_unit_test(a_buffer_holds_what_was_written),
        cmocka_unit_test(every_length_is_terminated),
        cmocka_unit_test(what_exceeds_the_maximum_is_dropped_and_told_once_at_the_end),
        cmocka_unit_test(a_buffer_may_hold_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
