/*
 * token_file.h - the daemon's token file, changed safely (its lines: api/token.h).
 *
 * A file is replaced as a whole: written beside itself with mode 0600 and its owner, synced,
 * renamed. So a daemon that reads it, and a crash, find the old one or the new one. Changes at the
 * same time wait for each other (a lock on the directory, which leaves nothing behind). Symbolic
 * links are not followed, and a file that others may read is refused: its secrets are not theirs.
 * Comments and empty lines stay.
 */
#pragma once

#include "api/token.h"

struct token_list {
    struct api_token *items; /* in the file's order */
    size_t count;
};

/* Read it. Fails ERR_IO, ERR_CONFIG_INVALID (others may read it, or a line is wrong: with file and
 * line). */
must_check bool token_file_read(const char *path, struct arena *arena, struct token_list *ret,
                                struct error *err);

/* Append a line, of a name that is not in the file yet; a missing file is made. Fails as
 * token_file_read, ERR_ARGUMENT_INVALID (the name is there). */
must_check bool token_file_add(const char *path, const char *name, const char *line,
                               struct error *err);

/* Remove a token's line. Fails as token_file_read, ERR_NOT_FOUND (the hint names what is there). */
must_check bool token_file_remove(const char *path, const char *name, struct error *err);
