/*
 * script.h - a revision script: bytes in, a checked value out.
 *
 * One .sql file is one revision: a message as leading comment block, Alembic's header words as
 * comments, and the markers `-- migrate:up` and `-- migrate:down`, which count only at the start of
 * a line outside a statement. schemad-script(7) is the reference of the format. In its header:
 *
 * - The comment lines before the first header word are the message. There, a known header word or a
 *   slip of one ("Revison ID: x") is never taken for text; to write such a line into a message, put
 *   a backslash before it, which is removed ("-- \Revises: nothing").
 * - Behind the first header word, `Word: value` with another word is an error; other comments are
 *   free.
 *
 * Pure: no I/O, no SQLite, no clock. Memory: everything lives in the caller's arena; views point
 * into the given bytes, which must outlive the script.
 */
#pragma once

#include "base/arena.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/str.h"
#include "migrations/scan.h"

#include <stdbool.h>

#define REVISION_ID_MAX  32 /* characters; Alembic's column is VARCHAR(32) */
#define BRANCH_LABEL_MAX 64 /* bytes */
#define SCRIPT_BYTES_MAX ((size_t) 16 * 1024 * 1024) /* a larger script is refused */

enum direction {
    DIRECTION_UP,
    DIRECTION_DOWN,
};

/* A revision script. Plain value; never changed after parsing. */
struct script {
    const char *path; /* as given to script_parse */
    struct str bytes; /* the whole file: what is hashed is what is run */
    char sha256[DIGEST_HEX_SIZE];
    const char *id;
    const char *message; /* the whole comment block, lines joined by \n, without empty lines at its
                            ends; "" when there is none */
    const char *doc;     /* message up to its first blank line, on one line: what `history` shows;
                            "empty message" when there is none */
    const char *create_date;        /* as written; NULL when absent */
    struct str_list revises;        /* down revisions, as written, in order; empty for a base */
    struct str_list depends_on;     /* ids, partial ids or labels, as written */
    struct str_list labels;         /* branch labels, as written */
    struct str_list requires_empty; /* tables that must hold no row before the up part runs */
    const char *irreversible; /* why there is no way down; NULL when there is one. The down part
                                 is then empty */
    bool foreign_keys_on;     /* Foreign Keys: on */
    bool transaction_none;    /* Transaction: none */
    unsigned id_line;         /* of the Revision ID header */
    unsigned revises_line;    /* of the Revises header, 0 when absent; likewise: */
    unsigned depends_on_line;
    unsigned labels_line;
    struct statements up;
    struct statements down;
    struct str up_text; /* between the markers, as written */
    struct str down_text;
};

/*
 * Parse and check one script.
 *
 * bytes   the whole file, at most SCRIPT_BYTES_MAX. CRLF, a UTF-8 BOM and a missing final newline
 *         are fine.
 * path    for errors; kept.
 * Fails   ERR_SCRIPT_INVALID with file, line, column and a hint: unknown header word (the nearest
 *         known one is named), header word twice, id missing or malformed ([A-Za-z0-9_.]{1,32};
 *         Alembic allows more, and ids of its real histories use these), malformed list, marker
 *         missing or twice or in the wrong order, text outside the markers, a Foreign Keys /
 *         Transaction value that is not known, statements in the down part of an Irreversible
 *         script, `Transaction: none` with more than one statement a direction (such a script could
 *         not be rolled back), invalid UTF-8, and all of scan_statements. err->revision is set when
 *         the id was read.
 */
must_check bool script_parse(struct str bytes, const char *path, struct arena *arena,
                             struct script **ret_script, struct error *err);

/* What a new script says. Plain value. */
struct script_header {
    const char *id;
    const char *message;     /* any bytes; formatted so that parsing gives it back, save control
                            characters (spaces), bytes that are not UTF-8 (?), white space at
                            line ends and empty lines at its ends. NULL is "" */
    const char *create_date; /* one line, or NULL */
    struct str_list revises;
    struct str_list depends_on;
    struct str_list labels;
    const char *sql; /* NULL: two empty parts. With a line "-- migrate:up": what follows the header;
                        without one: the up part */
};

/*
 * The text of a new script, such that script_parse gives the same header back. Ids and labels must
 * be valid; whether the SQL is, says script_parse. In the arena.
 */
const char *script_format(const struct script_header *header, struct arena *arena);

/* Whether `id` matches [A-Za-z0-9_.]{1,32} and is not one of the words head, heads, base and
 * current, which mean something else in a target. */
bool revision_id_is_valid(const char *id);

/*
 * Whether `label` can be a branch label: what a target can name. Letters (also beyond ASCII),
 * digits, '_', '.', '-' and '/', at most BRANCH_LABEL_MAX bytes, not beginning with '-', not ending
 * like a relative target ("lab-1"), and none of the words of targets.
 */
bool branch_label_is_valid(const char *label);
