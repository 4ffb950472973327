/*
 * kept_script.h - scripts as the journal kept them when they were applied: for revisions whose file
 * is gone.
 */
#pragma once

#include "engine/settings.h"

/*
 * The text of a revision as it was last applied or stamped by a run.
 *
 * revision  the whole id.
 * ret_path  where the file was then, ret_text all of it; in the arena.
 * Fails     ERR_REVISION_UNKNOWN (the journal kept none, or there is no journal), ERR_JOURNAL.
 */
must_check bool engine_script_text(const struct engine_settings *settings, const char *revision,
                                   struct arena *arena, const char **ret_path,
                                   const char **ret_text, struct error *err);

/*
 * The hint of an ERR_DATABASE_REVISION_UNKNOWN says instead who applied the revision and how its
 * script comes back, when the journal knows; other errors are left alone. What goes wrong with the
 * journal on the way is passed over.
 */
void kept_script_explain(const struct engine_settings *settings, struct error *err);
