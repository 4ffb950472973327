/*
 * watch.h - the eye on a connection while SQLite works: progress to the caller, cancelling, the
 * deadline, waiting for locks. Internal to store/.
 *
 * Installed on a connection, it is called by SQLite every thousand instructions or so
 * (sqlite3_progress_handler) and while it waits for a lock (sqlite3_busy_handler). SQLite does not
 * call while it frees the pages of a dropped table or writes a COMMIT; nothing can be heard then.
 */
#pragma once

#include "migrations/run.h"
#include "store/sqlite.h"

enum watch_stop {
    WATCH_GOES_ON,
    WATCH_CANCELLED,
    WATCH_TIMED_OUT,
};

struct watch {
    const struct run_hooks *hooks; /* or NULL */
    struct run_progress progress; /* changed by its owner, told by watch_report and by every tick */
    uint32_t busy_timeout_ms;
    bool is_committing;    /* too late to stop: only the heartbeat goes on */
    enum watch_stop stop;  /* why SQLite was interrupted */
    uint32_t timeout_ms;   /* 0: none */
    int64_t deadline_us;   /* monotonic */
    int64_t next_us;       /* next call of the hooks */
    int64_t wait_since_us; /* of the current wait for a lock */
};

/* A watch whose deadline runs from now. hooks may be NULL. */
void watch_init(struct watch *watch, const struct run_hooks *hooks, uint32_t busy_timeout_ms,
                uint32_t timeout_ms);

/* Watch this connection from now on; `watch` must outlive it. */
void watch_install(struct watch *watch, struct db *db);

/* Tell the progress now. */
void watch_report(struct watch *watch);

/* Ask the hooks and the deadline now; true when the work has to stop. */
bool watch_must_stop(struct watch *watch);

/* Fails ERR_CANCELLED, with the reason, when the watch stopped the work. */
must_check bool watch_check(const struct watch *watch, struct error *err);
