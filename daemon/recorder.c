/*
 * recorder.c - an inbox, and a thread that empties it one item at a time.
 */
#include "daemon/recorder.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/oom.h"
#include "daemon/copy.h"
#include "daemon/log.h"
#include "engine/registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

enum item_kind {
    ITEM_SUBMISSION,
    ITEM_DENIAL,
    ITEM_SCRIPT,
    ITEM_KINDS,
};

static const unsigned item_max[] = {
    [ITEM_SUBMISSION] = RECORDER_SUBMISSIONS_MAX,
    [ITEM_DENIAL] = RECORDER_DENIALS_MAX,
    [ITEM_SCRIPT] = RECORDER_SCRIPTS_MAX,
};

/* What came in; everything it points to is in its arena. */
struct item {
    struct item *next;
    enum item_kind kind;
    struct arena arena;

    struct submission submission;
    struct run_request request;
    struct error refused_unless;
    struct submit_hooks hooks;

    struct denial denial;

    const struct script_submission *script;
    struct script_hooks script_hooks;
};

struct recorder {
    struct recorder_options options; /* immutable */
    pthread_t thread;
    bool is_started; /* main's */
    atomic_uint_fast64_t replays;

    /* The thread's own. */
    struct registry *registry; /* NULL: not open */
    bool has_told_failure;     /* to journal a refused request */

    pthread_mutex_t lock;
    pthread_cond_t is_changed;

    /* Guarded by lock. */
    struct item *oldest;
    struct item **end; /* where the next item is linked */
    unsigned counts[ITEM_KINDS];
    bool is_open;
    bool is_woken;
    bool is_stopping;
};

/* ---- Items ---- */

static struct item *item_of_submission(const struct submission *submission,
                                       const struct submit_hooks *hooks)
{
    struct item *item = xcalloc(1, sizeof(*item));

    item->kind = ITEM_SUBMISSION;
    item->hooks = *hooks;
    item->request = copy_request(submission->request, &item->arena);
    item->submission = *submission;
    item->submission.request = &item->request;
    item->submission.idempotency_key = copy_text(submission->idempotency_key, &item->arena);
    if (submission->refused_unless != NULL) {
        item->refused_unless = *submission->refused_unless;
        item->submission.refused_unless = &item->refused_unless;
    }
    return item;
}

static struct item *item_of_denial(const struct denial *denial)
{
    struct item *item = xcalloc(1, sizeof(*item));

    item->kind = ITEM_DENIAL;
    item->denial = *denial;
    item->denial.reason = copy_text(denial->reason, &item->arena);
    item->denial.actor = copy_text(denial->actor, &item->arena);
    item->denial.method = copy_text(denial->method, &item->arena);
    item->denial.path = copy_text(denial->path, &item->arena);
    return item;
}

static struct item *item_of_script(const struct script_submission *submission,
                                   const struct script_hooks *hooks)
{
    struct item *item = xcalloc(1, sizeof(*item));

    item->kind = ITEM_SCRIPT;
    item->script = scripts_copy(submission, &item->arena);
    item->script_hooks = *hooks;
    return item;
}

static void item_free(struct item *item)
{
    arena_release(&item->arena);
    free(item);
}

/* ---- The inbox ---- */

static bool refuse_when_stopping(bool is_stopping, struct error *err)
{
    return !is_stopping || error_set(err, ERR_STOPPING, "daemon is stopping");
}

/* False when there is no room; then the item is still the caller's. */
static bool inbox_add(struct recorder *recorder, struct item *item, struct error *err)
{
    bool may_add;

    (void) pthread_mutex_lock(&recorder->lock);
    may_add = refuse_when_stopping(recorder->is_stopping, err);
    if (may_add && recorder->counts[item->kind] == item_max[item->kind]) {
        (void) error_set(err, ERR_QUEUE_FULL, "%u requests wait to be recorded already",
                         item_max[item->kind]);
        may_add = error_hint(err, "Try again in a moment.");
    }
    if (may_add) {
        *recorder->end = item;
        recorder->end = &item->next;
        recorder->counts[item->kind]++;
        (void) pthread_cond_signal(&recorder->is_changed);
    }
    (void) pthread_mutex_unlock(&recorder->lock);
    return may_add;
}

