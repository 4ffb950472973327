/*
 * commands_reset.c - `reset`: a backup, down to base, up to head.
 *
 * What it is going to do is planned and shown before it asks, so that a history with several heads
 * or an irreversible revision is told while nothing is done yet; and the way down begins only where
 * it was planned from (expect).
 */
#include "api/json_text.h"
#include "cli/json_read.h"
#include "cli/session.h"

#include <unistd.h>

#define ANSWER_BYTES 64

struct reset {
    struct session *session;
    struct str_list rows; /* where the database is */
    size_t down;          /* revisions to take back */
    size_t up;            /* revisions of the way up from base */
    const char *database;
    json_t *runs; /* what was done */
};

static void reset_release(struct reset *reset)
{
    json_release(&reset->runs);
}

/* ---- What it is going to do ---- */

static bool count_steps(struct session *session, enum verb verb, const char *target,
                        size_t *ret_count, struct error *err)
{
    struct question question = { .kind = ASK_PLAN, .text = target, .verb = verb };
    json_t *plan cleanup_json = NULL;

    if (!session->transport.ask(session->transport.data, &question, &plan, err))
        return false;
    *ret_count = json_array_size(json_object_get(plan, "steps"));
    return true;
}

static bool find_place(struct reset *reset, struct error *err)
{
    struct arena *arena = reset->session->arena;
    json_t *current cleanup_json = NULL;
    size_t index = 0;
    const json_t *row = NULL;

    if (!session_ask(reset->session, ASK_CURRENT, NULL, &current, err))
        return false;
    json_array_foreach(json_object_get(current, "revisions"), index, row)
    {
        const char *id = json_string_value(row);

        str_list_add(&reset->rows, arena, arena_strdup(arena, id != NULL ? id : ""));
    }
    reset->database = arena_strdup(arena, json_text(current, "database"));
    return true;
}

/* Below a single head is every revision. */
static bool plan(struct reset *reset, struct error *err)
{
    json_t *history cleanup_json = NULL;
    size_t left = 0;

    if (!find_place(reset, err) ||
        !count_steps(reset->session, VERB_DOWNGRADE, "base", &reset->down, err) ||
        !count_steps(reset->session, VERB_UPGRADE, "head", &left, err) ||
        !session_ask(reset->session, ASK_HISTORY, NULL, &history, err))
        return false;
    reset->up = json_array_size(json_object_get(history, "revisions"));
    return true;
}

/* ---- May it? ---- */

static bool is_yes(const char *answer)
{
    struct str word = str_trim(str_of(answer));

    return str_is_nocase(word, "y") || str_is_nocase(word, "yes");
}

static bool confirm(const struct reset *reset, struct error *err)
{
    const struct session *session = reset->session;
    FILE *terminal = session->printer.err;
    char answer[ANSWER_BYTES] = "";

    if (session->options->is_confirmed)
        return true;
    if (isatty(STDIN_FILENO) == 0 || isatty(fileno(terminal)) == 0) {
        error_set(err, ERR_ARGUMENT_INVALID,
                  "\"reset\" takes all rows with it, and nobody is there to be asked");
        return error_hint(err, "Without a terminal --yes says that it is meant.");
    }
    (void) fprintf(terminal, "Reset %s? Its rows will be gone. [y/N] ", reset->database);
    (void) fflush(terminal);
    if (fgets(answer, (int) sizeof(answer), stdin) != NULL && is_yes(answer))
        return true;
    return error_set(err, ERR_CANCELLED, "not confirmed; nothing was changed");
}

static void announce(const struct reset *reset)
{
    struct session *session = reset->session;
    const char *from =
        reset->rows.count > 0 ? str_list_join(&reset->rows, ", ", session->arena) : "base";

    print_note(&session->printer,
               arena_printf(session->arena,
                            "%s is at %s: a backup, then %zu revision%s down and %zu up",
                            reset->database, from, reset->down, reset->down == 1 ? "" : "s",
                            reset->up));
}

/* ---- Doing it ---- */

static bool run(struct reset *reset, struct run_request *request, struct error *err)
{
    struct session *session = reset->session;
    json_t *run cleanup_json = NULL;
    bool is_done = false;

    request->actor = session_actor(session->arena);
    request->reason = session->options->request.reason;
    request->lock_timeout_ms = session->options->request.lock_timeout_ms;
    request->timeout_ms = session->options->request.timeout_ms;
    is_done = session_run(session, request, &run, err);
    if (run != NULL && !session->options->is_json)
        print_run(&session->printer, run);
    if (run != NULL)
        json_push(&reset->runs, json_incref(run));
    return is_done;
}

/* The name of the backup that was made first. */
static const char *backup_of(const struct reset *reset)
{
    return json_text(json_array_get(reset->runs, 0), "backup");
}

static bool run_all(struct reset *reset, struct error *err)
{
    struct run_request backup = { .verb = VERB_BACKUP };
    struct run_request down = {
        .verb = VERB_DOWNGRADE,
        .target = "base",
        .backup = BACKUP_NEVER,
        .has_backup = true,
        .has_expect = true,
        .expect = reset->rows,
    };
    struct run_request up = {
        .verb = VERB_UPGRADE,
        .target = "head",
        .backup = BACKUP_NEVER,
        .has_backup = true,
    };

    if (!run(reset, &backup, err))
        return false;
    if (run(reset, &down, err) && run(reset, &up, err))
        return true;
    print_warning(&reset->session->printer,
                  arena_printf(reset->session->arena, "the backup of before is %s",
                               backup_of(reset)));
    return false;
}

static void print_runs(const struct reset *reset)
{
    json_t *answer cleanup_json = json_object();

    json_put(&answer, "runs", json_incref(reset->runs));
    if (reset->session->options->is_json)
        print_json(&reset->session->printer, answer);
}

bool command_reset(struct session *session, struct error *err)
{
    struct reset reset cleanup(reset_release) = { .session = session };
    bool is_done = false;

    reset.runs = json_array();
    if (!plan(&reset, err))
        return false;
    announce(&reset);
    if (!confirm(&reset, err))
        return false;
    is_done = run_all(&reset, err);
    if (json_array_size(reset.runs) > 0)
        print_runs(&reset);
    return is_done;
}
