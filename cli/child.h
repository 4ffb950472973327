/*
 * child.h - programs of the user's choice: the editor, the pager. Their names are commands of the
 * shell ("code --wait"), as everywhere.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#include <stdio.h>
#include <sys/types.h>

/*
 * Run `command` with words behind it, on this terminal, and wait for its end. The keyboard's
 * signals are the program's meanwhile.
 *
 * ret_status  its exit status; 128 and the signal's number when one ended it.
 * Fails       ERR_IO: it could not be begun.
 */
must_check bool child_run(const char *command, const struct str_list *words, struct arena *arena,
                          int *ret_status, struct error *err);

/* A program that reads what is written to `in`. */
struct child_reader {
    FILE *in; /* NULL: none */
    pid_t pid;
};

/* Begin one; its output is ours. Fails ERR_IO. */
must_check bool child_reader_open(const char *command, struct child_reader *ret, struct error *err);

/* Tell it that this is all, and wait for its end. One that is not open is fine. */
void child_reader_close(struct child_reader *reader);
