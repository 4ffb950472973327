/*
 * lifecycle.h - the process from its first socket to its exit status: composes the parts, and
 * reacts to signals, to the worker and to time. status.h draws its states.
 *
 * Order of start: sockets, first look at database and scripts, recorder, tokens, HTTP (it answers
 * from here on), worker, job of the start; the worker settles the journal, and only then does the
 * recorder accept what was asked meanwhile. Order of stop: no new connections, no new jobs, what
 * waits is withdrawn, the running job ends or is cancelled at the stop timeout, the recorder
 * refuses what is left, waiting clients get their answer, sockets close.
 */
#pragma once

#include "daemon/config.h"

/*
 * Run the daemon. Blocks until it was told to stop or cannot go on; reasons were logged.
 *
 * Main thread; no other threads exist yet. SIGTERM, SIGINT and SIGHUP are blocked from here on.
 * Returns the exit status (sysexits.h; schemad(8)).
 */
int lifecycle_run(const struct config *config);

/* The exit status that an error at start means. */
int lifecycle_exit_status(const struct error *err);
