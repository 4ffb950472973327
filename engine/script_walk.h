/*
 * script_walk.h - which files of a directory are scripts.
 *
 * Internal to engine/: loading and the fingerprint must see the same files.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"

/*
 * The paths of all *.sql files under `directory`, sorted, appended to ret; in the arena.
 *
 * Whether each is a readable regular file is for whoever reads it: names are looked at here, and
 * where symbolic links lead.
 * Fails ERR_SCRIPT_UNREADABLE, with the path as the error's file.
 */
must_check bool script_walk(const char *directory, struct arena *arena, struct str_list *ret,
                            struct error *err);
