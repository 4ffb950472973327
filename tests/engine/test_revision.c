/*
 * test_revision.c - what a new script continues, and what is never written.
 */
#include "support.h"

#include "base/file.h"
#include "engine/revision.h"
#include "engine/script_directory.h"
#include "migrations/format.h"
#include "migrations/target.h"

#include <stdio.h>
#include <sys/stat.h>

static bool create(struct site *site, const struct revision_request *request, const char **path,
                   struct error *err)
{
    return revision_create(&site->settings, request, &site->place->arena, path, err);
}

static bool merge(struct site *site, const struct str_list *names,
                  const struct revision_request *request, const char **path, struct error *err)
{
    return merge_create(&site->settings, names, request, &site->place->arena, path, err);
}

/* The script at a path, as the scripts now have it. */
static const struct script *script_at(struct site *site, const char *path)
{
    struct script_directory *directory = NULL;
    const struct script *const *scripts = NULL;
    struct error err = { 0 };
    size_t count = 0;
    struct str bytes = { 0 };
    struct script *copy = NULL;

    assert_ok(script_directory_load(&site->settings.scripts, &directory, &err), &err);
    scripts = script_directory_scripts(directory, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(scripts[i]->path, path) == 0)
            bytes = (struct str){ arena_strndup(&site->place->arena, scripts[i]->bytes.ptr,
                                                scripts[i]->bytes.len),
                                  scripts[i]->bytes.len };
    }
    assert_true(bytes.len > 0);
    script_directory_unref(directory);
    assert_ok(script_parse(bytes, path, &site->place->arena, &copy, &err), &err);
    return copy;
}

static const struct script *created(struct site *site, const struct revision_request *request)
{
    const char *path = NULL;
    struct error err = { 0 };

    assert_ok(create(site, request, &path, &err), &err);
    return script_at(site, path);
}

static const struct script *merged(struct site *site, const struct str_list *names,
                                   const struct revision_request *request)
{
    const char *path = NULL;
    struct error err = { 0 };

    assert_ok(merge(site, names, request, &path, &err), &err);
    return script_at(site, path);
}

static const char *revises(struct site *site, const struct script *script)
{
    return rows_text(site, &script->revises);
}

static void expect_refused(struct site *site, const struct revision_request *request,
                           enum error_code code, const char *detail)
{
    unsigned before = place_count(site->scripts);
    const char *path = NULL;
    struct error err = { 0 };

    assert_error(create(site, request, &path, &err), &err, code, detail);
    assert_int_equal(place_count(site->scripts), before);
}

static struct str_list list_of(struct site *site, const char *a, const char *b)
{
    struct str_list list = { 0 };

    str_list_add(&list, &site->place->arena, a);
    if (b != NULL)
        str_list_add(&list, &site->place->arena, b);
    return list;
}

static void test_the_first_is_a_base_and_the_next_continues_it(void **state)
{
    struct site *site = *state;
    const struct script *first =
        created(site, &(struct revision_request){ .message = "Add the users table" });
    const struct script *second = created(site, &(struct revision_request){ .message = "more" });

    assert_string_equal(revises(site, first), "");
    assert_string_equal(first->message, "Add the users table");
    assert_string_equal(path_base(first->path),
                        arena_printf(&site->place->arena, "%s_add_the_users_table.sql", first->id));
    assert_int_equal(strlen(first->id), 12);
    assert_int_equal(strspn(first->id, "0123456789abcdef"), 12);
    assert_int_equal(strlen(first->create_date), strlen("2026-11-20 15:03:04.806509"));
    assert_string_equal(revises(site, second), first->id);
}

/* A script continues scripts; which revision a database is at says nothing. */
static void test_current_is_no_revision_to_continue(void **state)
{
    struct site *site = *state;
    const struct revision_request requests[] = {
        { .head = "current" },
        { .head = "current", .splice = true },
        { .depends_on = list_of(site, "current", NULL) },
    };

    site_script(site, "aaaa", "", "", "");
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        const char *path = NULL;
        struct error err = { 0 };

        assert_error(revision_create(&site->settings, &requests[i], &site->place->arena, &path,
                                     &err),
                     &err, ERR_REVISION_UNKNOWN, "'current'");
        assert_int_equal(place_count(site->scripts), 1);
    }
}

