/*
 * format.h - revisions as Alembic prints them (its `history`, `heads`, `current`, `branches`,
 * `show`), one line or one entry.
 *
 * Pure; texts in the caller's arena, without a final newline. The command line prints these
 * for its own engine and for a daemon's answers alike: the daemon sends them as the `line` member,
 * so that there is one printer.
 */
#pragma once

#include "migrations/graph.h"
#include "migrations/target.h"

/* "cccc2222 (right) (head)": a line of `heads`; labels, then (head) or (effective head) as Alembic
 * means them: a head that something depends on is effective only. */
const char *format_head_line(const struct revision *revision, struct arena *arena);

/* "cccc2222 (head)": a line of `current`; also (branchpoint), (mergepoint). */
const char *format_current_line(const struct revision *revision, struct arena *arena);

/* "bbbb -> cccc (right) (head) (current), message": a line of `history`. rows may be NULL: then no
 * (current). */
const char *format_history_line(const struct revision *revision, const version_rows *rows,
                                struct arena *arena);

/* "aaaa1111 (branchpoint)\n         -> bbbb1111 (left)": an entry of `branches`. */
const char *format_branch_entry(const struct revision *revision, struct arena *arena);

/* An entry of `branches -v`: that of `history -v`, an empty line, then the children with their
 * messages. rows may be NULL. */
const char *format_branch_detail(const struct revision *revision, const version_rows *rows,
                                 struct arena *arena);

/* The several lines of `show` and `history -v`: Rev, Parent or Merges, ..., Path, blank, message
 * and header indented. rows may be NULL. */
const char *format_revision_entry(const struct revision *revision, const version_rows *rows,
                                  struct arena *arena);

/* "Running upgrade aaaa -> bbbb, message": what a run says of a step. */
const char *format_step_line(const struct revision *revision, enum direction direction,
                             struct arena *arena);
