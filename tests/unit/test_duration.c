/*
 * test_duration.c - lengths of time as people write them.
 */
#include "unit.h"

#include "base/duration.h"

#define UNTOUCHED 12345

static void test_durations_are_read(void **state)
{
    static const struct {
        const char *text;
        uint32_t unit_ms;
        uint32_t ms;
    } cases[] = {
        { "250ms", 1000, 250 },
        { "30s", 1, 30000 },
        { "5m", 1, 300000 },
        { "2h", 1, 7200000 },
        { "0", 1000, 0 },
        { "0s", 1, 0 },
        { "7", 1000, 7000 },
        { "7", 1, 7 },
        { "007s", 1, 7000 },
        { "4294967295", 1, UINT32_MAX },
        { "4294967295ms", 1000, UINT32_MAX },
        { "4294967s", 1, 4294967000 },
        { "1193h", 1, 4294800000 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint32_t ms = UNTOUCHED;

        if (!duration_parse(str_of(cases[i].text), cases[i].unit_ms, &ms) || ms != cases[i].ms)
            fail_msg("\"%s\" gave %u ms", cases[i].text, (unsigned) ms);
    }
}

static void test_anything_else_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "s",
        "ms",
        "-1s",
        "+1s",
        "1.5s",
        "1 s",
        " 1s",
        "1s ",
        "1d",
        "1S",
        "1sec",
        "s1",
        "1h30m",
        "0x10",
        "4294967296",
        "1sm",
        "1mss",
        "1ms ",
        "4294967296ms",
        "4294968s",
        "71583m",
        "1194h",
        "١s",
        "99999999999999999999",
        "18446744073709551617s",
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        uint32_t ms = UNTOUCHED;

        if (duration_parse(str_of(texts[i]), 1, &ms) || ms != UNTOUCHED)
            fail_msg("\"%s\" gave %u ms", texts[i], (unsigned) ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations_are_read),
        cmocka_unit_test(test_anything_else_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
