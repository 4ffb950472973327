/*
 * test_accept.c - the range of revisions that an application accepts, and where a database is in
 * it.
 */
#include "unit.h"

#include "graph_text.h"
#include "migrations/accept.h"

#include <string.h>

/* ---- Taking a range apart ---- */

static void assert_side(const char *text, const char *side, const char *expected)
{
    if ((side == NULL) != (expected == NULL) || (side != NULL && strcmp(side, expected) != 0))
        fail_msg("\"%s\" gave %s", text, side == NULL ? "nothing" : side);
}

static void test_a_range_has_two_sides(void **state)
{
    static const struct {
        const char *text;
        const char *from;
        const char *to;
    } cases[] = {
        { "a..b", "a", "b" },
        { "a..", "a", NULL },
        { "..b", NULL, "b" },
        { " a1 .. head ", "a1", "head" },
        { "base..-1", "base", "-1" },
        { "left@head..m", "left@head", "m" },
        { "v1.2..v1.3", "v1.2", "v1.3" },
    };
    cleanup(arena_release) struct arena arena = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct accept_range range = { 0 };
        struct error err = { 0 };

        if (!accept_parse(cases[i].text, &arena, &range, &err))
            fail_msg("\"%s\": %s", cases[i].text, err.detail);
        assert_side(cases[i].text, range.from, cases[i].from);
        assert_side(cases[i].text, range.to, cases[i].to);
    }
}

static void test_what_is_no_range_is_refused_with_the_reason(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        { "", "has no \"..\"" },
        { "a", "has no \"..\"" },
        { "a.b", "has no \"..\"" },
        { "a.", "has no \"..\"" },
        { "..", "names no revision" },
        { " .. ", "names no revision" },
        { "a..b..c", "has more than one \"..\"" },
        { "a...b", "has more than one \"..\"" },
        { "....", "has more than one \"..\"" },
    };
    cleanup(arena_release) struct arena arena = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct accept_range range = { 0 };
        struct error err = { 0 };

        if (accept_parse(cases[i].text, &arena, &range, &err) || err.code != ERR_ARGUMENT_INVALID ||
            strstr(err.detail, cases[i].why) == NULL)
            fail_msg("\"%s\": %s", cases[i].text, err.detail);
        assert_string_not_equal(err.hint, "");
    }
}

/* ---- Being inside ---- */

/* "inside", "outside", or the slug of the error. */
static const char *verdict_of(const char *graph_text, const char *rows_text, const char *range_text)
{
    static struct error err;
    cleanup(arena_release) struct arena arena = { 0 };
    const struct graph *graph = graph_of(graph_text, &arena);
    version_rows rows = rows_of(rows_text, &arena);
    struct accept_range range = { 0 };
    bool is_inside = false;

    error_clear(&err);
    if (!accept_parse(range_text, &arena, &range, &err) ||
        !accept_check(graph, &rows, &range, &is_inside, &err))
        return error_slug(err.code);
    return is_inside ? "inside" : "outside";
}

struct accept_case {
    const char *graph;
    const char *rows;
    const char *range;
    const char *verdict;
};

static void expect_verdicts(const struct accept_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *verdict = verdict_of(cases[i].graph, cases[i].rows, cases[i].range);

        if (strcmp(verdict, cases[i].verdict) != 0)
            fail_msg("%s at \"%s\" is %s, not %s of %s", cases[i].graph, cases[i].rows, verdict,
                     cases[i].verdict, cases[i].range);
    }
}

#define LINE   "a<-b<-c<-d"
#define FORK   "a<-b, a<-c"
#define MERGED "a<-b, a<-c, b<-m, c<-m, m<-n"

