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

void revision_set_add_ancestors(struct revision_set *set, const struct revision *revision)
{
    set->bits[revision->index] = MARK_SPREADS;
    for (size_t i = revision->index + 1; i-- > 0;) {
        if (set->bits[i] == MARK_SPREADS)
            spread(set, i, &set->graph->revisions.items[i]->needs);
    }
}

void revision_set_add_descendants(struct revision_set *set, const struct revision *revision)
{
    set->bits[revision->index] = MARK_SPREADS;
    for (size_t i = revision->index; i < set->count; i++) {
        if (set->bits[i] == MARK_SPREADS)
            spread(set, i, &set->graph->revisions.items[i]->dependents);
    }
}

void revision_set_add_parents(struct revision_set *set, const struct revision *revision)
{
    set->bits[revision->index] = MARK_SPREADS;
    for (size_t i = revision->index + 1; i-- > 0;) {
        if (set->bits[i] == MARK_SPREADS)
            spread(set, i, &set->graph->revisions.items[i]->parents);
    }
}

void revision_set_add_children(struct revision_set *set, const struct revision *revision)
{
    set->bits[revision->index] = MARK_SPREADS;
    for (size_t i = revision->index; i < set->count; i++) {
        if (set->bits[i] == MARK_SPREADS)
            spread(set, i, &set->graph->revisions.items[i]->children);
    }
}
