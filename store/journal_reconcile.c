/*
 * journal_reconcile.c - holding the journal against the database's version rows, which are the
 * truth.
 *
 * An unfinished run is settled by the rows that followed it: those of its plan's end (it succeeded,
 * only the outcome is missing), those of a step in between (transaction=revision), or anything else
 * (interrupted). Rows that differ from the last known ones were moved by somebody else. Only runs
 * with an intent (rows_planned) looked at the database under the lock: rows of others are no
 * knowledge.
 */
#include "base/clock.h"
#include "base/digest.h"
#include "store/journal_db.h"
#include "store/stmt.h"
#include "store/txn.h"

#include <string.h>

/* An intent without an outcome. */
struct open_run {
    int64_t number;
    const char *rows_before;
    const char *rows_planned;
    const char *rows_next; /* as the next run found them; NULL for the last: the database's */
};

static bool find_open_run(struct journal *journal, struct arena *arena, struct open_run *ret,
                          bool *ret_found, struct error *err)
{
    static const char sql_open_run[] =
        "SELECT number, rows_before, rows_planned,\n"
        "       (SELECT n.rows_before FROM runs AS n\n"
        "        WHERE n.number > r.number AND n.rows_planned IS NOT NULL\n"
        "        ORDER BY n.number LIMIT 1)\n"
        "FROM runs AS r\n"
        "WHERE outcome = 'unfinished'\n"
        "ORDER BY number\n"
        "LIMIT 1";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_open_run, &stmt, err) || !stmt_step(&stmt, ret_found, err))
        return false;
    if (*ret_found) {
        *ret = (struct open_run){
            .number = stmt_i64(&stmt, 0),
            .rows_before = stmt_text(&stmt, 1, arena),
            .rows_planned = stmt_text(&stmt, 2, arena),
            .rows_next = stmt_text(&stmt, 3, arena),
        };
    }
    return true;
}

/*
 * How many steps are in the database: up to the one that leaves exactly these rows; -1 when none
 * does.
 */
static bool find_last_step(struct journal *journal, const struct open_run *run, const char *rows,
                           int64_t *ret, struct error *err)
{
    static const char sql_last_step[] = "SELECT max(position)\n"
                                        "FROM run_steps\n"
                                        "WHERE run_number = :number AND rows_after = :rows\n"
                                        "HAVING count(*) > 0";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    *ret = -1;
    if (!stmt_prepare(journal->db, sql_last_step, &stmt, err))
        return false;
    stmt_bind_i64(&stmt, ":number", run->number);
    stmt_bind_text(&stmt, ":rows", rows);
    if (!stmt_step(&stmt, &has_row, err))
        return false;
    if (has_row)
        *ret = stmt_i64(&stmt, 0);
    return true;
}

static bool mark_steps(struct journal *journal, const struct open_run *run, int64_t last,
                       struct error *err)
{
    static const char sql_mark[] = "UPDATE run_steps\n"
                                   "SET is_done = 1\n"
                                   "WHERE run_number = :number AND position <= :last";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_mark, &stmt, err))
        return false;
    stmt_bind_i64(&stmt, ":number", run->number);
    stmt_bind_i64(&stmt, ":last", last);
    return stmt_run(&stmt, err);
}

static bool write_settlement(struct journal *journal, const struct open_run *run, const char *rows,
                             const struct error *error, struct error *err)
{
    static const char sql_settle[] = "UPDATE runs\n"
                                     "SET outcome = :outcome,\n"
                                     "    rows_after = :rows,\n"
                                     "    error_code = :error_code,\n"
                                     "    error_detail = :error_detail,\n"
                                     "    error_hint = :error_hint\n"
                                     "WHERE number = :number";
    cleanup_stmt struct stmt stmt = { 0 };
    bool is_interrupted = error->code != ERR_OK;

    if (!stmt_prepare(journal->db, sql_settle, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":outcome",
                   run_outcome_name(is_interrupted ? RUN_INTERRUPTED : RUN_SUCCEEDED));
    stmt_bind_text(&stmt, ":rows", rows);
    stmt_bind_text(&stmt, ":error_code", is_interrupted ? error_slug(error->code) : NULL);
    stmt_bind_text(&stmt, ":error_detail", error->detail);
    stmt_bind_text(&stmt, ":error_hint", error->hint);
    stmt_bind_i64(&stmt, ":number", run->number);
    return stmt_run(&stmt, err);
}

static bool count_steps(struct journal *journal, const struct open_run *run, int64_t *ret,
                        struct error *err)
{
    static const char sql_count[] = "SELECT count(*)\n"
                                    "FROM run_steps\n"
                                    "WHERE run_number = :number";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(journal->db, sql_count, &stmt, err))
        return false;
    stmt_bind_i64(&stmt, ":number", run->number);
    if (!stmt_step(&stmt, &has_row, err))
        return false;
    *ret = stmt_i64(&stmt, 0);
    return true;
}

