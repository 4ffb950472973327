/*
 * status.h - what the daemon is doing, in one line of words: STATUS= for systemd, `status` for
 * HTTP. Pure.
 */
#pragma once

#include "daemon/queue.h"

/*
 * The life of the daemon:
 *
 *   starting --> serving --> stopping --> end
 *      |           ^            ^
 *      +--> holding+            |
 *      |       |                |
 *      +-------+----------------+
 *
 * starting: the job of the start runs, or waits for its turn. holding: it failed, and on_failure
 * is hold. serving: READY=1 was said. SIGTERM leads from everywhere to stopping, and so does a
 * failed start with on_failure = exit.
 */
enum life {
    LIFE_STARTING,
    LIFE_SERVING,
    LIFE_HOLDING,
    LIFE_STOPPING,
};

struct status {
    enum life life;
    bool is_ready;               /* schema is where it is required */
    const char *required;        /* "head", "none" or a target */
    const char *rows;            /* version rows, joined; "" for none */
    const struct error *failure; /* of the start, or why nothing is known; NULL or ERR_OK: none */
    const struct queue_activity *activity;
};

#define STATUS_SIZE 800

/* "upgrading to c7f8a9b0d1e2: 3 of 5"; cut to fit. */
void status_format(const struct status *status, char text[STATUS_SIZE]);
