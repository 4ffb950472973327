/*
 * progress.h - how far a run is, for people: a bar on a terminal, lines in a log.
 *
 * The bar is one line on standard error, written over itself, and erased at the end. Lines are one
 * for each phase and step. Main thread only.
 */
#pragma once

#include "base/arena.h"
#include "migrations/run.h"

#include <stdio.h>

/* A run at one moment. */
struct run_moment {
    struct run_progress progress;
    uint64_t elapsed_us;
    int64_t remaining_us; /* -1: nobody knows */
};

enum progress_style {
    PROGRESS_NONE,
    PROGRESS_BAR, /* for a terminal */
    PROGRESS_LINES,
};

struct progress {
    FILE *file;
    enum progress_style style;
    struct run_moment moment;
    int64_t moved_us; /* when it was told, monotonic clock; 0: nothing was yet */
    int64_t shown_us;
    bool is_shown;
};

/*
 * "[######>   ]  58 %  running c7f8a9b0d1e2, step 3 of 5, statement 2 of 7, 0:12, about 0:09 left",
 * made to fit: on a narrow terminal the statement goes first, then what is left, the step, the bar;
 * what is too long then is cut. columns 0: not known. In the arena. Pure.
 */
const char *progress_bar(const struct run_moment *moment, unsigned columns, struct arena *arena);

/* "0:12   58 %  running c7f8a9b0d1e2, step 3 of 5". In the arena. Pure. */
const char *progress_line(const struct run_moment *moment, struct arena *arena);

/* Show it: in a bar at most ten times a second, as a line when phase or step changed. */
void progress_show(struct progress *progress, const struct run_moment *moment);

/* Time goes by and nothing was told: a bar that is shown counts on. */
void progress_tick(struct progress *progress);

/* As a bar's line, any text: what is waited for. */
void progress_say(struct progress *progress, const char *text);

/* Erase the bar, if there is one. */
void progress_end(struct progress *progress);
