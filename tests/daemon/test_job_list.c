/*
 * test_job_list.c - the same jobs, whatever the size of the page and whoever remembers them.
 */
#include "tests/daemon/site.h"

#include "base/attr.h"
#include "daemon/job_list.h"
#include "engine/registry.h"

#define QUEUED_US 1700000000000000 /* of the first job; each is queued a second after the other */

static struct arena arena;
static struct events *events;
static struct queue *queue;
static unsigned made;

static void begin_life(void)
{
    events = events_new();
    queue = queue_new(events);
}

static void end_life(void)
{
    queue_free(queue);
    events_free(events);
}

static int setup(void **state)
{
    made = 0;
    begin_life();
    return site_make(state);
}

static int teardown(void **state)
{
    end_life();
    arena_release(&arena);
    return site_remove(state);
}

/* ---- Jobs, as recorder and worker treat them ---- */

static void submit(const char *target, const char *actor)
{
    struct registered_job job = { .verb = VERB_UPGRADE, .target = target, .actor = actor };
    struct run_request request = { .verb = VERB_UPGRADE, .target = target, .actor = actor };
    struct error err = { .code = ERR_OK };
    struct registry *registry;
    char id[RUN_ID_SIZE];

    job.queued_us = QUEUED_US + made * INT64_C(1000000);
    (void) snprintf(job.id, sizeof(job.id), "%016u", ++made);
    memcpy(request.id, job.id, sizeof(job.id));
    assert_true(registry_open(&site_settings, &registry, &err));
    assert_true(registry_job_add(registry, &job, &err));
    registry_close(registry);
    assert_true(queue_submit(queue, &request, job.queued_us, id, &err));
}

static void end_next(enum run_outcome outcome)
{
    struct run_report report = { .verb = VERB_UPGRADE,
                                 .outcome = outcome,
                                 .started_us = QUEUED_US };
    struct error err = { .code = ERR_OK };
    struct registry *registry;
    struct job *job;

    assert_int_equal(queue_take(queue, 1000, &job), QUEUE_JOB);
    memcpy(report.id, job_request(job)->id, RUN_ID_SIZE);
    report.target = job_request(job)->target;
    report.actor = job_request(job)->actor;
    if (outcome == RUN_FAILED)
        (void) error_set(&report.error, ERR_LOCKED, "locked");
    assert_true(registry_open(&site_settings, &registry, &err));
    assert_true(registry_outcome_write(registry, &report, &err));
    registry_close(registry);
    queue_end(queue, job, &report);
}

/* Three in the journal and the history, one that runs, two that wait. */
static void six_jobs(void)
{
    struct job *job;

    submit("a", "uid 1");
    submit("b", "uid 2");
    submit("c", "uid 1");
    end_next(RUN_NOTHING_TO_DO);
    end_next(RUN_FAILED);
    end_next(RUN_NOTHING_TO_DO);
    submit("d", "uid 2");
    submit("e", "uid 1");
    submit("f", "uid 1");
    assert_int_equal(queue_take(queue, 1000, &job), QUEUE_JOB);
}

/* ---- Looking ---- */

static struct job_views list(const struct job_filter *filter)
{
    struct error err = { .code = ERR_OK };
    struct job_views views;

    assert_true(job_list_read(&site_settings, queue, filter, &arena, &views, &err));
    return views;
}

/* "f e d": the targets, page by page, `limit` jobs each. */
static const char *targets(struct job_filter filter, unsigned limit)
{
    struct str_list all = { 0 };
    struct job_views views;

    filter.limit = limit;
    do {
        views = list(&filter);
        assert_true(views.count <= limit);
        assert_true(!views.has_more || views.count == limit);
        for (size_t i = 0; i < views.count; i++)
            str_list_add(&all, &arena, views.items[i].report.target);
        if (views.count > 0)
            filter.before = views.items[views.count - 1].report.id;
    } while (views.has_more);
    return str_list_join(&all, " ", &arena);
}

static void pages_of_every_size_hold_the_same_jobs(void **state)
{
    (void) state;
    six_jobs();
    for (unsigned limit = 1; limit <= 7; limit++)
        assert_string_equal(targets((struct job_filter){ 0 }, limit), "f e d c b a");
}

static void a_page_says_whether_there_is_another(void **state)
{
    (void) state;
    six_jobs();
    assert_false(list(&(struct job_filter){ .limit = 6 }).has_more);
    assert_true(list(&(struct job_filter){ .limit = 5 }).has_more);
    assert_false(list(&(struct job_filter){ .limit = 5, .before = "0000000000000006" }).has_more);
    assert_true(list(&(struct job_filter){ .limit = 4, .before = "0000000000000006" }).has_more);
    assert_false(list(&(struct job_filter){ .limit = 1, .before = "0000000000000002" }).has_more);
}

