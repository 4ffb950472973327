/*
 * test_revision.c - what a new script continues, and what is never written.
 */
#include "support.h"

#include "base/file.h"
#include "engine/revision.h"
#include "engine/script_directory.h"

static bool create(struct site *site, const struct revision_request *request, const char **path,
                   struct error *err)
{
    return revision_create(&site->settings, request, &site->place->arena, path, err);
}

/* Create a revision and give it back as the scripts then have it. */
static const struct script *created(struct site *site, const struct revision_request *request)
{
    struct script_directory *directory = NULL;
    const struct script *const *scripts = NULL;
    const char *path = NULL;
    struct error err = { 0 };
    size_t count = 0;
    struct str bytes = { 0 };
    struct script *copy = NULL;

    assert_ok(create(site, request, &path, &err), &err);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        site_test(test_the_first_is_a_base_and_the_next_continues_it),
        site_test(test_a_message_is_kept_whatever_it_says),
        site_test(test_several_heads_must_be_chosen_from_or_merged),
        site_test(test_base_begins_another_history),
        site_test(test_what_is_no_head_is_refused),
        site_test(test_ids_are_checked),
        site_test(test_labels_and_dependencies),
        site_test(test_broken_scripts_stop_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
