/*
 * test_snapshot.c - what a picture says of a real database, and which events it makes.
 */
#include "tests/daemon/site.h"

#include "base/attr.h"
#include "daemon/snapshot.h"

static struct arena arena;
static struct events *events;
static struct queue *queue;
static struct snapshots *snapshots;
static uint64_t seen; /* number of the newest event that was looked at */

static int setup(void **state)
{
    if (site_make(state) < 0)
        return -1;
    site_script("aaaa", "");
    site_script("bbbb", "aaaa");
    site_script("cccc", "bbbb");
    events = events_new();
    queue = queue_new(events);
    return 0;
}

static int teardown(void **state)
{
    snapshots_free(take_ptr(snapshots));
    queue_free(queue);
    events_free(events);
    arena_release(&arena);
    return site_remove(state);
}

static void no_wake(void *data)
{
    (void) data;
}

static void look_from(const char *required, const char *accept)
{
    struct snapshots_options options = {
        .settings = &site_settings,
        .required = required,
        .accept = accept,
        .queue = queue,
        .events = events,
        .wake = no_wake,
    };
    struct error err = { .code = ERR_OK };

    if (accept != NULL)
        assert_true(accept_parse(accept, &arena, &options.range, &err));
    snapshots_free(take_ptr(snapshots));
    snapshots = snapshots_new(&options);
    snapshots_life_set(snapshots, LIFE_SERVING);
}

/* Texts live in the arena, the graph as long as the picture: only values are looked at. */
static struct snapshot take(void)
{
    struct snapshot snapshot;

    snapshots_refresh_now(snapshots);
    snapshots_take(snapshots, &arena, &snapshot);
    snapshots_release(snapshots, &snapshot);
    return snapshot;
}

static void upgrade(const char *target)
{
    site_run(VERB_UPGRADE, target, "test");
}

/* How many events of the picture there were since the last look. */
static size_t events_seen(void)
{
    struct event_batch batch;

    events_read(events, seen, &batch);
    seen = batch.newest;
    for (size_t i = 0; i < batch.count; i++)
        assert_int_equal(batch.items[i].kind, EVENT_CURRENT);
    return batch.count;
}

static void a_schema_is_ready_where_it_is_required_or_in_the_accepted_range(void **state)
{
    static const struct {
        const char *required, *accept;
        bool ready[4]; /* at base, aaaa, bbbb, cccc */
    } cases[] = {
        { "head", NULL, { false, false, false, true } },
        { "bbbb", NULL, { false, false, true, true } },
        { "none", "cccc..", { true, true, true, true } },
        { "head", "aaaa..bbbb", { false, true, true, true } },
        { "head", "bbbb..", { false, false, true, true } },
        { "head", "..aaaa", { true, true, false, true } },
        { "head", "dddd..", { false, false, false, true } },
    };
    static const char *const places[] = { NULL, "aaaa", "bbbb", "cccc" };

    (void) state;
    for (size_t place = 0; place < ARRAY_SIZE(places); place++) {
        if (places[place] != NULL)
            upgrade(places[place]);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
            look_from(cases[i].required, cases[i].accept);
            assert_true(take().is_ready == cases[i].ready[place]);
            assert_ptr_equal(take().accept, cases[i].accept);
        }
    }
}

static void the_same_rows_have_the_same_tag_for_ever(void **state)
{
    uint64_t base, first;

    (void) state;
    look_from("head", NULL);
    base = take().rows_tag;
    upgrade("aaaa");
    first = take().rows_tag;
    assert_true(base != 0 && first != 0 && base != first);
    site_run(VERB_DOWNGRADE, "base", "test");
    assert_int_equal(take().rows_tag, base);
    upgrade("aaaa");
    assert_int_equal(take().rows_tag, first);
    look_from("bbbb", "aaaa..");
    assert_int_equal(take().rows_tag, first);
    assert_int_equal(first, 0x18db0c27949d5d3b); /* FNV-1a of "aaaa" and its end, for ever */
}

static void rows_that_are_not_known_have_no_tag(void **state)
{
    (void) state;
    directory_write("content.db", "this is no database, and long enough to be read as one", 0600);
    look_from("head", NULL);
    assert_int_equal(take().rows_tag, 0);
    assert_int_equal(take().problem.code, ERR_DATABASE_UNUSABLE);
}

static void an_etag_changes_with_the_answer_and_not_without(void **state)
{
    struct snapshot before;
    struct error err = { .code = ERR_OK };

    (void) state;
    look_from("head", NULL);
    before = take();
    assert_int_equal(take().etag, before.etag);
    assert_true(snapshots_reload(snapshots, &err));
    assert_int_equal(take().etag, before.etag);
    site_script("dddd", "cccc");
    assert_true(take().etag != before.etag); /* more is pending */
    before = take();
    upgrade("aaaa");
    assert_true(take().etag != before.etag);
}

static void an_etag_follows_the_running_job_but_not_the_clock(void **state)
{
    const struct run_request request = { .verb = VERB_UPGRADE, .actor = "test" };
    struct run_progress progress = { .phase = PHASE_RUNNING, .step = 1 };
    struct error err = { .code = ERR_OK };
    struct snapshot before;
    struct job *job;
    char id[RUN_ID_SIZE];

    (void) state;
    look_from("head", NULL);
    assert_true(queue_submit(queue, &request, 0, id, &err));
    assert_int_equal(queue_take(queue, 1000, &job), QUEUE_JOB);
    before = take();
    assert_true(before.has_running);
    assert_int_equal(take().etag, before.etag);
    (void) queue_progress(queue, job, &progress);
    assert_true(take().etag != before.etag);
    before = take();
    assert_true(queue_cancel(queue, id, &err));
    assert_true(take().etag != before.etag);
    queue_end(queue, job, &(struct run_report){ .outcome = RUN_SUCCEEDED });
}

static void what_current_says_is_an_event_when_it_changes(void **state)
{
    struct error failure = { .code = ERR_LOCKED, .detail = "locked" };

    (void) state;
    look_from("head", NULL);
    assert_true(events_seen() > 0);
    (void) take();
    (void) take();
    assert_int_equal(events_seen(), 0);
    upgrade("aaaa");
    (void) take();
    assert_int_equal(events_seen(), 1);
    site_script("dddd", "cccc");
    (void) take();
    assert_int_equal(events_seen(), 1);
    snapshots_failure_set(snapshots, &failure);
    assert_int_equal(events_seen(), 1);
    snapshots_life_set(snapshots, LIFE_STOPPING);
    assert_int_equal(events_seen(), 1);
}

#define snapshot_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        snapshot_test(a_schema_is_ready_where_it_is_required_or_in_the_accepted_range),
        snapshot_test(the_same_rows_have_the_same_tag_for_ever),
        snapshot_test(rows_that_are_not_known_have_no_tag),
        snapshot_test(an_etag_changes_with_the_answer_and_not_without),
        snapshot_test(an_etag_follows_the_running_job_but_not_the_clock),
        snapshot_test(what_current_says_is_an_event_when_it_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
