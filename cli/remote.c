/*
 * remote.c - questions as requests.
 */
#include "cli/remote.h"

#include "api/json_text.h"
#include "base/file.h"
#include "base/oom.h"
#include "cli/interrupt.h"
#include "cli/json_read.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define TOKEN_FILE_BYTES_MAX 65536
#define POLL_FIRST_MS        2
#define POLL_LAST_MS         200

struct remote {
    struct http *http;
    struct http_options options;
    struct arena *arena;
};

/* ---- Questions ---- */

static const char *path_of_plan(const struct question *question, struct arena *arena)
{
    const char *path = arena_printf(arena, "/plan?verb=%s", verb_name(question->verb));

    if (question->text == NULL)
        return path;
    return arena_printf(arena, "%s&target=%s", path, http_escape(question->text, arena));
}

static const char *path_of(const struct question *question, struct arena *arena)
{
    const char *text = question->text != NULL ? http_escape(question->text, arena) : NULL;

    switch (question->kind) {
    case ASK_BACKUPS:
        return "/backups";
    case ASK_CURRENT:
        return "/current";
    case ASK_HEADS:
        return "/heads";
    case ASK_HISTORY:
        return text != NULL ? arena_printf(arena, "/history?range=%s", text) : "/history";
    case ASK_JOB:
        return arena_printf(arena, "/jobs/%s", text);
    case ASK_JOBS:
        return "/jobs?limit=50";
    case ASK_PLAN:
        return path_of_plan(question, arena);
    case ASK_READY:
        return "/readyz";
    case ASK_REVISION:
        return arena_printf(arena, "/revisions/%s", text);
    case ASK_STATUS:
        return "/status";
    }
    assert(false);
    return NULL;
}

static bool remote_ask(void *data, const struct question *question, json_t **ret_answer,
                       struct error *err)
{
    struct remote *remote = data;
    struct http_request request = { .method = "GET", .path = path_of(question, remote->arena) };

    return http_ask(remote->http, &request, ret_answer, err);
}

/* ---- Runs ---- */

static void put_text(json_t **body, const char *name, const char *text)
{
    if (text != NULL)
        json_put(body, name, json_of_str(str_of(text)));
}

static void put_number(json_t **body, const char *name, uint32_t number)
{
    if (number != 0)
        json_put(body, name, json_of_count(number));
}

json_t *remote_body_of(const struct run_request *request)
{
    json_t *body = json_object();

    put_text(&body, "target", request->target);
    if (request->verb == VERB_STAMP)
        json_put(&body, "targets", json_of_texts(&request->stamps));
    if (request->has_expect)
        json_put(&body, "expect", json_of_texts(&request->expect));
    if (request->has_transaction)
        put_text(&body, "transaction", transaction_mode_name(request->transaction));
    if (request->has_backup)
        put_text(&body, "backup", backup_policy_name(request->backup));
    put_text(&body, "reason", request->reason);
    if (request->is_dry_run)
        json_put(&body, "dry_run", json_true());
    if (request->purge)
        json_put(&body, "purge", json_true());
    put_number(&body, "lock_timeout_ms", request->lock_timeout_ms);
    put_number(&body, "timeout_ms", request->timeout_ms);
    return body;
}

static bool remote_submit(void *data, const struct run_request *request, json_t **ret_job,
                          struct error *err)
{
    struct remote *remote = data;
    json_t *body cleanup_json = remote_body_of(request);
    struct http_request http_request = {
        .method = "POST",
        .path = arena_printf(remote->arena, "/%s", verb_name(request->verb)),
        .body = body,
        .is_async = true,
    };

    return http_ask(remote->http, &http_request, ret_job, err);
}

static bool remote_cancel(void *data, const char *id, json_t **ret_job, struct error *err)
{
    struct remote *remote = data;
    struct http_request request = {
        .method = "DELETE",
        .path = arena_printf(remote->arena, "/jobs/%s", http_escape(id, remote->arena)),
    };

    return http_ask(remote->http, &request, ret_job, err);
}

static bool has_ended(const json_t *job)
{
    const char *state = json_text(job, "state");

    return strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;
}

struct run_progress remote_progress_of(const json_t *job)
{
    struct run_progress progress = {
        .step = (unsigned) json_number(job, "step"),
        .step_count = (unsigned) json_number(job, "step_count"),
        .statement = (unsigned) json_number(job, "statement"),
        .statement_count = (unsigned) json_number(job, "statement_count"),
        .permille = (unsigned) json_number(job, "permille"),
    };

