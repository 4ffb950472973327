/*
 * op_metrics.c - GET /metrics: Prometheus's text format, version 0.0.4
 * (prometheus.io/docs/instrumenting/exposition_formats).
 *
 * What is not known is left out: a 0 would be taken for a value.
 */
#include "api/ops.h"
#include "config.h"

#include <inttypes.h>

#define METRICS_BYTES_MAX ((size_t) 1024 * 1024)
#define LABEL_BYTES_MAX   64 /* ids of revisions have 32 at most, but version rows may hold more */
#define REVISIONS_MAX     100
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

/* A text between the quotes of a label: UTF-8, on one line, of bounded length. */
static const char *label_of(const char *value, struct arena *arena)
{
    struct str text = str_sub(str_of(value), 0, LABEL_BYTES_MAX);
    bool is_utf8 = str_is_utf8(text);
    struct strbuf out cleanup(strbuf_release);

    strbuf_init(&out, (size_t) 2 * LABEL_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\n')
            strbuf_add_text(&out, "\\n");
        else if (c == '"' || c == '\\')
            strbuf_printf(&out, "\\%c", c);
        else
            strbuf_add_char(&out, is_utf8 || (unsigned char) c < 0x80 ? c : '?');
    }
    return arena_strdup(arena, strbuf_text(&out));
}

/* 1 for each of these revisions. Two that read the same as labels are one: Prometheus drops all
 * metrics when a series comes twice. */
static void add_revisions(struct strbuf *out, const char *name, const char *help,
                          const version_rows *rows)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct str_list labels = { 0 };

    for (size_t i = 0; i < rows->count && labels.count < REVISIONS_MAX; i++) {
        const char *label = label_of(rows->items[i], &arena);

        if (!str_list_has(&labels, label))
            str_list_add(&labels, &arena, label);
    }
    if (labels.count > 0)
        add_head(out, name, "gauge", help);
    for (size_t i = 0; i < labels.count; i++)
        strbuf_printf(out, "schemad_%s{revision=\"%s\"} 1\n", name, labels.items[i]);
}

/* ---- What it is ---- */

static void add_build(struct strbuf *out, const struct backend *backend)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const char *sqlite = "";

    if (backend->sqlite_version != NULL)
        sqlite = arena_printf(&arena, "sqlite=\"%s\",", label_of(backend->sqlite_version, &arena));
    add_head(out, "build_info", "gauge", "Always 1; says which versions these are.");
    strbuf_printf(out, "schemad_build_info{version=\"%s\",%slibmicrohttpd=\"%s\"} 1\n",
                  SCHEMAD_VERSION, sqlite, MHD_get_version());
}

static void add_verdict(struct strbuf *out, enum verdict now)
{
    add_head(out, "verdict", "gauge", "1 for what the database is, 0 for what it is not.");
    for (unsigned verdict = 0; verdict <= VERDICT_UNKNOWN; verdict++)
        strbuf_printf(out, "schemad_verdict{verdict=\"%s\"} %d\n",
                      verdict_name((enum verdict) verdict), verdict == (unsigned) now);
}

static void add_schema(struct strbuf *out, const struct snapshot *snapshot)
{
    const struct current *current = &snapshot->current;
    enum verdict now = snapshot->graph != NULL ? current->verdict : VERDICT_UNKNOWN;

    add_gauge(out, "ready", "1 when the schema is where it is required to be, or accepted.",
              snapshot->is_ready);
    add_verdict(out, now);
    add_gauge(out, "snapshot_stale", "1 when the database could not be asked just now.",
              snapshot->is_stale);
    if (now != VERDICT_UNKNOWN)
        add_revisions(out, "revision_info", "1 for each version row of the database.",
                      &current->rows);
    if (now != VERDICT_UNKNOWN && current->unknown.count == 0)
        add_gauge(out, "pending_revisions", "Revisions that an upgrade to the heads would run.",
                  (double) current->pending);
    if (!snapshot->database_exists)
        return;
    add_gauge(out, "database_bytes", "Size of the database file.",
              (double) snapshot->database_bytes);
    add_gauge(out, "wal_bytes", "Size of the write-ahead log.", (double) snapshot->wal_bytes);
}

/* ---- What it does and did ---- */

