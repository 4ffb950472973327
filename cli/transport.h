/*
 * transport.h - the two ways to an answer: the engine in this process, or a daemon over HTTP.
 *
 * Both answer in the JSON of api/json.h, so that everything behind this interface prints the same
 * whichever way was taken. A transport belongs to one thread.
 */
#pragma once

#include "migrations/run.h"

#include <jansson.h>

enum question_kind {
    ASK_BACKUPS,
    ASK_CURRENT,
    ASK_HEADS,
    ASK_HISTORY, /* text: range, or NULL */
    ASK_JOB,     /* text: id */
    ASK_JOBS,
    ASK_PLAN,     /* text: target, or NULL; verb */
    ASK_READY,    /* fails ERR_NOT_READY with the status as detail */
    ASK_REVISION, /* text: what target_revisions takes */
    ASK_STATUS,
};

struct question {
    enum question_kind kind;
    const char *text;
    enum verb verb;
};

struct transport {
    void *data;

    /* *ret_answer is a new reference, the body that the daemon's GET would have. */
    bool (*ask)(void *data, const struct question *question, json_t **ret_answer,
                struct error *err);

    /*
     * Run a request to its end. *ret_run is a new reference to what came of it, or NULL when it
     * never became a run; set on failure too. hooks: progress and is_cancelled.
     */
    bool (*run)(void *data, const struct run_request *request, const struct run_hooks *hooks,
                json_t **ret_run, struct error *err);

    /* Queue a request and cancel a job; both give the job. NULL without a daemon. */
    bool (*submit)(void *data, const struct run_request *request, json_t **ret_job,
                   struct error *err);
    bool (*cancel)(void *data, const char *id, json_t **ret_job, struct error *err);

    void (*close)(void *data); /* called once, by transport_close */
};

/* Gives back what opening took; a zeroed one is fine. */
void transport_close(struct transport *transport);
#define cleanup_transport cleanup(transport_close)
