/*
 * test_settings.c - every default, and what has none.
 */
#include "support.h"

#include "base/file.h"

#include <unistd.h>

static void test_defaults(void **state)
{
    struct site *site = *state;
    const struct engine_settings *settings = &site->settings;

    assert_string_equal(settings->version_table, "alembic_version");
    assert_string_equal(settings->state_directory, place_file(site->place, "content.db.schemad"));
    assert_string_equal(settings->backup_directory,
                        place_file(site->place, "content.db.schemad/backups"));
    assert_int_equal(settings->backup, BACKUP_ALWAYS);
    assert_int_equal(settings->transaction, TRANSACTION_RUN);
    assert_int_equal(settings->backup_keep, 10);
    assert_int_equal(settings->lock_timeout_ms, 5000);
    assert_false(settings->allows_loss);
}

static void test_zero_backups_kept_means_all_only_when_said(void **state)
{
    struct site *site = *state;
    struct error err = { 0 };

    site->settings.backup_keep = 0;
    site->settings.has_backup_keep = true;
    assert_ok(settings_complete(&site->settings, &site->place->arena, &err), &err);
    assert_int_equal(site->settings.backup_keep, 0);
}

static void test_everything_stands_beside_the_file_that_a_link_leads_to(void **state)
{
    struct site *site = *state;
    struct engine_settings settings = site->settings;
    struct error err = { 0 };

    sql_run(site->place->path, "PRAGMA user_version = 1");
    settings.database = place_file(site->place, "link.db");
    settings.state_directory = NULL;
    assert_int_equal(symlink("content.db", settings.database), 0);
    assert_ok(settings_complete(&settings, &site->place->arena, &err), &err);
    assert_string_equal(path_base(settings.database), "content.db");
    assert_string_equal(path_base(settings.state_directory), "content.db.schemad");
}

static void test_what_is_required(void **state)
{
    struct site *site = *state;
    struct engine_settings no_database = { .scripts = site->settings.scripts };
    struct engine_settings no_scripts = { .database = site->place->path };
    struct engine_settings no_directory = site->settings;
    struct error err = { 0 };

    assert_error(settings_complete(&no_database, &site->place->arena, &err), &err,
                 ERR_CONFIG_INVALID, "no database");
    error_clear(&err);
    assert_error(settings_complete(&no_scripts, &site->place->arena, &err), &err,
                 ERR_CONFIG_INVALID, "no directory of scripts");
    error_clear(&err);
    no_directory.database = place_file(site->place, "nowhere/content.db");
    assert_error(settings_complete(&no_directory, &site->place->arena, &err), &err, ERR_IO,
                 "nowhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        site_test(test_defaults),
        site_test(test_zero_backups_kept_means_all_only_when_said),
        site_test(test_everything_stands_beside_the_file_that_a_link_leads_to),
        site_test(test_what_is_required),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
