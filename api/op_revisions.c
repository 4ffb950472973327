/*
 * op_revisions.c - GET /branches, /history, /heads and /revisions/{id}.
 */
#include "api/json.h"
#include "api/json_text.h"
#include "api/ops.h"
#include "api/params.h"
#include "api/problem.h"
#include "api/text.h"

/* The version rows, or NULL when they are not known. */
static const version_rows *rows_of(const struct snapshot *snapshot)
{
    return snapshot->current.verdict != VERDICT_UNKNOWN ? &snapshot->current.rows : NULL;
}

/* A list as it is asked for: its member in JSON, and what becomes of each revision and of all. */
struct list_form {
    const char *name;
    json_t *(*to_json)(const struct revision *revision, const version_rows *rows);
    char *(*to_text)(const struct revision_list *revisions);
};

static json_t *json_of_list(const struct list_form *form, const struct revision_list *revisions,
                            const version_rows *rows)
{
    json_t *object = json_object();
    json_t *array = json_array();

    for (size_t i = 0; i < revisions->count; i++)
        json_push(&array, form->to_json(revisions->items[i], rows));
    json_put(&object, form->name, array);
    return object;
}

static bool answer_list(struct request *request, const struct snapshot *snapshot,
                        const struct list_form *form, const struct revision_list *revisions,
                        struct error *err)
{
    if (request_prefers_text(request))
        return request_answer_tagged(request, snapshot->rows_tag, form->to_text(revisions),
                                     CONTENT_TEXT, err);
    return request_answer_tagged(request, snapshot->rows_tag,
                                 json_format_new(json_of_list(form, revisions, rows_of(snapshot))),
                                 CONTENT_JSON, err);
}

static bool answer_history(struct request *request, const struct snapshot *snapshot,
                           struct error *err)
{
    static const struct list_form form = { "revisions", json_of_revision, text_of_history };
    struct revision_list revisions = { 0 };

    return target_history(snapshot->graph, &snapshot->current.rows,
                          uri_param_find(&request->uri, "range"), &request->arena, &revisions,
                          err) &&
           answer_list(request, snapshot, &form, &revisions, err);
}

bool op_history(struct request *request, struct error *err)
{
    return request_with_graph(request, answer_history, err);
}

/* In the order of the history. */
static bool answer_branches(struct request *request, const struct snapshot *snapshot,
                            struct error *err)
{
    static const struct list_form form = { "branches", json_of_branch, text_of_branches };
    struct revision_list all = { 0 };
    struct revision_list branches = { 0 };

    if (!target_history(snapshot->graph, &snapshot->current.rows, NULL, &request->arena, &all, err))
        return false;
    for (size_t i = 0; i < all.count; i++) {
        if (all.items[i]->is_branch_point)
            revision_list_add(&branches, &request->arena, all.items[i]);
    }
    return answer_list(request, snapshot, &form, &branches, err);
}

bool op_branches(struct request *request, struct error *err)
{
    return request_with_graph(request, answer_branches, err);
}

static bool answer_heads(struct request *request, const struct snapshot *snapshot,
                         struct error *err)
{
    static const struct list_form form = { "heads", json_of_revision, text_of_heads };
    bool resolves_dependencies = false;

    if (!params_read_bool(&request->uri, "resolve_dependencies", &resolves_dependencies, err))
        return false;
    return answer_list(request, snapshot, &form,
                       resolves_dependencies ? graph_effective_heads(snapshot->graph)
                                             : graph_heads(snapshot->graph),
                       err);
}

bool op_heads(struct request *request, struct error *err)
{
    return request_with_graph(request, answer_heads, err);
}

/* Names like "head" may stand for several revisions; this path is about one. */
static bool one_of(const struct revision_list *revisions, const char *id, struct arena *arena,
                   struct error *err)
{
    struct str_list ids = { 0 };

    if (revisions->count == 0)
        return error_set(err, ERR_REVISION_UNKNOWN, "'%s' names no revision", id);
    if (revisions->count == 1)
        return true;
    for (size_t i = 0; i < revisions->count; i++)
        str_list_add(&ids, arena, revisions->items[i]->id);
    (void) error_set(err, ERR_REVISION_AMBIGUOUS, "'%s' names several revisions: %s", id,
                     str_list_join(&ids, ", ", arena));
    return error_hint(err, "Name one of them.");
}

static bool answer_revision(struct request *request, const struct snapshot *snapshot,
                            struct error *err)
{
    struct revision_list revisions = { 0 };

    if (!target_revisions(snapshot->graph, &snapshot->current.rows, request->id, &request->arena,
                          &revisions, err))
        return false;
    if (!one_of(&revisions, request->id, &request->arena, err))
        return false;
    return request_answer_json(request, MHD_HTTP_OK,
                               json_of_revision_full(revisions.items[0], rows_of(snapshot)), err);
}

/* What the journal kept of a revision that is gone, which may have left others without a parent, is
 * told with the problem. */
static bool answer_kept(struct request *request, struct error *err)
{
    const struct backend *backend = request_backend(request);
    const struct error problem = *err;
    unsigned status = problem_status(problem.code);
    struct error ignored = { 0 };
    const char *path = NULL;
    const char *text = NULL;
    json_t *object = NULL;

    if (!backend->script_kept(backend->data, request->id, &request->arena, &path, &text, &ignored))
        return false;
    error_clear(err);
    object = json_of_problem(&problem, status, NULL);
    json_put(&object, "kept", json_of_kept_script(path, text));
    return request_answer(request, status, response_of_json(object, CONTENT_PROBLEM), err);
}

bool op_revision(struct request *request, struct error *err)
{
    return request_with_graph(request, answer_revision, err) || answer_kept(request, err);
}
