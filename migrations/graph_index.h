/*
 * graph_index.h - the inside of a graph: its nodes, and ids and branch labels by name. Internal to
 * migrations/.
 *
 * Ids and labels share one namespace, as in Alembic.
 */
#pragma once

#include "migrations/graph.h"

struct graph_name {
    const char *name; /* NULL: free */
    struct revision *revision;
    bool is_label;
};

/* A hash table with open addressing, at most half full. */
struct graph_index {
    struct graph_name *slots;
    size_t slot_count; /* a power of two */
};

struct graph {
    struct revision *nodes; /* in script order */
    size_t count;
    struct graph_index names;
    struct revision_list revisions; /* in topological order */
    struct revision_list heads;
    struct revision_list effective_heads;
    struct revision_list bases;
};

/* Room for `count` names. */
void graph_index_init(struct graph_index *index, size_t count, struct arena *arena);

/* The slot of a name: a free one (name NULL) when it is not there. */
struct graph_name *graph_index_slot(const struct graph_index *index, const char *name);

/* Names, and whom each stands for. */
struct graph_matches {
    struct str_list names;
    struct revision_list revisions;
};

/*
 * Ids and labels that begin with `prefix`, in script order, in the arena. As in Alembic, names of
 * up to three characters cannot be abbreviated.
 */
void graph_match_prefix(const struct graph *graph, struct str prefix, struct arena *arena,
                        struct graph_matches *ret);

/* Ids and labels that `name` may be a slip for (nearest_find); in the arena. */
struct str_list graph_names_near(const struct graph *graph, struct str name, struct arena *arena);

/*
 * Add the hint "Did you mean ...?" when an id or label is near enough to `name`, else `otherwise`.
 */
void graph_hint_nearest(const struct graph *graph, struct str name, const char *otherwise,
                        struct arena *arena, struct error *err);
