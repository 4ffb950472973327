/*
 * usage.c - the help texts.
 */
#include "cli/usage.h"

#include "cli/options.h"

#define NAME_WIDTH   22
#define OPTION_WIDTH 27

static void add_options(struct strbuf *buffer, const char *title, const enum command_id *command,
                        struct arena *arena)
{
    size_t count = 0;
    const struct option_help *rows = options_help(command, arena, &count);

    if (count > 0)
        strbuf_printf(buffer, "\n%s:\n", title);
    for (size_t i = 0; i < count; i++)
        strbuf_printf(buffer, "  %-*s %s\n", OPTION_WIDTH, rows[i].spelling, rows[i].text);
}

void usage_format(struct arena *arena, struct strbuf *buffer)
{
    strbuf_add_text(buffer, "Usage: schemadctl [OPTION...] COMMAND [ARGUMENT...]\n"
                            "Ask a schemad daemon, or with --database work without one.\n"
                            "\nCommands:\n");
    for (int i = 0; i < COMMAND_COUNT; i++) {
        const struct command *command = command_get((enum command_id) i);

        if (command->summary[0] == '\0')
            continue;
        strbuf_printf(buffer, "  %s%s%-*s %s\n", command->name,
                      command->operands[0] != '\0' ? " " : "",
                      (int) (NAME_WIDTH - strlen(command->name) - (command->operands[0] != '\0')),
                      command->operands, command->summary);
    }
    add_options(buffer, "Options", NULL, arena);
    strbuf_add_text(buffer, "\nEnvironment, where no option says whom to ask:\n"
                            "  SCHEMAD_DATABASE and SCHEMAD_SCRIPTS, SCHEMAD_SOCKET,\n"
                            "  SCHEMAD_URL and SCHEMAD_TOKEN_FILE\n"
                            "\nExit status:\n"
                            "   0  done; nothing to do counts    6  the scripts are wrong\n"
                            "   1  it was tried and failed       7  the database is wrong\n"
                            "   2  the command line is wrong     8  not allowed\n"
                            "   3  try again                     9  there is no daemon\n"
                            "   4  the database is elsewhere    10  cancelled, rolled back\n"
                            "   5  no such revision or job\n");
    strbuf_add_text(buffer,
                    "\n\"schemadctl COMMAND --help\" lists a command's own options; the manual is "
                    "schemadctl(1).\n");
}

void usage_format_command(enum command_id id, struct arena *arena, struct strbuf *buffer)
{
    const struct command *command = command_get(id);

    strbuf_printf(buffer, "Usage: schemadctl [OPTION...] %s%s%s\n%s", command->name,
                  command->operands[0] != '\0' ? " " : "", command->operands, command->text);
    add_options(buffer, "Options of this command", &id, arena);
    strbuf_add_text(buffer,
                    "\n\"schemadctl --help\" lists the options that every command takes.\n");
}
