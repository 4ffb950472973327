/*
 * report.h - filling a run's report while it is made.
 *
 * Internal to engine/. A report outlives the scripts and the connection it tells of, so every text
 * is copied into its arena.
 */
#pragma once

#include "migrations/run.h"
#include "store/runner.h"

/* id, verb, target, actor, reason and start, as asked; a run without an id gets one. */
void report_begin(struct run_report *report, const struct run_request *request,
                  struct arena *arena);

/* The rows before, and after as long as nothing is known to have changed them. */
void report_rows(struct run_report *report, const version_rows *rows, struct arena *arena);

/* A dry run: the steps as they would be. */
void report_plan(struct run_report *report, const struct plan *plan, struct arena *arena);

/* What the runner did. */
void report_result(struct run_report *report, const struct runner_result *result,
                   struct arena *arena);

/* What went wrong beside a run that succeeded; several are joined. `what` is half a sentence. */
void report_warn(struct run_report *report, const char *what, const struct error *cause,
                 struct arena *arena);
