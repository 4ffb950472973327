/*
 * options.c - one row an option, and the loop over the words.
 *
 * getopt_long(3) is not used: it takes `downgrade -1` for an option, cannot say which command an
 * option belongs to, and does not know what a mistyped one was meant to be.
 */
#include "cli/options.h"

#include "base/duration.h"
#include "config.h"
#include "migrations/nearest.h"

#include <assert.h>
#include <stddef.h>

#define BIT(command) (1u << (COMMAND_##command))
#define ALL_COMMANDS ((1u << COMMAND_COUNT) - 1)
#define RUN_COMMANDS (BIT(UPGRADE) | BIT(DOWNGRADE) | BIT(STAMP))
#define JOB_COMMANDS (RUN_COMMANDS | BIT(BACKUP))

#define LIMIT_USUAL    50
#define LIMIT_MAX      1000
#define RETRY_USUAL_MS 10000

static_assert(COMMAND_COUNT <= 32, "a set of commands is a word of bits");

/* One option: what it is called, which commands take it, and where its value goes. Exactly one of
 * the four ways to take a value is set. */
struct option {
    const char *name;  /* long, without dashes */
    char letter;       /* short, or 0 */
    const char *value; /* how help calls the value; NULL for a flag */
    unsigned commands;
    const char *help;
    size_t flag; /* offsets into struct options; 0 is none, as `command` stands there */
    size_t text;
    size_t list;
    bool (*take)(struct options *options, const char *value, struct arena *arena,
                 struct error *err);
};

static bool take_backup(struct options *options, const char *value, struct arena *arena,
                        struct error *err)
{
    (void) arena;
    if (!backup_policy_find(value, &options->request.backup))
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "--backup is \"always\", \"destructive\" or \"never\", not \"%s\"", value);
    options->request.has_backup = true;
    return true;
}

static bool take_transaction(struct options *options, const char *value, struct arena *arena,
                             struct error *err)
{
    (void) arena;
    if (!transaction_mode_find(value, &options->request.transaction))
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "--transaction is \"run\" or \"revision\", not \"%s\"", value);
    options->request.has_transaction = true;
    return true;
}

static bool take_color(struct options *options, const char *value, struct arena *arena,
                       struct error *err)
{
    static const char *const names[] = { "auto", "always", "never" };

    (void) arena;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            options->color = (enum color_mode) i;
            return true;
        }
    }
    return error_set(err, ERR_ARGUMENT_INVALID,
                     "--color is \"auto\", \"always\" or \"never\", not \"%s\"", value);
}

/* Revisions, separated by commas or by repeating the option; nothing or "base" is no revision. */
static bool take_expect(struct options *options, const char *value, struct arena *arena,
                        struct error *err)
{
    struct str rest = str_of(value);

    (void) err;
    options->request.has_expect = true;
    while (rest.len > 0) {
        size_t comma = str_find_char(rest, ',', 0);
        struct str id = str_trim(str_sub(rest, 0, comma));
        const char *text = arena_strndup(arena, id.ptr, id.len);

        if (id.len > 0 && !str_is(id, "base") && !str_list_has(&options->request.expect, text))
            str_list_add(&options->request.expect, arena, text);
        rest = str_sub(rest, comma + 1, rest.len);
    }
    return true;
}

static bool parse_duration(const char *name, const char *value, uint32_t unit_ms, uint32_t *ret_ms,
                           struct error *err)
{
    return duration_parse(str_of(value), unit_ms, ret_ms) ||
           error_set(err, ERR_ARGUMENT_INVALID,
                     "--%s takes a duration such as 500ms, 30s or 5m, not \"%s\"", name, value);
}

static bool take_lock_timeout(struct options *options, const char *value, struct arena *arena,
                              struct error *err)
{
    (void) arena;
    return parse_duration("lock-timeout", value, 1, &options->request.lock_timeout_ms, err);
}

static bool take_retry(struct options *options, const char *value, struct arena *arena,
                       struct error *err)
{
    (void) arena;
    return parse_duration("retry", value, 1000, &options->retry_ms, err);
}

/* What the daemon would refuse, and what could not stand in a header. */
static bool take_idempotency_key(struct options *options, const char *value, struct arena *arena,
                                 struct error *err)
{
    size_t len = strlen(value);
    bool is_fine = len >= 1 && len <= IDEMPOTENCY_KEY_MAX;

