/*
 * run.h - a run as values: what was asked, how far it is, what came of it. Also backups and their
 * facts.
 *
 * These are the words in which the engine, the journal, HTTP and the command line speak of a run.
 * Plain values without behaviour of their own; pointers live in the arena of whoever made the
 * value.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "migrations/plan.h"

#include <stdbool.h>
#include <stdint.h>

#define RUN_ID_SIZE 17 /* 16 hexadecimal digits and the terminator */

enum transaction_mode {
    TRANSACTION_RUN,      /* the whole run is one transaction: all or nothing */
    TRANSACTION_REVISION, /* a commit after each revision */
};

enum backup_policy {
    BACKUP_ALWAYS,      /* before every run that changes anything */
    BACKUP_DESTRUCTIVE, /* only when the plan drops or deletes, or goes down */
    BACKUP_NEVER,
};

const char *transaction_mode_name(enum transaction_mode mode); /* "run", "revision" */
must_check bool transaction_mode_find(const char *name, enum transaction_mode *ret);
const char *backup_policy_name(enum backup_policy policy); /* "always", "destructive", "never" */
must_check bool backup_policy_find(const char *name, enum backup_policy *ret);

/*
 * What is asked for. Zero is a fine default for every member but verb; target NULL means head for
 * an upgrade, -1 for a downgrade.
 */
struct run_request {
    enum verb verb;
    char id[RUN_ID_SIZE];   /* empty: the engine makes one */
    const char *target;     /* upgrade, downgrade */
    struct str_list stamps; /* stamp: one or several targets; none, and no target: the version
                               table is only made sure of */
    bool purge;             /* stamp */
    enum transaction_mode transaction;
    bool has_transaction; /* says that TRANSACTION_RUN was asked for; else zero is the setting's */
    enum backup_policy backup;
    bool has_backup; /* says that BACKUP_ALWAYS was asked for; else zero is the setting's */
    bool has_expect; /* refuse (ERR_PRECONDITION_FAILED) unless the version rows are `expect` */
    struct str_list expect; /* sorted full ids; empty is "no row" */
    bool is_dry_run;        /* plan and preflight only */
    const char *actor;  /* who: "uid 1000 (deploy)", "token ci", "startup"; needed for a journal */
    const char *reason; /* why, free text; NULL when not said */
    uint32_t lock_timeout_ms; /* wait for the schema lock and SQLite's; 0: the setting's */
    uint32_t timeout_ms;      /* a run still before COMMIT after this is rolled back; 0: no limit */
};

enum run_phase {
    PHASE_QUEUED,
    PHASE_PLANNING,
    PHASE_PREFLIGHT,
    PHASE_BACKUP,
    PHASE_RUNNING,
    PHASE_CHECKING,
    PHASE_COMMITTING,
    PHASE_DONE,
};

const char *run_phase_name(
    enum run_phase phase); /* "queued", "planning", "preflight", "backup", "running", ... */

/* How far a run is. Copied by value between threads. */
struct run_progress {
    enum run_phase phase;
    enum direction direction;
    char revision[REVISION_ID_MAX + 1]; /* the step being run; empty outside PHASE_RUNNING */
    unsigned step;                      /* 1-based; 0 before the first */
    unsigned step_count;
    unsigned statement; /* 1-based within the step */
    unsigned statement_count;
    unsigned permille; /* of the whole run, never goes backwards */
};

/*
 * How a run talks to whoever started it. Every member may be NULL. Called on the thread that runs.
 *
 * progress      after every change of struct run_progress, and at least every 100 ms while SQLite
 *               works: also the heartbeat.
 * is_cancelled  asked as often; true rolls the run back with ERR_CANCELLED (not once COMMIT began).
 * committed     after each COMMIT, with the version rows as read back.
 */
struct run_hooks {
    void *data;
    void (*progress)(void *data, const struct run_progress *progress);
    bool (*is_cancelled)(void *data);
    void (*committed)(void *data, const version_rows *rows);
};

enum run_outcome {
    RUN_SUCCEEDED,
    RUN_NOTHING_TO_DO, /* already there; nothing was touched */
    RUN_PLANNED,       /* dry run */
    RUN_FAILED,        /* rolled back; with transaction=revision, rows_after says how far it got */
    RUN_CANCELLED,
    RUN_INTERRUPTED,        /* found at start without an outcome: the process died */
    RUN_APPLIED_EXTERNALLY, /* not ours: the version rows moved between two of our looks */
    RUN_UNFINISHED,         /* journalled intent without an outcome yet */
};

/* "succeeded", "nothing-to-do", "planned", "failed", ... */
const char *run_outcome_name(enum run_outcome outcome);
must_check bool run_outcome_find(const char *name, enum run_outcome *ret);

/* A step that was run (or, in a dry run, would be). */
struct step_report {
    const char *revision;
    const char *message; /* doc line */
    const char *line;    /* "Running upgrade a -> b, message" */
    enum direction direction;
    uint64_t duration_us;
    unsigned statement_count;
};

/* What came of a run. */
struct run_report {
    char id[RUN_ID_SIZE];
    enum verb verb;
    enum run_outcome outcome;
    const char *target; /* as asked; NULL when there was none */
    const char *actor;
    const char *reason; /* or NULL */
    version_rows rows_before;
    version_rows rows_after;
    struct step_report *steps;
    size_t step_count;
    const char *backup; /* name of the backup made for it; NULL when none */
    const char
        *warning; /* what went wrong beside a run that succeeded (journal, retention); or NULL */
    int64_t queued_us;     /* wall clock, as its job was registered; 0: it never was */
    int64_t started_us;    /* wall clock */
    uint64_t duration_us;  /* of all of it */
    uint64_t lock_wait_us; /* how much of that it waited for the schema lock */
    struct error error;    /* ERR_OK unless failed, cancelled or interrupted */
};

struct run_reports {
    struct run_report *items; /* newest first */
    size_t count;
};

/* Which runs of the journal a list is about. Zeroed but for the limit: all. */
struct run_filter {
    unsigned limit;     /* at least 1 */
    const char *before; /* id: only runs older than this one; NULL: from the newest */
    bool has_outcomes;
    bool outcomes[RUN_UNFINISHED + 1]; /* any of these */
    bool has_verb;
    enum verb verb;
    const char *actor; /* exactly this one; NULL: anybody's */
    int64_t since_us;  /* wall clock: queued, or begun without a queue, then or later; 0: from the
                          beginning */
};

/* A job that was accepted, before it is a run. */
struct registered_job {
    char id[RUN_ID_SIZE];
    enum verb verb;
    const char *target; /* as asked; NULL when there was none */
    const char *actor;
    const char *reason;            /* or NULL */
    const char *key;               /* idempotency key; NULL: none */
    unsigned char fingerprint[32]; /* meaningful with a key */
    int64_t queued_us;             /* wall clock */
};

/* A verified backup. */
struct backup_info {
    const char
        *name; /* file name in the backup directory: "content-20261120T150304Z-c7f8a9b0d1e2.db" */
    const char *path;
    uint64_t bytes;
    int64_t created_us; /* wall clock, from the name */
    version_rows rows;  /* version rows inside, as far as the name or the journal tells */
};

struct backup_infos {
    struct backup_info *items; /* newest first */
    size_t count;
};
