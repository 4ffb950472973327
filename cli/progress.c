/*
 * progress.c - one line, again and again.
 */
#include "cli/progress.h"

#include "base/clock.h"

#define SHOW_INTERVAL_US 100000

const char *progress_format(const struct run_progress *progress, struct arena *arena)
{
    const char *step = "";
    const char *statement = "";

    if (progress->phase != PHASE_RUNNING || progress->revision[0] == '\0')
        return arena_printf(arena, "%s, %u %%", run_phase_name(progress->phase),
                            progress->permille / 10);
    if (progress->step_count > 0)
        step = arena_printf(arena, ", step %u of %u", progress->step, progress->step_count);
    if (progress->statement_count > 0)
        statement = arena_printf(arena, ", statement %u of %u", progress->statement,
                                 progress->statement_count);
    return arena_printf(arena, "running %s%s%s, %u %%", progress->revision, step, statement,
                        progress->permille / 10);
}

void progress_show(struct progress *progress, const char *line)
{
    int64_t now_us = 0;

    if (progress->terminal == NULL)
        return;
    now_us = clock_monotonic_us();
    if (progress->is_shown && now_us - progress->shown_us < SHOW_INTERVAL_US)
        return;
    /* ECMA-48: carriage return, text, erase to the end of the line. */
    (void) fprintf(progress->terminal, "\r%s\033[K", line);
    (void) fflush(progress->terminal);
    progress->is_shown = true;
    progress->shown_us = now_us;
}

void progress_end(struct progress *progress)
{
    if (!progress->is_shown)
        return;
    (void) fputs("\r\033[K", progress->terminal);
    (void) fflush(progress->terminal);
    progress->is_shown = false;
}
