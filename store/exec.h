/*
 * exec.h - one statement of a script: prepared under the guard, run to its end, its failure told
 * with script, line and column. Internal to store/.
 */
#pragma once

#include "migrations/script.h"
#include "store/guard.h"
#include "store/watch.h"

struct exec {
    struct db *db;
    struct guard *guard;
    struct watch *watch;
    const struct script *script; /* the statement's */
};

/*
 * Run one statement; its rows are discarded. It is in the transaction that is open when this is
 * called, and that must still be open afterwards.
 *
 * Fails ERR_STATEMENT_REFUSED (guard, parameters, EXPLAIN, several statements in one),
 *       ERR_TRANSACTION_ENDED, ERR_CANCELLED, ERR_STATEMENT_FAILED, and as db_error; each with
 *       revision, file, line, column and statement.
 */
must_check bool exec_statement(const struct exec *exec, const struct statement *statement,
                               struct error *err);
