/*
 * test_killed.c - a run that is killed at any moment leaves the database as before it or as after
 * it, the lock free, and an intent that the next start settles (G1).
 */
#include "support.h"

struct killing {
    const char *moment;
    const char *rows;    /* afterwards */
    const char *journal; /* after recovery, above the first upgrade's line; NULL: no such run */
};

static void expect_settled(struct site *site, const char *first, const char *expected)
{
    const char *journal = NULL;
    struct error err = { 0 };
    unsigned settled = 0;

    assert_ok(engine_recover(&site->settings, &settled, &err), &err);
    journal = site_journal(site);
    assert_string_equal(journal, expected == NULL ? first
                                                  : arena_printf(&site->place->arena, "%s\n%s",
                                                                 expected, first));
}

/* Nothing but complete backups: no temporary file of a killed one. */
static void expect_no_leftovers(struct site *site)
{
    struct backup_infos infos = { 0 };
    struct error err = { 0 };

    if (!site_has(site, "content.db.schemad/backups"))
        return;
    assert_ok(engine_backups(&site->settings, &site->place->arena, &infos, &err), &err);
    assert_int_equal(place_count(site->settings.backup_directory), infos.count);
}

/* At aaaa, with rows; killed on the way to head; recovered; upgraded for good. */
static void kill_upgrade(struct site *site, const struct killing *killing)
{
    const char *before = NULL;

    tell("killed at %s", killing->moment);
    site_three(site);
    site_upgrade(site, "aaaa");
    sql_run(site->place->path, "INSERT INTO a VALUES (1), (2), (3)");
    before = sql_dump(site->place, site->place->path);

    site_kill_at(site, "upgrade", "head", killing->moment);
    assert_string_equal(version_text(site->place), killing->rows);
    if (strcmp(killing->rows, "aaaa") == 0)
        assert_string_equal(sql_dump(site->place, site->place->path), before);

    expect_settled(site, "succeeded upgrade aaaa:  -> aaaa", killing->journal);
    expect_no_leftovers(site);
    if (strcmp(killing->rows, "cccc") != 0)
        site_upgrade(site, "head");
    assert_string_equal(version_text(site->place), "cccc");
    assert_string_equal(sql_text(site->place, site->place->path,
                                 "SELECT count(*), count(note), (SELECT count(*) FROM b) FROM a"),
                        "3|0|1");
}

static void test_an_upgrade_killed_at_any_moment(void **state)
{
    static const struct killing killings[] = {
        { "planning", "aaaa", NULL },
        { "preflight", "aaaa", NULL },
        { "backup", "aaaa", NULL },
        { "running:0", "aaaa", "interrupted upgrade head: aaaa -> aaaa" },
        { "running:1", "aaaa", "interrupted upgrade head: aaaa -> aaaa" },
        { "running:2", "aaaa", "interrupted upgrade head: aaaa -> aaaa" },
        { "running:3", "aaaa", "interrupted upgrade head: aaaa -> aaaa" },
        { "checking", "aaaa", "interrupted upgrade head: aaaa -> aaaa" },
        { "committing", "aaaa", "interrupted upgrade head: aaaa -> aaaa" },
        { "committed", "cccc", "succeeded upgrade head: aaaa -> cccc" },
        { "done", "cccc", "succeeded upgrade head: aaaa -> cccc" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(killings); i++) {
        void *site = NULL;

        assert_int_equal(site_setup(&site), 0);
        kill_upgrade(site, &killings[i]);
        assert_int_equal(site_teardown(&site), 0);
    }
    (void) state;
}

static void test_a_downgrade_killed_before_its_commit(void **state)
{
    struct site *site = *state;
    const char *before = NULL;

    site_three(site);
    site_upgrade(site, "head");
    before = sql_dump(site->place, site->place->path);
    site_kill_at(site, "downgrade", "base", "committing");
    assert_string_equal(sql_dump(site->place, site->place->path), before);
    expect_settled(site, "succeeded upgrade head:  -> cccc",
                   "interrupted downgrade base: cccc -> cccc");
}

static void test_the_first_upgrade_killed_before_its_commit_leaves_an_empty_database(void **state)
{
    struct site *site = *state;

    site_three(site);
    site_kill_at(site, "upgrade", "head", "committing");
    assert_string_equal(sql_text(site->place, site->place->path,
                                 "SELECT count(*) FROM sqlite_schema"),
                        "0");
    site_upgrade(site, "head");
    assert_string_equal(site_journal(site), "succeeded upgrade head:  -> cccc\n"
                                            "interrupted upgrade head:  -> ");
}

static void test_a_backup_that_was_killed_is_not_listed_and_is_told_of(void **state)
{
    struct site *site = *state;
    struct backup_infos infos = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_upgrade(site, "head");
    site_kill_at(site, "backup", "", "backup");
    assert_ok(engine_backups(&site->settings, &site->place->arena, &infos, &err), &err);
    assert_int_equal(infos.count, 0);
    expect_settled(site, "succeeded upgrade head:  -> cccc", "interrupted backup : cccc -> cccc");
    expect_no_leftovers(site);
}

static void test_the_next_run_settles_what_nobody_recovered(void **state)
{
    struct site *site = *state;

    site_three(site);
    site_upgrade(site, "aaaa");
    site_kill_at(site, "upgrade", "bbbb", "committed");
    site_upgrade(site, "cccc");
    assert_string_equal(site_journal(site), "succeeded upgrade cccc: bbbb -> cccc\n"
                                            "succeeded upgrade bbbb: aaaa -> bbbb\n"
                                            "succeeded upgrade aaaa:  -> aaaa");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_upgrade_killed_at_any_moment),
        site_test(test_a_downgrade_killed_before_its_commit),
        site_test(test_the_first_upgrade_killed_before_its_commit_leaves_an_empty_database),
        site_test(test_a_backup_that_was_killed_is_not_listed_and_is_told_of),
        site_test(test_the_next_run_settles_what_nobody_recovered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