    for (int phase = PHASE_QUEUED; phase <= PHASE_DONE; phase++) {
        if (strcmp(json_text(job, "phase"), run_phase_name((enum run_phase) phase)) == 0)
            progress.phase = (enum run_phase) phase;
    }
    (void) snprintf(progress.revision, sizeof(progress.revision), "%s", json_text(job, "revision"));
    return progress;
}

/* The daemon was there a moment ago: what matters now is what became of the run. */
static bool hint_run_goes_on(struct error *err, const char *id)
{
    if (err->code == ERR_DAEMON_UNREACHABLE)
        err->hint[0] = '\0';
    return error_hint(err,
                      "Run %s may still be going on, or was rolled back. Once the daemon is "
                      "there again, \"schemadctl jobs %s\" tells.",
                      id, id);
}

/* Ask for the job until it has ended: soon at first, because most runs take milliseconds. */
static bool follow(struct remote *remote, const char *id, const struct run_hooks *hooks,
                   json_t **job, struct error *err)
{
    struct question question = { .kind = ASK_JOB, .text = id };
    uint32_t pause_ms = POLL_FIRST_MS;
    bool is_cancelled = false;

    while (!has_ended(*job)) {
        json_t *next = NULL;
        struct run_progress progress = remote_progress_of(*job);

        hooks->progress(hooks->data, &progress);
        interrupt_wait(pause_ms);
        pause_ms = pause_ms * 2 < POLL_LAST_MS ? pause_ms * 2 : POLL_LAST_MS;
        if (!is_cancelled && hooks->is_cancelled(hooks->data)) {
            is_cancelled = true;
            if (!remote_cancel(remote, id, &next, err))
                return false;
        } else if (!remote_ask(remote, &question, &next, err)) {
            return hint_run_goes_on(err, id);
        }
        json_decref(*job);
        *job = next;
    }
    return true;
}

static bool remote_run(void *data, const struct run_request *request, const struct run_hooks *hooks,
                       json_t **ret_run, struct error *err)
{
    struct remote *remote = data;
    json_t *job cleanup_json = NULL;
    const char *id = NULL;
    const json_t *run = NULL;

    if (!remote_submit(remote, request, &job, err))
        return false;
    id = arena_strdup(remote->arena, json_text(job, "id"));
    if (!follow(remote, id, hooks, &job, err))
        return false;
    run = json_object_get(job, "run");
    *ret_run = json_incref((json_t *) run);
    if (!json_has(run, "error"))
        return true;
    error_of_json(json_object_get(run, "error"), err);
    return false;
}

/* ---- Opening ---- */

/* The first token of a token file: `name:token` or a bare token. */
static bool read_token(const char *path, struct arena *arena, const char **ret_token,
                       struct error *err)
{
    struct str text = { 0 };
    struct str line = { 0 };
    size_t colon = 0;

    if (!file_read(AT_FDCWD, path, TOKEN_FILE_BYTES_MAX, arena, &text, err))
        return false;
    line = str_trim(str_sub(str_trim(text), 0, str_find_char(str_trim(text), '\n', 0)));
    colon = str_find_char(line, ':', 0);
    if (colon < line.len)
        line = str_sub(line, colon + 1, line.len);
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] <= ' ' || line.ptr[i] > '~')
            return error_set(err, ERR_ARGUMENT_INVALID,
                             "token file \"%s\" holds characters that no token has", path);
    }
    if (line.len == 0 || line.len > 4096)
        return error_set(err, ERR_ARGUMENT_INVALID, "token file \"%s\" holds no token", path);
    *ret_token = arena_strndup(arena, line.ptr, line.len);
    return true;
}

static void remote_close(void *data)
{
    struct remote *remote = data;

    http_close(remote->http);
    free(remote);
}

bool remote_open(const struct options *options, struct arena *arena,
                 struct transport *ret_transport, struct error *err)
{
    const char *token = NULL;
    struct remote *remote = NULL;

    if (options->token_file != NULL && !read_token(options->token_file, arena, &token, err))
        return false;
    remote = xcalloc(1, sizeof(*remote));
    remote->options = (struct http_options){
        .socket = options->socket,
        .url = options->url,
        .token = token,
    };
    remote->arena = arena;
    if (!http_open(&remote->options, &remote->http, err)) {
        free(remote);
        return false;
    }
    *ret_transport = (struct transport){
        .data = remote,
        .ask = remote_ask,
        .run = remote_run,
        .submit = remote_submit,
        .cancel = remote_cancel,
        .close = remote_close,
    };
    return true;
}