static struct item *inbox_take_locked(struct recorder *recorder)
{
    struct item *item = recorder->oldest;

    if (item == NULL)
        return NULL;
    recorder->oldest = item->next;
    if (recorder->oldest == NULL)
        recorder->end = &recorder->oldest;
    recorder->counts[item->kind]--;
    return item;
}

/* What the thread has to do next. */
struct duty {
    struct item *item;  /* NULL: none; now the thread's */
    bool is_withdrawal; /* look at the queue's withdrawn jobs */
    bool is_stopping;   /* an item is refused; without one it is over */
};

static struct duty wait_for_duty(struct recorder *recorder)
{
    struct duty duty;

    (void) pthread_mutex_lock(&recorder->lock);
    while (!recorder->is_stopping && !recorder->is_woken &&
           (!recorder->is_open || recorder->oldest == NULL))
        (void) pthread_cond_wait(&recorder->is_changed, &recorder->lock);
    duty =
        (struct duty){ .is_withdrawal = recorder->is_woken, .is_stopping = recorder->is_stopping };
    recorder->is_woken = false;
    if (recorder->is_open || recorder->is_stopping)
        duty.item = inbox_take_locked(recorder);
    (void) pthread_mutex_unlock(&recorder->lock);
    return duty;
}

/* ---- The registry ---- */

/* At the first need; what fails is tried anew the next time. */
static bool open_registry(struct recorder *recorder, struct error *err)
{
    return recorder->registry != NULL ||
           registry_open(recorder->options.settings, &recorder->registry, err);
}

/* ---- Submissions ---- */

static bool find_key(struct recorder *recorder, const struct submission *submission, char *ret_id,
                     struct error *err)
{
    ret_id[0] = '\0';
    return submission->idempotency_key == NULL ||
           (open_registry(recorder, err) &&
            registry_key_find(recorder->registry, submission->request->actor,
                              submission->idempotency_key, submission->fingerprint, ret_id, err));
}

/* That the daemon stops is said first, that the queue is full last. */
static bool may_submit(struct recorder *recorder, const struct submission *submission,
                       struct error *err)
{
    if (!queue_check(recorder->options.queue, err) &&
        (err->code == ERR_STOPPING || submission->refused_unless == NULL))
        return false;
    if (submission->refused_unless == NULL)
        return true;
    *err = *submission->refused_unless;
    return false;
}

static struct registered_job job_of(const struct submission *submission, struct arena *arena)
{
    const struct run_request *request = submission->request;
    struct registered_job job = {
        .verb = request->verb,
        .target = copy_target(request, arena),
        .actor = request->actor,
        .reason = request->reason,
        .key = submission->idempotency_key,
        .queued_us = clock_wall_us(),
    };

    digest_random_hex(job.id, RUN_ID_SIZE - 1);
    memcpy(job.fingerprint, submission->fingerprint, sizeof(job.fingerprint));
    return job;
}

static bool register_and_queue(struct recorder *recorder, struct item *item, char *ret_id,
                               struct error *err)
{
    struct registered_job job = job_of(&item->submission, &item->arena);
    struct error cause = { .code = ERR_OK };

    if (!open_registry(recorder, err) || !registry_job_add(recorder->registry, &job, err))
        return false;
    memcpy(item->request.id, job.id, RUN_ID_SIZE);
    if (queue_submit(recorder->options.queue, &item->request, job.queued_us, ret_id, err))
        return true;
    if (!registry_job_remove(recorder->registry, job.id, &cause))
        log_print(LOG_WARNING, "job %s was refused but stays in the journal: %s", job.id,
                  cause.detail);
    return false;
}

