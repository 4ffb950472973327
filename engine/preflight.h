/*
 * preflight.h - step 3 of a run: what can be known to go wrong before anything is touched.
 *
 * Looks by stat, statvfs, /proc/locks and /proc/PID only; never opens the database file itself.
 */
#pragma once

#include "engine/settings.h"
#include "migrations/plan.h"
#include "store/db.h"

/*
 * Check that a plan can be run. Refuses only what is certain to fail: a run that fails later is
 * rolled back, but one that is refused wrongly cannot be made at all.
 *
 * plan    NULL for a backup alone.
 * facts   of the database, read before; NULL when it does not exist yet.
 * Fails   ERR_SPACE_SHORT (how much, where, needed for what), ERR_DATABASE_UNUSABLE (not writable,
 *         second hard link). ERR_NOT_EMPTY is the runner's.
 */
must_check bool preflight_check(const struct engine_settings *settings, const struct plan *plan,
                                bool will_back_up, const struct db_facts *facts, struct error *err);

/*
 * Who else holds locks on the database, for an error's hint: "pid 4711 (python3), pid 4712
 * (sqlite3)"; in the arena; "" when nobody can be seen.
 */
const char *preflight_lock_holders(const char *database, struct arena *arena);
