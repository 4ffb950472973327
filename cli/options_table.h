/*
 * options_table.h - the options as a table. Internal to options.c.
 */
#pragma once

#include "cli/options.h"

#define ALL_COMMANDS     ((1u << COMMAND_COUNT) - 1)
#define OPTION_COUNT_MAX 64 /* a set of options is a word of bits */

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

/* Alphabetical; at most OPTION_COUNT_MAX rows, and one behind them without a name. */
extern const struct option option_table[];

/* The value of --name as milliseconds; unit_ms is that of a bare number. Fails
 * ERR_ARGUMENT_INVALID. */
must_check bool option_duration(const char *name, const char *value, uint32_t unit_ms,
                                uint32_t *ret_ms, struct error *err);
