/*
 * backend.h - what the HTTP side asks of the daemon. The daemon fills a `struct backend`; api/
 * knows nothing behind it.
 *
 * Every call comes from a thread of api/ and must not wait for a migration or a disk: reads answer
 * from the published snapshot and the journal, submit only hands over. Several threads may call at
 * once. Memory: answers live in the given arena, or, for graphs, as long as the snapshot that api/
 * releases.
 */
#pragma once

#include "base/denial.h"
#include "base/findings.h"
#include "migrations/accept.h"
#include "migrations/current.h"
#include "migrations/revision_request.h"
#include "migrations/run.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- Jobs ---- */

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
must_check bool job_state_find(const char *name, enum job_state *ret);

/* A job as the world sees it. Its id is its run's id. */
struct job_view {
    enum job_state state;
    struct run_report report;     /* outcome and error are meaningful once it ended */
    struct run_progress progress; /* while it is queued or running */
    int64_t queued_us;            /* wall clock */
    uint64_t elapsed_us;          /* since it began to run, or its whole duration */
    int64_t remaining_us;         /* until it ends, where that can be known; -1: nobody knows */
    bool is_cancel_requested;     /* and it has not ended yet */
    bool is_interruptible;        /* a request to cancel takes effect at once: false while it
                                     commits, while SQLite gives no sign of life, and once it
                                     ended */
};

struct job_views {
    struct job_view *items; /* newest first */
    size_t count;
    bool has_more; /* older ones match, too: the next page begins before the last item */
};

/* Which jobs a list is about. Zeroed: all. */
struct job_filter {
    unsigned limit;     /* at least 1 */
    const char *before; /* id: only older ones; NULL: from the newest */
    bool has_state;
    enum job_state state;
    bool has_verb;
    enum verb verb;
    const char *actor; /* exactly this one; NULL: anybody's */
    int64_t since_us;  /* wall clock: queued then or later; 0: from the beginning */
};

/* The state of a job whose run came to this; an unfinished run is one that somebody is at. */
enum job_state job_state_of(enum run_outcome outcome);

/* A job of which nothing but its run is known, as the journal has it. Points into the report. */
struct job_view job_view_of_run(const struct run_report *report);

/* ---- Submitting ---- */

#define IDEMPOTENCY_KEY_MAX 255 /* bytes */

/* A request on its way to become a job. Copied by submit. */
struct submission {
    const struct run_request *request;
    const char *idempotency_key;        /* NULL: none; else the actor's own name for the
                                           request, remembered for 7 days */
    unsigned char fingerprint[32];      /* SHA-256 of what is asked; with a key only */
    const struct error *refused_unless; /* what to refuse a new request with (If-Match): a request
                                           whose key is known gets its old answer all the same;
                                           NULL: nothing */
};

/* What became of a submission. */
struct acceptance {
    char id[RUN_ID_SIZE];      /* of the job; empty when it was refused */
    bool is_replay;            /* the key was known: this is the job it made then */
    const struct error *error; /* why it was refused; NULL when not */
};

/*
 * Who waits for a submission; called on any thread, perhaps before submit returns. They must not
 * block and must not call the backend.
 *
 * accepted  called once: the job is recorded and queued, or refused.
 * ended     called once after accepted, when the job ended (at once when it had); never when it was
 *           refused. NULL: nobody waits for the end.
 */
struct submit_hooks {
    void *cookie;
    void (*accepted)(void *cookie, const struct acceptance *acceptance);
    void (*ended)(void *cookie);
};

/* ---- Events ---- */

enum event_kind {
    EVENT_JOB,     /* a job was queued, began, went on (at most every 100 ms unless phase or step
                      changed), or ended */
    EVENT_CURRENT, /* what /current says changed, its running job aside */
};

/* Plain value. */
struct event {
    uint64_t number; /* ascending without gaps, and from start to start of the daemon */
    enum event_kind kind;
    int64_t at_us; /* wall clock */

    /* EVENT_JOB only: as it was then. */
    char job[RUN_ID_SIZE];
    enum job_state state;
    struct run_progress progress;
    uint64_t elapsed_us;
    int64_t remaining_us;
};

#define EVENT_BATCH_MAX 16

/* Events in order. Plain value. */
struct event_batch {
    struct event items[EVENT_BATCH_MAX];
    size_t count;    /* EVENT_BATCH_MAX: there may be more */
    bool has_gap;    /* what followed `after` is forgotten already: items begin later, or `after`
                        is in nobody's memory */
    uint64_t newest; /* number of the newest event there is; at least 1 */
};

/* ---- Snapshots ---- */

/* One consistent picture for a GET: hold it, answer, release it. */
struct snapshot {
    const struct graph *graph; /* NULL when scripts could not be read: then problem says why */
    struct current current;    /* valid when graph is not NULL or rows are known */
    bool database_exists;
    bool is_stale;        /* the database could not be asked just now (it is locked); this
                                  is the last known state */
    int64_t observed_us;  /* wall clock of the last look that succeeded */
    bool is_ready;        /* schema is where startup requires it, or in the range it accepts */
    const char *required; /* "head", "none" or the target startup requires */
    const char *accept;   /* "FROM..TO": the range that is ready as well; NULL: none configured */
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
    uint64_t rows_tag; /* a hash of the version rows, the same for the same rows for ever; 0 while
                          they are not known */
    uint64_t etag;     /* changes whenever the answer of /current would; the times in it
                          (observed_us, running.elapsed_us) may move without */
    void *owner;       /* the backend's */
};