static void test_a_message_is_kept_whatever_it_says(void **state)
{
    struct site *site = *state;
    static const char *const messages[] = {
        "", "two\nlines", "Revision ID: not mine", "-- migrate:up", "Fix: the 'bug'; DROP TABLE x",
    };

    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        struct revision_request request = { .message = messages[i] };

        assert_string_equal(created(site, &request)->message, messages[i]);
    }
    assert_string_equal(created(site, &(struct revision_request){ 0 })->message, "");
}

static void test_several_heads_must_be_chosen_from_or_merged(void **state)
{
    struct site *site = *state;

    site_script(site, "aaaa", "", "", "");
    site_script(site, "bbbb", "aaaa", "", "");
    site_script(site, "cccc", "aaaa", "", "");
    expect_refused(site, &(struct revision_request){ 0 }, ERR_HEADS_MULTIPLE,
                   "2 heads: bbbb, cccc");
    assert_string_equal(revises(site, created(site, &(struct revision_request){ .id = "dddd",
                                                                                .head = "cccc" })),
                        "cccc");
    assert_string_equal(revises(site, created(site, &(struct revision_request){ .head = "heads" })),
                        "bbbb dddd");
}

static void test_base_begins_another_history(void **state)
{
    struct site *site = *state;

    site_script(site, "aaaa", "", "", "");
    assert_string_equal(revises(site, created(site, &(struct revision_request){ .head = "base" })),
                        "");
}

static void test_what_is_no_head_is_refused(void **state)
{
    struct site *site = *state;

    site_three(site);
    expect_refused(site, &(struct revision_request){ .head = "aaaa" }, ERR_TARGET_INVALID,
                   "revision \"aaaa\" is not a head");
    expect_refused(site, &(struct revision_request){ .head = "nothing" }, ERR_REVISION_UNKNOWN,
                   "nothing");
}

static void test_ids_are_checked(void **state)
{
    struct site *site = *state;

    site_three(site);
    assert_string_equal(created(site, &(struct revision_request){ .id = "v1.2_x" })->id, "v1.2_x");
    expect_refused(site, &(struct revision_request){ .id = "a/b" }, ERR_ARGUMENT_INVALID, "a/b");
    expect_refused(site, &(struct revision_request){ .id = "" }, ERR_ARGUMENT_INVALID, "\"\"");
    expect_refused(site, &(struct revision_request){ .id = "v1.2_x" }, ERR_REVISION_DUPLICATE,
                   "v1.2_x");
}

static void test_labels_and_dependencies(void **state)
{
    struct site *site = *state;
    struct revision_request labelled = { .id = "dddd1111",
                                         .head = "base",
                                         .labels = list_of(site, "reports", NULL) };
    struct revision_request dependent = { .head = "cccc",
                                          .depends_on = list_of(site, "reports", "aaa") };
    struct revision_request again = { .head = "base", .labels = list_of(site, "reports", NULL) };
    struct revision_request two = { .head = "base", .labels = list_of(site, "a, b", NULL) };
    struct revision_request nowhere = { .head = "cccc",
                                        .depends_on = list_of(site, "nowhere", NULL) };

    site_three(site);
    assert_string_equal(rows_text(site, &created(site, &labelled)->labels), "reports");
    expect_refused(site, &again, ERR_LABEL_DUPLICATE, "reports");
    expect_refused(site, &two, ERR_ARGUMENT_INVALID, "branch label");
    expect_refused(site, &nowhere, ERR_REVISION_UNKNOWN, "nowhere");
    assert_string_equal(rows_text(site, &created(site, &dependent)->depends_on), "reports aaaa");
}

