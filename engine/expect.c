/*
 * expect.c - where a request says the database is.
 */
#include "engine/expect.h"

static const char *rows_text(const version_rows *rows, struct arena *arena)
{
    return rows->count == 0 ? "no revision" : str_list_join(rows, ", ", arena);
}

bool expect_check(const struct run_request *request, const version_rows *rows, struct arena *arena,
                  struct error *err)
{
    version_rows expected = { 0 };

    if (!request->has_expect)
        return true;
    for (size_t i = 0; i < request->expect.count; i++)
        str_list_add(&expected, arena, request->expect.items[i]);
    str_list_sort(&expected);
    if (str_list_equal(&expected, rows))
        return true;
    error_set(err, ERR_PRECONDITION_FAILED, "the database is at %s, and %s was expected",
              rows_text(rows, arena), rows_text(&expected, arena));
    return error_hint(err, "Look at what moved it, then ask again with what you expect now.");
}
