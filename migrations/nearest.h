/*
 * nearest.h - how far two short texts are from each other: for "did you mean".
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stddef.h>

/*
 * Insertions, deletions, replacements and swaps of neighbours that turn one text into the other,
 * upper and lower case (ASCII) being the same. Texts of more than 64 bytes are infinitely far
 * (SIZE_MAX) from everything.
 */
size_t nearest_distance(struct str a, struct str b);

/*
 * The candidates that `text` may be a slip for: those at the least distance, at most three, in the
 * order given. None when that is too far to be one (more than a third of the text's length, and at
 * least 2). In the arena.
 */
struct str_list nearest_find(struct str text, const struct str_list *candidates,
                             struct arena *arena);
