/*
 * runner.h - running a plan: one transaction around every statement of every step, guarded, or
 * nothing.
 *
 * This file's .c is where the guarantee G1 is made: BEGIN IMMEDIATE, version rows checked again,
 * each statement under the authorizer, foreign keys and losses checked, COMMIT with the synchronous
 * setting that survives power loss, version rows read back when COMMIT reports an error. The caller
 * holds the schema lock.
 */
#pragma once

#include "migrations/run.h"
#include "store/db.h"

struct runner_options {
    const char *version_table;
    enum transaction_mode transaction;
    uint32_t busy_timeout_ms;      /* how long to wait for SQLite's locks */
    uint32_t timeout_ms;           /* 0: none */
    bool allows_loss;              /* do not fail with ERR_LOSS_UNANNOUNCED */
    const struct run_hooks *hooks; /* or NULL */
    unsigned permille_from;        /* the part of the whole run's progress that is the runner's: */
    unsigned permille_to;          /* 0: 1000 */
};

/* What was done; filled on failure too. In the arena. */
struct runner_result {
    struct step_report *steps; /* committed ones only */
    size_t step_count;
    version_rows rows_after; /* as in the database now */
    bool is_outcome_known;   /* false only with ERR_COMMIT_UNKNOWN */
};

/*
 * Run `plan` on the database at `path` with a connection of its own.
 *
 * With TRANSACTION_RUN everything or nothing; with TRANSACTION_REVISION every step by itself; a
 * step whose script says Transaction: none runs alone outside a transaction, its version rows right
 * after it. The version table is made when it is missing, by a plan without steps, too.
 *
 * ret_result  always valid afterwards.
 * Fails   ERR_DATABASE_CHANGED (rows are not plan->rows_before any more), ERR_STATEMENT_FAILED and
 *         ERR_STATEMENT_REFUSED (script, line, column, statement, SQLite's words),
 *         ERR_TRANSACTION_ENDED, ERR_FOREIGN_KEYS_VIOLATED (which rows), ERR_LOSS_UNANNOUNCED (the
 *         list), ERR_NOT_EMPTY, ERR_CANCELLED, ERR_DATABASE_BUSY, ERR_SPACE_SHORT (SQLITE_FULL),
 *         ERR_IO, ERR_COMMIT_UNKNOWN. Unless the last, the database is as rows_after says.
 */
must_check bool runner_run(const char *path, const struct plan *plan,
                           const struct runner_options *options, struct arena *arena,
                           struct runner_result *ret_result, struct error *err);
