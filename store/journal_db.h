/*
 * journal_db.h - what the journal's modules share. Internal to store/.
 */
#pragma once

#include "store/journal.h"
#include "store/sqlite.h"
#include "store/stmt.h"

struct journal {
    struct db *db;
    char *notice; /* NULL when there is none */
};

/* An error of SQLite's, told as ERR_JOURNAL. Returns false. */
cold_path bool journal_error(struct error *err);

/* Version rows as text and back, in the arena; NULL gives no row. */
const char *journal_rows_format(const version_rows *rows, struct arena *arena);
version_rows journal_rows_parse(const char *text, struct arena *arena);

/* Version rows in such a text as a sentence names them: "base", "b2", "b2, c3"; in the arena. */
const char *journal_rows_say(const char *text, struct arena *arena);

/* Bind what is known of a run when its row is made, as an unfinished one: :id, :verb, :target,
 * :actor, :reason, :rows_before, :outcome and :started_us. */
void journal_run_bind(struct stmt *stmt, const struct run_report *report, struct arena *arena);
