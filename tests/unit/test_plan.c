/*
 * test_plan.c - steps and the rows that they leave: "+b=b,c" is b applied, with the rows b and c
 * after it.
 *
 * tests/e2e/test_plan_differential.py compares the same code with Alembic itself; here stand the
 * cases to read.
 */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "tests/unit/graph_text.h"

#include <stdio.h>
#include <string.h>

static const char *const line = "a<-b<-c";
static const char *const fork = "a<-b[left], a<-c[right]";
static const char *const diamond = "a<-b[left]<-m, a<-c[right]<-m";
/* app2 depends on net2: the rows of net are implied by those of app. */
static const char *const nets = "net1[net]<-net2<-net3, app1[app]<-app2<-app3, net2<~app2";

struct plan_case {
    const char *graph;
    const char *rows;
    const char *target;
    const char *plan;      /* or part of the message */
    enum error_code error; /* ERR_OK when there is a plan */
};

typedef bool plan_function(const struct graph *graph, const version_rows *rows, const char *target,
                           struct arena *arena, struct plan **ret_plan, struct error *err);

static void expect_plans(plan_function *make_plan, const struct plan_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct plan_case *c = &cases[i];
        struct arena arena = { 0 };
        version_rows rows = rows_of(c->rows, &arena);
        struct plan *plan = NULL;
        struct error err = { 0 };
        bool is_ok = make_plan(graph_of(c->graph, &arena), &rows, c->target, &arena, &plan, &err);

        if (err.code != c->error)
            fail_msg("%s from \"%s\": %s", c->target, c->rows,
                     is_ok ? text_of_plan(plan, &arena) : err.detail);
        if (is_ok) {
            assert_string_equal(text_of_plan(plan, &arena), c->plan);
            assert_true(str_list_equal(&plan->rows_before, &rows));
        } else {
            assert_null(plan);
            assert_non_null(strstr(err.detail, c->plan));
            assert_true(err.hint[0] != '\0');
        }
        arena_release(&arena);
    }
}

static void the_way_up(void **state)
{
    static const struct plan_case cases[] = {
        { line, "", "head", "+a=a +b=b +c=c => c", ERR_OK },
        { line, "b", "head", "+c=c => c", ERR_OK },
        { line, "c", "head", "=> c", ERR_OK },
        { line, "c", "a", "=> c", ERR_OK }, /* below where it is: nothing to do */
        { line, "a", "base", "=> a", ERR_OK },
        { fork, "", "heads", "+a=a +c=c +b=b,c => b c", ERR_OK },
        { fork, "a", "left", "+b=b => b", ERR_OK },
        { fork, "b", "right", "+c=b,c => b c", ERR_OK },
        { diamond, "", "head", "+a=a +c=c +b=b,c +m=m => m", ERR_OK },
        { diamond, "b", "head", "+c=b,c +m=m => m", ERR_OK },
        { nets, "", "app@head",
          "+net1=net1 +net2=net2 +app1=app1,net2 +app2=app2 +app3=app3 => app3", ERR_OK },
        { nets, "app3", "net@head", "+net3=app3,net3 => app3 net3", ERR_OK },
        { nets, "app3", "net2", "=> app3", ERR_OK },                       /* implied */
        { "a<-b, a<-m, b<-m", "", "head", "+a=a +b=b +m=m => m", ERR_OK }, /* a is redundant */
        { line, "x", "head", "the database records revision \"x\", which no script declares",
          ERR_DATABASE_REVISION_UNKNOWN },
        { line, "a,c", "head",
          "the database records revision \"a\" and also \"c\", which implies it",
          ERR_VERSION_ROWS_OVERLAP },
        { nets, "app2,net1", "heads", "\"net1\" and also \"app2\"", ERR_VERSION_ROWS_OVERLAP },
        { fork, "", "head", "multiple head revisions", ERR_HEADS_MULTIPLE },
    };

    (void) state;
    expect_plans(plan_upgrade, cases, ARRAY_SIZE(cases));
}

static void the_way_down(void **state)
{
    static const struct plan_case cases[] = {
        { line, "c", "base", "-c=b -b=a -a= =>", ERR_OK },
        { line, "c", "-1", "-c=b => b", ERR_OK },
        { line, "c", "c", "=> c", ERR_OK },
        { line, "", "base", "=>", ERR_OK },
        { fork, "b,c", "a", "-b=c -c=a => a", ERR_OK },
        { fork, "b,c", "left@a", "-b=c => c", ERR_OK },
        { fork, "b,c", "left@-1", "-b=c => c", ERR_OK },
        { diamond, "m", "b", "-m=b,c => b c", ERR_OK },
        { diamond, "m", "left@-1", "ambiguous walk", ERR_TARGET_INVALID },
        { diamond, "m", "base", "-m=b,c -b=c -c=a -a= =>", ERR_OK },
        { nets, "app3,net3", "app@app1", "-app3=app2,net3 -app2=app1,net3 => app1 net3", ERR_OK },
        { nets, "app3", "app@app1", "-app3=app2 -app2=app1,net2 => app1 net2", ERR_OK },
        { nets, "app3", "net@base", "-app3=app2 -app2=app1,net2 -net2=app1,net1 -net1=app1 => app1",
          ERR_OK },
        { "a<-b, a<-m, b<-m", "m", "-1", "ambiguous walk", ERR_TARGET_INVALID },
        { "a<-b, a<-m, b<-m", "m", "b", "-m=b => b", ERR_OK }, /* a is implied by b */
        { line, "a", "b", "destination b is not a valid downgrade target from current head(s)",
          ERR_TARGET_INVALID },
        { fork, "b", "c", "destination c is not a valid downgrade target", ERR_TARGET_INVALID },
        { "a[lab]<-b<-c, b<-d", "c", "lab@b", "not a valid downgrade target from current heads",
          ERR_TARGET_INVALID },
        { line, "x", "base", "the database records revision \"x\"", ERR_DATABASE_REVISION_UNKNOWN },
        { line, "a,c", "base", "-c=a,b -b=a -a= =>", ERR_OK }, /* overlapping rows can be unwound */
    };

    (void) state;
    expect_plans(plan_downgrade, cases, ARRAY_SIZE(cases));
}