/* ---- Numbers ---- */

/* Numbers for /metrics. Counters since start. */
struct backend_counters {
    uint64_t jobs[JOB_INTERRUPTED + 1]; /* ended, by state */
    unsigned queue_length;
    unsigned queue_max;
    int64_t started_us;  /* wall clock */
    int64_t last_run_us; /* end of the last run, wall clock; 0 none */
    uint64_t last_run_duration_us;
    bool last_run_succeeded;
    enum verb last_run_verb;           /* meaningful when there was one */
    enum run_outcome last_run_outcome; /* likewise */
    uint64_t lock_wait_count;          /* jobs that took the schema lock, or gave it up */
    uint64_t lock_wait_sum_us;
    int64_t last_backup_us; /* 0 none */
    uint64_t last_backup_bytes;
    version_rows last_backup_rows; /* in the arena given to counters */
    uint64_t replays;              /* submissions answered by what their key had made */
};

/* ---- Scripts ---- */

/* A script to be written. Copied, but for the request's sql, name_style and is_utc: a script that
 * comes over HTTP holds no SQL, and the configuration says the rest. */
struct script_submission {
    const struct revision_request *request;
    const struct str_list *merged; /* revisions that it merges; NULL: it continues request->head */
    const char *actor;             /* who asks, for the log; NULL: not said */
};

/* done is called once, on any thread, perhaps before script_submit returns: with the id and the
 * path of the new script, or with why there is none. It must not block or call the backend. */
struct script_hooks {
    void *cookie;
    void (*done)(void *cookie, const char *id, const char *path, const struct error *error);
};

struct backend {
    void *data;
    const char *sqlite_version;        /* of the library that it uses; NULL: not said */
    const char *version_table;         /* of the database; NULL: alembic_version */
    enum transaction_mode transaction; /* of requests that do not say */

    /* Never fails: problems are inside. Release with snapshot_release. */
    void (*snapshot_take)(void *data, struct arena *arena, struct snapshot *ret);
    void (*snapshot_release)(void *data, struct snapshot *snapshot);

    /* What a request would do; *ret_plan points into the snapshot's graph, so take the snapshot
     * first. May read the database, never waits. */
    bool (*plan)(void *data, const struct snapshot *snapshot, const struct run_request *request,
                 struct arena *arena, struct plan **ret_plan, struct error *err);

    /* Make a job of a request: find what its key made, or record it so that a restart remembers it,
     * and queue it. Never fails by itself: hooks->accepted is told, of ERR_QUEUE_FULL,
     * ERR_STOPPING, ERR_IDEMPOTENCY_KEY_REUSED, ERR_JOURNAL or what refused_unless holds. */
    void (*submit)(void *data, const struct submission *submission,
                   const struct submit_hooks *hooks);
    bool (*job_get)(void *data, const char *id, struct arena *arena, struct job_view *ret,
                    struct error *err);
    /* Fails ERR_JOB_UNKNOWN (before), ERR_JOURNAL. */
    bool (*job_list)(void *data, const struct job_filter *filter, struct arena *arena,
                     struct job_views *ret, struct error *err);
    /* Cancel a queued or running job: asks only, the job ends soon. ERR_JOB_UNKNOWN; an ended job
     * is left as it is. */
    bool (*job_cancel)(void *data, const char *id, struct error *err);

    /* The events that followed number `after`, at most EVENT_BATCH_MAX. Never waits. */
    void (*events_read)(void *data, uint64_t after, struct event_batch *ret);
    /* From now on call changed(cookie) after every event, on any thread, other locks of the daemon
     * held: it must neither block nor call the backend. Called once, before anything is served;
     * changed NULL ends it, and returns when no call is under way. */
    void (*events_watch)(void *data, void (*changed)(void *cookie), void *cookie);

    /* Write a new script, where the configuration lets the daemon: else, and when it fails, done is
     * told why (ERR_FORBIDDEN, ERR_STOPPING, as revision_create and merge_create). */
    void (*script_submit)(void *data, const struct script_submission *submission,
                          const struct script_hooks *hooks);

    /* The script of a revision (whole id) as it was applied last, which the journal keeps though
     * its file may be gone: where that was, and all of its text. Fails ERR_REVISION_UNKNOWN,
     * ERR_JOURNAL. */
    bool (*script_kept)(void *data, const char *id, struct arena *arena, const char **ret_path,
                        const char **ret_text, struct error *err);

    /* What is amiss with scripts and database together, empty when nothing is: the database is
     * behind (ERR_NOT_READY), there are several heads, applied scripts changed or are missing, rows
     * are unknown or overlap. ret in the arena, each an error with its hint. Fails ERR_JOURNAL. */
    bool (*check)(void *data, const struct snapshot *snapshot, struct arena *arena,
                  struct findings *ret, struct error *err);

    bool (*backup_list)(void *data, struct arena *arena, struct backup_infos *ret,
                        struct error *err);
    void (*counters)(void *data, struct arena *arena, struct backend_counters *ret);

    /* Journal a refusal; copied. Returns at once, and drops it when too many wait to be
     * written. */
    void (*deny)(void *data, const struct denial *denial);
    bool (*denial_list)(void *data, unsigned limit, struct arena *arena, struct denials *ret,
                        struct error *err);
};
