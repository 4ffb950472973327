/*
 * http_metrics.c - counters of a path, a method and a status.
 *
 * The routes, methods and statuses are known beforehand, so each combination has its counter, and
 * noting an answer is two additions.
 */
#include "api/http_metrics.h"

#include "api/routes.h"
#include "base/oom.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_S 1e6
#define OTHER    "other"

static const char *const methods[] = { "DELETE", "GET", "HEAD", "POST", OTHER };

/* What this server answers; the last is for what it will answer one day. */
static const unsigned statuses[] = {
    200, 202, 204, 304, 400, 401, 403, 404, 405, 409,
    412, 413, 415, 422, 429, 500, 502, 503, 507, 0,
};

/* Upper bounds of the buckets, in microseconds, and as the label says it. */
static const struct {
    uint64_t us;
    const char *seconds;
} buckets[] = {
    { 1000, "0.001" },  { 2500, "0.0025" }, { 5000, "0.005" },  { 10000, "0.01" },
    { 25000, "0.025" }, { 50000, "0.05" },  { 100000, "0.1" },  { 250000, "0.25" },
    { 500000, "0.5" },  { 1000000, "1" },   { 2500000, "2.5" }, { 5000000, "5" },
    { 10000000, "10" },
};

struct http_path_metrics {
    atomic_uint_fast64_t answers[ARRAY_SIZE(methods)][ARRAY_SIZE(statuses)];
    atomic_uint_fast64_t durations[ARRAY_SIZE(buckets) + 1]; /* the last: longer than all */
    atomic_uint_fast64_t duration_sum_us;
};

void http_metrics_init(struct http_metrics *metrics)
{
    size_t count = 0;

    (void) routes(&count);
    *metrics = (struct http_metrics){ .paths = xcalloc(count + 1, sizeof(*metrics->paths)) };
}

void http_metrics_release(struct http_metrics *metrics)
{
    free(metrics->paths);
    metrics->paths = NULL;
}

/* Routes are sorted by path: the first of a path stands for all of them. */
static size_t path_index(const struct route *route)
{
    size_t count = 0;
    const struct route *table = routes(&count);
    size_t index = route != NULL ? (size_t) (route - table) : count;

    while (route != NULL && index > 0 && strcmp(table[index - 1].path, route->path) == 0)
        index--;
    return index;
}

static size_t method_index(const char *method)
{
    size_t index = 0;

    while (index + 1 < ARRAY_SIZE(methods) && strcmp(methods[index], method) != 0)
        index++;
    return index;
}

static size_t status_index(unsigned status)
{
    size_t index = 0;

    while (index + 1 < ARRAY_SIZE(statuses) && statuses[index] != status)
        index++;
    return index;
}

static size_t bucket_index(uint64_t took_us)
{
    size_t index = 0;

    while (index < ARRAY_SIZE(buckets) && took_us > buckets[index].us)
        index++;
    return index;
}

static void add(atomic_uint_fast64_t *counter, uint64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static uint64_t value_of(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void http_metrics_note(struct http_metrics *metrics, const struct route *route, const char *method,
                       unsigned status, uint64_t took_us)
{
    struct http_path_metrics *path = &metrics->paths[path_index(route)];

    add(&path->answers[method_index(method)][status_index(status)], 1);
    add(&path->durations[bucket_index(took_us)], 1);
    add(&path->duration_sum_us, took_us);
}

void http_metrics_waiting(struct http_metrics *metrics, int change)
{
    atomic_fetch_add_explicit(&metrics->waiting, change, memory_order_relaxed);
}

/* ---- As text ---- */

static const char *status_label(unsigned status, struct arena *arena)
{
    return status != 0 ? arena_printf(arena, "%u", status) : OTHER;
}

static void write_answers(const struct http_path_metrics *metrics, const char *path,
                          struct strbuf *out)
{
    struct arena arena cleanup(arena_release) = { 0 };

    for (size_t method = 0; method < ARRAY_SIZE(methods); method++) {
        for (size_t status = 0; status < ARRAY_SIZE(statuses); status++) {
            uint64_t count = value_of(&metrics->answers[method][status]);

            if (count > 0)
                strbuf_printf(out,
                              "schemad_http_requests_total{method=\"%s\",route=\"%s\","
                              "status=\"%s\"} %" PRIu64 "\n",
                              methods[method], path, status_label(statuses[status], &arena), count);
        }
    }
}

/* Buckets are cumulative, and the last one is the count: taken from one look, they agree. */
static void write_durations(const struct http_path_metrics *metrics, const char *path,
                            struct strbuf *out)
{
    uint64_t counts[ARRAY_SIZE(buckets) + 1];
    uint64_t count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        counts[i] = count += value_of(&metrics->durations[i]);
    if (count == 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        strbuf_printf(out,
                      "schemad_http_request_duration_seconds_bucket{route=\"%s\",le=\"%s\"} "
                      "%" PRIu64 "\n",
                      path, i < ARRAY_SIZE(buckets) ? buckets[i].seconds : "+Inf", counts[i]);
    strbuf_printf(out, "schemad_http_request_duration_seconds_sum{route=\"%s\"} %.6f\n", path,
                  (double) value_of(&metrics->duration_sum_us) / US_PER_S);
    strbuf_printf(out, "schemad_http_request_duration_seconds_count{route=\"%s\"} %" PRIu64 "\n",
                  path, count);
}

static void write_paths(const struct http_metrics *metrics, struct strbuf *out,
                        void (*write)(const struct http_path_metrics *metrics, const char *path,
                                      struct strbuf *out))
{
    size_t count = 0;
    const struct route *table = routes(&count);

    for (size_t i = 0; i <= count; i++)
        write(&metrics->paths[i], i < count ? table[i].path : OTHER, out);
}

void http_metrics_write(struct http_metrics *metrics, struct strbuf *out)
{
    strbuf_add_text(out, "# HELP schemad_http_requests_total Requests answered.\n"
                         "# TYPE schemad_http_requests_total counter\n");
    write_paths(metrics, out, write_answers);
    strbuf_add_text(out,
                    "# HELP schemad_http_request_duration_seconds Time spent answering, without "
                    "the time a request waited for a job, a state or an event.\n"
                    "# TYPE schemad_http_request_duration_seconds histogram\n");
    write_paths(metrics, out, write_durations);
    strbuf_printf(out,
                  "# HELP schemad_http_waiting Requests that wait for a job, a state or events.\n"
                  "# TYPE schemad_http_waiting gauge\nschemad_http_waiting %d\n",
                  atomic_load_explicit(&metrics->waiting, memory_order_relaxed));
}