    (void) arena;
    for (size_t i = 0; i < len; i++)
        is_fine = is_fine && value[i] > ' ' && value[i] <= '~';
    if (!is_fine)
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "--idempotency-key is 1 to %d visible ASCII characters",
                         IDEMPOTENCY_KEY_MAX);
    options->idempotency_key = value;
    return true;
}

static bool take_only(struct options *options, const char *value, struct arena *arena,
                      struct error *err)
{
    (void) arena;
    options->jobs.has_state = true;
    return job_state_find(value, &options->jobs.state) ||
           error_set(err, ERR_ARGUMENT_INVALID,
                     "--only is \"queued\", \"running\", \"succeeded\", \"failed\", "
                     "\"cancelled\" or \"interrupted\", not \"%s\"",
                     value);
}

static bool take_verb(struct options *options, const char *value, struct arena *arena,
                      struct error *err)
{
    (void) arena;
    options->jobs.has_verb = true;
    return verb_find(value, &options->jobs.verb) ||
           error_set(err, ERR_ARGUMENT_INVALID,
                     "--verb is \"upgrade\", \"downgrade\", \"stamp\" or \"backup\", "
                     "not \"%s\"",
                     value);
}

static bool take_limit(struct options *options, const char *value, struct arena *arena,
                       struct error *err)
{
    uint64_t limit = 0;

    (void) arena;
    if (!str_to_u64(str_of(value), LIMIT_MAX, &limit) || limit == 0)
        return error_set(err, ERR_ARGUMENT_INVALID, "--limit is 1 to %d, not \"%s\"", LIMIT_MAX,
                         value);
    options->jobs.limit = (unsigned) limit;
    return true;
}

static bool take_access(struct options *options, const char *value, struct arena *arena,
                        struct error *err)
{
    (void) arena;
    options->has_access = true;
    return access_find(value, &options->access) ||
           error_set(err, ERR_ARGUMENT_INVALID,
                     "--access is \"read\", \"operate\" or \"destroy\", not \"%s\"", value);
}

/* The only option whose unit depends on the command: taken when that is known. */
static bool take_timeout(struct options *options, struct error *err)
{
    if (options->timeout == NULL)
        return true;
    return options->command == COMMAND_WAIT
               ? parse_duration("timeout", options->timeout, 1000, &options->wait_ms, err)
               : parse_duration("timeout", options->timeout, 1, &options->request.timeout_ms, err);
}

#define FLAG(member) .flag = offsetof(struct options, member)
#define TEXT(member) .text = offsetof(struct options, member)
#define LIST(member) .list = offsetof(struct options, member)

