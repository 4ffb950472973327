/*
 * preview.h - what a request would do, seen from the published snapshot. Pure.
 */
#pragma once

#include "api/backend.h"

/* Why there is no picture to plan on or to check: its scripts or version rows are not known. NULL
 * when they are. */
const struct error *preview_problem(const struct snapshot *snapshot);

/*
 * The plan of a request against the snapshot's graph and version rows.
 *
 * ret_plan  in the arena; points into the snapshot's graph.
 * Fails     as engine_plan_rows; the snapshot's problem when graph or rows are not known.
 */
must_check bool preview_plan(const struct snapshot *snapshot, const struct run_request *request,
                             struct arena *arena, struct plan **ret_plan, struct error *err);

/* Where a request leads, for people: "c7f8a9b0d1e2", "base"; the target as asked when that cannot
 * be known; "" for a backup. In the arena. */
const char *preview_goal(const struct snapshot *snapshot, const struct run_request *request,
                         struct arena *arena);
