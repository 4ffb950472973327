/*
 * rename.h - giving a finished file its name. Internal to store/.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>

/*
 * Rename `from` to `to`, which must not exist; false with errno (EEXIST when it does). Both stand
 * in one directory, which the caller syncs.
 */
must_check bool rename_new(const char *from, const char *to);
