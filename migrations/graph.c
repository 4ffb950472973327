/*
 * graph.c - scripts become a graph: names, edges, order, labels.
 *
 * The steps of graph_build follow each other because each needs the one before: names to resolve
 * edges, edges to order, order to find what is implied. Nothing is warned about and passed over: a
 * graph with a hole in it is refused with the file and line that made the hole.
 */
#include "migrations/graph.h"

#include "migrations/graph_index.h"

#include <stdlib.h>
#include <string.h>

#define CYCLE_TEXT_MAX 400

struct builder {
    struct graph *graph;
    struct arena *arena;
    struct error *err;
    struct revision_list *edges;   /* by order: parents and dependencies together, none twice */
    struct revision_set ancestors; /* scratch of is_implied */
};

static bool fail_at(struct builder *builder, const struct script *script, unsigned line)
{
    error_at(builder->err, &(struct source_pos){ .file = script->path, .line = line, .column = 1 });
    return error_of_revision(builder->err, script->id);
}

/* --- names --- */

static bool add_id(struct builder *builder, struct revision *node)
{
    struct graph_name *slot = graph_index_slot(&builder->graph->names, node->id);

    if (slot->name != NULL) {
        error_set(builder->err, ERR_REVISION_DUPLICATE,
                  "revision \"%s\" is declared twice: in \"%s\" and in \"%s\"", node->id,
                  slot->revision->script->path, node->script->path);
        error_hint(builder->err, "Give one of them a new Revision ID, or remove it.");
        return fail_at(builder, node->script, node->script->id_line);
    }
    *slot = (struct graph_name){ .name = node->id, .revision = node };
    return true;
}

static bool add_label(struct builder *builder, struct revision *node, const char *label)
{
    struct graph_name *slot = graph_index_slot(&builder->graph->names, label);

    if (slot->name != NULL) {
        if (slot->is_label)
            error_set(
                builder->err, ERR_LABEL_DUPLICATE,
                "branch label \"%s\" of revision \"%s\" is already used by revision \"%s\" (%s)",
                label, node->id, slot->revision->id, slot->revision->script->path);
        else
            error_set(builder->err, ERR_LABEL_DUPLICATE,
                      "branch label \"%s\" of revision \"%s\" is also the id of a revision (%s)",
                      label, node->id, slot->revision->script->path);
        error_hint(builder->err, "A label is declared once; its descendants inherit it.");
        return fail_at(builder, node->script, node->script->labels_line);
    }
    *slot = (struct graph_name){ .name = label, .revision = node, .is_label = true };
    return true;
}

static bool add_names(struct builder *builder, const struct script *const *scripts, size_t count)
{
    struct graph *graph = builder->graph;
    size_t name_count = count;

    for (size_t i = 0; i < count; i++)
        name_count += scripts[i]->labels.count;
    graph->nodes = arena_array(builder->arena, struct revision, count);
    graph->count = count;
    graph_index_init(&graph->names, name_count, builder->arena);
    for (size_t i = 0; i < count; i++) {
        graph->nodes[i] =
            (struct revision){ .script = scripts[i], .id = scripts[i]->id, .order = i };
        if (!add_id(builder, &graph->nodes[i]))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < scripts[i]->labels.count; k++) {
            if (!add_label(builder, &graph->nodes[i], scripts[i]->labels.items[k]))
                return false;
        }
    }
    return true;
}

/* --- edges --- */

static bool fail_missing(struct builder *builder, const struct revision *node, const char *verb,
                         const char *name, unsigned line)
{
    error_set(builder->err, ERR_PARENT_MISSING,
              "revision \"%s\" %s \"%s\", which no script declares", node->id, verb, name);
    graph_hint_nearest(builder->graph, str_of(name),
                       "Add the missing script, or correct the header line.", builder->arena,
                       builder->err);
    return fail_at(builder, node->script, line);
}

static bool resolve_parents(struct builder *builder, struct revision *node)
{
    const struct script *script = node->script;

    for (size_t i = 0; i < script->revises.count; i++) {
        const char *name = script->revises.items[i];
        struct graph_name *slot = graph_index_slot(&builder->graph->names, name);

        if (slot->name == NULL || slot->is_label)
            return fail_missing(builder, node, "revises", name, script->revises_line);
        revision_list_add(&node->parents, builder->arena, slot->revision);
    }
    return true;
}

/* An id or label, or the beginning of exactly one. */
static bool resolve_dependency(struct builder *builder, const struct revision *node,
                               const char *name, const struct revision **ret)
{
    struct graph_name *slot = graph_index_slot(&builder->graph->names, name);
    struct graph_matches found = { 0 };
    unsigned line = node->script->depends_on_line;

    *ret = slot->revision;
    if (slot->name != NULL)
        return true;
    graph_match_prefix(builder->graph, str_of(name), builder->arena, &found);
    if (found.revisions.count == 0)
        return fail_missing(builder, node, "depends on", name, line);
    if (found.revisions.count > 1) {
        error_set(builder->err, ERR_REVISION_AMBIGUOUS,
                  "revision \"%s\" depends on \"%s\", with which several begin: %s", node->id, name,
                  str_list_join(&found.names, ", ", builder->arena));
        error_hint(builder->err, "Write the whole id.");
        return fail_at(builder, node->script, line);
    }
    *ret = found.revisions.items[0];
    return true;
}