/* What the database says about a run that was cut off; `last` is its last step that is in there. */
static bool tell_interruption(struct journal *journal, const struct open_run *run, const char *rows,
                              int64_t last, struct error *error, struct error *err)
{
    static const char what[] = "the process ended before the run did; the database is at";
    cleanup(arena_release) struct arena arena = { 0 };
    const char *place = journal_rows_say(rows, &arena);
    int64_t count = 0;

    if (last >= 0) {
        if (!count_steps(journal, run, &count, err))
            return false;
        error_set(error, ERR_INTERRUPTED, "%s %s, after %lld of %lld steps", what, place,
                  (long long) last + 1, (long long) count);
        error_hint(error, "Run it again, with the revision where it should end: it goes on from "
                          "there.");
    } else if (strcmp(rows, run->rows_before) == 0) {
        error_set(error, ERR_INTERRUPTED, "%s %s, as before it", what, place);
        error_hint(error, "Run it again.");
    } else {
        error_set(error, ERR_INTERRUPTED, "%s %s, where no step of it leads", what, place);
        error_hint(error, "Find out who moved it, then run it again.");
    }
    return true;
}

/* A run that planned no change (a backup) cannot be told from one that never began: interrupted. */
static bool settle(struct journal *journal, const struct open_run *run, const char *rows,
                   struct error *err)
{
    bool is_changed = run->rows_planned != NULL && strcmp(run->rows_planned, run->rows_before) != 0;
    bool is_finished = is_changed && strcmp(rows, run->rows_planned) == 0;
    struct error interruption = { 0 };
    int64_t last = -1;

    if (is_finished)
        last = INT64_MAX;
    else if (is_changed && !find_last_step(journal, run, rows, &last, err))
        return false;
    if (!mark_steps(journal, run, last, err) ||
        (!is_finished && !tell_interruption(journal, run, rows, last, &interruption, err)))
        return false;
    /* Rows of nobody's making are the next look's business: this run left what it found. */
    return write_settlement(journal, run, last >= 0 ? rows : run->rows_before, &interruption, err);
}

static bool settle_all(struct journal *journal, const char *rows, struct arena *arena,
                       unsigned *settled, struct error *err)
{
    struct open_run run = { 0 };
    bool is_found = true;

    while (is_found) {
        if (!find_open_run(journal, arena, &run, &is_found, err))
            return false;
        if (is_found && !settle(journal, &run, run.rows_next == NULL ? rows : run.rows_next, err))
            return false;
        *settled += is_found ? 1 : 0;
    }
    return true;
}

/* The rows that the last run left which looked at the database; NULL when there is none. */
static bool read_known_rows(struct journal *journal, struct arena *arena, const char **ret,
                            struct error *err)
{
    static const char sql_known_rows[] =
        "SELECT rows_after\n"
        "FROM runs\n"
        "WHERE rows_planned IS NOT NULL AND rows_after IS NOT NULL\n"
        "ORDER BY number DESC\n"
        "LIMIT 1";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(journal->db, sql_known_rows, &stmt, err) || !stmt_step(&stmt, &has_row, err))
        return false;
    *ret = has_row ? stmt_text(&stmt, 0, arena) : NULL;
    return true;
}

static bool write_external(struct journal *journal, const char *known, const char *rows,
                           struct error *err)
{
    static const char sql_external[] =
        "INSERT INTO runs (id, verb, actor, reason, rows_before, rows_planned, rows_after, "
        "outcome, started_us)\n"
        "VALUES (:id, 'stamp', 'unknown', 'another program moved the version rows', :known, :rows, "
        ":rows, :outcome, :now_us)";
    cleanup_stmt struct stmt stmt = { 0 };
    char id[RUN_ID_SIZE];

    digest_random_hex(id, RUN_ID_SIZE - 1);
    if (!stmt_prepare(journal->db, sql_external, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":id", id);
    stmt_bind_text(&stmt, ":known", known);
    stmt_bind_text(&stmt, ":rows", rows);
    stmt_bind_text(&stmt, ":outcome", run_outcome_name(RUN_APPLIED_EXTERNALLY));
    stmt_bind_i64(&stmt, ":now_us", clock_wall_us());
    return stmt_run(&stmt, err);
}

static bool reconcile(struct journal *journal, const version_rows *rows, unsigned *ret_settled,
                      struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    cleanup_txn struct txn txn = { 0 };
    const char *text = journal_rows_format(rows, &arena);
    const char *known = NULL;
    unsigned settled = 0;

    if (!txn_begin(journal->db, TXN_WRITE, &txn, err) ||
        !settle_all(journal, text, &arena, &settled, err) ||
        !read_known_rows(journal, &arena, &known, err))
        return false;
    if (known != NULL && strcmp(known, text) != 0) {
        if (!write_external(journal, known, text, err))
            return false;
        settled++;
    }
    *ret_settled = settled;
    return txn_commit(&txn, err);
}

bool journal_reconcile(struct journal *journal, const version_rows *rows, unsigned *ret_settled,
                       struct error *err)
{
    return reconcile(journal, rows, ret_settled, err) || journal_error(err);
}
