/*
 * usage.h - the help texts, made from the tables of commands and options.
 */
#pragma once

#include "base/str.h"
#include "cli/command.h"

/* Everything in short: written for `schemadctl --help`. */
void usage_format(struct arena *arena, struct strbuf *buffer);

/* One command with its own options: written for `schemadctl COMMAND --help`. */
void usage_format_command(enum command_id id, struct arena *arena, struct strbuf *buffer);
