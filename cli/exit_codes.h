/*
 * exit_codes.h - what schemadctl's exit status says, for scripts that decide by it.
 *
 * Public, like the error slugs: a number never changes its meaning. schemadctl(1) lists which error
 * gives which.
 */
#pragma once

#include "base/error.h"

enum exit_code {
    EXIT_CODE_DONE = 0,        /* done; nothing to do counts */
    EXIT_CODE_FAILED = 1,      /* it was tried and failed */
    EXIT_CODE_USAGE = 2,       /* the command line is wrong */
    EXIT_CODE_TRY_AGAIN = 3,   /* locked, busy, not ready: the same command may succeed later */
    EXIT_CODE_ELSEWHERE = 4,   /* the database is not where it was expected */
    EXIT_CODE_TARGET = 5,      /* what was named is unknown, ambiguous or cannot be reached */
    EXIT_CODE_SCRIPTS = 6,     /* the scripts are wrong */
    EXIT_CODE_DATABASE = 7,    /* the database is wrong */
    EXIT_CODE_NOT_ALLOWED = 8, /* the daemon does not let us */
    EXIT_CODE_UNREACHABLE = 9, /* there is no daemon */
    EXIT_CODE_CANCELLED = 10,  /* cancelled or cut off: rolled back */
};

/* The exit code of an error; EXIT_CODE_DONE for ERR_OK only. */
enum exit_code exit_code_of(enum error_code code);
