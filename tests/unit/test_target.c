/*
 * test_target.c - what a target means to an upgrade, to a downgrade, to a question and to a range.
 */
#include "tests/unit/unit.h"

#include "migrations/target.h"
#include "tests/unit/graph_text.h"

#include <string.h>

/* Two branches over a trunk, and a line of its own on which one depends. */
static const char *const forest =
    "aaaa1111<-bbbb1111[left]<-bbbb2222, aaaa1111<-cccc1111[right]<-cccc2222, "
    "nnnn1111[net]<-nnnn2222, nnnn2222<~cccc2222";
static const char *const line = "a<-b<-c<-d";

struct target_case {
    const char *graph;
    const char *rows;
    const char *target;
    const char *found;     /* ids, or part of the message */
    enum error_code error; /* ERR_OK when found */
};

typedef bool resolve(const struct graph *graph, const version_rows *rows, const char *target,
                     struct arena *arena, struct revision_list *ret, struct error *err);

static void expect_targets(resolve *resolve_target, const struct target_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct target_case *c = &cases[i];
        struct arena arena = { 0 };
        version_rows rows = rows_of(c->rows, &arena);
        struct revision_list found = { 0 };
        struct error err = { 0 };
        bool is_ok =
            resolve_target(graph_of(c->graph, &arena), &rows, c->target, &arena, &found, &err);

        if (is_ok != (c->error == ERR_OK) || err.code != c->error)
            fail_msg("\"%s\": %s%s %s", c->target, text_of_list(&found, &arena), err.detail,
                     error_slug(err.code));
        if (is_ok)
            assert_string_equal(text_of_list(&found, &arena), c->found);
        else if (strstr(err.detail, c->found) == NULL)
            fail_msg("\"%s\": %s", c->target, err.detail);
        assert_true(is_ok || err.hint[0] != '\0');
        arena_release(&arena);
    }
}

static void an_upgrade_goes_to(void **state)
{
    static const struct target_case cases[] = {
        { line, "", "head", "d", ERR_OK },
        { line, "", "heads", "d", ERR_OK },
        { line, "", "base", "", ERR_OK },
        { line, "", "b", "b", ERR_OK },
        { line, "", "+1", "a", ERR_OK },
        { line, "b", "+2", "d", ERR_OK },
        { line, "", "b+1", "c", ERR_OK },
        { line, "", "c-1", "b", ERR_OK },
        { line, "", "head-1", "c", ERR_OK },
        { line, "", "base+2", "b", ERR_OK },
        { line, "", "a-1", "", ERR_OK },
        { forest, "", "heads", "bbbb2222 cccc2222", ERR_OK },
        { forest, "", "bbbb2", "bbbb2222", ERR_OK },
        { forest, "", "left", "bbbb1111", ERR_OK },
        { forest, "", "lef", "bbbb1111", ERR_OK },
        { forest, "", "left@head", "bbbb2222", ERR_OK },
        { forest, "", "left@heads", "bbbb2222", ERR_OK },
        { forest, "", "cccc1111@head", "cccc2222", ERR_OK },
        { forest, "", "net@head", "nnnn2222", ERR_OK },
        { forest, "", "left@bbbb", "bbbb1111", ERR_REVISION_AMBIGUOUS },
        { forest, "", "left@base", "", ERR_OK },
        { forest, "aaaa1111", "left@+1", "bbbb1111", ERR_OK },
        { forest, "", "left@+2", "bbbb1111", ERR_OK },
        { forest, "bbbb1111,cccc1111", "right@+1", "cccc2222", ERR_OK },
        { forest, "cccc2222", "left@+1", "bbbb1111", ERR_OK }, /* aaaa1111 is implied */
        { forest, "cccc2222", "net@+1", "relative revision +1 didn't produce 1 migrations",
          ERR_TARGET_INVALID },
        { forest, "", "left@aaaa+1", "bbbb1111", ERR_OK },
        { forest, "", "left@head-1", "bbbb1111", ERR_OK },
        { forest, "", "net@base+1", "nnnn1111", ERR_OK },
        { "", "", "head", "", ERR_OK },
        { "", "", "heads", "", ERR_OK },
    };

    (void) state;
    expect_targets(target_for_upgrade, cases, ARRAY_SIZE(cases));
}

