/*
 * test_queue.c - the life of jobs, and what waiting threads are told.
 */
#include "tests/unit/unit.h"

#include "daemon/queue.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

static struct events *events;
static struct queue *queue;
static struct arena arena;

static int setup(void **state)
{
    (void) state;
    events = events_new();
    queue = queue_new(events);
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    queue_free(queue);
    events_free(events);
    arena_release(&arena);
    return 0;
}

static void count_done(void *cookie)
{
    ++*(unsigned *) cookie;
}

/* done and ret_id are optional. */
static void submit(const char *target, unsigned *done, char *ret_id)
{
    struct run_request request = { .verb = VERB_UPGRADE, .target = target, .actor = "test" };
    struct error err = { .code = ERR_OK };
    char id[RUN_ID_SIZE];

    assert_true(queue_submit(queue, &request, 0, id, &err));
    if (done != NULL)
        assert_true(queue_await(queue, id, count_done, done));
    if (ret_id != NULL)
        memcpy(ret_id, id, RUN_ID_SIZE);
}

static struct job *take(const char *target)
{
    struct job *job;

    assert_int_equal(queue_take(queue, 1000, &job), QUEUE_JOB);
    assert_string_equal(job_request(job)->target, target);
    return job;
}

static void end(struct job *job, enum run_outcome outcome)
{
    struct run_report report = { .outcome = outcome, .actor = "test", .duration_us = 42 };

    memcpy(report.id, job_request(job)->id, RUN_ID_SIZE);
    queue_end(queue, job, &report);
}

static struct job_view view_of(const char *id)
{
    struct job_view view;

    assert_true(queue_find(queue, id, &arena, &view));
    return view;
}

static enum job_state state_of(const char *id)
{
    return view_of(id).state;
}

/* What the recorder does; how many there were. */
static unsigned end_withdrawn(void)
{
    struct run_report report;
    unsigned count = 0;

    for (; queue_withdrawn_find(queue, &arena, &report); count++)
        queue_withdrawn_end(queue, report.id);
    return count;
}

static void a_job_is_queued_taken_and_ended(void **state)
{
    char id[RUN_ID_SIZE];
    unsigned done = 0;
    struct job_view view;
    struct job *job;

    (void) state;
    submit("head", &done, id);
    assert_int_equal(strlen(id), RUN_ID_SIZE - 1);
    assert_int_equal(state_of(id), JOB_QUEUED);
    job = take("head");
    assert_int_equal(state_of(id), JOB_RUNNING);
    assert_int_equal(done, 0);
    end(job, RUN_SUCCEEDED);
    assert_int_equal(done, 1);
    assert_true(queue_find(queue, id, &arena, &view));
    assert_int_equal(view.state, JOB_SUCCEEDED);
    assert_int_equal(view.elapsed_us, 42);
    assert_string_equal(view.report.actor, "test");
}

static void jobs_are_taken_in_their_order_and_listed_newest_first(void **state)
{
    struct job_views views;

    (void) state;
    submit("a", NULL, NULL);
    submit("b", NULL, NULL);
    submit("c", NULL, NULL);
    end(take("a"), RUN_SUCCEEDED);
    end(take("b"), RUN_FAILED);
    queue_list(queue, &arena, &views);
    assert_int_equal(views.count, 3);
    assert_string_equal(views.items[0].report.target, "c");
    assert_int_equal(views.items[0].state, JOB_QUEUED);
    assert_int_equal(views.items[1].state, JOB_FAILED);
    assert_int_equal(views.items[2].state, JOB_SUCCEEDED);
}

static void the_outcome_decides_the_state(void **state)
{
    static const struct {
        enum run_outcome outcome;
        enum job_state state;
    } cases[] = {
        { RUN_SUCCEEDED, JOB_SUCCEEDED }, { RUN_NOTHING_TO_DO, JOB_SUCCEEDED },
        { RUN_PLANNED, JOB_SUCCEEDED },   { RUN_FAILED, JOB_FAILED },
        { RUN_CANCELLED, JOB_CANCELLED }, { RUN_INTERRUPTED, JOB_INTERRUPTED },
        { RUN_UNFINISHED, JOB_FAILED },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char id[RUN_ID_SIZE];

        submit("x", NULL, id);
        end(take("x"), cases[i].outcome);
        assert_int_equal(state_of(id), cases[i].state);
    }
}

