/*
 * test_sse.c - streams of events, cut into pieces everywhere.
 */
#include "tests/unit/unit.h"

#include "cli/sse.h"

#include <stdio.h>
#include <string.h>

struct seen {
    char text[512];
    unsigned count;
    unsigned count_max; /* 0: no end */
};

/* "id|name|data;" */
static bool take(void *data, const struct sse_event *event)
{
    struct seen *seen = data;
    size_t len = strlen(seen->text);

    (void) snprintf(seen->text + len, sizeof(seen->text) - len, "%s|%s|%s;", event->id, event->name,
                    event->data);
    return ++seen->count != seen->count_max;
}

/* In two pieces, split at every byte. */
static void expect(const char *stream, size_t len, const char *expected)
{
    for (size_t split = 0; split <= len; split++) {
        struct sse_parser parser cleanup(sse_release);
        struct seen seen = { .count = 0 };

        sse_init(&parser, 1000, take, &seen);
        assert_true(sse_feed(&parser, stream, split));
        assert_true(sse_feed(&parser, stream + split, len - split));
        if (strcmp(seen.text, expected) != 0)
            fail_msg("split at %zu: %s instead of %s", split, seen.text, expected);
    }
}

static void an_event_is_told_at_its_empty_line(void **state)
{
    static const struct {
        const char *stream;
        const char *events;
    } cases[] = {
        { "id: 7\nevent: job\ndata: {}\n\n", "7|job|{};" },
        { "id: 7\r\nevent: job\r\ndata: {}\r\n\r\n", "7|job|{};" },
        { "id: 7\revent: job\rdata: {}\r\r", "7|job|{};" },
        { "data: a\n\ndata: b\n\n", "|message|a;|message|b;" },
        { "data: a\ndata: b\n\n", "|message|a\nb;" },
        { "data:a\n\n", "|message|a;" },
        { "data:  a\n\n", "|message| a;" },
        { "data\n\n", "|message|;" },
        { "data: a:b\n\n", "|message|a:b;" },
        { "retry: 1000\n\n: alive\n\n\n", "" },
        { ": alive\ndata: a\n: alive\n\n", "|message|a;" },
        { "id: 7\n\ndata: a\n\n", "7|message|a;" },
        { "id: 7\ndata: a\n\nevent: x\ndata: b\n\ndata: c\n\n", "7|message|a;7|x|b;7|message|c;" },
        { "id: 7\ndata: a\n\nid\ndata: b\n\n", "7|message|a;|message|b;" },
        { "event: lost\n\ndata: a\n\n", "|message|a;" },
        { "other: x\nData: x\ndata: a\n\n", "|message|a;" },
        { "\xef\xbb\xbf"
          "data: a\n\n",
          "|message|a;" },
        { "data: a\n\n\xef\xbb\xbf"
          "data: b\n\n",
          "|message|a;" },
        { "data: cut off\n", "" },
        { "data: cut off", "" },
        { "", "" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        expect(cases[i].stream, strlen(cases[i].stream), cases[i].events);
}

static void an_id_with_a_nul_is_none(void **state)
{
    static const char stream[] = "id: 7\ndata: a\n\nid: 8\0009\ndata: b\n\n";

    (void) state;
    expect(stream, sizeof(stream) - 1, "7|message|a;7|message|b;");
}

static void what_is_too_long_ends_the_stream(void **state)
{
    static const struct {
        const char *stream;
        bool fits;
    } cases[] = {
        { "data: 345678\n\n", true },
        { "data: 3456789\n\n", false },
        { "data: 3456\ndata: 3456\n\n", true },
        { "data: 3456\ndata: 34567\ndata: 34567\n\n", false },
        { ": 345678901234\n", false },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sse_parser parser cleanup(sse_release);
        struct seen seen = { .count = 0 };

        sse_init(&parser, 12, take, &seen);
        assert_int_equal(sse_feed(&parser, cases[i].stream, strlen(cases[i].stream)),
                         cases[i].fits);
        assert_int_equal(sse_is_overflowed(&parser), !cases[i].fits);
    }
}

static void who_takes_events_can_have_enough(void **state)
{
    static const char stream[] = "data: a\n\ndata: b\n\ndata: c\n\n";
    struct sse_parser parser cleanup(sse_release);
    struct seen seen = { .count_max = 2 };

    (void) state;
    sse_init(&parser, 100, take, &seen);
    assert_false(sse_feed(&parser, stream, strlen(stream)));
    assert_false(sse_is_overflowed(&parser));
    assert_string_equal(seen.text, "|message|a;|message|b;");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_told_at_its_empty_line),
        cmocka_unit_test(an_id_with_a_nul_is_none),
        cmocka_unit_test(what_is_too_long_ends_the_stream),
        cmocka_unit_test(who_takes_events_can_have_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
