/*
 * text.h - answers as plain text, line by line as schemadctl prints them: for people with curl.
 *
 * Every function returns heap text with a newline at its end; free it with free(). Any thread.
 */
#pragma once

#include "api/backend.h"

/* GET /current: the lines of `current`, or "(base)"; then what is to be known of them, if anything:
 * "stale: ..." when the database could not be asked, "unknown: ..." when it is not known. */
char *text_of_current(const struct snapshot *snapshot);

/* GET /status: the status line, then "key: value" lines. */
char *text_of_status(const struct snapshot *snapshot, const struct backend_counters *counters);

/* GET /branches, GET /history and GET /heads: as Alembic prints them, the latter a line a
 * revision. */
char *text_of_branches(const struct revision_list *branches);
char *text_of_history(const struct revision_list *revisions);
char *text_of_heads(const struct revision_list *revisions);
