/*
 * transport.h - the two ways to an answer: the engine in this process, or a daemon over HTTP.
 *
 * Both answer in the JSON of api/json.h, so that everything behind this interface prints the same
 * whichever way was taken. A transport belongs to one thread.
 */
#pragma once

#include "api/backend.h"
#include "cli/progress.h"

#include <jansson.h>

enum question_kind {
    ASK_BACKUPS,
    ASK_BRANCHES,
    ASK_CHECK,
    ASK_CURRENT,
    ASK_DENIALS,   /* limit */
    ASK_HEADS,     /* resolves_dependencies */
    ASK_HISTORY,   /* text: range, or NULL */
    ASK_JOB,       /* text: id */
    ASK_JOBS,      /* jobs */
    ASK_PLAN,      /* text: target, or NULL; verb */
    ASK_REACHED,   /* text: "ready", "head" or a revision; timeout_ms. As ASK_CURRENT, once it is
                    there; else fails ERR_NOT_READY with the status as detail. A daemon waits so
                    long; without one it is looked at once */
    ASK_REVISION,  /* text: what target_revisions takes, of one revision */
    ASK_REVISIONS, /* the same, of any number: {"revisions": [each as ASK_REVISION]}. A daemon
                      knows several by the names heads, base and current only. A revision whose
                      script is gone has "kept" beside: "path" and "text" as they were when it was
                      applied */
    ASK_SQL,       /* text: a target, or a range; verb; has_transaction, transaction. {"sql": text}
                      */
    ASK_STATUS,
};

struct question {
    enum question_kind kind;
    const char *text;
    enum verb verb;
    const struct job_filter *jobs;
    unsigned limit;
    uint32_t timeout_ms;
    bool resolves_dependencies;
    bool has_transaction;
    enum transaction_mode transaction;
};

/* Who watches a run. */
struct run_watch {
    void *data;
    void (*moved)(void *data, const struct run_moment *moment);
    void (*told)(void *data, const char *text); /* what a person should know: the daemon is gone,
                                                   and asked again */
    bool (*is_cancelled)(void *data); /* asked once a second at least: true cancels the run, or
                                         ends watching where it is not ours */
};

/* Who watches a daemon. */
struct event_watch {
    void *data;
    void (*event)(void *data, const char *name, uint64_t number, const json_t *content);
    void (*told)(void *data, const char *text);
    bool (*is_over)(void *data); /* asked as often as is_cancelled */
};

struct transport {
    void *data;

    /* *ret_answer is a new reference, the body that the daemon's GET would have. */
    bool (*ask)(void *data, const struct question *question, json_t **ret_answer,
                struct error *err);

    /* Run a request to its end. *ret_run is a new reference to what came of it, or NULL when it
     * never became a run; set on failure too. */
    bool (*run)(void *data, const struct run_request *request, const struct run_watch *watch,
                json_t **ret_run, struct error *err);

    /* Write a new script; merged: the revisions that it merges, or NULL. *ret_answer is a new
     * reference to its "id" and "path". */
    bool (*write)(void *data, const struct revision_request *request, const struct str_list *merged,
                  json_t **ret_answer, struct error *err);

    /* ---- With a daemon only; NULL without ---- */

    /* Queue a request; cancel a job: *ret_job is a new reference to it. When the request's key has
     * run to its end already, it is the run instead; both have an `id`. */
    bool (*submit)(void *data, const struct run_request *request, const struct run_watch *watch,
                   json_t **ret_job, struct error *err);
    bool (*cancel)(void *data, const char *id, json_t **ret_job, struct error *err);

    /* As run, of a job that there is already. */
    bool (*follow)(void *data, const char *id, const struct run_watch *watch, json_t **ret_run,
                   struct error *err);

    /* Tell of events until is_over. */
    bool (*events)(void *data, const struct event_watch *watch, struct error *err);

    void (*close)(void *data); /* called once, by transport_close */
};

/* The target of GET /jobs with this filter; in the arena. */
const char *transport_jobs_path(const struct job_filter *filter, struct arena *arena);

/* Gives back what opening took; a zeroed one is fine. */
void transport_close(struct transport *transport);
#define cleanup_transport cleanup(transport_close)