/* Alphabetical. */
static const struct option table[] = {
    { "access", 0, "CLASS", BIT(TOKEN), "what it may: read, operate (the default) or destroy",
      .take = take_access },
    { "allow-loss", 0, NULL, RUN_COMMANDS, "go on when something is lost that no statement names",
      FLAG(allows_loss) },
    { "backup", 0, "WHEN", RUN_COMMANDS, "back up before: always, destructive or never",
      .take = take_backup },
    { "branch-label", 0, "LABEL", BIT(REVISION), "give the branch a name; may be repeated",
      LIST(branch_labels) },
    { "color", 0, "WHEN", ALL_COMMANDS, "auto (on a terminal), always or never",
      .take = take_color },
    { "database", 0, "FILE", ALL_COMMANDS, "work on this database without a daemon",
      TEXT(database) },
    { "depends-on", 0, "REV", BIT(REVISION), "need this revision too; may be repeated",
      LIST(depends_on) },
    { "down", 0, NULL, BIT(PLAN), "plan a downgrade", FLAG(plans_down) },
    { "dry-run", 0, NULL, JOB_COMMANDS, "plan and check, but change nothing",
      FLAG(request.is_dry_run) },
    { "expect", 0, "REV", RUN_COMMANDS, "refuse unless the database is exactly there",
      .take = take_expect },
    { "file", 0, "PATH", BIT(TOKEN), "the daemon's token file", TEXT(file) },
    { "follow", 0, NULL, JOB_COMMANDS | BIT(JOBS), "say every phase and step as it happens",
      FLAG(follows) },
    { "for", 0, "WHAT", BIT(WAIT), "ready (the default), head, or a revision", TEXT(wait_for) },
    { "head", 0, "REV", BIT(REVISION), "continue this revision; \"base\" begins anew", TEXT(head) },
    { "help", 'h', NULL, ALL_COMMANDS, "print this", FLAG(wants_help) },
    { "idempotency-key", 0, "KEY", JOB_COMMANDS, "the same key, the same run (default: random)",
      .take = take_idempotency_key },
    { "indicate-current", 'i', NULL, BIT(HISTORY), "mark where the database is",
      FLAG(shows_current) },
    { "instance", 0, "NAME", ALL_COMMANDS, "ask the daemon of this name (default: content)",
      TEXT(instance) },
    { "json", 0, NULL, ALL_COMMANDS, "print JSON, as the daemon would answer", FLAG(is_json) },
    { "limit", 0, "N", BIT(JOBS) | BIT(DENIALS), "at most so many (default: 50)",
      .take = take_limit },
    { "lock-timeout", 0, "TIME", JOB_COMMANDS, "wait so long for locks",
      .take = take_lock_timeout },
    { "message", 'm', "TEXT", BIT(REVISION), "what the revision does", TEXT(message) },
    { "no-wait", 0, NULL, JOB_COMMANDS, "queue it, print the job and leave", FLAG(is_async) },
    { "only", 0, "STATE", BIT(JOBS), "queued, running, succeeded, failed, cancelled, interrupted",
      .take = take_only },
    { "purge", 0, NULL, BIT(STAMP), "forget all version rows first, unknown ones too",
      FLAG(request.purge) },
    { "quiet", 'q', NULL, ALL_COMMANDS, "print errors only", FLAG(is_quiet) },
    { "range", 'r', "A:B", BIT(HISTORY), "only from A to B; either may be left out", TEXT(range) },
    { "reason", 0, "TEXT", JOB_COMMANDS, "why, for the journal", TEXT(request.reason) },
    { "retry", 0, "TIME", JOB_COMMANDS | BIT(JOBS) | BIT(EVENTS),
      "go on after a lost connection for so long (10s; 0: not)", .take = take_retry },
    { "rev-id", 0, "ID", BIT(REVISION), "its id (default: random)", TEXT(rev_id) },
    { "scripts", 0, "DIR", ALL_COMMANDS, "directory of scripts; may be repeated", LIST(scripts) },
    { "socket", 0, "PATH", ALL_COMMANDS, "ask the daemon on this unix socket", TEXT(socket) },
    { "state", 0, "DIR", ALL_COMMANDS, "journal and backups (default: FILE.schemad)", TEXT(state) },
    { "timeout", 0, "TIME", JOB_COMMANDS | BIT(WAIT), "give up after so long: 500ms, 30s, 5m",
      TEXT(timeout) },
    { "token-file", 0, "FILE", ALL_COMMANDS, "bearer token for --url", TEXT(token_file) },
    { "transaction", 0, "MODE", RUN_COMMANDS,
      "run (all or nothing) or revision (commit after each)", .take = take_transaction },
    { "url", 0, "URL", ALL_COMMANDS, "ask the daemon at http://127.0.0.1:PORT", TEXT(url) },
    { "verb", 0, "VERB", BIT(JOBS), "upgrade, downgrade, stamp or backup", .take = take_verb },
    { "verbose", 'v', NULL, ALL_COMMANDS, "print details", FLAG(is_verbose) },
    { "version", 0, NULL, ALL_COMMANDS, "print the version", FLAG(wants_version) },
    { "wait", 0, NULL, JOB_COMMANDS, "wait for its end (the default)", FLAG(waits) },
};

static_assert(ARRAY_SIZE(table) <= 64, "a set of options is a word of bits");

/* The loop's state. */
struct parser {
    const struct str_list *words;
    size_t next;
    struct options *options;
    struct arena *arena;
    uint64_t seen; /* rows of the table that were given */
    const char *command;
    bool has_ended; /* after "--" */
};

static bool refuse_unknown(struct parser *parser, const char *word, const char *name,
                           struct error *err)
{
    struct str_list known = { 0 };
    struct str_list near = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        str_list_add(&known, parser->arena, table[i].name);
    near = nearest_find(str_of(name), &known, parser->arena);
    error_set(err, ERR_ARGUMENT_INVALID, "unknown option \"%s\"", word);
    return near.count > 0 ? error_hint(err, "Did you mean \"--%s\"?", near.items[0])
                          : error_hint(err, "\"schemadctl --help\" lists the options.");
}

