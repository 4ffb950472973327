/*
 * test_registry.c - accepted jobs and refusals outlive the daemon, and a journal that is removed or
 * damaged under it.
 */
#include "support.h"

#include "base/clock.h"
#include "engine/registry.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_US (INT64_C(24) * 60 * 60 * 1000000)

static const char journal_name[] = "content.db.schemad/journal.db";

static struct registry *open_ok(struct site *site)
{
    struct registry *registry = NULL;
    struct error err = { 0 };

    assert_ok(registry_open(&site->settings, &registry, &err), &err);
    return registry;
}

static struct registered_job job_of(const char *id, const char *key)
{
    struct registered_job job = {
        .verb = VERB_UPGRADE,
        .target = "head",
        .actor = "a test",
        .key = key,
        .fingerprint = { 1, 2, 3 },
        .queued_us = clock_wall_us(),
    };

    snprintf(job.id, sizeof(job.id), "%s", id);
    return job;
}

static void add(struct registry *registry, const char *id, const char *key)
{
    struct registered_job job = job_of(id, key);
    struct error err = { 0 };

    assert_ok(registry_job_add(registry, &job, &err), &err);
}

static const char *find(struct site *site, struct registry *registry, const char *key)
{
    struct registered_job asked = job_of("", key);
    char *id = arena_alloc(&site->place->arena, RUN_ID_SIZE);
    struct error err = { 0 };

    assert_ok(registry_key_find(registry, asked.actor, key, asked.fingerprint, id, &err), &err);
    return id;
}

static void add_denial(struct registry *registry, const char *path)
{
    struct denial denial = {
        .at_us = clock_wall_us(), .reason = "token", .actor = "tcp", .method = "POST", .path = path
    };
    struct error err = { 0 };

    assert_ok(registry_denial_add(registry, &denial, &err), &err);
}

static size_t count_denials(struct site *site, struct registry *registry)
{
    struct denials denials = { 0 };
    struct error err = { 0 };

    assert_ok(registry_denials_read(registry, 100, &site->place->arena, &denials, &err), &err);
    return denials.count;
}

/* ---- What is remembered ---- */

static void test_keys_jobs_and_refusals_outlive_the_daemon(void **state)
{
    struct site *site = *state;
    struct registry *registry = open_ok(site);
    const unsigned char other[32] = { 3, 2, 1 };
    char id[RUN_ID_SIZE];
    int64_t queued_us = 0;
    struct error err = { 0 };

    add(registry, "00000000job00001", "deploy-7");
    add_denial(registry, "/stamp");
    registry_close(registry);
    registry = open_ok(site);
    assert_string_equal(find(site, registry, "deploy-7"), "00000000job00001");
    assert_string_equal(find(site, registry, "deploy-8"), "");
    assert_error(registry_key_find(registry, "a test", "deploy-7", other, id, &err), &err,
                 ERR_IDEMPOTENCY_KEY_REUSED, "deploy-7");
    assert_string_equal(find(site, registry, "deploy-7"), "00000000job00001");
    error_clear(&err);
    assert_ok(registry_queued_us(registry, "00000000job00001", &queued_us, &err), &err);
    assert_true(queued_us > clock_wall_us() - DAY_US && queued_us <= clock_wall_us());
    assert_int_equal(count_denials(site, registry), 1);

    assert_ok(registry_job_remove(registry, "00000000job00001", &err), &err);
    assert_string_equal(find(site, registry, "deploy-7"), "");
    registry_close(registry);
    registry_close(NULL);
}

static void test_a_key_is_remembered_for_a_week(void **state)
{
    struct site *site = *state;
    struct registry *registry = open_ok(site);
    struct registered_job recent = job_of("00000000job00001", "recent");
    struct registered_job old = job_of("00000000job00002", "old");
    struct error err = { 0 };

    recent.queued_us -= 6 * DAY_US;
    old.queued_us -= 8 * DAY_US;
    assert_ok(registry_job_add(registry, &old, &err), &err);
    assert_ok(registry_job_add(registry, &recent, &err), &err);
    assert_string_equal(find(site, registry, "recent"), "00000000job00001");
    assert_string_equal(find(site, registry, "old"), "");
    add(registry, "00000000job00003", "old");
    assert_string_equal(find(site, registry, "old"), "00000000job00003");
    registry_close(registry);
}

