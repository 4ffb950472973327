/*
 * stamp.c - what a stamp has of its own: it moves version rows and runs no statement. Without a
 * target it makes the version table, as Alembic's ensure_version, and moves nothing.
 */
#include "engine/verbs.h"

bool stamp_is_ensuring(const struct run_request *request)
{
    return request->verb == VERB_STAMP && request->stamps.count == 0 && request->target == NULL;
}

static bool stamp_plan(const struct graph *graph, const version_rows *rows,
                       const struct run_request *request, struct arena *arena,
                       struct plan **ret_plan, struct error *err)
{
    struct str_list targets = request->stamps;

    if (targets.count == 0 && request->target != NULL)
        str_list_add(&targets, arena, request->target);
    if (stamp_is_ensuring(request) && !request->purge) {
        *ret_plan = arena_new(arena, struct plan);
        **ret_plan = (struct plan){ .verb = VERB_STAMP, .rows_before = *rows, .rows_after = *rows };
        return true;
    }
    if (targets.count == 0) {
        error_set(err, ERR_ARGUMENT_INVALID, "a stamp that purges needs at least one target");
        return error_hint(err, "Name the revisions that the database is to be marked with, or "
                               "\"base\" for none.");
    }
    return plan_stamp(graph, rows, &(struct stamp_options){ targets, request->purge }, arena,
                      ret_plan, err);
}

static bool stamp_is_destructive(const struct plan *plan, struct arena *arena)
{
    (void) plan;
    (void) arena;
    return false;
}

const struct verb_rules stamp_rules = {
    .plan = stamp_plan,
    .is_destructive = stamp_is_destructive,
    .creates_database = true,
};
