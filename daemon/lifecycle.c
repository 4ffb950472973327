/*
 * lifecycle.c - one sd-event loop; everything it does is short, for work is the worker's.
 */
#include "daemon/lifecycle.h"

#include "base/clock.h"
#include "base/file.h"
#include "daemon/backend.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/recorder.h"
#include "daemon/sockets.h"
#include "daemon/tokens.h"
#include "daemon/worker.h"

#include <config.h> /* the build's; in quotes it would be this folder's */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <syslog.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define US_PER_MS         ((uint64_t) 1000)
#define TICK_WORKING_US   (250 * US_PER_MS)
#define TICK_WAITING_US   (5000 * US_PER_MS) /* holding: systemd is told that this is meant */
#define TICK_ACCURACY_US  (10 * US_PER_MS)
#define EXTEND_US         (180000 * US_PER_MS) /* longer than a healthy run is ever silent */
#define EXTEND_EVERY_US   (1000 * US_PER_MS)
#define ANSWER_TIMEOUT_MS 5000 /* to send the last answers, once the worker is done */
#define SETTLE_TIMEOUT_MS 2000 /* before anybody is answered; usually a few milliseconds */

struct lifecycle {
    const struct config *config;
    struct arena arena;
    struct sockets sockets;
    struct events *events;
    struct queue *queue;
    struct snapshots *snapshots;
    struct recorder *recorder;
    struct worker *worker;
    bool is_worker_started;
    struct backend_parts parts;
    struct backend backend;
    struct server_options server_options;
    struct server *server;

    sd_event *event;
    sd_event_source *ticker;
    sd_event_source *deadline; /* of stopping; NULL before */
    int wake_fd;               /* written by other threads */

    enum life life;
    bool has_said_ready;
    char startup_id[RUN_ID_SIZE]; /* empty: nothing is required */
    int64_t extended_us;          /* monotonic */
    int exit_status;
};

/* ---- Errors at start ---- */

int lifecycle_exit_status(const struct error *err)
{
    switch (err->code) {
    case ERR_ARGUMENT_INVALID:
        return EX_USAGE;
    case ERR_CONFIG_INVALID:
        return EX_CONFIG;
    case ERR_SCRIPT_INVALID:
    case ERR_SCRIPT_UNREADABLE:
    case ERR_REVISION_DUPLICATE:
    case ERR_LABEL_DUPLICATE:
    case ERR_PARENT_MISSING:
    case ERR_GRAPH_CYCLE:
        return EX_DATAERR;
    case ERR_LOCKED:
    case ERR_DATABASE_BUSY:
    case ERR_DATABASE_MISSING:
    case ERR_DATABASE_UNUSABLE:
        return EX_UNAVAILABLE;
    case ERR_INTERNAL:
        return EXIT_FAILURE;
    default:
        return EX_SOFTWARE;
    }
}

static void tell_error(const struct error *err)
{
    char text[STATUS_SIZE];

    error_format(err, text, sizeof(text));
    log_print(LOG_ERR, "%s%s%s", text, err->hint[0] != '\0' ? "; hint: " : "", err->hint);
    notify_status(text);
}

/* ---- Stopping ---- */

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
    struct lifecycle *lifecycle = data;

    (void) source;
    (void) usec;
    log_print(LOG_WARNING, "the run in progress did not end in time and is rolled back");
    queue_cancel_running(lifecycle->queue);
    return 0;
}

static void tell_status(struct lifecycle *lifecycle)
{
    char text[STATUS_SIZE];

    snapshots_status(lifecycle->snapshots, text);
    notify_status(text);
}

static void life_set(struct lifecycle *lifecycle, enum life life)
{
    lifecycle->life = life;
    snapshots_life_set(lifecycle->snapshots, life);
}

