/*
 * pager.c - which answers are paged, and by what.
 */
#include "cli/pager.h"

#include <signal.h>
#include <unistd.h>

/* -F: leave when it fits a screen; -R: colors; -X: what was read stays on the terminal. */
#define PAGER_DEFAULT                                                                           \
    "if command -v less >/dev/null 2>&1; then exec less -FRX; elif command -v more >/dev/null " \
    "2>&1; then exec more; else exec cat; fi"

bool pager_is_wanted(const struct options *options, FILE *out)
{
    if (options->has_no_pager || options->is_quiet || isatty(fileno(out)) == 0)
        return false;
    if (options->wants_help)
        return true;
    if (!options->has_command || options->wants_version)
        return false;
    return options->command == COMMAND_HISTORY || options->command == COMMAND_SHOW ||
           options->command == COMMAND_BRANCHES ||
           (options->command == COMMAND_PLAN && options->is_verbose);
}

void pager_open(const struct environment *environment, struct child_reader *ret)
{
    struct error ignored = { .code = ERR_OK };

    (void) signal(SIGPIPE, SIG_IGN);
    if (!child_reader_open(environment->pager != NULL ? environment->pager : PAGER_DEFAULT, ret,
                           &ignored))
        ret->in = NULL;
}
