/*
 * op_metrics.c - GET /metrics: Prometheus's text format, version 0.0.4
 * (prometheus.io/docs/instrumenting/exposition_formats).
 */
#include "api/ops.h"
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#define METRICS_BYTES_MAX ((size_t) 64 * 1024)
#define US_PER_S          1e6

static void add_head(struct strbuf *out, const char *name, const char *type, const char *help)
{
    strbuf_printf(out, "# HELP schemad_%s %s\n# TYPE schemad_%s %s\n", name, help, name, type);
}

static void add_gauge(struct strbuf *out, const char *name, const char *help, double value)
{
    add_head(out, name, "gauge", help);
    strbuf_printf(out, "schemad_%s %.15g\n", name, value);
}

static void add_schema(struct strbuf *out, const struct snapshot *snapshot)
{
    enum verdict now = snapshot->graph != NULL ? snapshot->current.verdict : VERDICT_UNKNOWN;

    add_gauge(out, "ready", "1 when the schema is where it is required to be.", snapshot->is_ready);
    add_head(out, "verdict", "gauge", "1 for what the database is, 0 for what it is not.");
    for (unsigned verdict = 0; verdict <= VERDICT_UNKNOWN; verdict++)
        strbuf_printf(out, "schemad_verdict{verdict=\"%s\"} %d\n",
                      verdict_name((enum verdict) verdict), verdict == (unsigned) now);
    add_gauge(out, "pending_revisions", "Revisions that an upgrade to the heads would run.",
              (double) snapshot->current.pending);
    add_gauge(out, "snapshot_stale", "1 when the database could not be asked just now.",
              snapshot->is_stale);
    add_gauge(out, "database_bytes", "Size of the database file.",
              (double) snapshot->database_bytes);
    add_gauge(out, "wal_bytes", "Size of the write-ahead log.", (double) snapshot->wal_bytes);
    add_gauge(out, "running", "1 while a job runs.", snapshot->has_running);
    add_gauge(out, "run_progress_ratio", "How far the running job is, 0 to 1.",
              snapshot->has_running ? snapshot->running.progress.permille / 1000.0 : 0.0);
}

static void add_counters(struct strbuf *out, const struct backend_counters *counters)
{
    add_head(out, "jobs_total", "counter", "Jobs that ended, by how.");
    for (unsigned state = JOB_SUCCEEDED; state <= JOB_INTERRUPTED; state++)
        strbuf_printf(out, "schemad_jobs_total{state=\"%s\"} %" PRIu64 "\n",
                      job_state_name((enum job_state) state), counters->jobs[state]);
    add_gauge(out, "queue_length", "Jobs that wait.", counters->queue_length);
    add_gauge(out, "queue_max", "Jobs that can wait.", counters->queue_max);
    add_gauge(out, "last_run_timestamp_seconds", "When the last run ended, 0 for none.",
              (double) counters->last_run_us / US_PER_S);
    add_gauge(out, "last_run_duration_seconds", "How long the last run took.",
              (double) counters->last_run_duration_us / US_PER_S);
    add_gauge(out, "last_run_success", "1 when the last run succeeded.",
              counters->last_run_succeeded);
    add_gauge(out, "last_backup_timestamp_seconds", "When the last backup was made, 0 for none.",
              (double) counters->last_backup_us / US_PER_S);
    add_gauge(out, "last_backup_bytes", "Size of the last backup.",
              (double) counters->last_backup_bytes);
    add_gauge(out, "start_time_seconds", "When the daemon started.",
              (double) counters->started_us / US_PER_S);
}

static bool answer_metrics(struct request *request, const struct snapshot *snapshot,
                           struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct backend_counters counters = { 0 };
    struct strbuf out cleanup(strbuf_release);

    strbuf_init(&out, METRICS_BYTES_MAX);
    backend->counters(backend->data, &counters);
    add_head(&out, "info", "gauge", "Always 1; says which version this is.");
    strbuf_printf(&out, "schemad_info{version=\"%s\"} 1\n", SCHEMAD_VERSION);
    add_schema(&out, snapshot);
    add_counters(&out, &counters);
    return request_answer(request, MHD_HTTP_OK,
                          response_of_text(take_ptr(out.ptr), CONTENT_METRICS), err);
}

bool op_metrics(struct request *request, struct error *err)
{
    return request_with_snapshot(request, answer_metrics, err);
}
