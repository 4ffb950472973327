/*
 * journal.c - opening the journal, and writing what is going to happen and what came of it.
 *
 * A file of its own, in WAL mode so that readers never wait for a run's writes. A commit over two
 * SQLite files is not atomic, so the version rows in content.db are the truth and the journal is
 * settled against them (journal_reconcile.c).
 */
#include "store/journal.h"

#include "base/clock.h"
#include "base/oom.h"
#include "migrations/format.h"
#include "store/journal_2_sql.h"
#include "store/journal_db.h"
#include "store/journal_sql.h"
#include "store/stmt.h"
#include "store/txn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOURNAL_VERSION         2
#define JOURNAL_APPLICATION_ID  1935895140 /* as in journal.sql */
#define JOURNAL_BUSY_TIMEOUT_MS 5000

bool journal_error(struct error *err)
{
    if (err->code != ERR_JOB_UNKNOWN)
        err->code = ERR_JOURNAL;
    return false;
}

const char *journal_rows_format(const version_rows *rows, struct arena *arena)
{
    return rows->count == 0 ? "" : str_list_join(rows, " ", arena);
}

version_rows journal_rows_parse(const char *text, struct arena *arena)
{
    struct str rest = str_of(text);
    version_rows rows = { 0 };

    while (rest.len > 0) {
        size_t end = str_find_char(rest, ' ', 0);

        str_list_add(&rows, arena, arena_strndup(arena, rest.ptr, end));
        rest = str_sub(rest, end + 1, rest.len);
    }
    return rows;
}

const char *journal_rows_say(const char *text, struct arena *arena)
{
    version_rows rows = journal_rows_parse(text, arena);

    return rows.count == 0 ? "base" : str_list_join(&rows, ", ", arena);
}

/* --- opening ---------------------------------------------------------------------------------- */

static bool refuse_foreign(const struct db *db, struct error *err)
{
    error_set(err, ERR_JOURNAL, "could not use journal \"%s\": it is another program's database",
              db->path);
    return error_hint(err, "Choose another state directory, or move the file away.");
}

static bool create_schema(struct db *db, struct error *err)
{
    int64_t objects = 0;

    if (!db_read_i64(db, "SELECT count(*) FROM main.sqlite_schema", &objects, err))
        return false;
    if (objects > 0)
        return refuse_foreign(db, err);
    if (sqlite3_exec(db->handle, sql_journal, NULL, NULL, NULL) != SQLITE_OK)
        return db_error(err, db, ERR_JOURNAL, "could not create journal \"%s\"", db->path);
    return true;
}

static bool upgrade_schema(struct db *db, struct error *err)
{
    int64_t application_id = 0;

    if (!db_read_i64(db, "PRAGMA main.application_id", &application_id, err))
        return false;
    if (application_id != JOURNAL_APPLICATION_ID)
        return refuse_foreign(db, err);
    if (sqlite3_exec(db->handle, sql_journal_2, NULL, NULL, NULL) != SQLITE_OK)
        return db_error(err, db, ERR_JOURNAL, "could not upgrade journal \"%s\"", db->path);
    return true;
}

static bool read_version(struct db *db, int64_t *ret, struct error *err)
{
    if (!db_read_i64(db, "PRAGMA main.user_version", ret, err))
        return false;
    if (*ret <= JOURNAL_VERSION)
        return true;
    error_set(err, ERR_JOURNAL, "could not use journal \"%s\": its version %lld is newer than %d",
              db->path, (long long) *ret, JOURNAL_VERSION);
    return error_hint(
        err, "A newer schemad wrote it; install that again, or choose another state directory.");
}

static bool ensure_schema(struct db *db, struct error *err)
{
    cleanup_txn struct txn txn = { 0 };
    int64_t version = 0;

    if (!read_version(db, &version, err))
        return false;
    if (version == JOURNAL_VERSION)
        return true;
    /* Another process may be at it at the same moment: look again under the write lock. */
    if (!txn_begin(db, TXN_WRITE, &txn, err) || !read_version(db, &version, err))
        return false;
    if (version == JOURNAL_VERSION)
        return true;
    return (version == 1 ? upgrade_schema(db, err) : create_schema(db, err)) &&
           txn_commit(&txn, err);
}

