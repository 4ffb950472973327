/*
 * planner.c - steps put behind one another, with the rows that each leaves.
 */
#include "migrations/planner.h"

#include <string.h>

version_rows *version_rows_normalize(const version_rows *rows, struct arena *arena)
{
    version_rows *normal = arena_new(arena, version_rows);
    struct str_list sorted = { 0 };

    for (size_t i = 0; i < rows->count; i++)
        str_list_add(&sorted, arena, rows->items[i]);
    str_list_sort(&sorted);
    for (size_t i = 0; i < sorted.count; i++) {
        if (i == 0 || strcmp(sorted.items[i - 1], sorted.items[i]) != 0)
            str_list_add(normal, arena, sorted.items[i]);
    }
    return normal;
}

static bool has_id(const struct revision_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i]->id, id) == 0)
            return true;
    }
    return false;
}

version_rows version_rows_change(const version_rows *rows, const struct revision_list *removed,
                                 const struct revision_list *added, struct arena *arena)
{
    version_rows changed = { 0 };

    for (size_t i = 0; i < rows->count; i++) {
        if (!has_id(removed, rows->items[i]))
            str_list_add(&changed, arena, rows->items[i]);
    }
    for (size_t i = 0; i < added->count; i++) {
        if (!str_list_has(&changed, added->items[i]->id))
            str_list_add(&changed, arena, added->items[i]->id);
    }
    str_list_sort(&changed);
    return changed;
}

void planner_init(struct planner *planner, enum verb verb, const struct resolver *resolver)
{
    *planner = (struct planner){ .resolver = *resolver };
    planner->resolver.rows = version_rows_normalize(resolver->rows, resolver->arena);
    planner->rows = *planner->resolver.rows;
    planner->plan = arena_new(resolver->arena, struct plan);
    planner->plan->verb = verb;
    planner->plan->rows_before = planner->rows;
}

void planner_add(struct planner *planner, const struct revision *revision, enum direction direction,
                 const struct revision_list *removed, const struct revision_list *added)
{
    struct plan *plan = planner->plan;
    struct arena *arena = planner->resolver.arena;
    version_rows after = version_rows_change(&planner->rows, removed, added, arena);

    if (plan->count == planner->capacity) {
        struct step *steps = NULL;

        planner->capacity = planner->capacity > 0 ? planner->capacity * 2 : 8;
        steps = arena_array(arena, struct step, planner->capacity);
        if (plan->count > 0)
            memcpy(steps, plan->steps, plan->count * sizeof(*steps));
        plan->steps = steps;
    }
    plan->steps[plan->count++] = (struct step){
        .revision = revision,
        .direction = direction,
        .rows_before = planner->rows,
        .rows_after = after,
    };
    planner->rows = after;
}

struct plan *planner_finish(struct planner *planner)
{
    planner->plan->rows_after = planner->rows;
    return planner->plan;
}
