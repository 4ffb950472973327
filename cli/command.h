/*
 * command.h - the commands of schemadctl: what they are called, what they take, and who does them.
 *
 * One row a command. Parsing, help and dispatch all read this table, so a new command is one row,
 * one function, and its section in schemadctl(1). What a command's operands mean is its own to say:
 * "token" is one command, of which the first operand is a verb.
 */
#pragma once

#include "base/error.h"

struct session;

enum command_id {
    COMMAND_BACKUP,
    COMMAND_BACKUPS,
    COMMAND_BRANCHES,
    COMMAND_CANCEL,
    COMMAND_CHECK,
    COMMAND_COMPLETE,
    COMMAND_COMPLETION,
    COMMAND_CREATE,
    COMMAND_CURRENT,
    COMMAND_DENIALS,
    COMMAND_DOWNGRADE,
    COMMAND_EDIT,
    COMMAND_ENSURE_VERSION,
    COMMAND_EVENTS,
    COMMAND_HEADS,
    COMMAND_HISTORY,
    COMMAND_INIT,
    COMMAND_JOBS,
    COMMAND_MERGE,
    COMMAND_PLAN,
    COMMAND_RESET,
    COMMAND_REVISION,
    COMMAND_SHOW,
    COMMAND_STAMP,
    COMMAND_STATUS,
    COMMAND_TOKEN,
    COMMAND_UPGRADE,
    COMMAND_WAIT,
    COMMAND_COUNT
};

/* Who a command needs on the other side. */
enum command_needs {
    NEEDS_DATABASE,  /* a daemon, or a database file and scripts */
    NEEDS_SCRIPTS,   /* a daemon, or scripts; a database file is welcome */
    NEEDS_WRITING,   /* scripts; or a daemon, if one is named */
    NEEDS_DIRECTORY, /* scripts, never a daemon */
    NEEDS_DAEMON,
    NEEDS_NOTHING, /* but its own files */
};

struct command {
    const char *name;
    const char *operands; /* as shown in help; "" when it takes none */
    unsigned operand_min;
    unsigned operand_max;
    enum command_needs needs;
    const char *summary; /* one line for the list of commands; "" when it is not listed */
    const char *text;    /* what `--help` says below the usage line; whole lines */

    /* Does it and prints the answer. What it printed before it failed was true. */
    bool (*run)(struct session *session, struct error *err);
};

/* The row of a command. Lives forever. */
const struct command *command_get(enum command_id id);

/*
 * The command of this name.
 *
 * Fails ERR_ARGUMENT_INVALID; the hint names the nearest command.
 */
must_check bool command_find(const char *name, enum command_id *ret_id, struct error *err);
