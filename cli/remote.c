/*
 * remote.c - questions as requests.
 */
#include "cli/remote.h"

#include "api/json_text.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/oom.h"
#include "cli/follow.h"
#include "cli/interrupt.h"
#include "cli/json_read.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>

#define TOKEN_FILE_BYTES_MAX 65536
#define WAIT_GRACE_MS        10000 /* for an answer after the time that the daemon was to wait */
#define KEY_DIGITS           32
#define STATUS_ACCEPTED      202

struct remote {
    struct daemon_link link;
    struct http_options options;
    const struct options *asked;
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
    case ASK_DENIALS:
        return arena_printf(arena, "/denials?limit=%u", question->limit);
    case ASK_HEADS:
        return "/heads";
    case ASK_HISTORY:
        return text != NULL ? arena_printf(arena, "/history?range=%s", text) : "/history";
    case ASK_JOB:
        return arena_printf(arena, "/jobs/%s", text);
    case ASK_JOBS:
        return transport_jobs_path(question->jobs, arena);
    case ASK_PLAN:
        return path_of_plan(question, arena);
    case ASK_REACHED:
        return arena_printf(arena, "/current?wait=%s&timeout=%ums", text, question->timeout_ms);
    case ASK_REVISION:
        return arena_printf(arena, "/revisions/%s", text);
    case ASK_STATUS:
        return "/status";
    }
    assert(false);
    return NULL;
}

static bool is_interrupted(void *data)
{
    (void) data;
    return interrupt_was_asked();
}

/* Any request without a body whose answer is all that matters. */
static bool get(struct remote *remote, const struct http_request *request, json_t **ret_answer,
                struct error *err)
{
    struct http_answer answer cleanup_http_answer = { .status = 0 };

    if (!http_ask(remote->link.http, request, &answer, err))
        return false;
    *ret_answer = take_ptr(answer.body);
    return true;
}

static bool remote_ask(void *data, const struct question *question, json_t **ret_answer,
                       struct error *err)
{
    struct remote *remote = data;
    struct http_request request = {
        .method = "GET",
        .path = path_of(question, remote->arena),
        .timeout_ms = question->timeout_ms != 0 ? question->timeout_ms + WAIT_GRACE_MS : 0,
        .is_over = is_interrupted,
    };

    return get(remote, &request, ret_answer, err);
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

/* A key of this invocation's own makes it safe to ask again. */
static const char *key_of(const struct remote *remote)
{
    char *key = NULL;

    if (remote->asked->idempotency_key != NULL)
        return remote->asked->idempotency_key;
    key = arena_alloc(remote->arena, KEY_DIGITS + 1);
    digest_random_hex(key, KEY_DIGITS);
    return key;
}

static bool hint_ask_again(struct error *err, const char *key)
{
    if (err->code != ERR_DAEMON_UNREACHABLE)
        return false;
    err->hint[0] = '\0';
    return error_hint(err,
                      "Whether it took the request is not known. The same command with "
                      "\"--idempotency-key %s\" finds out, and runs it once.",
                      key);
}

/* A request that is on its way is let through, or what became of it would not be known; it is
 * cancelled by its id then. */
static bool notice_interrupt(void *data)
{
    const struct run_watch *watch = data;

    (void) watch->is_cancelled(watch->data);
    return false;
}

/* The answer has status 202 and a job, or, when the key had run to its end already, what that end
 * was: 200 and a run, or a problem with a run inside. */
static bool post(struct remote *remote, const struct run_request *request,
                 const struct run_watch *watch, struct http_answer *ret, struct error *err)
{
    json_t *body cleanup_json = remote_body_of(request);
    struct http_request http_request = {
        .method = "POST",
        .path = arena_printf(remote->arena, "/%s", verb_name(request->verb)),
        .body = body,
        .is_async = true,
        .idempotency_key = key_of(remote),
        .is_over = notice_interrupt,
        .is_over_data = (void *) (uintptr_t) watch,
    };

    while (!http_ask(remote->link.http, &http_request, ret, err)) {
        bool is_final = json_has(ret->body, "run") || watch->is_cancelled(watch->data);

        if (is_final ||
            !follow_retry(&remote->link, ret->retry_after_ms, watch->told, watch->data, err))
            return http_was_connected(remote->link.http) &&
                   hint_ask_again(err, http_request.idempotency_key);
        http_answer_release(ret);
    }
    retry_reset(&remote->link.retry);
    return json_has(ret->body, ret->status == STATUS_ACCEPTED ? "id" : "outcome") ||
           error_set(err, ERR_INTERNAL, "the daemon's answer to POST %s is neither job nor run",
                     http_request.path);
}

static bool remote_submit(void *data, const struct run_request *request,
                          const struct run_watch *watch, json_t **ret_job, struct error *err)
{
    struct http_answer answer cleanup_http_answer = { .status = 0 };

    if (!post(data, request, watch, &answer, err))
        return false;
    *ret_job = take_ptr(answer.body);
    return true;
}

static bool remote_cancel(void *data, const char *id, json_t **ret_job, struct error *err)
{
    struct remote *remote = data;
    struct http_request request = {
        .method = "DELETE",
        .path = arena_printf(remote->arena, "/jobs/%s", http_escape(id, remote->arena)),
    };

    return get(remote, &request, ret_job, err);
}

/* What a job that ended came to. */
static bool judge(const json_t *job, json_t **ret_run, struct error *err)
{
    const json_t *run = json_object_get(job, "run");

    *ret_run = json_incref((json_t *) run);
    if (json_has(run, "error")) {
        error_of_json(json_object_get(run, "error"), err);
        return false;
    }
    return strcmp(json_text(job, "state"), job_state_name(JOB_SUCCEEDED)) == 0 ||
           error_set(err, ERR_INTERNAL, "job %s %s, and the daemon does not say why",
                     json_text(job, "id"), json_text(job, "state"));
}

static bool remote_run(void *data, const struct run_request *request, const struct run_watch *watch,
                       json_t **ret_run, struct error *err)
{
    struct remote *remote = data;
    struct http_answer answer cleanup_http_answer = { .status = 0 };
    json_t *job cleanup_json = NULL;

    if (!post(remote, request, watch, &answer, err)) {
        if (json_has(answer.body, "run"))
            *ret_run = json_incref(json_object_get(answer.body, "run"));
        return false;
    }
    if (answer.status != STATUS_ACCEPTED) {
        *ret_run = take_ptr(answer.body);
        return true;
    }
    return follow_job(&remote->link, json_text(answer.body, "id"), true, watch, &job, err) &&
           judge(job, ret_run, err);
}

/* ---- Watching ---- */

static bool remote_follow(void *data, const char *id, const struct run_watch *watch,
                          json_t **ret_run, struct error *err)
{
    struct remote *remote = data;
    json_t *job cleanup_json = NULL;

    return follow_job(&remote->link, id, false, watch, &job, err) && judge(job, ret_run, err);
}

static bool remote_events(void *data, const struct event_watch *watch, struct error *err)
{
    struct remote *remote = data;

    return follow_events(&remote->link, watch, err);
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

    http_close(remote->link.http);
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
    remote->asked = options;
    remote->link.retry.limit_ms = options->retry_ms;
    remote->arena = arena;
    if (!http_open(&remote->options, &remote->link.http, err)) {
        free(remote);
        return false;
    }
    *ret_transport = (struct transport){
        .data = remote,
        .ask = remote_ask,
        .run = remote_run,
        .submit = remote_submit,
        .cancel = remote_cancel,
        .follow = remote_follow,
        .events = remote_events,
        .close = remote_close,
    };
    return true;
}
