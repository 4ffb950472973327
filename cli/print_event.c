/*
 * print_event.c - what happens in a daemon, a line an event.
 */
#include "cli/print.h"

#include "base/clock.h"
#include "cli/follow.h"
#include "cli/json_read.h"

#include <string.h>

/* "running c7f8a9b0d1e2, step 3 of 5", "succeeded", "failed: no such table: t". */
static void print_job_event(struct printer *printer, const json_t *job)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const json_t *run = json_object_get(job, "run");
    const char *state = json_text(job, "state");
    struct run_moment moment = follow_moment_of(job);

    print_format(printer, "job %s %s", json_text(job, "id"), json_text(run, "verb"));
    if (json_has(run, "target"))
        print_format(printer, " %s", json_text(run, "target"));
    if (strcmp(state, "running") == 0)
        print_format(printer, ": %s", progress_line(&moment, &arena));
    else
        print_format(printer, ": %s", state);
    if (json_has(run, "error"))
        print_format(printer, ": %s", json_text(json_object_get(run, "error"), "detail"));
}

static void print_current_event(struct printer *printer, const json_t *current)
{
    print_format(printer, "schema %s: ", verdict_words(json_text(current, "verdict")));
    print_texts(printer, json_object_get(current, "revisions"), ", ", "base");
    if (json_number(current, "pending") > 0)
        print_format(printer, ", %lld to apply", (long long) json_number(current, "pending"));
    print_text(printer, TINT_NONE, json_truth(current, "ready") ? ", ready" : ", not ready");
    if (json_truth(current, "stale"))
        print_text(printer, TINT_NONE, " (as last seen)");
}

void print_event(struct printer *printer, const char *name, const json_t *data)
{
    char now[CLOCK_TEXT_SIZE];

    clock_format_rfc3339(clock_wall_us(), now);
    print_text(printer, TINT_DIM, now);
    print_text(printer, TINT_NONE, " ");
    if (strcmp(name, "job") == 0)
        print_job_event(printer, data);
    else if (strcmp(name, "current") == 0)
        print_current_event(printer, data);
    else
        print_format(printer, "%s: %s", name, json_text(data, "detail"));
    print_text(printer, TINT_NONE, "\n");
}