/* ---- From job to run ---- */

struct halt {
    enum run_phase phase;
    bool has_come;
};

static void note_phase(void *data, const struct run_progress *progress)
{
    struct halt *halt = data;

    halt->has_come = halt->has_come || progress->phase == halt->phase;
}

static bool has_come(void *data)
{
    const struct halt *halt = data;

    return halt->has_come;
}

struct job_case {
    const char *id;
    enum verb verb;
    const char *target;
    bool is_dry_run;
    enum run_phase cancelled_at; /* PHASE_QUEUED: not */
    enum run_outcome outcome;
};

/* aaaa <- bbbb <- cccc <- dddd, whose script fails; one after the other. */
static const struct job_case jobs[] = {
    { "00000000job00001", VERB_UPGRADE, "bbbb", false, PHASE_QUEUED, RUN_SUCCEEDED },
    { "00000000job00002", VERB_UPGRADE, "bbbb", false, PHASE_QUEUED, RUN_NOTHING_TO_DO },
    { "00000000job00003", VERB_UPGRADE, "cccc", true, PHASE_QUEUED, RUN_PLANNED },
    { "00000000job00004", VERB_DOWNGRADE, "base", true, PHASE_QUEUED, RUN_PLANNED },
    { "00000000job00005", VERB_UPGRADE, "gone", false, PHASE_QUEUED, RUN_FAILED },
    { "00000000job00006", VERB_UPGRADE, "gone", true, PHASE_QUEUED, RUN_FAILED },
    { "00000000job00007", VERB_UPGRADE, "head", false, PHASE_QUEUED, RUN_FAILED },
    { "00000000job00008", VERB_UPGRADE, "cccc", false, PHASE_PREFLIGHT, RUN_CANCELLED },
    { "00000000job00009", VERB_UPGRADE, "cccc", false, PHASE_RUNNING, RUN_CANCELLED },
    { "00000000job00010", VERB_BACKUP, NULL, false, PHASE_QUEUED, RUN_SUCCEEDED },
    { "00000000job00011", VERB_DOWNGRADE, "aaaa", false, PHASE_QUEUED, RUN_SUCCEEDED },
    { "00000000job00012", VERB_STAMP, "bbbb", false, PHASE_QUEUED, RUN_SUCCEEDED },
};

static struct run_report run_job(struct site *site, struct registry *registry,
                                 const struct job_case *job)
{
    struct halt halt = { .phase = job->cancelled_at };
    struct run_hooks hooks = { .data = &halt, .progress = note_phase, .is_cancelled = has_come };
    struct run_request request = { .verb = job->verb,
                                   .target = job->target,
                                   .is_dry_run = job->is_dry_run,
                                   .actor = "a test",
                                   .reason = "why not" };
    struct run_report report = { 0 };
    struct error err = { 0 };
    bool is_done = false;

    snprintf(request.id, sizeof(request.id), "%s", job->id);
    add(registry, job->id, job->id);
    is_done =
        engine_run(&site->settings, &request, job->cancelled_at == PHASE_QUEUED ? NULL : &hooks,
                   &site->place->arena, &report, &err);
    assert_int_equal(is_done, report.error.code == ERR_OK);
    error_clear(&err);
    assert_ok(registry_outcome_write(registry, &report, &err), &err);
    return report;
}

