/*
 * json_revision.c - revisions and plans as JSON, with their SQL.
 */
#include "api/json.h"
#include "api/json_text.h"
#include "migrations/format.h"

json_t *json_of_revision(const struct revision *revision, const version_rows *rows)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const struct script *script = revision->script;
    json_t *object = json_object();

    json_put(&object, "id", json_of_text(revision->id));
    json_put(&object, "parents", json_of_revision_ids(&revision->parents));
    json_put(&object, "depends_on", json_of_revision_ids(&revision->dependencies));
    json_put(&object, "labels", json_of_texts(&revision->labels));
    json_put(&object, "message", json_of_text(script->message));
    json_put(&object, "create_date", json_of_text(script->create_date));
    json_put(&object, "is_head", json_boolean(revision->is_head));
    json_put(&object, "is_effective_head", json_boolean(revision->is_effective_head));
    json_put(&object, "is_branch_point", json_boolean(revision->is_branch_point));
    json_put(&object, "is_merge_point", json_boolean(revision->is_merge_point));
    json_put(&object, "is_current",
             rows != NULL ? json_boolean(str_list_has(rows, revision->id)) : json_null());
    json_put(&object, "path", json_of_text(script->path));
    json_put(&object, "history_line", json_of_text(format_history_line(revision, rows, &arena)));
    json_put(&object, "head_line", json_of_text(format_head_line(revision, &arena)));
    return object;
}

json_t *json_of_branch(const struct revision *revision, const version_rows *rows)
{
    struct arena arena cleanup(arena_release) = { 0 };
    json_t *object = json_of_revision(revision, rows);

    json_put(&object, "children", json_of_revision_ids(&revision->children));
    json_put(&object, "entry", json_of_text(format_branch_entry(revision, &arena)));
    json_put(&object, "detail", json_of_text(format_branch_detail(revision, rows, &arena)));
    return object;
}

json_t *json_of_new_script(const char *id, const char *path)
{
    json_t *object = json_object();

    json_put(&object, "id", json_of_text(id));
    json_put(&object, "path", json_of_text(path));
    return object;
}

static void put_place(json_t **object, const struct statement *statement)
{
    json_put(object, "sql", json_of_str(statement->sql));
    json_put(object, "line", json_of_count(statement->line));
    json_put(object, "column", json_of_count(statement->column));
}

static json_t *json_of_statements(const struct statements *statements)
{
    json_t *array = json_array();

    for (size_t i = 0; i < statements->count; i++) {
        json_t *object = json_object();

        put_place(&object, &statements->items[i]);
        json_push(&array, object);
    }
    return array;
}

json_t *json_of_revision_full(const struct revision *revision, const version_rows *rows)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const struct script *script = revision->script;
    json_t *object = json_of_revision(revision, rows);

    json_put(&object, "children", json_of_revision_ids(&revision->children));
    json_put(&object, "text", json_of_text(format_revision_entry(revision, rows, &arena)));
    json_put(&object, "sha256", json_of_text(script->sha256));
    json_put(&object, "irreversible", json_of_text(script->irreversible));
    json_put(&object, "foreign_keys", json_boolean(script->foreign_keys_on));
    json_put(&object, "transaction_none", json_boolean(script->transaction_none));
    json_put(&object, "upgrade", json_of_statements(&script->up));
    json_put(&object, "downgrade", json_of_statements(&script->down));
    return object;
}

/* ---- Plans ---- */

/* A statement with what it does, as far as its first tokens say. */
static json_t *json_of_planned_statement(const struct statement *statement)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct statement_summary summary = statement_summarize(statement->sql, &arena);
    json_t *object = json_object();

    put_place(&object, statement);
    json_put(&object, "verb", json_of_text(summary.verb));
    json_put(&object, "object", json_of_text(summary.object));
    json_put(&object, "destructive", json_boolean(summary.is_destructive));
    return object;
}

/* A stamp runs no statement. */
static json_t *json_of_planned_statements(const struct step *step, enum verb verb)
{
    const struct statements *statements = NULL;
    json_t *array = json_array();

    if (verb == VERB_STAMP || step->revision == NULL)
        return array;
    statements = step->direction == DIRECTION_UP ? &step->revision->script->up
                                                 : &step->revision->script->down;
    for (size_t i = 0; i < statements->count; i++)
        json_push(&array, json_of_planned_statement(&statements->items[i]));
    return array;
}

/* Stamping to base only takes rows away: such a step has no revision. */
static json_t *json_of_step(const struct step *step, enum verb verb, bool has_sql)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const struct revision *revision = step->revision;
    json_t *object = json_object();

    const char *line = NULL;

    if (revision != NULL)
        line = format_step_line(revision, step->direction, &arena);
    json_put(&object, "revision", json_of_text(revision != NULL ? revision->id : NULL));
    json_put(&object, "direction", json_of_text(step->direction == DIRECTION_UP ? "up" : "down"));
    json_put(&object, "message", json_of_text(revision != NULL ? revision->script->doc : NULL));
    json_put(&object, "line", json_of_text(line));
    json_put(&object, "from", json_of_rows(&step->rows_before));
    json_put(&object, "to", json_of_rows(&step->rows_after));
    json_put(&object, "path", json_of_text(revision != NULL ? revision->script->path : NULL));
    if (has_sql)
        json_put(&object, "statements", json_of_planned_statements(step, verb));
    return object;
}

json_t *json_of_plan(const struct plan *plan, const char *target, bool has_sql)
{
    struct arena arena cleanup(arena_release) = { 0 };
    json_t *object = json_object();
    json_t *steps = json_array();

    for (size_t i = 0; i < plan->count; i++)
        json_push(&steps, json_of_step(&plan->steps[i], plan->verb, has_sql));
    json_put(&object, "verb", json_of_text(verb_name(plan->verb)));
    json_put(&object, "target", json_of_text(target));
    json_put(&object, "from", json_of_rows(&plan->rows_before));
    json_put(&object, "to", json_of_rows(&plan->rows_after));
    json_put(&object, "destructive", json_boolean(plan_is_destructive(plan, &arena)));
    json_put(&object, "steps", steps);
    return object;
}

json_t *json_of_kept_script(const char *path, const char *text)
{
    json_t *object = json_object();

    json_put(&object, "path", json_of_text(path));
    json_put(&object, "text", json_of_text(text));
    return object;
}
