/*
 * journal.h - schemad's own record of runs and scripts: a SQLite file in the state directory.
 *
 * content.db's version rows are the truth; the journal says who, when, why, from what, to what,
 * with which script. An intent is written before content.db is touched and the outcome after;
 * reconciling at start settles an intent that a crash left open. A connection belongs to one
 * thread.
 */
#pragma once

#include "migrations/run.h"

struct journal;

/*
 * Open or create the journal (mode 0660). Fails ERR_JOURNAL; a damaged file is set aside as
 * `<path>.damaged-<time>` and a new one begun (journal_notice says so).
 */
must_check bool journal_open(const char *path, struct journal **ret_journal, struct error *err);
void journal_close(struct journal *journal);
void journal_cleanup(struct journal **journal);
#define cleanup_journal cleanup(journal_cleanup)

/*
 * What happened while it was opened and somebody should be told, a sentence; NULL mostly. Lives as
 * long as the journal.
 */
const char *journal_notice(const struct journal *journal);

/*
 * Step 5 of a run: record what is about to happen, durably: the request, rows, and every script of
 * the plan by SHA-256. report holds id, verb, target, actor, reason, rows_before, backup,
 * started_us. plan is NULL for a backup. Fails ERR_JOURNAL.
 */
must_check bool journal_intent_write(struct journal *journal, const struct run_report *report,
                                     const struct plan *plan, struct error *err);

/*
 * Step 11: what came of it: outcome, rows_after, steps, duration, error. Also for requests that
 * failed before an intent was written. Fails ERR_JOURNAL.
 */
must_check bool journal_outcome_write(struct journal *journal, const struct run_report *report,
                                      struct error *err);

/*
 * Settle what a crash left open and notice what others did: unfinished runs become succeeded or
 * interrupted by the rows of the database; rows that differ from the last known ones become a run
 * "applied externally". Returns how many were settled. The caller holds the schema lock.
 */
must_check bool journal_reconcile(struct journal *journal, const version_rows *rows,
                                  unsigned *ret_settled, struct error *err);

/*
 * Runs, newest first, at most `limit`, older than run `before` (NULL: from the newest). Fails
 * ERR_JOURNAL.
 */
must_check bool journal_runs_read(struct journal *journal, unsigned limit, const char *before,
                                  struct arena *arena, struct run_reports *ret, struct error *err);

/* One run; ERR_JOB_UNKNOWN when there is none. */
must_check bool journal_run_read(struct journal *journal, const char *id, struct arena *arena,
                                 struct run_report *ret, struct error *err);

/*
 * The SHA-256 (hex, in the arena) that revision's script had when it was last applied or
 * stamped by a run; NULL when it never was. Fails ERR_JOURNAL.
 */
must_check bool journal_script_digest(struct journal *journal, const char *revision,
                                      struct arena *arena, const char **ret, struct error *err);
