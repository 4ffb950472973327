/*
 * test_graph.c - what a graph is told from its scripts, and the holes it is refused for.
 */
#include "tests/unit/unit.h"

#include "tests/unit/graph_text.h"

#include <string.h>

static const struct revision *get(const struct graph *graph, const char *id)
{
    const struct revision *revision = graph_find(graph, id);

    if (revision == NULL)
        fail_msg("no revision \"%s\"", id);
    return revision;
}

static void expect_list(const struct revision_list *list, const char *ids)
{
    struct arena arena = { 0 };

    assert_string_equal(text_of_list(list, &arena), ids);
    arena_release(&arena);
}

static void edges_lead_both_ways(void **state)
{
    struct arena arena = { 0 };
    struct graph *graph = graph_of("a<-b<-d, a<-c<-d, x<~c", &arena);

    (void) state;
    expect_list(&get(graph, "d")->parents, "b c");
    expect_list(&get(graph, "a")->children, "b c");
    expect_list(&get(graph, "c")->parents, "a");
    expect_list(&get(graph, "c")->dependencies, "x");
    expect_list(&get(graph, "c")->needs, "a x");
    expect_list(&get(graph, "x")->children, "");
    expect_list(&get(graph, "x")->dependents, "c");
    arena_release(&arena);
}

static void heads_bases_branches_and_merges(void **state)
{
    struct arena arena = { 0 };
    struct graph *graph = graph_of("a<-b<-d, a<-c<-d, x<~c, x<-y, x<-z", &arena);

    (void) state;
    expect_list(graph_heads(graph), "d y z");
    expect_list(graph_effective_heads(graph), "d y z");
    expect_list(graph_bases(graph), "a x");
    assert_true(get(graph, "a")->is_branch_point && get(graph, "x")->is_branch_point);
    assert_false(get(graph, "b")->is_branch_point);
    assert_true(get(graph, "d")->is_merge_point && get(graph, "d")->is_head);
    assert_false(get(graph, "c")->is_merge_point);
    assert_true(get(graph, "a")->is_base);
    arena_release(&arena);
}

static void a_head_with_a_dependent_is_not_an_effective_one(void **state)
{
    struct arena arena = { 0 };
    struct graph *graph = graph_of("n1<-n2, p1<-p2, n2<~p2", &arena);

    (void) state;
    expect_list(graph_heads(graph), "n2 p2");
    expect_list(graph_effective_heads(graph), "p2");
    assert_true(get(graph, "n2")->is_head);
    assert_false(get(graph, "n2")->is_effective_head);
    arena_release(&arena);
}

static void the_order_puts_needs_first_and_is_the_files_order_otherwise(void **state)
{
    struct arena arena = { 0 };
    struct graph *graph = graph_of("c<-z, b<-c, a<-b, x, x<~a", &arena);
    const struct revision_list *all = graph_revisions(graph);

    (void) state;
    expect_list(all, "x a b c z");
    for (size_t i = 0; i < all->count; i++)
        assert_int_equal(all->items[i]->index, i);
    assert_int_equal(get(graph, "c")->order, 0);
    arena_release(&arena);
}

static void a_dependency_that_an_ancestor_has_is_not_needed_again(void **state)
{
    struct arena arena = { 0 };
    struct graph *graph = graph_of("a<-b<-c, x<~b, x<~c, x<-y, y<~c", &arena);

    (void) state;
    expect_list(&get(graph, "c")->dependencies, "x y");
    expect_list(&get(graph, "c")->needs, "b y");
    expect_list(&get(graph, "b")->needs, "a x");
    arena_release(&arena);
}

