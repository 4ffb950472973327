/*
 * app.c - the composition of schemadctl.
 */
#include "cli/app.h"

#include "api/json.h"
#include "api/json_text.h"
#include "cli/exit_codes.h"
#include "cli/interrupt.h"
#include "cli/offline.h"
#include "cli/pager.h"
#include "cli/remote.h"
#include "cli/session.h"
#include "cli/usage.h"
#include "config.h"

#include <unistd.h>

#define USAGE_BYTES_MAX ((size_t) 64 * 1024)

static bool is_colored(const struct options *options, FILE *file)
{
    if (options->color == COLOR_AUTO)
        return isatty(fileno(file)) != 0;
    return options->color == COLOR_ALWAYS;
}

static void print_usage(const struct options *options, struct arena *arena, FILE *out)
{
    struct strbuf buffer cleanup(strbuf_release);

    strbuf_init(&buffer, USAGE_BYTES_MAX);
    if (options->wants_version)
        strbuf_add_text(&buffer, "schemadctl " SCHEMAD_VERSION "\n");
    else if (options->has_command)
        usage_format_command(options->command, arena, &buffer);
    else
        usage_format(arena, &buffer);
    (void) fputs(strbuf_text(&buffer), out);
}

static bool open_transport(struct session *session, struct error *err)
{
    if (command_get(session->options->command)->needs == NEEDS_NOTHING)
        return true;
    if (session->options->is_offline)
        return offline_open(session->options, session->arena, &session->transport, err);
    return remote_open(session->options, session->arena, &session->transport, err);
}

/* With --json a failure without an answer of its own is answered by its problem document. The pager
 * is done before anything is told to the person: it has the screen. */
static void report(struct session *session, struct child_reader *pager, const struct error *err)
{
    if (session->options->is_json && !session->printer.has_answered) {
        json_t *problem cleanup_json = json_of_error(err);

        print_json(&session->printer, problem);
    }
    (void) fflush(session->printer.out);
    child_reader_close(pager);
    print_problem(&session->printer, err);
}

static bool execute(struct session *session, struct error *err)
{
    interrupt_watch();
    return open_transport(session, err) &&
           command_get(session->options->command)->run(session, err);
}

/* What could not be written was not said: a full disk behind a pipe is a failure. A person who left
 * the pager has read what he wanted. */
static bool finish(FILE *out, bool is_paged, struct error *err)
{
    if ((fflush(out) == 0 && ferror(out) == 0) || is_paged)
        return true;
    return error_set(err, ERR_IO, "could not write to standard output");
}

int app_run(const struct str_list *words, const struct environment *environment, FILE *out,
            FILE *err)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct options options = { .command = COMMAND_COUNT };
    struct session session = {
        .options = &options,
        .environment = environment,
        .arena = &arena,
    };
    struct child_reader pager = { .in = NULL };
    struct error error = { .code = ERR_OK };
    bool is_done = false;

    is_done = options_parse(words, environment, &arena, &options, &error);
    session.printer = (struct printer){
        .out = out,
        .err = err,
        .is_out_colored = is_colored(&options, out),
        .is_err_colored = is_colored(&options, err),
        .is_verbose = options.is_verbose,
        .is_quiet = options.is_quiet,
    };
    if (is_done && pager_is_wanted(&options, out))
        pager_open(environment, &pager);
    if (pager.in != NULL)
        session.printer.out = pager.in;
    if (is_done && (options.wants_help || options.wants_version))
        print_usage(&options, &arena, session.printer.out);
    else if (is_done)
        is_done = execute(&session, &error);
    transport_close(&session.transport);
    if (is_done)
        is_done = finish(session.printer.out, pager.in != NULL, &error);
    if (!is_done)
        report(&session, &pager, &error);
    child_reader_close(&pager);
    (void) fflush(err);
    return (int) exit_code_of(error.code);
}