static bool store(struct parser *parser, const struct option *option, const char *value,
                  struct error *err)
{
    char *base = (char *) parser->options;
    uint64_t bit = UINT64_C(1) << (option - table);

    if (option->text != 0) {
        if ((parser->seen & bit) != 0)
            return error_set(err, ERR_ARGUMENT_INVALID, "--%s is given twice", option->name);
        memcpy(base + option->text, &value, sizeof(value));
    } else if (option->list != 0) {
        str_list_add((struct str_list *) (void *) (base + option->list), parser->arena, value);
    } else if (option->flag != 0) {
        *(bool *) (void *) (base + option->flag) = true;
    } else if (!option->take(parser->options, value, parser->arena, err)) {
        return false;
    }
    parser->seen |= bit;
    return true;
}

/* Take an option whose value, if it has one, is glued to it or is the next word. */
static bool take_option(struct parser *parser, const struct option *option, const char *glued,
                        struct error *err)
{
    if (option->value == NULL) {
        if (glued != NULL)
            return error_set(err, ERR_ARGUMENT_INVALID, "--%s takes no value", option->name);
        return store(parser, option, NULL, err);
    }
    if (glued == NULL) {
        if (parser->next == parser->words->count)
            return error_set(err, ERR_ARGUMENT_INVALID, "--%s needs a value (%s)", option->name,
                             option->value);
        glued = parser->words->items[parser->next++];
    }
    return store(parser, option, glued, err);
}

static bool parse_long(struct parser *parser, const char *word, struct error *err)
{
    const char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t) (equals - word) - 2 : strlen(word) - 2;
    const char *name = arena_strndup(parser->arena, word + 2, len);

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(table[i].name, name) == 0)
            return take_option(parser, &table[i], equals != NULL ? equals + 1 : NULL, err);
    }
    return refuse_unknown(parser, word, name, err);
}

/* "-v", "-vi", "-r a:b", "-ra:b". */
static bool parse_letters(struct parser *parser, const char *word, struct error *err)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct option *option = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
            if (table[i].letter == *letter)
                option = &table[i];
        }
        if (option == NULL)
            return refuse_unknown(parser, word, word + 1, err);
        if (option->value != NULL)
            return take_option(parser, option, letter[1] != '\0' ? letter + 1 : NULL, err);
        if (!take_option(parser, option, NULL, err))
            return false;
    }
    return true;
}

static bool parse_word(struct parser *parser, const char *word, struct error *err)
{
    bool is_option = !parser->has_ended && word[0] == '-' && word[1] != '\0' &&
                     !(word[1] >= '0' && word[1] <= '9');

    if (is_option && strcmp(word, "--") == 0) {
        parser->has_ended = true;
        return true;
    }
    if (is_option)
        return word[1] == '-' ? parse_long(parser, word, err) : parse_letters(parser, word, err);
    if (parser->command == NULL) {
        parser->command = word;
        parser->options->has_command = true;
        return command_find(word, &parser->options->command, err);
    }
    str_list_add(&parser->options->operands, parser->arena, word);
    return true;
}

static bool was_given(const struct parser *parser, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(table[i].name, name) == 0)
            return (parser->seen & (UINT64_C(1) << i)) != 0;
    }
    assert(false);
    return false;
}

static bool check_options_belong(const struct parser *parser, struct error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if ((parser->seen & (UINT64_C(1) << i)) == 0 ||
            (table[i].commands & (1u << parser->options->command)) != 0)
            continue;
        error_set(err, ERR_ARGUMENT_INVALID, "\"%s\" does not take --%s", parser->command,
                  table[i].name);
        return error_hint(err, "\"schemadctl %s --help\" lists what it takes.", parser->command);
    }
    return true;
}

static bool check_operands(const struct options *options, struct error *err)
{
    const struct command *command = command_get(options->command);
    size_t count = options->operands.count;

    if (count > command->operand_max)
        error_set(err, ERR_ARGUMENT_INVALID, "\"%s\" does not know what to do with \"%s\"",
                  command->name, options->operands.items[command->operand_max]);
    else if (count < command->operand_min)
        error_set(err, ERR_ARGUMENT_INVALID, "\"%s\" needs %s", command->name, command->operands);
    else
        return true;
    return error_hint(err, "Usage: schemadctl %s%s%s", command->name,
                      command->operands[0] != '\0' ? " " : "", command->operands);
}

