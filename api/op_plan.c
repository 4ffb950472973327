/*
 * op_plan.c - GET /plan: what an upgrade, downgrade or stamp would do.
 */
#include "api/json.h"
#include "api/ops.h"
#include "api/params.h"

/* What was asked, as one text: "head" and "-1" are what the engine takes for nothing. */
static const char *target_text(const struct run_request *run, struct arena *arena)
{
    if (run->verb == VERB_STAMP)
        return str_list_join(&run->stamps, ",", arena);
    if (run->target != NULL)
        return run->target;
    return run->verb == VERB_DOWNGRADE ? "-1" : "head";
}

static bool answer_plan(struct request *request, const struct snapshot *snapshot, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct run_request run;
    struct plan *plan = NULL;

    if (!params_read_plan(&request->uri, &request->arena, &run, err))
        return false;
    if (!backend->plan(backend->data, snapshot, &run, &request->arena, &plan, err))
        return false;
    return request_answer_json(request, MHD_HTTP_OK,
                               json_of_plan(plan, target_text(&run, &request->arena), true), err);
}

bool op_plan(struct request *request, struct error *err)
{
    return request_with_graph(request, answer_plan, err);
}