static bool accept(struct recorder *recorder, struct item *item, struct acceptance *acceptance,
                   struct error *err)
{
    if (!find_key(recorder, &item->submission, acceptance->id, err))
        return false;
    acceptance->is_replay = acceptance->id[0] != '\0';
    if (acceptance->is_replay) {
        (void) atomic_fetch_add(&recorder->replays, 1);
        return true;
    }
    return may_submit(recorder, &item->submission, err) &&
           register_and_queue(recorder, item, acceptance->id, err);
}

static void refuse(const struct submit_hooks *hooks, const struct error *err)
{
    hooks->accepted(hooks->cookie, &(struct acceptance){ .error = err });
}

/* A job that is not in the queue any more has ended. */
static void submit(struct recorder *recorder, struct item *item)
{
    const struct submit_hooks *hooks = &item->hooks;
    struct acceptance acceptance = { .id = "" };
    struct error err = { .code = ERR_OK };

    if (!accept(recorder, item, &acceptance, &err)) {
        refuse(hooks, &err);
        return;
    }
    hooks->accepted(hooks->cookie, &acceptance);
    if (hooks->ended != NULL &&
        !queue_await(recorder->options.queue, acceptance.id, hooks->ended, hooks->cookie))
        hooks->ended(hooks->cookie);
}

/* ---- Scripts ---- */

static void fail_script(const struct script_hooks *hooks, const struct error *err)
{
    hooks->done(hooks->cookie, NULL, NULL, err);
}

/* Whoever is told finds the revision at once. */
static void write_script(struct recorder *recorder, struct item *item)
{
    const struct recorder_options *options = &recorder->options;
    const struct script_submission *script = item->script;
    struct error err = { .code = ERR_OK };
    struct new_script written;

    if (!scripts_write(options->settings, &options->scripts, script, &item->arena, &written,
                       &err)) {
        fail_script(&item->script_hooks, &err);
        return;
    }
    log_print(LOG_NOTICE, "revision %s was written for %s: %s", written.id,
              script->actor != NULL ? script->actor : "somebody", written.path);
    snapshots_refresh_now(options->snapshots);
    item->script_hooks.done(item->script_hooks.cookie, written.id, written.path, NULL);
}

/* ---- The rest ---- */

/* A journal that cannot be used is told of once, however many knock. */
static void deny(struct recorder *recorder, const struct denial *denial)
{
    struct error err = { .code = ERR_OK };
    bool is_journalled =
        open_registry(recorder, &err) && registry_denial_add(recorder->registry, denial, &err);

    if (!is_journalled && !recorder->has_told_failure)
        log_print(LOG_WARNING, "refused requests cannot be journalled: %s", err.detail);
    recorder->has_told_failure = !is_journalled;
}

/* A job that was never registered leaves no trace, as if it had not been asked for. */
static void record_withdrawn(struct recorder *recorder, const struct run_report *report)
{
    struct error err = { .code = ERR_OK };

    if (report->queued_us == 0)
        return;
    if (open_registry(recorder, &err) && registry_outcome_write(recorder->registry, report, &err))
        return;
    log_print(LOG_WARNING, "what became of job %s could not be journalled: %s", report->id,
              err.detail);
}

static void end_withdrawn(struct recorder *recorder)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct run_report report;

    while (queue_withdrawn_find(recorder->options.queue, &arena, &report)) {
        record_withdrawn(recorder, &report);
        queue_withdrawn_end(recorder->options.queue, report.id);
    }
}

/* ---- The thread ---- */

static void refuse_item(struct item *item, const struct error *err)
{
    if (item->kind == ITEM_SCRIPT)
        fail_script(&item->script_hooks, err);
    else
        refuse(&item->hooks, err);
}

