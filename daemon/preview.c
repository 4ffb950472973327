/*
 * preview.c - choosing the planner by verb.
 */
#include "daemon/preview.h"

#include "migrations/plan.h"

/* What an absent target means, as in engine/. */
static const char *target_or_default(const struct run_request *request)
{
    if (request->target != NULL)
        return request->target;
    return request->verb == VERB_DOWNGRADE ? "-1" : "head";
}

bool preview_plan(const struct snapshot *snapshot, const struct run_request *request,
                  struct arena *arena, struct plan **ret_plan, struct error *err)
{
    const struct graph *graph = snapshot->graph;
    const version_rows *rows = &snapshot->current.rows;
    const char *target = target_or_default(request);

    if (graph == NULL ||
        (snapshot->current.verdict == VERDICT_UNKNOWN && snapshot->problem.code != ERR_OK)) {
        *err = snapshot->problem;
        return false;
    }
    switch (request->verb) {
    case VERB_UPGRADE:
        return plan_upgrade(graph, rows, target, arena, ret_plan, err);
    case VERB_DOWNGRADE:
        return plan_downgrade(graph, rows, target, arena, ret_plan, err);
    case VERB_STAMP: {
        struct str_list stamps = request->stamps;

        if (stamps.count == 0)
            str_list_add(&stamps, arena, target);
        return plan_stamp(graph, rows, &(struct stamp_options){ stamps, request->purge }, arena,
                          ret_plan, err);
    }
    case VERB_BACKUP:
        break;
    }
    return error_set(err, ERR_ARGUMENT_INVALID, "a backup has no plan");
}

const char *preview_goal(const struct snapshot *snapshot, const struct run_request *request,
                         struct arena *arena)
{
    struct error ignored = { .code = ERR_OK };
    struct plan *plan;

    if (request->verb == VERB_BACKUP)
        return "";
    if (preview_plan(snapshot, request, arena, &plan, &ignored))
        return plan->rows_after.count > 0 ? str_list_join(&plan->rows_after, ", ", arena) : "base";
    if (request->stamps.count > 0)
        return str_list_join(&request->stamps, ", ", arena);
    return target_or_default(request);
}
