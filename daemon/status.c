/*
 * status.c - composing the line: a run in progress comes first, then what is wrong, then where the
 * schema is.
 */
#include "daemon/status.h"

#include <stdio.h>

static const char *const doing[] = {
    [VERB_UPGRADE] = "upgrading",
    [VERB_DOWNGRADE] = "downgrading",
    [VERB_STAMP] = "stamping",
    [VERB_BACKUP] = "backing up",
};

/* "upgrading to c7f8a9b0d1e2" */
static void format_deed(const struct queue_activity *activity, char *text, size_t size)
{
    (void) snprintf(text, size, "%s%s%s", doing[activity->verb],
                    activity->goal[0] != '\0' ? " to " : "", activity->goal);
}

static void format_activity(const struct queue_activity *activity, char *text, size_t size)
{
    const struct run_progress *progress = &activity->progress;
    char deed[GOAL_SIZE + 32];

    format_deed(activity, deed, sizeof(deed));
    if (activity->verb == VERB_BACKUP || progress->phase == PHASE_QUEUED ||
        (progress->phase == PHASE_RUNNING && progress->step == 0))
        (void) snprintf(text, size, "%s", deed);
    else if (progress->phase == PHASE_BACKUP)
        (void) snprintf(text, size, "%s: backing up first", deed);
    else if (progress->phase == PHASE_RUNNING)
        (void) snprintf(text, size, "%s: %u of %u", deed, progress->step, progress->step_count);
    else
        (void) snprintf(text, size, "%s: %s", deed, run_phase_name(progress->phase));
}

static void format_rest(const struct status *status, char *text, size_t size)
{
    const char *rows = status->rows[0] != '\0' ? status->rows : "base";

    if (status->failure != NULL && status->failure->code != ERR_OK) {
        char failure[STATUS_SIZE - 64];

        error_format(status->failure, failure, sizeof(failure));
        (void) snprintf(text, size, "%s%s",
                        status->life == LIFE_HOLDING ? "not ready, waiting for a request: " : "",
                        failure);
        return;
    }
    if (status->is_ready)
        (void) snprintf(text, size, "schema is at %s", rows);
    else
        (void) snprintf(text, size, "schema is at %s, required is %s", rows, status->required);
}

void status_format(const struct status *status, char text[STATUS_SIZE])
{
    const char *prefix = status->life == LIFE_STOPPING ? "stopping: " : "";
    char rest[STATUS_SIZE];

    if (status->activity->has_running)
        format_activity(status->activity, rest, sizeof(rest));
    else if (status->life == LIFE_STARTING)
        (void) snprintf(rest, sizeof(rest), "starting");
    else
        format_rest(status, rest, sizeof(rest));
    /* The end of a long reason is cut, which error.c marks. */
    if ((size_t) snprintf(text, STATUS_SIZE, "%s%s", prefix, rest) >= STATUS_SIZE)
        (void) snprintf(text + STATUS_SIZE - 4, 4, "...");
}