static void a_restart_keeps_what_ended(void **state)
{
    (void) state;
    six_jobs();
    end_life();
    begin_life();
    for (unsigned limit = 1; limit <= 4; limit++)
        assert_string_equal(targets((struct job_filter){ 0 }, limit), "c b a");
}

static void jobs_are_filtered_wherever_they_are(void **state)
{
    static const struct {
        struct job_filter filter;
        const char *expected;
    } cases[] = {
        { { .has_state = true, .state = JOB_QUEUED }, "f e" },
        { { .has_state = true, .state = JOB_RUNNING }, "d" },
        { { .has_state = true, .state = JOB_SUCCEEDED }, "c a" },
        { { .has_state = true, .state = JOB_FAILED }, "b" },
        { { .has_state = true, .state = JOB_INTERRUPTED }, "" },
        { { .has_verb = true, .verb = VERB_UPGRADE }, "f e d c b a" },
        { { .has_verb = true, .verb = VERB_BACKUP }, "" },
        { { .actor = "uid 2" }, "d b" },
        { { .actor = "uid" }, "" },
        { { .since_us = QUEUED_US + 2000000 }, "f e d c" },
        { { .since_us = QUEUED_US + 2000001 }, "f e d" },
        { { .actor = "uid 1", .has_state = true, .state = JOB_SUCCEEDED }, "c a" },
    };

    (void) state;
    six_jobs();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        for (unsigned limit = 1; limit <= 3; limit++)
            assert_string_equal(targets(cases[i].filter, limit), cases[i].expected);
}

static void a_job_that_moves_to_the_journal_between_pages_is_met_once(void **state)
{
    struct job_filter next = { .limit = 10, .before = "0000000000000002" };

    (void) state;
    submit("a", "uid 1");
    submit("b", "uid 1");
    submit("c", "uid 1");
    assert_string_equal(targets((struct job_filter){ 0 }, 10), "c b a");
    end_next(RUN_NOTHING_TO_DO);
    assert_string_equal(targets(next, 10), "a");
    end_next(RUN_NOTHING_TO_DO);
    assert_string_equal(targets(next, 10), "a");
}

static void a_start_that_had_nothing_to_do_is_listed_until_something_was_done(void **state)
{
    const struct run_request request = { .verb = VERB_UPGRADE,
                                         .target = "head",
                                         .actor = "startup" };
    struct run_report report = { .outcome = RUN_NOTHING_TO_DO, .target = "head", .started_us = 1 };
    struct error err = { .code = ERR_OK };
    struct job *job;
    char id[RUN_ID_SIZE];

    (void) state;
    assert_true(queue_submit(queue, &request, 0, id, &err));
    assert_int_equal(queue_take(queue, 1000, &job), QUEUE_JOB);
    memcpy(report.id, id, RUN_ID_SIZE);
    queue_end(queue, job, &report);
    assert_string_equal(targets((struct job_filter){ 0 }, 10), "head");
    submit("a", "uid 1");
    assert_string_equal(targets((struct job_filter){ 0 }, 1), "a head");
    end_next(RUN_NOTHING_TO_DO);
    assert_string_equal(targets((struct job_filter){ 0 }, 10), "a");
    /* Whoever stands there still goes on from the journal's newest. */
    assert_string_equal(targets((struct job_filter){ .before = id }, 10), "a");
}

static void nobody_pages_on_from_an_unknown_job(void **state)
{
    const struct job_filter filter = { .limit = 1, .before = "fedcba9876543210" };
    struct error err = { .code = ERR_OK };
    struct job_views views;

    (void) state;
    six_jobs();
    assert_false(job_list_read(&site_settings, queue, &filter, &arena, &views, &err));
    assert_int_equal(err.code, ERR_JOB_UNKNOWN);
}

#define list_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        list_test(pages_of_every_size_hold_the_same_jobs),
        list_test(a_page_says_whether_there_is_another),
        list_test(a_restart_keeps_what_ended),
        list_test(jobs_are_filtered_wherever_they_are),
        list_test(a_job_that_moves_to_the_journal_between_pages_is_met_once),
        list_test(a_start_that_had_nothing_to_do_is_listed_until_something_was_done),
        list_test(nobody_pages_on_from_an_unknown_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
