/*
 * preview.c - the engine's plan on a snapshot.
 */
#include "daemon/preview.h"

#include "engine/run.h"

const struct error *preview_problem(const struct snapshot *snapshot)
{
    bool is_known = snapshot->graph != NULL && (snapshot->current.verdict != VERDICT_UNKNOWN ||
                                                snapshot->problem.code == ERR_OK);

    return is_known ? NULL : &snapshot->problem;
}

bool preview_plan(const struct snapshot *snapshot, const struct run_request *request,
                  struct arena *arena, struct plan **ret_plan, struct error *err)
{
    const struct error *problem = preview_problem(snapshot);

    if (problem == NULL)
        return engine_plan_rows(snapshot->graph, &snapshot->current.rows, request, arena, ret_plan,
                                err);
    *err = *problem;
    return false;
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
    if (request->target != NULL)
        return request->target;
    return request->verb == VERB_DOWNGRADE ? "-1" : "head";
}