static void test_a_run_is_told_after_a_restart_as_it_was_when_it_ended(void **state)
{
    struct site *site = *state;
    struct registry *registry = open_ok(site);
    struct error err = { 0 };
    unsigned settled = 9;

    site_three(site);
    site_script(site, "dddd", "cccc", "INSERT INTO b VALUES (7);\nSELECT missing;", "");
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
        struct run_report report = run_job(site, registry, &jobs[i]);
        struct run_report found = { 0 };

        tell("%s %s", jobs[i].id, run_outcome_name(jobs[i].outcome));
        assert_int_equal(report.outcome, jobs[i].outcome);
        assert_ok(registry_queued_us(registry, jobs[i].id, &report.queued_us, &err), &err);
        assert_ok(engine_run_find(&site->settings, jobs[i].id, &site->place->arena, &found, &err),
                  &err);
        assert_string_equal(report_text(site->place, &found), report_text(site->place, &report));
    }
    registry_close(registry);

    assert_ok(engine_recover(&site->settings, &settled, &err), &err);
    assert_int_equal(settled, 0); /* nobody moved the rows but these runs */
    registry = open_ok(site);
    assert_ok(registry_settle(registry, NULL, &settled, &err), &err);
    assert_int_equal(settled, 0); /* and all of them began */
    assert_string_equal(find(site, registry, "00000000job00002"), "00000000job00002");
    registry_close(registry);
}

static void test_the_last_run_is_the_last_that_did_something(void **state)
{
    struct site *site = *state;
    struct run_report last = { 0 };
    struct registry *registry = NULL;
    struct error err = { 0 };
    bool is_found = true;

    assert_ok(engine_run_last(&site->settings, &site->place->arena, &last, &is_found, &err), &err);
    assert_false(is_found);
    assert_false(site_has(site, journal_name)); /* asking makes none */

    site_three(site);
    registry = open_ok(site);
    assert_ok(engine_run_last(&site->settings, &site->place->arena, &last, &is_found, &err), &err);
    assert_false(is_found);
    for (size_t i = 0; i < 4; i++)
        run_job(site, registry, &jobs[i]);
    assert_ok(engine_run_last(&site->settings, &site->place->arena, &last, &is_found, &err), &err);
    assert_true(is_found);
    assert_string_equal(last.id, "00000000job00001");
    registry_close(registry);
}

static void test_a_job_that_never_began_is_interrupted_at_the_next_start(void **state)
{
    struct site *site = *state;
    struct registry *registry = open_ok(site);
    version_rows rows = { 0 };
    struct run_report found = { 0 };
    struct error err = { 0 };
    unsigned settled = 0;

    add(registry, "00000000job00001", "deploy-7");
    registry_close(registry);
    assert_ok(engine_recover(&site->settings, &settled, &err), &err);
    registry = open_ok(site);
    str_list_add(&rows, &site->place->arena, "aaaa");
    assert_ok(registry_settle(registry, &rows, &settled, &err), &err);
    assert_int_equal(settled, 1);
    assert_ok(engine_run_find(&site->settings, "00000000job00001", &site->place->arena, &found,
                              &err),
              &err);
    assert_int_equal(found.outcome, RUN_INTERRUPTED);
    assert_int_equal(found.error.code, ERR_INTERRUPTED);
    assert_contains(found.error.detail, "nothing was run; database is at aaaa");
    assert_int_equal(found.started_us, found.queued_us);
    assert_string_equal(find(site, registry, "deploy-7"), "00000000job00001");
    registry_close(registry);
}

/* ---- A journal that goes away ---- */

static void remove_file(struct site *site, const char *name)
{
    assert_int_equal(unlink(place_file(site->place, name)), 0);
}

static void test_a_journal_that_was_removed_is_made_anew(void **state)
{
    struct site *site = *state;
    struct registry *registry = open_ok(site);

    add(registry, "00000000job00001", "deploy-7");
    remove_file(site, journal_name);
    remove_file(site, "content.db.schemad/journal.db-wal");
    remove_file(site, "content.db.schemad/journal.db-shm");
    add(registry, "00000000job00002", "deploy-8");
    assert_string_equal(find(site, registry, "deploy-8"), "00000000job00002");
    assert_string_equal(find(site, registry, "deploy-7"), "");
    registry_close(registry);

    /* Another connection sees what was written: it went to the file that is there. */
    registry = open_ok(site);
    assert_string_equal(find(site, registry, "deploy-8"), "00000000job00002");
    registry_close(registry);
}

