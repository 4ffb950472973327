/*
 * test_prefer.c - what a client asks of a request besides what it asks for: Prefer and
 * Idempotency-Key, and the fingerprint.
 */
#include "tests/unit/unit.h"

#include "api/idempotency.h"
#include "api/prefer.h"

#include <string.h>

/* ---- Prefer ---- */

static void preferences_are_read(void **state)
{
    static const struct {
        const char *header;
        bool is_async;
        int wait_s; /* -1: not said */
    } rows[] = {
        { "", false, -1 },
        { "respond-async", true, -1 },
        { "Respond-Async", true, -1 },
        { "respond-async=\"\"", true, -1 },
        { "respond-async; x=y", true, -1 },
        { "wait=10", false, 10 },
        { "WAIT = 10", false, 10 },
        { "wait=\"10\"", false, 10 },
        { "wait=0", false, 0 },
        { "wait=86400", false, 86400 },
        { "respond-async, wait=5", true, 5 },
        { "return=minimal, wait=5;x=y ,respond-async", true, 5 },
        /* Of two alike the first counts. */
        { "wait=1, wait=2", false, 1 },
        /* What is malformed is as good as not there. */
        { "wait", false, -1 },
        { "wait=", false, -1 },
        { "wait=x", false, -1 },
        { "wait=-1", false, -1 },
        { "wait=1.5", false, -1 },
        { "wait=86401", false, -1 },
        { "wait=99999999999999999999", false, -1 },
        { "wait=x, wait=2", false, 2 },
        { "respond-async=yes", false, -1 },
        { "respond-asynchronously", false, -1 },
        { ",,;,", false, -1 },
        /* Quoted, it is a value. */
        { "x=\"respond-async, wait=3\"", false, -1 },
        { "x=\"\\\", respond-async\"", false, -1 },
        { "x=\"never closed, wait=3", false, -1 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct preferences preferences = { 0 };

        prefer_parse(str_of(rows[i].header), &preferences);
        if (preferences.respond_async != rows[i].is_async ||
            (preferences.has_wait ? (int) preferences.wait_s : -1) != rows[i].wait_s)
            fail_msg("'%s': async %d, wait %d %u", rows[i].header, preferences.respond_async,
                     preferences.has_wait, preferences.wait_s);
    }
}

static void several_headers_are_one(void **state)
{
    struct preferences preferences = { 0 };

    (void) state;
    prefer_parse(str_of("wait=7"), &preferences);
    prefer_parse(str_of("respond-async, wait=9"), &preferences);
    assert_true(preferences.respond_async);
    assert_int_equal(preferences.wait_s, 7);
}

/* ---- Idempotency-Key ---- */

static void keys_are_bare_or_quoted(void **state)
{
    static const struct {
        const char *header;
        const char *key; /* NULL: refused */
    } rows[] = {
        { "8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324" },
        { "\"8e03978e\"", "8e03978e" },
        { "  \"8e03978e\"  ", "8e03978e" },
        { "\"a\\\"b\\\\c\"", "a\"b\\c" },
        { "!~", "!~" },
        { "a\"b", "a\"b" },
        { "", NULL },
        { "  ", NULL },
        { "\"\"", NULL },
        { "\"", NULL },
        { "\"open", NULL },
        { "\"a\"b", NULL },
        { "\"a\";x=y", NULL },
        { "\"a\\", NULL },
        { "\"a\\nb\"", NULL },
        { "a b", NULL },
        { "\"a b\"", NULL },
        { "a\tb", NULL },
        { "\xc3\xa9", NULL },
        { "a\x7f", NULL },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct error err = { 0 };
        const char *key = NULL;
        bool is_read = idempotency_key_parse(str_of(rows[i].header), &arena, &key, &err);

        if (is_read != (rows[i].key != NULL))
            fail_msg("'%s': %s", rows[i].header, is_read ? key : err.detail);
        if (is_read)
            assert_string_equal(key, rows[i].key);
        else
            assert_int_equal(err.code, ERR_ARGUMENT_INVALID);
        assert_true(is_read || strncmp(err.detail, "header Idempotency-Key ", 23) == 0);
    }
}

static void keys_have_at_most_255_characters(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct error err = { 0 };
    char text[IDEMPOTENCY_KEY_MAX + 1];
    const char *key = NULL;

    (void) state;
    memset(text, 'k', sizeof(text));
    assert_true(
        idempotency_key_parse((struct str){ text, IDEMPOTENCY_KEY_MAX }, &arena, &key, &err));
    assert_int_equal(strlen(key), IDEMPOTENCY_KEY_MAX);
    assert_false(
        idempotency_key_parse((struct str){ text, IDEMPOTENCY_KEY_MAX + 1 }, &arena, &key, &err));
    assert_string_equal(err.detail, "header Idempotency-Key is too long");
}

/* ---- The fingerprint ---- */

static bool are_same(const struct run_request *a, const struct run_request *b)
{
    unsigned char of_a[32];
    unsigned char of_b[32];

    idempotency_fingerprint(a, of_a);
    idempotency_fingerprint(b, of_b);
    return memcmp(of_a, of_b, sizeof(of_a)) == 0;
}

static void who_asks_makes_no_difference(void **state)
{
    const struct run_request a = { .actor = "uid 0 (root)", .id = "0000000000000001" };
    const struct run_request b = { .actor = "token ci" };

    (void) state;
    assert_true(are_same(&a, &b));
}

static void whatever_else_is_asked_does(void **state)
{
    static const char *ab[] = { "a", "b" };
    static const char *joined[] = { "ab" };
    static const char *comma[] = { "a,b" };
    const struct run_request requests[] = {
        { .verb = VERB_UPGRADE },
        { .verb = VERB_DOWNGRADE },
        { .target = "head" },
        { .target = "" },
        { .reason = "head" },
        { .stamps = { ab, 2, 2 } },
        { .stamps = { ab, 1, 1 } },
        { .stamps = { joined, 1, 1 } },
        { .stamps = { comma, 1, 1 } },
        { .has_expect = true },
        { .has_expect = true, .expect = { ab, 2, 2 } },
        { .purge = true },
        { .has_transaction = true, .transaction = TRANSACTION_RUN },
        { .has_transaction = true, .transaction = TRANSACTION_REVISION },
        { .has_backup = true, .backup = BACKUP_ALWAYS },
        { .has_backup = true, .backup = BACKUP_NEVER },
        { .is_dry_run = true },
        { .lock_timeout_ms = 7 },
        { .timeout_ms = 7 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(requests); j++) {
            if (are_same(&requests[i], &requests[j]) != (i == j))
                fail_msg("requests %zu and %zu", i, j);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preferences_are_read),
        cmocka_unit_test(several_headers_are_one),
        cmocka_unit_test(keys_are_bare_or_quoted),
        cmocka_unit_test(keys_have_at_most_255_characters),
        cmocka_unit_test(who_asks_makes_no_difference),
        cmocka_unit_test(whatever_else_is_asked_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
