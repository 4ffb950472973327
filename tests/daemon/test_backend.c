/*
 * test_backend.c - the parts of the daemon together, as api/ sees them, over restarts.
 */
#include "tests/daemon/client.h"
#include "tests/daemon/site.h"

#include "base/attr.h"
#include "base/clock.h"
#include "daemon/backend.h"
#include "engine/registry.h"

static struct arena arena;
static struct backend_parts parts;
static struct backend backend;

static void no_wake(void *data)
{
    (void) data;
}

static void make_parts(void)
{
    parts = (struct backend_parts){ .settings = &site_settings, .started_us = clock_wall_us() };
    parts.events = events_new();
    parts.queue = queue_new(parts.events);
    parts.snapshots = snapshots_new(&(struct snapshots_options){
        .settings = &site_settings,
        .required = "none",
        .queue = parts.queue,
        .events = parts.events,
        .wake = no_wake,
    });
    parts.recorder = recorder_new(&(struct recorder_options){
        .settings = &site_settings,
        .queue = parts.queue,
        .snapshots = parts.snapshots,
    });
    parts.worker = worker_new(&(struct worker_options){
        .settings = &site_settings,
        .queue = parts.queue,
        .snapshots = parts.snapshots,
        .recorder = parts.recorder,
        .wake = no_wake,
    });
    backend = backend_of(&parts);
}

static void begin_life(void)
{
    struct error err = { .code = ERR_OK };

    make_parts();
    assert_true(recorder_start(parts.recorder, &err));
    assert_true(worker_start(parts.worker, &err));
    assert_true(worker_await_settled(parts.worker, 30000));
}

static void end_life(void)
{
    queue_close(parts.queue);
    recorder_wake(parts.recorder);
    worker_join(parts.worker);
    recorder_stop(parts.recorder);
    worker_free(parts.worker);
    recorder_free(parts.recorder);
    snapshots_free(parts.snapshots);
    queue_free(parts.queue);
    events_free(parts.events);
}

static int setup(void **state)
{
    if (site_make(state) < 0)
        return -1;
    site_script("aaaa", "");
    site_script("bbbb", "aaaa");
    return 0;
}

static int teardown(void **state)
{
    end_life();
    arena_release(&arena);
    return site_remove(state);
}

/* ---- Asking ---- */

static void submit(struct client *client, const struct run_request *request)
{
    *client = (struct client){ .accepted = 0 };
    backend.submit(backend.data, &(struct submission){ .request = request },
                   &(struct submit_hooks){ client, client_accepted, client_ended });
}

static struct job_view get(const char *id)
{
    struct error err = { .code = ERR_OK };
    struct job_view view;

    assert_true(backend.job_get(backend.data, id, &arena, &view, &err));
    return view;
}

/* Submit, wait for the end, and get the job. */
static struct job_view ask(const struct run_request *request)
{
    struct client client;

    submit(&client, request);
    wait_for(&client.accepted);
    assert_int_equal(client.error.code, ERR_OK);
    wait_for(&client.ended);
    return get(client.acceptance.id);
}

static struct backend_counters counters(void)
{
    struct backend_counters counters;

    backend.counters(backend.data, &arena, &counters);
    return counters;
}

static const char *or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

/* All that HTTP shows of a job. */
static const char *text_of(const struct job_view *view)
{
    const struct run_report *run = &view->report;
    const char *steps = "";

    for (size_t i = 0; i < run->step_count; i++)
        steps = arena_printf(&arena, "%s %s %s %s %d %llu %u", steps, run->steps[i].revision,
                             run->steps[i].message, run->steps[i].line, run->steps[i].direction,
                             (unsigned long long) run->steps[i].duration_us,
                             run->steps[i].statement_count);
    return arena_printf(
        &arena,
        "%s %s %s phase %d permille %u at '%s' step %u/%u statement %u/%u queued %lld elapsed %llu "
        "remaining %lld %d%d; %s %s by %s for %s: %s -> %s,%s; backup %s, warning %s, began %lld, "
        "took %llu, waited %llu; %s %d %u:%u '%s' '%s' '%s' '%s' '%s'",
        run->id, job_state_name(view->state), run_outcome_name(run->outcome), view->progress.phase,
        view->progress.permille, view->progress.revision, view->progress.step,
        view->progress.step_count, view->progress.statement, view->progress.statement_count,
        (long long) view->queued_us, (unsigned long long) view->elapsed_us,
        (long long) view->remaining_us, view->is_cancel_requested, view->is_interruptible,
        verb_name(run->verb), or_dash(run->target), or_dash(run->actor), or_dash(run->reason),
        str_list_join(&run->rows_before, ",", &arena), str_list_join(&run->rows_after, ",", &arena),
        steps, or_dash(run->backup), or_dash(run->warning), (long long) run->started_us,
        (unsigned long long) run->duration_us, (unsigned long long) run->lock_wait_us,
        error_slug(run->error.code), run->error.sqlite_code, run->error.line, run->error.column,
        run->error.revision, run->error.file, run->error.statement, run->error.detail,
        run->error.hint);
}

