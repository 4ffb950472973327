/*
 * nearest.c - Damerau's distance (optimal string alignment) in three rows of a table.
 */
#include "migrations/nearest.h"

#include <string.h>

#define LEN_MAX       64
#define FOUND_MAX     3
#define DISTANCE_MIN  2
#define LEN_PER_ERROR 3

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t nearest_distance(struct str a, struct str b)
{
    size_t rows[3][LEN_MAX + 1];
    size_t *before = rows[0];
    size_t *above = rows[1];
    size_t *row = rows[2];

    if (a.len > LEN_MAX || b.len > LEN_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        before[j] = above[j] = row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *spare = before;

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = lower(a.ptr[i - 1]);
            char y = lower(b.ptr[j - 1]);

            row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.ptr[j - 2]) && lower(a.ptr[i - 2]) == y)
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[b.len];
}

struct str_list nearest_find(struct str text, const struct str_list *candidates,
                             struct arena *arena)
{
    size_t limit =
        text.len / LEN_PER_ERROR > DISTANCE_MIN ? text.len / LEN_PER_ERROR : DISTANCE_MIN;
    struct str_list found = { 0 };

    for (size_t distance = 0; distance <= limit && found.count == 0; distance++) {
        for (size_t i = 0; i < candidates->count && found.count < FOUND_MAX; i++) {
            if (nearest_distance(text, str_of(candidates->items[i])) == distance)
                str_list_add(&found, arena, candidates->items[i]);
        }
    }
    return found;
}