static void test_on_a_line(void **state)
{
    static const struct accept_case cases[] = {
        { LINE, "a", "b..c", "outside" },    { LINE, "b", "b..c", "inside" },
        { LINE, "c", "b..c", "inside" },     { LINE, "d", "b..c", "outside" },
        { LINE, "c", "c..c", "inside" },     { LINE, "b", "c..b", "outside" }, /* upside down */
        { LINE, "c", "c..b", "outside" },    { LINE, "b", "b..", "inside" },
        { LINE, "d", "b..", "inside" },      { LINE, "a", "b..", "outside" },
        { LINE, "a", "..b", "inside" },      { LINE, "c", "..b", "outside" },
        { LINE, "d", "b..head", "inside" },  { LINE, "c", "head..", "outside" },
        { LINE, "c", "-1..head", "inside" }, { LINE, "b", "-1..head", "outside" },
    };

    (void) state;
    expect_verdicts(cases, ARRAY_SIZE(cases));
}

static void test_base_is_a_place_too(void **state)
{
    static const struct accept_case cases[] = {
        { LINE, "", "a..", "outside" },    { LINE, "", "..c", "inside" },
        { LINE, "", "base..c", "inside" }, { LINE, "b", "base..c", "inside" },
        { LINE, "", "..base", "inside" },  { LINE, "a", "..base", "outside" },
        { LINE, "a", "base..", "inside" }, { LINE, "", "base..", "inside" },
    };

    (void) state;
    expect_verdicts(cases, ARRAY_SIZE(cases));
}

static void test_branches_and_merges(void **state)
{
    static const struct accept_case cases[] = {
        { FORK, "b", "a..b", "inside" },
        { FORK, "c", "a..b", "outside" },    /* beyond on another branch */
        { FORK, "b, c", "a..b", "outside" }, /* one row of two is */
        { FORK, "b, c", "a..c", "outside" }, /* nor the other way round */
        { FORK, "b, c", "b..", "inside" },
        { FORK, "c", "b..", "outside" },
        { MERGED, "b, c", "a..m", "inside" },
        { MERGED, "b", "a..m", "inside" },
        { MERGED, "m", "b..m", "inside" },
        { MERGED, "m", "c..n", "inside" },
        { MERGED, "n", "b..m", "outside" },
        { MERGED, "b, c", "m..n", "outside" },      /* both parents are there, the merge is not */
        { "a<-b, x<~b", "b, x", "a..b", "inside" }, /* b needs x */
        { "a<-b, x<~b", "b", "x..b", "inside" },
        { "a<-b, x<-y", "b, y", "a..b", "outside" },
        { "a<-b[left], a<-c[right]", "c", "a..right@head", "inside" },
        { "a<-b[left], a<-c[right]", "c", "a..left@head", "outside" },
    };

    (void) state;
    expect_verdicts(cases, ARRAY_SIZE(cases));
}

static void test_a_row_that_no_script_declares_is_inside_no_range(void **state)
{
    static const struct accept_case cases[] = {
        { LINE, "gone", "a..", "outside" },
        { LINE, "gone", "..d", "outside" },
        { LINE, "d, gone", "a..", "outside" },
        { LINE, "gone", "base..", "outside" },
    };

    (void) state;
    expect_verdicts(cases, ARRAY_SIZE(cases));
}

static void test_sides_that_name_no_single_revision_fail(void **state)
{
    static const struct accept_case cases[] = {
        { LINE, "a", "zz..", "revision-unknown" },
        { LINE, "a", "..zz", "revision-unknown" },
        { LINE, "gone", "zz..", "revision-unknown" },
        { "abc1<-abc2", "abc1", "abc..", "revision-ambiguous" },
        { FORK, "b", "a..heads", "revision-ambiguous" },
        { FORK, "b", "heads..", "revision-ambiguous" },
        { FORK, "b", "a..head", "heads-multiple" },
    };

    (void) state;
    expect_verdicts(cases, ARRAY_SIZE(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_range_has_two_sides),
        cmocka_unit_test(test_what_is_no_range_is_refused_with_the_reason),
        cmocka_unit_test(test_on_a_line),
        cmocka_unit_test(test_base_is_a_place_too),
        cmocka_unit_test(test_branches_and_merges),
        cmocka_unit_test(test_a_row_that_no_script_declares_is_inside_no_range),
        cmocka_unit_test(test_sides_that_name_no_single_revision_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
