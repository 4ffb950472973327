/*
 * scan.h - SQL text cut into statements, with the place of each in its file.
 *
 * The engine needs true line and column numbers for its errors, and SQLite's own are missing or off
 * in common cases (sqlite3_error_offset is -1 for most failures). The scanner follows SQLite's
 * tokenizer (sqlite.org/lang.html, sqlite3_complete): strings '..' "..", identifiers [..] `..`,
 * blobs, comments (-- and nested-free C ones), CREATE [TEMP] TRIGGER ... BEGIN ... END with
 * CASE ... END inside. It knows lexing only, never grammar.
 *
 * Pure: no I/O, no SQLite. Memory: views into the text, arrays in the caller's arena.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * One statement. `sql` starts at its first token (no leading white space or comment) and ends with
 * its last one: no semicolon, no trailing white space or comment.
 */
struct statement {
    struct str sql;
    unsigned line;   /* of the first token, 1-based in the file */
    unsigned column; /* of the first token, 1-based, bytes */
};

struct statements {
    struct statement *items;
    size_t count;
};

/*
 * Cut `text` into its statements; empty ones (only comments or ';') are dropped.
 *
 * start     place of text's first byte in its file; start->file names it in errors.
 * ret       views into text, array in the arena; untouched on failure.
 * Fails     ERR_SCRIPT_INVALID with the place where it begins: unterminated string, identifier or
 *           comment, a comment's end without a beginning, NUL byte, bound parameter (?, ?1, :a, @a,
 *           $a outside strings), a statement that starts with EXPLAIN, a trigger body without END.
 */
must_check bool scan_statements(struct str text, const struct source_pos *start,
                                struct arena *arena, struct statements *ret, struct error *err);

/* Whether a comment line ends what is scanned; without its line end. */
typedef bool scan_stop(struct str line);

/* Statements up to a line that ended the scan. */
struct scan_part {
    struct statements statements;
    size_t end; /* index of that line in the text, the text's length when there was none */
};

/*
 * As scan_statements, up to the first comment at the start of a line, outside of any statement, for
 * which `stop` is true.
 */
must_check bool scan_statements_until(struct str text, const struct source_pos *start,
                                      scan_stop *stop, struct arena *arena, struct scan_part *ret,
                                      struct error *err);

/* The place of text's byte `offset` in the file, when its first byte is at `start`. */
struct source_pos scan_place(struct str text, const struct source_pos *start, size_t offset);

/* The kinds of token that other modules look at. */
enum token_kind {
    TOKEN_END,    /* no more text */
    TOKEN_WORD,   /* bare identifier or keyword */
    TOKEN_QUOTED, /* "..", [..] or `..` */
    TOKEN_STRING, /* '..' */
    TOKEN_NUMBER,
    TOKEN_BLOB,       /* x'..' */
    TOKEN_PARAMETER,  /* ?, ?1, :a, @a, $a */
    TOKEN_PUNCTUATION /* one token each of ; ( ) , . and the operators, "->>" and "||" being one */
};

struct token {
    enum token_kind kind;
    struct str text; /* as written, quotes included */
};

/*
 * The next token of a text that was scanned before, without comments and white space.
 *
 * rest    advanced past the token; TOKEN_END when nothing is left. Never fails: an unterminated
 *         token ends with the text.
 */
struct token scan_token(struct str *rest);

/* The name a TOKEN_WORD or TOKEN_QUOTED (or a string used as a name) stands for, quotes undone, in
 * the arena. */
const char *token_name(const struct token *token, struct arena *arena);

/*
 * What a statement does, as far as its first tokens say: for destructive steps, for the statement's
 * one-line title, and for the loss guard's list of what a script names.
 */
struct statement_summary {
    const char *verb;    /* "CREATE TABLE", "DROP INDEX", "ALTER TABLE", "INSERT", "PRAGMA", ...
                            upper case; in the arena */
    const char *object;  /* the table, index, trigger or view it names first, without schema; NULL
                            when it has none */
    bool is_destructive; /* DROP TABLE, DROP VIEW, DROP INDEX, DROP TRIGGER, ALTER TABLE ... DROP,
                            DELETE, REPLACE, OR REPLACE */
};

/* Never fails; what is no SQL has its first word as verb. */
struct statement_summary statement_summarize(struct str sql, struct arena *arena);
