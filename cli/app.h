/*
 * app.h - schemadctl from its words to its exit code: parse, choose the transport, run the command,
 * say what went wrong.
 */
#pragma once

#include "cli/options.h"

#include <stdio.h>

/* words: without the program's name. Returns the exit code. Main thread. */
int app_run(const struct str_list *words, const struct environment *environment, FILE *out,
            FILE *err);