static void stop(struct lifecycle *lifecycle, int exit_status)
{
    uint64_t timeout_us = lifecycle->config->stop_timeout_ms * US_PER_MS;
    char text[STATUS_SIZE];

    if (lifecycle->life == LIFE_STOPPING)
        return;
    lifecycle->exit_status = exit_status;
    life_set(lifecycle, LIFE_STOPPING);
    snapshots_status(lifecycle->snapshots, text);
    notify_stopping(text);
    server_quiesce(lifecycle->server);
    queue_close(lifecycle->queue);
    recorder_wake(lifecycle->recorder);
    (void) sd_event_add_time_relative(lifecycle->event, &lifecycle->deadline, CLOCK_MONOTONIC,
                                      timeout_us, TICK_ACCURACY_US, on_deadline, lifecycle);
}

/* ---- Getting ready ---- */

static void get_ready(struct lifecycle *lifecycle)
{
    char text[STATUS_SIZE];

    snapshots_failure_set(lifecycle->snapshots, NULL);
    life_set(lifecycle, LIFE_SERVING);
    snapshots_status(lifecycle->snapshots, text);
    notify_ready(text);
    lifecycle->has_said_ready = true;
    log_event(LOG_EVENT_READY, LOG_NOTICE, NULL,
              arena_printf(&lifecycle->arena, "ready: %s", text));
}

static void fail_start(struct lifecycle *lifecycle, const struct error *why)
{
    snapshots_failure_set(lifecycle->snapshots, why);
    if (lifecycle->config->on_failure == ON_FAILURE_HOLD) {
        life_set(lifecycle, LIFE_HOLDING);
        return;
    }
    /* Said before stopping, so that `systemctl status` shows it beside the exit status. */
    tell_error(why);
    stop(lifecycle, lifecycle_exit_status(why));
}

/* Has the job of the start ended, and how? */
static void review_start(struct lifecycle *lifecycle)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct job_view job;

    if (lifecycle->startup_id[0] == '\0') {
        get_ready(lifecycle);
        return;
    }
    if (!queue_find(lifecycle->queue, lifecycle->startup_id, &arena, &job) ||
        job.state == JOB_QUEUED || job.state == JOB_RUNNING)
        return;
    /* The run has read the version rows back. Scripts that came a moment later are a request's. */
    if (job.report.error.code == ERR_OK)
        get_ready(lifecycle);
    else
        fail_start(lifecycle, &job.report.error);
}

/* A start that failed holds no longer than needed: where it ended may be in the accepted range. */
static void review(struct lifecycle *lifecycle)
{
    if (lifecycle->life == LIFE_STARTING)
        review_start(lifecycle);
    if (lifecycle->life == LIFE_HOLDING && snapshots_is_ready(lifecycle->snapshots))
        get_ready(lifecycle);
    if (lifecycle->life == LIFE_STOPPING && worker_has_ended(lifecycle->worker))
        (void) sd_event_exit(lifecycle->event, lifecycle->exit_status);
    tell_status(lifecycle);
}

/* ---- Time ---- */

/* Starting and stopping may take as long as there is progress; holding is meant to last. */
static void extend_timeout(struct lifecycle *lifecycle)
{
    int64_t now_us = clock_monotonic_us();

    if (lifecycle->life == LIFE_SERVING ||
        worker_silence_us(lifecycle->worker) >= 2 * EXTEND_EVERY_US ||
        now_us - lifecycle->extended_us < (int64_t) EXTEND_EVERY_US)
        return;
    lifecycle->extended_us = now_us;
    notify_extend(EXTEND_US);
}

static uint64_t tick_in_us(const struct lifecycle *lifecycle)
{
    uint64_t watchdog_us = notify_watchdog_us();
    uint64_t tick_us = UINT64_MAX;

    if (worker_silence_us(lifecycle->worker) > 0)
        tick_us = TICK_WORKING_US;
    else if (lifecycle->life == LIFE_HOLDING)
        tick_us = TICK_WAITING_US;
    return watchdog_us > 0 && watchdog_us / 3 < tick_us ? watchdog_us / 3 : tick_us;
}