static void test_broken_scripts_stop_it(void **state)
{
    struct site *site = *state;

    site_script(site, "bbbb", "aaaa", "", "");
    expect_refused(site, &(struct revision_request){ 0 }, ERR_PARENT_MISSING, "aaaa");
}

/* --- where it goes, and what it is called --- */

/* A second directory of scripts. */
static const char *add_directory(struct site *site, const char *name)
{
    const char *path = arena_printf(&site->place->arena, "%s/%s", site->place->directory, name);

    assert_int_equal(mkdir(path, 0755), 0);
    str_list_add(&site->settings.scripts, &site->place->arena, path);
    return path;
}

static void test_a_script_stays_in_the_directory_of_what_it_continues(void **state)
{
    struct site *site = *state;
    const char *other = add_directory(site, "other");
    const char *slashed = arena_printf(&site->place->arena, "%s//", other);
    const struct script *script = NULL;
    struct revision_request request = { .id = "first", .head = "base" };
    struct error err = { 0 };
    const char *path = NULL;

    expect_refused(site, &request, ERR_ARGUMENT_INVALID, "several directories of scripts");
    request.version_path = site->place->directory;
    expect_refused(site, &request, ERR_ARGUMENT_INVALID, "is not one of the directories");
    request.version_path = "/nowhere";
    assert_error(create(site, &request, &path, &err), &err, ERR_ARGUMENT_INVALID, "/nowhere");
    assert_non_null(strstr(err.hint, "--version-path"));
    request.version_path = slashed;
    script = created(site, &request);
    assert_string_equal(script->path, arena_printf(&site->place->arena, "%s/first_.sql", other));
    script = created(site, &(struct revision_request){ .id = "second" });
    assert_string_equal(script->path, arena_printf(&site->place->arena, "%s/second_.sql", other));
    script =
        created(site, &(struct revision_request){ .id = "third", .version_path = site->scripts });
    assert_string_equal(script->path,
                        arena_printf(&site->place->arena, "%s/third_.sql", site->scripts));
}

static void test_names_follow_the_template(void **state)
{
    struct site *site = *state;
    struct script_name_style style = { .file_template = "%(year)d/%(rev)s-%(slug)s",
                                       .slug_length = 8 };
    const struct script *script =
        created(site, &(struct revision_request){
                          .id = "abc", .message = "one two three", .name_style = style });
    struct revision_request odd = { .name_style = { .file_template = "%(nothing)s" } };

    assert_string_equal(path_base(script->path), "abc-one_two_.sql");
    assert_string_equal(arena_printf(&site->place->arena, "%.4s", script->create_date),
                        path_base(path_directory(script->path, &site->place->arena)));
    expect_refused(site, &odd, ERR_CONFIG_INVALID, "%(nothing)s");
    expect_refused(site, &(struct revision_request){ .id = ".a" }, ERR_ARGUMENT_INVALID,
                   "would not be read");
}

static void test_a_date_can_be_in_utc(void **state)
{
    struct site *site = *state;
    const char *date = created(site, &(struct revision_request){ .is_utc = true })->create_date;

    assert_int_equal(strlen(date), strlen("2026-11-20 15:03:04.806509+00:00"));
    assert_string_equal(date + strlen(date) - 6, "+00:00");
    assert_int_equal(date[10], ' ');
    assert_int_equal(date[19], '.');
}

