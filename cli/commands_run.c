/*
 * commands_run.c - the commands that change something: upgrade, downgrade, stamp, ensure_version,
 * backup, cancel.
 */
#include "api/json.h"
#include "api/json_text.h"
#include "cli/interrupt.h"
#include "cli/json_read.h"
#include "cli/progress.h"
#include "cli/session.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Watching ---- */

struct watcher {
    struct session *session;
    struct progress progress;
    bool is_ours;  /* an interrupt cancels it */
    bool was_told; /* of the interrupt */
};

static void on_moved(void *data, const struct run_moment *moment)
{
    struct watcher *watcher = data;

    progress_show(&watcher->progress, moment);
}

static void on_told(void *data, const char *text)
{
    struct watcher *watcher = data;

    progress_end(&watcher->progress);
    print_note(&watcher->session->printer, text);
}

static bool on_question(void *data)
{
    struct watcher *watcher = data;

    if (!interrupt_was_asked()) {
        progress_tick(&watcher->progress);
        return false;
    }
    if (watcher->is_ours && !watcher->was_told)
        on_told(watcher, "cancelling the run; interrupt again to leave without its end");
    watcher->was_told = true;
    return true;
}

struct progress session_progress(const struct session *session)
{
    FILE *err = session->printer.err;
    struct progress progress = { .file = err };

    if (session->options->is_quiet)
        return progress;
    if (isatty(fileno(err)))
        progress.style = PROGRESS_BAR;
    else if (session->options->follows)
        progress.style = PROGRESS_LINES;
    return progress;
}

static struct run_watch watch_of(struct watcher *watcher)
{
    return (struct run_watch){
        .data = watcher,
        .moved = on_moved,
        .told = on_told,
        .is_cancelled = on_question,
    };
}

/* ---- Runs ---- */

const char *session_actor(struct arena *arena)
{
    uid_t uid = getuid();
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[4096];

    if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) != 0 || found == NULL)
        return arena_printf(arena, "uid %u by schemadctl", (unsigned) uid);
    return arena_printf(arena, "uid %u (%s) by schemadctl", (unsigned) uid, found->pw_name);
}

/* The problem document that the daemon would answer, without what only HTTP has. */
static void print_failure(struct session *session, const struct error *err, const json_t *run)
{
    struct question question = { .kind = ASK_CURRENT };
    json_t *problem cleanup_json = json_of_error(err);
    json_t *current = NULL;
    struct error ignored = { .code = ERR_OK };

    if (run != NULL)
        json_put(&problem, "run", json_incref((json_t *) run));
    if (err->code == ERR_PRECONDITION_FAILED &&
        session->transport.ask(session->transport.data, &question, &current, &ignored))
        json_put(&problem, "current", current);
    print_json(&session->printer, problem);
}

/* What a run came to, however it was heard of. */
static bool finish(struct session *session, bool is_done, const json_t *run, struct error *err)
{
    if (session->options->is_json && !is_done)
        print_failure(session, err, run);
    else if (session->options->is_json)
        print_json(&session->printer, run);
    else if (run != NULL)
        print_run(&session->printer, run);
    return is_done;
}

bool session_run(struct session *session, const struct run_request *request, json_t **ret_run,
                 struct error *err)
{
    struct watcher watcher = {
        .session = session,
        .progress = session_progress(session),
        .is_ours = true,
    };
    struct run_watch watch = watch_of(&watcher);
    bool is_done = session->transport.run(session->transport.data, request, &watch, ret_run, err);

    progress_end(&watcher.progress);
    return is_done;
}

static bool submit(struct session *session, const struct run_request *request, struct error *err)
{
    struct watcher watcher = { .session = session, .is_ours = true };
    struct run_watch watch = watch_of(&watcher);
    json_t *job cleanup_json = NULL;

    if (!session->transport.submit(session->transport.data, request, &watch, &job, err))
        return false;
    if (session->options->is_json)
        print_json(&session->printer, job);
    else if (!session->options->is_quiet)
        print_format(&session->printer, "%s\n", json_text(job, "id"));
    return true;
}

static bool run(struct session *session, enum verb verb, struct error *err)
{
    struct run_request request = session->options->request;
    json_t *run cleanup_json = NULL;
    bool is_done = false;

    if (session->options->prints_sql)
        return command_sql(session, verb, err);
    request.verb = verb;
    request.actor = session_actor(session->arena);
    if (verb == VERB_STAMP)
        request.stamps = session->options->operands;
    else if (session->options->operands.count > 0)
        request.target = session->options->operands.items[0];
    if (session->options->is_async)
        return submit(session, &request, err);
    is_done = session_run(session, &request, &run, err);
    return finish(session, is_done, run, err);
}

bool command_follow(struct session *session, const char *id, struct error *err)
{
    struct watcher watcher = { .session = session, .progress = session_progress(session) };
    struct run_watch watch = watch_of(&watcher);
    json_t *run cleanup_json = NULL;
    bool is_done = session->transport.follow(session->transport.data, id, &watch, &run, err);

    progress_end(&watcher.progress);
    return finish(session, is_done, run, err);
}

bool command_upgrade(struct session *session, struct error *err)
{
    return run(session, VERB_UPGRADE, err);
}

bool command_downgrade(struct session *session, struct error *err)
{
    return run(session, VERB_DOWNGRADE, err);
}

bool command_stamp(struct session *session, struct error *err)
{
    return run(session, VERB_STAMP, err);
}

bool command_ensure_version(struct session *session, struct error *err)
{
    return run(session, VERB_STAMP, err);
}

bool command_backup(struct session *session, struct error *err)
{
    return run(session, VERB_BACKUP, err);
}

bool command_cancel(struct session *session, struct error *err)
{
    json_t *job cleanup_json = NULL;

    if (!session->transport.cancel(session->transport.data, session->options->operands.items[0],
                                   &job, err))
        return false;
    if (session->options->is_json)
        print_json(&session->printer, job);
    return true;
}
