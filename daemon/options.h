/*
 * options.h - the command line of schemad. What it sets also stands in the configuration file, and
 * overrides it.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

#define OPTIONS_SETTINGS_MAX 64

enum options_action {
    OPTIONS_RUN,
    OPTIONS_HELP,    /* print options_help() and end */
    OPTIONS_VERSION, /* print the version and end */
};

/* "--tcp 127.0.0.1:8420" as what it sets: [http] tcp. Points into argv. */
struct option_setting {
    const char *option; /* "--tcp" */
    const char *section;
    const char *key;
    const char *value;
};

/* Plain value; points into argv. */
struct options {
    enum options_action action;
    const char *instance;    /* default "content" */
    const char *config_file; /* NULL: the default one, if it is there */
    struct option_setting settings[OPTIONS_SETTINGS_MAX];
    size_t setting_count;
};

/*
 * Read argv; argv[0] is the program.
 *
 * Main thread only (getopt's state is global). Fails ERR_ARGUMENT_INVALID, hint with the nearest
 * option.
 */
must_check bool options_parse(int argc, char **argv, struct options *ret, struct error *err);

/* The text of --help; static. */
const char *options_help(void);
