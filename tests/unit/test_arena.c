/*
 * test_arena.c - memory that lives and dies together; ASan sees what an arena would leak.
 */
#include "tests/unit/unit.h"

#include "base/arena.h"

#include <stdalign.h>
#include <string.h>

static int arena_setup(void **state)
{
    static struct arena arena;

    arena_init(&arena);
    *state = &arena;
    return 0;
}

static int arena_teardown(void **state)
{
    arena_release(*state);
    return 0;
}

static bool is_zero(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void allocations_are_zeroed_aligned_and_apart(void **state)
{
    static const size_t sizes[] = { 0, 1, 3, 16, 100, 4095, 4096, 4097, 70000, 3 * 1024 * 1024, 1 };
    unsigned char *got[ARRAY_SIZE(sizes)];

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        got[i] = arena_alloc(*state, sizes[i]);
        assert_int_equal((uintptr_t) got[i] % alignof(max_align_t), 0);
        assert_true(is_zero(got[i], sizes[i]));
        memset(got[i], (int) i + 1, sizes[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(got[i][k], i + 1);
}

static void ten_thousand_small_ones_keep_their_values(void **state)
{
    int **numbers = arena_array(*state, int *, 10000);

    for (int i = 0; i < 10000; i++) {
        numbers[i] = arena_new(*state, int);
        assert_int_equal(*numbers[i], 0);
        *numbers[i] = i;
    }
    for (int i = 0; i < 10000; i++)
        assert_int_equal(*numbers[i], i);
}

static void texts_are_copied_and_terminated(void **state)
{
    char text[] = "content.db";
    char *copy = arena_strdup(*state, text);
    char *part = arena_strndup(*state, text, 4);

    memset(text, 'x', sizeof(text) - 1);
    assert_string_equal(copy, "content.db");
    assert_string_equal(part, "cont");
    assert_string_equal(arena_strndup(*state, "", 0), "");
    assert_string_equal(arena_strndup(*state, NULL, 0), "");
}

static void printf_makes_as_much_room_as_it_needs(void **state)
{
    char *text = arena_printf(*state, "%5000d|%s", 7, "end");

    assert_int_equal(strlen(text), 5004);
    assert_string_equal(text + 4999, "7|end");
}

static void a_released_arena_can_be_used_again(void **state)
{
    (void) arena_strdup(*state, "first life");
    arena_release(*state);
    assert_string_equal(arena_strdup(*state, "second life"), "second life");
}

static void a_zeroed_arena_is_ready(void **state)
{
    struct arena arena = { 0 };

    (void) state;
    assert_string_equal(arena_strdup(&arena, "ready"), "ready");
    arena_release(&arena);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(allocations_are_zeroed_aligned_and_apart, arena_setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(ten_thousand_small_ones_keep_their_values, arena_setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(texts_are_copied_and_terminated, arena_setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(printf_makes_as_much_room_as_it_needs, arena_setup,
                                        arena_teardown),
        cmocka_unit_test_setup_teardown(a_released_arena_can_be_used_again, arena_setup,
                                        arena_teardown),
        cmocka_unit_test(a_zeroed_arena_is_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
