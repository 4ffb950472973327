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
#include "cli/session.h"

#define PAUSE_FIRST_MS 5
#define PAUSE_LAST_MS  200
#define POLL_MS        30000 /* so long a daemon waits for an answer */
#define POLL_SHOWN_MS  1000  /* when a person reads what is waited for */

struct wait {
    struct session *session;
    struct progress progress;
    int64_t end_us; /* monotonic clock; 0: never */
};

static int64_t left_ms(const struct wait *wait)
{
    return wait->end_us == 0 ? INT64_MAX : (wait->end_us - clock_monotonic_us()) / 1000;
}

static bool ask(const struct wait *wait, json_t **ret_current, struct error *err)
{
    struct question question = {
        .kind = ASK_REACHED,
        .text = wait->session->options->wait_for,
        .timeout_ms = wait->progress.style == PROGRESS_BAR ? POLL_SHOWN_MS : POLL_MS,
    };
    int64_t left = left_ms(wait);

    if (left < question.timeout_ms)
        question.timeout_ms = left > 0 ? (uint32_t) left : 1;
    return wait->session->transport.ask(wait->session->transport.data, &question, ret_current, err);
}

static bool is_worth_waiting(const struct error *err)
{
    enum exit_code code = exit_code_of(err->code);

    return code == EXIT_CODE_TRY_AGAIN || code == EXIT_CODE_UNREACHABLE;
}

/* "a1b2, c3d4", "base". */
static const char *place_of(const json_t *current, struct arena *arena)
{
    const json_t *rows = json_object_get(current, "revisions");
    struct str_list names = { 0 };
    size_t index = 0;
    const json_t *row = NULL;

    json_array_foreach(rows, index, row)
        str_list_add(&names, arena, json_string_value(row) != NULL ? json_string_value(row) : "");
    return names.count > 0 ? str_list_join(&names, ", ", arena) : "base";
}

/* Of a wait for "ready" the daemon knows why; of the others only where it is matters. */
static bool refuse(const struct wait *wait, struct error *err)
{
    struct session *session = wait->session;
    struct question question = { .kind = ASK_CURRENT };
    json_t *current cleanup_json = NULL;
    struct error ignored = { .code = ERR_OK };

    if (err->code != ERR_NOT_READY || strcmp(session->options->wait_for, "ready") == 0 ||
        !session->transport.ask(session->transport.data, &question, &current, &ignored))
        return false;
    error_clear(err);
    return error_set(err, ERR_NOT_READY, "schema is not at %s yet, it is at %s",
                     session->options->wait_for, place_of(current, session->arena));
}

static void print_reached(struct session *session, const json_t *current)
{
    if (session->options->is_json)
        print_json(&session->printer, current);
    else if (session->options->is_verbose)
        print_format(&session->printer, "schema is at %s\n", place_of(current, session->arena));
}

static bool wait_for_it(struct wait *wait, json_t **ret_current, struct error *err)
{
    uint32_t pause_ms = PAUSE_FIRST_MS;

    while (!ask(wait, ret_current, err)) {
        int64_t left = left_ms(wait);

        if (interrupt_was_asked()) {
            error_clear(err);
            return error_set(err, ERR_CANCELLED, "waiting was interrupted");
        }
        if (!is_worth_waiting(err) || left <= 0)
            return refuse(wait, err);
        progress_say(&wait->progress, err->detail);
        interrupt_wait(pause_ms < left ? pause_ms : (uint32_t) left);
        pause_ms = pause_ms * 2 < PAUSE_LAST_MS ? pause_ms * 2 : PAUSE_LAST_MS;
        error_clear(err);
    }
    return true;
}

bool command_wait(struct session *session, struct error *err)
{
    const struct options *options = session->options;
    struct wait wait = { .session = session, .progress = session_progress(session) };
    json_t *current cleanup_json = NULL;
    bool is_done = false;

    if (options->wait_ms > 0)
        wait.end_us = clock_monotonic_us() + (int64_t) options->wait_ms * 1000;
    is_done = wait_for_it(&wait, &current, err);
    progress_end(&wait.progress);
    if (is_done)
        print_reached(session, current);
    return is_done;
}
