/*
 * test_check.c - what is amiss with scripts and database, and that the ways out lead out.
 */
#include "support.h"

#include "engine/check.h"
#include "engine/kept_script.h"
#include "engine/look.h"
#include "engine/script_directory.h"

#include <unistd.h>

static bool check(struct site *site, struct findings *ret, struct error *err)
{
    cleanup_script_directory struct script_directory *directory = NULL;
    struct arena *arena = &site->place->arena;
    struct look look = { 0 };
    struct current current = { 0 };

    assert_ok(script_directory_load(&site->settings.scripts, &directory, err), err);
    assert_ok(look_take(&site->settings, 1000, arena, &look, err), err);
    current = current_of(script_directory_graph(directory), &look.rows, arena);
    return engine_check(&site->settings, script_directory_graph(directory), &current, arena, ret,
                        err);
}

/* The findings, "code: detail. hint" a line. */
static void expect_findings(struct site *site, const char *expected)
{
    struct arena *arena = &site->place->arena;
    struct findings findings = { 0 };
    struct str_list lines = { 0 };
    struct error err = { 0 };

    assert_ok(check(site, &findings, &err), &err);
    for (size_t i = 0; i < findings.count; i++)
        str_list_add(&lines, arena,
                     arena_printf(arena, "%s: %s. %s", error_slug(findings.items[i].code),
                                  findings.items[i].detail, findings.items[i].hint));
    assert_string_equal(str_list_join(&lines, "\n", arena), expected);
}

/* The codes alone, of what the texts say elsewhere. */
static void expect_codes(struct site *site, const char *expected)
{
    struct arena *arena = &site->place->arena;
    struct findings findings = { 0 };
    struct str_list codes = { 0 };
    struct error err = { 0 };

    assert_ok(check(site, &findings, &err), &err);
    for (size_t i = 0; i < findings.count; i++)
        str_list_add(&codes, arena,
                     arena_printf(arena, "%s%s%s", error_slug(findings.items[i].code),
                                  findings.items[i].revision[0] != '\0' ? " " : "",
                                  findings.items[i].revision));
    assert_string_equal(str_list_join(&codes, "\n", arena), expected);
}

static void remove_script(struct site *site, const char *id)
{
    struct place *place = site->place;

    assert_int_equal(unlink(place_file(place, arena_printf(&place->arena, "versions/%s.sql", id))),
                     0);
}

static void stamp_purge(struct site *site, const char *target)
{
    struct run_request request = {
        .verb = VERB_STAMP, .target = target, .purge = true, .actor = "a test"
    };
    struct run_report report = { 0 };
    struct error err = { 0 };

    assert_ok(site_ask(site, &request, &report, &err), &err);
}

/* ---- Nothing ---- */

static void test_nothing_is_amiss(void **state)
{
    struct site *site = *state;

    expect_findings(site, "");
    assert_int_equal(place_count(site->place->directory), 1); /* versions/: looking makes nothing */
    site_three(site);
    site_upgrade(site, "head");
    expect_findings(site, "");
}

/* ---- Behind ---- */

static void test_a_database_that_is_behind(void **state)
{
    struct site *site = *state;

    site_three(site);
    expect_findings(site, "not-ready: the database is at base, 3 revisions behind cccc. `plan` "
                          "shows what is to be applied, `upgrade` applies it.");
    site_upgrade(site, "bbbb");
    expect_findings(site,
                    "not-ready: the database is at bbbb, 1 revision behind cccc. `plan` shows "
                    "what is to be applied, `upgrade` applies it.");
}

static void test_several_heads_are_told_though_all_are_applied(void **state)
{
    static const char heads[] =
        "heads-multiple: the scripts have 2 heads: cccc, dddd. `merge heads` "
        "writes a script that joins them.";
    struct site *site = *state;

    site_three(site);
    site_script(site, "dddd", "bbbb", "CREATE TABLE d (id);", "DROP TABLE d;");
    site_upgrade(site, "bbbb");
    expect_findings(
        site, arena_printf(&site->place->arena,
                           "%s\nnot-ready: the database is at bbbb, 2 revisions behind cccc, "
                           "dddd. `plan` shows what is to be applied, `upgrade heads` applies "
                           "it.",
                           heads));
    site_upgrade(site, "heads");
    expect_findings(site, heads);
}

/* ---- Scripts ---- */

static void test_a_script_that_changed_since_it_was_applied(void **state)
{
    struct site *site = *state;
    struct findings findings = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_upgrade(site, "head");
    site_script(site, "bbbb", "aaaa", "CREATE TABLE b (id);", "DROP TABLE b;");
    assert_ok(check(site, &findings, &err), &err);
    assert_int_equal(findings.count, 1);
    assert_int_equal(findings.items[0].code, ERR_SCRIPT_CHANGED);
    assert_string_equal(findings.items[0].revision, "bbbb");
    assert_contains(findings.items[0].file, "versions/bbbb.sql");
    assert_int_equal(findings.items[0].line, 3);
    assert_contains(findings.items[0].hint, "`stamp --purge bbbb` accepts it; then `stamp --purge "
                                            "cccc` says again where the database is.");
    stamp_purge(site, "bbbb");
    stamp_purge(site, "cccc");
    expect_findings(site, "");
}

