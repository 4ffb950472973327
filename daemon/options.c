/*
 * options.c - one table of options, and getopt_long over it.
 */
#include "daemon/options.h"

#include "base/str.h"
#include "migrations/nearest.h"

#include <getopt.h>
#include <string.h>

/* getopt's values above every character. */
enum {
    OPTION_CONFIG = 256,
    OPTION_HELP,
    OPTION_INSTANCE,
    OPTION_VERSION,
    OPTION_SETTING, /* and up: index into settable */
};

/* Options that override a key of the configuration file. */
static const struct option_setting settable[] = {
    { "--database", "database", "path", NULL },
    { "--on-failure", "startup", "on_failure", NULL },
    { "--scripts", "database", "scripts", NULL },
    { "--socket", "http", "socket", NULL },
    { "--state", "database", "state_directory", NULL },
    { "--tcp", "http", "tcp", NULL },
    { "--token-file", "http", "token_file", NULL },
    { "--upgrade-to", "startup", "upgrade_to", NULL },
};

static const struct option long_options[] = {
    { "config", required_argument, NULL, OPTION_CONFIG },
    { "database", required_argument, NULL, OPTION_SETTING + 0 },
    { "help", no_argument, NULL, OPTION_HELP },
    { "instance", required_argument, NULL, OPTION_INSTANCE },
    { "on-failure", required_argument, NULL, OPTION_SETTING + 1 },
    { "scripts", required_argument, NULL, OPTION_SETTING + 2 },
    { "socket", required_argument, NULL, OPTION_SETTING + 3 },
    { "state", required_argument, NULL, OPTION_SETTING + 4 },
    { "tcp", required_argument, NULL, OPTION_SETTING + 5 },
    { "token-file", required_argument, NULL, OPTION_SETTING + 6 },
    { "upgrade-to", required_argument, NULL, OPTION_SETTING + 7 },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};

const char *options_help(void)
{
    return "usage: schemad [OPTION]...\n"
           "Own the schema of a SQLite database: bring it to its head, and change it on request.\n"
           "\n"
           "  --instance NAME       name from which defaults are made (default: content)\n"
           "  --config FILE         configuration (default: /etc/schemad/NAME.conf, if it is "
           "there)\n"
           "  --database FILE       the database; created by the first upgrade\n"
           "  --scripts DIR         directory of scripts; may be given several times\n"
           "  --state DIR           where journal and backups are kept\n"
           "  --socket PATH         unix socket to listen on\n"
           "  --tcp HOST:PORT       listen on a loopback address as well\n"
           "  --token-file FILE     tokens that TCP asks for\n"
           "  --upgrade-to TARGET   head, none or a target to bring the schema to at start\n"
           "  --on-failure WHAT     when that fails: exit or hold\n"
           "  --help, --version     print this or the version, and exit\n"
           "\n"
           "See schemad(8) and schemad.conf(5).\n";
}

static bool fail_unknown(const char *word, struct error *err)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct str_list known = { 0 };
    struct str_list nearest;

    for (const struct option *option = long_options; option->name != NULL; option++)
        str_list_add(&known, &arena, arena_printf(&arena, "--%s", option->name));
    nearest = nearest_find(str_of(word), &known, &arena);
    (void) error_set(err, ERR_ARGUMENT_INVALID, "unknown option '%s'", word);
    if (nearest.count > 0)
        return error_hint(err, "Did you mean %s?", nearest.items[0]);
    return error_hint(err, "Options are listed by schemad --help.");
}

static bool add_setting(struct options *options, size_t index, const char *value, struct error *err)
{
    struct option_setting *setting = &options->settings[options->setting_count];

    if (options->setting_count == OPTIONS_SETTINGS_MAX)
        return error_set(err, ERR_ARGUMENT_INVALID, "more than %d options", OPTIONS_SETTINGS_MAX);
    *setting = settable[index];
    setting->value = value;
    options->setting_count++;
    return true;
}

static bool apply(struct options *options, int found, char **argv, struct error *err)
{
    switch (found) {
    case OPTION_HELP:
        options->action = OPTIONS_HELP;
        return true;
    case OPTION_VERSION:
        options->action = OPTIONS_VERSION;
        return true;
    case OPTION_CONFIG:
        options->config_file = optarg;
        return true;
    case OPTION_INSTANCE:
        options->instance = optarg;
        return true;
    case ':':
        return error_set(err, ERR_ARGUMENT_INVALID, "option '%s' needs a value", argv[optind - 1]);
    case '?':
        return fail_unknown(argv[optind - 1], err);
    default:
        return add_setting(options, (size_t) (found - OPTION_SETTING), optarg, err);
    }
}

bool options_parse(int argc, char **argv, struct options *ret, struct error *err)
{
    int found;

    *ret = (struct options){ .action = OPTIONS_RUN, .instance = "content" };
    opterr = 0;
    optind = 0; /* GNU: begin anew, for tests that parse several times */
    while ((found = getopt_long(argc, argv, "+:", long_options, NULL)) != -1)
        if (!apply(ret, found, argv, err))
            return false;
    if (optind < argc)
        return error_set(err, ERR_ARGUMENT_INVALID, "unexpected argument '%s'", argv[optind]);
    return true;
}
