/*
 * index_shape.h - what an index is for, so that one can be seen to take over another's work.
 * Internal to store/.
 */
#pragma once

#include "base/str.h"
#include "store/sqlite.h"

struct index_shape {
    struct str_list columns; /* in order; expressions are left out */
    bool has_expression;
    bool is_unique;
    bool is_partial;
};

/* Read the shape of an index of `table`; columns in the arena. Fails as db_error. */
must_check bool index_shape_read(struct db *db, const char *table, const char *index,
                                 struct arena *arena, struct index_shape *ret, struct error *err);

/*
 * Whether a table needs no index of this shape any more: a column of it is gone, or another index
 * (or the primary key's) begins with the same columns and is as unique. Fails as db_error.
 */
must_check bool index_shape_is_dispensable(struct db *db, const char *table,
                                           const struct index_shape *shape, struct arena *arena,
                                           bool *ret, struct error *err);