static void test_a_script_that_is_not_applied_may_change(void **state)
{
    struct site *site = *state;
    struct run_report report = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_upgrade(site, "head");
    assert_ok(site_run(site, VERB_DOWNGRADE, "-1", &report, &err), &err);
    site_script(site, "cccc", "bbbb", "CREATE TABLE c (id);", "DROP TABLE c;");
    expect_codes(site, "not-ready");
}

static void test_a_script_that_is_gone_can_be_shown(void **state)
{
    struct site *site = *state;
    const char *path = NULL;
    const char *text = NULL;
    struct error err = { 0 };

    site_three(site);
    site_upgrade(site, "head");
    remove_script(site, "bbbb");
    site_script(site, "cccc", "aaaa", "CREATE TABLE c (id);", "DROP TABLE c;");
    expect_codes(site, "revision-unknown bbbb\nscript-changed cccc");
    assert_ok(engine_script_text(&site->settings, "bbbb", &site->place->arena, &path, &text, &err),
              &err);
    assert_contains(path, "versions/bbbb.sql");
    assert_contains(text, "-- Revision ID: bbbb\n");
    stamp_purge(site, "cccc"); /* the way out, when history was rewritten on purpose */
    expect_findings(site, "");
    site_write(site, "versions/bbbb.sql", text); /* and the other one */
    expect_codes(site, "heads-multiple\nnot-ready");
}

static void test_what_the_journal_has_not_is_told(void **state)
{
    struct site *site = *state;
    const char *path = NULL;
    const char *text = NULL;
    struct error err = { 0 };

    assert_error(engine_script_text(&site->settings, "aaaa", &site->place->arena, &path, &text,
                                    &err),
                 &err, ERR_REVISION_UNKNOWN, "the journal kept no script of revision \"aaaa\"");
    assert_false(site_has(site, "content.db.schemad"));
    site_three(site);
    site_upgrade(site, "aaaa");
    error_clear(&err);
    assert_error(engine_script_text(&site->settings, "bbbb", &site->place->arena, &path, &text,
                                    &err),
                 &err, ERR_REVISION_UNKNOWN, "\"bbbb\"");
}

/* What another program did to the rows says that the journal's steps are old news. */
static void test_a_revision_that_alembic_took_down_is_not_missed(void **state)
{
    struct site *site = *state;

    site_three(site);
    site_upgrade(site, "head");
    sql_run(site->place->path, "DROP TABLE b; UPDATE alembic_version SET version_num = 'aaaa'");
    remove_script(site, "bbbb");
    remove_script(site, "cccc");
    expect_findings(site, "");
    site_script(site, "dddd", "aaaa", "CREATE TABLE d (id);", "DROP TABLE d;");
    site_upgrade(site, "head"); /* notes the move, and leaves rows that it knows */
    expect_findings(site, "");
}

/* ---- Version rows ---- */

static void test_rows_that_no_script_declares_and_rows_that_overlap(void **state)
{
    struct site *site = *state;

    site_three(site);
    site_upgrade(site, "head");
    sql_run(site->place->path, "INSERT INTO alembic_version VALUES ('aaaa'), ('xxxxxxxx'), "
                               "('yyyyyyyy')");
    expect_codes(site, "database-revision-unknown xxxxxxxx\ndatabase-revision-unknown yyyyyyyy\n"
                       "version-rows-overlap aaaa");
    stamp_purge(site, "cccc");
    expect_findings(site, "");
}

static void test_the_worst_comes_first(void **state)
{
    struct site *site = *state;

    site_three(site);
    site_script(site, "dddd", "aaaa", "CREATE TABLE d (id);", "DROP TABLE d;");
    site_upgrade(site, "bbbb");
    sql_run(site->place->path, "INSERT INTO alembic_version VALUES ('aaaa')");
    site_script(site, "aaaa", "", "CREATE TABLE a (other);", "DROP TABLE a;");
    expect_codes(site, "version-rows-overlap aaaa\nscript-changed aaaa\nheads-multiple\nnot-ready");
}

/* ---- Failing ---- */

static void test_a_journal_that_cannot_be_read_is_an_error(void **state)
{
    struct site *site = *state;
    struct findings findings = { 0 };
    struct error err = { 0 };

    site_three(site);
    site_write(site, "content.db.schemad/journal.db/file", "in the way");
    assert_error(check(site, &findings, &err), &err, ERR_JOURNAL, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        site_test(test_nothing_is_amiss),
        site_test(test_a_database_that_is_behind),
        site_test(test_several_heads_are_told_though_all_are_applied),
        site_test(test_a_script_that_changed_since_it_was_applied),
        site_test(test_a_script_that_is_not_applied_may_change),
        site_test(test_a_script_that_is_gone_can_be_shown),
        site_test(test_what_the_journal_has_not_is_told),
        site_test(test_a_revision_that_alembic_took_down_is_not_missed),
        site_test(test_rows_that_no_script_declares_and_rows_that_overlap),
        site_test(test_the_worst_comes_first),
        site_test(test_a_journal_that_cannot_be_read_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
