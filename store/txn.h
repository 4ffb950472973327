/*
 * txn.h - a transaction that rolls back when its scope ends, unless it was committed. Internal to
 * store/.
 */
#pragma once

#include "store/sqlite.h"

struct txn {
    struct db *db; /* NULL: nothing is open */
};

enum txn_kind {
    TXN_READ,  /* one committed state for several statements */
    TXN_WRITE, /* BEGIN IMMEDIATE: the write lock first, so that SQLITE_BUSY_SNAPSHOT cannot be */
};

/* Begin; inside a transaction already, it joins that one and ends nothing. Fails as db_error. */
must_check bool txn_begin(struct db *db, enum txn_kind kind, struct txn *ret, struct error *err);

/* Fails as db_error; the transaction is rolled back then. */
must_check bool txn_commit(struct txn *txn, struct error *err);

/* Does nothing after txn_commit, or when SQLite rolled back by itself. */
void txn_rollback(struct txn *txn);
#define cleanup_txn cleanup(txn_rollback)