static void arm_ticker(struct lifecycle *lifecycle)
{
    uint64_t tick_us = tick_in_us(lifecycle);

    (void) sd_event_source_set_enabled(lifecycle->ticker, SD_EVENT_OFF);
    if (tick_us == UINT64_MAX)
        return;
    (void) sd_event_source_set_time_relative(lifecycle->ticker, tick_us);
    (void) sd_event_source_set_enabled(lifecycle->ticker, SD_EVENT_ONESHOT);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *data)
{
    struct lifecycle *lifecycle = data;
    uint64_t watchdog_us = notify_watchdog_us();

    (void) source;
    (void) usec;
    review(lifecycle);
    extend_timeout(lifecycle);
    /* A worker that hangs is not alive, however well this thread is. */
    if (watchdog_us > 0 && worker_silence_us(lifecycle->worker) <= watchdog_us)
        notify_alive();
    arm_ticker(lifecycle);
    return 0;
}

/* ---- Signals and wake-ups ---- */

static int on_wake(sd_event_source *source, int fd, uint32_t revents, void *data)
{
    struct lifecycle *lifecycle = data;
    uint64_t count;

    (void) source;
    (void) revents;
    if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        log_print(LOG_WARNING, "could not read the wake-up");
    review(lifecycle);
    extend_timeout(lifecycle);
    arm_ticker(lifecycle);
    return 0;
}

static void wake(void *data)
{
    const struct lifecycle *lifecycle = data;
    const uint64_t one = 1;
    ssize_t written = write(lifecycle->wake_fd, &one, sizeof(one));

    (void) written; /* full means that it will wake anyway */
}

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
    struct lifecycle *lifecycle = data;

    (void) source;
    if (lifecycle->life == LIFE_STOPPING) {
        log_print(LOG_NOTICE, "told to stop again: the run in progress is rolled back");
        queue_cancel_running(lifecycle->queue);
        return 0;
    }
    log_print(LOG_NOTICE, "stopping on signal %u", info->ssi_signo);
    stop(lifecycle, EXIT_SUCCESS);
    review(lifecycle);
    arm_ticker(lifecycle);
    return 0;
}

static bool set_tokens(struct lifecycle *lifecycle, struct error *err)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct tokens tokens;

    if (!tokens_read(lifecycle->config, &arena, &tokens, err))
        return false;
    server_tokens_set(lifecycle->server, tokens.items, tokens.count);
    return true;
}

static void reload_tokens(struct lifecycle *lifecycle)
{
    struct error err = { .code = ERR_OK };
    char text[STATUS_SIZE];

    if (set_tokens(lifecycle, &err))
        return;
    error_format(&err, text, sizeof(text));
    log_print(LOG_ERR, "tokens stay as they were: %s", text);
}

static int on_reload_signal(sd_event_source *source, const struct signalfd_siginfo *info,
                            void *data)
{
    struct lifecycle *lifecycle = data;
    struct error err = { .code = ERR_OK };
    char text[STATUS_SIZE];

    (void) source;
    (void) info;
    if (lifecycle->has_said_ready)
        notify_reloading();
    if (snapshots_reload(lifecycle->snapshots, &err))
        log_event(LOG_EVENT_RELOADED, LOG_NOTICE, NULL, "scripts were read again");
    else
        log_print(LOG_ERR, "scripts stay as they were: %s", err.detail);
    reload_tokens(lifecycle);
    snapshots_status(lifecycle->snapshots, text);
    if (lifecycle->has_said_ready)
        notify_ready(text);
    review(lifecycle);
    return 0;
}

/* ---- Composition ---- */

static void log_for_server(void *data, int priority, const char *message)
{
    (void) data;
    log_print(priority, "%s", message);
}

