/*
 * plan.c - the way up and the way down.
 *
 * Version rows stand for a set of applied revisions: those that no other applied one needs. Both
 * directions keep this true at every step, which is what Alembic's five cases (delete, insert,
 * merge, unmerge, update) come to.
 */
#include "migrations/plan.h"

#include "migrations/planner.h"
#include "migrations/sort.h"

#include <assert.h>
#include <string.h>

static const char *const verb_names[] = {
    [VERB_UPGRADE] = "upgrade",
    [VERB_DOWNGRADE] = "downgrade",
    [VERB_STAMP] = "stamp",
    [VERB_BACKUP] = "backup",
};

const char *verb_name(enum verb verb)
{
    assert((size_t) verb < ARRAY_SIZE(verb_names));
    return verb_names[verb];
}

bool verb_find(const char *name, enum verb *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(verb_names); i++) {
        if (strcmp(verb_names[i], name) == 0) {
            *ret = (enum verb) i;
            return true;
        }
    }
    return false;
}

bool step_is_transaction_none(const struct step *step, enum verb verb)
{
    return verb != VERB_STAMP && step->revision->script->transaction_none;
}

bool plan_is_destructive(const struct plan *plan, struct arena *arena)
{
    for (size_t i = 0; i < plan->count && plan->verb != VERB_STAMP; i++) {
        const struct script *script = plan->steps[i].revision->script;
        const struct statements *part =
            plan->steps[i].direction == DIRECTION_UP ? &script->up : &script->down;

        for (size_t k = 0; k < part->count; k++) {
            if (statement_summarize(part->items[k].sql, arena).is_destructive)
                return true;
        }
    }
    return false;
}

/* --- up --- */

static bool fail_overlap(struct planner *planner, const struct revision *row)
{
    const struct revision_list *rows = &planner->row_revisions;
    const struct revision *above = row;

    for (size_t i = 0; i < rows->count; i++) {
        struct revision_set ancestors =
            revision_set_new(planner->resolver.graph, planner->resolver.arena);

        revision_set_add_ancestors(&ancestors, rows->items[i]);
        if (rows->items[i] != row && revision_set_has(&ancestors, row))
            above = rows->items[i];
    }
    error_set(planner->resolver.err, ERR_VERSION_ROWS_OVERLAP,
              "the database records revision \"%s\" and also \"%s\", which implies it", row->id,
              above->id);
    error_of_revision(planner->resolver.err, row->id);
    return error_hint(planner->resolver.err,
                      "If \"%s\" is applied, `stamp --purge %s` leaves its row alone.", above->id,
                      above->id);
}

/* What is applied; rows must not imply each other. */
static bool find_applied(struct planner *planner, struct revision_set *ret)
{
    const struct revision_list *rows = &planner->row_revisions;

    for (size_t i = 0; i < rows->count; i++) {
        for (size_t k = 0; k < rows->items[i]->needs.count; k++)
            revision_set_add(ret, rows->items[i]->needs.items[k]);
    }
    revision_set_close_down(ret);
    for (size_t i = 0; i < rows->count; i++) {
        if (revision_set_has(ret, rows->items[i]))
            return fail_overlap(planner, rows->items[i]);
    }
    for (size_t i = 0; i < rows->count; i++)
        revision_set_add(ret, rows->items[i]);
    return true;
}

static void add_steps_up(struct planner *planner, const struct revision_list *newest_first)
{
    struct arena *arena = planner->resolver.arena;

    for (size_t i = newest_first->count; i-- > 0;) {
        const struct revision *revision = newest_first->items[i];
        struct revision_list added = { 0 };

        revision_list_add(&added, arena, revision);
        planner_add(planner, revision, DIRECTION_UP, &revision->needs, &added);
    }
}

bool plan_upgrade(const struct graph *graph, const version_rows *rows, const char *target,
                  struct arena *arena, struct plan **ret_plan, struct error *err)
{
    struct resolver resolver = { graph, rows, arena, err };
    struct planner planner = { 0 };
    struct revision_set applied = revision_set_new(graph, arena);
    struct revision_set todo = revision_set_new(graph, arena);
    struct revision_list targets = { 0 };
    struct revision_list sorted = { 0 };

    planner_init(&planner, VERB_UPGRADE, &resolver);
    if (!resolve_rows(&planner.resolver, &planner.row_revisions) ||
        !find_applied(&planner, &applied) ||
        !target_for_upgrade(graph, planner.resolver.rows, target, arena, &targets, err))
        return false;
    for (size_t i = 0; i < targets.count; i++)
        revision_set_add(&todo, targets.items[i]);
    revision_set_close_down(&todo);
    for (size_t i = 0; i < todo.count; i++) {
        if (applied.bits[i])
            todo.bits[i] = 0;
    }
    sort_newest_first(&todo, &targets, arena, &sorted);
    add_steps_up(&planner, &sorted);
    *ret_plan = planner_finish(&planner);
    return true;
}

/* --- down --- */

/* Where the way down begins to be unwound: children of the target, or bases; of one branch when
 * there are several. */
static bool find_roots(struct planner *planner, const struct downgrade_target *target,
                       struct revision_list *ret)
{
    const struct graph *graph = planner->resolver.graph;
    const struct revision_list *all =
        target->revision != NULL ? &target->revision->children : graph_bases(graph);
    struct revision_set branch = revision_set_new(graph, planner->resolver.arena);

