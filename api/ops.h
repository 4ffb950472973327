/*
 * ops.h - the operations that routes name, one function a route; api/op_*.c.
 *
 * Each gets an admitted request on its http thread (see request.h: struct request, operation), and
 * never waits: what takes time is queued, and the request suspended.
 */
#pragma once

#include "api/request.h"

/* Where the database is: op_current.c, op_status.c, op_metrics.c. None fails but for memory, and
 * op_readyz with ERR_NOT_READY, ERR_ARGUMENT_INVALID and as accept_check. With ?wait= op_current
 * fails ERR_NOT_READY when the time is over, ERR_QUEUE_FULL when too many wait, ERR_STOPPING,
 * ERR_ARGUMENT_INVALID and as target_revisions. */
must_check bool op_current(struct request *request, struct error *err);
must_check bool op_status(struct request *request, struct error *err);
must_check bool op_healthz(struct request *request, struct error *err);
must_check bool op_readyz(struct request *request, struct error *err);
must_check bool op_metrics(struct request *request, struct error *err);
must_check bool op_openapi(struct request *request, struct error *err);

/* Revisions: op_revisions.c. Fail as target_revisions, target_history and with the problem of the
 * scripts; op_heads ERR_ARGUMENT_INVALID, too. */
must_check bool op_branches(struct request *request, struct error *err);
must_check bool op_history(struct request *request, struct error *err);
must_check bool op_heads(struct request *request, struct error *err);
must_check bool op_revision(struct request *request, struct error *err);

/* What would be done, and doing it: op_plan.c, op_sql.c, op_run.c. Fail ERR_ARGUMENT_INVALID,
 * ERR_REQUEST_MALFORMED, as planning, as offline_sql and as the run. */
must_check bool op_plan(struct request *request, struct error *err);
must_check bool op_sql(struct request *request, struct error *err);
must_check bool op_upgrade(struct request *request, struct error *err);
must_check bool op_downgrade(struct request *request, struct error *err);
must_check bool op_stamp(struct request *request, struct error *err);
must_check bool op_backup(struct request *request, struct error *err);

/* Writing scripts: op_scripts.c. Fail ERR_ARGUMENT_INVALID, ERR_REQUEST_MALFORMED, and as the
 * backend's script_submit. */
must_check bool op_revise(struct request *request, struct error *err);
must_check bool op_merge(struct request *request, struct error *err);

/* What is amiss: op_check.c. Fails ERR_JOURNAL. */
must_check bool op_check(struct request *request, struct error *err);

/* Jobs, backups, refusals: op_jobs.c, op_backups.c, op_denials.c. Fail ERR_JOB_UNKNOWN,
 * ERR_ARGUMENT_INVALID, ERR_JOURNAL, ERR_IO. */
must_check bool op_jobs(struct request *request, struct error *err);
must_check bool op_job(struct request *request, struct error *err);
must_check bool op_job_cancel(struct request *request, struct error *err);
must_check bool op_backups(struct request *request, struct error *err);
must_check bool op_denials(struct request *request, struct error *err);

/* Events as they come: op_events.c. Fail ERR_JOB_UNKNOWN, ERR_ARGUMENT_INVALID, ERR_QUEUE_FULL when
 * too many wait. */
must_check bool op_events(struct request *request, struct error *err);
must_check bool op_job_events(struct request *request, struct error *err);

/* Whether this can be the id of a job; not whether it is one. Fails ERR_JOB_UNKNOWN. */
must_check bool op_job_id_check(const char *id, struct error *err);
