/*
 * interrupt.h - Ctrl-C as a question that can be asked, and waiting that it ends.
 *
 * The first SIGINT, SIGTERM or SIGHUP asks the command to end in order: a run is rolled back, a job
 * cancelled. The second one ends the process as usual: the kernel frees the lock, SQLite's journal
 * keeps the database whole. Main thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* From now on signals ask instead of killing. */
void interrupt_watch(void);

/* Whether one came. */
bool interrupt_was_asked(void);

/* Wait for so long, or until a signal comes. */
void interrupt_wait(uint32_t timeout_ms);