/* What was denied is written down to the end; nothing else begins while the daemon stops. */
static void do_item(struct recorder *recorder, struct item *item, bool is_stopping)
{
    struct error err = { .code = ERR_OK };

    if (item->kind == ITEM_DENIAL)
        deny(recorder, &item->denial);
    else if (!refuse_when_stopping(is_stopping, &err))
        refuse_item(item, &err);
    else if (item->kind == ITEM_SCRIPT)
        write_script(recorder, item);
    else
        submit(recorder, item);
    item_free(item);
}

static void *recorder_main(void *data)
{
    struct recorder *recorder = data;
    struct duty duty;

    do {
        duty = wait_for_duty(recorder);
        if (duty.is_withdrawal || duty.is_stopping)
            end_withdrawn(recorder);
        if (duty.item != NULL)
            do_item(recorder, duty.item, duty.is_stopping);
    } while (duty.item != NULL || !duty.is_stopping);
    registry_close(take_ptr(recorder->registry));
    return NULL;
}

/* ---- For other threads ---- */

struct recorder *recorder_new(const struct recorder_options *options)
{
    struct recorder *recorder = xcalloc(1, sizeof(*recorder));

    recorder->options = *options;
    recorder->end = &recorder->oldest;
    (void) pthread_mutex_init(&recorder->lock, NULL);
    (void) pthread_cond_init(&recorder->is_changed, NULL);
    return recorder;
}

void recorder_free(struct recorder *recorder)
{
    if (recorder == NULL)
        return;
    (void) pthread_cond_destroy(&recorder->is_changed);
    (void) pthread_mutex_destroy(&recorder->lock);
    free(recorder);
}

bool recorder_start(struct recorder *recorder, struct error *err)
{
    int rc = pthread_create(&recorder->thread, NULL, recorder_main, recorder);

    if (rc != 0)
        return error_set_errno(err, ERR_INTERNAL, rc, "could not start the recorder thread");
    (void) pthread_setname_np(recorder->thread, "recorder");
    recorder->is_started = true;
    return true;
}

static void set_flag(struct recorder *recorder, bool *flag)
{
    (void) pthread_mutex_lock(&recorder->lock);
    *flag = true;
    (void) pthread_cond_signal(&recorder->is_changed);
    (void) pthread_mutex_unlock(&recorder->lock);
}

void recorder_open(struct recorder *recorder)
{
    set_flag(recorder, &recorder->is_open);
}

void recorder_wake(struct recorder *recorder)
{
    set_flag(recorder, &recorder->is_woken);
}

/* Without a thread the work is done here, by the same loop. */
void recorder_stop(struct recorder *recorder)
{
    set_flag(recorder, &recorder->is_stopping);
    if (recorder->is_started)
        (void) pthread_join(recorder->thread, NULL);
    else
        (void) recorder_main(recorder);
    recorder->is_started = false;
}

void recorder_submit(struct recorder *recorder, const struct submission *submission,
                     const struct submit_hooks *hooks)
{
    struct item *item = item_of_submission(submission, hooks);
    struct error err = { .code = ERR_OK };

    if (inbox_add(recorder, item, &err))
        return;
    refuse(hooks, &err);
    item_free(item);
}

void recorder_script(struct recorder *recorder, const struct script_submission *submission,
                     const struct script_hooks *hooks)
{
    struct item *item = item_of_script(submission, hooks);
    struct error err = { .code = ERR_OK };

    if (scripts_allow(&recorder->options.scripts, &err) && inbox_add(recorder, item, &err))
        return;
    fail_script(hooks, &err);
    item_free(item);
}

void recorder_deny(struct recorder *recorder, const struct denial *denial)
{
    struct item *item = item_of_denial(denial);
    struct error dropped = { .code = ERR_OK };

    if (!inbox_add(recorder, item, &dropped))
        item_free(item);
}

uint64_t recorder_replays(const struct recorder *recorder)
{
    return atomic_load(&recorder->replays);
}
