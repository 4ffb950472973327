/*
 * test_events.c - the ring of events: order, gaps, and the end of watching.
 */
#include "tests/unit/unit.h"

#include "base/attr.h"
#include "base/clock.h"
#include "daemon/events.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct events *events;
static uint64_t start; /* the number before the first event's */

static int setup(void **state)
{
    struct event_batch batch;

    (void) state;
    events = events_new();
    events_read(events, 0, &batch);
    start = batch.newest;
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    events_free(events);
    return 0;
}

/* `count` events, told apart by what they say took so long. */
static void add(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        events_add(events, &(struct event){ .kind = EVENT_JOB, .elapsed_us = i });
}

static void numbers_begin_at_the_clock(void **state)
{
    int64_t now_us = clock_wall_us();

    (void) state;
    assert_in_range(start, now_us - 60000000, now_us);
}

static void events_are_read_in_order_and_by_the_batch(void **state)
{
    struct event_batch batch;
    uint64_t after = start;
    unsigned count = 0;

    (void) state;
    add(2 * EVENT_BATCH_MAX + 3);
    do {
        events_read(events, after, &batch);
        assert_false(batch.has_gap);
        assert_int_equal(batch.newest, start + 2 * EVENT_BATCH_MAX + 3);
        for (size_t i = 0; i < batch.count; i++, count++) {
            assert_int_equal(batch.items[i].number, ++after);
            assert_int_equal(batch.items[i].elapsed_us, count);
            assert_true(batch.items[i].at_us > 0);
        }
    } while (batch.count == EVENT_BATCH_MAX);
    assert_int_equal(count, 2 * EVENT_BATCH_MAX + 3);
}

static void what_is_forgotten_is_a_gap(void **state)
{
    /* All relative to the start; 100 events were forgotten. */
    static const struct {
        int64_t after;
        bool has_gap;
        size_t count;
        int64_t first;
    } cases[] = {
        { -5, true, EVENT_BATCH_MAX, 101 },   { 0, true, EVENT_BATCH_MAX, 101 },
        { 99, true, EVENT_BATCH_MAX, 101 },   { 100, false, EVENT_BATCH_MAX, 101 },
        { 500, false, EVENT_BATCH_MAX, 501 }, { 100 + EVENTS_MAX - 1, false, 1, 100 + EVENTS_MAX },
        { 100 + EVENTS_MAX, false, 0, 0 },    { 100 + EVENTS_MAX + 1, true, 0, 0 },
    };

    (void) state;
    add(100 + EVENTS_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct event_batch batch;

        events_read(events, start + (uint64_t) cases[i].after, &batch);
        assert_true(batch.has_gap == cases[i].has_gap);
        assert_int_equal(batch.count, cases[i].count);
        assert_int_equal(batch.newest, start + 100 + EVENTS_MAX);
        if (batch.count > 0)
            assert_int_equal(batch.items[0].number, start + (uint64_t) cases[i].first);
    }
}

static void an_earlier_life_is_forgotten_before_anything_happened(void **state)
{
    struct event_batch batch;

    (void) state;
    events_read(events, start - 1, &batch);
    assert_true(batch.has_gap);
    assert_int_equal(batch.count, 0);
    events_read(events, start, &batch);
    assert_false(batch.has_gap);
    assert_int_equal(batch.newest, start);
}

/* Several threads add while one reads and one watches, and the watcher leaves. */

#define ADDERS          2
#define EVENTS_AN_ADDER 2000

static atomic_uint calls;

static void count_call(void *cookie)
{
    atomic_fetch_add((atomic_uint *) cookie, 1);
}

static void *add_many(void *data)
{
    (void) data;
    add(EVENTS_AN_ADDER);
    return NULL;
}

static char complaint[] = "an event is out of order";

static void *read_all(void *data)
{
    uint64_t after = start, end = start + ADDERS * EVENTS_AN_ADDER;
    struct event_batch batch;

    (void) data;
    while (after < end) {
        events_read(events, after, &batch);
        for (size_t i = 0; i < batch.count; i++) {
            if (batch.items[i].number <= after ||
                (!batch.has_gap && batch.items[i].number != after + 1))
                return complaint;
            after = batch.items[i].number;
            batch.has_gap = false;
        }
    }
    return NULL;
}

static void threads_add_read_and_watch(void **state)
{
    pthread_t adders[ADDERS], reader;
    void *complained;
    unsigned told;

    (void) state;
    atomic_store(&calls, 0);
    events_watch(events, count_call, &calls);
    assert_int_equal(pthread_create(&reader, NULL, read_all, NULL), 0);
    for (size_t i = 0; i < ADDERS; i++)
        assert_int_equal(pthread_create(&adders[i], NULL, add_many, NULL), 0);
    for (size_t i = 0; i < ADDERS; i++)
        assert_int_equal(pthread_join(adders[i], NULL), 0);
    assert_int_equal(pthread_join(reader, &complained), 0);
    assert_null(complained);
    events_watch(events, NULL, NULL);
    told = atomic_load(&calls);
    assert_int_equal(told, ADDERS * EVENTS_AN_ADDER);
    add(1);
    assert_int_equal(atomic_load(&calls), told);
}

/* Once it returned, what the watcher was is gone: the thread sanitizer would tell of a call. */
static void watching_ends_when_no_call_is_under_way(void **state)
{
    atomic_uint own = 0;
    pthread_t adder;

    (void) state;
    events_watch(events, count_call, &own);
    assert_int_equal(pthread_create(&adder, NULL, add_many, NULL), 0);
    while (atomic_load(&own) < 10)
        continue;
    events_watch(events, NULL, NULL);
    assert_in_range(atomic_load(&own), 10, EVENTS_AN_ADDER);
    assert_int_equal(pthread_join(adder, NULL), 0);
}

#define events_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        events_test(numbers_begin_at_the_clock),
        events_test(events_are_read_in_order_and_by_the_batch),
        events_test(what_is_forgotten_is_a_gap),
        events_test(an_earlier_life_is_forgotten_before_anything_happened),
        events_test(threads_add_read_and_watch),
        events_test(watching_ends_when_no_call_is_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
