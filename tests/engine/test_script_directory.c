/*
 * test_script_directory.c - which files are scripts, and which are refused.
 */
#include "support.h"

#include "base/clock.h"
#include "engine/script_directory.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool load(struct site *site, struct script_directory **ret, struct error *err)
{
    return script_directory_load(&site->settings.scripts, ret, err);
}

/* The ids in script order, joined by a space. */
static const char *ids_of(struct site *site)
{
    cleanup_script_directory struct script_directory *directory = NULL;
    struct str_list ids = { 0 };
    struct error err = { 0 };
    const struct script *const *scripts = NULL;
    size_t count = 0;

    assert_ok(load(site, &directory, &err), &err);
    scripts = script_directory_scripts(directory, &count);
    for (size_t i = 0; i < count; i++)
        str_list_add(&ids, &site->place->arena, arena_strdup(&site->place->arena, scripts[i]->id));
    return str_list_join(&ids, " ", &site->place->arena);
}

static void expect_refused(struct site *site, const char *name, const char *detail)
{
    cleanup_script_directory struct script_directory *directory = NULL;
    struct error err = { 0 };

    assert_error(load(site, &directory, &err), &err, ERR_SCRIPT_UNREADABLE, detail);
    assert_contains(err.file, name);
    assert_null(directory);
}

static void script_at(struct site *site, const char *name, const char *id)
{
    site_write(site, name,
               arena_printf(&site->place->arena,
                            "-- x\n--\n-- Revision ID: %s\n-- Revises:\n\n-- migrate:up\n\n"
                            "-- migrate:down\n",
                            id));
}

static void test_no_script_is_an_empty_graph(void **state)
{
    struct site *site = *state;

    assert_string_equal(ids_of(site), "");
}

static void test_scripts_come_in_path_order_from_all_depths(void **state)
{
    struct site *site = *state;

    script_at(site, "versions/b.sql", "b");
    script_at(site, "versions/2026/a.sql", "old");
    script_at(site, "versions/a.sql", "a");
    script_at(site, "versions/a/z.sql", "az");
    assert_string_equal(ids_of(site), "old a az b");
}

static void test_directories_come_in_the_order_given(void **state)
{
    struct site *site = *state;

    script_at(site, "versions/z.sql", "z");
    script_at(site, "more/a.sql", "a");
    str_list_add(&site->settings.scripts, &site->place->arena, place_file(site->place, "more/"));
    assert_string_equal(ids_of(site), "z a");
}

static void test_what_is_no_script_is_passed_over(void **state)
{
    struct site *site = *state;
    static const char *const others[] = {
        "versions/.hidden.sql", "versions/.#a.sql",    "versions/a.sql~",
        "versions/a.sql.orig",  "versions/README.md",  "versions/a.SQL",
        "versions/sql",         "versions/.git/b.sql", "versions/__pycache__/b.py",
    };

    script_at(site, "versions/a.sql", "a");
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        site_write(site, others[i], "not a script");
    assert_int_equal(mkfifo(place_file(site->place, "versions/pipe"), 0600), 0);
    assert_int_equal(symlink("/nowhere", place_file(site->place, "versions/notes")), 0);
    assert_string_equal(ids_of(site), "a");
}

static void test_a_link_to_a_file_inside_is_read(void **state)
{
    struct site *site = *state;

    script_at(site, "versions/..2026/a.sql", "a"); /* as Kubernetes mounts files */
    assert_int_equal(symlink("..2026", place_file(site->place, "versions/..data")), 0);
    assert_int_equal(symlink("..data/a.sql", place_file(site->place, "versions/a.sql")), 0);
    assert_string_equal(ids_of(site), "a");
}

static void test_the_directory_itself_may_be_a_link(void **state)
{
    struct site *site = *state;

    script_at(site, "versions/a.sql", "a");
    assert_int_equal(symlink("versions", place_file(site->place, "current")), 0);
    site->settings.scripts.items[0] = place_file(site->place, "current");
    assert_string_equal(ids_of(site), "a");
}

static void test_links_that_leave_or_lead_nowhere_are_refused(void **state)
{
    struct site *site = *state;
    const char *link = place_file(site->place, "versions/link.sql");

    script_at(site, "outside/a.sql", "a");
    script_at(site, "versions-2/a.sql", "a"); /* a name that only begins like the directory's */
    assert_int_equal(symlink("../outside/a.sql", link), 0);
    expect_refused(site, "link.sql", "leads out of the directory");
    assert_int_equal(unlink(link), 0);

    assert_int_equal(symlink("../versions-2/a.sql", link), 0);
    expect_refused(site, "link.sql", "leads out of the directory");
    assert_int_equal(unlink(link), 0);

    assert_int_equal(symlink("nothing.sql", link), 0);
    expect_refused(site, "link.sql", "could not follow symbolic link");
    assert_int_equal(unlink(link), 0);

    assert_int_equal(symlink("../outside", place_file(site->place, "versions/dir")), 0);
    expect_refused(site, "versions/dir", "leads out of the directory");
}

