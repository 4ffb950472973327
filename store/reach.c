/*
 * reach.c - looking for what carries a change further.
 */
#include "store/reach.h"

#include "store/stmt.h"

bool reach_is_everywhere(struct db *db, const struct announcement *announcement, bool *ret,
                         struct error *err)
{
    static const char sql_carrier[] =
        "SELECT EXISTS (\n"
        "    SELECT 1\n"
        "    FROM main.sqlite_schema\n"
        "    WHERE type = 'trigger' OR sql LIKE '%CONFLICT%REPLACE%')";
    int64_t exists = 0;

    *ret = false;
    if (announcement->foreign_keys_on &&
        (announcement->changes_rows || announcement->drops_tables)) {
        *ret = true;
        return true;
    }
    if (!announcement->changes_rows)
        return true;
    if (!db_read_i64(db, sql_carrier, &exists, err))
        return false;
    *ret = exists != 0 || announcement->creates_trigger;
    return true;
}