static bool stamp_purges;

/* `target`: with spaces between several. */
static bool stamp(const struct graph *graph, const version_rows *rows, const char *target,
                  struct arena *arena, struct plan **ret_plan, struct error *err)
{
    struct str_list targets = { 0 };
    struct str rest = str_of(target);

    while (rest.len > 0) {
        size_t end = str_find_char(rest, ' ', 0);

        str_list_add(&targets, arena, arena_strndup(arena, rest.ptr, end));
        rest = str_sub(rest, end + 1, rest.len);
    }
    return plan_stamp(graph, rows, &(struct stamp_options){ targets, stamp_purges }, arena,
                      ret_plan, err);
}

static void rows_set_by_hand(void **state)
{
    static const struct plan_case cases[] = {
        { line, "", "head", "+c=c => c", ERR_OK },
        { line, "c", "a", "-a=a => a", ERR_OK },
        { line, "c", "c", "=> c", ERR_OK },
        { line, "c", "base", "-c= =>", ERR_OK },
        { fork, "", "heads", "+b=b +c=b,c => b c", ERR_OK },
        { fork, "b,c", "a", "-a=a => a", ERR_OK },
        { fork, "b", "c", "+c=b,c => b c", ERR_OK },
        { fork, "a", "b c", "+b=b +c=b,c => b c", ERR_OK },
        { diamond, "b,c", "m", "+m=m => m", ERR_OK },
        { nets, "app3,net3", "net@base", "-app3=net3 -net3= =>", ERR_OK },
        { nets, "app1,net3", "app@base", "-app1=net3 => net3", ERR_OK },
        { nets, "net1", "app2", "+app2=app2 => app2", ERR_OK }, /* it implies net1 */
        { line, "x", "head", "the database records revision \"x\"", ERR_DATABASE_REVISION_UNKNOWN },
        { line, "", "a b", "'b' cannot be stamped: another target implies it, or it another",
          ERR_TARGET_INVALID },
        { line, "", "base a", "'base' cannot be stamped: there are other targets",
          ERR_TARGET_INVALID },
        { line, "b", "+1", "'+1' cannot be stamped: it is relative", ERR_TARGET_INVALID },
        { line, "b", "zz", "can't locate revision identified by 'zz'", ERR_REVISION_UNKNOWN },
        { fork, "", "head", "multiple head revisions", ERR_HEADS_MULTIPLE },
    };

    (void) state;
    stamp_purges = false;
    expect_plans(stamp, cases, ARRAY_SIZE(cases));
}

static void purging_forgets_what_no_script_declares(void **state)
{
    static const struct plan_case cases[] = {
        { line, "x,y", "b", "+b=b => b", ERR_OK },
        { line, "b", "b", "+b=b => b", ERR_OK },
        { line, "x", "base", "=>", ERR_OK },
        { line, "x", "zz", "can't locate revision identified by 'zz'", ERR_REVISION_UNKNOWN },
    };

    (void) state;
    stamp_purges = true;
    expect_plans(stamp, cases, ARRAY_SIZE(cases));
}

static void a_purging_plan_begins_with_the_rows_there_are(void **state)
{
    struct arena arena = { 0 };
    version_rows rows = rows_of("x", &arena);
    struct plan *plan = NULL;
    struct error err = { 0 };

    (void) state;
    stamp_purges = true;
    assert_true(stamp(graph_of(line, &arena), &rows, "b", &arena, &plan, &err));
    assert_true(plan->purges);
    assert_int_equal(plan->verb, VERB_STAMP);
    assert_true(str_list_equal(&plan->steps[0].rows_before, &rows));
    arena_release(&arena);
}

static void steps_are_chained_by_their_rows(void **state)
{
    struct arena arena = { 0 };
    version_rows rows = { 0 };
    struct plan *plan = NULL;
    struct error err = { 0 };

    (void) state;
    assert_true(plan_upgrade(graph_of(diamond, &arena), &rows, "head", &arena, &plan, &err));
    for (size_t i = 0; i < plan->count; i++)
        assert_true(str_list_equal(&plan->steps[i].rows_before,
                                   i == 0 ? &plan->rows_before : &plan->steps[i - 1].rows_after));
    arena_release(&arena);
}