static bool block_signals(struct error *err)
{
    sigset_t signals;

    (void) sigemptyset(&signals);
    (void) sigaddset(&signals, SIGTERM);
    (void) sigaddset(&signals, SIGINT);
    (void) sigaddset(&signals, SIGHUP);
    (void) signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
        return error_set_errno(err, ERR_INTERNAL, errno, "could not block signals");
    return true;
}

static bool open_event_loop(struct lifecycle *lifecycle, struct error *err)
{
    sd_event *event;
    int rc = sd_event_new(&lifecycle->event);

    lifecycle->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (rc < 0 || lifecycle->wake_fd < 0)
        return error_set_errno(err, ERR_INTERNAL, rc < 0 ? -rc : errno,
                               "could not make the event loop");
    event = lifecycle->event;
    if ((rc = sd_event_add_signal(event, NULL, SIGTERM, on_stop_signal, lifecycle)) < 0 ||
        (rc = sd_event_add_signal(event, NULL, SIGINT, on_stop_signal, lifecycle)) < 0 ||
        (rc = sd_event_add_signal(event, NULL, SIGHUP, on_reload_signal, lifecycle)) < 0 ||
        (rc = sd_event_add_io(event, NULL, lifecycle->wake_fd, EPOLLIN, on_wake, lifecycle)) < 0 ||
        (rc = sd_event_add_time_relative(event, &lifecycle->ticker, CLOCK_MONOTONIC, 0,
                                         TICK_ACCURACY_US, on_tick, lifecycle)) < 0)
        return error_set_errno(err, ERR_INTERNAL, -rc, "could not fill the event loop");
    return true;
}

static void make_parts(struct lifecycle *lifecycle)
{
    const struct config *config = lifecycle->config;

    lifecycle->events = events_new();
    lifecycle->queue = queue_new(lifecycle->events);
    lifecycle->snapshots = snapshots_new(&(struct snapshots_options){
        .settings = &config->engine,
        .required = config->upgrade_to,
        .accept = config->accept,
        .range = config->accept_range,
        .queue = lifecycle->queue,
        .events = lifecycle->events,
        .wake_data = lifecycle,
        .wake = wake,
    });
    lifecycle->recorder = recorder_new(&(struct recorder_options){
        .settings = &config->engine,
        .queue = lifecycle->queue,
        .snapshots = lifecycle->snapshots,
        .scripts = config->scripts,
    });
    lifecycle->worker = worker_new(&(struct worker_options){
        .settings = &config->engine,
        .queue = lifecycle->queue,
        .snapshots = lifecycle->snapshots,
        .recorder = lifecycle->recorder,
        .wake_data = lifecycle,
        .wake = wake,
    });
    lifecycle->parts = (struct backend_parts){
        .settings = &config->engine,
        .events = lifecycle->events,
        .queue = lifecycle->queue,
        .snapshots = lifecycle->snapshots,
        .recorder = lifecycle->recorder,
        .worker = lifecycle->worker,
        .started_us = clock_wall_us(),
    };
    lifecycle->backend = backend_of(&lifecycle->parts);
}

static bool make_server(struct lifecycle *lifecycle, struct error *err)
{
    const struct config *config = lifecycle->config;

    lifecycle->server_options = (struct server_options){
        .backend = &lifecycle->backend,
        .peers = &config->peers,
        .tcp_reads_openly = config->tcp_reads_openly,
        .request_timeout_ms = config->request_timeout_ms,
        .connections_max = config->connections_max,
        .log = log_for_server,
    };
    if (!server_new(&lifecycle->server_options, &lifecycle->server, err))
        return false;
    if (!set_tokens(lifecycle, err)) {
        lifecycle->exit_status = EX_CONFIG;
        return false;
    }
    return true;
}

/* Who asks for a job of the last process should hear what became of it; so nobody is answered
 * before the journal is settled, unless somebody holds the schema lock for long. */
