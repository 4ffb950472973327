/*
 * txn.c - BEGIN, COMMIT and ROLLBACK of our own transactions.
 */
#include "store/txn.h"

#include "store/stmt.h"

bool txn_begin(struct db *db, enum txn_kind kind, struct txn *ret, struct error *err)
{
    *ret = (struct txn){ 0 };
    if (!db_is_autocommit(db))
        return true;
    if (!db_exec(db, kind == TXN_WRITE ? "BEGIN IMMEDIATE" : "BEGIN", err))
        return false;
    ret->db = db;
    return true;
}

bool txn_commit(struct txn *txn, struct error *err)
{
    if (txn->db == NULL)
        return true;
    if (!db_exec(txn->db, "COMMIT", err)) {
        txn_rollback(txn);
        return false;
    }
    txn->db = NULL;
    return true;
}

void txn_rollback(struct txn *txn)
{
    struct error ignored = { 0 };

    if (txn->db != NULL && !db_is_autocommit(txn->db))
        (void) !db_exec(txn->db, "ROLLBACK", &ignored);
    txn->db = NULL;
}
