/*
 * index_shape.c - indexes by their columns.
 */
#include "store/index_shape.h"

#include "store/stmt.h"

#include <strings.h>

static bool read_columns(struct db *db, const char *index, struct arena *arena,
                         struct index_shape *shape, struct error *err)
{
    static const char sql_columns[] = "SELECT name\n"
                                      "FROM pragma_index_info(:index, 'main')\n"
                                      "ORDER BY seqno";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(db, sql_columns, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":index", index);
    if (!stmt_step(&stmt, &has_row, err))
        return false;
    while (has_row) {
        const char *name = stmt_text(&stmt, 0, arena);

        if (name == NULL)
            shape->has_expression = true;
        else
            str_list_add(&shape->columns, arena, name);
        if (!stmt_step(&stmt, &has_row, err))
            return false;
    }
    return true;
}

bool index_shape_read(struct db *db, const char *table, const char *index, struct arena *arena,
                      struct index_shape *ret, struct error *err)
{
    static const char sql_index[] = "SELECT \"unique\", partial\n"
                                    "FROM pragma_index_list(:table, 'main')\n"
                                    "WHERE name = :index COLLATE NOCASE";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    *ret = (struct index_shape){ 0 };
    if (!stmt_prepare(db, sql_index, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":table", table);
    stmt_bind_text(&stmt, ":index", index);
    if (!stmt_step(&stmt, &has_row, err))
        return false;
    if (has_row) {
        ret->is_unique = stmt_i64(&stmt, 0) != 0;
        ret->is_partial = stmt_i64(&stmt, 1) != 0;
    }
    return read_columns(db, index, arena, ret, err);
}

static bool has_column(struct db *db, const char *table, const char *column, bool *ret,
                       struct error *err)
{
    static const char sql_column[] = "SELECT 1\n"
                                     "FROM pragma_table_xinfo(:table, 'main')\n"
                                     "WHERE name = :column COLLATE NOCASE";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(db, sql_column, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":table", table);
    stmt_bind_text(&stmt, ":column", column);
    return stmt_step(&stmt, ret, err);
}

static bool begins_with(const struct str_list *columns, const struct str_list *first)
{
    if (columns->count < first->count)
        return false;
    for (size_t i = 0; i < first->count; i++) {
        if (strcasecmp(columns->items[i], first->items[i]) != 0)
            return false;
    }
    return true;
}

/* A unique index is taken over only by one that forbids the same and no more. */
static bool covers(const struct index_shape *other, const struct index_shape *shape)
{
    if (other->is_partial || other->has_expression ||
        !begins_with(&other->columns, &shape->columns))
        return false;
    return !shape->is_unique || (other->is_unique && other->columns.count == shape->columns.count);
}

static bool is_covered(struct db *db, const char *table, const struct index_shape *shape,
                       struct arena *arena, bool *ret, struct error *err)
{
    static const char sql_indexes[] = "SELECT name\n"
                                      "FROM pragma_index_list(:table, 'main')";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    *ret = false;
    if (shape->is_partial || shape->has_expression)
        return true;
    if (!stmt_prepare(db, sql_indexes, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":table", table);
    if (!stmt_step(&stmt, &has_row, err))
        return false;
    while (has_row && !*ret) {
        struct index_shape other = { 0 };

        if (!index_shape_read(db, table, stmt_text(&stmt, 0, arena), arena, &other, err))
            return false;
        *ret = covers(&other, shape);
        if (!stmt_step(&stmt, &has_row, err))
            return false;
    }
    return true;
}

bool index_shape_is_dispensable(struct db *db, const char *table, const struct index_shape *shape,
                                struct arena *arena, bool *ret, struct error *err)
{
    bool has_all = true;

    for (size_t i = 0; i < shape->columns.count && has_all; i++) {
        if (!has_column(db, table, shape->columns.items[i], &has_all, err))
            return false;
    }
    *ret = !has_all;
    return !has_all || is_covered(db, table, shape, arena, ret, err);
}
