/*
 * plan.h - which revisions to run, in which order, and which version rows each leaves: the way from
 * the version rows to a target.
 *
 * Order and rows are exactly Alembic's (topological sort with its tie rules; HeadMaintainer), so
 * that both tools can alternate on one file. Where Alembic crashes or would leave rows that it
 * later refuses, the rows are those it means: one for each applied revision that no other applied
 * one needs.
 *
 * Pure; safe on any thread. Memory: everything returned lives in the caller's arena and points into
 * the graph.
 */
#pragma once

#include "migrations/graph.h"
#include "migrations/target.h"

enum verb {
    VERB_UPGRADE,
    VERB_DOWNGRADE,
    VERB_STAMP,
    VERB_BACKUP,
};

const char *verb_name(enum verb verb); /* "upgrade", "downgrade", "stamp", "backup" */
/* The verb of a name; false when there is none. */
must_check bool verb_find(const char *name, enum verb *ret);

/* One revision up or down (or stamped: no statement runs). */
struct step {
    const struct revision *revision;
    enum direction direction;
    version_rows rows_before;
    version_rows rows_after;
};

struct plan {
    enum verb verb;
    struct step *steps; /* empty: nothing to do (but see purges) */
    size_t count;
    version_rows rows_before; /* of the whole plan */
    version_rows rows_after;
    bool purges; /* stamp --purge: rows_before may hold unknown revisions, and rows may
                    change without any step */
};

/* Whether a step's script must run outside a transaction and so alone (`Transaction: none`). */
bool step_is_transaction_none(const struct step *step, enum verb verb);
/* Whether any statement of the plan drops, deletes or replaces (statement_summarize). */
bool plan_is_destructive(const struct plan *plan, struct arena *arena);

/*
 * The way up from `rows` to `target`: every needed revision not yet applied.
 *
 * An already reached target gives an empty plan, not an error.
 * Fails  as target_for_upgrade; ERR_DATABASE_REVISION_UNKNOWN (a row no script declares),
 *        ERR_VERSION_ROWS_OVERLAP (a row is an ancestor of another).
 */
must_check bool plan_upgrade(const struct graph *graph, const version_rows *rows,
                             const char *target, struct arena *arena, struct plan **ret_plan,
                             struct error *err);

/*
 * The way down: every applied descendant of the target, dependants included.
 *
 * Fails  as target_for_downgrade; ERR_DATABASE_REVISION_UNKNOWN; ERR_TARGET_INVALID for "not a
 *        valid downgrade target from current head(s)"; ERR_IRREVERSIBLE (names the revision and
 *        why).
 */
must_check bool plan_downgrade(const struct graph *graph, const version_rows *rows,
                               const char *target, struct arena *arena, struct plan **ret_plan,
                               struct error *err);

/* What to stamp. */
struct stamp_options {
    struct str_list targets; /* at least one: what target_revisions takes, but current and relative
                                ones; base alone */
    bool purge; /* forget all rows first (they may be unknown); targets are resolved before */
};

/*
 * Version rows as if the targets had been run, without running anything. Steps say for each target
 * which rows change. A target takes the place of the rows on its lines (ancestors and descendants,
 * also by Depends On) and leaves others alone; base and <branch>@base remove rows.
 *
 * Fails    as target_revisions; ERR_TARGET_INVALID also for targets one of which needs another;
 *          ERR_DATABASE_REVISION_UNKNOWN.
 */
must_check bool plan_stamp(const struct graph *graph, const version_rows *rows,
                           const struct stamp_options *options, struct arena *arena,
                           struct plan **ret_plan, struct error *err);
