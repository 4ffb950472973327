/*
 * test_queue.c - the life of jobs, and what waiting threads are told.
 */
#include "tests/unit/unit.h"

#include "daemon/queue.h"

#include <pthread.h>
#include <string.h>

static struct queue *queue;
static struct arena arena;

static int setup(void **state)
{
    (void) state;
    queue = queue_new();
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    queue_free(queue);
    arena_release(&arena);
    return 0;
}

static void count_done(void *cookie)
{
    ++*(unsigned *) cookie;
}

/* ret_id is optional. */
static void submit(const char *target, unsigned *done, char *ret_id)
{
    struct run_request request = { .verb = VERB_UPGRADE, .target = target, .actor = "test" };
    struct error err = { .code = ERR_OK };
    char id[RUN_ID_SIZE];

    assert_true(queue_submit(queue, &request, done != NULL ? count_done : NULL, done,
                             ret_id != NULL ? ret_id : id, &err));
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

static enum job_state state_of(const char *id)
{
    struct job_view view;

    assert_true(queue_find(queue, id, &arena, &view));
    return view.state;
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
    unsigned done = 0;

    (void) state;
    for (unsigned i = 0; i < QUEUE_LENGTH_MAX; i++)
        submit("x", NULL, NULL);
    assert_false(queue_submit(queue, &request, count_done, &done, id, &err));
    assert_int_equal(err.code, ERR_QUEUE_FULL);
    end(take("x"), RUN_SUCCEEDED);
    submit("y", NULL, NULL);
    assert_int_equal(done, 0);
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

static void a_queued_job_is_cancelled_at_once(void **state)
{
    char id[RUN_ID_SIZE];
    unsigned done = 0;
    struct error err = { .code = ERR_OK };
    struct job_view view;

    (void) state;
    submit("a", NULL, NULL);
    submit("b", &done, id);
    assert_true(queue_cancel(queue, id, &err));
    assert_int_equal(done, 1);
    assert_true(queue_find(queue, id, &arena, &view));
    assert_int_equal(view.state, JOB_CANCELLED);
    assert_int_equal(view.report.error.code, ERR_CANCELLED);
    assert_true(queue_cancel(queue, id, &err));
    assert_int_equal(done, 1);
    end(take("a"), RUN_SUCCEEDED);
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

static void closing_ends_what_waits_and_leaves_what_runs(void **state)
{
    struct run_request request = { .verb = VERB_BACKUP };
    struct error err = { .code = ERR_OK };
    char running[RUN_ID_SIZE], waiting[RUN_ID_SIZE];
    unsigned done = 0;
    struct job_view view;
    struct job *job, *next;

    (void) state;
    submit("a", &done, running);
    submit("b", &done, waiting);
    job = take("a");
    queue_close(queue);
    assert_int_equal(done, 1);
    assert_true(queue_find(queue, waiting, &arena, &view));
    assert_int_equal(view.report.error.code, ERR_STOPPING);
    assert_int_equal(state_of(running), JOB_RUNNING);
    assert_false(job_is_cancelled(job));
    assert_false(queue_submit(queue, &request, NULL, NULL, waiting, &err));
    assert_int_equal(err.code, ERR_STOPPING);
    end(job, RUN_SUCCEEDED);
    assert_int_equal(done, 2);
    assert_int_equal(queue_take(queue, 0, &next), QUEUE_CLOSED);
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

/* One thread takes what several submit, while others look and cancel: for the thread sanitizer. */

#define JOBS_A_THREAD 200

static void *submit_many(void *data)
{
    unsigned *submitted = data;

    for (unsigned i = 0; i < JOBS_A_THREAD; i++) {
        struct run_request request = { .verb = VERB_UPGRADE, .target = "x", .actor = "thread" };
        struct error err = { .code = ERR_OK };
        char id[RUN_ID_SIZE];

        if (!queue_submit(queue, &request, NULL, NULL, id, &err))
            continue;
        ++*submitted;
        if (i % 7 == 0 && !queue_cancel(queue, id, &err))
            return NULL; /* it was trimmed, which needs more jobs than there are */
    }
    return NULL;
}

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
        queue_test(a_queued_job_is_cancelled_at_once),
        queue_test(a_running_job_is_only_asked_to_end),
        queue_test(an_unknown_job_cannot_be_cancelled),
        queue_test(closing_ends_what_waits_and_leaves_what_runs),
        queue_test(progress_is_news_when_phase_or_step_changed),
        queue_test(threads_agree_on_the_number_of_jobs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
