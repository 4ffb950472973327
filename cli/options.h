/*
 * options.h - the command line as a value.
 *
 * Pure: takes words and a copy of the environment, opens nothing. Options may stand before and
 * after the command and its operands; a word of '-' and a digit is an operand (`downgrade -1`), and
 * after `--` every word is. Texts point into the given words or live in the arena.
 */
#pragma once

#include "api/access.h"
#include "api/backend.h"
#include "base/str.h"
#include "cli/command.h"

enum color_mode {
    COLOR_AUTO, /* on a terminal, unless NO_COLOR is set */
    COLOR_ALWAYS,
    COLOR_NEVER,
};

/* What counts of the environment. NULL for what is not set or empty. */
struct environment {
    const char *database;    /* SCHEMAD_DATABASE */
    const char *scripts;     /* SCHEMAD_SCRIPTS: directories separated by ':' */
    const char *socket;      /* SCHEMAD_SOCKET */
    const char *url;         /* SCHEMAD_URL */
    const char *token_file;  /* SCHEMAD_TOKEN_FILE, for a URL */
    const char *no_color;    /* NO_COLOR */
    const char *runtime_dir; /* XDG_RUNTIME_DIR, for users other than root */
    const char *pager;       /* SCHEMAD_PAGER or PAGER */
    const char *editor;      /* VISUAL or EDITOR */
    const char *locale;      /* LC_ALL, LC_CTYPE or LANG */
};

/* Everything asked for, with nothing left to default. */
struct options {
    enum command_id command;
    struct str_list operands;
    bool wants_help;
    bool has_command; /* false only with wants_help or wants_version */
    bool wants_version;

    /* Where to ask. Offline when a database or scripts are named. */
    bool is_offline;
    const char *database; /* NULL: none */
    struct str_list scripts;
    const char *state;
    const char *instance;
    const char *socket;
    const char *url;
    const char *token_file;

    /* How to answer. */
    bool is_json;
    bool is_quiet;
    bool is_verbose;
    bool has_no_pager;
    enum color_mode color;

    /* For upgrade, downgrade, stamp, backup: what is asked but its verb, target and actor. */
    struct run_request request;
    bool waits;       /* --wait, the default anyway */
    bool is_async;    /* --no-wait */
    bool follows;     /* --follow; jobs too */
    bool allows_loss; /* --allow-loss */
    const char *idempotency_key;
    uint32_t retry_ms; /* events too; 0: never */

    /* For single commands. */
    bool plans_down;            /* plan --down */
    bool shows_current;         /* history -i */
    bool draws_graph;           /* history */
    bool checks_heads;          /* current */
    bool resolves_dependencies; /* heads */
    bool prints_sql;            /* upgrade, downgrade, stamp */
    bool is_confirmed;          /* reset --yes */
    const char *range;          /* history -r */

    /* For new scripts: revision, create, merge. */
    const char *message; /* create has it as its operand */
    const char *rev_id;
    const char *head;
    const char *version_path;
    const char *sql_file;
    bool splices;
    bool is_utc;
    struct script_name_style name_style;
    struct str_list branch_labels;
    struct str_list depends_on;

    /* For single commands, again. */
    const char *wait_for;   /* wait: "ready", "head" or a revision */
    const char *timeout;    /* as written; request.timeout_ms or wait_ms say what it means */
    uint32_t wait_ms;       /* wait; 0: forever */
    struct job_filter jobs; /* jobs; its limit is for denials too */
    enum access access;     /* token create */
    bool has_access;
    const char *file; /* token */
};

/* An option as help shows it. */
struct option_help {
    const char *name;     /* without dashes */
    char letter;          /* 0: none */
    const char *value;    /* NULL: it takes none */
    const char *spelling; /* "-r, --range A:B" */
    const char *text;
};

/*
 * Parse the words after the program's name.
 *
 * ret    complete: defaults filled in, the way to the database decided. Only wants_help,
 *        wants_version, has_command and command are meaningful when help or the version is asked
 *        for.
 * Fails  ERR_ARGUMENT_INVALID for anything wrong, with the nearest word or the way to help as hint.
 */
must_check bool options_parse(const struct str_list *words, const struct environment *environment,
                              struct arena *arena, struct options *ret, struct error *err);

/*
 * The options of a command (own_only: those that only some commands take), or with command NULL the
 * global ones. ret_count rows in the arena, in the order of the table.
 */
const struct option_help *options_help(const enum command_id *command, struct arena *arena,
                                       size_t *ret_count);
