/*
 * script_header.h - the comment lines above `-- migrate:up`, read and written. Internal to
 * migrations/.
 */
#pragma once

#include "migrations/script.h"

enum header_word {
    HEADER_REVISION_ID,
    HEADER_REVISES,
    HEADER_CREATE_DATE,
    HEADER_BRANCH_LABELS,
    HEADER_DEPENDS_ON,
    HEADER_FOREIGN_KEYS,
    HEADER_TRANSACTION,
    HEADER_IRREVERSIBLE,
    HEADER_REQUIRES_EMPTY,
    HEADER_WORD_COUNT,
};

/* Header lines being read into a script. Zero, but script, arena and err, to begin with. */
struct header {
    struct script *script;
    struct arena *arena;
    struct error *err;
    struct str_list message;                /* its lines so far */
    unsigned word_lines[HEADER_WORD_COUNT]; /* where each word stands, 0 when not yet */
    bool has_words;
};

/*
 * Read one comment line.
 *
 * line  from its "--" on, without line end
 * pos   of its first byte
 * Fails ERR_SCRIPT_INVALID with place and hint.
 */
must_check bool header_read(struct header *header, struct str line, const struct source_pos *pos);

/* An empty line: a paragraph of the message ends. */
void header_read_blank(struct header *header);

/* All lines were read: the message is put together, and what must be there is. Fails
 * ERR_SCRIPT_INVALID. */
must_check bool header_finish(struct header *header);

/*
 * Whether a line of a message would be read as something else, and so needs a backslash before it.
 */
bool header_must_escape(struct str message_line);

/* What a line of a script means for its parts. */
enum marker {
    MARKER_NONE,
    MARKER_UP,
    MARKER_DOWN,
    MARKER_ODD, /* meant as one, but not one: other case, spaces, options, an unknown word */
};

/* line: without line end. */
enum marker marker_of(struct str line);

/* The bytes of the UTF-8 character at `at`, 0 when there is none. */
size_t script_character_len(struct str text, size_t at);
