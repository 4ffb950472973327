/*
 * offline_sql.h - a plan as a script for the sqlite3 shell: `upgrade --sql`, `downgrade --sql`,
 * `stamp --sql`.
 *
 * Unlike Alembic's, the script is a run: it stops at the first error (.bail on), checks in every
 * transaction that the database is where the plan begins and at its end that no row lost its
 * parent, switches foreign keys as the run does, and writes the version rows with the schema. What
 * a script cannot do is left to a run: backup, loss guard, journal.
 *
 * Pure. Memory: the caller's arena.
 */
#pragma once

#include "migrations/plan.h"
#include "migrations/run.h"

/* What `--sql` is asked for. */
struct offline_request {
    enum verb verb;           /* upgrade, downgrade or stamp */
    const char *range;        /* "b" or "a:b": from a, or from base, to b */
    const version_rows *rows; /* of a database that is there, for the word current; NULL: none is */
};

/*
 * Its plan, for a database that is thought to be at a.
 *
 * What a can be says target_revisions; b is a target of the verb, relative ones counting from a. A
 * downgrade needs both.
 *
 * Fails  ERR_TARGET_INVALID (no range where one is needed, several colons, an end that is missing),
 *        and as target_revisions and plan_upgrade, plan_downgrade, plan_stamp.
 */
must_check bool offline_plan(const struct graph *graph, const struct offline_request *request,
                             struct arena *arena, struct plan **ret_plan, struct error *err);

struct offline_options {
    const char *version_table; /* NULL: alembic_version */
    enum transaction_mode transaction;
};

/*
 * The script; a plan without anything to do gives comments only.
 *
 * plan   not one that purges: what it forgets cannot be checked.
 * Fails  ERR_SCRIPT_INVALID, with its place: a string with a CR LF inside, which the shell reads
 *        as LF.
 */
must_check bool offline_sql(const struct plan *plan, const struct offline_options *options,
                            struct arena *arena, const char **ret, struct error *err);
