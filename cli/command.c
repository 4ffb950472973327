/*
 * command.c - the table of commands.
 */
#include "cli/command.h"

#include "cli/session.h"
#include "migrations/nearest.h"

#include <assert.h>

/* How the four commands that change something go on when they have begun. */
#define WATCHING                                                                         \
    "\n"                                                                                 \
    "Waits for the end; --no-wait prints the job's id and leaves. On a terminal a bar\n" \
    "says how far it is, elsewhere --follow says every phase and step. An interrupt\n"   \
    "rolls it back. A lost connection is taken up again; nothing is run twice.\n"

/* In the order of the enum, which is alphabetical. */
static const struct command commands[] = {
    [COMMAND_BACKUP] = { "backup", "", 0, 0, NEEDS_DATABASE,
                         "make a verified backup of the database",
                         "Makes a verified backup of the database and prints its name.\n" WATCHING,
                         command_backup },
    [COMMAND_BACKUPS] = { "backups", "", 0, 0, NEEDS_DATABASE, "list the backups",
                          "Lists the verified backups, newest first: name, size, time, "
                          "revisions.\n",
                          command_backups },
    [COMMAND_BRANCHES] = { "branches", "", 0, 0, NEEDS_SCRIPTS, "show where the history branches",
                           "Prints the revisions that several others continue, and these.\n",
                           command_branches },
    [COMMAND_CANCEL] = { "cancel", "ID", 1, 1, NEEDS_DAEMON, "cancel a job of the daemon",
                         "Asks a queued or running job to end; a running one is rolled back.\n"
                         "\"jobs ID --follow\" waits for its end.\n",
                         command_cancel },
    [COMMAND_CHECK] = { "check", "", 0, 0, NEEDS_DATABASE, "find what is amiss, for CI",
                        "Says when the database is behind, when there are several heads, and when\n"
                        "applied scripts changed or are missing; the worst first, each with its "
                        "way "
                        "out.\n"
                        "The exit code is the worst one's: 4 behind, 5 heads, 6 scripts, 7 "
                        "database.\n",
                        command_check },
    [COMMAND_COMPLETE] = { "complete", "-- WORD...", 0, 1024, NEEDS_NOTHING, "",
                           "Prints what the last WORD can become, one a line: the text, a tab, "
                           "what "
                           "it is.\n"
                           "For the scripts of \"completion\".\n",
                           command_complete },
    [COMMAND_COMPLETION] = { "completion", "SHELL", 1, 1, NEEDS_NOTHING,
                             "print the completion for bash, zsh or fish",
                             "Prints a script that lets SHELL (bash, zsh, fish) complete commands, "
                             "options,\n"
                             "revisions, labels and jobs:\n"
                             "  bash  source <(schemadctl completion bash)\n"
                             "  zsh   source <(schemadctl completion zsh), behind compinit\n"
                             "  fish  schemadctl completion fish | source\n",
                             command_completion },
    [COMMAND_CREATE] = { "create", "MESSAGE", 1, 1, NEEDS_WRITING,
                         "write a new script: revision -m MESSAGE", "As `revision -m MESSAGE`.\n",
                         command_create },
    [COMMAND_CURRENT] = { "current", "", 0, 0, NEEDS_DATABASE, "show where the database is",
                          "Prints the revisions the database is at, one a line; nothing at base.\n"
                          "With --check-heads it fails (4) when these are not all heads.\n",
                          command_current },
    [COMMAND_DENIALS] = { "denials", "", 0, 0, NEEDS_DAEMON, "list the requests that were refused",
                          "Lists the requests that the daemon did not let in, newest first: when, "
                          "why, who,\nwhat.\n",
                          command_denials },
    [COMMAND_DOWNGRADE] = { "downgrade", "[TARGET]", 0, 1, NEEDS_DATABASE,
                            "take revisions back (default: -1)",
                            "Takes back every applied revision that stands above TARGET: a "
                            "revision,\n"
                            "-N, REV-N, BRANCH@base or base. Default: -1. With --sql it is "
                            "FROM:TO.\n" WATCHING,
                            command_downgrade },
    [COMMAND_EDIT] = { "edit", "[REV]", 0, 1, NEEDS_DIRECTORY, "open a script in the editor",
                       "Opens the scripts of REV (default: head) in $VISUAL, $EDITOR or vi, and "
                       "then checks\n"
                       "that all scripts can be read.\n",
                       command_edit },
    [COMMAND_ENSURE_VERSION] = { "ensure_version", "", 0, 0, NEEDS_DATABASE,
                                 "make the version table if it is missing",
                                 "Makes the version table when it is missing; its rows are left as "
                                 "they are.\n" WATCHING,
                                 command_ensure_version },
    [COMMAND_EVENTS] = { "events", "", 0, 0, NEEDS_DAEMON, "print what happens, as it happens",
                         "Prints a line whenever a job moves or the schema changes, until it is\n"
                         "interrupted. With --json a document a line: id, event, data.\n",
                         command_events },
    [COMMAND_HEADS] = { "heads", "", 0, 0, NEEDS_SCRIPTS, "show the newest revisions",
                        "Prints the revisions that nothing continues.\n", command_heads },
    [COMMAND_HISTORY] = { "history", "", 0, 0, NEEDS_SCRIPTS, "list the revisions, newest first",
                          "Lists the revisions, newest first.\n", command_history },
    [COMMAND_INIT] = { "init", "[DIR]", 0, 1, NEEDS_DIRECTORY, "make a directory for scripts",
                       "Makes the directory DIR (default: the first --scripts, or "
                       "migrations/versions)\n"
                       "and says how to go on.\n",
                       command_init },
    [COMMAND_JOBS] = { "jobs", "[ID]", 0, 1, NEEDS_DATABASE, "list runs, show or follow one",
                       "Lists the latest runs, newest first, or shows all of one.\n"
                       "With --follow it attaches to a job, and ends as the command would that "
                       "asked for\n"
                       "it; an interrupt then leaves the job as it is.\n",
                       command_jobs },
    [COMMAND_MERGE] = { "merge", "REV...", 1, 64, NEEDS_WRITING, "write a script that joins heads",
                        "Writes a new script that continues all of REV..., or with \"heads\" every "
                        "head,\nand prints its path.\n",
                        command_merge },
    [COMMAND_PLAN] = { "plan", "[TARGET]", 0, 1, NEEDS_DATABASE,
                       "show what an upgrade or downgrade would do",
                       "Shows what `upgrade TARGET` would run, or with --down `downgrade TARGET`.\n"
                       "With -v as SQL.\n",
                       command_plan },
    [COMMAND_RESET] = { "reset", "", 0, 0, NEEDS_DATABASE,
                        "back up, go down to base and up to head",
                        "Makes a backup, takes every revision back and applies them all again: the "
                        "schema\n"
                        "is new, the rows are gone. Asks before; without a terminal --yes has to "
                        "say it.\n",
                        command_reset },
    [COMMAND_REVISION] = { "revision", "", 0, 0, NEEDS_WRITING, "write a new script",
                           "Writes a new script into a --scripts directory and prints its path. "
                           "Its "
                           "parts\n"
                           "are empty, or what --sql-file has. With --socket, --url or --instance "
                           "the\n"
                           "daemon writes it, if its configuration has [scripts] writable = yes.\n",
                           command_revision },
    [COMMAND_SHOW] = { "show", "[REV]", 0, 1, NEEDS_SCRIPTS, "show a revision",
                       "Shows the revisions that REV names (default: head); with -v their SQL "
                       "too.\n",
                       command_show },
    [COMMAND_STAMP] = { "stamp", "TARGET...", 1, 64, NEEDS_DATABASE,
                        "record revisions without running them",
                        "Records that the database is at TARGET. No script runs.\n" WATCHING,
                        command_stamp },
    [COMMAND_STATUS] = { "status", "", 0, 0, NEEDS_DATABASE, "show everything at a glance",
                         "Shows everything at a glance.\n", command_status },
    [COMMAND_TOKEN] = { "token", "VERB [NAME]", 1, 2, NEEDS_NOTHING,
                        "make and revoke tokens for --url",
                        "  token create NAME [--access CLASS] [--file PATH]\n"
                        "  token list --file PATH\n"
                        "  token revoke NAME --file PATH\n"
                        "\n"
                        "Works on the file that the daemon's [http] token_file names. `create` "
                        "prints the\n"
                        "secret, alone on the first line, this once; the file only has its hash. "
                        "Without\n"
                        "--file the line for the file follows. The daemon reads the file again on "
                        "SIGHUP.\n",
                        command_token },
    [COMMAND_UPGRADE] = { "upgrade", "[TARGET]", 0, 1, NEEDS_DATABASE,
                          "apply revisions (default: head)",
                          "Applies every revision that TARGET needs and the database lacks: head, "
                          "heads,\n"
                          "a revision or its beginning, +N, REV+N, BRANCH@head. Default: head.\n"
                          "With --sql it is [FROM:]TO; FROM is base, or where the database "
                          "is.\n" WATCHING,
                          command_upgrade },
    [COMMAND_WAIT] = { "wait", "", 0, 0, NEEDS_DATABASE, "wait until the schema is ready",
                       "Waits until the schema is where --for says. A daemon that is not there yet "
                       "is\n"
                       "waited for. Exits with 3 when --timeout is over, and at once when waiting\n"
                       "cannot help (5: no such revision).\n",
                       command_wait },
};

static_assert(ARRAY_SIZE(commands) == COMMAND_COUNT, "every command has its row");

const struct command *command_get(enum command_id id)
{
    assert(id >= 0 && id < COMMAND_COUNT);
    return &commands[id];
}

bool command_find(const char *name, enum command_id *ret_id, struct error *err)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct str_list known = { 0 };
    struct str_list near = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            *ret_id = (enum command_id) i;
            return true;
        }
        if (commands[i].summary[0] != '\0')
            str_list_add(&known, &arena, commands[i].name);
    }
    near = nearest_find(str_of(name), &known, &arena);
    error_set(err, ERR_ARGUMENT_INVALID, "unknown command \"%s\"", name);
    return near.count > 0 ? error_hint(err, "Did you mean \"%s\"?", near.items[0])
                          : error_hint(err, "\"schemadctl --help\" lists the commands.");
}
