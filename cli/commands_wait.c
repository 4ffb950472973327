/*
 * commands_wait.c - waiting until the schema is where it is wanted: what the readiness gate runs.
 *
 * A daemon that is not there yet is waited for, as is a database that is locked; what waiting
 * cannot mend (an unknown revision, a token refused) ends it at once.
 */
#include "api/json_text.h"
#include "base/clock.h"
#include "cli/exit_codes.h"
#include "cli/interrupt.h"
#include "cli/json_read.h"
#include "cli/progress.h"
#include "cli/session.h"

#include <unistd.h>

#define POLL_FIRST_MS 5
#define POLL_LAST_MS  200

/* "ready" asks the daemon; a revision is reached when an upgrade to it has nothing to do. */
static bool is_reached(struct session *session, json_t **ret_answer, struct error *err)
{
    const char *wanted = session->options->wait_for;
    struct question question = { .kind = ASK_READY, .verb = VERB_UPGRADE };

    if (strcmp(wanted, "ready") != 0) {
        question.kind = ASK_PLAN;
        question.text = wanted;
    }
    if (!session->transport.ask(session->transport.data, &question, ret_answer, err))
        return false;
    if (question.kind == ASK_READY || json_array_size(json_object_get(*ret_answer, "steps")) == 0)
        return true;
    return error_set(err, ERR_NOT_READY, "schema is not at %s yet, %zu to apply", wanted,
                     json_array_size(json_object_get(*ret_answer, "steps")));
}

static bool is_worth_waiting(const struct error *err)
{
    enum exit_code code = exit_code_of(err->code);

    return code == EXIT_CODE_TRY_AGAIN || code == EXIT_CODE_UNREACHABLE;
}

static bool has_time(const struct session *session, int64_t start_us)
{
    int64_t waited_ms = (clock_monotonic_us() - start_us) / 1000;

    return session->options->wait_ms == 0 || waited_ms < session->options->wait_ms;
}

static void print_reached(struct session *session, const json_t *answer)
{
    if (session->options->is_json)
        print_json(&session->printer, answer);
    else if (session->options->is_verbose && json_has(answer, "status"))
        print_format(&session->printer, "%s\n", json_text(answer, "status"));
}

bool command_wait(struct session *session, struct error *err)
{
    struct progress progress = { .terminal = NULL };
    int64_t start_us = clock_monotonic_us();
    uint32_t pause_ms = POLL_FIRST_MS;

    if (!session->options->is_quiet && isatty(fileno(session->printer.err)))
        progress.terminal = session->printer.err;
    for (;;) {
        json_t *answer cleanup_json = NULL;
        bool is_done = is_reached(session, &answer, err);

        if (is_done || !is_worth_waiting(err) || !has_time(session, start_us)) {
            progress_end(&progress);
            if (is_done)
                print_reached(session, answer);
            return is_done;
        }
        progress_show(&progress, err->detail);
        interrupt_wait(pause_ms);
        pause_ms = pause_ms * 2 < POLL_LAST_MS ? pause_ms * 2 : POLL_LAST_MS;
        error_clear(err);
        if (interrupt_was_asked()) {
            progress_end(&progress);
            return error_set(err, ERR_CANCELLED, "waiting was interrupted");
        }
    }
}
