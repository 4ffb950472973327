/*
 * json.h - the values of the program as JSON: one function a value, one place for member names.
 * Used by HTTP answers and by `schemadctl --json`.
 *
 * Members stand in a fixed order. Times are RFC 3339 UTC with milliseconds, durations milliseconds
 * (`duration_ms`). Every function returns a new reference that the caller owns; NULL only when
 * jansson is out of memory. Texts that are not UTF-8 are made so (invalid bytes become U+FFFD).
 * Any thread.
 */
#pragma once

#include "api/backend.h"

#include <jansson.h>

/* Of these values; null for a text that is NULL. */
json_t *json_of_text(const char *text);
json_t *json_of_rows(const version_rows *rows);

/* An RFC 9457 problem. json_of_error leaves out status and instance (errors inside a run);
 * json_of_problem leaves out an instance that is NULL. Members that only some problems have
 * (`current`, `run`) are added by whoever knows them, with json_put. */
json_t *json_of_error(const struct error *err);
json_t *json_of_problem(const struct error *err, unsigned status, const char *instance);

/* GET /current, GET /status, and GET /readyz when it is ready. */
json_t *json_of_current(const struct snapshot *snapshot);
json_t *json_of_status(const struct snapshot *snapshot, const struct backend_counters *counters);
json_t *json_of_readiness(const struct snapshot *snapshot);

/* A revision as an element of lists, and in full with both SQL parts. rows: the version rows that
 * say which revision is current; NULL when they are not known, then is_current is null. */
json_t *json_of_revision(const struct revision *revision, const version_rows *rows);
json_t *json_of_revision_full(const struct revision *revision, const version_rows *rows);

/* A branch point: an element of lists, with its children and its entries in `branches`. */
json_t *json_of_branch(const struct revision *revision, const version_rows *rows);

/* What is said of a script that was written. */
json_t *json_of_new_script(const char *id, const char *path);

/* The script of a revision as the journal kept it: where its file was, and its text. */
json_t *json_of_kept_script(const char *path, const char *text);

/* GET /plan. target: as it was asked, or NULL; has_sql: with the statements of every step. */
json_t *json_of_plan(const struct plan *plan, const char *target, bool has_sql);

/* A run, a job with its run inside, a backup. */
json_t *json_of_run(const struct run_report *report);
json_t *json_of_job(const struct job_view *job);
json_t *json_of_backup(const struct backup_info *backup);

/* GET /jobs and GET /denials. next: the target of the next page; NULL when there is none. */
json_t *json_of_jobs(const struct job_views *jobs, const char *next);
json_t *json_of_denials(const struct denials *denials);

/* GET /check. */
json_t *json_of_findings(const struct findings *findings);

/* What a stream says when events after number `after` are lost to it, and why. */
json_t *json_of_gap(uint64_t after, const char *detail);

/* A value as the text that goes over the wire: indented by two, with a final newline.
 * json_format_new takes the reference, and NULL for NULL; json_format_line makes one line without
 * a newline, for an event. The caller frees the text with free(); NULL when jansson is out of
 * memory. */
char *json_format(const json_t *value);
char *json_format_new(json_t *value);
char *json_format_line(const json_t *value);
