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

static const char *path_of_sql(const struct question *question, const char *range,
                               struct arena *arena)
{
    const char *path = arena_printf(arena, "/sql?verb=%s", verb_name(question->verb));

    if (range != NULL)
        path = arena_printf(arena, "%s&range=%s", path, range);
    if (question->has_transaction)
        path = arena_printf(arena, "%s&transaction=%s", path,
                            transaction_mode_name(question->transaction));
    return path;
}

static const char *path_of(const struct question *question, struct arena *arena)
{
    const char *text = question->text != NULL ? http_escape(question->text, arena) : NULL;

    switch (question->kind) {
    case ASK_BACKUPS:
        return "/backups";
    case ASK_BRANCHES:
        return "/branches";
    case ASK_CHECK:
        return "/check";
    case ASK_CURRENT:
        return "/current";
    case ASK_DENIALS:
        return arena_printf(arena, "/denials?limit=%u", question->limit);
    case ASK_HEADS:
        return question->resolves_dependencies ? "/heads?resolve_dependencies=true" : "/heads";
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
    case ASK_SQL:
        return path_of_sql(question, text, arena);
    case ASK_STATUS:
        return "/status";
    case ASK_REVISIONS: /* several requests */
        break;
    }
    assert(false);
    return NULL;
}

static bool is_interrupted(void *data)
{
    (void) data;
    return interrupt_was_asked();
}

/* Any request whose answer is all that matters. */
static bool get(struct remote *remote, const struct http_request *request, json_t **ret_answer,
                struct error *err)
{
    struct http_answer answer cleanup_http_answer = { .status = 0 };

    if (!http_ask(remote->link.http, request, &answer, err))
        return false;
    *ret_answer = take_ptr(answer.body);
    return true;
}

static bool ask_one(struct remote *remote, const struct question *question, json_t **ret_answer,
                    struct error *err)
{
    struct http_request request = {
        .method = "GET",
        .path = path_of(question, remote->arena),
        .accept = question->kind == ASK_SQL ? "application/sql" : NULL,
        .timeout_ms = question->timeout_ms != 0 ? question->timeout_ms + WAIT_GRACE_MS : 0,
        .is_over = is_interrupted,
    };

    return get(remote, &request, ret_answer, err);
}

/* The ids behind a name; of a name that only one revision can have, the name itself. */
static bool ids_of(struct remote *remote, const char *name, struct str_list *ret, struct error *err)
{
    bool is_current = strcmp(name, "current") == 0;
    struct question question = { .kind = is_current ? ASK_CURRENT : ASK_HEADS };
    json_t *answer cleanup_json = NULL;
    size_t index = 0;
    const json_t *item = NULL;

    if (strcmp(name, "base") == 0)
        return true;
    if (!is_current && strcmp(name, "heads") != 0) {
        str_list_add(ret, remote->arena, name);
        return true;
    }
    if (!ask_one(remote, &question, &answer, err))
        return false;
    json_array_foreach(json_object_get(answer, is_current ? "revisions" : "heads"), index, item)
    {
        const char *id = is_current ? json_string_value(item) : json_text(item, "id");

        str_list_add(ret, remote->arena, arena_strdup(remote->arena, id != NULL ? id : ""));
    }
    return true;
}

/* One revision; or, when it is gone, what the journal kept of it. */
static bool ask_revision(struct remote *remote, const char *id, json_t **ret_revision,
                         json_t **ret_kept, struct error *err)
{
    struct http_answer answer cleanup_http_answer = { .status = 0 };
    struct http_request request = {
        .method = "GET",
        .path = arena_printf(remote->arena, "/revisions/%s", http_escape(id, remote->arena)),
        .is_over = is_interrupted,
    };

    if (http_ask(remote->link.http, &request, &answer, err)) {
        *ret_revision = take_ptr(answer.body);
        return true;
    }
    if (!json_has(answer.body, "kept"))
        return false;
    error_clear(err);
    *ret_kept = json_incref(json_object_get(answer.body, "kept"));
    return true;
}

static bool ask_several(struct remote *remote, const struct question *question, json_t **ret_answer,
                        struct error *err)
{
    struct str_list ids = { 0 };
    json_t *revisions cleanup_json = json_array();
    json_t *kept cleanup_json = NULL;

    if (!ids_of(remote, question->text, &ids, err))
        return false;
    for (size_t i = 0; i < ids.count; i++) {
        json_t *revision = NULL;

        if (!ask_revision(remote, ids.items[i], &revision, &kept, err))
            return false;
        if (revision != NULL)
            json_push(&revisions, revision);
    }
    *ret_answer = json_pack("{s:O,s:O*}", "revisions", revisions, "kept", kept);
    return *ret_answer != NULL || error_set(err, ERR_INTERNAL, "out of memory");
}

static bool remote_ask(void *data, const struct question *question, json_t **ret_answer,
                       struct error *err)
{
    struct remote *remote = data;
    json_t *text cleanup_json = NULL;

    if (question->kind == ASK_REVISIONS)
        return ask_several(remote, question, ret_answer, err);
    if (question->kind != ASK_SQL)
        return ask_one(remote, question, ret_answer, err);
    if (!ask_one(remote, question, &text, err))
        return false;
    *ret_answer = json_pack("{s:O}", "sql", text);
    return *ret_answer != NULL || error_set(err, ERR_INTERNAL, "out of memory");
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

/* ---- New scripts ---- */

/* The body of POST /revisions or /merge: only what was asked. */
static json_t *body_of_script(const struct revision_request *request, const struct str_list *merged)
{
    json_t *body = json_object();

    if (merged != NULL)
        json_put(&body, "revisions", json_of_texts(merged));
    put_text(&body, "message", request->message);
    put_text(&body, "rev_id", request->id);
    put_text(&body, "head", request->head);
    if (request->splice)
        json_put(&body, "splice", json_true());
    if (request->labels.count > 0)
        json_put(&body, "branch_labels", json_of_texts(&request->labels));
    if (request->depends_on.count > 0)
        json_put(&body, "depends_on", json_of_texts(&request->depends_on));
    put_text(&body, "version_path", request->version_path);
    return body;
}

static bool remote_write(void *data, const struct revision_request *request,
                         const struct str_list *merged, json_t **ret_answer, struct error *err)
{
    json_t *body cleanup_json = body_of_script(request, merged);
    struct http_request http_request = {
        .method = "POST",
        .path = merged != NULL ? "/merge" : "/revisions",
        .body = body,
    };

    return get(data, &http_request, ret_answer, err);
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
        .write = remote_write,
        .submit = remote_submit,
        .cancel = remote_cancel,
        .follow = remote_follow,
        .events = remote_events,
        .close = remote_close,
    };
    return true;
}
