/*
 * test_metrics.c - GET /metrics: what is there, what is left out, and whether Prometheus can read
 * it.
 */
#include "tests/api/site.h"

#include "api/http_metrics.h"
#include "api/problem.h"
#include "api/routes.h"

#include <pthread.h>
#include <string.h>

#define TEXT_MAX ((size_t) 4 * 1024 * 1024)

/* The value of a series, in the arena; NULL when it is not there. */
static const char *value_of(const char *text, const char *series, struct arena *arena)
{
    struct str rest = str_of(text);
    const char *prefix = arena_printf(arena, "%s ", series);

    while (rest.len > 0) {
        size_t end = str_find_char(rest, '\n', 0);
        struct str line = str_sub(rest, 0, end);

        if (str_starts_with(line, prefix))
            return arena_strndup(arena, line.ptr + strlen(prefix), line.len - strlen(prefix));
        rest = str_sub(rest, end + 1, rest.len);
    }
    return NULL;
}

struct series {
    const char *name;
    const char *value; /* NULL: not there */
};

static void expect_series(const char *text, const struct series *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        const char *value = value_of(text, rows[i].name, &arena);

        if (rows[i].value == NULL && value != NULL)
            fail_msg("%s is there: %s", rows[i].name, value);
        if (rows[i].value != NULL && (value == NULL || strcmp(value, rows[i].value) != 0))
            fail_msg("%s is %s, not %s, in\n%s", rows[i].name, value != NULL ? value : "missing",
                     rows[i].value, text);
    }
}

/* ---- The format ---- */

static const char *piece(struct str *rest, struct arena *arena)
{
    size_t end = str_find_char(*rest, ' ', 0);
    const char *text = arena_strndup(arena, rest->ptr, end);

    *rest = str_sub(*rest, end + 1, rest->len);
    return text;
}

/* Whether a sample's line belongs to the family: its name, or for some with a suffix. */
static bool is_of_family(struct str line, const char *family)
{
    static const char *const suffixes[] = { "", "_bucket", "_sum", "_count" };
    size_t len = strlen(family);

    if (!str_starts_with(line, family))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        struct str rest = str_sub(line, len, line.len);

        if (str_starts_with(rest, suffixes[i])) {
            rest = str_sub(rest, strlen(suffixes[i]), rest.len);
            if (rest.len > 0 && (rest.ptr[0] == '{' || rest.ptr[0] == ' '))
                return true;
        }
    }
    return false;
}

/* Every family has its help and its type, once, directly before its samples; every line ends. */
static void expect_well_formed(const char *text)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct str_list families = { 0 };
    struct str rest = str_of(text);
    const char *family = "";

    assert_true(str_ends_with(rest, "\n"));
    while (rest.len > 0) {
        size_t end = str_find_char(rest, '\n', 0);
        struct str line = str_sub(rest, 0, end);

        rest = str_sub(rest, end + 1, rest.len);
        if (str_starts_with(line, "# HELP ")) {
            struct str words = str_sub(line, strlen("# HELP "), line.len);

            family = piece(&words, &arena);
            assert_true(words.len > 0);
            assert_true(str_starts_with(str_of(family), "schemad_"));
            assert_false(str_list_has(&families, family));
            str_list_add(&families, &arena, family);
        } else if (str_starts_with(line, "# TYPE ")) {
            struct str words = str_sub(line, strlen("# TYPE "), line.len);

            assert_string_equal(piece(&words, &arena), family);
        } else if (!is_of_family(line, family)) {
            fail_msg("below %s: %.*s", family, (int) line.len, line.ptr);
        }
    }
}

/* ---- What the daemon says of itself ---- */

static struct backend_counters counters;

static void give_counters(void *data, struct arena *arena, struct backend_counters *ret)
{
    (void) data;
    (void) arena;
    *ret = counters;
}

static struct site *site_with(const struct backend_counters *given)
{
    struct site *site = site_new();

    counters = *given;
    site->fake.backend.counters = give_counters;
    return site;
}

static const char *scrape(struct site *site, struct arena *arena)
{
    struct reply reply cleanup_reply = site_do(site, "GET", "/metrics");

    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_header(&reply, "Content-Type", arena), "text/plain; version=0.0.4");
    expect_well_formed(reply.body);
    return arena_strdup(arena, reply.body);
}

