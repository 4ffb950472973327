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
    [COMMAND_CANCEL] = { "cancel", "ID", 1, 1, NEEDS_DAEMON, "cancel a job of the daemon",
                         "Asks a queued or running job to end; a running one is rolled back.\n"
                         "\"jobs ID --follow\" waits for its end.\n",
                         command_cancel },
    [COMMAND_CURRENT] = { "current", "", 0, 0, NEEDS_DATABASE, "show where the database is",
                          "Prints the revisions the database is at, one a line; nothing at base.\n",
                          command_current },
    [COMMAND_DENIALS] = { "denials", "", 0, 0, NEEDS_DAEMON, "list the requests that were refused",
                          "Lists the requests that the daemon did not let in, newest first: when, "
                          "why, who,\nwhat.\n",
                          command_denials },
    [COMMAND_DOWNGRADE] = { "downgrade", "[TARGET]", 0, 1, NEEDS_DATABASE,
                            "take revisions back (default: -1)",
                            "Takes back every applied revision that stands above TARGET: a "
                            "revision,\n"
                            "-N, REV-N, BRANCH@base or base. Default: -1.\n" WATCHING,
                            command_downgrade },
    [COMMAND_EVENTS] = { "events", "", 0, 0, NEEDS_DAEMON, "print what happens, as it happens",
                         "Prints a line whenever a job moves or the schema changes, until it is\n"
                         "interrupted. With --json a document a line: id, event, data.\n",
                         command_events },
    [COMMAND_HEADS] = { "heads", "", 0, 0, NEEDS_SCRIPTS, "show the newest revisions",
                        "Prints the revisions that nothing continues.\n", command_heads },
    [COMMAND_HISTORY] = { "history", "", 0, 0, NEEDS_SCRIPTS, "list the revisions, newest first",
                          "Lists the revisions, newest first.\n", command_history },
    [COMMAND_JOBS] = { "jobs", "[ID]", 0, 1, NEEDS_DATABASE, "list runs, show or follow one",
                       "Lists the latest runs, newest first, or shows all of one.\n"
                       "With --follow it attaches to a job, and ends as the command would that "
                       "asked for\n"
                       "it; an interrupt then leaves the job as it is.\n",
                       command_jobs },
    [COMMAND_PLAN] = { "plan", "[TARGET]", 0, 1, NEEDS_DATABASE,
                       "show what an upgrade or downgrade would do",
                       "Shows what `upgrade TARGET` would run, or with --down `downgrade TARGET`.\n"
                       "With -v as SQL.\n",
                       command_plan },
    [COMMAND_REVISION] = { "revision", "", 0, 0, NEEDS_SCRIPTS_OFFLINE, "write a new, empty script",
                           "Writes a new script with empty parts into the first --scripts "
                           "directory\n"
                           "and prints its path.\n",
                           command_revision },
    [COMMAND_SHOW] = { "show", "REV", 1, 1, NEEDS_SCRIPTS, "show a revision",
                       "Shows the revision REV names; with -v its SQL too.\n", command_show },
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
                          "a revision or its beginning, +N, REV+N, BRANCH@head. Default: "
                          "head.\n" WATCHING,
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
        str_list_add(&known, &arena, commands[i].name);
    }
    near = nearest_find(str_of(name), &known, &arena);
    error_set(err, ERR_ARGUMENT_INVALID, "unknown command \"%s\"", name);
    return near.count > 0 ? error_hint(err, "Did you mean \"%s\"?", near.items[0])
                          : error_hint(err, "\"schemadctl --help\" lists the commands.");
}
