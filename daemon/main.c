/*
 * main.c - schemad: options, configuration, and the life that follows.
 */
#include "daemon/config.h"
#include "daemon/lifecycle.h"
#include "daemon/log.h"
#include "daemon/notify.h"

#include <config.h> /* the build's; in quotes it would be this folder's */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <syslog.h>

static int fail(const struct error *err)
{
    char text[1024];

    error_format(err, text, sizeof(text));
    log_print(LOG_ERR, "%s%s%s", text, err->hint[0] != '\0' ? "; hint: " : "", err->hint);
    notify_status(text);
    notify_flush();
    /* Before there is a daemon, every file is one that the configuration names. */
    return err->code == ERR_IO ? EX_CONFIG : lifecycle_exit_status(err);
}

static int run(const struct options *options)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct error err = { .code = ERR_OK };
    struct config config;

    log_open(options->instance);
    if (!config_read(options, &arena, &config, &err))
        return fail(&err);
    return lifecycle_run(&config);
}

int main(int argc, char **argv)
{
    struct error err = { .code = ERR_OK };
    struct options options;

    if (!options_parse(argc, argv, &options, &err))
        return fail(&err);
    switch (options.action) {
    case OPTIONS_HELP:
        (void) fputs(options_help(), stdout);
        break;
    case OPTIONS_VERSION:
        (void) puts("schemad " SCHEMAD_VERSION);
        break;
    case OPTIONS_RUN:
        return run(&options);
    }
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
