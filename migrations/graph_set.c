/*
 * graph_set.c - lists and sets of revisions.
 *
 * A topological order is at hand, so spreading through a graph is one sweep over it: no recursion,
 * however deep the history.
 */
#include "migrations/graph_index.h"

#include <assert.h>
#include <string.h>

enum mark {
    MARK_OUT,
    MARK_IN,
    MARK_SPREADS, /* in, and its neighbours have to follow */
};

void revision_list_add(struct revision_list *list, struct arena *arena,
                       const struct revision *revision)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? list->capacity * 2 : 2;
        const struct revision **items = arena_array(arena, const struct revision *, capacity);

        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = revision;
}

bool revision_list_has(const struct revision_list *list, const struct revision *revision)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == revision)
            return true;
    }
    return false;
}

struct revision_set revision_set_new(const struct graph *graph, struct arena *arena)
{
    return (struct revision_set){
        .bits = arena_array(arena, unsigned char, graph->count),
        .count = graph->count,
        .graph = graph,
    };
}

bool revision_set_has(const struct revision_set *set, const struct revision *revision)
{
    assert(revision->index < set->count);
    return set->bits[revision->index] != MARK_OUT;
}

void revision_set_add(struct revision_set *set, const struct revision *revision)
{
    assert(revision->index < set->count);
    set->bits[revision->index] = MARK_IN;
}

static void spread(struct revision_set *set, size_t index, const struct revision_list *neighbours)
{
    set->bits[index] = MARK_IN;
    for (size_t i = 0; i < neighbours->count; i++)
        set->bits[neighbours->items[i]->index] = MARK_SPREADS;
}

/* Whom a revision pulls into a set. */
typedef const struct revision_list *neighbours_of(const struct revision *revision);

static const struct revision_list *needs_of(const struct revision *revision)
{
    return &revision->needs;
}

static const struct revision_list *dependents_of(const struct revision *revision)
{
    return &revision->dependents;
}

static const struct revision_list *parents_of(const struct revision *revision)
{
    return &revision->parents;
}

static const struct revision_list *children_of(const struct revision *revision)
{
    return &revision->children;
}

/* From index `from` down to 0. */
static void sweep_down(struct revision_set *set, size_t from, neighbours_of *neighbours)
{
    for (size_t i = from + 1; i-- > 0;) {
        if (set->bits[i] == MARK_SPREADS)
            spread(set, i, neighbours(set->graph->revisions.items[i]));
    }
}

static void sweep_up(struct revision_set *set, size_t from, neighbours_of *neighbours)
{
    for (size_t i = from; i < set->count; i++) {
        if (set->bits[i] == MARK_SPREADS)
            spread(set, i, neighbours(set->graph->revisions.items[i]));
    }
}

void revision_set_add_ancestors(struct revision_set *set, const struct revision *revision)
{
    set->bits[revision->index] = MARK_SPREADS;
    sweep_down(set, revision->index, needs_of);
}

void revision_set_add_descendants(struct revision_set *set, const struct revision *revision)
{
    set->bits[revision->index] = MARK_SPREADS;
    sweep_up(set, revision->index, dependents_of);
}

void revision_set_add_parents(struct revision_set *set, const struct revision *revision)
{
    set->bits[revision->index] = MARK_SPREADS;
    sweep_down(set, revision->index, parents_of);
}

void revision_set_add_children(struct revision_set *set, const struct revision *revision)
{
    set->bits[revision->index] = MARK_SPREADS;
    sweep_up(set, revision->index, children_of);
}

static void spread_all(struct revision_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->bits[i] != MARK_OUT)
            set->bits[i] = MARK_SPREADS;
    }
}

void revision_set_close_down(struct revision_set *set)
{
    spread_all(set);
    if (set->count > 0)
        sweep_down(set, set->count - 1, needs_of);
}

void revision_set_close_up(struct revision_set *set)
{
    spread_all(set);
    sweep_up(set, 0, dependents_of);
}
