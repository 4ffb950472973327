/*
 * accept.h - the range of revisions an application says it runs on: "FROM..TO".
 *
 * Either side may be empty: "FROM.." takes everything from FROM on that the scripts know, "..TO"
 * everything up to TO, base included. Pure; any thread.
 */
#pragma once

#include "migrations/graph.h"
#include "migrations/target.h"

struct accept_range {
    const char *from; /* a revision as target_revisions takes it; NULL: from base */
    const char *to;   /* NULL: no end */
};

/*
 * Take "FROM..TO" apart; texts in the arena.
 *
 * Fails ERR_ARGUMENT_INVALID: no "..", more than one, or nothing on either side.
 */
must_check bool accept_parse(const char *text, struct arena *arena, struct accept_range *ret,
                             struct error *err);

/*
 * Whether a database with these version rows is inside the range: FROM is applied (it is one of the
 * rows or below one), and every row is TO or below it. A row that the graph does not know is inside
 * no range; no row at all is base.
 *
 * Fails as target_revisions, ERR_REVISION_AMBIGUOUS too when a side names several revisions.
 */
must_check bool accept_check(const struct graph *graph, const version_rows *rows,
                             const struct accept_range *range, bool *ret_inside, struct error *err);
