/*
 * progress.h - the line on a terminal that says how far a run is.
 *
 * Written over itself on standard error, and erased at the end. Where standard error is no
 * terminal, or with --quiet, nothing is written. Main thread only.
 */
#pragma once

#include "base/arena.h"
#include "migrations/run.h"

#include <stdio.h>

struct progress {
    FILE *terminal; /* NULL: say nothing */
    int64_t shown_us;
    bool is_shown;
};

/* What the line says: "running c7f8a9b0d1e2, step 3 of 5, statement 2 of 7, 48 %". In the arena. */
const char *progress_format(const struct run_progress *progress, struct arena *arena);

/* Show it, at most ten times a second. */
void progress_show(struct progress *progress, const char *line);

/* Erase the line, if there is one. */
void progress_end(struct progress *progress);