static void test_a_link_to_a_directory_inside_would_be_read_for_ever(void **state)
{
    struct site *site = *state;

    assert_int_equal(symlink(".", place_file(site->place, "versions/loop")), 0);
    expect_refused(site, "versions/loop", "leads out of the directory");
    assert_int_equal(unlink(place_file(site->place, "versions/loop")), 0);

    script_at(site, "versions/deep/a.sql", "a");
    assert_int_equal(symlink("deep", place_file(site->place, "versions/again")), 0);
    expect_refused(site, "versions/again", "leads to a directory");
}

static void test_what_is_no_regular_file_is_refused_without_hanging(void **state)
{
    struct site *site = *state;
    const char *path = place_file(site->place, "versions/a.sql");

    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused(site, "a.sql", "it is a FIFO");
    assert_int_equal(unlink(path), 0);

    assert_int_equal(symlink("/dev/zero", path), 0);
    expect_refused(site, "a.sql", "leads out of the directory");
}

static void test_a_directory_may_be_named_like_a_script(void **state)
{
    struct site *site = *state;

    script_at(site, "versions/odd.sql/a.sql", "a");
    assert_string_equal(ids_of(site), "a");
}

static void test_a_script_over_16_mib_is_refused_unread(void **state)
{
    struct site *site = *state;

    site_write(site, "versions/a.sql", "");
    assert_int_equal(truncate(place_file(site->place, "versions/a.sql"),
                              (off_t) SCRIPT_BYTES_MAX + 1),
                     0);
    expect_refused(site, "a.sql", "at most 16777216 are allowed");
}

static void test_names_that_cannot_be_shown_are_refused(void **state)
{
    struct site *site = *state;
    static const char *const names[] = { "versions/a\nb.sql", "versions/a\x1b[2J.sql",
                                         "versions/\xff.sql" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        script_at(site, names[i], "a");
        expect_refused(site, ".sql", "control characters or is not UTF-8");
        assert_int_equal(unlink(place_file(site->place, names[i])), 0);
    }
    script_at(site, "versions/für später.sql", "a");
    assert_string_equal(ids_of(site), "a");
}

static void test_a_missing_directory_is_named(void **state)
{
    struct site *site = *state;

    site->settings.scripts.items[0] = place_file(site->place, "nowhere");
    expect_refused(site, "nowhere", "No such file or directory");
}

static void test_errors_of_scripts_keep_their_place(void **state)
{
    struct site *site = *state;
    cleanup_script_directory struct script_directory *directory = NULL;
    struct error err = { 0 };

    site_script(site, "aaaa", "", "SELECT 'unterminated;", "");
    assert_error(load(site, &directory, &err), &err, ERR_SCRIPT_INVALID, "");
    assert_contains(err.file, "versions/aaaa.sql");
    assert_int_equal(err.line, 7);
    assert_int_equal(err.column, 8);
}

static void test_the_fingerprint_changes_with_the_scripts_only(void **state)
{
    struct site *site = *state;
    const struct str_list *paths = &site->settings.scripts;
    uint64_t empty = script_directory_fingerprint(paths);
    uint64_t one = 0;

    site_write(site, "versions/notes.txt", "x");
    assert_true(empty != 0 && script_directory_fingerprint(paths) == empty);

    script_at(site, "versions/a.sql", "a");
    one = script_directory_fingerprint(paths);
    assert_true(one != empty && script_directory_fingerprint(paths) == one);

    script_at(site, "versions/a.sql", "abc");
    assert_true(script_directory_fingerprint(paths) != one);

    assert_int_equal(unlink(place_file(site->place, "versions/a.sql")), 0);
    assert_true(script_directory_fingerprint(paths) == empty);

    site->settings.scripts.items[0] = place_file(site->place, "nowhere");
    assert_true(script_directory_fingerprint(paths) == 0);
}

static void test_a_reference_outlives_its_maker(void **state)
{
    struct site *site = *state;
    struct script_directory *directory = NULL;
    struct script_directory *mine = NULL;
    struct error err = { 0 };

    script_at(site, "versions/a.sql", "a");
    assert_ok(load(site, &directory, &err), &err);
    mine = script_directory_ref(directory);
    script_directory_unref(directory);
    assert_non_null(graph_find(script_directory_graph(mine), "a"));
    script_directory_unref(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        site_test(test_no_script_is_an_empty_graph),
        site_test(test_scripts_come_in_path_order_from_all_depths),
        site_test(test_directories_come_in_the_order_given),
        site_test(test_what_is_no_script_is_passed_over),
        site_test(test_a_link_to_a_file_inside_is_read),
        site_test(test_the_directory_itself_may_be_a_link),
        site_test(test_links_that_leave_or_lead_nowhere_are_refused),
        site_test(test_a_link_to_a_directory_inside_would_be_read_for_ever),
        site_test(test_what_is_no_regular_file_is_refused_without_hanging),
        site_test(test_a_directory_may_be_named_like_a_script),
        site_test(test_a_script_over_16_mib_is_refused_unread),
        site_test(test_names_that_cannot_be_shown_are_refused),
        site_test(test_a_missing_directory_is_named),
        site_test(test_errors_of_scripts_keep_their_place),
        site_test(test_the_fingerprint_changes_with_the_scripts_only),
        site_test(test_a_reference_outlives_its_maker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
