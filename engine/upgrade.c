/*
 * upgrade.c - what an upgrade has of its own: it goes up, and makes a database that is missing.
 */
#include "engine/verbs.h"

#define TARGET_DEFAULT "head"

static bool upgrade_plan(const struct graph *graph, const version_rows *rows,
                         const struct run_request *request, struct arena *arena,
                         struct plan **ret_plan, struct error *err)
{
    const char *target = request->target == NULL ? TARGET_DEFAULT : request->target;

    return plan_upgrade(graph, rows, target, arena, ret_plan, err);
}

const struct verb_rules upgrade_rules = {
    .plan = upgrade_plan,
    .is_destructive = plan_is_destructive,
    .target_default = TARGET_DEFAULT,
    .creates_database = true,
};
