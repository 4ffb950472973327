/*
 * check.h - what is amiss with scripts and database together, for CI and for people.
 */
#pragma once

#include "base/findings.h"
#include "engine/settings.h"
#include "migrations/current.h"

/*
 * Hold a database against its scripts and its journal. Findings, the worst first:
 *
 * ERR_DATABASE_REVISION_UNKNOWN  a version row that no script declares, one a row
 * ERR_VERSION_ROWS_OVERLAP       a version row that another one implies
 * ERR_REVISION_UNKNOWN           applied, by the journal's word, and no script declares it any more
 * ERR_SCRIPT_CHANGED             applied, and its script has another text since
 * ERR_HEADS_MULTIPLE             the scripts have several heads
 * ERR_NOT_READY                  the database is behind its scripts
 *
 * graph, current  of one moment. A missing database is one without rows.
 * ret             in the arena; no items when nothing is amiss. Each has its hint.
 * Fails           ERR_JOURNAL.
 */
must_check bool engine_check(const struct engine_settings *settings, const struct graph *graph,
                             const struct current *current, struct arena *arena,
                             struct findings *ret, struct error *err);

/*
 * Whether a script is what was applied.
 *
 * applied  SHA-256 in hex.
 * rows     where the database is, for the hint.
 * Fails    ERR_SCRIPT_CHANGED.
 */
must_check bool script_check(const struct script *script, const char *applied,
                             const version_rows *rows, struct error *err);
