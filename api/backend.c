/*
 * backend.c - the names of job states. They are public: JSON, metrics, the command line.
 */
#include "api/backend.h"

#include <assert.h>

static const char *const job_state_names[] = {
    [JOB_QUEUED] = "queued", [JOB_RUNNING] = "running",     [JOB_SUCCEEDED] = "succeeded",
    [JOB_FAILED] = "failed", [JOB_CANCELLED] = "cancelled", [JOB_INTERRUPTED] = "interrupted",
};

const char *job_state_name(enum job_state state)
{
    assert((size_t) state < ARRAY_SIZE(job_state_names));
    return job_state_names[state];
}
