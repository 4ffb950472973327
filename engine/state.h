/*
 * state.h - what stands in the state directory: the journal.
 *
 * Internal to engine/.
 */
#pragma once

#include "engine/settings.h"
#include "store/journal.h"

/* Whether there is a journal yet; reading must not make one. */
bool state_has_journal(const struct engine_settings *settings);

/*
 * Open the journal, making it and its directory when missing. What root makes belongs to the
 * database's owner, so that the daemon can go on with what `sudo schemadctl` began.
 * Fails ERR_JOURNAL.
 */
must_check bool state_journal_open(const struct engine_settings *settings,
                                   struct journal **ret_journal, struct error *err);

/* The prefix of backup names: the database's file name without its extension; in the arena. */
const char *state_backup_prefix(const struct engine_settings *settings, struct arena *arena);
