/*
 * error.h - what went wrong, as a value: a stable code, where, why, and what to do.
 *
 * A fallible function returns bool (true = done) and fills `struct error *err`, never NULL. The
 * first cause wins: setting an error that is set already keeps the first. The value owns nothing,
 * so it is copied into jobs, across threads, into JSON and into log lines by assignment. Messages
 * follow PostgreSQL's style: lower case, no full stop, "could not", the kind and quoted name of the
 * thing, the reason.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>

enum error_code {
#define ERROR_CODE(name, slug, title) name,
#include "base/error_codes.def"
#undef ERROR_CODE
    ERROR_CODE_COUNT
};

struct error {
    enum error_code code; /* ERR_OK when unset */
    int sqlite_code;      /* sqlite.org/rescode.html, extended; 0 when SQLite was not involved */
    unsigned line;        /* 1-based line in `file`, 0 unknown */
    unsigned column;      /* 1-based column in bytes, 0 unknown */
    char revision[64];    /* revision id, empty when none is concerned */
    char file[160];       /* path; the tail is kept when it is too long */
    char statement[200];  /* start of the SQL statement, empty when none is concerned */
    char detail[600];     /* one sentence: what is wrong */
    char hint[300];       /* what to do about it, full sentence; may be empty */
};

/* A place in a script. Plain value; `file` must outlive it. */
struct source_pos {
    const char *file;
    unsigned line;   /* 1-based */
    unsigned column; /* 1-based, bytes */
};

/* Raise: `return error_set(err, ERR_X, "...");`. Always returns false. Bytes that are not UTF-8 are
 * replaced by '?', so that every text in an error can be put into JSON. */
cold_path bool error_set(struct error *err, enum error_code code, const char *format, ...)
    format_printf(3, 4);

/* As error_set, and appends ": <strerror(errno_value)>". */
cold_path bool error_set_errno(struct error *err, enum error_code code, int errno_value,
                               const char *format, ...) format_printf(4, 5);

/* Add what is known to an error that is set; each keeps an earlier value. All return false, so that
 * they chain. */
cold_path bool error_at(struct error *err, const struct source_pos *pos);
cold_path bool error_of_revision(struct error *err, const char *revision);
cold_path bool error_of_statement(struct error *err, const char *sql, size_t len);
cold_path bool error_hint(struct error *err, const char *format, ...) format_printf(2, 3);

/* Back to unset. */
void error_clear(struct error *err);

/* "script.sql:3:1: detail" or "detail": the one line for a terminal or a log; written to buffer,
 * always terminated. */
void error_format(const struct error *err, char *buffer, size_t size);

const char *error_slug(enum error_code code);
const char *error_title(enum error_code code);

/* The code of a slug, or ERROR_CODE_COUNT when no code has it. */
enum error_code error_code_find(const char *slug);