static void the_queue_is_bounded(void **state)
{
    struct run_request request = { .verb = VERB_BACKUP };
    struct error err = { .code = ERR_OK };
    char id[RUN_ID_SIZE];

    (void) state;
    for (unsigned i = 0; i < QUEUE_LENGTH_MAX; i++)
        submit("x", NULL, NULL);
    assert_false(queue_check(queue, &err));
    assert_int_equal(err.code, ERR_QUEUE_FULL);
    error_clear(&err);
    assert_false(queue_submit(queue, &request, 0, id, &err));
    assert_int_equal(err.code, ERR_QUEUE_FULL);
    end(take("x"), RUN_SUCCEEDED);
    submit("y", NULL, NULL);
}

static void only_the_newest_ended_jobs_are_remembered(void **state)
{
    char first[RUN_ID_SIZE], last[RUN_ID_SIZE];
    struct job_view view;

    (void) state;
    submit("x", NULL, first);
    end(take("x"), RUN_SUCCEEDED);
    for (unsigned i = 0; i < QUEUE_HISTORY_MAX; i++) {
        submit("x", NULL, last);
        end(take("x"), RUN_SUCCEEDED);
    }
    assert_false(queue_find(queue, first, &arena, &view));
    assert_true(queue_find(queue, last, &arena, &view));
}

static void everybody_who_awaits_a_job_is_told_once(void **state)
{
    unsigned done[3] = { 0, 0, 0 };
    char id[RUN_ID_SIZE];
    struct job *job;

    (void) state;
    submit("a", &done[0], id);
    assert_true(queue_await(queue, id, count_done, &done[1]));
    job = take("a");
    assert_true(queue_await(queue, id, count_done, &done[1]));
    assert_int_equal(done[0] + done[1], 0);
    end(job, RUN_SUCCEEDED);
    assert_int_equal(done[0], 1);
    assert_int_equal(done[1], 2);

    assert_false(queue_await(queue, id, count_done, &done[2]));
    assert_false(queue_await(queue, "0123456789abcdef", count_done, &done[2]));
    assert_int_equal(done[2], 0);
}

static void a_queued_job_is_withdrawn_and_then_ended(void **state)
{
    char id[RUN_ID_SIZE];
    unsigned done = 0;
    struct error err = { .code = ERR_OK };
    struct run_report report;
    struct job_view view;

    (void) state;
    submit("a", NULL, NULL);
    submit("b", &done, id);
    assert_true(view_of(id).is_interruptible);
    assert_true(queue_cancel(queue, id, &err));
    assert_true(queue_cancel(queue, id, &err));
    view = view_of(id);
    assert_int_equal(view.state, JOB_QUEUED);
    assert_true(view.is_cancel_requested);
    assert_int_equal(view.report.error.code, ERR_OK);
    assert_int_equal(done, 0);
    end(take("a"), RUN_SUCCEEDED);
    submit("c", NULL, NULL);
    end(take("c"), RUN_SUCCEEDED);

    assert_true(queue_withdrawn_find(queue, &arena, &report));
    assert_string_equal(report.id, id);
    assert_int_equal(report.outcome, RUN_CANCELLED);
    assert_int_equal(report.started_us, view.queued_us);
    queue_withdrawn_end(queue, id);
    assert_int_equal(done, 1);
    view = view_of(id);
    assert_int_equal(view.state, JOB_CANCELLED);
    assert_int_equal(view.report.error.code, ERR_CANCELLED);
    assert_false(view.is_cancel_requested);
    assert_int_equal(end_withdrawn(), 0);
}

