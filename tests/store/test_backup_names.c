/*
 * test_backup_names.c - what a backup's name tells, and which names are none.
 */
#include "support.h"

#include "store/backup_names.h"

#define NOON INT64_C(1795176184000000) /* 2026-11-20T12:03:04Z */

static version_rows rows_of(struct place *place, const char *first, const char *second)
{
    version_rows rows = { 0 };

    if (first != NULL)
        str_list_add(&rows, &place->arena, first);
    if (second != NULL)
        str_list_add(&rows, &place->arena, second);
    return rows;
}

static void expect_round_trip(struct place *place, const version_rows *rows, unsigned number,
                              const char *name)
{
    struct backup_info info = { 0 };
    unsigned read_number = 0;

    assert_string_equal(backup_name_format("content", NOON, rows, number, &place->arena), name);
    assert_true(backup_name_parse(name, "content", &place->arena, &info, &read_number));
    assert_int_equal(info.created_us, NOON);
    assert_int_equal(read_number, number);
    assert_true(str_list_equal(&info.rows, rows));
}

static void test_names_tell_time_revisions_and_number(void **state)
{
    struct place *place = *state;
    version_rows none = { 0 };
    version_rows one = rows_of(place, "c7f8a9b0d1e2", NULL);
    version_rows two = rows_of(place, "a1", "v0.9.0.a");

    expect_round_trip(place, &none, 1, "content-20261120T120304Z-base.db");
    expect_round_trip(place, &one, 1, "content-20261120T120304Z-c7f8a9b0d1e2.db");
    expect_round_trip(place, &two, 12, "content-20261120T120304Z-a1+v0.9.0.a-12.db");
}

static void test_rows_that_fit_no_name(void **state)
{
    struct place *place = *state;
    version_rows strange = rows_of(place, "../../etc/passwd", NULL);
    version_rows many = { 0 };

    for (int i = 0; i < 20; i++)
        str_list_add(&many, &place->arena, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_string_equal(backup_name_format("content", NOON, &strange, 1, &place->arena),
                        "content-20261120T120304Z-unknown.db");
    assert_string_equal(backup_name_format("content", NOON, &many, 1, &place->arena),
                        "content-20261120T120304Z-several.db");
}

static void test_other_names_are_no_backups(void **state)
{
    static const char *const names[] = {
        "content.db",
        "content-20261120T120304Z.db",
        "content-20261120T120304Z-.db",
        "content-20261120T120304Z-a1.db.partial",
        ".content-20261120T120304Z-a1.db.partial",
        "content-20261120T120304Z-a1.db-wal",
        "content-20261120X120304Z-a1.db",
        "content-2026112 T120304Z-a1.db",
        "content-20261120T120304Z-a1-x.db",
        "content-20261120T120304Z-a1-2-3.db",
        "content-20261120T120304Z-a 1.db",
        "other-20261120T120304Z-a1.db",
        "content-other-20261120T120304Z-a1.db",
    };
    struct place *place = *state;
    struct backup_info info = { 0 };
    unsigned number = 0;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (backup_name_parse(names[i], "content", &place->arena, &info, &number))
            fail_msg("%s is taken for a backup", names[i]);
    }
}

static void test_leftovers_are_known_by_name(void **state)
{
    (void) state;
    assert_true(backup_name_is_leftover(".content-20261120T120304Z-a1.db.partial", "content"));
    assert_true(backup_name_is_leftover(".content-20261120T120304Z-a1.db.partial-wal", "content"));
    assert_true(
        backup_name_is_leftover(".content-20261120T120304Z-a1.db.partial-journal", "content"));
    assert_false(backup_name_is_leftover("content-20261120T120304Z-a1.db", "content"));
    assert_false(backup_name_is_leftover(".other-20261120T120304Z-a1.db.partial", "content"));
    assert_false(backup_name_is_leftover(".content.db.partial", "content"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_names_tell_time_revisions_and_number),
        place_test(test_rows_that_fit_no_name),
        place_test(test_other_names_are_no_backups),
        place_test(test_leftovers_are_known_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
