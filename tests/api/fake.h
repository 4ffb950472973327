/*
 * fake.h - a backend without a daemon: three revisions, a database behind by one, and jobs that end
 * when the test says so.
 */
#pragma once

#include "api/backend.h"

#include <pthread.h>

#define FAKE_JOBS_MAX 64

/* What was submitted, copied. */
struct fake_job {
    struct job_view view;
    char target[64];
    char actor[64];
    char reason[64];
    char expect[64]; /* joined by ','; "(none)" without */
    char stamps[64]; /* joined by ',' */
    bool is_dry_run;
    bool purge;
    uint32_t lock_timeout_ms;
    job_done_fn done;
    void *cookie;
};

struct fake {
    struct backend backend;
    struct arena arena;
    struct str_list scripts;
    struct snapshot snapshot; /* what snapshot_take copies; set it before a server runs, or lock */
    pthread_mutex_t lock;     /* guards everything below, and snapshot */
    pthread_cond_t changed;
    struct fake_job jobs[FAKE_JOBS_MAX];
    size_t job_count;
    size_t cancel_count;
    unsigned snapshots_held;
    bool ends_at_once;            /* jobs end inside submit */
    enum error_code submit_fails; /* ERR_OK: it does not */
};

void fake_init(struct fake *fake);
void fake_release(struct fake *fake);

/* Wait until that many jobs were submitted. */
void fake_wait_jobs(struct fake *fake, size_t count);

/* End job number `index`: well, or with this error. */
void fake_end_job(struct fake *fake, size_t index, enum error_code code, const char *detail);
