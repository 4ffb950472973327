/*
 * test_refusals.c - refused requests: told to the backend, counted, and limited.
 */
#include "tests/unit/unit.h"

#include "api/refusals.h"

#include <pthread.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)
#define NOW_US    (1000 * SECOND_US)

/* What the backend was told. */
struct told {
    struct backend backend;
    pthread_mutex_t lock;
    struct denial last; /* guarded by lock */
    unsigned count;     /* guarded by lock */
};

static void deny(void *data, const struct denial *denial)
{
    struct told *told = data;

    pthread_mutex_lock(&told->lock);
    told->last = *denial;
    told->count++;
    pthread_mutex_unlock(&told->lock);
}

static void told_init(struct told *told)
{
    *told = (struct told){ .backend = { .data = told, .deny = deny } };
    pthread_mutex_init(&told->lock, NULL);
}

static const struct denial an_upgrade = { .actor = "tcp", .method = "POST", .path = "/upgrade" };

static unsigned unlimited_of(struct refusals *refusals, enum refusal refusal, unsigned count,
                             int64_t now_us)
{
    unsigned unlimited = 0;

    for (unsigned i = 0; i < count; i++)
        unlimited += !refusals_note(refusals, refusal, an_upgrade, now_us).is_limited;
    return unlimited;
}

static void the_backend_is_told_of_every_refusal(void **state)
{
    static const char *const reasons[] = { "peer", "token", "access", "host", "origin" };
    struct refusals refusals cleanup(refusals_release);
    struct told told;

    (void) state;
    told_init(&told);
    refusals_init(&refusals, &told.backend);
    for (unsigned refusal = 0; refusal < REFUSAL_COUNT; refusal++) {
        (void) refusals_note(&refusals, (enum refusal) refusal, an_upgrade, NOW_US);
        assert_int_equal(told.count, refusal + 1);
        assert_string_equal(told.last.reason, reasons[refusal]);
        assert_string_equal(told.last.actor, "tcp");
        assert_string_equal(told.last.method, "POST");
        assert_string_equal(told.last.path, "/upgrade");
        assert_true(told.last.at_us > 0);
        assert_int_equal(told.last.repeated, 0);
        assert_int_equal(refusals_count(&refusals, (enum refusal) refusal), 1);
    }
}

static void ten_may_fail_at_once_and_one_a_second_from_then_on(void **state)
{
    static const struct {
        int64_t after_us;
        unsigned count;
        unsigned unlimited;
    } rows[] = {
        { 0, 10, 10 },
        { 0, 5, 0 },
        { SECOND_US - 1, 5, 0 },
        { SECOND_US, 5, 1 },
        { 4 * SECOND_US, 9, 3 },
        /* Waiting longer than it takes to fill does not make it fuller. */
        { 10000 * SECOND_US, 20, 10 },
    };
    struct refusals refusals cleanup(refusals_release);
    struct told told;

    (void) state;
    told_init(&told);
    refusals_init(&refusals, &told.backend);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(unlimited_of(&refusals, REFUSED_TOKEN, rows[i].count,
                                      NOW_US + rows[i].after_us),
                         rows[i].unlimited);
    /* All of them count, and the backend heard of all. */
    assert_int_equal(refusals_count(&refusals, REFUSED_TOKEN), 54);
    assert_int_equal(told.count, 54);
}

static void peers_and_tokens_share_the_limit_and_others_have_none(void **state)
{
    struct refusals refusals cleanup(refusals_release);
    struct told told;

    (void) state;
    told_init(&told);
    refusals_init(&refusals, &told.backend);
    assert_int_equal(unlimited_of(&refusals, REFUSED_ACCESS, 50, NOW_US), 50);
    assert_int_equal(unlimited_of(&refusals, REFUSED_HOST, 50, NOW_US), 50);
    assert_int_equal(unlimited_of(&refusals, REFUSED_ORIGIN, 50, NOW_US), 50);
    assert_int_equal(unlimited_of(&refusals, REFUSED_PEER, 6, NOW_US), 6);
    assert_int_equal(unlimited_of(&refusals, REFUSED_TOKEN, 6, NOW_US), 4);
    assert_int_equal(unlimited_of(&refusals, REFUSED_PEER, 6, NOW_US), 0);
}

static void the_log_hears_of_as_many_and_no_more(void **state)
{
    struct refusals refusals cleanup(refusals_release);
    struct told told;
    unsigned logged = 0;

    (void) state;
    told_init(&told);
    refusals_init(&refusals, &told.backend);
    for (unsigned i = 0; i < 100; i++)
        logged += refusals_note(&refusals, REFUSED_ORIGIN, an_upgrade, NOW_US).is_logged;
    assert_int_equal(logged, 10);
    assert_true(refusals_note(&refusals, REFUSED_ACCESS, an_upgrade, NOW_US + SECOND_US).is_logged);
}

#define NOTES_EACH 500

struct noting {
    struct refusals *refusals;
    unsigned unlimited;
};

static void *note(void *data)
{
    struct noting *noting = data;

    noting->unlimited = unlimited_of(noting->refusals, REFUSED_TOKEN, NOTES_EACH, NOW_US);
    return NULL;
}

static void the_limit_is_one_for_all_threads(void **state)
{
    struct refusals refusals cleanup(refusals_release);
    struct told told;
    struct noting notings[4];
    pthread_t threads[ARRAY_SIZE(notings)];
    unsigned unlimited = 0;

    (void) state;
    told_init(&told);
    refusals_init(&refusals, &told.backend);
    for (size_t i = 0; i < ARRAY_SIZE(notings); i++) {
        notings[i] = (struct noting){ .refusals = &refusals };
        assert_int_equal(pthread_create(&threads[i], NULL, note, &notings[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(notings); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        unlimited += notings[i].unlimited;
    }
    assert_int_equal(unlimited, 10);
    assert_int_equal(refusals_count(&refusals, REFUSED_TOKEN), ARRAY_SIZE(notings) * NOTES_EACH);
    assert_int_equal(told.count, ARRAY_SIZE(notings) * NOTES_EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_backend_is_told_of_every_refusal),
        cmocka_unit_test(ten_may_fail_at_once_and_one_a_second_from_then_on),
        cmocka_unit_test(peers_and_tokens_share_the_limit_and_others_have_none),
        cmocka_unit_test(the_log_hears_of_as_many_and_no_more),
        cmocka_unit_test(the_limit_is_one_for_all_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
