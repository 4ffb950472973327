/*
 * fake.h - a backend without a daemon: three revisions, a database behind by one, and jobs that are
 * accepted, go on and end when the test says so.
 */
#pragma once

#include "api/backend.h"

#include <pthread.h>

#define FAKE_JOBS_MAX     64
#define FAKE_WAITERS_MAX  8
#define FAKE_EVENTS_MAX   4096
#define FAKE_DENIALS_MAX  64
#define FAKE_FINDINGS_MAX 8
#define FAKE_EVENTS_FIRST 1000 /* number of the event before all others */
#define FAKE_ROWS_TAG     UINT64_C(0xb2)

/* What was submitted, copied. */
struct fake_job {
    struct job_view view;
    char target[64];
    char actor[64];
    char reason[64];
    char expect[64]; /* joined by ','; "(none)" without */
    char stamps[64]; /* joined by ',' */
    char key[IDEMPOTENCY_KEY_MAX + 1];
    unsigned char fingerprint[32];
    bool is_dry_run;
    bool purge;
    uint32_t lock_timeout_ms;
    bool is_accepted;
    struct submit_hooks waiters[FAKE_WAITERS_MAX];
    size_t waiter_count;
};

struct fake_denial {
    struct denial denial;
    char reason[16];
    char actor[64];
    char method[32];
    char path[256];
};

struct fake {
    struct backend backend;
    struct arena arena;
    struct str_list scripts;
    struct snapshot snapshot; /* what snapshot_take copies, the jobs put in; set it before a server
                                 runs, or lock */
    pthread_mutex_t lock;     /* guards everything below, and snapshot */
    pthread_cond_t changed;
    struct fake_job jobs[FAKE_JOBS_MAX];
    size_t job_count;
    size_t cancel_count;
    unsigned snapshots_held;
    size_t snapshots_taken;
    bool ends_at_once;            /* jobs end inside submit */
    bool accepts_later;           /* jobs are accepted by fake_accept_job only */
    enum error_code submit_fails; /* ERR_OK: it does not */
    struct job_filter filter;     /* of the last list; its texts are not to be read */
    struct event events[FAKE_EVENTS_MAX];
    size_t event_count;
    size_t events_forgotten; /* the first so many are */
    void (*events_changed)(void *cookie);
    void *events_cookie;
    struct fake_denial denials[FAKE_DENIALS_MAX];
    size_t denial_count;
    enum error_code script_fails; /* ERR_OK: it does not */
    bool writes_later;            /* scripts are written by fake_write_script only */
    size_t script_count;          /* submitted */
    char script[256];             /* what was said of the last one, "name=value" each */
    char script_actor[64];
    struct script_hooks script_hooks;         /* of the last one */
    struct error findings[FAKE_FINDINGS_MAX]; /* of check */
    size_t finding_count;
};

void fake_init(struct fake *fake);
void fake_release(struct fake *fake);

/* Wait until that many jobs were submitted. */
void fake_wait_jobs(struct fake *fake, size_t count);

/* Accept job number `index`; let it run, so far; end it: well, or with this error. Each is an
 * event. */
void fake_accept_job(struct fake *fake, size_t index);
void fake_run_job(struct fake *fake, size_t index, unsigned permille);
void fake_end_job(struct fake *fake, size_t index, enum error_code code, const char *detail);

/* Wait until that many scripts were submitted; and: write the last one, or refuse it. */
void fake_wait_scripts(struct fake *fake, size_t count);
void fake_write_script(struct fake *fake);

/* From now on aaaa1111 and bbbb2222 are branch points, dddd4444 is a second head and eeee5555 a
 * third one, which depends on it. No server runs. */
void fake_branch(struct fake *fake);

/* The database is at this revision now: an event. As fake_move, but nobody tells: what somebody
 * else committed. */
void fake_move(struct fake *fake, const char *revision);
void fake_move_silently(struct fake *fake, const char *revision);

/* An event of nothing in particular; and: forget all events. */
void fake_change(struct fake *fake);
void fake_forget_events(struct fake *fake);
