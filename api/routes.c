/*
 * routes.c - the route table, and the way from a request to its row.
 */
#include "api/routes.h"

#include "api/ops.h"

#include <string.h>

#define JOBS_PARAMS     "actor before limit since state verb"
#define RUN_PARAMS      "backup dry_run expect lock_timeout_ms reason target timeout_ms transaction"
#define MERGE_PARAMS    "branch_labels message rev_id revisions splice"
#define REVISION_PARAMS "branch_labels depends_on head message rev_id splice version_path"

/* Keep sorted by path, then method. */
static const struct route table[] = {
    { "POST", "/backup", "backup", op_backup, "lock_timeout_ms reason timeout_ms", ACCESS_OPERATE,
      true, true },
    { "GET", "/backups", "listBackups", op_backups, "", ACCESS_READ, false, false },
    { "GET", "/branches", "listBranches", op_branches, "", ACCESS_READ, false, false },
    { "GET", "/check", "getCheck", op_check, "", ACCESS_READ, false, false },
    { "GET", "/current", "getCurrent", op_current, "timeout wait", ACCESS_READ, false, false },
    { "GET", "/denials", "listDenials", op_denials, "limit", ACCESS_OPERATE, false, false },
    { "POST", "/downgrade", "downgrade", op_downgrade, RUN_PARAMS, ACCESS_DESTROY, true, true },
    { "GET", "/events", "streamEvents", op_events, "last_event_id", ACCESS_READ, false, false },
    { "GET", "/heads", "listHeads", op_heads, "resolve_dependencies", ACCESS_READ, false, false },
    { "GET", "/healthz", "getHealth", op_healthz, "", ACCESS_READ, false, false },
    { "GET", "/history", "listHistory", op_history, "range", ACCESS_READ, false, false },
    { "GET", "/jobs", "listJobs", op_jobs, JOBS_PARAMS, ACCESS_READ, false, false },
    { "DELETE", "/jobs/{id}", "cancelJob", op_job_cancel, "", ACCESS_OPERATE, true, false },
    { "GET", "/jobs/{id}", "getJob", op_job, "", ACCESS_READ, false, false },
    { "GET", "/jobs/{id}/events", "streamJobEvents", op_job_events, "last_event_id", ACCESS_READ,
      false, false },
    { "POST", "/merge", "merge", op_merge, MERGE_PARAMS, ACCESS_OPERATE, true, true },
    { "GET", "/metrics", "getMetrics", op_metrics, "", ACCESS_READ, false, false },
    { "GET", "/openapi.yaml", "getOpenapi", op_openapi, "", ACCESS_READ, false, false },
    { "GET", "/plan", "getPlan", op_plan, "purge target targets verb", ACCESS_READ, false, false },
    { "GET", "/readyz", "getReadiness", op_readyz, "accepts", ACCESS_READ, false, false },
    { "POST", "/revisions", "createRevision", op_revise, REVISION_PARAMS, ACCESS_OPERATE, true,
      true },
    { "GET", "/revisions/{id}", "getRevision", op_revision, "", ACCESS_READ, false, false },
    { "GET", "/sql", "getSql", op_sql, "range transaction verb", ACCESS_READ, false, false },
    { "POST", "/stamp", "stamp", op_stamp, RUN_PARAMS " purge targets", ACCESS_DESTROY, true,
      true },
    { "GET", "/status", "getStatus", op_status, "", ACCESS_READ, false, false },
    { "POST", "/upgrade", "upgrade", op_upgrade, RUN_PARAMS, ACCESS_OPERATE, true, true },
};

const struct route *routes(size_t *ret_count)
{
    *ret_count = ARRAY_SIZE(table);
    return table;
}

/* Whether the path's segments are the template's; one in braces takes any but an empty one. */
static bool path_matches(const char *template, const struct uri *uri, const char **ret_id)
{
    const char *rest = template;

    *ret_id = NULL;
    for (size_t i = 0; i < uri->segment_count; i++) {
        const char *segment = uri->segments[i];
        size_t len = strlen(segment);

        if (*rest++ != '/')
            return false;
        if (*rest == '{' && len > 0) {
            *ret_id = segment;
            rest = strchr(rest, '}') + 1;
        } else if (strncmp(rest, segment, len) == 0) {
            rest += len;
        } else {
            return false;
        }
    }
    return *rest == '\0';
}

/* HEAD is GET without the body (RFC 9110 section 9.3.2); libmicrohttpd leaves the body out. */
static bool method_matches(const struct route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static const char *allow_add(const char *allow, const char *method, struct arena *arena)
{
    const char *names = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;

    return allow != NULL ? arena_printf(arena, "%s, %s", allow, names) : names;
}

bool route_find(const char *method, const struct uri *uri, struct arena *arena,
                struct route_match *ret, struct error *err)
{
    *ret = (struct route_match){ 0 };
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (!path_matches(table[i].path, uri, &ret->id))
            continue;
        if (method_matches(&table[i], method)) {
            ret->route = &table[i];
            return true;
        }
        ret->allow = allow_add(ret->allow, table[i].method, arena);
    }
    if (ret->allow != NULL)
        return error_set(err, ERR_METHOD_NOT_ALLOWED, "method '%.32s' is not allowed here, only %s",
                         method, ret->allow);
    (void) error_set(err, ERR_NOT_FOUND, "there is no such path");
    return error_hint(err, "GET /openapi.yaml describes every path.");
}

bool route_has_param(const struct route *route, const char *name)
{
    struct str rest = str_of(route->params);

    while (rest.len > 0) {
        size_t end = str_find_char(rest, ' ', 0);

        if (str_is(str_sub(rest, 0, end), name))
            return true;
        rest = str_sub(rest, end + 1, rest.len);
    }
    return false;
}