static void an_ended_job_looks_as_the_journal_will_show_it(void **state)
{
    const struct run_request request = { .verb = VERB_UPGRADE,
                                         .id = "0123456789abcdef",
                                         .target = "x" };
    struct run_progress progress = { .phase = PHASE_RUNNING, .permille = 580, .step = 2 };
    struct run_report report = {
        .id = "0123456789abcdef", .outcome = RUN_FAILED, .started_us = 2000, .duration_us = 3000
    };
    struct error err = { .code = ERR_OK };
    struct job_view view, journalled;
    char id[RUN_ID_SIZE];
    struct job *job;

    (void) state;
    assert_true(queue_submit(queue, &request, 1000, id, &err));
    assert_string_equal(id, request.id);
    job = take("x");
    assert_true(job_is_registered(job));
    (void) queue_progress(queue, job, &progress);
    queue_end(queue, job, &report);
    report.queued_us = 1000; /* the journal has both */
    view = view_of(id);
    journalled = job_view_of_run(&report);
    assert_int_equal(view.report.queued_us, 1000);
    assert_int_equal(view.state, journalled.state);
    assert_int_equal(view.queued_us, 1000);
    assert_int_equal(view.elapsed_us, journalled.elapsed_us);
    assert_int_equal(view.remaining_us, journalled.remaining_us);
    assert_memory_equal(&view.progress, &journalled.progress, sizeof(view.progress));
}

static void a_running_job_is_only_asked_to_end(void **state)
{
    char id[RUN_ID_SIZE];
    unsigned done = 0;
    struct error err = { .code = ERR_OK };
    struct job *job;

    (void) state;
    submit("a", &done, id);
    job = take("a");
    assert_false(job_is_cancelled(job));
    assert_true(queue_cancel(queue, id, &err));
    assert_true(job_is_cancelled(job));
    assert_int_equal(state_of(id), JOB_RUNNING);
    assert_true(view_of(id).is_cancel_requested);
    assert_int_equal(end_withdrawn(), 0);
    end(job, RUN_CANCELLED);
    assert_int_equal(done, 1);
}

static void an_unknown_job_cannot_be_cancelled(void **state)
{
    struct error err = { .code = ERR_OK };

    (void) state;
    assert_false(queue_cancel(queue, "0123456789abcdef", &err));
    assert_int_equal(err.code, ERR_JOB_UNKNOWN);
}

static void closing_withdraws_what_waits_and_leaves_what_runs(void **state)
{
    struct run_request request = { .verb = VERB_BACKUP };
    struct error err = { .code = ERR_OK };
    char running[RUN_ID_SIZE], waiting[RUN_ID_SIZE];
    unsigned done = 0;
    struct job *job, *next;

    (void) state;
    submit("a", &done, running);
    submit("b", &done, waiting);
    job = take("a");
    queue_close(queue);
    assert_int_equal(queue_take(queue, 0, &next), QUEUE_CLOSED);
    assert_int_equal(done, 0);
    assert_int_equal(end_withdrawn(), 1);
    assert_int_equal(done, 1);
    assert_int_equal(state_of(waiting), JOB_CANCELLED);
    assert_int_equal(view_of(waiting).report.error.code, ERR_STOPPING);
    assert_int_equal(state_of(running), JOB_RUNNING);
    assert_false(job_is_cancelled(job));
    assert_false(queue_submit(queue, &request, 0, waiting, &err));
    assert_int_equal(err.code, ERR_STOPPING);
    end(job, RUN_SUCCEEDED);
    assert_int_equal(done, 2);
}

static void progress_is_news_when_phase_or_step_changed(void **state)
{
    struct run_progress progress = { .phase = PHASE_RUNNING, .step = 1, .step_count = 2 };
    struct queue_activity activity;
    struct job *job;

    (void) state;
    submit("head", NULL, NULL);
    job = take("head");
    queue_goal_set(queue, job, "c7f8a9b0d1e2");
    assert_true(queue_progress(queue, job, &progress));
    progress.permille = 500;
    assert_false(queue_progress(queue, job, &progress));
    queue_activity(queue, &activity);
    assert_true(activity.has_running);
    assert_string_equal(activity.goal, "c7f8a9b0d1e2");
    assert_int_equal(activity.progress.permille, 500);
    end(job, RUN_SUCCEEDED);
    queue_activity(queue, &activity);
    assert_false(activity.has_running);
}