static void test_a_state_directory_that_was_replaced_is_followed(void **state)
{
    struct site *site = *state;
    struct registry *registry = open_ok(site);

    add_denial(registry, "/stamp");
    assert_int_equal(rename(site->settings.state_directory, place_file(site->place, "aside")), 0);
    add_denial(registry, "/backup");
    assert_int_equal(count_denials(site, registry), 1);
    assert_true(site_has(site, journal_name));
    registry_close(registry);
}

static void fill_with_noise(struct site *site, const char *name, off_t from)
{
    const char *path = place_file(site->place, name);
    struct stat st = { 0 };
    char noise[512];
    int fd = open(path, O_WRONLY);

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    memset(noise, 0x5a, sizeof(noise));
    for (off_t at = from; at < st.st_size; at += (off_t) sizeof(noise))
        assert_int_equal(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
    assert_int_equal(close(fd), 0);
}

/* Closing the file here drops SQLite's locks on it; nobody else is at it. */
static void test_a_journal_that_is_damaged_is_set_aside_and_begun_anew(void **state)
{
    static const off_t froms[] = { 0, 4096 }; /* all of it; all but the first page */
    struct site *site = *state;

    for (size_t i = 0; i < ARRAY_SIZE(froms); i++) {
        struct registry *registry = open_ok(site);
        struct registered_job job = job_of("00000000job00002", "deploy-8");
        struct error err = { 0 };

        tell("noise from byte %d", (int) froms[i]);
        add(registry, "00000000job00001", "deploy-7");
        sql_run(place_file(site->place, journal_name), "PRAGMA wal_checkpoint(TRUNCATE)");
        fill_with_noise(site, journal_name, froms[i]);

        assert_false(registry_job_add(registry, &job, &err));
        assert_int_equal(err.code, ERR_JOURNAL);
        assert_contains(err.hint, "set aside as");
        error_clear(&err);
        assert_ok(registry_job_add(registry, &job, &err), &err);
        assert_string_equal(find(site, registry, "deploy-8"), "00000000job00002");
        registry_close(registry);
        remove_file(site, journal_name);
    }
}

static void test_a_journal_that_cannot_be_made_is_tried_again(void **state)
{
    struct site *site = *state;
    struct registry *registry = NULL;
    struct registered_job job = job_of("00000000job00001", "deploy-7");
    struct error err = { 0 };

    site_write(site, "content.db.schemad", "a file where the directory should be");
    assert_error(registry_open(&site->settings, &registry, &err), &err, ERR_JOURNAL, "schemad");
    assert_null(registry);

    remove_file(site, "content.db.schemad");
    registry = open_ok(site);
    assert_int_equal(rename(site->settings.state_directory, place_file(site->place, "aside")), 0);
    site_write(site, "content.db.schemad", "again");
    error_clear(&err);
    assert_false(registry_job_add(registry, &job, &err));
    assert_int_equal(err.code, ERR_JOURNAL);

    remove_file(site, "content.db.schemad");
    error_clear(&err);
    assert_ok(registry_job_add(registry, &job, &err), &err);
    registry_close(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        site_test(test_keys_jobs_and_refusals_outlive_the_daemon),
        site_test(test_a_key_is_remembered_for_a_week),
        site_test(test_a_run_is_told_after_a_restart_as_it_was_when_it_ended),
        site_test(test_the_last_run_is_the_last_that_did_something),
        site_test(test_a_job_that_never_began_is_interrupted_at_the_next_start),
        site_test(test_a_journal_that_was_removed_is_made_anew),
        site_test(test_a_state_directory_that_was_replaced_is_followed),
        site_test(test_a_journal_that_is_damaged_is_set_aside_and_begun_anew),
        site_test(test_a_journal_that_cannot_be_made_is_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
