/*
 * test_text.c - answers as plain text, and who gets them.
 */
#include "tests/unit/unit.h"

#include "api/negotiate.h"
#include "api/text.h"
#include "tests/api/fake.h"

#include <stdlib.h>

/* ---- Accept ---- */

static void text_is_for_those_who_like_it_better_than_json(void **state)
{
    static const struct {
        const char *accept;
        bool prefers_text;
    } rows[] = {
        { NULL, false },
        { "", false },
        { "*/*", false },
        { "text/plain", true },
        { "TEXT/Plain", true },
        { "text/*", true },
        { "text/plain; charset=utf-8", true },
        { "text/plain, */*", false },
        { "text/plain, */*;q=0.1", true },
        { "text/html, text/*;q=0.3, application/json;q=0.2", true },
        { "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false },
        { "application/json", false },
        { "application/json, text/plain", false },
        { "application/json;q=0.9, text/plain", true },
        { "application/json, text/plain;q=0.999", false },
        { "application/*;q=0.5, text/plain;q=0.6", true },
        /* The most specific range counts, wherever it stands and however good the others are. */
        { "*/*;q=0.9, application/json;q=0.1", true },
        { "application/json;q=0.1, */*;q=0.9", true },
        { "text/*, text/plain;q=0, application/json;q=0.1", false },
        { "text/plain;q=0.1, text/*;q=0.9, application/json;q=0.5", false },
        /* Neither: JSON all the same. */
        { "image/png", false },
        { "text/plain;q=0", false },
        { "text/plain;q=0, application/json;q=0", false },
        /* Spelled as RFC 9110 lets it be. */
        { " text/plain ; Q=1 ", true },
        { ",, text/plain ,", true },
        { "text/plain;q=1.000", true },
        { "text/plain;a=\"b, c;q=0\";q=0.1", true },
        { "text/plain;a=\"\\\", application/json\";q=0.1", true },
        /* Ranges whose quality is none are no ranges. */
        { "text/plain;q=1.001", false },
        { "text/plain;q=2", false },
        { "text/plain;q=0.0001", false },
        { "text/plain;q=", false },
        { "text/plain;q=.5", false },
        { "text/plain;q=-1", false },
        { "text/plain;q=0,5", false },
        /* No media ranges at all. */
        { "text/plainer", false },
        { "text", false },
        { "*", false },
        { "\"text/plain", false },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (negotiate_prefers_text(rows[i].accept) != rows[i].prefers_text)
            fail_msg("row %zu: %s", i, rows[i].accept != NULL ? rows[i].accept : "(none)");
    }
}

/* ---- Texts ---- */

static void expect_text(char *got, const char *text)
{
    assert_non_null(got);
    assert_string_equal(got, text);
    free(got);
}

/* The fake's snapshot with other version rows. */
static struct snapshot snapshot_at(struct fake *fake, const char *const *ids, size_t count)
{
    struct snapshot snapshot = fake->snapshot;
    version_rows rows = { 0 };

    for (size_t i = 0; i < count; i++)
        str_list_add(&rows, &fake->arena, ids[i]);
    snapshot.current = current_of(snapshot.graph, &rows, &fake->arena);
    return snapshot;
}

static void current_is_a_line_for_each_revision(void **state)
{
    static const char *const head[] = { "cccc3333" };
    static const char *const both[] = { "bbbb2222", "not-ours" };
    static const char *const escape[] = { "\x1b[2Jgone\n" };
    static const char *const bytes[] = { "\xff\xfe" };
    static const char *const umlaut[] = { "\xc3\xa4" };
    struct fake *fake = *state;
    struct snapshot snapshot = fake->snapshot;

    expect_text(text_of_current(&snapshot), "bbbb2222\n");
    snapshot = snapshot_at(fake, head, 1);
    expect_text(text_of_current(&snapshot), "cccc3333 (head)\n");
    snapshot = snapshot_at(fake, both, 2);
    expect_text(text_of_current(&snapshot), "bbbb2222\nnot-ours (unknown)\n");
    snapshot = snapshot_at(fake, escape, 1);
    expect_text(text_of_current(&snapshot), "?[2Jgone? (unknown)\n");
    snapshot = snapshot_at(fake, bytes, 1);
    expect_text(text_of_current(&snapshot), "?? (unknown)\n");
    snapshot = snapshot_at(fake, umlaut, 1);
    expect_text(text_of_current(&snapshot), "\xc3\xa4 (unknown)\n");
    snapshot = snapshot_at(fake, NULL, 0);
    expect_text(text_of_current(&snapshot), "(base)\n");
}

static void current_says_when_it_is_not_of_now(void **state)
{
    struct fake *fake = *state;
    struct snapshot snapshot = fake->snapshot;

    snapshot.is_stale = true;
    expect_text(text_of_current(&snapshot),
                "bbbb2222\n"
                "stale: the database could not be asked since 2026-11-20T15:03:04.806Z\n");
    snapshot = (struct snapshot){ .graph = fake->snapshot.graph,
                                  .current = { .verdict = VERDICT_UNKNOWN } };
    (void) error_set(&snapshot.problem, ERR_DATABASE_UNUSABLE, "file is not a database");
    expect_text(text_of_current(&snapshot), "unknown: file is not a database\n");
    snapshot = (struct snapshot){ 0 };
    expect_text(text_of_current(&snapshot), "unknown: nobody looked yet\n");
}

static void history_and_heads_are_alembics_lines(void **state)
{
    struct fake *fake = *state;
    struct revision_list revisions = { 0 };
    struct error err = { 0 };

    assert_true(target_history(fake->snapshot.graph, &fake->snapshot.current.rows, NULL,
                               &fake->arena, &revisions, &err));
    expect_text(text_of_history(&revisions), "bbbb2222 -> cccc3333 (blog) (head), Drop users\n"
                                             "aaaa1111 -> bbbb2222 (blog), Add posts\n"
                                             "<base> -> aaaa1111 (blog), Base\n");
    expect_text(text_of_heads(graph_heads(fake->snapshot.graph)), "cccc3333 (blog) (head)\n");
    expect_text(text_of_history(&(struct revision_list){ 0 }), "");
}

static void status_of_a_daemon_that_did_nothing_yet(void **state)
{
    struct fake *fake = *state;
    struct backend_counters counters = { .queue_max = 32 };

    expect_text(text_of_status(&fake->snapshot, &counters),
                "at bbbb2222\n"
                "ready: yes\n"
                "verdict: behind\n"
                "revisions: bbbb2222\n"
                "pending: 1\n"
                "running: nothing\n"
                "queue: 0 of 32\n"
                "last run: none\n"
                "last backup: none\n"
                "database: /var/lib/content/content.db, 40960 bytes\n");
}

static void status_of_a_busy_daemon(void **state)
{
    struct fake *fake = *state;
    struct snapshot snapshot = fake->snapshot;
    struct backend_counters counters = {
        .queue_length = 3,
        .queue_max = 32,
        .last_run_us = INT64_C(1795186984806000),
        .last_run_duration_us = 12345,
        .last_run_verb = VERB_DOWNGRADE,
        .last_run_outcome = RUN_FAILED,
        .last_backup_us = INT64_C(1795186984000000),
        .last_backup_bytes = 40960,
    };

    str_list_add(&counters.last_backup_rows, &fake->arena, "aaaa1111");
    snapshot.is_stale = true;
    snapshot.has_running = true;
    snapshot.running = (struct job_view){
        .report = { .verb = VERB_UPGRADE, .target = "head" },
        .progress = { .phase = PHASE_RUNNING, .revision = "cccc3333", .permille = 519 },
    };
    expect_text(text_of_status(&snapshot, &counters),
                "at bbbb2222\n"
                "ready: yes\n"
                "verdict: behind\n"
                "revisions: bbbb2222\n"
                "pending: 1\n"
                "stale since: 2026-11-20T15:03:04.806Z\n"
                "running: upgrade head, running cccc3333, 51 %\n"
                "queue: 3 of 32\n"
                "last run: downgrade failed at 2026-11-20T15:03:04.806Z, took 12 ms\n"
                "last backup: 2026-11-20T15:03:04.000Z, 40960 bytes, of aaaa1111\n"
                "database: /var/lib/content/content.db, 40960 bytes\n");
}

static void status_of_a_daemon_in_trouble(void **state)
{
    struct snapshot snapshot = { .database = "/srv/content.db" };
    struct backend_counters counters = { .queue_max = 32,
                                         .last_backup_us = INT64_C(1795186984000000) };

    (void) state;
    (void) error_set(&snapshot.problem, ERR_GRAPH_CYCLE, "revisions form a cycle: a -> b -> a");
    snapshot.has_running = true;
    snapshot.running.report.verb = VERB_BACKUP;
    expect_text(text_of_status(&snapshot, &counters),
                "starting\n"
                "ready: no\n"
                "verdict: unknown\n"
                "problem: revisions form a cycle: a -> b -> a\n"
                "running: backup, queued, 0 %\n"
                "queue: 0 of 32\n"
                "last run: none\n"
                "last backup: 2026-11-20T15:03:04.000Z, 0 bytes, of (base)\n"
                "database: /srv/content.db, does not exist\n");
}

static int setup(void **state)
{
    static struct fake fake;

    fake_init(&fake);
    *state = &fake;
    return 0;
}

static int teardown(void **state)
{
    fake_release(*state);
    return 0;
}

#define WITH_FAKE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_for_those_who_like_it_better_than_json),
        WITH_FAKE(current_is_a_line_for_each_revision),
        WITH_FAKE(current_says_when_it_is_not_of_now),
        WITH_FAKE(history_and_heads_are_alembics_lines),
        WITH_FAKE(status_of_a_daemon_that_did_nothing_yet),
        WITH_FAKE(status_of_a_busy_daemon),
        WITH_FAKE(status_of_a_daemon_in_trouble),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