static void a_daemon_with_a_past(void **state)
{
    static const struct series rows[] = {
        { "schemad_start_time_seconds", "1795186924.806" },
        { "schemad_ready", "1" },
        { "schemad_verdict{verdict=\"behind\"}", "1" },
        { "schemad_verdict{verdict=\"equal\"}", "0" },
        { "schemad_verdict{verdict=\"unknown\"}", "0" },
        { "schemad_revision_info{revision=\"bbbb2222\"}", "1" },
        { "schemad_pending_revisions", "1" },
        { "schemad_snapshot_stale", "0" },
        { "schemad_database_bytes", "40960" },
        { "schemad_wal_bytes", "4152" },
        { "schemad_running", "1" },
        { "schemad_run_progress_ratio", "0.512" },
        { "schemad_jobs_total{state=\"succeeded\"}", "7" },
        { "schemad_jobs_total{state=\"failed\"}", "2" },
        { "schemad_jobs_total{state=\"cancelled\"}", "0" },
        { "schemad_jobs_total{state=\"interrupted\"}", "0" },
        { "schemad_jobs_total{state=\"running\"}", NULL },
        { "schemad_queue_length", "3" },
        { "schemad_queue_capacity", "32" },
        { "schemad_last_run_timestamp_seconds", "1795186984.806" },
        { "schemad_last_run_duration_seconds", "0.012345" },
        { "schemad_last_run_success", "1" },
        { "schemad_last_run_info{verb=\"upgrade\",outcome=\"nothing-to-do\"}", "1" },
        { "schemad_last_backup_timestamp_seconds", "1795186984" },
        { "schemad_last_backup_bytes", "40960" },
        { "schemad_last_backup_info{revision=\"aaaa1111\"}", "1" },
        { "schemad_lock_wait_seconds_sum", "1.500000" },
        { "schemad_lock_wait_seconds_count", "4" },
        { "schemad_idempotent_replays_total", "5" },
    };
    struct arena arena cleanup(arena_release) = { 0 };
    struct backend_counters past = {
        .jobs = { [JOB_SUCCEEDED] = 7, [JOB_FAILED] = 2 },
        .queue_length = 3,
        .queue_max = 32,
        .started_us = INT64_C(1795186924806000),
        .last_run_us = INT64_C(1795186984806000),
        .last_run_duration_us = 12345,
        .last_run_succeeded = true,
        .last_run_verb = VERB_UPGRADE,
        .last_run_outcome = RUN_NOTHING_TO_DO,
        .lock_wait_count = 4,
        .lock_wait_sum_us = 1500000,
        .last_backup_us = INT64_C(1795186984000000),
        .last_backup_bytes = 40960,
        .replays = 5,
    };
    struct site *site = NULL;

    (void) state;
    str_list_add(&past.last_backup_rows, &arena, "aaaa1111");
    site = site_with(&past);
    site->fake.snapshot.has_running = true;
    site->fake.snapshot.running.progress.permille = 512;
    site_start(site);
    expect_series(scrape(site, &arena), rows, ARRAY_SIZE(rows));
    site_free(site);
}

static void what_is_not_known_is_left_out(void **state)
{
    static const struct series rows[] = {
        { "schemad_ready", "0" },
        { "schemad_verdict{verdict=\"unknown\"}", "1" },
        { "schemad_verdict{verdict=\"empty\"}", "0" },
        { "schemad_pending_revisions", NULL },
        { "schemad_database_bytes", NULL },
        { "schemad_wal_bytes", NULL },
        { "schemad_running", "0" },
        { "schemad_run_progress_ratio", NULL },
        { "schemad_last_run_timestamp_seconds", NULL },
        { "schemad_last_run_duration_seconds", NULL },
        { "schemad_last_run_success", NULL },
        { "schemad_last_backup_timestamp_seconds", NULL },
        { "schemad_last_backup_bytes", NULL },
        { "schemad_lock_wait_seconds_count", "0" },
    };
    struct arena arena cleanup(arena_release) = { 0 };
    struct site *site = site_with(&(struct backend_counters){ .queue_max = 32 });
    const char *text = NULL;

    (void) state;
    site->fake.snapshot = (struct snapshot){ .database = "/nowhere" };
    site_start(site);
    text = scrape(site, &arena);
    expect_series(text, rows, ARRAY_SIZE(rows));
    /* Neither do their help texts promise anything. */
    assert_null(strstr(text, "schemad_revision_info"));
    assert_null(strstr(text, "schemad_last_run_info"));
    assert_null(strstr(text, "schemad_last_backup_info"));
    site_free(site);
}

static void versions_are_those_of_the_libraries(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct site *site = site_with(&(struct backend_counters){ .queue_max = 32 });
    const char *text = NULL;

    (void) state;
    site->fake.backend.sqlite_version = "3.40.1";
    site_start(site);
    text = scrape(site, &arena);
    assert_non_null(strstr(text, "schemad_build_info{version=\""));
    assert_non_null(strstr(text, "\",sqlite=\"3.40.1\",libmicrohttpd=\"0.9."));
    site_free(site);
}

