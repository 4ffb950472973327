/*
 * token.h - SQLite's lexical rules, one lexeme at a time: white space and comments included, so
 * that a caller can keep count of lines. Internal to migrations/; the rest of the program uses
 * scan.h.
 */
#pragma once

#include "migrations/scan.h"

enum lexeme_kind {
    LEXEME_END,
    LEXEME_SPACE,
    LEXEME_LINE_COMMENT, /* -- up to the line feed, which is not part of it */
    LEXEME_BLOCK_COMMENT,
    LEXEME_TOKEN,
};

struct lexeme {
    enum lexeme_kind kind;
    enum token_kind token; /* of a LEXEME_TOKEN */
    size_t len;
    bool is_open; /* the text ends before its closing quote or comment mark */
};

/* What `text` begins with. Never fails: a byte that begins nothing is punctuation. */
struct lexeme lexeme_read(struct str text);
