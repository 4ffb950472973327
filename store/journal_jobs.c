/*
 * journal_jobs.c - jobs that were accepted: their keys, and what becomes of those that never began.
 *
 * A row stays while its job has no run, and as long as its key is remembered. The run takes over
 * when it was queued, so that nothing is lost with the row.
 */
#include "store/journal_db.h"
#include "store/stmt.h"
#include "store/txn.h"

#include <stdio.h>

bool journal_key_find(struct journal *journal, const struct registered_job *asked, int64_t since_us,
                      char *ret_id, struct error *err)
{
    static const char sql_key[] = "SELECT id, fingerprint = :fingerprint\n"
                                  "FROM jobs\n"
                                  "WHERE actor = :actor AND idempotency_key = :key\n"
                                  "  AND queued_us >= :since_us";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(journal->db, sql_key, &stmt, err))
        return journal_error(err);
    stmt_bind_bytes(&stmt, ":fingerprint", asked->fingerprint, sizeof(asked->fingerprint));
    stmt_bind_text(&stmt, ":actor", asked->actor);
    stmt_bind_text(&stmt, ":key", asked->key);
    stmt_bind_i64(&stmt, ":since_us", since_us);
    if (!stmt_step(&stmt, &has_row, err))
        return journal_error(err);
    snprintf(ret_id, RUN_ID_SIZE, "%s",
             has_row ? (const char *) sqlite3_column_text(stmt.handle, 0) : "");
    if (!has_row || stmt_i64(&stmt, 1) != 0)
        return true;
    error_set(err, ERR_IDEMPOTENCY_KEY_REUSED,
              "idempotency key \"%s\" was used for another request", asked->key);
    return error_hint(err, "That request was job %s. Send this one with a key of its own.", ret_id);
}

/* A run needs its job's row no longer; a job that still waits after so long loses its key only. */
static bool forget_keys(struct journal *journal, int64_t since_us, struct error *err)
{
    static const char *const sql_forget[] = {
        "DELETE FROM jobs\n"
        "WHERE queued_us < :since_us\n"
        "  AND EXISTS (SELECT 1 FROM runs WHERE runs.id = jobs.id)",
        "UPDATE jobs\n"
        "SET idempotency_key = NULL, fingerprint = NULL\n"
        "WHERE queued_us < :since_us",
    };

    for (size_t i = 0; i < ARRAY_SIZE(sql_forget); i++) {
        cleanup_stmt struct stmt stmt = { 0 };

        if (!stmt_prepare(journal->db, sql_forget[i], &stmt, err))
            return false;
        stmt_bind_i64(&stmt, ":since_us", since_us);
        if (!stmt_run(&stmt, err))
            return false;
    }
    return true;
}

static bool insert_job(struct journal *journal, const struct registered_job *job, struct error *err)
{
    static const char sql_insert[] =
        "INSERT INTO jobs (id, verb, target, actor, reason, idempotency_key, fingerprint, "
        "queued_us)\n"
        "VALUES (:id, :verb, :target, :actor, :reason, :key, :fingerprint, :queued_us)";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_insert, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":id", job->id);
    stmt_bind_text(&stmt, ":verb", verb_name(job->verb));
    stmt_bind_text(&stmt, ":target", job->target);
    stmt_bind_text(&stmt, ":actor", job->actor);
    stmt_bind_text(&stmt, ":reason", job->reason);
    stmt_bind_text(&stmt, ":key", job->key);
    stmt_bind_bytes(&stmt, ":fingerprint", job->key == NULL ? NULL : job->fingerprint,
                    sizeof(job->fingerprint));
    stmt_bind_i64(&stmt, ":queued_us", job->queued_us);
    return stmt_run(&stmt, err);
}

bool journal_job_add(struct journal *journal, const struct registered_job *job, int64_t since_us,
                     struct error *err)
{
    cleanup_txn struct txn txn = { 0 };

    return (txn_begin(journal->db, TXN_WRITE, &txn, err) && forget_keys(journal, since_us, err) &&
            insert_job(journal, job, err) && txn_commit(&txn, err)) ||
           journal_error(err);
}

bool journal_job_remove(struct journal *journal, const char *id, struct error *err)
{
    static const char sql_remove[] = "DELETE FROM jobs\n"
                                     "WHERE id = :id";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_remove, &stmt, err))
        return journal_error(err);
    stmt_bind_text(&stmt, ":id", id);
    return stmt_run(&stmt, err) || journal_error(err);
}

bool journal_jobs_settle(struct journal *journal, const version_rows *rows, unsigned *ret_settled,
                         struct error *err)
{
    static const char sql_settle[] =
        "INSERT INTO runs (id, verb, target, actor, reason, rows_before, rows_after, outcome, "
        "started_us, queued_us, error_code, error_detail, error_hint)\n"
        "SELECT id, verb, target, actor, reason, :rows, :rows, :outcome, queued_us, queued_us, "
        ":error_code, :error_detail, :error_hint\n"
        "FROM jobs\n"
        "WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = jobs.id)\n"
        "ORDER BY queued_us, rowid";
    cleanup(arena_release) struct arena arena = { 0 };
    cleanup_stmt struct stmt stmt = { 0 };
    const char *text = rows == NULL ? "" : journal_rows_format(rows, &arena);
    const char *place =
        rows == NULL ? ""
                     : arena_printf(&arena, "; database is at %s", journal_rows_say(text, &arena));

    if (!stmt_prepare(journal->db, sql_settle, &stmt, err))
        return journal_error(err);
    stmt_bind_text(&stmt, ":rows", text);
    stmt_bind_text(&stmt, ":outcome", run_outcome_name(RUN_INTERRUPTED));
    stmt_bind_text(&stmt, ":error_code", error_slug(ERR_INTERRUPTED));
    stmt_bind_text(&stmt, ":error_detail",
                   arena_printf(&arena, "daemon ended before the job began; nothing was run%s",
                                place));
    stmt_bind_text(&stmt, ":error_hint", "Run it again.");
    if (!stmt_run(&stmt, err))
        return journal_error(err);
    *ret_settled = (unsigned) sqlite3_changes(journal->db->handle);
    return true;
}

bool journal_queued_us(struct journal *journal, const char *id, int64_t *ret, struct error *err)
{
    static const char sql_queued[] = "SELECT queued_us FROM jobs WHERE id = :id\n"
                                     "UNION ALL\n"
                                     "SELECT queued_us FROM runs WHERE id = :id";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(journal->db, sql_queued, &stmt, err))
        return journal_error(err);
    stmt_bind_text(&stmt, ":id", id);
    if (!stmt_step(&stmt, &has_row, err))
        return journal_error(err);
    *ret = has_row ? stmt_i64(&stmt, 0) : 0;
    return true;
}