/* A version row is whatever somebody wrote into the table. */
static void labels_hold_any_version_row(void **state)
{
    static const struct series rows[] = {
        { "schemad_revision_info{revision=\"quote\\\"back\\\\slash\\nline\"}", "1" },
        { "schemad_revision_info{revision=\"bytes??\"}", "1" },
        { "schemad_revision_info{revision=\"\xc3\xa4\"}", "1" },
        { "schemad_revision_info{revision=\"\"}", "1" },
        /* 64 bytes of it. */
        { "schemad_revision_info{revision=\"0123456789abcdef0123456789abcdef"
          "0123456789abcdef0123456789abcdef\"}",
          "1" },
        /* Nobody knows what an upgrade would run. */
        { "schemad_pending_revisions", NULL },
    };
    static const char *const ids[] = {
        "quote\"back\\slash\nline",
        "bytes\xff\xfe",
        "\xc3\xa4",
        "",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef-and-more",
    };
    struct arena arena cleanup(arena_release) = { 0 };
    struct site *site = site_with(&(struct backend_counters){ .queue_max = 32 });
    version_rows version = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        str_list_add(&version, &site->fake.arena, ids[i]);
    site->fake.snapshot.current =
        current_of(site->fake.snapshot.graph, &version, &site->fake.arena);
    site_start(site);
    expect_series(scrape(site, &arena), rows, ARRAY_SIZE(rows));
    site_free(site);
}

/* Prometheus drops everything when a series comes twice. */
static void rows_that_read_the_same_are_one_series(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct site *site = site_with(&(struct backend_counters){ .queue_max = 32 });
    version_rows version = { 0 };
    const char *first = NULL;

    (void) state;
    str_list_add(&version, &site->fake.arena, "bytes\xfe");
    str_list_add(&version, &site->fake.arena, "bytes\xff");
    site->fake.snapshot.current =
        current_of(site->fake.snapshot.graph, &version, &site->fake.arena);
    site_start(site);
    first = strstr(scrape(site, &arena), "{revision=\"bytes?\"} 1\n");
    assert_non_null(first);
    assert_null(strstr(first + 1, "{revision=\"bytes?\"}"));
    site_free(site);
}

static void thousands_of_version_rows_are_cut_short(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct site *site = site_with(&(struct backend_counters){ .queue_max = 32 });
    version_rows version = { 0 };
    const char *text = NULL;
    size_t count = 0;

    (void) state;
    for (unsigned i = 0; i < 5000; i++)
        str_list_add(&version, &site->fake.arena, arena_printf(&site->fake.arena, "%05u", i));
    site->fake.snapshot.current =
        current_of(site->fake.snapshot.graph, &version, &site->fake.arena);
    site_start(site);
    text = scrape(site, &arena);
    while ((text = strstr(text, "schemad_revision_info{")) != NULL) {
        text++;
        count++;
    }
    assert_int_equal(count, 100);
    site_free(site);
}

/* ---- What HTTP counts ---- */

static void answers_are_counted_by_route_method_and_status(void **state)
{
    static const struct series rows[] = {
        { "schemad_http_requests_total{method=\"GET\",route=\"/current\",status=\"200\"}", "2" },
        { "schemad_http_requests_total{method=\"HEAD\",route=\"/current\",status=\"200\"}", "1" },
        { "schemad_http_requests_total{method=\"GET\",route=\"/jobs/{id}\",status=\"404\"}", "1" },
        { "schemad_http_requests_total{method=\"DELETE\",route=\"/jobs/{id}\",status=\"404\"}",
          "1" },
        { "schemad_http_requests_total{method=\"GET\",route=\"other\",status=\"404\"}", "2" },
        { "schemad_http_requests_total{method=\"other\",route=\"other\",status=\"405\"}", "2" },
        /* The two methods of a path are one histogram. */
        { "schemad_http_request_duration_seconds_count{route=\"/jobs/{id}\"}", "2" },
        { "schemad_http_request_duration_seconds_count{route=\"/current\"}", "3" },
        { "schemad_http_request_duration_seconds_bucket{route=\"/current\",le=\"+Inf\"}", "3" },
        { "schemad_http_request_duration_seconds_count{route=\"/stamp\"}", NULL },
        { "schemad_http_waiting", "0" },
        { "schemad_http_denied_total{reason=\"origin\"}", "1" },
        { "schemad_http_denied_total{reason=\"peer\"}", "0" },
        { "schemad_http_denied_total{reason=\"token\"}", "0" },
        { "schemad_http_denied_total{reason=\"access\"}", "0" },
        { "schemad_http_denied_total{reason=\"host\"}", "0" },
    };
    static const char *const requests[] = {
        "GET /current",
        "GET /current?",
        "HEAD /current",
        "GET /jobs/0000000000000001",
        "DELETE /jobs/0000000000000001",
        "GET /nothing",
        "GET /nothing/else",
        "BREW /current",
        "OPTIONS /current",
    };
    struct arena arena cleanup(arena_release) = { 0 };
    struct site *site = *state;
    struct reply denied cleanup_reply = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        struct reply reply cleanup_reply =
            site_ask(site, LISTEN_UNIX,
                     arena_printf(&arena, "%s HTTP/1.1\r\nHOST\r\n\r\n", requests[i]));

        assert_int_not_equal(reply.status, 0);
    }
    denied = site_ask(site, LISTEN_UNIX,
                      "GET /current HTTP/1.1\r\nHOST\r\nOrigin: https://evil.example\r\n\r\n");
    assert_int_equal(denied.status, 403);
    expect_series(scrape(site, &arena), rows, ARRAY_SIZE(rows));
}

