/*
 * options.c - the loop over the words, and what they come to.
 *
 * getopt_long(3) is not used: it takes `downgrade -1` for an option, cannot say which command an
 * option belongs to, and does not know what a mistyped one was meant to be.
 */
#include "cli/options.h"

#include "cli/options_table.h"
#include "config.h"
#include "migrations/nearest.h"

#include <assert.h>

#define LIMIT_USUAL    50
#define RETRY_USUAL_MS 10000

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

static const struct option *option_find(const char *name)
{
    for (const struct option *option = option_table; option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0)
            return option;
    }
    return NULL;
}

static bool refuse_unknown(struct parser *parser, const char *word, const char *name,
                           struct error *err)
{
    struct str_list known = { 0 };
    struct str_list near = { 0 };

    for (const struct option *option = option_table; option->name != NULL; option++)
        str_list_add(&known, parser->arena, option->name);
    near = nearest_find(str_of(name), &known, parser->arena);
    error_set(err, ERR_ARGUMENT_INVALID, "unknown option \"%s\"", word);
    return near.count > 0 ? error_hint(err, "Did you mean \"--%s\"?", near.items[0])
                          : error_hint(err, "\"schemadctl --help\" lists the options.");
}

static bool store(struct parser *parser, const struct option *option, const char *value,
                  struct error *err)
{
    char *base = (char *) parser->options;
    uint64_t bit = UINT64_C(1) << (option - option_table);

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

    const struct option *option = option_find(name);

    return option != NULL ? take_option(parser, option, equals != NULL ? equals + 1 : NULL, err)
                          : refuse_unknown(parser, word, name, err);
}

/* "-v", "-vi", "-r a:b", "-ra:b". */
static bool parse_letters(struct parser *parser, const char *word, struct error *err)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct option *option = NULL;

        for (const struct option *row = option_table; row->name != NULL; row++) {
            if (row->letter == *letter)
                option = row;
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

static bool was_seen(const struct parser *parser, const struct option *option)
{
    return (parser->seen & (UINT64_C(1) << (option - option_table))) != 0;
}

static bool was_given(const struct parser *parser, const char *name)
{
    const struct option *option = option_find(name);

    assert(option != NULL);
    return was_seen(parser, option);
}

static bool check_options_belong(const struct parser *parser, struct error *err)
{
    for (const struct option *option = option_table; option->name != NULL; option++) {
        if (!was_seen(parser, option) || (option->commands & (1u << parser->options->command)) != 0)
            continue;
        error_set(err, ERR_ARGUMENT_INVALID, "\"%s\" does not take --%s", parser->command,
                  option->name);
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
    enum command_needs needs = command_get(options->command)->needs;

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
        options->scripts.count == 0 && needs != NEEDS_DIRECTORY &&
        !take_environment(options, environment, err))
        return false;
    has_daemon = options->socket != NULL || options->url != NULL || options->instance != NULL;
    if (options->url != NULL && options->token_file == NULL)
        options->token_file = environment->token_file;
    options->is_offline = options->database != NULL || options->scripts.count > 0 ||
                          needs == NEEDS_DIRECTORY || (needs == NEEDS_WRITING && !has_daemon);
    return true;
}

static void fill_paths(struct options *options, const struct environment *environment,
                       struct arena *arena)
{
    const char *instance = options->instance != NULL ? options->instance : "content";

    if (options->is_offline && options->scripts.count == 0 && environment->scripts != NULL)
        split_paths(&options->scripts, environment->scripts, arena);
    if (options->command == COMMAND_INIT && options->scripts.count == 0)
        str_list_add(&options->scripts, arena, "migrations/versions");
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
    if (options->is_offline && command->needs == NEEDS_DATABASE && options->database == NULL &&
        !options->prints_sql)
        return error_set(err, ERR_ARGUMENT_INVALID, "\"%s\" needs --database", command->name);
    if (command->needs == NEEDS_DIRECTORY && (options->socket != NULL || options->url != NULL))
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "\"%s\" works on a directory of scripts; name it with --scripts",
                         command->name);
    return true;
}

/* A daemon has a style of its own for what it writes, and takes no SQL. */
static bool check_writing(const struct parser *parser, struct error *err)
{
    static const char *const for_scripts[] = { "file-template", "slug-length", "sql-file",
                                               "timezone" };

    for (size_t i = 0; !parser->options->is_offline && i < ARRAY_SIZE(for_scripts); i++) {
        if (!was_given(parser, for_scripts[i]))
            continue;
        error_set(err, ERR_ARGUMENT_INVALID, "--%s is for --scripts", for_scripts[i]);
        return error_hint(err, strcmp(for_scripts[i], "sql-file") == 0
                                   ? "A daemon takes no SQL: whoever may write its scripts puts "
                                     "it there."
                                   : "A daemon is told by its configuration, section [scripts].");
    }
    return true;
}

/* Nothing is run, so nothing can be said of a run but how it is cut into transactions. */
static bool check_sql(const struct parser *parser, struct error *err)
{
    for (const struct option *option = option_table; option->name != NULL; option++) {
        bool is_fine = option->commands == ALL_COMMANDS || strcmp(option->name, "sql") == 0 ||
                       strcmp(option->name, "transaction") == 0;

        if (parser->options->prints_sql && was_seen(parser, option) && !is_fine)
            return error_set(err, ERR_ARGUMENT_INVALID, "--sql and --%s exclude each other",
                             option->name);
    }
    if (parser->options->prints_sql && parser->options->operands.count > 1)
        return error_set(err, ERR_ARGUMENT_INVALID, "--sql takes one target");
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

/* The only option whose unit depends on the command: taken when that is known. */
static bool take_timeout(struct options *options, struct error *err)
{
    if (options->timeout == NULL)
        return true;
    return options->command == COMMAND_WAIT
               ? option_duration("timeout", options->timeout, 1000, &options->wait_ms, err)
               : option_duration("timeout", options->timeout, 1, &options->request.timeout_ms, err);
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
    return check_needs(ret, err) && check_way(&parser, err) && check_writing(&parser, err) &&
           check_sql(&parser, err) && check_together(ret, err);
}

const struct option_help *options_help(const enum command_id *command, struct arena *arena,
                                       size_t *ret_count)
{
    struct option_help *rows = arena_array(arena, struct option_help, OPTION_COUNT_MAX);

    *ret_count = 0;
    for (const struct option *option = option_table; option->name != NULL; option++) {
        bool is_global = option->commands == ALL_COMMANDS;
        bool is_asked =
            command == NULL ? is_global : !is_global && (option->commands & (1u << *command)) != 0;

        if (!is_asked)
            continue;
        rows[(*ret_count)++] = (struct option_help){
            .name = option->name,
            .letter = option->letter,
            .value = option->value,
            .spelling = arena_printf(arena, "%c%c%s--%s%s%s", option->letter != 0 ? '-' : ' ',
                                     option->letter != 0 ? option->letter : ' ',
                                     option->letter != 0 ? ", " : "  ", option->name,
                                     option->value != NULL ? " " : "",
                                     option->value != NULL ? option->value : ""),
            .text = option->help,
        };
    }
    return rows;
}
