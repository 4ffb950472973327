/*
 * graph.h - the revisions and how they stand to each other: Alembic's revision map.
 *
 * Two kinds of edge lead down: `Revises` (parents) and `Depends On` (dependencies). A head has no
 * child by Revises; an effective head (Alembic's "real head") additionally has no dependent. Branch
 * labels propagate as in Alembic: to all descendants, and to ancestors up to a branch point, merge
 * point or base, as long as nothing branches or merges above the label either.
 *
 * Pure; a graph is immutable once built and may be read by several threads. Memory: the caller's
 * arena; scripts must outlive the graph.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "migrations/script.h"

#include <stdbool.h>

struct revision_list {
    const struct revision **items;
    size_t count;
    size_t capacity;
};

/*
 * A node. Plain value; lists are in script order (sorted path order of the files), which makes
 * every output deterministic; parents and dependencies are in the order in which the script names
 * them.
 */
struct revision {
    const struct script *script;
    const char *id;
    size_t index;                      /* position in graph_revisions(), a topological order:
                                          parents and dependencies first */
    size_t order;                      /* position of its script: decides ties */
    struct revision_list parents;      /* Revises */
    struct revision_list dependencies; /* Depends On, resolved */
    struct revision_list needs;        /* parents, and the dependencies no ancestor already has:
                                          Alembic's normalized down revisions */
    struct revision_list children;     /* by Revises */
    struct revision_list dependents;   /* by Revises or Depends On */
    struct str_list labels;            /* own and propagated, sorted */
    bool is_head;                      /* no children */
    bool is_effective_head;            /* no dependents */
    bool is_base;                      /* no parents */
    bool is_branch_point;              /* more than one child */
    bool is_merge_point;               /* more than one parent */
};

struct graph;

/*
 * Build the graph of `scripts`, which are in the order that decides ties (sorted paths).
 *
 * Fails, each naming files and lines: ERR_REVISION_DUPLICATE (both files), ERR_LABEL_DUPLICATE
 * (label
 *       twice, or equal to an id), ERR_PARENT_MISSING (the missing id and the file that names it; a
 *       missing dependency too), ERR_REVISION_AMBIGUOUS (a dependency that is the beginning of
 *       several ids), ERR_GRAPH_CYCLE (as a path "a -> b -> a"; self loops and dependency cycles
 *       too).
 */
must_check bool graph_build(const struct script *const *scripts, size_t count, struct arena *arena,
                            struct graph **ret_graph, struct error *err);

/*
 * All revisions, parents and dependencies before those who need them. Lives as long as the graph.
 */
const struct revision_list *graph_revisions(const struct graph *graph);
/* Heads and effective heads and bases, in script order. */
const struct revision_list *graph_heads(const struct graph *graph);
const struct revision_list *graph_effective_heads(const struct graph *graph);
const struct revision_list *graph_bases(const struct graph *graph);

/* The revision with exactly this id; NULL when there is none. Labels are not looked at. */
const struct revision *graph_find(const struct graph *graph, const char *id);
/* The revision that declares this branch label; NULL when none does. */
const struct revision *graph_find_label(const struct graph *graph, const char *label);

/* Sets of revisions, for the planner. In the arena. */
struct revision_set {
    unsigned char *bits; /* one byte a revision, by index */
    size_t count;        /* of revisions in the graph */
    const struct graph *graph;
};

/* An empty set. */
struct revision_set revision_set_new(const struct graph *graph, struct arena *arena);
bool revision_set_has(const struct revision_set *set, const struct revision *revision);
void revision_set_add(struct revision_set *set, const struct revision *revision);
/* Add a revision and everything it needs (parents and dependencies, transitively). */
void revision_set_add_ancestors(struct revision_set *set, const struct revision *revision);
/* Add a revision and everything that needs it (transitively). */
void revision_set_add_descendants(struct revision_set *set, const struct revision *revision);
/* Add a revision and its ancestors, or its descendants, by Revises alone. */
void revision_set_add_parents(struct revision_set *set, const struct revision *revision);
void revision_set_add_children(struct revision_set *set, const struct revision *revision);
/* Add what members need, or what needs a member (transitively), in one sweep. */
void revision_set_close_down(struct revision_set *set);
void revision_set_close_up(struct revision_set *set);

/* Append; in the arena. */
void revision_list_add(struct revision_list *list, struct arena *arena,
                       const struct revision *revision);
bool revision_list_has(const struct revision_list *list, const struct revision *revision);
