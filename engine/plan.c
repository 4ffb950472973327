/*
 * plan.c - from a request to a plan, for a run and for whoever only asks.
 */
#include "engine/expect.h"
#include "engine/kept_script.h"
#include "engine/look.h"
#include "engine/run.h"
#include "engine/script_directory.h"
#include "engine/verbs.h"

bool engine_plan_rows(const struct graph *graph, const version_rows *rows,
                      const struct run_request *request, struct arena *arena,
                      struct plan **ret_plan, struct error *err)
{
    const struct verb_rules *rules = verb_rules_find(request->verb);

    if (rules == NULL)
        return error_set(err, ERR_ARGUMENT_INVALID, "a %s has no plan", verb_name(request->verb));
    return expect_check(request, rows, arena, err) &&
           rules->plan(graph, rows, request, arena, ret_plan, err);
}

bool engine_plan(const struct engine_settings *settings, const struct run_request *request,
                 struct arena *arena, struct script_directory **ret_directory,
                 struct plan **ret_plan, struct error *err)
{
    cleanup_script_directory struct script_directory *directory = NULL;
    uint32_t timeout_ms =
        request->lock_timeout_ms == 0 ? settings->lock_timeout_ms : request->lock_timeout_ms;
    struct look look = { 0 };

    if (!script_directory_load(&settings->scripts, &directory, err) ||
        !look_take(settings, timeout_ms, arena, &look, err))
        return false;
    if (!engine_plan_rows(script_directory_graph(directory), &look.rows, request, arena, ret_plan,
                          err)) {
        kept_script_explain(settings, err);
        return false;
    }
    *ret_directory = take_ptr(directory);
    return true;
}
