/*
 * op_revisions.c - GET /history, /heads and /revisions/{id}.
 */
#include "api/json.h"
#include "api/json_text.h"
#include "api/ops.h"
#include "api/text.h"

/* The version rows, or NULL when they are not known. */
static const version_rows *rows_of(const struct snapshot *snapshot)
{
    return snapshot->current.verdict != VERDICT_UNKNOWN ? &snapshot->current.rows : NULL;
}

static json_t *json_of_list(const char *name, const struct revision_list *revisions,
                            const version_rows *rows)
{
    json_t *object = json_object();
    json_t *array = json_array();

    for (size_t i = 0; i < revisions->count; i++)
        json_push(&array, json_of_revision(revisions->items[i], rows));
    json_put(&object, name, array);
    return object;
}

static bool answer_history(struct request *request, const struct snapshot *snapshot,
                           struct error *err)
{
    struct revision_list revisions = { 0 };

    if (!target_history(snapshot->graph, &snapshot->current.rows,
                        uri_param_find(&request->uri, "range"), &request->arena, &revisions, err))
        return false;
    if (request_prefers_text(request))
        return request_answer_tagged(request, snapshot->rows_tag, text_of_history(&revisions),
                                     CONTENT_TEXT, err);
    return request_answer_tagged(request, snapshot->rows_tag,
                                 json_format_new(
                                     json_of_list("revisions", &revisions, rows_of(snapshot))),
                                 CONTENT_JSON, err);
}

bool op_history(struct request *request, struct error *err)
{
    return request_with_graph(request, answer_history, err);
}

static bool answer_heads(struct request *request, const struct snapshot *snapshot,
                         struct error *err)
{
    const struct revision_list *heads = graph_heads(snapshot->graph);

    if (request_prefers_text(request))
        return request_answer_tagged(request, snapshot->rows_tag, text_of_heads(heads),
                                     CONTENT_TEXT, err);
    return request_answer_tagged(request, snapshot->rows_tag,
                                 json_format_new(json_of_list("heads", heads, rows_of(snapshot))),
                                 CONTENT_JSON, err);
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

bool op_revision(struct request *request, struct error *err)
{
    return request_with_graph(request, answer_revision, err);
}
