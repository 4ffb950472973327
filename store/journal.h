/*
 * journal.h - schemad's own record of runs, scripts, accepted jobs and refused requests: a SQLite
 * file in the state directory.
 *
 * content.db's version rows are the truth; the journal says who, when, why, from what, to what,
 * with which script. An intent is written before content.db is touched and the outcome after;
 * reconciling at start settles an intent that a crash left open. A connection belongs to one
 * thread.
 */
#pragma once

#include "base/denial.h"
#include "migrations/run.h"

struct journal;

/*
 * Open or create the journal (mode 0660); one of an older version is brought to the newest, its
 * content kept. Fails ERR_JOURNAL; a damaged file is set aside as
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

/* Whether the file was moved, replaced or unlinked since it was opened: what is written now would
 * go with it. */
bool journal_has_moved(const struct journal *journal);

/*
 * Close a journal on which a call failed with `err`. A damaged file is set aside as journal_open
 * does it, and the error's hint says so: the next journal_open begins a new one.
 */
void journal_give_up(struct journal *journal, struct error *err);

/* ---- Runs ---- */

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

#define JOURNAL_IDLE_RUNS_MAX 1000

/*
 * As journal_outcome_write for a run that the journal may know already: then it stays as it is. Of
 * runs with nothing to do and dry runs only the newest JOURNAL_IDLE_RUNS_MAX are kept (now and then
 * a few more), and those whose idempotency key is remembered. Fails ERR_JOURNAL.
 */
must_check bool journal_outcome_add(struct journal *journal, const struct run_report *report,
                                    struct error *err);

/*
 * Settle what a crash left open and notice what others did: unfinished runs become succeeded or
 * interrupted by the rows of the database, and say where that left it; rows that differ from the
 * last known ones become a run "applied externally". Returns how many were settled. The caller
 * holds the schema lock.
 */
must_check bool journal_reconcile(struct journal *journal, const version_rows *rows,
                                  unsigned *ret_settled, struct error *err);

/* The runs that match, newest first. Fails ERR_JOURNAL. */
must_check bool journal_runs_read(struct journal *journal, const struct run_filter *filter,
                                  struct arena *arena, struct run_reports *ret, struct error *err);

/*
 * The newest run that ended and did something, or tried to: no dry run, none that found nothing to
 * do, none that ended before it began. *ret_found tells whether there is one. Fails ERR_JOURNAL.
 */
must_check bool journal_run_last(struct journal *journal, struct arena *arena,
                                 struct run_report *ret, bool *ret_found, struct error *err);

/* One run; ERR_JOB_UNKNOWN when there is none. */
must_check bool journal_run_read(struct journal *journal, const char *id, struct arena *arena,
                                 struct run_report *ret, struct error *err);

/* ---- Scripts ---- */

/*
 * The SHA-256 (hex, in the arena) that revision's script had when it was last applied or
 * stamped by a run; NULL when it never was. Fails ERR_JOURNAL.
 */
must_check bool journal_script_digest(struct journal *journal, const char *revision,
                                      struct arena *arena, const char **ret, struct error *err);

/* A revision that a run applied or stamped, as it was the last time. */
struct applied_script {
    const char *revision;
    const char *sha256; /* hex */
    bool is_applied;    /* it is applied still, as far as the journal can know: nobody took it down
                           or moved the version rows in another way since */
};

/*
 * All of them, by id, in the arena; `count` of them.
 *
 * rows   the database's: when the last run left others, nothing is known to be applied still.
 * Fails  ERR_JOURNAL.
 */
must_check bool journal_applied_read(struct journal *journal, const version_rows *rows,
                                     struct arena *arena, struct applied_script **ret,
                                     size_t *ret_count, struct error *err);

/* A script as the journal kept it, and the run that last applied or stamped it. */
struct kept_script {
    const char *path; /* where it was read then */
    const char *text; /* the whole file */
    const char *run_id;
    const char *actor;
    int64_t started_us; /* of the run, wall clock */
};

/* What the journal kept of a revision, in the arena; *ret_found tells whether it did. Fails
 * ERR_JOURNAL. */
must_check bool journal_script_read(struct journal *journal, const char *revision,
                                    struct arena *arena, struct kept_script *ret, bool *ret_found,
                                    struct error *err);

/* ---- Accepted jobs ---- */

/*
 * The job that this actor's key made since `since_us` (wall clock).
 *
 * ret_id  RUN_ID_SIZE bytes; empty when there is none.
 * Fails   ERR_IDEMPOTENCY_KEY_REUSED (it has another fingerprint; the hint names the job),
 *         ERR_JOURNAL.
 */
must_check bool journal_key_find(struct journal *journal, const struct registered_job *asked,
                                 int64_t since_us, char *ret_id, struct error *err);

/* Remember a job, durably, and forget the keys from before `since_us`. Fails ERR_JOURNAL. */
must_check bool journal_job_add(struct journal *journal, const struct registered_job *job,
                                int64_t since_us, struct error *err);

/* Forget a job that has no run. Fails ERR_JOURNAL. */
must_check bool journal_job_remove(struct journal *journal, const char *id, struct error *err);

/*
 * Jobs without a run become runs that were interrupted before they began; rows are the database's,
 * NULL when they are not known. Returns how many. Fails ERR_JOURNAL.
 */
must_check bool journal_jobs_settle(struct journal *journal, const version_rows *rows,
                                    unsigned *ret_settled, struct error *err);

/* When a job was queued, wall clock; 0: it was never registered. Fails ERR_JOURNAL. */
must_check bool journal_queued_us(struct journal *journal, const char *id, int64_t *ret,
                                  struct error *err);

/* ---- Refused requests ---- */

#define JOURNAL_DENIALS_MAX 1000

/*
 * Add one, or count it on the newest when it is like it and came within a minute of it. The newest
 * JOURNAL_DENIALS_MAX are kept. Fails ERR_JOURNAL.
 */
must_check bool journal_denial_add(struct journal *journal, const struct denial *denial,
                                   struct error *err);

/* The newest ones, at most limit. Fails ERR_JOURNAL. */
must_check bool journal_denials_read(struct journal *journal, unsigned limit, struct arena *arena,
                                     struct denials *ret, struct error *err);