static bool resolve_dependencies(struct builder *builder, struct revision *node)
{
    const struct str_list *names = &node->script->depends_on;

    for (size_t i = 0; i < names->count; i++) {
        const struct revision *dependency = NULL;

        if (!resolve_dependency(builder, node, names->items[i], &dependency))
            return false;
        if (!revision_list_has(&node->dependencies, dependency))
            revision_list_add(&node->dependencies, builder->arena, dependency);
    }
    return true;
}

static struct revision *node_of(struct builder *builder, const struct revision *revision)
{
    return &builder->graph->nodes[revision->order];
}

static void link_node(struct builder *builder, struct revision *node)
{
    struct revision_list *edges = &builder->edges[node->order];

    for (size_t i = 0; i < node->parents.count; i++) {
        revision_list_add(edges, builder->arena, node->parents.items[i]);
        revision_list_add(&node_of(builder, node->parents.items[i])->children, builder->arena,
                          node);
    }
    for (size_t i = 0; i < node->dependencies.count; i++) {
        if (!revision_list_has(&node->parents, node->dependencies.items[i]))
            revision_list_add(edges, builder->arena, node->dependencies.items[i]);
    }
    for (size_t i = 0; i < edges->count; i++)
        revision_list_add(&node_of(builder, edges->items[i])->dependents, builder->arena, node);
}

static bool add_edges(struct builder *builder)
{
    struct graph *graph = builder->graph;

    builder->edges = arena_array(builder->arena, struct revision_list, graph->count);
    for (size_t i = 0; i < graph->count; i++) {
        if (!resolve_parents(builder, &graph->nodes[i]) ||
            !resolve_dependencies(builder, &graph->nodes[i]))
            return false;
    }
    for (size_t i = 0; i < graph->count; i++)
        link_node(builder, &graph->nodes[i]);
    return true;
}

/* --- order --- */

/* The first of a node's edges that leads to one which could not be ordered. */
static const struct revision *stuck_need(const struct builder *builder, const struct revision *node,
                                         const size_t *waits_for)
{
    const struct revision_list *edges = &builder->edges[node->order];

    for (size_t i = 0; i < edges->count; i++) {
        if (waits_for[edges->items[i]->order] > 0)
            return edges->items[i];
    }
    return NULL;
}

/*
 * Walking down from a stuck node along stuck nodes must come to a node twice: from there it is a
 * cycle, which is told from its first node in script order on.
 */
static const struct revision *find_cycle(const struct builder *builder, const size_t *waits_for)
{
    bool *seen = arena_array(builder->arena, bool, builder->graph->count);
    const struct revision *node = builder->graph->nodes;
    const struct revision *first = NULL;

    while (waits_for[node->order] == 0)
        node++;
    for (; !seen[node->order]; node = stuck_need(builder, node, waits_for))
        seen[node->order] = true;
    first = node;
    for (const struct revision *at = stuck_need(builder, node, waits_for); at != node;
         at = stuck_need(builder, at, waits_for)) {
        if (at->order < first->order)
            first = at;
    }
    return first;
}

static bool fail_cycle(struct builder *builder, const size_t *waits_for)
{
    cleanup(strbuf_release) struct strbuf path = { 0 };
    const struct revision *first = find_cycle(builder, waits_for);
    const struct revision *node = first;
    const struct revision *next = NULL;

    strbuf_init(&path, CYCLE_TEXT_MAX);
    do {
        strbuf_printf(&path, "%s -> ", node->id);
        node = stuck_need(builder, node, waits_for);
    } while (node != first);
    error_set(builder->err, ERR_GRAPH_CYCLE, "revisions form a cycle: %s%s%s", strbuf_text(&path),
              path.is_overflowed ? "... -> " : "", first->id);
    error_hint(builder->err,
               "Each needs the next by Revises or Depends On; correct one of these lines.");
    next = stuck_need(builder, first, waits_for);
    return fail_at(builder, first->script,
                   revision_list_has(&first->parents, next) ? first->script->revises_line
                                                            : first->script->depends_on_line);
}

/* Repeatedly take what waits for nothing; the first in, the first out. */
static bool order_nodes(struct builder *builder)
{
    struct graph *graph = builder->graph;
    size_t *waits_for = arena_array(builder->arena, size_t, graph->count);

    for (size_t i = 0; i < graph->count; i++) {
        waits_for[i] = builder->edges[i].count;
        if (waits_for[i] == 0)
            revision_list_add(&graph->revisions, builder->arena, &graph->nodes[i]);
    }
    for (size_t i = 0; i < graph->revisions.count; i++) {
        struct revision *node = node_of(builder, graph->revisions.items[i]);

        node->index = i;
        for (size_t k = 0; k < node->dependents.count; k++) {
            const struct revision *dependent = node->dependents.items[k];

            if (--waits_for[dependent->order] == 0)
                revision_list_add(&graph->revisions, builder->arena, dependent);
        }
    }
    return graph->revisions.count == graph->count || fail_cycle(builder, waits_for);
}

