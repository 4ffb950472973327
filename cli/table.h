/*
 * table.h - rows of cells in columns that are as wide as they need to be.
 *
 * Pure. Memory: the caller's arena. Widths count code points, not bytes.
 */
#pragma once

#include "base/str.h"

struct table {
    size_t columns;
    struct str_list cells; /* row by row */
};

/* The next cell; its text must outlive the table. */
void table_add(struct table *table, struct arena *arena, const char *text);

/* Rows as lines, two spaces between columns, nothing behind the last; in the arena. */
const char *table_format(const struct table *table, struct arena *arena);
