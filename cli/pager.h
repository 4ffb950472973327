/*
 * pager.h - long answers on a terminal, a page at a time.
 */
#pragma once

#include "cli/child.h"
#include "cli/options.h"

/* Whether an answer goes through the pager: one that can be long, on a terminal. */
bool pager_is_wanted(const struct options *options, FILE *out);

/*
 * Begin the pager: $SCHEMAD_PAGER, $PAGER, or less(1) if there is one. A person who leaves it early
 * has seen enough: from here on a broken pipe is an error of a write, and no signal.
 *
 * ret  its `in` takes what is printed; NULL when it could not be begun: then `out` itself does.
 */
void pager_open(const struct environment *environment, struct child_reader *ret);
