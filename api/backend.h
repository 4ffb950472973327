/*
 * backend.h - what the HTTP side asks of the daemon. The daemon fills a `struct backend`; api/
 * knows nothing behind it.
 *
 * Every call comes from an http thread and must not wait for a migration: reads answer from the
 * published snapshot and the journal, submit only queues. Several http threads may call at once.
 * Memory: answers live in the given arena, or, for graphs, as long as the snapshot that api/
 * releases.
 */
#pragma once

#include "migrations/current.h"
#include "migrations/run.h"

#include <stdbool.h>
#include <stdint.h>

enum job_state {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_SUCCEEDED,
    JOB_FAILED,
    JOB_CANCELLED,
    JOB_INTERRUPTED, /* cut off by a crash, found at the next start */
};

/* "queued", "running", "succeeded", "failed", "cancelled", "interrupted". Any thread. */
const char *job_state_name(enum job_state state);

/* A job as the world sees it. Its id is its run's id. */
struct job_view {
    enum job_state state;
    struct run_report report;     /* outcome and error are meaningful once it ended */
    struct run_progress progress; /* while it is queued or running */
    int64_t queued_us;            /* wall clock */
    uint64_t elapsed_us;          /* since it began to run, or its whole duration */
};

struct job_views {
    struct job_view *items; /* newest first */
    size_t count;
};

/* The state of a job whose run came to this; an unfinished run is one that somebody is at. */
enum job_state job_state_of(enum run_outcome outcome);

/* A job of which nothing but its run is known, as the journal has it. Points into the report. */
struct job_view job_view_of_run(const struct run_report *report);

/* One consistent picture for a GET: hold it, answer, release it. */
struct snapshot {
    const struct graph *graph; /* NULL when scripts could not be read: then problem says why */
    struct current current;    /* valid when graph is not NULL or rows are known */
    bool database_exists;
    bool is_stale;        /* the database could not be asked just now (it is locked); this
                                  is the last known state */
    int64_t observed_us;  /* wall clock of the last look that succeeded */
    bool is_ready;        /* schema is where startup requires it */
    const char *required; /* "head", "none" or the target startup requires */
    const char *status;   /* what sd_notify's STATUS says */
    struct error problem; /* why verdict is unknown, or why startup failed; ERR_OK when all is
                                  well */
    char journal_mode[16];
    uint64_t database_bytes;
    uint64_t wal_bytes;
    const char *database; /* path */
    const struct str_list *scripts;
    bool has_running;
    struct job_view running;
    unsigned queue_length;
    uint64_t etag; /* changes whenever the answer of /current would; the times in it
                                  (observed_us, running.elapsed_us) may move without */
    void *owner;   /* the backend's */
};

/* Numbers for /metrics. Counters since start. */
struct backend_counters {
    uint64_t jobs[JOB_INTERRUPTED + 1]; /* ended, by state */
    unsigned queue_length;
    unsigned queue_max;
    int64_t started_us;  /* wall clock */
    int64_t last_run_us; /* end of the last run, wall clock; 0 none */
    uint64_t last_run_duration_us;
    bool last_run_succeeded;
    int64_t last_backup_us; /* 0 none */
    uint64_t last_backup_bytes;
};

/* Called once, on any thread, when the job ended; must not block. It may come before submit
 * returns. */
typedef void (*job_done_fn)(void *cookie);

struct backend {
    void *data;

    /* Never fails: problems are inside. Release with snapshot_release. */
    void (*snapshot_take)(void *data, struct arena *arena, struct snapshot *ret);
    void (*snapshot_release)(void *data, struct snapshot *snapshot);

    /* What a request would do; *ret_plan points into the snapshot's graph, so take the snapshot
     * first. May read the database, never waits. */
    bool (*plan)(void *data, const struct snapshot *snapshot, const struct run_request *request,
                 struct arena *arena, struct plan **ret_plan, struct error *err);

    /* Queue a request; copied. done(cookie) is called when it ended (not when submit fails); NULL:
     * nobody waits. ret_id has RUN_ID_SIZE bytes. Fails ERR_QUEUE_FULL, ERR_STOPPING,
     * ERR_ARGUMENT_INVALID. */
    bool (*submit)(void *data, const struct run_request *request, job_done_fn done, void *cookie,
                   char *ret_id, struct error *err);
    bool (*job_get)(void *data, const char *id, struct arena *arena, struct job_view *ret,
                    struct error *err);
    bool (*job_list)(void *data, unsigned limit, const char *before, struct arena *arena,
                     struct job_views *ret, struct error *err);
    /* Cancel a queued or running job: asks only, the job ends soon. ERR_JOB_UNKNOWN; an ended job
     * is left as it is. */
    bool (*job_cancel)(void *data, const char *id, struct error *err);
    bool (*backup_list)(void *data, struct arena *arena, struct backup_infos *ret,
                        struct error *err);
    void (*counters)(void *data, struct backend_counters *ret);
};