/* --- what follows from the order --- */

/* Whether an ancestor of `node` by Revises depends on `dependency` too. */
static bool is_implied(struct builder *builder, const struct revision *node,
                       const struct revision *dependency)
{
    struct revision_set *ancestors = &builder->ancestors;
    bool is_shared = false;

    for (size_t i = 0; i < dependency->dependents.count; i++) {
        const struct revision *other = dependency->dependents.items[i];

        is_shared = is_shared || (other->index < node->index &&
                                  revision_list_has(&other->dependencies, dependency));
    }
    if (!is_shared)
        return false;
    if (ancestors->bits == NULL)
        *ancestors = revision_set_new(builder->graph, builder->arena);
    memset(ancestors->bits, 0, ancestors->count);
    revision_set_add_parents(ancestors, node);
    for (size_t i = 0; i < dependency->dependents.count; i++) {
        const struct revision *other = dependency->dependents.items[i];

        if (other != node && revision_set_has(ancestors, other) &&
            revision_list_has(&other->dependencies, dependency))
            return true;
    }
    return false;
}

static void add_needs(struct builder *builder, struct revision *node)
{
    for (size_t i = 0; i < node->parents.count; i++)
        revision_list_add(&node->needs, builder->arena, node->parents.items[i]);
    for (size_t i = 0; i < node->dependencies.count; i++) {
        const struct revision *dependency = node->dependencies.items[i];

        if (!revision_list_has(&node->parents, dependency) &&
            !is_implied(builder, node, dependency))
            revision_list_add(&node->needs, builder->arena, dependency);
    }
}

static void add_flags(struct builder *builder, struct revision *node)
{
    struct graph *graph = builder->graph;

    node->is_head = node->children.count == 0;
    node->is_effective_head = node->dependents.count == 0;
    node->is_base = node->parents.count == 0;
    node->is_branch_point = node->children.count > 1;
    node->is_merge_point = node->parents.count > 1;
    if (node->is_head)
        revision_list_add(&graph->heads, builder->arena, node);
    if (node->is_effective_head)
        revision_list_add(&graph->effective_heads, builder->arena, node);
    if (node->is_base)
        revision_list_add(&graph->bases, builder->arena, node);
}

/* --- labels --- */

static void add_labels(struct builder *builder, struct revision *node,
                       const struct str_list *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (!str_list_has(&node->labels, labels->items[i]))
            str_list_add(&node->labels, builder->arena, labels->items[i]);
    }
}

static bool ends_line(const struct revision *node)
{
    return node->dependents.count > 1 || node->is_merge_point;
}

/* Descendants always inherit; ancestors only when the whole line above them is one line. */
static void spread_labels(struct builder *builder, struct revision *node)
{
    const struct str_list *labels = &node->script->labels;
    struct revision_set descendants = revision_set_new(builder->graph, builder->arena);
    bool is_line = true;

    revision_set_add_children(&descendants, node);
    for (size_t i = node->index; i < builder->graph->count; i++) {
        struct revision *other = node_of(builder, builder->graph->revisions.items[i]);

        if (!revision_set_has(&descendants, other))
            continue;
        add_labels(builder, other, labels);
        is_line = is_line && !ends_line(other);
    }
    while (is_line && node->parents.count == 1) {
        node = node_of(builder, node->parents.items[0]);
        is_line = !ends_line(node);
        if (is_line)
            add_labels(builder, node, labels);
    }
}

bool graph_build(const struct script *const *scripts, size_t count, struct arena *arena,
                 struct graph **ret_graph, struct error *err)
{
    struct builder builder = { .graph = arena_new(arena, struct graph),
                               .arena = arena,
                               .err = err };
    struct graph *graph = builder.graph;

    if (!add_names(&builder, scripts, count) || !add_edges(&builder) || !order_nodes(&builder))
        return false;
    for (size_t i = 0; i < count; i++) {
        add_needs(&builder, &graph->nodes[i]);
        add_flags(&builder, &graph->nodes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (scripts[i]->labels.count > 0)
            spread_labels(&builder, &graph->nodes[i]);
    }
    for (size_t i = 0; i < count; i++)
        str_list_sort(&graph->nodes[i].labels);
    *ret_graph = graph;
    return true;
}

/* --- questions --- */

const struct revision_list *graph_revisions(const struct graph *graph)
{
    return &graph->revisions;
}

const struct revision_list *graph_heads(const struct graph *graph)
{
    return &graph->heads;
}

const struct revision_list *graph_effective_heads(const struct graph *graph)
{
    return &graph->effective_heads;
}

const struct revision_list *graph_bases(const struct graph *graph)
{
    return &graph->bases;
}

const struct revision *graph_find(const struct graph *graph, const char *id)
{
    const struct graph_name *slot = graph_index_slot(&graph->names, id);

    return slot->is_label ? NULL : slot->revision;
}

const struct revision *graph_find_label(const struct graph *graph, const char *label)
{
    const struct graph_name *slot = graph_index_slot(&graph->names, label);

    return slot->is_label ? slot->revision : NULL;
}
