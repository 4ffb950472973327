/*
 * waits.h - requests that wait: suspended in libmicrohttpd, resumed by whoever has news for them.
 *
 * A request waits for a job (a POST: until the job is accepted and ended, or accepted and a moment
 * passed), for a script (until it is written or refused), or for news (a long poll, a stream: until
 * the next event or a moment, as often as it likes). Jobs and scripts end waits themselves, through
 * the backend's hooks; a thread of its own, the timekeeper, ends them at their moments, and wakes
 * those who wait for news when the backend has an event. So a backend that tells of an event only
 * leaves a note, and never resumes anybody.
 *
 * The order matters: the connection is suspended before the job or script is submitted, because it
 * can be done before the handler that submitted it returns; and news are counted before they are
 * looked for, because they can come before the connection is suspended. What outlives its request
 * leaves an orphan, freed when the last hook was called or with the waits.
 *
 *     for a job:     suspended --accepted--> suspended --ended, or its moment--> resumed
 *     for a script:  suspended --done--> resumed
 *     for news:      running --wait_pause--> suspended --event, or its moment--> running
 *
 * THREAD SAFETY: `lock` guards everything here and every wait. libmicrohttpd's own locks are taken
 * while it is held, never the other way round, but for the lock of a stream's response, which
 * nobody takes who holds this one. The backend is never called while it is held, so its hooks may
 * be called with any lock of the backend held.
 */
#pragma once

#include "api/backend.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>

#define WAIT_FOR_EVER INT64_MAX

struct wait;

enum waits_state {
    WAITS_SERVING,
    WAITS_STOPPING,  /* whoever waits for news ends as soon as no more are to come */
    WAITS_ABANDONED, /* nobody waits any more */
};

struct waits {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* monotonic clock; only the timekeeper waits for it */
    pthread_t timekeeper;
    struct wait *first;
    enum waits_state state;
    uint64_t news;     /* how often there were any */
    int64_t next_us;   /* when the timekeeper looks again */
    unsigned watchers; /* requests that wait for news, suspended or not */
    unsigned watchers_max;
    bool is_over; /* the timekeeper is to end */
};

/* No waits yet. watchers_max: how many requests may wait for news. Fails ERR_INTERNAL. */
must_check bool waits_init(struct waits *waits, unsigned watchers_max, struct error *err);

/* No hook may be called after this: frees the orphans. No request is suspended. */
void waits_release(struct waits *waits);

/* There is an event: what backend->events_watch calls, with the struct waits. Any thread; does not
 * block. */
void waits_changed(void *cookie);

/* From now on whoever waits for news is to end; and: resume everything that still waits, now and
 * later. Any thread. */
void waits_stop(struct waits *waits);
void waits_abandon(struct waits *waits);

/* Which of these it is. Any thread. */
enum waits_state waits_state_get(struct waits *waits);

/* How waiting for a job or a script went. */
struct wait_result {
    bool is_accepted; /* or refused; false: given up before either was known */
    bool is_replay;
    bool has_ended;
    bool is_given_up;                   /* it neither ended nor was its moment over */
    char id[RUN_ID_SIZE];               /* of the job; empty when there is none */
    char revision[REVISION_ID_MAX + 1]; /* of the script; empty when there is none */
    char *path;                         /* of the script; heap, the caller's; NULL likewise */
    struct error refusal;               /* ERR_OK: none */
};

/* ---- For a job ---- */

/* Suspend the connection whose handler is running until the job that is submitted next ended, but
 * once it is accepted at most until until_us (monotonic). On the connection's http thread. */
struct wait *wait_for_job(struct waits *waits, struct MHD_Connection *connection, int64_t until_us);

/* The hooks of its submission, called with the struct wait. Any thread; they do not block. */
void wait_accepted(void *cookie, const struct acceptance *acceptance);
void wait_ended(void *cookie);

/* ---- For a script ---- */

/* Suspend the connection whose handler is running until the script that is submitted next is there,
 * or refused. On the connection's http thread. */
struct wait *wait_for_script(struct waits *waits, struct MHD_Connection *connection);

/* The hook of its submission, called with the struct wait. Any thread; it does not block. */
void wait_written(void *cookie, const char *id, const char *path, const struct error *error);

/* ---- For news ---- */

/* Be one of those who wait for news; not suspended yet. NULL: there are too many already. On the
 * connection's http thread. */
struct wait *wait_for_news(struct waits *waits, struct MHD_Connection *connection);

/* What wait_pause() is told afterwards; ask before looking for news. Any thread. */
uint64_t waits_news(struct waits *waits);

/* Suspend the connection whose handler or reader is running until there are more than `seen` news,
 * at most until until_us (monotonic). On the connection's http thread. */
void wait_pause(struct wait *wait, uint64_t seen, int64_t until_us);

/* ---- All ---- */

/* The handler runs again, or the request is over. Afterwards the wait is not the request's any
 * more. ret: NULL, or what came of waiting for a job or a script. On the connection's http
 * thread. */
void wait_end(struct wait *wait, struct wait_result *ret);