/* ---- Stories ---- */

static void a_job_is_after_a_restart_what_it_was_before(void **state)
{
    static const char *const nowhere[] = { "zzzz" };
    static const struct {
        struct run_request request;
        enum run_outcome outcome;
    } cases[] = {
        { { .verb = VERB_UPGRADE, .target = "aaaa", .is_dry_run = true }, RUN_PLANNED },
        { { .verb = VERB_UPGRADE, .target = "aaaa", .reason = "why not" }, RUN_SUCCEEDED },
        { { .verb = VERB_UPGRADE, .target = "aaaa" }, RUN_NOTHING_TO_DO },
        { { .verb = VERB_UPGRADE, .target = "unknown" }, RUN_FAILED },
        { { .verb = VERB_UPGRADE, .has_expect = true, .expect = { (const char **) nowhere, 1, 1 } },
          RUN_FAILED },
        { { .verb = VERB_UPGRADE }, RUN_SUCCEEDED },
        { { .verb = VERB_BACKUP }, RUN_SUCCEEDED },
        { { .verb = VERB_DOWNGRADE, .target = "base" }, RUN_SUCCEEDED },
        { { .verb = VERB_STAMP, .target = "bbbb" }, RUN_SUCCEEDED },
    };
    const char *before[ARRAY_SIZE(cases)];
    struct job_view view;
    char ids[ARRAY_SIZE(cases)][RUN_ID_SIZE];

    (void) state;
    begin_life();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct run_request request = cases[i].request;

        request.actor = "uid 7";
        view = ask(&request);
        assert_int_equal(view.report.outcome, cases[i].outcome);
        memcpy(ids[i], view.report.id, RUN_ID_SIZE);
        before[i] = text_of(&view);
    }
    end_life();
    begin_life();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        view = get(ids[i]);
        assert_string_equal(text_of(&view), before[i]);
    }
}

/* The worker settles, then opens the recorder; the other way round the job would be interrupted. */
static void a_job_that_never_began_is_interrupted_and_a_new_one_is_not(void **state)
{
    const struct run_request request = { .verb = VERB_UPGRADE, .actor = "uid 7" };
    const struct registered_job left = {
        .id = "0123456789abcdef", .verb = VERB_UPGRADE, .actor = "uid 7", .queued_us = 1000
    };
    struct error err = { .code = ERR_OK };
    struct registry *registry;
    struct client client;
    struct job_view view;

    (void) state;
    assert_true(registry_open(&site_settings, &registry, &err));
    assert_true(registry_job_add(registry, &left, &err));
    registry_close(registry);
    make_parts();
    assert_true(recorder_start(parts.recorder, &err));
    submit(&client, &request);
    assert_true(worker_start(parts.worker, &err));
    wait_for(&client.ended);
    assert_int_equal(get(client.acceptance.id).state, JOB_SUCCEEDED);
    view = get(left.id);
    assert_int_equal(view.state, JOB_INTERRUPTED);
    assert_int_equal(view.report.error.code, ERR_INTERRUPTED);
    assert_int_equal(view.report.queued_us, 1000);
}

static void counters_tell_of_runs_backups_and_locks(void **state)
{
    const struct run_request upgrade = { .verb = VERB_UPGRADE, .target = "aaaa", .actor = "uid 7" };
    const struct run_request backup = { .verb = VERB_BACKUP, .actor = "uid 7" };
    struct backend_counters now;

    (void) state;
    begin_life();
    assert_int_equal(counters().last_run_us, 0);
    assert_int_equal(counters().last_backup_us, 0);
    (void) ask(&upgrade);
    (void) ask(&upgrade); /* nothing to do: no run to speak of, and no lock */
    now = counters();
    assert_int_equal(now.last_run_verb, VERB_UPGRADE);
    assert_int_equal(now.last_run_outcome, RUN_SUCCEEDED);
    assert_true(now.last_run_succeeded);
    assert_int_equal(now.jobs[JOB_SUCCEEDED], 2);
    assert_int_equal(now.lock_wait_count, 1);
    assert_true(now.lock_wait_sum_us > 0);
    (void) ask(&backup);

    end_life();
    begin_life();
    (void) ask(&upgrade); /* the journal was looked at before */
    now = counters();
    assert_int_equal(now.last_run_verb, VERB_BACKUP);
    assert_int_equal(now.lock_wait_count, 0);
    assert_true(now.last_backup_us > 0 && now.last_backup_bytes > 0);
    assert_int_equal(now.last_backup_rows.count, 1);
    assert_string_equal(now.last_backup_rows.items[0], "aaaa");
}

