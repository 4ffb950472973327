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
 * The candidates that `text` may be a slip for: at most three, nearest first, in the order given
 * when equal. None when all are too far to be one (more than a third of the text's length, and at
 * least 2).
 */
struct str_list nearest_find(struct str text, const struct str_list *candidates,
                             struct arena *arena);