static void split_paths(struct str_list *list, const char *paths, struct arena *arena)
{
    struct str rest = str_of(paths);

    while (rest.len > 0) {
        size_t colon = str_find_char(rest, ':', 0);

        if (colon > 0)
            str_list_add(list, arena, arena_strndup(arena, rest.ptr, colon));
        rest = str_sub(rest, colon + 1, rest.len);
    }
}

static bool take_environment(struct options *options, const struct environment *environment,
                             struct error *err)
{
    const char *const ways[] = { environment->database, environment->socket, environment->url };
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
        count += ways[i] != NULL;
    if (count > 1)
        return error_set(
            err, ERR_ARGUMENT_INVALID,
            "more than one of SCHEMAD_DATABASE, SCHEMAD_SOCKET and SCHEMAD_URL is set");
    options->database = environment->database;
    options->socket = environment->socket;
    options->url = environment->url;
    return true;
}

/* Options say where to ask, or else the environment; without both it is the instance's daemon. */
static bool decide_way(struct options *options, const struct environment *environment,
                       struct error *err)
{
    bool has_daemon = options->socket != NULL || options->url != NULL;

    if (options->socket != NULL && options->url != NULL)
        return error_set(err, ERR_ARGUMENT_INVALID, "--socket and --url exclude each other");
    if (has_daemon && options->instance != NULL)
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "--instance is for the daemon's own socket, not for --socket or --url");
    if (has_daemon && (options->database != NULL || options->scripts.count > 0)) {
        error_set(err, ERR_ARGUMENT_INVALID, "%s is for work without a daemon, not for --%s",
                  options->database != NULL ? "--database" : "--scripts",
                  options->socket != NULL ? "socket" : "url");
        return error_hint(err, "A daemon knows its database and its scripts.");
    }
    if (!has_daemon && options->instance == NULL && options->database == NULL &&
        options->scripts.count == 0 && !take_environment(options, environment, err))
        return false;
    if (options->url != NULL && options->token_file == NULL)
        options->token_file = environment->token_file;
    options->is_offline = options->database != NULL || options->scripts.count > 0 ||
                          command_get(options->command)->needs == NEEDS_SCRIPTS_OFFLINE;
    return true;
}

static void fill_paths(struct options *options, const struct environment *environment,
                       struct arena *arena)
{
    const char *instance = options->instance != NULL ? options->instance : "content";

    if (options->is_offline && options->scripts.count == 0 && environment->scripts != NULL)
        split_paths(&options->scripts, environment->scripts, arena);
    if (options->is_offline && options->scripts.count == 0)
        str_list_add(&options->scripts, arena,
                     arena_printf(arena, "%s/%s/versions", SCHEMAD_DATA_DIR, instance));
    if (options->is_offline || options->socket != NULL || options->url != NULL)
        return;
    options->socket =
        environment->runtime_dir != NULL
            ? arena_printf(arena, "%s/schemad/%s.sock", environment->runtime_dir, instance)
            : arena_printf(arena, "%s/%s.sock", SCHEMAD_RUN_DIR, instance);
}

static bool check_needs(const struct options *options, struct error *err)
{
    const struct command *command = command_get(options->command);

    if (options->is_offline && command->needs == NEEDS_DAEMON) {
        error_set(err, ERR_ARGUMENT_INVALID, "\"%s\" needs a daemon", command->name);
        return options->command == COMMAND_CANCEL &&
               error_hint(err, "A run without a daemon is cancelled by interrupting it.");
    }
    if (options->is_offline && command->needs == NEEDS_DATABASE && options->database == NULL)
        return error_set(err, ERR_ARGUMENT_INVALID, "\"%s\" needs --database", command->name);
    if (command->needs == NEEDS_SCRIPTS_OFFLINE &&
        (options->socket != NULL || options->url != NULL))
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "\"%s\" writes into a directory of scripts; name it with --scripts",
                         command->name);
    return true;
}