static void an_upgrade_does_not_go_to(void **state)
{
    static const struct target_case cases[] = {
        { forest, "", "abc123", "can't locate revision identified by 'abc123'",
          ERR_REVISION_UNKNOWN },
        { forest, "", "nosuch@head", "can't locate revision identified by 'nosuch'",
          ERR_REVISION_UNKNOWN },
        { forest, "", "left@cccc1", "revision \"cccc1111\" is not a member of branch 'left'",
          ERR_REVISION_UNKNOWN },
        { forest, "", "left@cccc1111", "revision \"cccc1111\" is not a member of branch 'left'",
          ERR_REVISION_UNKNOWN },
        { forest, "", "bbbb", "several revisions or labels begin with 'bbbb': bbbb1111, bbbb2222",
          ERR_REVISION_AMBIGUOUS },
        { forest, "", "head",
          "multiple head revisions are present for given argument 'head': bbbb2222, cccc2222, "
          "nnnn2222",
          ERR_HEADS_MULTIPLE },
        { forest, "", "head-1", "multiple head revisions", ERR_HEADS_MULTIPLE },
        { forest, "", "aaaa@head",
          "multiple head revisions are present for given argument 'aaaa@head'",
          ERR_HEADS_MULTIPLE },
        { line, "d", "+1", "relative revision +1 didn't produce 1 migrations", ERR_TARGET_INVALID },
        { line, "b", "+9", "relative revision +9 didn't produce 9 migrations", ERR_TARGET_INVALID },
        { line, "b", "-1", "relative revision -1 didn't produce 1 migrations", ERR_TARGET_INVALID },
        { line, "b", "+0", "relative revision +0 didn't produce 0 migrations", ERR_TARGET_INVALID },
        { line, "", "c+9", "walked too far: 'c+9' is beyond the head", ERR_TARGET_INVALID },
        { line, "", "b-9", "walked too far: 'b-9' is beyond the base", ERR_TARGET_INVALID },
        { line, "", "base-1", "walked too far", ERR_TARGET_INVALID },
        { forest, "aaaa1111", "+1",
          "ambiguous walk: from aaaa1111 the next may be bbbb1111, cccc1111", ERR_TARGET_INVALID },
        { forest, "", "+1", "ambiguous walk: from base", ERR_TARGET_INVALID },
        { forest, "bbbb1111,cccc1111", "+1", "ambiguous upgrade from multiple current revisions",
          ERR_TARGET_INVALID },
        { line, "x", "+1", "the database records revision \"x\", which no script declares",
          ERR_DATABASE_REVISION_UNKNOWN },
        { line, "", "current", "'current' cannot be a target here", ERR_TARGET_INVALID },
        { line, "", "", "target \"\" is not understood", ERR_TARGET_INVALID },
        { line, "", "a:b", "target \"a:b\" is not understood", ERR_TARGET_INVALID },
        { line, "", "a+1x", "target \"a+1x\" is not understood", ERR_TARGET_INVALID },
        { line, "", "@head", "not understood", ERR_TARGET_INVALID },
        { line, "", "a@", "not understood", ERR_TARGET_INVALID },
        { line, "", "a@b@c", "not understood", ERR_TARGET_INVALID },
        { line, "", " a", "not understood", ERR_TARGET_INVALID },
        { line, "", "a b", "not understood", ERR_TARGET_INVALID },
        { line, "", "+99999999999999999999", "not understood", ERR_TARGET_INVALID },
    };

    (void) state;
    expect_targets(target_for_upgrade, cases, ARRAY_SIZE(cases));
}

static void slips_are_answered_with_the_nearest_name(void **state)
{
    struct arena arena = { 0 };
    struct graph *graph = graph_of(forest, &arena);
    version_rows rows = { 0 };
    struct revision_list found = { 0 };
    struct error err = { 0 };

    (void) state;
    assert_false(target_for_upgrade(graph, &rows, "lfet@head", &arena, &found, &err));
    assert_string_equal(err.hint, "Did you mean \"left\"?");
    arena_release(&arena);
}

/* "revision branch", base is "-", no branch is nothing. */
static bool down(const struct graph *graph, const version_rows *rows, const char *target,
                 struct arena *arena, struct revision_list *ret, struct error *err)
{
    struct downgrade_target found = { 0 };
    static const struct revision base = { .id = "-" };

    if (!target_for_downgrade(graph, rows, target, arena, &found, err))
        return false;
    revision_list_add(ret, arena, found.revision != NULL ? found.revision : &base);
    if (found.branch != NULL)
        revision_list_add(ret, arena, found.branch);
    return true;
}

