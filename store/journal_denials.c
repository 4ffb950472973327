/*
 * journal_denials.c - requests that were not let in, so that an operator can see who tries.
 *
 * Somebody who knocks all day must not fill the disk: what repeats is counted, and the oldest go.
 */
#include "store/journal_db.h"
#include "store/stmt.h"
#include "store/txn.h"

enum {
    REPEAT_US = 60 * 1000000
};

static void bind_denial(struct stmt *stmt, const struct denial *denial)
{
    stmt_bind_i64(stmt, ":at_us", denial->at_us);
    stmt_bind_text(stmt, ":reason", denial->reason);
    stmt_bind_text(stmt, ":actor", denial->actor);
    stmt_bind_text(stmt, ":method", denial->method);
    stmt_bind_text(stmt, ":path", denial->path);
    stmt_bind_i64(stmt, ":repeated", (int64_t) denial->repeated);
}

static bool count_repeat(struct journal *journal, const struct denial *denial, bool *ret_is_repeat,
                         struct error *err)
{
    static const char sql_count[] =
        "UPDATE denials\n"
        "SET repeated = repeated + 1 + :repeated\n"
        "WHERE number = (SELECT max(number) FROM denials)\n"
        "  AND reason = :reason AND actor = :actor AND method = :method AND path = :path\n"
        "  AND :at_us >= at_us AND :at_us < at_us + :repeat_us";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_count, &stmt, err))
        return false;
    bind_denial(&stmt, denial);
    stmt_bind_i64(&stmt, ":repeat_us", REPEAT_US);
    if (!stmt_run(&stmt, err))
        return false;
    *ret_is_repeat = sqlite3_changes(journal->db->handle) > 0;
    return true;
}

static bool insert_denial(struct journal *journal, const struct denial *denial, struct error *err)
{
    static const char sql_insert[] =
        "INSERT INTO denials (at_us, reason, actor, method, path, repeated)\n"
        "VALUES (:at_us, :reason, :actor, :method, :path, :repeated)";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_insert, &stmt, err))
        return false;
    bind_denial(&stmt, denial);
    return stmt_run(&stmt, err);
}

static bool prune_denials(struct journal *journal, struct error *err)
{
    static const char sql_prune[] = "DELETE FROM denials\n"
                                    "WHERE number <= (SELECT max(number) FROM denials) - :keep";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_prune, &stmt, err))
        return false;
    stmt_bind_i64(&stmt, ":keep", JOURNAL_DENIALS_MAX);
    return stmt_run(&stmt, err);
}

bool journal_denial_add(struct journal *journal, const struct denial *denial, struct error *err)
{
    cleanup_txn struct txn txn = { 0 };
    bool is_repeat = false;

    if (!txn_begin(journal->db, TXN_WRITE, &txn, err) ||
        !count_repeat(journal, denial, &is_repeat, err) ||
        (!is_repeat && (!insert_denial(journal, denial, err) || !prune_denials(journal, err))) ||
        !txn_commit(&txn, err))
        return journal_error(err);
    return true;
}

bool journal_denials_read(struct journal *journal, unsigned limit, struct arena *arena,
                          struct denials *ret, struct error *err)
{
    static const char sql_denials[] = "SELECT at_us, reason, actor, method, path, repeated\n"
                                      "FROM denials\n"
                                      "ORDER BY number DESC\n"
                                      "LIMIT :limit";
    cleanup_stmt struct stmt stmt = { 0 };
    struct denials denials = { .items = arena_array(arena, struct denial, JOURNAL_DENIALS_MAX) };
    bool has_row = false;

    if (!stmt_prepare(journal->db, sql_denials, &stmt, err))
        return journal_error(err);
    stmt_bind_i64(&stmt, ":limit", limit < JOURNAL_DENIALS_MAX ? limit : JOURNAL_DENIALS_MAX);
    if (!stmt_step(&stmt, &has_row, err))
        return journal_error(err);
    while (has_row) {
        denials.items[denials.count++] = (struct denial){
            .at_us = stmt_i64(&stmt, 0),
            .reason = stmt_text(&stmt, 1, arena),
            .actor = stmt_text(&stmt, 2, arena),
            .method = stmt_text(&stmt, 3, arena),
            .path = stmt_text(&stmt, 4, arena),
            .repeated = (uint64_t) stmt_i64(&stmt, 5),
        };
        if (!stmt_step(&stmt, &has_row, err))
            return journal_error(err);
    }
    *ret = denials;
    return true;
}
