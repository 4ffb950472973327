/*
 * current.c - the verdict.
 */
#include "migrations/current.h"

#include "migrations/resolve.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdict_names[] = {
    [VERDICT_EMPTY] = "empty", [VERDICT_EQUAL] = "equal",       [VERDICT_BEHIND] = "behind",
    [VERDICT_AHEAD] = "ahead", [VERDICT_DIVERGED] = "diverged", [VERDICT_UNKNOWN] = "unknown",
};

const char *verdict_name(enum verdict verdict)
{
    assert((size_t) verdict < ARRAY_SIZE(verdict_names));
    return verdict_names[verdict];
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp((*(const struct revision *const *) a)->id,
                  (*(const struct revision *const *) b)->id);
}

/* Whether a row is implied by another; fills in what is applied. */
static bool overlap(const struct revision_list *rows, struct revision_set *applied)
{
    bool is_overlapping = false;

    for (size_t i = 0; i < rows->count; i++) {
        for (size_t k = 0; k < rows->items[i]->needs.count; k++)
            revision_set_add(applied, rows->items[i]->needs.items[k]);
    }
    revision_set_close_down(applied);
    for (size_t i = 0; i < rows->count; i++)
        is_overlapping = is_overlapping || revision_set_has(applied, rows->items[i]);
    for (size_t i = 0; i < rows->count; i++)
        revision_set_add(applied, rows->items[i]);
    return is_overlapping;
}

static enum verdict judge(const struct current *current, bool is_overlapping)
{
    if (current->rows.count == 0)
        return VERDICT_EMPTY;
    if (current->unknown.count == current->rows.count)
        return VERDICT_AHEAD;
    if (current->unknown.count > 0 || is_overlapping)
        return VERDICT_DIVERGED;
    return current->pending == 0 ? VERDICT_EQUAL : VERDICT_BEHIND;
}

struct current current_of(const struct graph *graph, const version_rows *rows, struct arena *arena)
{
    struct resolver resolver = { .graph = graph, .rows = rows, .arena = arena };
    struct current current = { .rows = *rows, .heads = *graph_heads(graph) };
    struct revision_set applied = revision_set_new(graph, arena);
    struct revision_list known = { 0 };
    bool is_overlapping = false;

    for (size_t i = 0; i < rows->count; i++) {
        const struct revision *revision = graph_find(graph, rows->items[i]);

        if (revision == NULL)
            str_list_add(&current.unknown, arena, rows->items[i]);
        else
            revision_list_add(&known, arena, revision);
    }
    is_overlapping = overlap(&known, &applied);
    for (size_t i = 0; i < applied.count && current.unknown.count == 0; i++)
        current.pending += !applied.bits[i];
    resolve_tips(&resolver, &known, &current.revisions);
    if (current.revisions.count > 1)
        qsort(current.revisions.items, current.revisions.count, sizeof(*current.revisions.items),
              compare_ids);
    current.verdict = judge(&current, is_overlapping);
    return current;
}
