/*
 * current.h - where a database stands: its version rows held against the graph.
 *
 * Pure. Memory: the caller's arena; points into the graph.
 */
#pragma once

#include "migrations/graph.h"
#include "migrations/target.h"

enum verdict {
    VERDICT_EMPTY,    /* no version row: nothing was applied yet */
    VERDICT_EQUAL,    /* at every effective head */
    VERDICT_BEHIND,   /* on the graph, with revisions still to apply */
    VERDICT_AHEAD,    /* only unknown rows: written by newer scripts */
    VERDICT_DIVERGED, /* some rows known, some not, or overlapping rows */
    VERDICT_UNKNOWN,  /* the database or the scripts could not be read; never current_of's */
};

const char *verdict_name(enum verdict verdict); /* "empty", "equal", "behind", ... */

/* Where the database is. Plain value. */
struct current {
    enum verdict verdict;
    version_rows rows;              /* as in the database */
    version_rows unknown;           /* rows that no script declares */
    struct revision_list revisions; /* what `alembic current` lists: known rows and heads implied by
                                       depends_on, collapsed, sorted by id */
    struct revision_list heads;     /* the graph's heads */
    size_t pending;                 /* revisions that `upgrade heads` would run; 0 when rows are
                                       unknown */
    bool has_version_table;         /* set by the caller */
};

/* Never fails: whatever the rows are, there is a verdict. */
struct current current_of(const struct graph *graph, const version_rows *rows, struct arena *arena);