static void only_an_unknown_job_cannot_be_cancelled(void **state)
{
    const struct run_request request = { .verb = VERB_UPGRADE, .actor = "uid 7" };
    struct error err = { .code = ERR_OK };
    struct job_view ended;

    (void) state;
    begin_life();
    ended = ask(&request);
    end_life();
    begin_life();
    assert_true(backend.job_cancel(backend.data, ended.report.id, &err));
    assert_int_equal(get(ended.report.id).state, JOB_SUCCEEDED);
    assert_false(backend.job_cancel(backend.data, "0123456789abcdef", &err));
    assert_int_equal(err.code, ERR_JOB_UNKNOWN);
}

static void denials_are_read_without_making_a_journal(void **state)
{
    const struct denial denial = { 1000, "token", "tcp", "POST", "/upgrade", 0 };
    struct error err = { .code = ERR_OK };
    struct denials denials;

    (void) state;
    begin_life();
    assert_true(backend.denial_list(backend.data, 10, &arena, &denials, &err));
    assert_int_equal(denials.count, 0);
    assert_false(registry_exists(&site_settings));
    backend.deny(backend.data, &denial);
    do
        assert_true(backend.denial_list(backend.data, 10, &arena, &denials, &err));
    while (denials.count == 0);
    assert_string_equal(denials.items[0].path, "/upgrade");
}

static const char *findings(void)
{
    struct error err = { .code = ERR_OK };
    struct findings found = { .count = 0 };
    struct snapshot snapshot;
    const char *text = "";

    backend.snapshot_take(backend.data, &arena, &snapshot);
    assert_true(backend.check(backend.data, &snapshot, &arena, &found, &err));
    backend.snapshot_release(backend.data, &snapshot);
    for (size_t i = 0; i < found.count; i++)
        text = arena_printf(&arena, "%s%s: %s\n", text, error_slug(found.items[i].code),
                            found.items[i].detail);
    return text;
}

static void a_check_tells_what_is_amiss_also_when_nothing_can_be_read(void **state)
{
    const struct run_request upgrade = { .verb = VERB_UPGRADE, .actor = "uid 7" };

    (void) state;
    begin_life();
    assert_string_equal(findings(),
                        "not-ready: the database is at base, 2 revisions behind bbbb\n");
    (void) ask(&upgrade);
    assert_string_equal(findings(), "");
    end_life();
    directory_write("versions/cccc.sql", "no script", 0600);
    begin_life();
    assert_non_null(strstr(findings(), "script-invalid: "));
}

/* The journal kept what the directory lost. */
static void a_plan_that_fails_for_a_lost_script_tells_where_it_is(void **state)
{
    const struct run_request upgrade = { .verb = VERB_UPGRADE, .actor = "uid 7" };
    struct error err = { .code = ERR_OK };
    struct snapshot snapshot;
    struct plan *plan = NULL;

    (void) state;
    begin_life();
    (void) ask(&upgrade);
    end_life();
    assert_int_equal(unlink("versions/bbbb.sql"), 0);
    begin_life();
    backend.snapshot_take(backend.data, &arena, &snapshot);
    assert_false(backend.plan(backend.data, &snapshot, &upgrade, &arena, &plan, &err));
    backend.snapshot_release(backend.data, &snapshot);
    assert_int_equal(err.code, ERR_DATABASE_REVISION_UNKNOWN);
    assert_non_null(strstr(err.hint, "`show bbbb` prints it"));
}

static void a_plan_for_a_stamp_without_targets_is_empty(void **state)
{
    const struct run_request stamp = { .verb = VERB_STAMP, .actor = "uid 7" };
    struct error err = { .code = ERR_OK };
    struct snapshot snapshot;
    struct plan *plan = NULL;

    (void) state;
    begin_life();
    backend.snapshot_take(backend.data, &arena, &snapshot);
    assert_true(backend.plan(backend.data, &snapshot, &stamp, &arena, &plan, &err));
    assert_int_equal(plan->count, 0);
    backend.snapshot_release(backend.data, &snapshot);
    assert_int_equal(ask(&stamp).report.outcome, RUN_SUCCEEDED);
    assert_int_equal(ask(&stamp).report.outcome, RUN_NOTHING_TO_DO);
}

#define backend_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        backend_test(a_job_is_after_a_restart_what_it_was_before),
        backend_test(a_job_that_never_began_is_interrupted_and_a_new_one_is_not),
        backend_test(counters_tell_of_runs_backups_and_locks),
        backend_test(only_an_unknown_job_cannot_be_cancelled),
        backend_test(denials_are_read_without_making_a_journal),
        backend_test(a_check_tells_what_is_amiss_also_when_nothing_can_be_read),
        backend_test(a_plan_that_fails_for_a_lost_script_tells_where_it_is),
        backend_test(a_plan_for_a_stamp_without_targets_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