static void permille_never_goes_backwards(void **state)
{
    static const struct {
        enum run_phase phase;
        unsigned told, shown;
    } cases[] = {
        { PHASE_PLANNING, 0, 0 },  { PHASE_BACKUP, 120, 120 },  { PHASE_BACKUP, 100, 120 },
        { PHASE_RUNNING, 0, 120 }, { PHASE_RUNNING, 900, 900 }, { PHASE_DONE, 1000, 1000 },
    };
    struct job *job;
    char id[RUN_ID_SIZE];

    (void) state;
    submit("x", NULL, id);
    job = take("x");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct run_progress progress = { .phase = cases[i].phase, .permille = cases[i].told };

        (void) queue_progress(queue, job, &progress);
        assert_int_equal(view_of(id).progress.permille, cases[i].shown);
        assert_int_equal(view_of(id).progress.phase, cases[i].phase);
    }
    end(job, RUN_FAILED);
    assert_int_equal(view_of(id).progress.permille, 1000);
}

static void a_running_job_can_be_interrupted_but_not_while_it_commits(void **state)
{
    static const struct {
        enum run_phase phase;
        bool is_interruptible;
    } cases[] = {
        { PHASE_PLANNING, true }, { PHASE_RUNNING, true }, { PHASE_COMMITTING, false },
        { PHASE_RUNNING, true },  { PHASE_DONE, false },
    };
    struct job *job;
    char id[RUN_ID_SIZE];

    (void) state;
    submit("x", NULL, id);
    job = take("x");
    assert_true(view_of(id).report.started_us > 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct run_progress progress = { .phase = cases[i].phase };

        (void) queue_progress(queue, job, &progress);
        assert_true(view_of(id).is_interruptible == cases[i].is_interruptible);
    }
    end(job, RUN_SUCCEEDED);
    assert_false(view_of(id).is_interruptible);
}

/* Takes the second that a run may be silent, and a backup needs to be foreseen. */
static void a_silent_backup_is_not_interruptible_and_a_long_one_foreseen(void **state)
{
    const struct run_request request = { .verb = VERB_BACKUP };
    struct run_progress progress = { .phase = PHASE_BACKUP, .permille = 100 };
    struct error err = { .code = ERR_OK };
    char id[RUN_ID_SIZE];
    struct job_view view;
    struct job *job;

    (void) state;
    assert_true(queue_submit(queue, &request, 0, id, &err));
    assert_int_equal(queue_take(queue, 0, &job), QUEUE_JOB);
    (void) queue_progress(queue, job, &progress);
    assert_int_equal(view_of(id).remaining_us, -1);
    while (view_of(id).is_interruptible)
        (void) poll(NULL, 0, 10);
    assert_true(view_of(id).elapsed_us >= 1000000);

    progress.permille = 500;
    (void) queue_progress(queue, job, &progress);
    view = view_of(id);
    assert_true(view.is_interruptible);
    assert_in_range(view.remaining_us, 900000, view.elapsed_us);
    progress.phase = PHASE_DONE;
    (void) queue_progress(queue, job, &progress);
    assert_int_equal(view_of(id).remaining_us, -1);
    end(job, RUN_SUCCEEDED);
}

static void what_happens_to_a_job_is_an_event(void **state)
{
    static const struct {
        enum job_state state;
        enum run_phase phase;
        unsigned step;
    } told[] = {
        { JOB_QUEUED, PHASE_QUEUED, 0 },   { JOB_RUNNING, PHASE_QUEUED, 0 },
        { JOB_RUNNING, PHASE_RUNNING, 1 }, { JOB_RUNNING, PHASE_RUNNING, 2 },
        { JOB_SUCCEEDED, PHASE_DONE, 0 },
    };
    struct run_progress progress = { .phase = PHASE_RUNNING, .step = 1 };
    struct event_batch batch;
    uint64_t before;
    struct job *job;
    char id[RUN_ID_SIZE];

    (void) state;
    events_read(events, 0, &batch);
    before = batch.newest;
    submit("x", NULL, id);
    job = take("x");
    (void) queue_progress(queue, job, &progress);
    progress.permille = 10; /* too soon to be told */
    (void) queue_progress(queue, job, &progress);
    progress.step = 2;
    (void) queue_progress(queue, job, &progress);
    end(job, RUN_SUCCEEDED);
    events_read(events, before, &batch);
    assert_int_equal(batch.count, ARRAY_SIZE(told));
    for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
        assert_int_equal(batch.items[i].kind, EVENT_JOB);
        assert_string_equal(batch.items[i].job, id);
        assert_int_equal(batch.items[i].state, told[i].state);
        assert_int_equal(batch.items[i].progress.phase, told[i].phase);
        assert_int_equal(batch.items[i].progress.step, told[i].step);
    }
    assert_int_equal(batch.items[4].elapsed_us, 42);
}

