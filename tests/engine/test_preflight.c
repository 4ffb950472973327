/*
 * test_preflight.c - what is refused before anything is touched, and who is named.
 */
#include "support.h"

#include "engine/preflight.h"

#include <sys/stat.h>
#include <unistd.h>

#define FAR_TOO_MUCH ((uint64_t) 1 << 60) /* bytes: more than any disk here */

static bool check(struct site *site, const struct plan *plan, bool will_back_up, uint64_t bytes,
                  struct error *err)
{
    struct db_facts facts = { .bytes = bytes };

    return preflight_check(&site->settings, plan, will_back_up, &facts, err);
}

/* A plan of one script that holds the given statement. */
static const struct plan *plan_of(struct site *site, const char *header, const char *sql)
{
    struct history history = { .place = site->place };
    version_rows rows = { 0 };
    struct plan *plan = NULL;
    struct error err = { 0 };

    history_add(&history, "aaaa", header, sql, "");
    assert_ok(plan_upgrade(history_graph(&history), &rows, "head", &site->place->arena, &plan,
                           &err),
              &err);
    return plan;
}

static void test_enough_of_everything_passes(void **state)
{
    struct site *site = *state;
    const struct plan *plan = plan_of(site, NULL, "SELECT 1;");
    struct error err = { 0 };

    assert_ok(check(site, plan, true, 4096, &err), &err);
    assert_ok(check(site, NULL, true, 4096, &err), &err);
}

static void test_a_backup_without_room_is_refused_with_numbers(void **state)
{
    struct site *site = *state;
    const struct plan *plan = plan_of(site, NULL, "SELECT 1;");
    struct error err = { 0 };

    assert_error(check(site, NULL, true, FAR_TOO_MUCH, &err), &err, ERR_SPACE_SHORT,
                 "needs 1152921504606846976");
    assert_contains(err.detail, site->place->directory);
    assert_contains(err.hint, "MiB");
    error_clear(&err);

    assert_ok(check(site, plan, false, FAR_TOO_MUCH, &err), &err);
}

static void test_a_vacuum_needs_room_for_its_copy(void **state)
{
    struct site *site = *state;
    const struct plan *plan = plan_of(site, "Transaction: none", "VACUUM;");
    struct error err = { 0 };

    assert_ok(check(site, plan, false, 4096, &err), &err);
    assert_error(check(site, plan, false, FAR_TOO_MUCH, &err), &err, ERR_SPACE_SHORT, "the run");
}

static void test_a_second_hard_link_is_refused(void **state)
{
    struct site *site = *state;
    const struct plan *plan = plan_of(site, NULL, "SELECT 1;");
    struct error err = { 0 };

    sql_run(site->place->path, "PRAGMA user_version = 1");
    assert_ok(check(site, plan, false, 4096, &err), &err);
    assert_int_equal(link(site->place->path, place_file(site->place, "other.db")), 0);
    assert_error(check(site, plan, false, 4096, &err), &err, ERR_DATABASE_UNUSABLE,
                 "it has 2 hard links");
}

/* Root may write anywhere, so that root looks with somebody else's eyes. */
static void test_what_cannot_be_written_is_named(void **state)
{
    struct site *site = *state;
    const struct plan *plan = plan_of(site, NULL, "SELECT 1;");
    uid_t self = geteuid();
    struct error err = { 0 };
    bool is_done = true;

    assert_int_equal(chmod(site->place->directory, 0555), 0);
    assert_int_equal(self == 0 ? seteuid(65534) : 0, 0);
    is_done = check(site, plan, false, 4096, &err);
    assert_int_equal(seteuid(self), 0);
    assert_int_equal(chmod(site->place->directory, 0700), 0);
    assert_error(is_done, &err, ERR_DATABASE_UNUSABLE, "could not write directory of the database");
    assert_contains(err.hint, "owner and mode");
}

static void test_holders_of_locks_are_named(void **state)
{
    struct site *site = *state;
    struct arena *arena = &site->place->arena;
    struct helper helper = { 0 };

    assert_string_equal(preflight_lock_holders(site->place->path, arena), "");

    sql_run(site->place->path, "CREATE TABLE t (id)");
    helper = helper_start("hold", site->place->path, "BEGIN IMMEDIATE");
    assert_string_equal(preflight_lock_holders(site->place->path, arena),
                        arena_printf(arena, "pid %d (store_helper)", helper.pid));
    helper_end(&helper);
    assert_string_equal(preflight_lock_holders(site->place->path, arena), "");
}

static void test_holders_are_seen_in_wal_mode_too(void **state)
{
    struct site *site = *state;
    struct arena *arena = &site->place->arena;
    struct helper helper = { 0 };

    sql_run(site->place->path, "PRAGMA journal_mode = wal; CREATE TABLE t (id)");
    helper = helper_start("hold", site->place->path, "BEGIN IMMEDIATE");
    assert_contains(preflight_lock_holders(site->place->path, arena),
                    arena_printf(arena, "pid %d (store_helper)", helper.pid));
    helper_end(&helper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        site_test(test_enough_of_everything_passes),
        site_test(test_a_backup_without_room_is_refused_with_numbers),
        site_test(test_a_vacuum_needs_room_for_its_copy),
        site_test(test_a_second_hard_link_is_refused),
        site_test(test_what_cannot_be_written_is_named),
        site_test(test_holders_of_locks_are_named),
        site_test(test_holders_are_seen_in_wal_mode_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