static void add_work(struct strbuf *out, const struct snapshot *snapshot,
                     const struct backend_counters *counters)
{
    add_gauge(out, "running", "1 while a job runs.", snapshot->has_running);
    if (snapshot->has_running)
        add_gauge(out, "run_progress_ratio", "How far the running job is, 0 to 1.",
                  snapshot->running.progress.permille / 1000.0);
    add_gauge(out, "queue_length", "Jobs that wait.", counters->queue_length);
    add_gauge(out, "queue_capacity", "Jobs that can wait.", counters->queue_max);
    add_head(out, "jobs_total", "counter", "Jobs that ended, by how.");
    for (unsigned state = JOB_SUCCEEDED; state <= JOB_INTERRUPTED; state++)
        strbuf_printf(out, "schemad_jobs_total{state=\"%s\"} %" PRIu64 "\n",
                      job_state_name((enum job_state) state), counters->jobs[state]);
    add_head(out, "lock_wait_seconds", "summary",
             "Time that jobs waited for the schema lock, whether or not they got it.");
    strbuf_printf(out,
                  "schemad_lock_wait_seconds_sum %.6f\nschemad_lock_wait_seconds_count %" PRIu64
                  "\n",
                  (double) counters->lock_wait_sum_us / US_PER_S, counters->lock_wait_count);
    add_head(out, "idempotent_replays_total", "counter",
             "Requests answered by what an earlier one with their Idempotency-Key had done.");
    strbuf_printf(out, "schemad_idempotent_replays_total %" PRIu64 "\n", counters->replays);
}

static void add_last_run(struct strbuf *out, const struct backend_counters *counters)
{
    if (counters->last_run_us == 0)
        return;
    add_gauge(out, "last_run_timestamp_seconds", "When the last run ended.",
              (double) counters->last_run_us / US_PER_S);
    add_gauge(out, "last_run_duration_seconds", "How long the last run took.",
              (double) counters->last_run_duration_us / US_PER_S);
    add_gauge(out, "last_run_success", "1 when the last run succeeded.",
              counters->last_run_succeeded);
    add_head(out, "last_run_info", "gauge", "Always 1; says what the last run was.");
    strbuf_printf(out, "schemad_last_run_info{verb=\"%s\",outcome=\"%s\"} 1\n",
                  verb_name(counters->last_run_verb), run_outcome_name(counters->last_run_outcome));
}

static void add_last_backup(struct strbuf *out, const struct backend_counters *counters)
{
    if (counters->last_backup_us == 0)
        return;
    add_gauge(out, "last_backup_timestamp_seconds", "When the last backup was made.",
              (double) counters->last_backup_us / US_PER_S);
    add_gauge(out, "last_backup_bytes", "Size of the last backup.",
              (double) counters->last_backup_bytes);
    add_revisions(out, "last_backup_info", "1 for each version row in the last backup.",
                  &counters->last_backup_rows);
}

/* ---- Who asks ---- */

static void add_denied(struct strbuf *out, struct refusals *refusals)
{
    add_head(out, "http_denied_total", "counter", "Requests that were not let in, by why.");
    for (unsigned refusal = 0; refusal < REFUSAL_COUNT; refusal++)
        strbuf_printf(out, "schemad_http_denied_total{reason=\"%s\"} %" PRIu64 "\n",
                      refusal_name((enum refusal) refusal),
                      refusals_count(refusals, (enum refusal) refusal));
}

static bool answer_metrics(struct request *request, const struct snapshot *snapshot,
                           struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct backend_counters counters = { 0 };
    struct strbuf out cleanup(strbuf_release);

    strbuf_init(&out, METRICS_BYTES_MAX);
    backend->counters(backend->data, &request->arena, &counters);
    add_build(&out, backend);
    add_gauge(&out, "start_time_seconds", "When the daemon started.",
              (double) counters.started_us / US_PER_S);
    add_schema(&out, snapshot);
    add_work(&out, snapshot, &counters);
    add_last_run(&out, &counters);
    add_last_backup(&out, &counters);
    http_metrics_write(request->http_metrics, &out);
    add_denied(&out, request->refusals);
    return request_answer(request, MHD_HTTP_OK,
                          response_of_text(take_ptr(out.ptr), CONTENT_METRICS), err);
}

bool op_metrics(struct request *request, struct error *err)
{
    return request_with_snapshot(request, answer_metrics, err);
}