static bool open_db(const char *path, struct db **ret, struct error *err)
{
    struct db_options options = { .access = DB_CREATE, .busy_timeout_ms = JOURNAL_BUSY_TIMEOUT_MS };
    cleanup_db struct db *db = NULL;

    if (!db_open(path, &options, &db, err) || !db_exec(db, "PRAGMA journal_mode = WAL", err) ||
        !db_exec(db, "PRAGMA synchronous = FULL", err) ||
        !db_exec(db, "PRAGMA foreign_keys = ON", err) || !ensure_schema(db, err))
        return false;
    *ret = take_ptr(db);
    return true;
}

static bool is_damaged(const struct error *err)
{
    return (err->sqlite_code & 0xff) == SQLITE_NOTADB ||
           (err->sqlite_code & 0xff) == SQLITE_CORRUPT;
}

/*
 * History is worth less than a run: a damaged journal is kept for a look and must not stop anybody.
 */
static bool set_aside(const char *path, struct arena *arena, const char **ret_aside,
                      struct error *err)
{
    static const char *const endings[] = { "-wal", "-shm", "" };
    char time_text[CLOCK_TEXT_SIZE];

    clock_format_compact(clock_wall_us(), time_text);
    *ret_aside = arena_printf(arena, "%s.damaged-%s", path, time_text);
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        if (rename(arena_printf(arena, "%s%s", path, endings[i]),
                   arena_printf(arena, "%s%s", *ret_aside, endings[i])) != 0 &&
            errno != ENOENT)
            return error_set_errno(err, ERR_JOURNAL, errno,
                                   "could not set the damaged journal \"%s\" aside", path);
    }
    return true;
}

bool journal_open(const char *path, struct journal **ret_journal, struct error *err)
{
    cleanup_journal struct journal *journal = xcalloc(1, sizeof(*journal));
    cleanup(arena_release) struct arena arena = { 0 };
    const char *aside = NULL;
    struct error first = { 0 };

    if (!open_db(path, &journal->db, &first)) {
        if (!is_damaged(&first)) {
            *err = first;
            return journal_error(err);
        }
        if (!set_aside(path, &arena, &aside, err) || !open_db(path, &journal->db, err))
            return journal_error(err);
        journal->notice = xstrdup(
            arena_printf(&arena,
                         "The journal was damaged; it was set aside as \"%s\" and a new one begun.",
                         aside));
    }
    *ret_journal = take_ptr(journal);
    return true;
}

bool journal_has_moved(const struct journal *journal)
{
    return db_has_moved(journal->db);
}

void journal_give_up(struct journal *journal, struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    const char *path = arena_strdup(&arena, journal->db->path);
    const char *aside = NULL;
    struct error cause = { 0 };

    journal_close(journal);
    if (!is_damaged(err) || !set_aside(path, &arena, &aside, &cause))
        return;
    err->hint[0] = '\0'; /* what a damaged file wants in general was done already */
    error_hint(err, "The damaged journal was set aside as \"%s\". Try again: a new one is begun.",
               aside);
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    db_close(journal->db);
    free(journal->notice);
    free(journal);
}

void journal_cleanup(struct journal **journal)
{
    journal_close(*journal);
}

const char *journal_notice(const struct journal *journal)
{
    return journal->notice;
}

/* --- intent ----------------------------------------------------------------------------------- */

void journal_run_bind(struct stmt *stmt, const struct run_report *report, struct arena *arena)
{
    stmt_bind_text(stmt, ":id", report->id);
    stmt_bind_text(stmt, ":verb", verb_name(report->verb));
    stmt_bind_text(stmt, ":target", report->target);
    stmt_bind_text(stmt, ":actor", report->actor == NULL ? "unknown" : report->actor);
    stmt_bind_text(stmt, ":reason", report->reason);
    stmt_bind_text(stmt, ":rows_before", journal_rows_format(&report->rows_before, arena));
    stmt_bind_text(stmt, ":outcome", run_outcome_name(RUN_UNFINISHED));
    stmt_bind_i64(stmt, ":started_us", report->started_us);
}