    *ret = *all;
    if (target->branch == NULL || all->count <= 1)
        return true;
    *ret = (struct revision_list){ 0 };
    revision_set_add_parents(&branch, target->branch);
    for (size_t i = 0; i < all->count; i++) {
        if (revision_set_has(&branch, all->items[i]))
            revision_list_add(ret, planner->resolver.arena, all->items[i]);
    }
    if (ret->count > 0)
        return true;
    error_set(
        planner->resolver.err, ERR_TARGET_INVALID,
        "not a valid downgrade target from current heads: branch \"%s\" does not begin above it",
        target->branch->id);
    return error_hint(planner->resolver.err, "Name a revision of the branch itself.");
}

/* Applied descendants of the roots, whatever depends on them included. */
static bool find_doomed(struct planner *planner, const struct downgrade_target *target,
                        const struct revision_set *applied, struct revision_set *ret)
{
    const struct revision_list *rows = &planner->row_revisions;
    struct revision_list roots = { 0 };
    bool is_empty = true;

    if (!find_roots(planner, target, &roots))
        return false;
    for (size_t i = 0; i < roots.count; i++)
        revision_set_add(ret, roots.items[i]);
    revision_set_close_up(ret);
    for (size_t i = 0; i < ret->count; i++) {
        if (!applied->bits[i])
            ret->bits[i] = 0;
        is_empty = is_empty && !ret->bits[i];
    }
    if (!is_empty || target->revision == NULL || revision_list_has(rows, target->revision))
        return true;
    error_set(planner->resolver.err, ERR_TARGET_INVALID,
              "destination %s is not a valid downgrade target from current head(s)",
              target->revision->id);
    error_of_revision(planner->resolver.err, target->revision->id);
    if (revision_set_has(applied, target->revision))
        return error_hint(planner->resolver.err,
                          "It is applied, and nothing that comes after it is.");
    return error_hint(planner->resolver.err,
                      "It is not applied: the database is at %s. `upgrade %s` leads to it.",
                      rows->count == 0
                          ? "base"
                          : str_list_join(&planner->rows, ", ", planner->resolver.arena),
                      target->revision->id);
}

/* How many applied revisions need each one. */
static size_t *count_needed(const struct revision_set *applied, struct arena *arena)
{
    size_t *needed = arena_array(arena, size_t, applied->count);

    for (size_t i = 0; i < applied->count; i++) {
        const struct revision_list *needs = &graph_revisions(applied->graph)->items[i]->needs;

        for (size_t k = 0; applied->bits[i] && k < needs->count; k++)
            needed[needs->items[k]->index]++;
    }
    return needed;
}

static bool check_reversible(struct planner *planner, const struct revision *revision)
{
    const struct script *script = revision->script;

    if (script->irreversible == NULL)
        return true;
    error_set(planner->resolver.err, ERR_IRREVERSIBLE, "revision \"%s\" is irreversible: %s",
              revision->id, script->irreversible);
    error_hint(planner->resolver.err, "Restore a backup from before it, or go on upwards.");
    error_at(planner->resolver.err,
             &(struct source_pos){ .file = script->path, .line = script->id_line, .column = 1 });
    return error_of_revision(planner->resolver.err, revision->id);
}

static bool add_steps_down(struct planner *planner, const struct revision_list *newest_first,
                           size_t *needed)
{
    struct arena *arena = planner->resolver.arena;

    for (size_t i = 0; i < newest_first->count; i++) {
        const struct revision *revision = newest_first->items[i];
        struct revision_list removed = { 0 };
        struct revision_list added = { 0 };

        if (!check_reversible(planner, revision))
            return false;
        revision_list_add(&removed, arena, revision);
        for (size_t k = 0; k < revision->needs.count; k++) {
            if (--needed[revision->needs.items[k]->index] == 0)
                revision_list_add(&added, arena, revision->needs.items[k]);
        }
        planner_add(planner, revision, DIRECTION_DOWN, &removed, &added);
    }
    return true;
}

bool plan_downgrade(const struct graph *graph, const version_rows *rows, const char *target,
                    struct arena *arena, struct plan **ret_plan, struct error *err)
{
    struct resolver resolver = { graph, rows, arena, err };
    struct planner planner = { 0 };
    struct revision_set applied = revision_set_new(graph, arena);
    struct revision_set doomed = revision_set_new(graph, arena);
    struct downgrade_target where = { 0 };
    struct revision_list sorted = { 0 };

    planner_init(&planner, VERB_DOWNGRADE, &resolver);
    if (!resolve_rows(&planner.resolver, &planner.row_revisions) ||
        !target_for_downgrade(graph, planner.resolver.rows, target, arena, &where, err))
        return false;
    for (size_t i = 0; i < planner.row_revisions.count; i++)
        revision_set_add(&applied, planner.row_revisions.items[i]);
    revision_set_close_down(&applied);
    if (!find_doomed(&planner, &where, &applied, &doomed))
        return false;
    sort_newest_first(&doomed, &planner.row_revisions, arena, &sorted);
    if (!add_steps_down(&planner, &sorted, count_needed(&applied, arena)))
        return false;
    *ret_plan = planner_finish(&planner);
    return true;
}
