/*
 * sort.c - a topological order with Alembic's tie rules, without its cost.
 *
 * The rules: begin with the heads in script order. Emit the current head and step to what it needs
 * (the first takes its place in the row of heads, more are put behind). A head that another head
 * still needs waits: the first such head in the row becomes the current one. A head that leads
 * nowhere leaves the row, and the one before it becomes the current one.
 *
 * Alembic asks "does another head need this one" with a set of all ancestors for each head, which
 * is quadratic. Here each revision counts the members that need it and are not emitted yet: as long
 * as every way down between members is made of members, that number is above zero exactly when
 * another head needs it. Only then is the head looked for.
 */
#include "migrations/sort.h"

#include <assert.h>
#include <stdlib.h>

struct sorter {
    struct arena *arena;
    struct revision_set todo;   /* members not emitted yet */
    size_t *waits_for;          /* by index: members of todo that need it */
    struct revision_list heads; /* the row */
    struct revision_set in_row;
    size_t at;    /* of the current head */
    size_t *seen; /* by index: the search that saw it last */
    size_t search;
    const struct revision **stack;
};

static int compare_order(const void *a, const void *b)
{
    const struct revision *x = *(const struct revision *const *) a;
    const struct revision *y = *(const struct revision *const *) b;

    return (x->order > y->order) - (x->order < y->order);
}

static void remove_from(struct revision_set *set, const struct revision *revision)
{
    set->bits[revision->index] = 0;
}

static void sorter_init(struct sorter *sorter, const struct revision_set *members,
                        const struct revision_list *heads)
{
    const struct graph *graph = members->graph;

    sorter->todo = revision_set_new(graph, sorter->arena);
    sorter->in_row = revision_set_new(graph, sorter->arena);
    sorter->waits_for = arena_array(sorter->arena, size_t, members->count);
    sorter->seen = arena_array(sorter->arena, size_t, members->count);
    sorter->stack = arena_array(sorter->arena, const struct revision *, members->count);
    for (size_t i = 0; i < members->count; i++) {
        const struct revision *revision = graph_revisions(graph)->items[i];

        if (!revision_set_has(members, revision))
            continue;
        revision_set_add(&sorter->todo, revision);
        for (size_t k = 0; k < revision->needs.count; k++)
            sorter->waits_for[revision->needs.items[k]->index]++;
    }
    for (size_t i = 0; i < heads->count; i++) {
        if (revision_set_has(&sorter->todo, heads->items[i]) &&
            !revision_set_has(&sorter->in_row, heads->items[i])) {
            revision_list_add(&sorter->heads, sorter->arena, heads->items[i]);
            revision_set_add(&sorter->in_row, heads->items[i]);
        }
    }
    if (sorter->heads.count > 1)
        qsort(sorter->heads.items, sorter->heads.count, sizeof(*sorter->heads.items),
              compare_order);
}

/* Mark what is left of `revision`'s descendants. */
static void see_descendants(struct sorter *sorter, const struct revision *revision)
{
    size_t depth = 0;

    sorter->search++;
    sorter->stack[depth++] = revision;
    while (depth > 0) {
        const struct revision *node = sorter->stack[--depth];

        for (size_t i = 0; i < node->dependents.count; i++) {
            const struct revision *dependent = node->dependents.items[i];

            if (sorter->seen[dependent->index] == sorter->search ||
                !revision_set_has(&sorter->todo, dependent))
                continue;
            sorter->seen[dependent->index] = sorter->search;
            sorter->stack[depth++] = dependent;
        }
    }
}

/* The place in the row of the first head that needs the current one, which waits for one. */
static size_t find_waited_for(struct sorter *sorter)
{
    see_descendants(sorter, sorter->heads.items[sorter->at]);
    for (size_t i = 0; i < sorter->heads.count; i++) {
        if (sorter->seen[sorter->heads.items[i]->index] == sorter->search)
            return i;
    }
    /* sort_newest_first's contract: every member is needed by a head. */
    assert(false);
    return sorter->at;
}

static void leave_row(struct sorter *sorter)
{
    for (size_t i = sorter->at + 1; i < sorter->heads.count; i++)
        sorter->heads.items[i - 1] = sorter->heads.items[i];
    sorter->heads.count--;
    if (sorter->at > 0)
        sorter->at--;
}

/* What the emitted head needs takes its place. */
static void step_down(struct sorter *sorter, const struct revision *head)
{
    bool is_replaced = false;

    for (size_t i = 0; i < head->needs.count; i++) {
        const struct revision *next = head->needs.items[i];

        if (!revision_set_has(&sorter->todo, next) || revision_set_has(&sorter->in_row, next))
            continue;
        revision_set_add(&sorter->in_row, next);
        if (is_replaced)
            revision_list_add(&sorter->heads, sorter->arena, next);
        else
            sorter->heads.items[sorter->at] = next;
        is_replaced = true;
    }
    if (!is_replaced)
        leave_row(sorter);
}

void sort_newest_first(const struct revision_set *members, const struct revision_list *heads,
                       struct arena *arena, struct revision_list *ret)
{
    struct sorter sorter = { .arena = arena };

    sorter_init(&sorter, members, heads);
    while (sorter.heads.count > 0) {
        const struct revision *head = sorter.heads.items[sorter.at];

        if (sorter.waits_for[head->index] > 0) {
            sorter.at = find_waited_for(&sorter);
            continue;
        }
        revision_list_add(ret, arena, head);
        remove_from(&sorter.todo, head);
        remove_from(&sorter.in_row, head);
        for (size_t i = 0; i < head->needs.count; i++)
            sorter.waits_for[head->needs.items[i]->index]--;
        step_down(&sorter, head);
    }
}
