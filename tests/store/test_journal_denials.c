/*
 * test_journal_denials.c - requests that were refused: who tries is seen, and cannot fill the disk.
 */
#include "support.h"

#include "store/journal.h"

#define NOON    INT64_C(1795176184000000)
#define SECONDS INT64_C(1000000)

static struct journal *open_ok(struct place *place)
{
    struct journal *journal = NULL;
    struct error err = { 0 };

    assert_ok(journal_open(place_file(place, "journal.db"), &journal, &err), &err);
    return journal;
}

/* Wrong tokens for POST /upgrade, all alike but for `denial`'s time. */
static struct denial denial_at(int64_t at_us)
{
    return (struct denial){
        .at_us = at_us, .reason = "token", .actor = "tcp", .method = "POST", .path = "/upgrade"
    };
}

static void add(struct journal *journal, struct denial denial)
{
    struct error err = { 0 };

    assert_ok(journal_denial_add(journal, &denial, &err), &err);
}

/* "12+1 token tcp POST /upgrade": seconds after noon, repetitions, and the rest; newest first. */
static const char *denials_text(struct place *place, struct journal *journal, unsigned limit)
{
    struct arena *arena = &place->arena;
    struct denials denials = { 0 };
    struct str_list lines = { 0 };
    struct error err = { 0 };

    assert_ok(journal_denials_read(journal, limit, arena, &denials, &err), &err);
    for (size_t i = 0; i < denials.count; i++) {
        const struct denial *denial = &denials.items[i];

        str_list_add(&lines, arena,
                     arena_printf(arena, "%lld+%llu %s %s %s %s",
                                  (long long) ((denial->at_us - NOON) / SECONDS),
                                  (unsigned long long) denial->repeated, denial->reason,
                                  denial->actor, denial->method, denial->path));
    }
    return str_list_join(&lines, "\n", arena);
}

static void test_refusals_are_told_newest_first_after_a_restart(void **state)
{
    struct place *place = *state;
    struct journal *journal = open_ok(place);
    struct denial other = denial_at(NOON + 5 * SECONDS);

    assert_string_equal(denials_text(place, journal, 10), "");
    add(journal, denial_at(NOON));
    other.reason = "peer";
    other.actor = "uid 1000 (deploy)";
    other.method = "GET";
    other.path = "/jobs/\"x\"";
    other.repeated = 7;
    add(journal, other);
    journal_close(journal);
    journal = open_ok(place);
    assert_string_equal(denials_text(place, journal, 10),
                        "5+7 peer uid 1000 (deploy) GET /jobs/\"x\"\n"
                        "0+0 token tcp POST /upgrade");
    assert_string_equal(denials_text(place, journal, 1),
                        "5+7 peer uid 1000 (deploy) GET /jobs/\"x\"");
    journal_close(journal);
}

static void test_what_repeats_within_a_minute_is_counted(void **state)
{
    struct place *place = *state;
    struct journal *journal = open_ok(place);
    struct denial several = denial_at(NOON + 59 * SECONDS);

    add(journal, denial_at(NOON));
    add(journal, denial_at(NOON));
    several.repeated = 4; /* five at once */
    add(journal, several);
    assert_string_equal(denials_text(place, journal, 10), "0+6 token tcp POST /upgrade");
    add(journal, denial_at(NOON + 60 * SECONDS)); /* a minute after the first, not the last */
    add(journal, denial_at(NOON + 61 * SECONDS));
    add(journal, denial_at(NOON + 30 * SECONDS)); /* the clock was set back */
    assert_string_equal(denials_text(place, journal, 10), "30+0 token tcp POST /upgrade\n"
                                                          "60+1 token tcp POST /upgrade\n"
                                                          "0+6 token tcp POST /upgrade");
    journal_close(journal);
}

static void test_what_differs_is_told_by_itself(void **state)
{
    struct place *place = *state;
    struct denial others[] = { denial_at(NOON), denial_at(NOON), denial_at(NOON), denial_at(NOON) };

    others[0].reason = "host";
    others[1].actor = "token ci";
    others[2].method = "GET";
    others[3].path = "/stamp";
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        struct journal *journal = open_ok(place);

        tell("difference %zu", i);
        sql_run(place_file(place, "journal.db"), "DELETE FROM denials");
        add(journal, denial_at(NOON));
        add(journal, others[i]);
        add(journal, denial_at(NOON)); /* like the one before the newest: that is not counted */
        assert_int_equal(sql_number(place_file(place, "journal.db"),
                                    "SELECT count(*) + sum(repeated) FROM denials"),
                         3);
        journal_close(journal);
    }
}

static void test_only_the_newest_are_kept(void **state)
{
    struct place *place = *state;
    struct journal *journal = open_ok(place);
    const char *path = place_file(place, "journal.db");

    sql_run(path, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)\n"
                  "INSERT INTO denials (at_us, reason, actor, method, path)\n"
                  "SELECT i, 'peer', 'uid ' || i, 'GET', '/current' FROM n");
    add(journal, denial_at(NOON));
    assert_int_equal(sql_number(path, "SELECT count(*) FROM denials"), 1000);
    assert_int_equal(sql_number(path, "SELECT min(at_us) FROM denials"), 2);
    assert_contains(denials_text(place, journal, UINT32_MAX), "0+0 token tcp POST /upgrade\n");
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        place_test(test_refusals_are_told_newest_first_after_a_restart),
        place_test(test_what_repeats_within_a_minute_is_counted),
        place_test(test_what_differs_is_told_by_itself),
        place_test(test_only_the_newest_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
