/*
 * planner.h - a plan under construction. Internal to migrations/.
 */
#pragma once

#include "migrations/plan.h"
#include "migrations/resolve.h"

struct planner {
    struct resolver resolver; /* rows: sorted, none twice */
    struct plan *plan;
    size_t capacity;
    version_rows rows; /* after the steps so far */
    struct revision_list row_revisions;
};

/* Rows as they should be: sorted, none twice. In the arena. */
version_rows *version_rows_normalize(const version_rows *rows, struct arena *arena);

/* The rows without those in `removed`, with those in `added`. In the arena. */
version_rows version_rows_change(const version_rows *rows, const struct revision_list *removed,
                                 const struct revision_list *added, struct arena *arena);

/* Begin a plan for resolver->rows, which are made normal. */
void planner_init(struct planner *planner, enum verb verb, const struct resolver *resolver);

/* Put a step behind the others, that changes rows so. */
void planner_add(struct planner *planner, const struct revision *revision, enum direction direction,
                 const struct revision_list *removed, const struct revision_list *added);

/* The finished plan. */
struct plan *planner_finish(struct planner *planner);