/* One thread takes what several submit, while others look and cancel: for the thread sanitizer. */

#define JOBS_A_THREAD 200

static void *submit_many(void *data)
{
    unsigned *submitted = data;

    for (unsigned i = 0; i < JOBS_A_THREAD; i++) {
        struct run_request request = { .verb = VERB_UPGRADE, .target = "x", .actor = "thread" };
        struct error err = { .code = ERR_OK };
        char id[RUN_ID_SIZE];

        if (!queue_submit(queue, &request, 0, id, &err))
            continue;
        ++*submitted;
        if (i % 7 == 0 && !queue_cancel(queue, id, &err))
            return NULL; /* it was trimmed, which needs more jobs than there are */
    }
    return NULL;
}

/* And does what the recorder does. */
static void *look_often(void *data)
{
    (void) data;
    for (unsigned i = 0; i < JOBS_A_THREAD; i++) {
        struct arena own = { NULL };
        struct job_views views;
        struct queue_activity activity;

        queue_list(queue, &own, &views);
        queue_activity(queue, &activity);
        arena_release(&own);
        (void) end_withdrawn();
    }
    return NULL;
}

static void *work(void *data)
{
    struct job *job;

    (void) data;
    while (queue_take(queue, 0, &job) == QUEUE_JOB)
        end(job, RUN_SUCCEEDED);
    return NULL;
}

static void threads_agree_on_the_number_of_jobs(void **state)
{
    unsigned submitted[2] = { 0, 0 };
    uint64_t ended[JOB_INTERRUPTED + 1];
    unsigned length;
    pthread_t submitters[2], looker, worker;

    (void) state;
    assert_int_equal(pthread_create(&worker, NULL, work, NULL), 0);
    assert_int_equal(pthread_create(&looker, NULL, look_often, NULL), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&submitters[i], NULL, submit_many, &submitted[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(submitters[i], NULL), 0);
    assert_int_equal(pthread_join(looker, NULL), 0);
    queue_close(queue);
    assert_int_equal(pthread_join(worker, NULL), 0);
    (void) end_withdrawn();
    queue_counts(queue, ended, &length);
    assert_int_equal(length, 0);
    assert_int_equal(ended[JOB_SUCCEEDED] + ended[JOB_CANCELLED], submitted[0] + submitted[1]);
    assert_true(submitted[0] + submitted[1] > 0);
}

#define queue_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        queue_test(a_job_is_queued_taken_and_ended),
        queue_test(jobs_are_taken_in_their_order_and_listed_newest_first),
        queue_test(the_outcome_decides_the_state),
        queue_test(the_queue_is_bounded),
        queue_test(only_the_newest_ended_jobs_are_remembered),
        queue_test(everybody_who_awaits_a_job_is_told_once),
        queue_test(a_queued_job_is_withdrawn_and_then_ended),
        queue_test(an_ended_job_looks_as_the_journal_will_show_it),
        queue_test(a_running_job_is_only_asked_to_end),
        queue_test(an_unknown_job_cannot_be_cancelled),
        queue_test(closing_withdraws_what_waits_and_leaves_what_runs),
        queue_test(progress_is_news_when_phase_or_step_changed),
        queue_test(permille_never_goes_backwards),
        queue_test(a_running_job_can_be_interrupted_but_not_while_it_commits),
        queue_test(a_silent_backup_is_not_interruptible_and_a_long_one_foreseen),
        queue_test(what_happens_to_a_job_is_an_event),
        queue_test(threads_agree_on_the_number_of_jobs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
