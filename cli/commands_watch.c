/*
 * commands_watch.c - a daemon's events, as they happen.
 */
#include "api/json_text.h"
#include "cli/interrupt.h"
#include "cli/session.h"

static void on_event(void *data, const char *name, uint64_t number, const json_t *content)
{
    struct session *session = data;

    if (session->options->is_json) {
        json_t *event cleanup_json = json_object();

        json_put(&event, "id", json_of_count(number));
        json_put(&event, "event", json_string(name));
        json_put(&event, "data", json_incref((json_t *) content));
        print_json_line(&session->printer, event);
    } else if (!session->options->is_quiet) {
        print_event(&session->printer, name, content);
    }
    (void) fflush(session->printer.out); /* whoever reads a pipe waits for it */
}

static void on_told(void *data, const char *text)
{
    struct session *session = data;

    print_note(&session->printer, text);
}

/* Also when nobody reads any more: a closed pipe is told by a signal, a full disk is not. */
static bool is_over(void *data)
{
    const struct session *session = data;

    return interrupt_was_asked() || ferror(session->printer.out) != 0;
}

bool command_events(struct session *session, struct error *err)
{
    struct event_watch watch = {
        .data = session,
        .event = on_event,
        .told = on_told,
        .is_over = is_over,
    };

    return session->transport.events(session->transport.data, &watch, err);
}
