/*
 * test_nearest.c - "did you mean".
 */
#include "tests/unit/unit.h"

#include "migrations/nearest.h"

#include <string.h>

static void slips_are_counted(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } cases[] = {
        { "", "", 0 },
        { "", "abc", 3 },
        { "Revision ID", "revision id", 0 },
        { "Revison ID", "Revision ID", 1 },   /* left out */
        { "Revisiion ID", "Revision ID", 1 }, /* doubled */
        { "Revisoin ID", "Revision ID", 1 },  /* swapped */
        { "kitten", "sitting", 3 },
    };
    char longer[80];

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(nearest_distance(str_of(cases[i].a), str_of(cases[i].b)),
                         cases[i].distance);
        assert_int_equal(nearest_distance(str_of(cases[i].b), str_of(cases[i].a)),
                         cases[i].distance);
    }
    memset(longer, 'a', sizeof(longer));
    assert_true(nearest_distance((struct str){ longer, sizeof(longer) }, str_of("a")) == SIZE_MAX);
}

static void only_the_nearest_are_named(void **state)
{
    static const char *names[] = { "heads", "head", "lead", "base", "current" };
    const struct str_list candidates = { names, ARRAY_SIZE(names), ARRAY_SIZE(names) };
    struct arena arena = { 0 };
    struct str_list found = { 0 };

    (void) state;
    found = nearest_find(str_of("haed"), &candidates, &arena);
    assert_string_equal(str_list_join(&found, " ", &arena), "head");
    found = nearest_find(str_of("hea"), &candidates, &arena);
    assert_string_equal(str_list_join(&found, " ", &arena), "head");
    found = nearest_find(str_of("lase"), &candidates, &arena);
    assert_string_equal(str_list_join(&found, " ", &arena), "base");
    found = nearest_find(str_of("xead"), &candidates, &arena);
    assert_string_equal(str_list_join(&found, " ", &arena), "head lead");
    found = nearest_find(str_of("currant"), &candidates, &arena);
    assert_string_equal(str_list_join(&found, " ", &arena), "current");
    assert_int_equal(nearest_find(str_of("zzzzzz"), &candidates, &arena).count, 0);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slips_are_counted),
        cmocka_unit_test(only_the_nearest_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