static void a_downgrade_stays_at(void **state)
{
    static const struct target_case cases[] = {
        { line, "d", "base", "-", ERR_OK },
        { line, "d", "b", "b", ERR_OK },
        { line, "d", "-1", "c d", ERR_OK },
        { line, "d", "-4", "- d", ERR_OK },
        { line, "d", "head", "d", ERR_OK },
        { line, "d", "head-2", "b", ERR_OK },
        { line, "d", "a+1", "b", ERR_OK },
        { line, "d", "base+1", "a", ERR_OK },
        { forest, "bbbb2222,cccc2222", "left@-1", "bbbb1111 bbbb1111", ERR_OK },
        { forest, "bbbb2222,cccc2222", "left@base", "- bbbb1111", ERR_OK },
        { forest, "bbbb2222,cccc2222", "left@aaaa", "aaaa1111 bbbb1111", ERR_OK },
        { forest, "cccc2222", "net@-1", "nnnn1111 nnnn1111", ERR_OK }, /* nnnn2222 is implied */
        { forest, "bbbb2222,cccc2222", "left@head", "bbbb2222 bbbb1111", ERR_OK },
        { line, "d", "+1", "relative revision +1 didn't produce 1 migrations", ERR_TARGET_INVALID },
        { line, "d", "-5", "relative revision -5 didn't produce 5 migrations", ERR_TARGET_INVALID },
        { line, "", "-1", "relative revision -1 didn't produce 1 migrations", ERR_TARGET_INVALID },
        { line, "d", "head-9", "walked too far", ERR_TARGET_INVALID },
        { forest, "bbbb2222,cccc2222", "-1", "ambiguous downgrade from multiple current revisions",
          ERR_TARGET_INVALID },
        { forest, "bbbb2222", "lfet@base", "can't locate revision identified by 'lfet'",
          ERR_REVISION_UNKNOWN },
        { forest, "bbbb2222", "head", "multiple head revisions", ERR_HEADS_MULTIPLE },
        { "a<-b<-m, a<-c<-m", "m", "-1", "ambiguous walk: from m the next may be b, c",
          ERR_TARGET_INVALID },
        { line, "x", "-1", "the database records revision \"x\"", ERR_DATABASE_REVISION_UNKNOWN },
    };

    (void) state;
    expect_targets(down, cases, ARRAY_SIZE(cases));
}

static void a_name_stands_for(void **state)
{
    static const struct target_case cases[] = {
        { forest, "", "heads", "bbbb2222 cccc2222", ERR_OK },
        { forest, "", "base", "", ERR_OK },
        { forest, "", "cccc1", "cccc1111", ERR_OK },
        { forest, "", "right", "cccc1111", ERR_OK },
        { forest, "", "right@head", "cccc2222", ERR_OK },
        { forest, "bbbb1111,cccc1111", "current", "bbbb1111 cccc1111", ERR_OK },
        { forest, "", "-1", "bbbb1111 cccc1111", ERR_OK },
        { forest, "", "left@-1", "bbbb1111", ERR_OK },
        { forest, "", "left+1", "relative target 'left+1' cannot be used here",
          ERR_TARGET_INVALID },
        { forest, "x", "current", "the database records revision \"x\"",
          ERR_DATABASE_REVISION_UNKNOWN },
    };

    (void) state;
    expect_targets(target_revisions, cases, ARRAY_SIZE(cases));
}

static void a_range_of_history_is(void **state)
{
    static const struct target_case cases[] = {
        { line, "", NULL, "d c b a", ERR_OK },
        { line, "", ":", "d c b a", ERR_OK },
        { line, "", "b:c", "c b", ERR_OK },
        { line, "", "b:", "d c b", ERR_OK },
        { line, "", ":b", "b a", ERR_OK },
        { line, "", "base:b", "b a", ERR_OK },
        { line, "c", "current:", "d c", ERR_OK },
        { line, "c", ":current", "c b a", ERR_OK },
        { line, "", "current:", "d c b a", ERR_OK },
        { line, "d", "-2:current", "d c b", ERR_OK },
        { line, "", "-1:", "d c", ERR_OK },
        { line, "", ":+1", "a", ERR_OK },
        { line, "", "b:+1", "c b", ERR_OK },
        { line, "", "b:+9", "d c b", ERR_OK },
        { line, "", " b : c ", "c b", ERR_OK },
        { forest, "", "left@base:", "bbbb2222 bbbb1111 aaaa1111", ERR_OK },
        { forest, "", "right:", "cccc2222 cccc1111", ERR_OK },
        { line, "", "b", "history range requires [start]:[end], [start]:, or :[end]",
          ERR_TARGET_INVALID },
        { line, "", "a:b:c", "history range requires", ERR_TARGET_INVALID },
        { line, "", "c:b", "does not refer to ancestor/descendant revisions along the same branch",
          ERR_TARGET_INVALID },
        { forest, "", "left:right", "does not refer to ancestor", ERR_TARGET_INVALID },
        { line, "", "+1:", "counts the wrong way", ERR_TARGET_INVALID },
        { line, "", ":-1", "counts the wrong way", ERR_TARGET_INVALID },
        { line, "", "-1:+1", "both ends of the range are relative", ERR_TARGET_INVALID },
        { line, "", "zz:", "can't locate revision identified by 'zz'", ERR_REVISION_UNKNOWN },
    };

    (void) state;
    expect_targets(target_history, cases, ARRAY_SIZE(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upgrade_goes_to),
        cmocka_unit_test(an_upgrade_does_not_go_to),
        cmocka_unit_test(slips_are_answered_with_the_nearest_name),
        cmocka_unit_test(a_downgrade_stays_at),
        cmocka_unit_test(a_name_stands_for),
        cmocka_unit_test(a_range_of_history_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
