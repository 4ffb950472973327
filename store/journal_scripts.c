/*
 * journal_scripts.c - which scripts were applied, and their text.
 *
 * A script counts as it was when a run last applied or stamped its revision; what a later run only
 * planned, or took down, is not looked at.
 */
#include "store/journal_db.h"
#include "store/stmt.h"
#include "store/txn.h"

#define APPLIED_STEPS  \
    "run_steps AS s\n" \
    "WHERE s.direction = 'up' AND s.is_done AND s.script_sha256 IS NOT NULL\n"

bool journal_script_digest(struct journal *journal, const char *revision, struct arena *arena,
                           const char **ret, struct error *err)
{
    static const char sql_digest[] = "SELECT s.script_sha256\n"
                                     "FROM " APPLIED_STEPS "  AND s.revision = :revision\n"
                                     "ORDER BY s.run_number DESC, s.position DESC\n"
                                     "LIMIT 1";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(journal->db, sql_digest, &stmt, err))
        return journal_error(err);
    stmt_bind_text(&stmt, ":revision", revision);
    if (!stmt_step(&stmt, &has_row, err))
        return journal_error(err);
    *ret = has_row ? stmt_text(&stmt, 0, arena) : NULL;
    return true;
}

/*
 * A bare column beside max() is of the row that has the maximum (sqlite.org/lang_select.html). A
 * run that moved the rows by a stamp, or found them moved, knows nothing of what it passed: steps
 * before it say nothing any more.
 */
static bool prepare_applied(struct journal *journal, const char *rows, struct stmt *stmt,
                            struct error *err)
{
    static const char sql_applied[] =
        "SELECT s.revision, s.script_sha256, max(s.run_number),\n"
        "       NOT EXISTS (SELECT 1 FROM run_steps AS later\n"
        "                   WHERE later.revision = s.revision\n"
        "                     AND later.run_number > s.run_number AND later.is_done)\n"
        "       AND s.run_number > (SELECT coalesce(max(number), 0) FROM runs\n"
        "                           WHERE verb = 'stamp' AND rows_planned IS NOT NULL)\n"
        "       AND :rows = (SELECT rows_after FROM runs\n"
        "                    WHERE rows_planned IS NOT NULL AND rows_after IS NOT NULL\n"
        "                    ORDER BY number DESC LIMIT 1)\n"
        "FROM " APPLIED_STEPS "GROUP BY s.revision";

    if (!stmt_prepare(journal->db, sql_applied, stmt, err))
        return false;
    stmt_bind_text(stmt, ":rows", rows);
    return true;
}

static bool count_scripts(struct journal *journal, size_t *ret, struct error *err)
{
    int64_t count = 0;

    if (!db_read_i64(journal->db, "SELECT count(DISTINCT revision) FROM run_steps", &count, err))
        return false;
    *ret = (size_t) count;
    return true;
}

static bool read_applied(struct journal *journal, const version_rows *rows, struct arena *arena,
                         struct applied_script **ret, size_t *ret_count, struct error *err)
{
    cleanup_txn struct txn txn = { 0 };
    cleanup_stmt struct stmt stmt = { 0 };
    size_t count_max = 0;
    size_t count = 0;
    bool has_row = false;

    if (!txn_begin(journal->db, TXN_READ, &txn, err) || !count_scripts(journal, &count_max, err) ||
        !prepare_applied(journal, journal_rows_format(rows, arena), &stmt, err) ||
        !stmt_step(&stmt, &has_row, err))
        return false;
    *ret = arena_array(arena, struct applied_script, count_max);
    while (has_row) {
        (*ret)[count++] = (struct applied_script){
            .revision = stmt_text(&stmt, 0, arena),
            .sha256 = stmt_text(&stmt, 1, arena),
            .is_applied = stmt_i64(&stmt, 3) != 0,
        };
        if (!stmt_step(&stmt, &has_row, err))
            return false;
    }
    *ret_count = count;
    return true;
}

bool journal_applied_read(struct journal *journal, const version_rows *rows, struct arena *arena,
                          struct applied_script **ret, size_t *ret_count, struct error *err)
{
    return read_applied(journal, rows, arena, ret, ret_count, err) || journal_error(err);
}

bool journal_script_read(struct journal *journal, const char *revision, struct arena *arena,
                         struct kept_script *ret, bool *ret_found, struct error *err)
{
    static const char sql_kept[] =
        "SELECT c.path, c.text, r.id, r.actor, r.started_us\n"
        "FROM scripts AS c, runs AS r, " APPLIED_STEPS "  AND s.revision = :revision\n"
        "  AND c.sha256 = s.script_sha256 AND r.number = s.run_number\n"
        "ORDER BY s.run_number DESC\n"
        "LIMIT 1";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_kept, &stmt, err))
        return journal_error(err);
    stmt_bind_text(&stmt, ":revision", revision);
    if (!stmt_step(&stmt, ret_found, err))
        return journal_error(err);
    if (*ret_found) {
        *ret = (struct kept_script){
            .path = stmt_text(&stmt, 0, arena),
            .text = stmt_text(&stmt, 1, arena),
            .run_id = stmt_text(&stmt, 2, arena),
            .actor = stmt_text(&stmt, 3, arena),
            .started_us = stmt_i64(&stmt, 4),
        };
    }
    return true;
}
