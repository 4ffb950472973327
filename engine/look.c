/*
 * look.c - one look at the database.
 */
#include "engine/look.h"

#include "store/version_table.h"

#include <errno.h>
#include <sys/stat.h>

bool look_exists(const char *database)
{
    struct stat st;

    return stat(database, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool look_read(struct db *db, const char *version_table, struct arena *arena, struct look *ret,
               struct error *err)
{
    struct look look = { .exists = true };

    if (!version_rows_read(db, version_table, arena, &look.rows, &look.has_version_table, err) ||
        !db_facts_read(db, &look.facts, err))
        return false;
    *ret = look;
    return true;
}

bool look_take(const struct engine_settings *settings, uint32_t busy_timeout_ms,
               struct arena *arena, struct look *ret, struct error *err)
{
    struct db_options options = { .access = DB_READ, .busy_timeout_ms = busy_timeout_ms };
    cleanup_db struct db *db = NULL;

    if (!look_exists(settings->database)) {
        *ret = (struct look){ 0 };
        return true;
    }
    return db_open(settings->database, &options, &db, err) &&
           look_read(db, settings->version_table, arena, ret, err);
}