static bool write_run(struct journal *journal, const struct run_report *report,
                      const char *rows_planned, struct arena *arena, struct error *err)
{
    static const char sql_insert_run[] =
        "INSERT INTO runs (id, verb, target, actor, reason, rows_before, rows_planned, outcome, "
        "backup, started_us, queued_us, lock_wait_us)\n"
        "VALUES (:id, :verb, :target, :actor, :reason, :rows_before, :rows_planned, :outcome, "
        ":backup, :started_us, (SELECT queued_us FROM jobs WHERE id = :id), :lock_wait_us)";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_insert_run, &stmt, err))
        return false;
    journal_run_bind(&stmt, report, arena);
    stmt_bind_text(&stmt, ":rows_planned", rows_planned);
    stmt_bind_text(&stmt, ":backup", report->backup);
    stmt_bind_i64(&stmt, ":lock_wait_us", (int64_t) report->lock_wait_us);
    return stmt_run(&stmt, err);
}

static bool write_scripts(struct journal *journal, const struct plan *plan, int64_t now_us,
                          struct error *err)
{
    static const char sql_insert_script[] =
        "INSERT OR IGNORE INTO scripts (sha256, revision, path, text, first_seen_us)\n"
        "VALUES (:sha256, :revision, :path, :text, :now_us)";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_insert_script, &stmt, err))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        const struct script *script = plan->steps[i].revision->script;

        stmt_bind_text(&stmt, ":sha256", script->sha256);
        stmt_bind_text(&stmt, ":revision", script->id);
        stmt_bind_text(&stmt, ":path", script->path);
        stmt_bind_bytes(&stmt, ":text", script->bytes.ptr, script->bytes.len);
        stmt_bind_i64(&stmt, ":now_us", now_us);
        if (!stmt_run(&stmt, err))
            return false;
        stmt_rewind(&stmt);
    }
    return true;
}

static bool write_steps(struct journal *journal, const struct plan *plan, int64_t run_number,
                        struct arena *arena, struct error *err)
{
    static const char sql_insert_step[] =
        "INSERT INTO run_steps (run_number, position, revision, direction, message, line, "
        "rows_after, script_sha256)\n"
        "VALUES (:run_number, :position, :revision, :direction, :message, :line, :rows_after, "
        ":script_sha256)";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(journal->db, sql_insert_step, &stmt, err))
        return false;
    stmt_bind_i64(&stmt, ":run_number", run_number);
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];

        stmt_bind_i64(&stmt, ":position", (int64_t) i);
        stmt_bind_text(&stmt, ":revision", step->revision->id);
        stmt_bind_text(&stmt, ":direction", step->direction == DIRECTION_UP ? "up" : "down");
        stmt_bind_text(&stmt, ":message", step->revision->script->doc);
        stmt_bind_text(&stmt, ":line", format_step_line(step->revision, step->direction, arena));
        stmt_bind_text(&stmt, ":rows_after", journal_rows_format(&step->rows_after, arena));
        stmt_bind_text(&stmt, ":script_sha256", step->revision->script->sha256);
        if (!stmt_run(&stmt, err))
            return false;
        stmt_rewind(&stmt);
    }
    return true;
}

bool journal_intent_write(struct journal *journal, const struct run_report *report,
                          const struct plan *plan, struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    cleanup_txn struct txn txn = { 0 };
    const version_rows *planned = plan == NULL ? &report->rows_before : &plan->rows_after;
    int64_t run_number = 0;

    if (!txn_begin(journal->db, TXN_WRITE, &txn, err) ||
        !write_run(journal, report, journal_rows_format(planned, &arena), &arena, err))
        return journal_error(err);
    run_number = sqlite3_last_insert_rowid(journal->db->handle);
    if (plan != NULL && (!write_scripts(journal, plan, report->started_us, err) ||
                         !write_steps(journal, plan, run_number, &arena, err)))
        return journal_error(err);
    return txn_commit(&txn, err) || journal_error(err);
}
