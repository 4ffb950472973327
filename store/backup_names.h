/*
 * backup_names.h - what backup files are called, and what their names tell. Internal to store/.
 * Pure.
 *
 * `<prefix>-<UTC time>-<revisions>[-<n>].db`: "content-20261120T150304Z-c7f8a9b0d1e2.db". Revisions
 * are joined by '+'; "base" stands for none, "several" or "unknown" for what does not fit into a
 * name. A number from 2 on tells backups of one second apart. A copy that is not finished and
 * verified is called `.<name>.partial`.
 */
#pragma once

#include "migrations/run.h"

/* The name for a backup made at `wall_us`; number 1 is left out. In the arena. */
const char *backup_name_format(const char *prefix, int64_t wall_us, const version_rows *rows,
                               unsigned number, struct arena *arena);

/*
 * What a name tells; false when it is not the name of a finished backup of `prefix`. Fills name,
 * created_us and rows; *ret_number for sorting.
 */
must_check bool backup_name_parse(const char *name, const char *prefix, struct arena *arena,
                                  struct backup_info *ret, unsigned *ret_number);

/* The name while it is being made, in the arena. */
const char *backup_partial_name(const char *name, struct arena *arena);

/*
 * Whether a file is what a killed backup of `prefix` left: the copy, or SQLite's files beside it.
 */
bool backup_name_is_leftover(const char *name, const char *prefix);