static void an_irreversible_revision_stops_the_way_down(void **state)
{
    struct arena arena = { 0 };
    struct graph *graph = graph_of(line, &arena);
    version_rows rows = rows_of("c", &arena);
    struct script irreversible = *graph_find(graph, "b")->script;
    struct revision *b = (struct revision *) (uintptr_t) graph_find(graph, "b");
    struct plan *plan = NULL;
    struct error err = { 0 };

    (void) state;
    irreversible.irreversible = "the tokens are hashed";
    b->script = &irreversible;
    assert_true(plan_downgrade(graph, &rows, "b", &arena, &plan, &err));
    assert_false(plan_downgrade(graph, &rows, "a", &arena, &plan, &err));
    assert_int_equal(err.code, ERR_IRREVERSIBLE);
    assert_string_equal(err.detail, "revision \"b\" is irreversible: the tokens are hashed");
    assert_string_equal(err.file, "b.sql");
    assert_int_equal(err.line, 3);
    assert_string_equal(err.revision, "b");
    arena_release(&arena);
}

static void a_plan_is_destructive_when_a_statement_that_it_runs_is(void **state)
{
    struct arena arena = { 0 };
    struct script *script = NULL;
    struct error err = { 0 };
    struct graph *graph = NULL;
    version_rows none = { 0 };
    version_rows applied = rows_of("a", &arena);
    struct str_list targets = applied;
    struct plan *plan = NULL;

    (void) state;
    assert_true(script_parse(
        str_of("-- Revision ID: a\n-- Transaction: none\n-- migrate:up\nCREATE TABLE a (b);\n"
               "-- migrate:down\nDROP TABLE a;\n"),
        "a.sql", &arena, &script, &err));
    assert_true(graph_build((const struct script *const *) &script, 1, &arena, &graph, &err));
    assert_true(plan_upgrade(graph, &none, "head", &arena, &plan, &err));
    assert_false(plan_is_destructive(plan, &arena));
    assert_true(step_is_transaction_none(&plan->steps[0], plan->verb));
    assert_true(plan_downgrade(graph, &applied, "base", &arena, &plan, &err));
    assert_true(plan_is_destructive(plan, &arena));
    assert_true(
        plan_stamp(graph, &none, &(struct stamp_options){ targets, false }, &arena, &plan, &err));
    assert_false(plan_is_destructive(plan, &arena));
    assert_false(step_is_transaction_none(&plan->steps[0], plan->verb));
    arena_release(&arena);
}

static void verbs_have_names(void **state)
{
    enum verb verb = VERB_BACKUP;

    (void) state;
    assert_string_equal(verb_name(VERB_STAMP), "stamp");
    assert_true(verb_find("upgrade", &verb));
    assert_int_equal(verb, VERB_UPGRADE);
    assert_false(verb_find("Upgrade", &verb));
}

/* A linear history of this many revisions plans in a few milliseconds; anything quadratic would
 * need minutes under a sanitizer. */
static void long_histories_are_planned_at_once(void **state)
{
    enum {
        COUNT = 10000
    };
    struct arena arena = { 0 };
    const struct script **scripts = arena_array(&arena, const struct script *, COUNT);
    struct graph *graph = NULL;
    version_rows rows = { 0 };
    struct plan *plan = NULL;
    struct error err = { 0 };
    int64_t begin_us = clock_monotonic_us();

    (void) state;
    for (int i = 0; i < COUNT; i++) {
        struct script *script = arena_new(&arena, struct script);

        script->id = arena_printf(&arena, "r%d", i);
        if (i > 0)
            str_list_add(&script->revises, &arena, scripts[i - 1]->id);
        scripts[i] = script;
    }
    assert_true(graph_build(scripts, COUNT, &arena, &graph, &err));
    assert_true(plan_upgrade(graph, &rows, "head", &arena, &plan, &err));
    assert_int_equal(plan->count, COUNT);
    rows = plan->rows_after;
    assert_true(plan_downgrade(graph, &rows, "base", &arena, &plan, &err));
    assert_int_equal(plan->count, COUNT);
    assert_string_equal(plan->steps[0].rows_after.items[0], "r9998");
    print_message("# %d revisions built, planned up and down in %.1f ms\n", COUNT,
                  (double) (clock_monotonic_us() - begin_us) / 1000);
    assert_true(clock_monotonic_us() - begin_us < 5000000);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_way_up),
        cmocka_unit_test(the_way_down),
        cmocka_unit_test(rows_set_by_hand),
        cmocka_unit_test(purging_forgets_what_no_script_declares),
        cmocka_unit_test(a_purging_plan_begins_with_the_rows_there_are),
        cmocka_unit_test(steps_are_chained_by_their_rows),
        cmocka_unit_test(an_irreversible_revision_stops_the_way_down),
        cmocka_unit_test(a_plan_is_destructive_when_a_statement_that_it_runs_is),
        cmocka_unit_test(verbs_have_names),
        cmocka_unit_test(long_histories_are_planned_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
