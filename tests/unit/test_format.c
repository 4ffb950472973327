/*
 * test_format.c - Alembic's lines, word for word.
 */
#include "tests/unit/unit.h"

#include "migrations/format.h"
#include "tests/unit/graph_text.h"

static const char *const forest =
    "aaaa<-bbbb[left]<-ffff, aaaa<-cccc[right]<-ffff, nnnn[net], nnnn<~cccc";

static const struct revision *get(const char *text, const char *id, struct arena *arena)
{
    return graph_find(graph_of(text, arena), id);
}

static void lines_of_heads_and_current(void **state)
{
    static const struct {
        const char *graph;
        const char *id;
        const char *head_line;
        const char *current_line;
    } cases[] = {
        { "a<-b", "b", "b (head)", "b (head)" },
        { "a<-b", "a", "a", "a" },
        { "a<-b, a<-c", "a", "a", "a (branchpoint)" },
        { forest, "ffff", "ffff (left, right) (head)", "ffff (head) (mergepoint)" },
        { forest, "nnnn", "nnnn (net) (effective head)", "nnnn (effective head)" },
    };
    struct arena arena = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct revision *revision = get(cases[i].graph, cases[i].id, &arena);

        assert_string_equal(format_head_line(revision, &arena), cases[i].head_line);
        assert_string_equal(format_current_line(revision, &arena), cases[i].current_line);
    }
    arena_release(&arena);
}

static void lines_of_history(void **state)
{
    static const struct {
        const char *id;
        const char *rows; /* NULL: not asked */
        const char *history_line;
    } cases[] = {
        { "aaaa", NULL, "<base> -> aaaa (branchpoint), message of aaaa" },
        { "aaaa", "aaaa", "<base> -> aaaa (current) (branchpoint), message of aaaa" },
        { "bbbb", "cccc", "aaaa -> bbbb (left), message of bbbb" },
        { "cccc", "cccc", "aaaa (nnnn) -> cccc (right) (current), message of cccc" },
        { "ffff", "ffff",
          "bbbb, cccc -> ffff (left, right) (head) (current) (mergepoint), message of ffff" },
    };
    struct arena arena = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        version_rows rows = rows_of(cases[i].rows != NULL ? cases[i].rows : "", &arena);

        assert_string_equal(format_history_line(get(forest, cases[i].id, &arena),
                                                cases[i].rows != NULL ? &rows : NULL, &arena),
                            cases[i].history_line);
    }
    arena_release(&arena);
}

static void lines_of_steps(void **state)
{
    struct arena arena = { 0 };

    (void) state;
    assert_string_equal(format_step_line(get("a<-b", "b", &arena), DIRECTION_UP, &arena),
                        "Running upgrade a -> b, message of b");
    assert_string_equal(format_step_line(get("a<-b", "a", &arena), DIRECTION_UP, &arena),
                        "Running upgrade  -> a, message of a");
    assert_string_equal(format_step_line(get("a<-b", "a", &arena), DIRECTION_DOWN, &arena),
                        "Running downgrade a -> , message of a");
    assert_string_equal(format_step_line(get(forest, "ffff", &arena), DIRECTION_UP, &arena),
                        "Running upgrade bbbb, cccc -> ffff, message of ffff");
    assert_string_equal(format_step_line(get(forest, "cccc", &arena), DIRECTION_UP, &arena),
                        "Running upgrade aaaa -> cccc, message of cccc");
    arena_release(&arena);
}

static void an_entry_of_branches(void **state)
{
    struct arena arena = { 0 };

    (void) state;
    assert_string_equal(format_branch_entry(get(forest, "aaaa", &arena), &arena),
                        "aaaa (branchpoint)\n"
                        "     -> bbbb (left)\n"
                        "     -> cccc (right)");
    arena_release(&arena);
}

static void a_detailed_entry_of_branches(void **state)
{
    struct arena arena = { 0 };

    (void) state;
    assert_string_equal(format_branch_detail(get(forest, "aaaa", &arena), NULL, &arena),
                        "Rev: aaaa (branchpoint)\n"
                        "Parent: <base>\n"
                        "Branches into: bbbb, cccc\n"
                        "Path: aaaa.sql\n"
                        "\n"
                        "    message of aaaa\n"
                        "    \n"
                        "    Revision ID: aaaa\n"
                        "    Revises: \n"
                        "\n"
                        "     -> bbbb (left), message of bbbb\n"
                        "     -> cccc (right), message of cccc");
    arena_release(&arena);
}

static void an_entry_of_show(void **state)
{
    struct arena arena = { 0 };
    version_rows rows = rows_of("aaaa", &arena);

    (void) state;
    assert_string_equal(format_revision_entry(get(forest, "aaaa", &arena), &rows, &arena),
                        "Rev: aaaa (branchpoint) (current)\n"
                        "Parent: <base>\n"
                        "Branches into: bbbb, cccc\n"
                        "Path: aaaa.sql\n"
                        "\n"
                        "    message of aaaa\n"
                        "    \n"
                        "    Revision ID: aaaa\n"
                        "    Revises: ");
    assert_string_equal(format_revision_entry(get(forest, "cccc", &arena), NULL, &arena),
                        "Rev: cccc\n"
                        "Parent: aaaa\n"
                        "Also depends on: nnnn\n"
                        "Branch names: right\n"
                        "Path: cccc.sql\n"
                        "\n"
                        "    message of cccc\n"
                        "    \n"
                        "    Revision ID: cccc\n"
                        "    Revises: aaaa");
    assert_string_equal(format_revision_entry(get(forest, "ffff", &arena), NULL, &arena),
                        "Rev: ffff (head) (mergepoint)\n"
                        "Merges: bbbb, cccc\n"
                        "Branch names: left, right\n"
                        "Path: ffff.sql\n"
                        "\n"
                        "    message of ffff\n"
                        "    \n"
                        "    Revision ID: ffff\n"
                        "    Revises: bbbb, cccc");
    arena_release(&arena);
}

static void long_messages_are_indented_line_by_line(void **state)
{
    struct arena arena = { 0 };
    struct script *script = NULL;
    struct graph *graph = NULL;
    struct error err = { 0 };

    (void) state;
    assert_true(
        script_parse(str_of(
                         "-- one\n-- two\n--\n-- three\n-- Revision ID: a\n-- Create Date: today\n"
                         "-- migrate:up\n-- migrate:down\n"),
                     "a.sql", &arena, &script, &err));
    assert_true(graph_build((const struct script *const *) &script, 1, &arena, &graph, &err));
    assert_string_equal(format_revision_entry(graph_find(graph, "a"), NULL, &arena),
                        "Rev: a (head)\n"
                        "Parent: <base>\n"
                        "Path: a.sql\n"
                        "\n"
                        "    one\n"
                        "    two\n"
                        "    \n"
                        "    three\n"
                        "    \n"
                        "    Revision ID: a\n"
                        "    Revises: \n"
                        "    Create Date: today");
    assert_string_equal(format_history_line(graph_find(graph, "a"), NULL, &arena),
                        "<base> -> a (head), one two");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_heads_and_current),
        cmocka_unit_test(lines_of_history),
        cmocka_unit_test(lines_of_steps),
        cmocka_unit_test(an_entry_of_branches),
        cmocka_unit_test(a_detailed_entry_of_branches),
        cmocka_unit_test(an_entry_of_show),
        cmocka_unit_test(long_messages_are_indented_line_by_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
