/*
 * backend.c - what job states are called, and which one a run leads to. The names are public: JSON,
 * metrics, the command line.
 */
#include "api/backend.h"

#include <assert.h>
#include <string.h>

static const char *const job_state_names[] = {
    [JOB_QUEUED] = "queued", [JOB_RUNNING] = "running",     [JOB_SUCCEEDED] = "succeeded",
    [JOB_FAILED] = "failed", [JOB_CANCELLED] = "cancelled", [JOB_INTERRUPTED] = "interrupted",
};

const char *job_state_name(enum job_state state)
{
    assert((size_t) state < ARRAY_SIZE(job_state_names));
    return job_state_names[state];
}

bool job_state_find(const char *name, enum job_state *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(job_state_names); i++) {
        if (strcmp(name, job_state_names[i]) != 0)
            continue;
        *ret = (enum job_state) i;
        return true;
    }
    return false;
}

enum job_state job_state_of(enum run_outcome outcome)
{
    switch (outcome) {
    case RUN_FAILED:
        return JOB_FAILED;
    case RUN_CANCELLED:
        return JOB_CANCELLED;
    case RUN_INTERRUPTED:
        return JOB_INTERRUPTED;
    case RUN_UNFINISHED:
        return JOB_RUNNING;
    case RUN_SUCCEEDED:
    case RUN_NOTHING_TO_DO:
    case RUN_PLANNED:
    case RUN_APPLIED_EXTERNALLY:
        break;
    }
    return JOB_SUCCEEDED;
}

/* An ended job has no progress any more but that it is over, however far it came: so it looks the
 * same before a restart and after. */
struct job_view job_view_of_run(const struct run_report *report)
{
    bool is_over = report->outcome != RUN_UNFINISHED;

    return (struct job_view){
        .state = job_state_of(report->outcome),
        .report = *report,
        .progress.phase = is_over ? PHASE_DONE : PHASE_RUNNING,
        .progress.permille = is_over ? 1000 : 0,
        .queued_us = report->queued_us != 0 ? report->queued_us : report->started_us,
        .elapsed_us = report->duration_us,
        .remaining_us = -1,
    };
}