static void test_files_have_the_mode_of_files(void **state)
{
    struct site *site = *state;
    mode_t mask = umask(027);
    const struct script *script = created(site, &(struct revision_request){ 0 });
    struct stat st;

    umask(mask);
    assert_int_equal(stat(script->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void test_an_existing_file_is_never_touched(void **state)
{
    struct site *site = *state;

    site_write(site, "versions/new_x.sql",
               "-- Revision ID: other\n-- migrate:up\n-- migrate:down\n");
    expect_refused(site, &(struct revision_request){ .id = "new", .message = "x" }, ERR_IO,
                   "new_x.sql");
}

static void test_sql_is_put_into_the_script(void **state)
{
    struct site *site = *state;
    const struct script *script =
        created(site,
                &(struct revision_request){ .sql = "CREATE TABLE t (x);\nCREATE TABLE u (x);" });

    assert_int_equal(script->up.count, 2);
    assert_int_equal(script->down.count, 0);
    expect_refused(site, &(struct revision_request){ .sql = "SELECT 'open" }, ERR_SCRIPT_INVALID,
                   "");
}

/* --- branches --- */

static void test_splice_makes_a_branch(void **state)
{
    struct site *site = *state;
    struct revision_request request = { .head = "aaaa", .splice = true };

    site_three(site);
    assert_string_equal(revises(site, created(site, &request)), "aaaa");
    request.head = "nothing";
    expect_refused(site, &request, ERR_REVISION_UNKNOWN, "nothing");
}

static void test_heads_are_merged(void **state)
{
    struct site *site = *state;
    struct str_list heads = list_of(site, "heads", NULL);
    struct revision_request request = { .id = "mmmm", .message = "one again" };
    const struct script *script = NULL;

    site_script(site, "aaaa", "", "", "");
    site_script(site, "bbbb", "aaaa", "", "");
    site_script(site, "cccc", "aaaa", "", "");
    str_list_add(&request.labels, &site->place->arena, "joined");
    script = merged(site, &heads, &request);
    assert_string_equal(revises(site, script), "bbbb cccc");
    assert_string_equal(script->message, "one again");
    assert_string_equal(rows_text(site, &script->labels), "joined");
    assert_string_equal(path_base(script->path), "mmmm_one_again.sql");
}

static void test_revisions_are_merged_in_the_order_in_which_they_are_named(void **state)
{
    struct site *site = *state;
    struct str_list names = list_of(site, "cc", "bbbb");

    site_script(site, "aaaa", "", "", "");
    site_script(site, "bbbb", "aaaa", "", "");
    site_script(site, "cccc", "aaaa", "", "");
    assert_string_equal(revises(site, merged(site, &names, &(struct revision_request){ 0 })),
                        "cccc bbbb");
}

/* "a <- b <- d, a <- c": d and c are heads. */
static void test_what_is_no_merge_is_refused(void **state)
{
    static const struct {
        const char *names[2];
        bool splice;
        enum error_code code;
        const char *detail;
    } cases[] = {
        { { "dddd", NULL }, false, ERR_TARGET_INVALID, "\"dddd\" is the only one" },
        { { "base", NULL }, false, ERR_TARGET_INVALID, "no revision is named" },
        { { "dddd", "dd" }, false, ERR_TARGET_INVALID, "revision \"dddd\" is named twice" },
        { { "heads", "cccc" }, false, ERR_TARGET_INVALID, "revision \"cccc\" is named twice" },
        { { "bbbb", "cccc" }, false, ERR_TARGET_INVALID, "revision \"bbbb\" is not a head" },
        { { "aaaa", "cccc" }, true, ERR_TARGET_INVALID, "\"aaaa\" is an ancestor" },
        { { "cccc", "aaaa" }, true, ERR_TARGET_INVALID, "\"aaaa\" is an ancestor" },
        { { "cccc", "nosuch" }, false, ERR_REVISION_UNKNOWN, "nosuch" },
        { { "head", "cccc" }, false, ERR_HEADS_MULTIPLE, "dddd" },
        { { "current", "heads" }, false, ERR_REVISION_UNKNOWN, "'current'" },
    };
    struct site *site = *state;

    site_script(site, "aaaa", "", "", "");
    site_script(site, "bbbb", "aaaa", "", "");
    site_script(site, "cccc", "aaaa", "", "");
    site_script(site, "dddd", "bbbb", "", "");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct str_list names = list_of(site, cases[i].names[0], cases[i].names[1]);
        struct revision_request request = { .splice = cases[i].splice };
        const char *path = NULL;
        struct error err = { 0 };

        assert_error(merge(site, &names, &request, &path, &err), &err, cases[i].code,
                     cases[i].detail);
        assert_true(err.hint[0] != '\0');
        assert_int_equal(place_count(site->scripts), 4);
    }
}

static void test_splice_merges_what_is_no_head(void **state)
{
    struct site *site = *state;
    struct str_list names = list_of(site, "bbbb", "cccc");

    site_script(site, "aaaa", "", "", "");
    site_script(site, "bbbb", "aaaa", "", "");
    site_script(site, "cccc", "aaaa", "", "");
    site_script(site, "dddd", "bbbb", "", "");
    assert_string_equal(revises(site,
                                merged(site, &names, &(struct revision_request){ .splice = true })),
                        "bbbb cccc");
}

static void test_several_heads_are_told_with_the_way_out(void **state)
{
    struct site *site = *state;
    const char *path = NULL;
    struct error err = { 0 };

    site_script(site, "aaaa", "", "", "");
    site_script(site, "bbbb", "", "", "");
    assert_error(create(site, &(struct revision_request){ 0 }, &path, &err), &err,
                 ERR_HEADS_MULTIPLE, "the scripts have 2 heads: aaaa, bbbb");
    assert_string_equal(err.hint, "Merge them first (`merge heads`), or say which one the new "
                                  "revision continues (`--head aaaa`).");
}

/* --- moving files --- */

static const char *history_text(struct site *site)
{
    static const version_rows no_rows = { 0 };
    struct script_directory *directory = NULL;
    struct revision_list list = { 0 };
    struct str_list lines = { 0 };
    struct error err = { 0 };

    assert_ok(script_directory_load(&site->settings.scripts, &directory, &err), &err);
    assert_ok(target_history(script_directory_graph(directory), &no_rows, NULL, &site->place->arena,
                             &list, &err),
              &err);
    for (size_t i = 0; i < list.count; i++)
        str_list_add(&lines, &site->place->arena,
                     format_history_line(list.items[i], NULL, &site->place->arena));
    script_directory_unref(directory);
    return str_list_join(&lines, "\n", &site->place->arena);
}

static void test_moving_a_script_changes_nothing(void **state)
{
    struct site *site = *state;
    struct arena *arena = &site->place->arena;
    struct run_report report = { 0 };
    struct error err = { 0 };
    const char *before = NULL;

    site_three(site);
    site_upgrade(site, "head");
    before = history_text(site);
    site_write(site, "versions/old/README", "");
    assert_int_equal(rename(arena_printf(arena, "%s/bbbb.sql", site->scripts),
                            arena_printf(arena, "%s/old/2026_second.sql", site->scripts)),
                     0);
    assert_string_equal(history_text(site), before);
    assert_ok(site_run(site, VERB_UPGRADE, "head", &report, &err), &err);
    assert_int_equal(report.outcome, RUN_NOTHING_TO_DO);
    assert_ok(site_run(site, VERB_DOWNGRADE, "aaaa", &report, &err), &err);
    assert_int_equal(report.step_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        site_test(test_the_first_is_a_base_and_the_next_continues_it),
        site_test(test_current_is_no_revision_to_continue),
        site_test(test_a_message_is_kept_whatever_it_says),
        site_test(test_several_heads_must_be_chosen_from_or_merged),
        site_test(test_base_begins_another_history),
        site_test(test_what_is_no_head_is_refused),
        site_test(test_ids_are_checked),
        site_test(test_labels_and_dependencies),
        site_test(test_broken_scripts_stop_it),
        site_test(test_a_script_stays_in_the_directory_of_what_it_continues),
        site_test(test_names_follow_the_template),
        site_test(test_a_date_can_be_in_utc),
        site_test(test_files_have_the_mode_of_files),
        site_test(test_an_existing_file_is_never_touched),
        site_test(test_sql_is_put_into_the_script),
        site_test(test_splice_makes_a_branch),
        site_test(test_heads_are_merged),
        site_test(test_revisions_are_merged_in_the_order_in_which_they_are_named),
        site_test(test_what_is_no_merge_is_refused),
        site_test(test_splice_merges_what_is_no_head),
        site_test(test_several_heads_are_told_with_the_way_out),
        site_test(test_moving_a_script_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
