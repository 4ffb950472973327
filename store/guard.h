/*
 * guard.h - what a script's statements may not do: SQLite's authorizer, with reasons in words.
 * Internal to store/.
 *
 * The run owns the transaction, the version table and the connection's settings; a script that ends
 * the transaction, writes the version table, reaches other files or changes durability is refused
 * while its statement is prepared, before anything ran. What the authorizer cannot see (INSERT OR
 * ROLLBACK, RAISE(ROLLBACK)) is found by exec.c. Damage through sqlite_schema and shadow tables is
 * stopped by SQLITE_DBCONFIG_DEFENSIVE (db.c).
 *
 * Not used: trusted_schema = 0, which on SQLite 3.40 breaks every JSON function in indexes, views,
 * generated columns and triggers.
 */
#pragma once

#include "store/sqlite.h"

struct guard {
    const char *version_table;
    bool is_on;        /* off for our own statements */
    bool is_preparing; /* inside sqlite3_prepare; what comes later is SQLite's own (VACUUM) */
    bool outside_transaction; /* the script says Transaction: none */
    char reason[200];         /* of the last refusal; empty when nothing was refused */
    char hint[256];
};

/* Ask the guard about every statement of this connection from now on; `guard` must outlive it. */
void guard_install(struct guard *guard, struct db *db);

/* What pragma.c says of a pragma in a script. */
struct pragma_verdict {
    bool is_allowed;
    const char *hint; /* NULL for the general one */
};

/*
 * Whether a script may say `PRAGMA name = argument` (or `name(argument)`).
 *
 * argument  NULL when there is none.
 */
struct pragma_verdict pragma_judge(const char *name, const char *argument,
                                   bool outside_transaction);