/* Options that mean something on one way only. */
static bool check_way(const struct parser *parser, struct error *err)
{
    static const char *const for_daemons[] = { "idempotency-key", "no-wait", "retry" };
    const struct options *options = parser->options;

    for (size_t i = 0; options->is_offline && i < ARRAY_SIZE(for_daemons); i++) {
        if (was_given(parser, for_daemons[i]))
            return error_set(err, ERR_ARGUMENT_INVALID, "--%s needs a daemon", for_daemons[i]);
    }
    if (options->is_offline && options->follows && options->command == COMMAND_JOBS)
        return error_set(err, ERR_ARGUMENT_INVALID, "jobs --follow needs a daemon");
    if (!options->is_offline && options->allows_loss) {
        error_set(err, ERR_ARGUMENT_INVALID, "--allow-loss is for --database");
        return error_hint(err, "A daemon is told by its configuration: [run] loss = allow.");
    }
    if (options->url == NULL && options->token_file != NULL)
        return error_set(err, ERR_ARGUMENT_INVALID, "--token-file is for --url");
    if (!options->is_offline && options->state != NULL) {
        error_set(err, ERR_ARGUMENT_INVALID, "--state is for --database");
        return options->command == COMMAND_JOBS &&
               error_hint(err, "\"jobs --only STATE\" lists the jobs in one state.");
    }
    return true;
}

static bool check_together(const struct options *options, struct error *err)
{
    if (options->is_quiet && (options->is_verbose || options->is_json || options->follows))
        return error_set(err, ERR_ARGUMENT_INVALID, "--quiet and --%s exclude each other",
                         options->is_verbose ? "verbose"
                         : options->is_json  ? "json"
                                             : "follow");
    if (options->is_async && (options->waits || options->follows))
        return error_set(err, ERR_ARGUMENT_INVALID, "--no-wait and --%s exclude each other",
                         options->waits ? "wait" : "follow");
    if (options->command == COMMAND_JOBS && options->follows && options->operands.count == 0) {
        error_set(err, ERR_ARGUMENT_INVALID, "jobs --follow needs the ID of a job");
        return error_hint(err, "\"schemadctl events\" follows all of them.");
    }
    return true;
}

static bool check_command(const struct parser *parser, struct error *err)
{
    if (parser->command != NULL)
        return true;
    error_set(err, ERR_ARGUMENT_INVALID, "a command is missing");
    return error_hint(err, "\"schemadctl --help\" lists the commands.");
}

bool options_parse(const struct str_list *words, const struct environment *environment,
                   struct arena *arena, struct options *ret, struct error *err)
{
    struct parser parser = { .words = words, .options = ret, .arena = arena };

    *ret = (struct options){
        .command = COMMAND_COUNT,
        .retry_ms = RETRY_USUAL_MS,
        .jobs = { .limit = LIMIT_USUAL },
        .access = ACCESS_OPERATE,
        .wait_for = "ready",
    };
    while (parser.next < words->count) {
        if (!parse_word(&parser, words->items[parser.next++], err))
            return false;
    }
    if (ret->wants_help || ret->wants_version)
        return true;
    if (!check_command(&parser, err) || !check_options_belong(&parser, err) ||
        !check_operands(ret, err) || !take_timeout(ret, err) || !decide_way(ret, environment, err))
        return false;
    fill_paths(ret, environment, arena);
    if (ret->color == COLOR_AUTO && environment->no_color != NULL)
        ret->color = COLOR_NEVER;
    str_list_sort(&ret->request.expect);
    return check_needs(ret, err) && check_way(&parser, err) && check_together(ret, err);
}

const struct option_help *options_help(const enum command_id *command, struct arena *arena,
                                       size_t *ret_count)
{
    struct option_help *rows = arena_array(arena, struct option_help, ARRAY_SIZE(table));

    *ret_count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        bool is_global = table[i].commands == ALL_COMMANDS;
        bool is_asked =
            command == NULL ? is_global : !is_global && (table[i].commands & (1u << *command)) != 0;

        if (!is_asked)
            continue;
        rows[*ret_count].spelling =
            arena_printf(arena, "%c%c%s--%s%s%s", table[i].letter != 0 ? '-' : ' ',
                         table[i].letter != 0 ? table[i].letter : ' ',
                         table[i].letter != 0 ? ", " : "  ", table[i].name,
                         table[i].value != NULL ? " " : "",
                         table[i].value != NULL ? table[i].value : "");
        rows[(*ret_count)++].text = table[i].help;
    }
    return rows;
}
