/*
 * downgrade.c - what a downgrade has of its own: it goes down, which always counts as destructive,
 * by scripts that must be the ones that were applied. A way down that was edited since fits a
 * schema that this database may not have.
 */
#include "engine/verbs.h"

#define TARGET_DEFAULT "-1"

static bool downgrade_plan(const struct graph *graph, const version_rows *rows,
                           const struct run_request *request, struct arena *arena,
                           struct plan **ret_plan, struct error *err)
{
    const char *target = request->target == NULL ? TARGET_DEFAULT : request->target;

    return plan_downgrade(graph, rows, target, arena, ret_plan, err);
}

static bool downgrade_is_destructive(const struct plan *plan, struct arena *arena)
{
    (void) plan;
    (void) arena;
    return true;
}

const struct verb_rules downgrade_rules = {
    .plan = downgrade_plan,
    .is_destructive = downgrade_is_destructive,
    .target_default = TARGET_DEFAULT,
    .needs_same_scripts = true,
};
