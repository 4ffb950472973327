/*
 * op_sql.c - GET /sql: an upgrade, downgrade or stamp as a script for the sqlite3 shell.
 */
#include "api/ops.h"
#include "api/params.h"
#include "migrations/offline_sql.h"

#include "base/oom.h"

static bool answer_sql(struct request *request, const struct snapshot *snapshot, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct run_request run;
    struct offline_request offline = { 0 };
    struct offline_options options = { backend->version_table, backend->transaction };
    struct plan *plan = NULL;
    const char *sql = NULL;

    if (!params_read_sql(&request->uri, &request->arena, &run, err))
        return false;
    offline.verb = run.verb;
    offline.range = run.target;
    if (snapshot->current.verdict != VERDICT_UNKNOWN)
        offline.rows = &snapshot->current.rows;
    if (run.has_transaction)
        options.transaction = run.transaction;
    return offline_plan(snapshot->graph, &offline, &request->arena, &plan, err) &&
           offline_sql(plan, &options, &request->arena, &sql, err) &&
           request_answer(request, MHD_HTTP_OK, response_of_text(xstrdup(sql), CONTENT_SQL), err);
}

bool op_sql(struct request *request, struct error *err)
{
    return request_with_graph(request, answer_sql, err);
}
