/*
 * test_current.c - where a database stands.
 */
#include "tests/unit/unit.h"

#include "migrations/current.h"
#include "tests/unit/graph_text.h"

static const char *const line = "a<-b<-c";
static const char *const fork = "a<-b, a<-c";
static const char *const nets = "net1<-net2<-net3, app1<-app2<-app3, net2<~app2";

static void verdicts(void **state)
{
    static const struct {
        const char *graph;
        const char *rows;
        enum verdict verdict;
        const char *revisions; /* what `current` lists */
        const char *unknown;
        size_t pending;
    } cases[] = {
        { line, "", VERDICT_EMPTY, "", "", 3 },
        { line, "c", VERDICT_EQUAL, "c", "", 0 },
        { line, "a", VERDICT_BEHIND, "a", "", 2 },
        { line, "x", VERDICT_AHEAD, "", "x", 0 },
        { line, "x,y", VERDICT_AHEAD, "", "x y", 0 },
        { line, "a,x", VERDICT_DIVERGED, "a", "x", 0 },
        { line, "a,c", VERDICT_DIVERGED, "c", "", 0 },
        { fork, "b", VERDICT_BEHIND, "b", "", 1 },
        { fork, "b,c", VERDICT_EQUAL, "b c", "", 0 },
        { nets, "app3", VERDICT_BEHIND, "app3 net2", "", 1 }, /* net2 is implied, and shown */
        { nets, "app3,net3", VERDICT_EQUAL, "app3 net3", "", 0 },
        { nets, "app1,net1", VERDICT_BEHIND, "app1 net1", "", 4 },
        { "", "", VERDICT_EMPTY, "", "", 0 },
        { "", "a", VERDICT_AHEAD, "", "a", 0 },
        { "b<-z, b<-y, b<-x", "z,x,y", VERDICT_EQUAL, "x y z", "", 0 }, /* sorted by id */
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena = { 0 };
        version_rows rows = rows_of(cases[i].rows, &arena);
        struct current current = current_of(graph_of(cases[i].graph, &arena), &rows, &arena);

        assert_string_equal(verdict_name(current.verdict), verdict_name(cases[i].verdict));
        assert_string_equal(text_of_list(&current.revisions, &arena), cases[i].revisions);
        assert_string_equal(str_list_join(&current.unknown, " ", &arena), cases[i].unknown);
        assert_int_equal(current.pending, cases[i].pending);
        assert_true(str_list_equal(&current.rows, &rows));
        arena_release(&arena);
    }
}

static void heads_are_the_graphs(void **state)
{
    struct arena arena = { 0 };
    version_rows rows = { 0 };
    struct current current = current_of(graph_of(nets, &arena), &rows, &arena);

    (void) state;
    assert_string_equal(text_of_list(&current.heads, &arena), "net3 app3");
    arena_release(&arena);
}

static void verdicts_have_names(void **state)
{
    (void) state;
    assert_string_equal(verdict_name(VERDICT_EMPTY), "empty");
    assert_string_equal(verdict_name(VERDICT_UNKNOWN), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(heads_are_the_graphs),
        cmocka_unit_test(verdicts_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