static void labels_spread_like_alembics(void **state)
{
    static const struct {
        const char *graph;
        const char *id;
        const char *labels;
    } cases[] = {
        { "a<-b<-c[lab]", "a", "lab" }, /* down to the base of a line */
        { "a<-b[lab]<-c", "c", "lab" }, /* up to the head */
        { "a<-b[left]<-c, a<-d[right]", "c", "left" },
        { "a<-b[left]<-c, a<-d[right]", "a", "" }, /* not over a branch point */
        { "a<-b[left], a<-c[right], b<-m, c<-m", "m", "left right" },
        { "a<-b<-c[lab], c<-d, c<-e", "b", "" }, /* nor below a label with branches above it */
        { "a<-b<-c[lab], b<~x", "a", "" },       /* dependents count as branches */
        { "a[x,y]", "a", "x y" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena = { 0 };
        const struct revision *revision = get(graph_of(cases[i].graph, &arena), cases[i].id);

        assert_string_equal(str_list_join(&revision->labels, " ", &arena), cases[i].labels);
        arena_release(&arena);
    }
}

static void a_label_names_who_declares_it(void **state)
{
    struct arena arena = { 0 };
    struct graph *graph = graph_of("a<-b[lab]<-c", &arena);

    (void) state;
    assert_string_equal(graph_find_label(graph, "lab")->id, "b");
    assert_null(graph_find_label(graph, "a"));
    assert_null(graph_find(graph, "lab"));
    assert_null(graph_find(graph, ""));
    arena_release(&arena);
}

static void graphs_with_holes_are_refused(void **state)
{
    static const struct {
        const char *graph;
        enum error_code code;
        const char *detail;
        const char *file;
        unsigned line;
    } cases[] = {
        { "a<-a", ERR_GRAPH_CYCLE, "revisions form a cycle: a -> a", "a.sql", 4 },
        { "r<-x, a<-b<-c<-a", ERR_GRAPH_CYCLE, "revisions form a cycle: a -> c -> b -> a", "a.sql",
          4 },
        { "a<-b, b<-c, c<-a, c<-d<-e", ERR_GRAPH_CYCLE, "cycle: a -> c -> b -> a", "a.sql", 4 },
        { "a<-b, b<~a", ERR_GRAPH_CYCLE, "cycle: a -> b -> a", "a.sql", 5 },
        { "a, a<~a", ERR_GRAPH_CYCLE, "cycle: a -> a", "a.sql", 5 },
        { "a[x]<-b[x]", ERR_LABEL_DUPLICATE,
          "branch label \"x\" of revision \"b\" is already used by revision \"a\" (a.sql)", "b.sql",
          6 },
        { "a<-b[a]", ERR_LABEL_DUPLICATE,
          "branch label \"a\" of revision \"b\" is also the id of a revision", "b.sql", 6 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena = { 0 };
        struct graph *graph = NULL;
        struct error err = { 0 };

        assert_false(graph_try(cases[i].graph, &arena, &graph, &err));
        assert_int_equal(err.code, cases[i].code);
        if (strstr(err.detail, cases[i].detail) == NULL)
            fail_msg("\"%s\": %s", cases[i].graph, err.detail);
        assert_string_equal(err.file, cases[i].file);
        assert_int_equal(err.line, cases[i].line);
        assert_true(err.hint[0] != '\0');
        arena_release(&arena);
    }
}

static void a_long_cycle_is_told_shortly(void **state)
{
    cleanup(strbuf_release) struct strbuf text = { 0 };
    struct arena arena = { 0 };
    struct graph *graph = NULL;
    struct error err = { 0 };

    (void) state;
    strbuf_init(&text, 4096);
    for (int i = 0; i < 50; i++)
        strbuf_printf(&text, "a_long_revision_id_%02d<-", i);
    strbuf_add_text(&text, "a_long_revision_id_00");
    assert_false(graph_try(strbuf_text(&text), &arena, &graph, &err));
    assert_int_equal(err.code, ERR_GRAPH_CYCLE);
    assert_non_null(strstr(err.detail, "a_long_revision_id_00 -> a_long_revision_id_49 -> "));
    assert_non_null(strstr(err.detail, "-> ... -> a_long_revision_id_00"));
    arena_release(&arena);
}

/* Graphs of these scripts cannot be drawn: in a drawing every name is a revision. */
static struct script *script_new(struct arena *arena, const char *id, const char *revises,
                                 const char *depends_on)
{
    struct script *script = arena_new(arena, struct script);

    script->id = id;
    script->path = arena_printf(arena, "%s.sql", id);
    script->id_line = 3;
    script->revises_line = 4;
    script->depends_on_line = 5;
    if (revises != NULL)
        str_list_add(&script->revises, arena, revises);
    if (depends_on != NULL)
        str_list_add(&script->depends_on, arena, depends_on);
    return script;
}

static struct error refusal(const struct script *const *scripts, size_t count)
{
    struct arena arena = { 0 };
    struct graph *graph = NULL;
    struct error err = { 0 };

    assert_false(graph_build(scripts, count, &arena, &graph, &err));
    assert_null(graph);
    arena_release(&arena);
    return err;
}

static void a_missing_parent_is_named_with_the_file_that_names_it(void **state)
{
    struct arena arena = { 0 };
    const struct script *scripts[] = { script_new(&arena, "9e9e70a4a06b", NULL, NULL),
                                       script_new(&arena, "b", "9e9e70a4a06c", NULL) };
    struct error err = refusal(scripts, 2);

    (void) state;
    assert_int_equal(err.code, ERR_PARENT_MISSING);
    assert_string_equal(err.detail,
                        "revision \"b\" revises \"9e9e70a4a06c\", which no script declares");
    assert_string_equal(err.hint, "Did you mean \"9e9e70a4a06b\"?");
    assert_string_equal(err.file, "b.sql");
    assert_int_equal(err.line, 4);
    assert_string_equal(err.revision, "b");
    arena_release(&arena);
}

static void a_missing_dependency_too(void **state)
{
    struct arena arena = { 0 };
    const struct script *scripts[] = { script_new(&arena, "b", NULL, "nowhere") };
    struct error err = refusal(scripts, 1);

    (void) state;
    assert_int_equal(err.code, ERR_PARENT_MISSING);
    assert_string_equal(err.detail,
                        "revision \"b\" depends on \"nowhere\", which no script declares");
    assert_string_equal(err.hint, "Add the missing script, or correct the header line.");
    assert_int_equal(err.line, 5);
    arena_release(&arena);
}

static void a_duplicate_id_names_both_files(void **state)
{
    struct arena arena = { 0 };
    struct script *first = script_new(&arena, "a", NULL, NULL);
    struct script *second = script_new(&arena, "a", NULL, NULL);
    const struct script *scripts[] = { first, second };
    struct error err = { 0 };

    (void) state;
    second->path = "sub/a.sql";
    err = refusal(scripts, 2);
    assert_int_equal(err.code, ERR_REVISION_DUPLICATE);
    assert_string_equal(err.detail,
                        "revision \"a\" is declared twice: in \"a.sql\" and in \"sub/a.sql\"");
    assert_string_equal(err.file, "sub/a.sql");
    assert_int_equal(err.line, 3);
    arena_release(&arena);
}

static void a_dependency_may_be_abbreviated_when_it_is_the_only_one(void **state)
{
    struct arena arena = { 0 };
    struct graph *graph = NULL;
    struct error err = { 0 };
    const struct script *one[] = { script_new(&arena, "abcd1", NULL, NULL),
                                   script_new(&arena, "b", NULL, "abc") };
    const struct script *two[] = { script_new(&arena, "abcd1", NULL, NULL),
                                   script_new(&arena, "abcd2", NULL, NULL),
                                   script_new(&arena, "b", NULL, "abc") };

    (void) state;
    assert_true(graph_build(one, 2, &arena, &graph, &err));
    expect_list(&get(graph, "b")->dependencies, "abcd1");
    err = refusal(two, 3);
    assert_int_equal(err.code, ERR_REVISION_AMBIGUOUS);
    assert_non_null(strstr(err.detail, "abcd1, abcd2"));
    arena_release(&arena);
}

static void a_graph_can_be_empty(void **state)
{
    struct arena arena = { 0 };
    struct graph *graph = graph_of("", &arena);

    (void) state;
    assert_int_equal(graph_revisions(graph)->count, 0);
    assert_int_equal(graph_heads(graph)->count, 0);
    assert_null(graph_find(graph, "a"));
    arena_release(&arena);
}

static const char *text_of_set(const struct graph *graph, const struct revision_set *set,
                               struct arena *arena)
{
    struct revision_list list = { 0 };

    for (size_t i = 0; i < graph_revisions(graph)->count; i++) {
        if (revision_set_has(set, graph_revisions(graph)->items[i]))
            revision_list_add(&list, arena, graph_revisions(graph)->items[i]);
    }
    return text_of_list(&list, arena);
}

static void sets_grow_along_the_edges(void **state)
{
    struct arena arena = { 0 };
    struct graph *graph = graph_of("a<-b<-c<-d, x<-y, y<~c", &arena);
    struct revision_set set = revision_set_new(graph, &arena);

    (void) state;
    revision_set_add_ancestors(&set, get(graph, "c"));
    assert_string_equal(text_of_set(graph, &set, &arena), "a x b y c");
    set = revision_set_new(graph, &arena);
    revision_set_add_descendants(&set, get(graph, "y"));
    assert_string_equal(text_of_set(graph, &set, &arena), "y c d");
    set = revision_set_new(graph, &arena);
    revision_set_add_parents(&set, get(graph, "c"));
    assert_string_equal(text_of_set(graph, &set, &arena), "a b c");
    set = revision_set_new(graph, &arena);
    revision_set_add_children(&set, get(graph, "y"));
    revision_set_add(&set, get(graph, "b"));
    assert_string_equal(text_of_set(graph, &set, &arena), "b y");
    revision_set_close_up(&set);
    assert_string_equal(text_of_set(graph, &set, &arena), "b y c d");
    revision_set_close_down(&set);
    assert_string_equal(text_of_set(graph, &set, &arena), "a x b y c d");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_lead_both_ways),
        cmocka_unit_test(heads_bases_branches_and_merges),
        cmocka_unit_test(a_head_with_a_dependent_is_not_an_effective_one),
        cmocka_unit_test(the_order_puts_needs_first_and_is_the_files_order_otherwise),
        cmocka_unit_test(a_dependency_that_an_ancestor_has_is_not_needed_again),
        cmocka_unit_test(labels_spread_like_alembics),
        cmocka_unit_test(a_label_names_who_declares_it),
        cmocka_unit_test(graphs_with_holes_are_refused),
        cmocka_unit_test(a_long_cycle_is_told_shortly),
        cmocka_unit_test(a_missing_parent_is_named_with_the_file_that_names_it),
        cmocka_unit_test(a_missing_dependency_too),
        cmocka_unit_test(a_duplicate_id_names_both_files),
        cmocka_unit_test(a_dependency_may_be_abbreviated_when_it_is_the_only_one),
        cmocka_unit_test(a_graph_can_be_empty),
        cmocka_unit_test(sets_grow_along_the_edges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