static bool serve(struct lifecycle *lifecycle, struct error *err)
{
    struct sockets *sockets = &lifecycle->sockets;

    (void) worker_await_settled(lifecycle->worker, SETTLE_TIMEOUT_MS);
    for (size_t i = 0; i < sockets->count; i++) {
        if (!server_listen(lifecycle->server, sockets_take(sockets, i), sockets->items[i].kind,
                           err))
            return false;
        log_print(LOG_INFO, "listening on %s", sockets->items[i].name);
    }
    return true;
}

static bool submit_startup(struct lifecycle *lifecycle, struct error *err)
{
    struct run_request request = {
        .verb = VERB_UPGRADE,
        .target = lifecycle->config->upgrade_to,
        .actor = "startup",
    };

    if (strcmp(request.target, "none") == 0)
        return true;
    return queue_submit(lifecycle->queue, &request, 0, lifecycle->startup_id, err);
}

static bool start(struct lifecycle *lifecycle, struct error *err)
{
    const struct engine_settings *engine = &lifecycle->config->engine;

    if (!block_signals(err) || !open_event_loop(lifecycle, err))
        return false;
    if (!sockets_open(lifecycle->config, &lifecycle->sockets, err)) {
        lifecycle->exit_status = err->code == ERR_IO ? EX_OSERR : EX_CONFIG;
        return false;
    }
    log_event(LOG_EVENT_STARTED, LOG_NOTICE, NULL,
              arena_printf(&lifecycle->arena, "schemad %s starts on %s", SCHEMAD_VERSION,
                           engine->database));
    make_parts(lifecycle);
    if (!recorder_start(lifecycle->recorder, err) || !make_server(lifecycle, err) ||
        !submit_startup(lifecycle, err) || !worker_start(lifecycle->worker, err))
        return false;
    lifecycle->is_worker_started = true;
    return serve(lifecycle, err);
}

/* Nobody may be left waiting: no job begins any more, what waits is refused or withdrawn, and then
 * the server sends the last answers. */
static void stop_parts(struct lifecycle *lifecycle)
{
    if (lifecycle->queue != NULL)
        queue_close(lifecycle->queue);
    if (lifecycle->is_worker_started)
        worker_join(lifecycle->worker);
    if (lifecycle->recorder != NULL)
        recorder_stop(lifecycle->recorder);
    if (lifecycle->server != NULL)
        server_stop(lifecycle->server, ANSWER_TIMEOUT_MS);
}

/* Everything in the reverse order of making; any part may be missing. */
static void release(struct lifecycle *lifecycle)
{
    stop_parts(lifecycle);
    server_free(lifecycle->server);
    sockets_close(&lifecycle->sockets);
    worker_free(lifecycle->worker);
    recorder_free(lifecycle->recorder);
    snapshots_free(lifecycle->snapshots);
    queue_free(lifecycle->queue);
    events_free(lifecycle->events);
    (void) sd_event_source_unref(lifecycle->deadline);
    (void) sd_event_source_unref(lifecycle->ticker);
    (void) sd_event_unref(lifecycle->event);
    fd_close(&lifecycle->wake_fd);
    arena_release(&lifecycle->arena);
}

int lifecycle_run(const struct config *config)
{
    struct lifecycle lifecycle = { .config = config, .wake_fd = -1, .exit_status = EXIT_SUCCESS };
    struct error err = { .code = ERR_OK };
    int exit_status;

    if (start(&lifecycle, &err)) {
        int rc = sd_event_loop(lifecycle.event);

        exit_status = rc < 0 ? EXIT_FAILURE : lifecycle.exit_status;
    } else {
        tell_error(&err);
        exit_status = lifecycle.exit_status != EXIT_SUCCESS ? lifecycle.exit_status
                                                            : lifecycle_exit_status(&err);
    }
    release(&lifecycle);
    log_event(LOG_EVENT_STOPPED, LOG_NOTICE, NULL, "schemad stopped");
    notify_flush();
    return exit_status;
}
