/*
 * run.h - the verbs that change something, each as the same eleven steps (docs/architecture.md):
 * lock, plan, preflight, backup, journal, run, outcome.
 *
 * Blocks; one thread at a time per call. Called by the daemon's worker and by schemadctl alike.
 */
#pragma once

#include "engine/settings.h"
#include "migrations/run.h"

struct script_directory;

/*
 * Do what `request` asks: upgrade, downgrade, stamp or backup. A stamp without a target makes the
 * version table where it is missing, and changes no row.
 *
 * settings    completed.
 * hooks       or NULL.
 * ret_report  filled on success and on failure (with outcome and error); in the arena.
 * Fails       whatever planning, preflight, backup_run, runner_run and the journal raise;
 *             ERR_LOCKED, ERR_PRECONDITION_FAILED, ERR_SCRIPT_CHANGED (a script to be taken down
 *             changed since it was applied). A database that does not exist is created by an
 *             upgrade or stamp only. What fails once the run is committed is no failure of the
 *             run: see report->warning.
 */
must_check bool engine_run(const struct engine_settings *settings,
                           const struct run_request *request, const struct run_hooks *hooks,
                           struct arena *arena, struct run_report *ret_report, struct error *err);

/*
 * What an upgrade, downgrade or stamp would do: its plan, with the graph it points into held by
 * *ret_directory (script_directory_unref). Touches nothing; a missing database counts as empty.
 *
 * Fails as planning; ERR_PRECONDITION_FAILED, ERR_ARGUMENT_INVALID (a backup has no plan).
 */
must_check bool engine_plan(const struct engine_settings *settings,
                            const struct run_request *request, struct arena *arena,
                            struct script_directory **ret_directory, struct plan **ret_plan,
                            struct error *err);

/*
 * Plan on rows and a graph that the caller has already: what engine_run would do with them, the
 * request's `expect` included. Pure. Fails as engine_plan.
 */
must_check bool engine_plan_rows(const struct graph *graph, const version_rows *rows,
                                 const struct run_request *request, struct arena *arena,
                                 struct plan **ret_plan, struct error *err);

/*
 * Settle the journal at start (journal_reconcile) and remove what killed runs left; takes the
 * schema lock. A missing database is fine.
 *
 * ret_settled  how many runs were settled.
 * Fails        ERR_LOCKED, ERR_JOURNAL, and reading the database.
 */
must_check bool engine_recover(const struct engine_settings *settings, unsigned *ret_settled,
                               struct error *err);

/*
 * The runs of the journal that match, newest first (journal_runs_read); no journal yet means no
 * runs. Fails ERR_JOURNAL.
 */
must_check bool engine_runs(const struct engine_settings *settings, const struct run_filter *filter,
                            struct arena *arena, struct run_reports *ret, struct error *err);

/*
 * The newest run that ended and did something, or tried to (journal_run_last).
 *
 * ret_found  false: there was none; *ret is untouched then.
 * Fails      ERR_JOURNAL.
 */
must_check bool engine_run_last(const struct engine_settings *settings, struct arena *arena,
                                struct run_report *ret, bool *ret_found, struct error *err);

/* One run from the journal. Fails ERR_JOB_UNKNOWN, ERR_JOURNAL. */
must_check bool engine_run_find(const struct engine_settings *settings, const char *id,
                                struct arena *arena, struct run_report *ret, struct error *err);

/* Backups, newest first. Fails ERR_IO. */
must_check bool engine_backups(const struct engine_settings *settings, struct arena *arena,
                               struct backup_infos *ret, struct error *err);
