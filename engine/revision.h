/*
 * revision.h - writing a new revision script.
 */
#pragma once

#include "engine/settings.h"
#include "migrations/revision_request.h"

/* An id that nothing has, as revision_create makes it when none is asked for; in the arena. */
const char *revision_id_new(struct arena *arena);

/*
 * Write a script, mode 0664 less the umask. It is parsed and put into the graph first: what would
 * not be understood afterwards is told now, and nothing is written.
 *
 * ret_path  of the new file, in the arena.
 * Fails     ERR_HEADS_MULTIPLE, ERR_TARGET_INVALID (what it continues is no head),
 *           ERR_REVISION_UNKNOWN, ERR_REVISION_DUPLICATE, ERR_LABEL_DUPLICATE, ERR_ARGUMENT_INVALID
 *           (id, label, directory), ERR_CONFIG_INVALID (file name template), ERR_SCRIPT_INVALID
 *           (sql), ERR_IO, and script_directory_load's.
 */
must_check bool revision_create(const struct engine_settings *settings,
                                const struct revision_request *request, struct arena *arena,
                                const char **ret_path, struct error *err);

/*
 * Write a script that merges revisions.
 *
 * revisions  names as target_revisions takes them; "heads" alone is the usual one.
 * request    as for revision_create; head is not looked at.
 * Fails      as revision_create; ERR_TARGET_INVALID too when there are fewer than two revisions,
 *            when one is named twice, or when one is an ancestor of another.
 */
must_check bool merge_create(const struct engine_settings *settings,
                             const struct str_list *revisions,
                             const struct revision_request *request, struct arena *arena,
                             const char **ret_path, struct error *err);
