/*
 * commands_run.c - the commands that change something: upgrade, downgrade, stamp, backup, cancel,
 * and a new revision.
 */
#include "api/json.h"
#include "api/json_text.h"
#include "cli/interrupt.h"
#include "cli/json_read.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "engine/revision.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Hooks ---- */

static void on_progress(void *data, const struct run_progress *progress)
{
    struct arena arena cleanup(arena_release) = { 0 };

    progress_show(data, progress_format(progress, &arena));
}

static bool on_question(void *data)
{
    (void) data;
    return interrupt_was_asked();
}

/* ---- Runs ---- */

/* Who asks, for the journal: "uid 1000 (deploy) by schemadctl". */
static const char *actor(struct arena *arena)
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
    json_t *problem cleanup_json = json_of_error(err);

    if (run != NULL)
        json_put(&problem, "run", json_incref((json_t *) run));
    print_json(&session->printer, problem);
}

static bool submit(struct session *session, const struct run_request *request, struct error *err)
{
    json_t *job cleanup_json = NULL;

    if (!session->transport.submit(session->transport.data, request, &job, err))
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
    struct progress progress = { .terminal = NULL };
    struct run_hooks hooks = {
        .data = &progress,
        .progress = on_progress,
        .is_cancelled = on_question,
    };
    json_t *run cleanup_json = NULL;
    bool is_done = false;

    request.verb = verb;
    request.actor = actor(session->arena);
    if (verb == VERB_STAMP)
        request.stamps = session->options->operands;
    else if (session->options->operands.count > 0)
        request.target = session->options->operands.items[0];
    if (session->options->is_async)
        return submit(session, &request, err);
    if (!session->options->is_quiet && isatty(fileno(session->printer.err)))
        progress.terminal = session->printer.err;
    is_done = session->transport.run(session->transport.data, &request, &hooks, &run, err);
    progress_end(&progress);
    if (session->options->is_json && !is_done)
        print_failure(session, err, run);
    else if (session->options->is_json)
        print_json(&session->printer, run);
    else if (run != NULL)
        print_run(&session->printer, run);
    return is_done;
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

/* ---- A new script ---- */

bool command_revision(struct session *session, struct error *err)
{
    const struct options *options = session->options;
    struct engine_settings settings = { .scripts = options->scripts };
    struct revision_request request = {
        .message = options->message,
        .id = options->rev_id,
        .head = options->head,
        .labels = options->branch_labels,
        .depends_on = options->depends_on,
    };
    const char *path = NULL;

    if (!revision_create(&settings, &request, session->arena, &path, err))
        return false;
    if (options->is_json) {
        json_t *answer cleanup_json = json_object();

        json_put(&answer, "path", json_of_text(path));
        print_json(&session->printer, answer);
    } else if (!options->is_quiet) {
        print_format(&session->printer, "Generating %s ...  done\n", path);
    }
    return true;
}
