/*
 * reach.h - how far the statements of a run can reach beyond the tables they name. Internal to
 * store/.
 *
 * Checking foreign keys and counting rows reads whole tables. As long as nothing can reach further,
 * only the named tables (and those that refer to them) need a look, and a run of a thousand
 * revisions does not read everything a thousand times.
 */
#pragma once

#include "store/announcement.h"
#include "store/sqlite.h"

/*
 * Whether rows can change in tables that no statement names: through a trigger, an enforced foreign
 * key, or a constraint that says ON CONFLICT REPLACE. Fails as db_error.
 */
must_check bool reach_is_everywhere(struct db *db, const struct announcement *announcement,
                                    bool *ret, struct error *err);