static const char *written(struct http_metrics *metrics, struct arena *arena)
{
    struct strbuf out cleanup(strbuf_release);

    strbuf_init(&out, TEXT_MAX);
    http_metrics_write(metrics, &out);
    expect_well_formed(strbuf_text(&out));
    return arena_strdup(arena, strbuf_text(&out));
}

static void durations_fall_into_buckets(void **state)
{
#define LE(le) "schemad_http_request_duration_seconds_bucket{route=\"other\",le=\"" le "\"}"
    static const uint64_t durations_us[] = { 0, 1000, 1001, 2500, 10000000, 10000001, 3600000000 };
    static const struct series rows[] = {
        { LE("0.001"), "2" },
        { LE("0.0025"), "4" },
        { LE("0.005"), "4" },
        { LE("5"), "4" },
        { LE("10"), "5" },
        { LE("+Inf"), "7" },
        { "schemad_http_request_duration_seconds_count{route=\"other\"}", "7" },
        { "schemad_http_request_duration_seconds_sum{route=\"other\"}", "3620.004502" },
    };
#undef LE
    struct arena arena cleanup(arena_release) = { 0 };
    struct http_metrics metrics cleanup(http_metrics_release);

    (void) state;
    http_metrics_init(&metrics);
    for (size_t i = 0; i < ARRAY_SIZE(durations_us); i++)
        http_metrics_note(&metrics, NULL, "GET", 200, durations_us[i]);
    expect_series(written(&metrics, &arena), rows, ARRAY_SIZE(rows));
}

/* A status that the table lacks is counted as "other": every one that errors have is there. */
static void every_status_has_its_label(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct http_metrics metrics cleanup(http_metrics_release);

    (void) state;
    http_metrics_init(&metrics);
    for (unsigned code = 0; code < ERROR_CODE_COUNT; code++)
        http_metrics_note(&metrics, NULL, "GET", problem_status((enum error_code) code), 0);
    assert_null(strstr(written(&metrics, &arena), "status=\"other\""));
    http_metrics_note(&metrics, NULL, "GET", 299, 0);
    expect_series(written(&metrics, &arena),
                  &(struct series){ "schemad_http_requests_total{method=\"GET\",route=\"other\","
                                    "status=\"other\"}",
                                    "1" },
                  1);
}

#define NOTES_EACH 5000

static void *note(void *data)
{
    struct http_metrics *metrics = data;
    size_t count = 0;
    const struct route *table = routes(&count);

    for (size_t i = 0; i < NOTES_EACH; i++) {
        http_metrics_waiting(metrics, 1);
        http_metrics_note(metrics, &table[i % count], table[i % count].method, 200, i);
        http_metrics_waiting(metrics, -1);
    }
    return NULL;
}

static void threads_count_together(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct http_metrics metrics cleanup(http_metrics_release);
    pthread_t threads[4];
    size_t count = 0;
    size_t first = 0;

    (void) state;
    (void) routes(&count);
    http_metrics_init(&metrics);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, note, &metrics), 0);
    /* Reading meanwhile sees something well formed. */
    (void) written(&metrics, &arena);
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    /* Thread by thread the first route gets one of `count`, rounded up. */
    first = ARRAY_SIZE(threads) * ((NOTES_EACH + count - 1) / count);
    const struct series rows[] = {
        { "schemad_http_requests_total{method=\"POST\",route=\"/backup\",status=\"200\"}",
          arena_printf(&arena, "%zu", first) },
        { "schemad_http_waiting", "0" },
    };
    expect_series(written(&metrics, &arena), rows, ARRAY_SIZE(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daemon_with_a_past),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(versions_are_those_of_the_libraries),
        cmocka_unit_test(labels_hold_any_version_row),
        cmocka_unit_test(rows_that_read_the_same_are_one_series),
        cmocka_unit_test(thousands_of_version_rows_are_cut_short),
        cmocka_unit_test_setup_teardown(answers_are_counted_by_route_method_and_status, site_setup,
                                        site_teardown),
        cmocka_unit_test(durations_fall_into_buckets),
        cmocka_unit_test(every_status_has_its_label),
        cmocka_unit_test(threads_count_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
